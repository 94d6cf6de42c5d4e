use std::sync::Arc;

use pastream_rt::{Block, Flow, Missing, Times, Wire, Xruns};
use ringbuf::{HeapCons, traits::Consumer};

use super::{
    clock::Clock,
    feed::{Feed, Part},
    line::{Line, Observation, Observer},
    queue::Outlet,
    shared::Shared,
    start::{Decision, Plan, Start},
    steering::Steering,
};
use crate::backend::{Alignment, AlignmentMethod, Process};

/// What the playback device calls: the stream's clock. Plays silence until it knows how the clocks lie to each other, then
/// the stream.
pub(super) struct Player {
    pub(super) process: Box<dyn Process>,
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Observer,
    pub(super) observations: HeapCons<Observation>,
    pub(super) outlet: Outlet,
    pub(super) feed: Feed,
    pub(super) start: Start,
    pub(super) run: Option<Run>,
    /// Frames that the queue keeps before the run.
    pub(super) keep: usize,
    /// Bytes.
    pub(super) frame: usize,
    /// The byte that silence is made of.
    pub(super) silence: u8,
    /// Frames by which the stream plays later than this, in whole blocks of its own.
    pub(super) delay: usize,
    /// Not told yet.
    pub(super) xruns: Xruns,
    pub(super) skipped: u64,
    pub(super) ended: Option<Flow>,
}

/// From frame 0 on.
pub(super) struct Run {
    playback: Line,
    recording: Line,
    steering: Steering,
    /// Frames from playback to recording.
    offset: f64,
    /// When the callback of frame 0 was called, by the playback device's times.
    base: f64,
}

/// A part of a block, told to the stream as one.
#[derive(Clone, Copy)]
struct Told {
    frames: usize,
    there: bool,
    /// Seconds from the block's beginning.
    after: f64,
}

impl Player {
    fn rate(&self) -> f64 {
        self.start.rate
    }

    /// Looks at both devices until the run can begin.
    fn wait(&mut self, now: f64, seen: Option<Observation>, index: u64, frames: usize, times: Times) -> Flow {
        while let Some(recorded) = self.observations.try_pop() {
            self.start.recording.add(recorded);
        }
        if let Some(seen) = seen {
            self.start.playback.add(seen);
        }
        self.outlet.shrink(self.keep);
        match self.start.decide(now, index, frames, &mut self.outlet) {
            Decision::Wait => {}
            Decision::Begin(plan) => self.begin(plan, index, times),
            Decision::Lost => return self.lose(),
        }
        Flow::Continue
    }

    /// Makes frame `index` of the playback clock frame 0 of the stream.
    fn begin(&mut self, plan: Plan, index: u64, times: Times) {
        let mut run = Run {
            playback: plan.playback,
            recording: plan.recording,
            steering: Steering::new(plan.playback.period / plan.recording.period, self.start.rate),
            offset: plan.target,
            base: times.current,
        };
        let (origin, frames) = run.target(index);
        match &mut self.feed {
            Feed::Direct(direct) => {
                let whole = frames.round();
                direct.next = origin.saturating_add_signed(whole as i64);
                let rest = frames - whole;
                run.offset += measured(rest, plan.jitter);
            }
            Feed::Resampled(resampled) => {
                resampled.set_step(run.pace());
                resampled.seek(&mut self.outlet, origin, frames);
            }
        }
        // The device's time may count from another moment than its blocks' times.
        let started = index as f64 / self.rate();
        // What adapts the blocks adds its own delay.
        self.process.aligned(&run.alignment(&self.feed, 0, plan.jitter, 0.0));
        self.shared.begin(started, run.alignment(&self.feed, self.delay, plan.jitter, 0.0));
        self.run = Some(run);
        self.xruns = Xruns::NONE;
        self.shared.take_xruns();
    }

    /// Follows both clocks to the frame `index`, from which on `frames` are due.
    fn follow(&mut self, seen: Option<Observation>, index: u64, frames: u64) {
        let (rate, delay) = (self.start.rate, self.delay);
        let Some(run) = &mut self.run else { return };
        if let Feed::Direct(direct) = &mut self.feed {
            let moved = direct.moved();
            while self.observations.try_pop().is_some() {}
            if moved > 0 {
                run.offset += moved as f64;
                let jitter = (run.playback.variance + run.recording.variance).sqrt() * rate;
                self.shared.note(run.alignment(&self.feed, delay, jitter, 0.0));
            }
            return;
        }
        let Feed::Resampled(resampled) = &mut self.feed else { return };
        while let Some(recorded) = self.observations.try_pop() {
            run.recording.follow(&recorded);
        }
        if let Some(seen) = seen {
            run.playback.follow(&seen);
        }
        let (origin, target) = run.target(index);
        let (next, position) = resampled.position();
        let error = target - super::line::frames_between(origin, next) - position;
        let frames = usize::try_from(frames).unwrap_or(usize::MAX);
        resampled.set_step(run.steering.steer(error, run.pace(), frames));
        let jitter = (run.playback.variance + run.recording.variance).sqrt() * rate;
        self.shared.note(run.alignment(&self.feed, delay, jitter, measured(error, jitter)));
    }

    /// Tells the stream of frames that the playback device clocked without asking for them, with what was recorded in
    /// their time.
    fn pass(&mut self, skipped: u64, times: Times) -> Flow {
        let mut left = skipped;
        if left > 0 {
            self.xruns |= Xruns::OUTPUT_UNDERFLOW;
        }
        // Ends: what is not there is passed over at once, and the queue holds only so much.
        while left > 0 {
            let jumped = self.feed.jump(&mut self.outlet, left);
            self.skipped = self.skipped.saturating_add(jumped);
            left -= jumped;
            if left == 0 {
                break;
            }
            let part = self.feed.next(&mut self.outlet, left);
            let after = -(left as f64) / self.rate();
            left -= part.frames();
            match part {
                Part::There(frames) => {
                    let told = Told { frames, there: true, after };
                    let flow = self.tell(&mut [], Missing::Output, told, times);
                    if flow != Flow::Continue {
                        return flow;
                    }
                }
                Part::Late(frames) => {
                    self.xruns |= Xruns::INPUT_UNDERFLOW;
                    self.skipped = self.skipped.saturating_add(frames);
                }
                Part::Lost(frames) => self.skipped = self.skipped.saturating_add(frames),
            }
        }
        Flow::Continue
    }

    /// Has the stream play a block, and gives it what was recorded, or says that it is missing.
    fn play(&mut self, output: &mut [u8], frames: usize, times: Times) -> Flow {
        let (mut done, mut rest) = (0, output);
        if frames == 0 && (self.skipped > 0 || !self.xruns.is_empty()) {
            return self.tell(rest, Missing::None, Told { frames: 0, there: true, after: 0.0 }, times);
        }
        while done < frames {
            let part = self.feed.next(&mut self.outlet, (frames - done) as u64);
            if let Part::Late(_) = part {
                self.xruns |= Xruns::INPUT_UNDERFLOW;
            }
            let run = part.frames() as usize;
            let now = std::mem::take(&mut rest);
            let (output, others) = now.split_at_mut((run * self.frame).min(now.len()));
            rest = others;
            let there = matches!(part, Part::There(_));
            let told = Told { frames: run, there, after: done as f64 / self.rate() };
            let missing = if there { Missing::None } else { Missing::Input };
            let flow = self.tell(output, missing, told, times);
            if flow != Flow::Continue {
                rest.fill(self.silence);
                return flow;
            }
            done += run;
        }
        Flow::Continue
    }

    fn tell(&mut self, output: &mut [u8], missing: Missing, told: Told, times: Times) -> Flow {
        let Some(run) = &self.run else { return Flow::Continue };
        let leaves = times.output - run.base + told.after;
        let block = Block {
            output,
            input: if told.there { self.feed.input(told.frames) } else { &[] },
            frames: told.frames,
            xruns: std::mem::take(&mut self.xruns),
            skipped: std::mem::take(&mut self.skipped),
            missing,
            times: Times {
                input: leaves - run.offset / self.start.rate,
                current: times.current - run.base,
                output: leaves,
            },
        };
        let flow = self.process.process(block, None);
        if flow != Flow::Continue {
            self.end(flow);
        }
        flow
    }

    fn end(&mut self, flow: Flow) {
        self.ended = Some(flow);
        self.shared.end();
    }

    /// One of the devices is gone.
    fn lose(&mut self) -> Flow {
        if self.ended.is_none() {
            self.process.device_lost();
            self.end(Flow::Abort);
        }
        Flow::Abort
    }
}

impl Process for Player {
    fn process(&mut self, block: Block<'_>, _wire: Option<&mut dyn Wire>) -> Flow {
        let now = self.clock.now();
        let Block { output, frames, xruns, skipped, missing, times, .. } = block;
        if let Some(flow) = self.ended {
            output.fill(self.silence);
            return flow;
        }
        if self.shared.lost() {
            output.fill(self.silence);
            return self.lose();
        }
        self.xruns |= xruns | self.shared.take_xruns();
        let (skipped, frames) = match missing {
            Missing::Output => (skipped.saturating_add(frames as u64), 0),
            _ => (skipped, frames),
        };
        let begins = self.observer.index;
        let index = begins.saturating_add(skipped);
        let lag = times.output - times.current;
        let seen = self.observer.observe(skipped, frames, now + lag, lag);
        if self.run.is_some() {
            self.follow(seen, begins, skipped.saturating_add(frames as u64));
            let flow = self.pass(skipped, times);
            if flow != Flow::Continue {
                output.fill(self.silence);
                return flow;
            }
        } else {
            let flow = self.wait(now, seen, index, frames, times);
            if self.run.is_none() {
                output.fill(self.silence);
                return flow;
            }
        }
        self.play(output, frames, times)
    }

    fn wait_ready(&mut self, frames: usize) -> usize {
        self.process.wait_ready(frames)
    }

    fn device_lost(&mut self) {
        self.lose();
    }
}

impl Run {
    /// The recorded frame that belongs to frame `index` of the playback clock: so many frames after a frame.
    fn target(&self, index: u64) -> (u64, f64) {
        let origin = self.recording.newest();
        let time = self.playback.time_at(index, -self.offset);
        (origin, self.recording.frame_at(time, origin))
    }

    /// Recorded frames in the time of one that is played.
    fn pace(&self) -> f64 {
        self.playback.period / self.recording.period
    }

    /// What is told, with the resampler `error` recorded frames behind its target.
    fn alignment(&self, feed: &Feed, delay: usize, jitter: f64, error: f64) -> Alignment {
        let (method, drift_ppm) = match feed {
            Feed::Direct(_) => (AlignmentMethod::Timestamps, 0.0),
            Feed::Resampled(_) => (AlignmentMethod::Resampler, (self.pace() - 1.0) * 1e6),
        };
        let offset_frames = self.offset + delay as f64 + error;
        Alignment { offset_frames, jitter_frames: jitter, drift_ppm, method }
    }
}

/// What is left of `rest` frames where it can be told from noise.
fn measured(rest: f64, jitter: f64) -> f64 {
    if rest.abs() > 3.0 * jitter + 0.01 { rest } else { 0.0 }
}
