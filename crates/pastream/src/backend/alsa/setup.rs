//! What a PCM can do, and the settings that it is opened with.

use std::{ffi::CString, ops::RangeInclusive};

use alsa::{
    Direction, PCM, ValueOr,
    pcm::{Access, Format, Frames, HwParams},
};

use super::line::{Line, Settings};
use crate::{
    Error, ErrorKind, Result, SampleFormat,
    backend::{Latency, Request},
};

/// Rates that are tried where a device takes some rates only.
const RATES: [u32; 19] = [
    5_512, 8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000,
    176_400, 192_000, 352_800, 384_000, 705_600, 768_000,
];

/// Seconds of a period, and periods of a buffer.
pub(super) const LOW: (f64, usize) = (0.005, 3);
pub(super) const HIGH: (f64, usize) = (0.04, 4);

/// Frames of a block, at most, as everywhere.
const MAX_BLOCK: usize = 65_536;

/// Frames of a period, at least: less is a wake-up for nothing.
const SHORTEST: f64 = 16.0;

/// Seconds of a buffer, at most: one that takes longer to move can't be told from one that hangs.
const LONGEST: f64 = 30.0;

/// What a PCM can do in one direction.
#[derive(Clone, Debug)]
pub(super) struct Abilities {
    pub(super) channels: RangeInclusive<u32>,
    pub(super) rates: Vec<RangeInclusive<u32>>,
    pub(super) formats: Vec<SampleFormat>,
    /// The card's number, where one card is all that is behind it.
    pub(super) card: Option<i32>,
}

/// Opens it, without waiting for who else has it.
///
/// # Errors
/// What libasound gave.
pub(super) fn open(pcm: &str, direction: Direction) -> alsa::Result<PCM> {
    let name = CString::new(pcm).map_err(|_| alsa::Error::new("snd_pcm_open", libc::ENOENT))?;
    let pcm = PCM::open(&name, direction, true);
    // Some calls give it with its sign.
    pcm.map_err(|error| alsa::Error::new(error.func(), error.errno().abs()))
}

/// What it can do before any setting is made.
pub(super) fn abilities(pcm: &PCM) -> alsa::Result<Abilities> {
    let params = params(pcm)?;
    let formats =
        SampleFormat::ALL.into_iter().filter(|&format| params.test_format(native(format)).is_ok()).collect();
    let card = pcm.info().ok().map(|info| info.get_card()).filter(|&card| card >= 0);
    Ok(Abilities { channels: channels(&params)?, rates: rates(&params)?, formats, card })
}

/// All that it can do, but for resampling: ours is better, and one that nobody asked for is none.
fn params(pcm: &PCM) -> alsa::Result<HwParams<'_>> {
    let params = HwParams::any(pcm)?;
    params.set_rate_resample(false)?;
    params.set_access(Access::RWInterleaved)?;
    Ok(params)
}

fn channels(params: &HwParams) -> alsa::Result<RangeInclusive<u32>> {
    Ok(params.get_channels_min()?..=params.get_channels_max()?)
}

fn rates(params: &HwParams) -> alsa::Result<Vec<RangeInclusive<u32>>> {
    let (min, mut max) = (params.get_rate_min()?, params.get_rate_max()?);
    if max == min + 1 && params.test_rate(max).is_err() {
        // The end of a range that leaves it out.
        max = min;
    }
    let within: Vec<_> = RATES.into_iter().filter(|rate| (min..=max).contains(rate)).collect();
    let taken: Vec<_> = within.iter().copied().filter(|&rate| params.test_rate(rate).is_ok()).collect();
    Ok(if taken.len() == within.len() && (min == max || !taken.is_empty()) {
        vec![min..=max]
    } else {
        let mut rates = vec![min];
        rates.extend(taken);
        rates.push(max);
        rates.dedup();
        rates.into_iter().map(|rate| rate..=rate).collect()
    })
}

fn native(format: SampleFormat) -> Format {
    match format {
        SampleFormat::Float32 => Format::float(),
        SampleFormat::Int32 => Format::s32(),
        SampleFormat::Int24 => Format::s24_3(),
        SampleFormat::Int16 => Format::s16(),
        SampleFormat::Int8 => Format::S8,
        SampleFormat::Uint8 => Format::U8,
    }
}

/// Formats that can stand in for `format`, the best first: those that hold all of it, the narrowest first, then what
/// loses least.
fn stand_ins(format: SampleFormat) -> [SampleFormat; 6] {
    use SampleFormat::{Float32, Int8, Int16, Int24, Int32, Uint8};
    match format {
        Float32 => [Float32, Int32, Int24, Int16, Int8, Uint8],
        Int32 => [Int32, Int24, Float32, Int16, Int8, Uint8],
        Int24 => [Int24, Int32, Float32, Int16, Int8, Uint8],
        Int16 => [Int16, Int24, Int32, Float32, Int8, Uint8],
        Int8 => [Int8, Uint8, Int16, Int24, Int32, Float32],
        Uint8 => [Uint8, Int8, Int16, Int24, Int32, Float32],
    }
}

/// What the device was set to.
pub(super) struct Setup {
    pub(super) line: Line,
    pub(super) channels: usize,
    pub(super) sample_rate: u32,
    /// Of the stream.
    pub(super) format: SampleFormat,
    /// Of the device.
    pub(super) device: SampleFormat,
    pub(super) card: Option<i32>,
}

/// Makes the settings that `request` asks for in its one direction.
///
/// # Errors
/// `UnsupportedConfig` with what the device takes.
pub(super) fn set_up(pcm: PCM, direction: Direction, request: &Request) -> Result<Setup> {
    let failed = |error: alsa::Error| {
        refused(request, &format!("can't be set up ({error}): try `alsa:plughw:…` in place of `alsa:hw:…`"))
    };
    if let Some(block) = request.block_size.filter(|&block| block > MAX_BLOCK) {
        return Err(refused(request, &format!("takes blocks of 1 to {MAX_BLOCK} frames, not of {block}")));
    }
    let side = request.playback.or(request.recording).unwrap_or_default();
    let abilities = abilities(&pcm).map_err(failed)?;
    let format = side.format.unwrap_or_default();
    // Words of 32 bits that hold 24 are taken where nothing else would do.
    let formats = stand_ins(format).into_iter().map(|format| (format, native(format)));
    let mut problem = None;
    for (device, native) in formats.chain([(SampleFormat::Int24, Format::s24())]) {
        let params = params(&pcm).map_err(failed)?;
        if params.set_format(native).is_err() {
            continue;
        }
        let channels = set_channels(&params, side.channels, request)?;
        let sample_rate = set_rate(&params, &abilities, request)?;
        set_blocks(&params, sample_rate, direction, request).map_err(failed)?;
        if let Err(error) = pcm.hw_params(&params) {
            // Plug-ins promise formats that they then can't convert.
            problem.get_or_insert(error);
            continue;
        }
        let period = params.get_period_size().map_err(failed)?;
        let buffer = params.get_buffer_size().map_err(failed)?;
        drop(params);
        let held = buffer as f64 / f64::from(sample_rate);
        if held > LONGEST {
            let what = format!(
                "would hold {held:.0} s at {sample_rate} Hz, more than {LONGEST}: ask for a higher rate or shorter blocks"
            );
            return Err(refused(request, &what));
        }
        set_wake_ups(&pcm, period, buffer).map_err(failed)?;
        let settings = Settings {
            direction,
            sample_rate,
            frame: channels * device.size(),
            period: period.max(1) as usize,
            buffer: buffer.max(1) as usize,
            padded: native == Format::s24(),
            silence: device.silence(),
        };
        let line = Line::new(pcm, settings);
        return Ok(Setup { line, channels, sample_rate, format, device, card: abilities.card });
    }
    Err(problem.map_or_else(|| refused(request, "takes no linear samples: try `alsa:plughw:…`"), failed))
}

fn set_channels(params: &HwParams, asked: Option<usize>, request: &Request) -> Result<usize> {
    let range = channels(params).map_err(|error| refused(request, &error.to_string()))?;
    let count = match asked.map(|asked| u32::try_from(asked).unwrap_or(u32::MAX)) {
        Some(0) => {
            return Err(Error::new(ErrorKind::InvalidArgument, "channels: 0 is too few, use 1 or more"));
        }
        Some(asked) => asked,
        None => 2.clamp(*range.start(), *range.end()),
    };
    params.set_channels(count).map_err(|_| {
        // Plug-ins take thousands; a card's steps are seen in its first ones.
        let (start, end) = (*range.start(), *range.end());
        let all = (start..=end.min(256)).all(|count| params.test_channels(count).is_ok());
        let taken: Vec<_> = if all {
            vec![start..=end]
        } else {
            range.filter(|&count| params.test_channels(count).is_ok()).map(|count| count..=count).collect()
        };
        refused(request, &format!("takes {} channels, not {count}", shown(&taken)))
    })?;
    Ok(count as usize)
}

fn set_rate(params: &HwParams, abilities: &Abilities, request: &Request) -> Result<u32> {
    if request.sample_rate == Some(0) {
        return Err(Error::new(ErrorKind::InvalidArgument, "rate: 0 is too few, use 1 or more"));
    }
    let rate = request.sample_rate.unwrap_or_else(|| default_rate(&abilities.rates));
    params.set_rate(rate, ValueOr::Nearest).map_err(|_| {
        let taken = rates(params).unwrap_or_default();
        refused(request, &format!("takes {} Hz, not {rate}", shown(&taken)))
    })?;
    Ok(rate)
}

/// Period and buffer as near to what is asked as the device can.
fn set_blocks(params: &HwParams, rate: u32, direction: Direction, request: &Request) -> alsa::Result<()> {
    let (period, periods) = match request.latency {
        Latency::Low => LOW,
        Latency::High => HIGH,
        Latency::Seconds(seconds) => {
            // A period is waited for while another is played; of what is recorded nothing waits but the period itself.
            let seconds = if seconds.is_finite() { seconds.clamp(0.0, 10.0) } else { HIGH.0 * 4.0 };
            if direction == Direction::Playback { (seconds / 3.0, 4) } else { (seconds, 4) }
        }
    };
    let period = (period * f64::from(rate)).round().max(SHORTEST);
    let buffer = period * periods as f64;
    let asked = request.block_size.filter(|&size| size > 0).map(|size| size as Frames);
    let exact = asked.filter(|&size| params.set_period_size(size, ValueOr::Nearest).is_ok());
    let period = match exact {
        Some(size) => size,
        None => params.set_period_size_near(
            asked.map_or(period as Frames, |size| size.max(SHORTEST as Frames)),
            ValueOr::Nearest,
        )?,
    };
    params.set_buffer_size_near((buffer.round() as Frames).max(3 * period))?;
    Ok(())
}

/// A wake-up for each period; started by hand or by a full buffer.
fn set_wake_ups(pcm: &PCM, period: Frames, buffer: Frames) -> alsa::Result<()> {
    let params = pcm.sw_params_current()?;
    params.set_avail_min(period)?;
    params.set_start_threshold(buffer)?;
    pcm.sw_params(&params)
}

/// The rate that a device has by itself.
pub(super) fn default_rate(rates: &[RangeInclusive<u32>]) -> u32 {
    let takes = |rate: &u32| rates.iter().any(|range| range.contains(rate));
    let usual = [48_000, 44_100, 96_000, 32_000, 16_000].into_iter().find(takes);
    usual.or_else(|| rates.last().map(|range| *range.end())).unwrap_or(48_000)
}

fn shown(ranges: &[RangeInclusive<u32>]) -> String {
    let one = |range: &RangeInclusive<u32>| {
        let (start, end) = (range.start(), range.end());
        if start == end { start.to_string() } else { format!("{start} to {end}") }
    };
    ranges.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn refused(request: &Request, what: &str) -> Error {
    Error::new(ErrorKind::UnsupportedConfig, format!("device `{}` {what}", request.id))
}
