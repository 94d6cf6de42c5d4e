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
