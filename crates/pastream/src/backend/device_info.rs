use std::ops::RangeInclusive;

use crate::SampleFormat;

/// A device that can be opened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceInfo {
    /// What opens it, stable across runs: `virtual`, `alsa:hw:0`.
    pub id: String,
    /// The name that people know it by.
    pub name: String,
    /// The host it belongs to.
    pub host: String,
    /// 0 where it can't record.
    pub max_input_channels: usize,
    /// 0 where it can't play.
    pub max_output_channels: usize,
    /// In Hz.
    pub default_sample_rate: u32,
    /// Seconds.
    pub default_low_input_latency: f64,
    /// Seconds.
    pub default_low_output_latency: f64,
    /// Seconds.
    pub default_high_input_latency: f64,
    /// Seconds.
    pub default_high_output_latency: f64,
    /// Rates that it takes, in Hz; empty where the host doesn't tell.
    pub sample_rates: Vec<RangeInclusive<u32>>,
    /// Formats that it takes without conversion; empty where the host doesn't tell.
    pub formats: Vec<SampleFormat>,
    /// Whether the system records from it by default.
    pub is_default_input: bool,
    /// Whether the system plays to it by default.
    pub is_default_output: bool,
}

impl DeviceInfo {
    /// A device made of software, alone on its host: nothing lags, every rate and 256 channels will do.
    pub(super) fn of_software(host: &str, name: &str) -> Self {
        Self {
            id: host.to_owned(),
            name: name.to_owned(),
            host: host.to_owned(),
            max_input_channels: 256,
            max_output_channels: 256,
            default_sample_rate: 48_000,
            sample_rates: vec![1..=768_000],
            formats: SampleFormat::ALL.to_vec(),
            ..Self::default()
        }
    }
}
