use std::{
    io::PipeReader,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use pastream_rt::{Block, Flow, Xruns};

use super::{
    library::Quiet,
    line::{Line, Resumed, Trouble, pause},
    timeline::Timeline,
};
use crate::backend::{Process, audio_thread::AudioThread};

/// A device that moves nothing for so much longer than a buffer is gone.
const PATIENCE: Duration = Duration::from_secs(4);
/// Wake-ups in a row that bring nothing until they are thought to be wrong.
const FRUITLESS: u32 = 3;

/// What the thread does next.
pub(super) enum Step {
    /// The same again.
    Continue,
    /// The same again when the device has frames, or room.
    Wait,
    /// Nothing.
    End,
}

/// What is different between playing and recording.
pub(super) trait Way {
    /// Begins to call, before the first step.
    fn begin(&mut self, run: &mut Run) -> Result<(), Trouble>;

    /// Moves what can be moved now.
    fn step(&mut self, run: &mut Run, process: &mut dyn Process) -> Result<Step, Trouble>;

    /// Starts again after an xrun, and counts what was lost.
    fn restart(&mut self, run: &mut Run) -> Result<(), Trouble>;
}

/// One run of the device.
pub(super) struct Run {
    pub(super) line: Line,
    pub(super) timeline: Timeline,
    /// Frames clocked.
    pub(super) position: u64,
    /// Readable when the run is to stop.
    pub(super) wake: PipeReader,
    pub(super) state: Arc<AudioThread>,
    start: Instant,
    /// Not told yet.
    xruns: Xruns,
    skipped: u64,
    /// How long was waited since the last block. Not by the clock, which goes on where the whole process is held.
    idle: Duration,
    fruitless: u32,
    restarted: bool,
}

impl Run {
    pub(super) fn new(line: Line, state: Arc<AudioThread>, wake: PipeReader) -> Self {
        let now = Instant::now();
        let timeline = Timeline::new(line.settings().sample_rate);
        Self {
            line,
            timeline,
            position: 0,
            wake,
            state,
            start: now,
            xruns: Xruns::NONE,
            skipped: 0,
            idle: Duration::ZERO,
            fruitless: 0,
            restarted: false,
        }
    }

    /// The thread: runs blocks until there is nothing more to run.
    pub(super) fn run(&mut self, way: &mut dyn Way, process: &mut dyn Process) {
        self.state.promote();
        let _quiet = Quiet::new();
        self.start = Instant::now();
        self.idle = Duration::ZERO;
        let mut next = way.begin(self).map(|()| Step::Continue);
        while !self.state.stop.load(Relaxed) {
            let done = match next {
                Ok(Step::Continue) => Ok(()),
                Ok(Step::Wait) => self.wait(),
                Ok(Step::End) => break,
                Err(Trouble::Xrun) => self.restart(way),
                Err(Trouble::Suspended) => match self.line.resume() {
                    Resumed::Yes => Ok(()),
                    Resumed::NotYet => self.rest(Duration::from_millis(20)),
                    Resumed::No => self.restart(way),
                },
                Err(Trouble::Lost) => Err(Trouble::Lost),
            };
            next = match done {
                Ok(()) => way.step(self, process),
                Err(Trouble::Lost) => {
                    self.state.lost.store(true, Relaxed);
                    process.device_lost();
                    break;
                }
                Err(trouble) => Err(trouble),
            };
        }
    }

    /// Seconds since the start.
    pub(super) fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// The block that is due, `frames` long, with what went wrong since the last.
    pub(super) fn block(&mut self, frames: usize) -> Block<'static> {
        Block {
            output: &mut [],
            input: &[],
            frames,
            xruns: std::mem::take(&mut self.xruns),
            skipped: std::mem::take(&mut self.skipped),
            missing: pastream_rt::Missing::None,
            times: pastream_rt::Times::default(),
        }
    }

    /// Gives the stream its block.
    pub(super) fn call(&mut self, process: &mut dyn Process, block: Block<'_>) -> Flow {
        // Whoever stopped it may have given up on a call that hung until now.
        if self.state.stop.load(Relaxed) {
            return Flow::Abort;
        }
        let frames = block.frames;
        let began = Instant::now();
        let flow = process.process(block, None);
        let taken = began.elapsed().as_secs_f64();
        self.state.load.note(taken, self.timeline.seconds(frames as f64));
        self.clock(frames as u64);
        self.idle = Duration::ZERO;
        self.fruitless = 0;
        self.restarted = false;
        flow
    }

    fn clock(&mut self, frames: u64) {
        self.position += frames;
        self.state.position.store(self.position, Relaxed);
    }

    /// The frames before frame `next` passed until `time`; those that nobody asked for are lost.
    pub(super) fn lose(&mut self, xruns: Xruns, next: u64, time: f64) {
        let lost = self.timeline.skipped(next, time);
        self.xruns |= xruns;
        self.skipped = self.skipped.saturating_add(lost);
        self.clock(lost);
    }

    fn restart(&mut self, way: &mut dyn Way) -> Result<(), Trouble> {
        if self.restarted {
            // The last one brought nothing: a device that never gets going must not take the processor with it.
            self.rest(self.period())?;
        }
        self.restarted = true;
        way.restart(self)
    }

    fn period(&self) -> Duration {
        Duration::from_secs_f64(self.timeline.seconds(self.line.settings().period as f64))
    }

    fn rest(&mut self, time: Duration) -> Result<(), Trouble> {
        pause(&self.wake, time);
        self.waited(time)
    }

    fn waited(&mut self, time: Duration) -> Result<(), Trouble> {
        self.idle += time;
        let settings = self.line.settings();
        let held = self.timeline.seconds(settings.buffer as f64);
        if self.idle >= PATIENCE + Duration::from_secs_f64(held) { Err(Trouble::Lost) } else { Ok(()) }
    }

    fn wait(&mut self) -> Result<(), Trouble> {
        self.fruitless = self.fruitless.saturating_add(1);
        if self.fruitless > FRUITLESS {
            // Some plugins are ready to be polled before they have a period.
            self.rest(self.period() / 4)?;
        }
        let (began, most) = (Instant::now(), Duration::from_millis(100));
        self.line.wait(&self.wake, most)?;
        self.waited(began.elapsed().min(most))
    }
}
