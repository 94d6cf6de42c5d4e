use std::{
    ops::RangeInclusive,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use pastream_rt::Flow;

use super::{
    engine::{Engine, Plan},
    keys::{Clock, Keys},
};
use crate::{
    Error, ErrorKind, Result,
    backend::{
        Alignment, AlignmentMethod, Cutter, Device, Opened, OpenedSide, Process, Request, Side, load::Load,
    },
};

/// The most bytes that a delay may hold.
const MAX_DELAY: usize = 1 << 28;

/// A device that is a thread.
///
/// The thread calls both directions at once. Under the real clock a block runs when its first frame is due,
/// counted from the start; a thread that woke up late runs the blocks that it missed back to back, so that a
/// busy machine costs time, never frames. A panic in the [`Process`] ends the run like a lost device.
pub(in super::super) struct VirtualDevice {
    opened: Opened,
    keys: Keys,
    blocks: RangeInclusive<usize>,
    state: Arc<State>,
    thread: Option<JoinHandle<Box<dyn Process>>>,
    alignment: Option<Alignment>,
}

/// What the thread tells, and is told.
#[derive(Default)]
struct State {
    stop: AtomicBool,
    lost: AtomicBool,
    /// Frames clocked.
    position: AtomicU64,
    load: Load,
}

impl VirtualDevice {
    /// Opens a device named `name` as `request` and `keys` want it.
    pub(in super::super) fn open(name: &str, keys: Keys, request: &Request) -> Result<Self> {
        if request.playback.is_none() && request.recording.is_none() {
            return Err(Error::new(ErrorKind::InvalidArgument, "a stream plays, records or does both"));
        }
        let refused = |what: String| {
            Error::new(ErrorKind::UnsupportedConfig, format!("device `{}` {what}", request.id))
        };
        let sample_rate = agree("rate", "Hz", request.sample_rate, keys.rate, 48_000, 768_000, &refused)?;
        let side = |side: Side| {
            let channels = agree("channels", "channels", side.channels, keys.channels, 2, 256, &refused)?;
            let format = match (side.format, keys.format) {
                (Some(asked), Some(fixed)) if asked != fixed => {
                    return Err(refused(format!("takes {fixed} alone, not {asked}")));
                }
                (asked, fixed) => asked.or(fixed).unwrap_or_default(),
            };
            Ok(OpenedSide { channels, format, latency: 0.0 })
        };
        let blocks = match (request.block_size.filter(|&size| size > 0), &keys.block) {
            (Some(asked), Some(fixed)) if *fixed != (asked..=asked) => {
                return Err(refused(format!("has blocks of {}, not of {asked} frames", shown(fixed))));
            }
            (Some(asked), None) if asked > 65_536 => {
                return Err(refused(format!("has blocks of 1 to 65536 frames, not of {asked}")));
            }
            (Some(asked), _) => asked..=asked,
            (None, fixed) => fixed.clone().unwrap_or(512..=512),
        };
        let mut opened = Opened {
            id: request.id.clone(),
            name: name.to_owned(),
            sample_rate,
            playback: request.playback.map(side).transpose()?,
            recording: request.recording.map(side).transpose()?,
            block_size: if blocks.start() == blocks.end() { *blocks.start() } else { 0 },
            clock: None,
        };
        let frame = |side: OpenedSide| side.channels * side.format.size();
        if keys.delay * opened.recording.map_or(0, frame) > MAX_DELAY {
            return Err(refused(format!(
                "can't hold a delay of {} frames with so many channels",
                keys.delay
            )));
        }
        if let Some(playback) = &mut opened.playback {
            playback.latency = keys.delay as f64 / f64::from(sample_rate);
        }
        let duplex = opened.playback.is_some() && opened.recording.is_some();
        let alignment = duplex.then_some(Alignment {
            offset_frames: if keys.loop_back { keys.delay as f64 } else { 0.0 },
            jitter_frames: 0.0,
            drift_ppm: keys.drift,
            method: AlignmentMethod::Callback,
        });
        Ok(Self { opened, keys, blocks, state: Arc::default(), thread: None, alignment })
    }
}

/// The value that both the request and the device can live with.
fn agree<T: Copy + PartialOrd + From<u8> + std::fmt::Display>(
    what: &str,
    unit: &str,
    asked: Option<T>,
    fixed: Option<T>,
    default: T,
    most: T,
    refused: &dyn Fn(String) -> Error,
) -> Result<T> {
    match (asked, fixed) {
        (Some(asked), _) if asked < T::from(1) => {
            Err(Error::new(ErrorKind::InvalidArgument, format!("{what}: {asked} is too few, use 1 or more")))
        }
        (Some(asked), Some(fixed)) if asked != fixed => {
            Err(refused(format!("takes {fixed} {unit} alone, not {asked}")))
        }
        (Some(asked), None) if asked > most => Err(refused(format!("takes 1 to {most} {unit}, not {asked}"))),
        (asked, fixed) => Ok(asked.or(fixed).unwrap_or(default)),
    }
}

fn shown(blocks: &RangeInclusive<usize>) -> String {
    if blocks.start() == blocks.end() {
        format!("{} frames", blocks.start())
    } else {
        format!("{} to {} frames", blocks.start(), blocks.end())
    }
}

impl Device for VirtualDevice {
    fn opened(&self) -> &Opened {
        &self.opened
    }

    fn start(&mut self, mut process: Box<dyn Process>) -> Result<()> {
        if self.thread.is_some() {
            return Err(Error::new(
                ErrorKind::StreamState,
                format!("device `{}` is started: stop it first", self.opened.id),
            ));
        }
        let mut engine = Engine::new(&self.keys, &self.opened, self.blocks.clone())?;
        self.alignment =
            self.alignment.map(|alignment| Alignment { offset_frames: engine.round_trip(), ..alignment });
        if let Some(alignment) = &self.alignment {
            process.aligned(alignment);
        }
        let state = Arc::new(State::default());
        self.state = Arc::clone(&state);
        let clock = self.keys.clock;
        let run = move || {
            // A Process that panicked is told so and dropped, nothing else is done with it.
            let guarded = AssertUnwindSafe(|| state.run(clock, &mut engine, &mut *process));
            if catch_unwind(guarded).is_err() {
                state.lost.store(true, Relaxed);
                // The hook has told of the first panic; one in here adds nothing.
                let _ = catch_unwind(AssertUnwindSafe(|| process.device_lost()));
            }
            process
        };
        let thread = thread::Builder::new()
            .name("pastream-device".to_owned())
            .spawn(run)
            .map_err(|error| Error::io("cannot start the audio thread", error))?;
        self.thread = Some(thread);
        Ok(())
    }

    fn stop(&mut self) {
        self.cutter()();
        self.finish();
    }

    fn finish(&mut self) -> bool {
        if let Some(thread) = self.thread.take() {
            // The Process comes back and is dropped here. Its thread can't panic: all that could is caught.
            drop(thread.join());
        }
        !self.state.lost.load(Relaxed)
    }

    fn cutter(&self) -> Cutter {
        let (state, thread) = (Arc::clone(&self.state), self.thread.as_ref().map(|it| it.thread().clone()));
        Box::new(move || {
            state.stop.store(true, Relaxed);
            if let Some(thread) = &thread {
                thread.unpark();
            }
        })
    }

    fn burst(&self) -> usize {
        if self.free_running() { 0 } else { *self.blocks.end() }
    }

    fn alignment(&self) -> Option<Alignment> {
        self.alignment
    }

    fn time(&self) -> f64 {
        self.state.position.load(Relaxed) as f64 / f64::from(self.opened.sample_rate)
    }

    fn free_running(&self) -> bool {
        self.keys.clock == Clock::Free
    }

    fn cpu_load(&self) -> f64 {
        self.state.load.get()
    }
}

impl Drop for VirtualDevice {
    fn drop(&mut self) {
        self.stop();
    }
}

impl State {
    /// The thread: runs blocks until there is nothing more to run.
    fn run(&self, clock: Clock, engine: &mut Engine, process: &mut dyn Process) {
        let start = Instant::now();
        let wait = |time: f64| match clock {
            Clock::Real => self.wait_until(start + Duration::from_secs_f64(time)),
            Clock::Free => !self.stop.load(Relaxed),
        };
        loop {
            let plan = engine.plan();
            let late = if let Plan::Block(next) = &plan { next.late } else { 0.0 };
            if !wait(engine.time() + late) {
                break;
            }
            self.position.store(engine.position(), Relaxed);
            let Plan::Block(mut next) = plan else {
                self.lost.store(true, Relaxed);
                return process.device_lost();
            };
            if clock == Clock::Free && next.frames > 0 {
                next.frames = process.wait_ready(next.frames).clamp(1, next.frames);
            }
            let began = Instant::now();
            let flow = engine.run(&next, process);
            self.load.note(began.elapsed().as_secs_f64(), engine.seconds(next.frames));
            match flow {
                Flow::Continue => {}
                Flow::Complete => {
                    // What was handed over last is played out.
                    let (end, lost) = engine.end();
                    self.lost.store(wait(end) && lost, Relaxed);
                    break;
                }
                Flow::Abort => break,
            }
        }
        self.position.store(engine.position(), Relaxed);
    }

    /// Waits for the wall clock. False when the device was stopped before.
    fn wait_until(&self, deadline: Instant) -> bool {
        loop {
            if self.stop.load(Relaxed) {
                return false;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::park_timeout(left);
        }
    }
}
