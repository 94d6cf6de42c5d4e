//! What a stream is opened and started with.

use pastream_rt::{OnFull, OnStarved, Route};

use crate::{SampleFormat, backend::Latency};

/// What a stream is opened with. What is not set is up to the device.
#[derive(Clone, Debug)]
pub struct StreamConfig {
    /// The device's id or a part of its name, for each side that names none of its own.
    pub device: String,
    /// In Hz.
    pub sample_rate: Option<u32>,
    /// What is played; at least one of the two directions is.
    pub playback: Option<SideConfig>,
    /// What is recorded.
    pub recording: Option<SideConfig>,
    /// The callback's block in frames.
    pub block_size: Option<usize>,
    /// How far the device may lag behind.
    pub latency: Latency,
    /// What happens when a live source has too little.
    pub on_starved: OnStarved,
    /// What happens when a sink has no room.
    pub on_full: OnFull,
}

/// One direction.
#[derive(Clone, Debug, Default)]
pub struct SideConfig {
    /// Its own device's id or a part of its name.
    pub device: Option<String>,
    /// Channels of the device.
    pub channels: Option<usize>,
    /// The format of device and ring.
    pub format: Option<SampleFormat>,
    /// Which channel goes where; `None`: each to itself.
    pub routes: Option<Vec<Route>>,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            device: "default".to_owned(),
            sample_rate: None,
            playback: None,
            recording: None,
            block_size: None,
            latency: Latency::default(),
            on_starved: OnStarved::Silence,
            on_full: OnFull::Gap,
        }
    }
}

/// What one run is started with. Counts are frames of the stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run {
    /// How long; `None`: as long as the source, or for ever.
    pub frames: Option<u64>,
    /// Silence after the source; `None`: up to `frames`, or for ever.
    pub pad: Option<u64>,
    /// Frames to drop from the start of the recording.
    pub offset: u64,
    /// What to wait for before the device starts.
    pub prebuffer: Prebuffer,
    /// Drop the round trip from playback to recording off the start of the recording, and run longer by as much.
    pub align: bool,
}

/// What to wait for before the device starts. A source that ends is never waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prebuffer {
    /// Nothing.
    None,
    /// So many frames, at most the ring.
    Frames(usize),
    /// The whole ring.
    #[default]
    Full,
}
