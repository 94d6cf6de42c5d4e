use super::{
    super::{Latency, Opened, OpenedSide, Request},
    found::{Caps, Found, HIGH, id},
};
use crate::{Error, ErrorKind, Result, SampleFormat};

/// The largest block that a stream may ask for.
const MAX_BLOCK: usize = 65_536;

/// How one direction of a device is run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    /// How the host knows the device.
    pub(super) key: String,
    /// Whether it plays; else it records.
    pub(super) plays: bool,
    pub(super) loopback: bool,
    pub(super) sample_rate: u32,
    /// Samples in a frame of the device.
    pub(super) device_channels: usize,
    /// Samples in a frame of the stream, no more than those of the device.
    pub(super) channels: usize,
    pub(super) device_format: SampleFormat,
    pub(super) format: SampleFormat,
    /// Frames of the device's buffer; `None` for the host's least.
    pub(super) buffer: Option<u32>,
    /// The stream's block; `None` where it varies.
    pub(super) block: Option<usize>,
    latency: f64,
}

impl Settings {
    /// What `found` is run with, so that `request` is met.
    pub(super) fn new(found: &Found, request: &Request) -> Result<Self> {
        let refused = |what: String| {
            Error::new(ErrorKind::UnsupportedConfig, format!("device `{}` {what}", request.id))
        };
        let invalid = |what: String| Error::new(ErrorKind::InvalidArgument, what);
        let (side, plays, caps) = match (request.playback, request.recording) {
            (Some(side), None) => (side, true, found.playback.as_ref()),
            (None, Some(side)) => (side, false, found.recording.as_ref()),
            (None, None) => {
                return Err(invalid("a stream plays, records or does both".to_owned()));
            }
            (Some(_), Some(_)) => {
                return Err(refused("is opened in one direction at a time".to_owned()));
            }
        };
        let Some(caps) = caps else {
            let advice = match plays {
                false if !found.loopback => {
                    ": choose an input, or what this one plays by its loopback device"
                }
                false => "",
                true => ": choose an output",
            };
            return Err(refused(format!("does not {}{advice}", if plays { "play" } else { "record" })));
        };
        let sample_rate = match request.sample_rate {
            Some(0) => return Err(invalid("rate: 0 is too few, use 1 or more".to_owned())),
            asked => asked.unwrap_or(caps.default_rate),
        };
        let format = side.format.unwrap_or_default();
        let Some(device_format) = device_format(caps, sample_rate, format) else {
            return Err(refused(format!("takes {} Hz, not {sample_rate}", rates(caps))));
        };
        let channels = match side.channels {
            Some(0) => return Err(invalid("channels: 0 is too few, use 1 or more".to_owned())),
            Some(asked) if asked > caps.channels => {
                return Err(refused(format!("has 1 to {} channels, not {asked}", caps.channels)));
            }
            asked => asked.unwrap_or(caps.channels),
        };
        let block = request.block_size.filter(|&block| block > 0);
        if let Some(block) = block.filter(|&block| block > MAX_BLOCK) {
            return Err(refused(format!("has blocks of 1 to {MAX_BLOCK} frames, not of {block}")));
        }
        let seconds = match request.latency {
            Latency::Low => None,
            Latency::High => Some(HIGH),
            Latency::Seconds(seconds) if seconds.is_finite() && seconds >= 0.0 => Some(seconds),
            Latency::Seconds(seconds) => {
                return Err(invalid(format!("latency: {seconds} is no number of seconds")));
            }
        };
        let buffer = caps.buffer.size(seconds, sample_rate);
        let latency = caps.buffer.latency(buffer, caps.default_rate, sample_rate);
        Ok(Self {
            key: found.key.clone(),
            plays,
            loopback: found.loopback,
            sample_rate,
            device_channels: caps.channels,
            channels,
            device_format,
            format,
            buffer,
            block,
            latency,
        })
    }

    /// The id of the device at `host`.
    pub(super) fn id(&self, host: &str) -> String {
        id(host, self.loopback, &self.key)
    }

    /// What the stream is told, of a device that is `found` at `host`.
    pub(super) fn opened(&self, found: &Found, host: &str) -> Opened {
        let side = OpenedSide { channels: self.channels, format: self.format, latency: self.latency };
        Opened {
            id: self.id(host),
            name: found.name.clone(),
            sample_rate: self.sample_rate,
            playback: Some(side).filter(|_| self.plays),
            recording: Some(side).filter(|_| !self.plays),
            block_size: self.block.unwrap_or(0),
            // One device has one clock, whichever way it is opened and whether by its loopback.
            clock: Some(format!("{host}:{}", self.key)),
        }
    }
}

/// The device's format at `rate` that holds most of `format`: the same one, else the widest.
fn device_format(caps: &Caps, rate: u32, format: SampleFormat) -> Option<SampleFormat> {
    let has = |wanted| caps.configs.iter().any(|(rates, format)| *format == wanted && rates.contains(&rate));
    // An int32 is more than a float32 holds.
    let widest = match format {
        SampleFormat::Int32 => [SampleFormat::Int32, SampleFormat::Float32],
        _ => [SampleFormat::Float32, SampleFormat::Int32],
    };
    [format].into_iter().chain(widest).chain(SampleFormat::ALL).find(|&format| has(format))
}

/// The rates that may be had, for people.
fn rates(caps: &Caps) -> String {
    let mut rates: Vec<_> = caps.configs.iter().map(|(rates, _)| (*rates.start(), *rates.end())).collect();
    rates.sort_unstable();
    rates.dedup();
    let shown = |&(low, high): &(u32, u32)| {
        if low == high { low.to_string() } else { format!("{low} to {high}") }
    };
    rates.iter().map(shown).collect::<Vec<_>>().join(", ")
}
