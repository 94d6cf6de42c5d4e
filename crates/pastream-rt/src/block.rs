//! What a device hands to the callback, and what it gets back.

use core::ops::{BitOr, BitOrAssign};

use crate::Sample;

/// One period of a device, both directions at once.
pub struct Block<'a> {
    /// Where to put what is played: frames × playback channels, interleaved. Empty where nothing is played.
    pub output: &'a mut [u8],
    /// What was captured: frames × recording channels, interleaved. Empty where nothing is recorded, or where a
    /// [`Wire`](crate::Wire) brings it.
    pub input: &'a [u8],
    /// The length of the block in frames.
    pub frames: usize,
    /// What the device says went wrong since the last block.
    pub xruns: Xruns,
    /// Frames the device clocked since the last block without asking for them: lost in both directions.
    pub skipped: u64,
    /// The side that the device lost for the whole block while the other went on; its slice is empty then.
    pub missing: Missing,
    /// When the block happens.
    pub times: Times,
}

/// A side of a block that the device lost while the other went on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// Neither.
    #[default]
    None,
    /// What was played in this time was something else: a gap of the playback.
    Output,
    /// What was captured in this time is lost: a gap of the recording.
    Input,
}

/// When a block happens, in seconds of the device's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    /// When the first frame of the input reached the device.
    pub input: f64,
    /// When the callback was called.
    pub current: f64,
    /// When the first frame of the output leaves the device.
    pub output: f64,
}

/// Whether `bytes` are `frames` × `channels` samples and lie where samples may. No samples may lie anywhere.
pub(crate) fn holds<S: Sample>(bytes: &[u8], frames: usize, channels: usize) -> bool {
    frames.checked_mul(channels) == Some(bytes.len() / size_of::<S>())
        && (bytes.is_empty() || bytemuck::try_cast_slice::<u8, S>(bytes).is_ok())
}

/// What the callback wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Call again with the next block.
    Continue,
    /// This was the last block: play out what the device holds, then stop.
    Complete,
    /// Stop at once.
    Abort,
}

/// A set of the four kinds of xrun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Xruns(u8);

impl Xruns {
    /// No xrun.
    pub const NONE: Self = Self(0);
    /// The device had no input in time: zeros stand in for it.
    pub const INPUT_UNDERFLOW: Self = Self(1);
    /// Input was thrown away because nobody took it in time.
    pub const INPUT_OVERFLOW: Self = Self(2);
    /// The device ran out of output and played something else.
    pub const OUTPUT_UNDERFLOW: Self = Self(4);
    /// Output was thrown away because the device had no room for it.
    pub const OUTPUT_OVERFLOW: Self = Self(8);
    /// The four kinds, in the order of their bits and of their counters.
    pub const KINDS: [Self; 4] =
        [Self::INPUT_UNDERFLOW, Self::INPUT_OVERFLOW, Self::OUTPUT_UNDERFLOW, Self::OUTPUT_OVERFLOW];

    /// The set whose bits are the low four of `bits`.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 15)
    }

    /// The set as bits, the first of [`Self::KINDS`] lowest.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether there was none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `kinds` are in the set.
    #[must_use]
    pub const fn contains(self, kinds: Self) -> bool {
        self.0 & kinds.0 == kinds.0
    }
}

impl BitOr for Xruns {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Xruns {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
