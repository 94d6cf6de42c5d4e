use crate::SampleFormat;

/// What a stream asks a device for. What is not asked is up to the device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The device's whole id, `virtual:clock=free`.
    pub id: String,
    /// The whole id of the device that records, where it is another than the one that plays.
    pub recording_id: Option<String>,
    /// In Hz.
    pub sample_rate: Option<u32>,
    /// What is played; at least one of the two directions is asked for.
    pub playback: Option<Side>,
    /// What is recorded.
    pub recording: Option<Side>,
    /// The callback's block in frames; 0 leaves it to the device too.
    pub block_size: Option<usize>,
    /// How far the device may lag behind.
    pub latency: Latency,
}

/// What is asked of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Samples in a frame.
    pub channels: Option<usize>,
    /// How a sample lies in memory.
    pub format: Option<SampleFormat>,
}

/// How far a device may lag behind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Latency {
    /// As little as runs safely: for playing live.
    Low,
    /// As much as makes an xrun unlikely: for files.
    #[default]
    High,
    /// About so many seconds.
    Seconds(f64),
}
