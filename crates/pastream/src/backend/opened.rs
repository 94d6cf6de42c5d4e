use std::time::Duration;

use crate::SampleFormat;

/// What a device was really opened with.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The id that opens it again.
    pub id: String,
    /// The name that people know it by.
    pub name: String,
    /// In Hz.
    pub sample_rate: u32,
    /// What is played, if the direction is open.
    pub playback: Option<OpenedSide>,
    /// What is recorded, if the direction is open.
    pub recording: Option<OpenedSide>,
    /// The callback's block in frames; 0 where it varies.
    pub block_size: usize,
    /// What paces it: devices with the same clock never drift apart. `None`: a clock of its own.
    pub clock: Option<String>,
}

/// What two devices are called together, which may be one.
pub(super) fn joined(one: &str, other: &str, between: &str) -> String {
    if one == other { one.to_owned() } else { format!("{one}{between}{other}") }
}

impl Opened {
    /// What a device may have in hand before it calls again.
    pub(crate) fn longest(&self) -> Duration {
        let block = self.block_size as f64 / f64::from(self.sample_rate.max(1));
        let latency = [self.playback, self.recording].into_iter().flatten().map(|side| side.latency);
        Duration::try_from_secs_f64(latency.fold(block, f64::max)).unwrap_or(Duration::from_secs(60))
    }
}

/// One open direction of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpenedSide {
    /// Samples in a frame.
    pub channels: usize,
    /// How a sample lies in memory.
    pub format: SampleFormat,
    /// Seconds between the callback and the air.
    pub latency: f64,
}

/// How what is recorded lies to what is played: a frame that is captured while frame `n` leaves the device is delivered
/// as frame `n + offset_frames`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alignment {
    /// Frames from playback to recording.
    pub offset_frames: f64,
    /// Standard deviation of what the offset was measured from, in frames: 0 where it is exact.
    pub jitter_frames: f64,
    /// Parts per million by which the capture clock is faster than the playback clock: 0 where it is the same.
    pub drift_ppm: f64,
    /// How the two directions are kept together.
    pub method: AlignmentMethod,
}

/// How two directions are kept together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlignmentMethod {
    /// One callback serves both: exact.
    Callback,
    /// Two streams of one clock, put in line once by their timestamps; bytes pass unaltered.
    Timestamps,
    /// Two clocks: the recording is resampled to the clock of the playback.
    Resampler,
}

impl AlignmentMethod {
    /// The method's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Callback => "callback",
            Self::Timestamps => "timestamps",
            Self::Resampler => "resampler",
        }
    }
}
