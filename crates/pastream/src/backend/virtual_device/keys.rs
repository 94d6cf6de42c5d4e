use std::{ops::RangeInclusive, str::FromStr};

use super::fault::Fault;
use crate::{Error, ErrorKind, Result, SampleFormat};

/// The largest block in frames.
const MAX_BLOCK: usize = 65_536;

/// What paces a virtual device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// The wall clock.
    Real,
    /// The slowest source or sink.
    Free,
}

/// The keys of a virtual device's id.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Keys {
    pub(super) loop_back: bool,
    pub(super) delay: usize,
    pub(super) clock: Clock,
    pub(super) rate: Option<u32>,
    pub(super) channels: Option<usize>,
    pub(super) format: Option<SampleFormat>,
    pub(super) block: Option<RangeInclusive<usize>>,
    /// Parts per million.
    pub(super) drift: f64,
    pub(super) seed: u64,
    pub(super) faults: Vec<Fault>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            loop_back: true,
            delay: 0,
            clock: Clock::Real,
            rate: None,
            channels: None,
            format: None,
            block: None,
            drift: 0.0,
            seed: 1,
            faults: Vec::new(),
        }
    }
}

impl FromStr for Keys {
    type Err = Error;

    /// Reads `key=value[:key=value]…`.
    fn from_str(text: &str) -> Result<Self> {
        let mut keys = Self::default();
        let mut seen = Vec::new();
        for part in text.split(':') {
            let (key, value) = part.split_once('=').ok_or_else(|| {
                invalid(&format!("`{part}` is not `key=value`, as in `virtual:clock=free:rate=48000`"))
            })?;
            if key != "fault" && seen.contains(&key) {
                return Err(invalid(&format!("`{key}` is given twice")));
            }
            seen.push(key);
            keys.set(key, value)?;
        }
        Ok(keys)
    }
}

impl Keys {
    /// Of a device that captures silence.
    pub(in super::super) fn without_loop() -> Self {
        Self { loop_back: false, ..Self::default() }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let allowed = match key {
            "loop" => put(&mut self.loop_back, choice(value, [("on", true), ("off", false)]), "on or off"),
            "delay" => put(&mut self.delay, number(value, 0..=1 << 24), "0 to 16777216 frames"),
            "clock" => put(
                &mut self.clock,
                choice(value, [("real", Clock::Real), ("free", Clock::Free)]),
                "real or free",
            ),
            "rate" => put(&mut self.rate, number(value, 1..=768_000).map(Some), "1 to 768000 Hz"),
            "channels" => put(&mut self.channels, number(value, 1..=256).map(Some), "1 to 256"),
            "format" => put(
                &mut self.format,
                value.parse().ok().map(Some),
                "float32, int32, int24, int16, int8 or uint8",
            ),
            "block" => put(
                &mut self.block,
                block(value).map(Some),
                "1 to 65536 frames, or a range of them as in 64..512",
            ),
            "drift" => put(
                &mut self.drift,
                number(value, -10_000.0..=10_000.0),
                "-10000 to 10000 parts per million",
            ),
            "seed" => put(&mut self.seed, number(value, 0..=u64::MAX), "a whole number, 0 or more"),
            "fault" => value.parse().map(|fault| self.faults.push(fault)).map_err(|()| {
                "xrun@SECONDS[+SECONDS], stall@SECONDS+SECONDS, lost@SECONDS or jitter@SECONDS[+SECONDS]"
            }),
            _ => {
                return Err(invalid(&format!(
                    "there is no key `{key}`: use loop, delay, clock, rate, channels, format, block, drift, \
                     seed or fault"
                )));
            }
        };
        allowed.map_err(|allowed| invalid(&format!("`{key}={value}` can't be: {key} is {allowed}")))
    }
}

fn invalid(problem: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("virtual device: {problem}"))
}

/// Puts a value that could be read in its place, or gives back what is allowed.
fn put<T>(place: &mut T, value: Option<T>, allowed: &'static str) -> Result<(), &'static str> {
    *place = value.ok_or(allowed)?;
    Ok(())
}

fn choice<T, const N: usize>(value: &str, choices: [(&str, T); N]) -> Option<T> {
    choices.into_iter().find_map(|(name, choice)| (name == value).then_some(choice))
}

fn number<T: FromStr + PartialOrd>(value: &str, range: RangeInclusive<T>) -> Option<T> {
    value.parse().ok().filter(|number| range.contains(number))
}

fn block(value: &str) -> Option<RangeInclusive<usize>> {
    let (low, high) = value.split_once("..").unwrap_or((value, value));
    let low = number(low, 1..=MAX_BLOCK)?;
    Some(low..=number(high, low..=MAX_BLOCK)?)
}
