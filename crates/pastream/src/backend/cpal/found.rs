use std::ops::RangeInclusive;

use super::super::DeviceInfo;
use crate::SampleFormat;

/// The id of the device that `host` knows by `key`, or of the one that captures what that plays.
pub(super) fn id(host: &str, loopback: bool, key: &str) -> String {
    format!("{host}:{}{key}", if loopback { "loopback:" } else { "" })
}

/// A device as its host describes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// How the host knows it.
    pub(super) key: String,
    pub(super) name: String,
    /// Whether this one captures what the device plays.
    pub(super) loopback: bool,
    pub(super) playback: Option<Caps>,
    pub(super) recording: Option<Caps>,
    pub(super) is_default_output: bool,
    pub(super) is_default_input: bool,
}

/// What one direction of a device takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Caps {
    pub(super) channels: usize,
    pub(super) default_rate: u32,
    /// Rates in Hz, with a format that may be had at each of them.
    pub(super) configs: Vec<(RangeInclusive<u32>, SampleFormat)>,
    pub(super) buffer: Buffer,
}

/// What the device's buffer may be, in frames at the default rate.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Buffer {
    /// The host calls in periods of so many frames, whatever the buffer.
    Period(u32),
    /// The host calls for as many frames as were asked for.
    Block(RangeInclusive<u32>),
}

impl Buffer {
    /// Frames to ask for at `rate`, `None` for the host's least, so that a frame lags by about `seconds`.
    pub(super) fn size(&self, seconds: Option<f64>, rate: u32) -> Option<u32> {
        match (self, seconds) {
            (Self::Period(_), None) => None,
            (Self::Period(_), Some(seconds)) => Some(frames(seconds, rate).clamp(1, MAX_BUFFER)),
            (Self::Block(sizes), seconds) => {
                // Beside the block that is worked on another waits.
                let wanted = seconds.map_or(LOW_BLOCK, |seconds| frames(seconds / 2.0, rate));
                Some(wanted.clamp(*sizes.start(), *sizes.end()))
            }
        }
    }

    /// Seconds that a frame lags with a buffer of `size`.
    pub(super) fn latency(&self, size: Option<u32>, default_rate: u32, rate: u32) -> f64 {
        match (self, size) {
            (Self::Period(period), None) => 2.0 * f64::from(*period) / f64::from(default_rate),
            (Self::Period(period), Some(size)) => {
                (f64::from(size) / f64::from(rate)).max(2.0 * f64::from(*period) / f64::from(default_rate))
            }
            (Self::Block(_), size) => 2.0 * f64::from(size.unwrap_or(LOW_BLOCK)) / f64::from(rate),
        }
    }
}

/// The block of a low latency where the host calls for what is asked.
const LOW_BLOCK: u32 = 256;
/// The most frames that a buffer is asked to hold.
const MAX_BUFFER: u32 = 1 << 20;
/// Seconds of a high latency.
pub(super) const HIGH: f64 = 0.1;

fn frames(seconds: f64, rate: u32) -> u32 {
    (seconds * f64::from(rate)).round() as u32
}

impl Caps {
    /// Seconds of the low and of the high latency.
    fn latencies(&self) -> (f64, f64) {
        let of = |seconds| {
            let size = self.buffer.size(seconds, self.default_rate);
            self.buffer.latency(size, self.default_rate, self.default_rate)
        };
        (of(None), of(Some(HIGH)))
    }
}

impl Found {
    /// The id of the device at `host`.
    pub(super) fn id(&self, host: &str) -> String {
        id(host, self.loopback, &self.key)
    }

    /// What puts the devices in order.
    pub(super) fn rank(&self) -> (bool, bool, bool, &str, &str) {
        (self.loopback, !self.is_default_output, !self.is_default_input, &self.name, &self.key)
    }

    pub(super) fn info(&self, host: &str) -> DeviceInfo {
        let (recording, playback) = (self.recording.as_ref(), self.playback.as_ref());
        let both = || playback.iter().chain(&recording).copied();
        let mut sample_rates: Vec<_> =
            both().flat_map(|caps| &caps.configs).map(|(rates, _)| rates.clone()).collect();
        sample_rates.sort_by_key(|rates| (*rates.start(), *rates.end()));
        sample_rates.dedup();
        let has = |format| both().any(|caps| caps.configs.iter().any(|(_, has)| *has == format));
        let latencies = |caps: Option<&Caps>| caps.map_or((0.0, 0.0), Caps::latencies);
        let (low_input, high_input) = latencies(recording);
        let (low_output, high_output) = latencies(playback);
        DeviceInfo {
            id: self.id(host),
            name: self.name.clone(),
            host: host.to_owned(),
            max_input_channels: recording.map_or(0, |caps| caps.channels),
            max_output_channels: playback.map_or(0, |caps| caps.channels),
            default_sample_rate: both().next().map_or(0, |caps| caps.default_rate),
            default_low_input_latency: low_input,
            default_low_output_latency: low_output,
            default_high_input_latency: high_input,
            default_high_output_latency: high_output,
            sample_rates,
            formats: SampleFormat::ALL.into_iter().filter(|&format| has(format)).collect(),
            is_default_input: self.is_default_input,
            is_default_output: self.is_default_output,
        }
    }
}
