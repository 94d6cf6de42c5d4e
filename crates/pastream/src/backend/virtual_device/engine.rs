use std::ops::RangeInclusive;

use fastrand::Rng;
use pastream_rt::{Block, Flow, Missing, Times, Wire, Xruns};

use super::{
    fault::{FaultKind, Scheduled},
    keys::Keys,
    line::{End, Line},
};
use crate::{
    Result,
    backend::{Opened, OpenedSide, Process, memory::filled},
};

/// What the device does next.
pub(super) enum Plan {
    /// A block of at most so many frames. 0 where nothing but lost frames is to be told.
    Block(Next),
    /// It gets unplugged.
    Lost,
}

/// The next block.
pub(super) struct Next {
    pub(super) frames: usize,
    skipped: u64,
    xruns: Xruns,
    /// Seconds that the callback comes late.
    pub(super) late: f64,
}

/// One run of a virtual device without its clock: what it plays into, captures and suffers.
pub(super) struct Engine {
    rate: f64,
    blocks: RangeInclusive<usize>,
    block_random: Rng,
    /// Of its own, so that a jitter changes no block's size.
    jitter_random: Rng,
    faults: Vec<Scheduled>,
    /// The frame at which the device is lost.
    lost: u64,
    /// What an xrun looks like with the directions that are open.
    xrun: Xruns,
    played: Option<End>,
    /// Words, so that every format is aligned.
    output: Vec<u64>,
    /// The input where there is no line.
    input: Vec<u64>,
    captured_size: usize,
    line: Option<Line>,
    /// Seconds from playback to capture.
    round_trip: f64,
    /// Frames from the callback to the air.
    delay: u64,
    /// Frames clocked.
    position: u64,
}

impl Engine {
    /// A run that begins at frame 0. Everything that it will need is allocated and touched here.
    pub(super) fn new(keys: &Keys, opened: &Opened, blocks: RangeInclusive<usize>) -> Result<Self> {
        let rate = f64::from(opened.sample_rate);
        let max = *blocks.end();
        let end = |side: OpenedSide| End { channels: side.channels, format: side.format };
        let (played, captured) = (opened.playback.map(end), opened.recording.map(end));
        let line = match (played, captured) {
            (Some(played), Some(captured)) if keys.loop_back => {
                Some(Line::new(played, captured, keys.delay, keys.drift, max)?)
            }
            _ => None,
        };
        let mut xrun = Xruns::NONE;
        if played.is_some() {
            xrun |= Xruns::OUTPUT_UNDERFLOW;
        }
        if captured.is_some() {
            xrun |= Xruns::INPUT_OVERFLOW;
        }
        let faults: Vec<_> = keys.faults.iter().map(|fault| Scheduled::new(fault, rate)).collect();
        let lost = faults.iter().filter(|fault| fault.kind == FaultKind::Lost).map(|fault| fault.at).min();
        Ok(Self {
            rate,
            blocks,
            block_random: Rng::with_seed(keys.seed),
            jitter_random: Rng::with_seed(!keys.seed),
            lost: lost.unwrap_or(u64::MAX),
            faults,
            xrun,
            played,
            output: silent(played, max),
            input: silent(captured.filter(|_| line.is_none()), max),
            captured_size: captured.map_or(0, End::frame_size),
            round_trip: line.as_ref().map_or(0, Line::lag) as f64 / rate,
            line,
            delay: if played.is_some() { keys.delay as u64 } else { 0 },
            position: 0,
        })
    }

    /// Seconds of the device's clock.
    pub(super) fn time(&self) -> f64 {
        self.position as f64 / self.rate
    }

    /// When the last frame has left the device; or when the device is lost, where that comes before.
    pub(super) fn end(&self) -> (f64, bool) {
        let end = self.position + self.delay;
        (self.lost.min(end) as f64 / self.rate, self.lost < end)
    }

    /// Frames from playback to capture.
    pub(super) fn round_trip(&self) -> f64 {
        self.line.as_ref().map_or(0, Line::lag) as f64
    }

    /// Frames clocked.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Seconds that `frames` take.
    pub(super) fn seconds(&self, frames: usize) -> f64 {
        frames as f64 / self.rate
    }

    /// What comes next. The frames of a stall are clocked here.
    ///
    /// Realtime-safe.
    pub(super) fn plan(&mut self) -> Plan {
        if self.position >= self.lost {
            return Plan::Lost;
        }
        let mut next = Next {
            frames: self.block_random.usize(self.blocks.clone()),
            skipped: 0,
            xruns: self.line.as_mut().map_or(Xruns::NONE, Line::take_xruns),
            late: 0.0,
        };
        for index in 0..self.faults.len() {
            let fault = &mut self.faults[index];
            if !fault.holds(self.position) {
                continue;
            }
            match fault.kind {
                FaultKind::Xrun => next.xruns |= self.xrun,
                FaultKind::Stall => {
                    let length = fault.length.min(self.lost - self.position);
                    next.xruns |= self.xrun;
                    next.skipped += length;
                    self.stall(length);
                }
                FaultKind::Jitter => {
                    next.late = self.jitter_random.f64() * next.frames as f64 / self.rate;
                }
                // Looked after by `lost`.
                FaultKind::Lost => {}
            }
        }
        next.frames = next.frames.min(usize::try_from(self.lost - self.position).unwrap_or(usize::MAX));
        Plan::Block(next)
    }

    /// Runs the block that was planned.
    ///
    /// Realtime-safe.
    pub(super) fn run(&mut self, next: &Next, process: &mut dyn Process) -> Flow {
        let output = self.played.map_or(0, |end| end.frame_size() * next.frames);
        let input = if self.line.is_some() { 0 } else { self.captured_size * next.frames };
        let time = self.time();
        let block = Block {
            output: &mut bytemuck::cast_slice_mut(&mut self.output)[..output],
            input: &bytemuck::cast_slice(&self.input)[..input],
            frames: next.frames,
            xruns: next.xruns,
            skipped: next.skipped,
            missing: Missing::None,
            times: Times { input: time, current: time + next.late, output: time + self.round_trip },
        };
        let flow = process.process(block, self.line.as_mut().map(|line| line as &mut dyn Wire));
        self.position += next.frames as u64;
        flow
    }

    /// Clocks `frames` with silence going out and nobody taking what comes in.
    fn stall(&mut self, frames: u64) {
        self.position += frames;
        let (Some(played), Some(line)) = (self.played, self.line.as_mut()) else { return };
        let output: &mut [u8] = bytemuck::cast_slice_mut(&mut self.output);
        output.fill(played.format.silence());
        let mut left = frames;
        while left > 0 {
            let block = left.min(*self.blocks.end() as u64);
            line.turn(&output[..block as usize * played.frame_size()]);
            left -= block;
        }
    }
}

/// Silence of `frames`, every page of it written.
fn silent(end: Option<End>, frames: usize) -> Vec<u64> {
    let Some(end) = end else { return Vec::new() };
    let word = u64::from_ne_bytes([end.format.silence(); 8]);
    filled((end.frame_size() * frames).div_ceil(8), word)
}
