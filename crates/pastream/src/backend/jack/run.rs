use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering::Relaxed,
    time::Instant,
};

use jack::{AudioIn, AudioOut, Port, ProcessScope};
use pastream_rt::{Block, Flow, Missing, Times, Xruns};

use super::state::State;
use crate::backend::{Opened, OpenedSide, Process, memory::filled};

/// Frames of the longest period that a server may have, or change to.
pub(super) const MAX_PERIOD: usize = 8192;

/// One run of a device, as JACK's process thread works on it.
///
/// Everything that it needs is allocated and touched by [`Run::new`], off that thread.
pub(super) struct Run {
    process: Box<dyn Process>,
    /// Interleaved.
    output: Vec<f32>,
    /// Interleaved.
    input: Vec<f32>,
    phase: Phase,
    /// Frames for which the output has to have been silent before the first block.
    quiet: u64,
    /// The server's frame time at which the next cycle is due.
    due: Option<u32>,
    /// Frames clocked before this cycle.
    position: u64,
    /// What an xrun looks like with the directions that are open.
    xrun: Xruns,
    /// Frames between the callback and the air.
    lag: [u32; 2],
    rate: f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// The last block is given; so many frames of it have not left yet.
    Draining(u64),
    Ended,
}

impl Run {
    /// A run of `process` from frame 0. `lag`: the frames between callback and air, of playback and recording.
    pub(super) fn new(process: Box<dyn Process>, opened: &Opened, lag: [u32; 2]) -> Self {
        let samples =
            |side: Option<OpenedSide>| filled(side.map_or(0, |side| side.channels) * MAX_PERIOD, 0.0);
        let mut xrun = Xruns::NONE;
        if opened.playback.is_some() {
            xrun |= Xruns::OUTPUT_UNDERFLOW;
        }
        if opened.recording.is_some() {
            xrun |= Xruns::INPUT_OVERFLOW;
        }
        Self {
            process,
            output: samples(opened.playback),
            input: samples(opened.recording),
            phase: Phase::Running,
            quiet: u64::from(lag[0]) + u64::from(lag[1]),
            due: None,
            position: 0,
            xrun,
            lag,
            rate: f64::from(opened.sample_rate),
        }
    }

    /// Works on one cycle, before which the output was silent for `quiet` frames. Answers whether the output is filled.
    ///
    /// Realtime-safe.
    pub(super) fn cycle(
        &mut self,
        state: &State,
        scope: &ProcessScope,
        outputs: &mut [Port<AudioOut>],
        inputs: &[Port<AudioIn>],
        quiet: u64,
    ) -> bool {
        let frames = scope.n_frames() as usize;
        match self.phase {
            Phase::Ended => return false,
            Phase::Draining(left) => {
                match left.checked_sub(frames as u64).filter(|&left| left > 0) {
                    Some(left) => self.phase = Phase::Draining(left),
                    None => self.end(state),
                }
                return false;
            }
            Phase::Running if self.due.is_none() && quiet < self.quiet => return false,
            Phase::Running => {}
        }
        if frames > MAX_PERIOD {
            self.lose();
            state.lost();
            state.end();
            return false;
        }
        for (channel, port) in inputs.iter().enumerate() {
            let samples = self.input.iter_mut().skip(channel).step_by(inputs.len());
            for (sample, value) in samples.zip(port.as_slice(scope)) {
                *sample = *value;
            }
        }
        let began = Instant::now();
        let flow = self.block(state, scope, frames, outputs.len(), inputs.len());
        state.load.note(began.elapsed().as_secs_f64(), frames as f64 / self.rate);
        let count = outputs.len();
        for (channel, port) in outputs.iter_mut().enumerate() {
            let samples = self.output.iter().skip(channel).step_by(count);
            for (value, sample) in port.as_mut_slice(scope).iter_mut().zip(samples) {
                *value = if flow == Flow::Abort { 0.0 } else { *sample };
            }
        }
        self.position += frames as u64;
        state.position.store(self.position, Relaxed);
        match flow {
            Flow::Continue => {}
            Flow::Complete if count > 0 => {
                // What is left after this cycle: it and what lies behind the port.
                self.phase = Phase::Draining(u64::from(self.lag[0]).max(frames as u64));
            }
            Flow::Complete | Flow::Abort => self.end(state),
        }
        true
    }

    /// Gives the process one block.
    fn block(
        &mut self,
        state: &State,
        scope: &ProcessScope,
        frames: usize,
        outputs: usize,
        inputs: usize,
    ) -> Flow {
        let now = scope.last_frame_time();
        // The counter wraps; where it went back, it began anew.
        let skipped = self.due.map_or(0, |due| now.wrapping_sub(due).cast_signed().max(0)).cast_unsigned();
        let told = state.xrun.swap(false, Relaxed);
        // What went wrong before the first block is none of the run's.
        let xrun = skipped > 0 || told && self.due.is_some();
        self.due = Some(now.wrapping_add(frames as u32));
        self.position += u64::from(skipped);
        state.position.store(self.position, Relaxed);
        let at = |frames: f64| (self.position as f64 + frames) / self.rate;
        let times = Times {
            input: at(-f64::from(self.lag[1])),
            current: at(f64::from(scope.frames_since_cycle_start())),
            output: at(f64::from(self.lag[0])),
        };
        let block = Block {
            output: bytemuck::cast_slice_mut(&mut self.output[..outputs * frames]),
            input: bytemuck::cast_slice(&self.input[..inputs * frames]),
            frames,
            xruns: if xrun { self.xrun } else { Xruns::NONE },
            skipped: u64::from(skipped),
            missing: Missing::None,
            times,
        };
        let process = &mut self.process;
        catch_unwind(AssertUnwindSafe(|| process.process(block, None))).unwrap_or_else(|_| {
            // A panic ends the run like a lost device.
            self.tell_lost();
            Flow::Abort
        })
    }

    fn end(&mut self, state: &State) {
        self.phase = Phase::Ended;
        state.end();
    }

    /// The device is gone. Does nothing to a run that has ended or only plays out.
    ///
    /// Realtime-safe.
    pub(super) fn lose(&mut self) {
        if self.phase == Phase::Running {
            self.tell_lost();
        }
        self.phase = Phase::Ended;
    }

    fn tell_lost(&mut self) {
        let process = &mut self.process;
        // The hook has told of a panic; nothing else is to be done about it.
        let _ = catch_unwind(AssertUnwindSafe(|| process.device_lost()));
    }
}
