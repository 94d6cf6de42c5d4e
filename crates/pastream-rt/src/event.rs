//! What the callback tells while it runs. Each event leaves through a bounded ring.

use bytemuck::{Pod, Zeroable};

use crate::Xruns;

/// Something that happened to the stream. All positions are in frames of the device's clock: what
/// [`Shared::frame_count`](crate::Shared::frame_count) was when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The device reported xruns.
    Xrun {
        /// The first frame of the block that told it.
        frame: u64,
        /// Which ones.
        flags: Xruns,
    },
    /// Frames without data: silence was played, or what was captured could not be kept. Told when it is over.
    Gap {
        /// Where the data was missing.
        side: Side,
        /// The index of the sink; 0 for playback.
        sink: u8,
        /// Where the gap began.
        frame: u64,
        /// Its length in frames.
        length: u64,
        /// Why.
        cause: GapCause,
    },
}

/// A direction of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Side {
    /// From a source to the device.
    Playback = 0,
    /// From the device to the sinks.
    Recording = 1,
}

/// Why there is a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum GapCause {
    /// The source was live and had nothing.
    Starved = 0,
    /// The sink's ring was full.
    Full = 1,
    /// The device clocked frames without asking for them.
    Xrun = 2,
}

/// Frames that one sink did not get, in the order of its data. Travels in the sink's gap ring.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct Gap {
    /// How many frames this sink got before: a reader that has read so many inserts the gap there.
    pub position: u64,
    /// Its length in frames.
    pub length: u64,
}

/// A gap that may still grow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenGap {
    frame: u64,
    length: u64,
    cause: GapCause,
}

impl OpenGap {
    /// Adds `length` frames from `frame` on. Answers the gap that this ends: one of another cause.
    pub(crate) fn grow(open: &mut Option<Self>, frame: u64, length: u64, cause: GapCause) -> Option<Self> {
        match open {
            Some(gap) if gap.cause == cause => {
                gap.length = gap.length.saturating_add(length);
                None
            }
            _ => open.replace(Self { frame, length, cause }),
        }
    }

    pub(crate) fn event(self, side: Side, sink: u8) -> Event {
        Event::Gap { side, sink, frame: self.frame, length: self.length, cause: self.cause }
    }
}
