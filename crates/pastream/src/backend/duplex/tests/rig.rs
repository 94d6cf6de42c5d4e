use std::{
    ops::RangeInclusive,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use assert_no_alloc::assert_no_alloc;
use fastrand::Rng;
use pastream_rt::{Block, Flow, Missing, Times, Xruns};

use super::super::{clock::Clock, device::Bridge};
use super::listener::Listener;
use crate::{
    Error, ErrorKind, Result, SampleFormat,
    backend::{Cutter, Device, Latency, Opened, OpenedSide, Process, Request},
};

pub(super) const RATE: u32 = 48_000;

/// What the playback device plays where nobody asks it.
pub(super) const NOISE: f32 = -7.0;

/// Seconds, an f64's bits.
#[derive(Default)]
struct Simulated(AtomicU64);

impl Clock for Simulated {
    fn now(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }
}

/// A device that a test plays.
#[derive(Default)]
pub(super) struct State {
    pub(super) process: Option<Box<dyn Process>>,
    pub(super) log: Vec<&'static str>,
    pub(super) busy: bool,
    pub(super) time: f64,
}

pub(super) struct Hand {
    pub(super) opened: Opened,
    pub(super) free: bool,
    pub(super) state: Arc<Mutex<State>>,
}

impl Hand {
    pub(super) fn new(name: &str, playback: bool, clock: Option<&str>) -> Self {
        let side = Some(OpenedSide { channels: 1, format: SampleFormat::Float32, latency: 0.01 });
        let opened = Opened {
            id: name.to_owned(),
            name: name.to_uppercase(),
            sample_rate: RATE,
            playback: side.filter(|_| playback),
            recording: side.filter(|_| !playback),
            block_size: 0,
            clock: clock.map(str::to_owned),
        };
        Self { opened, free: false, state: Arc::default() }
    }
}

impl Device for Hand {
    fn opened(&self) -> &Opened {
        &self.opened
    }

    fn start(&mut self, process: Box<dyn Process>) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.busy {
            return Err(Error::new(ErrorKind::DeviceBusy, "another program has it"));
        }
        state.log.push("start");
        state.process = Some(process);
        Ok(())
    }

    fn stop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.process.take().is_some() {
            state.log.push("stop");
        }
    }

    fn finish(&mut self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.process.take().is_some() {
            state.log.push("finish");
        }
        true
    }

    fn cutter(&self) -> Cutter {
        Box::new(|| {})
    }

    fn time(&self) -> f64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).time
    }

    fn free_running(&self) -> bool {
        self.free
    }

    fn cpu_load(&self) -> f64 {
        0.5
    }
}

/// How one device behaves.
pub(super) struct Half {
    pub(super) state: Arc<Mutex<State>>,
    /// Frames per second of the simulated clock.
    pub(super) rate: f64,
    /// When frame 0 is in the air.
    pub(super) start: f64,
    /// What is added to all of its times.
    pub(super) zero: f64,
    /// Seconds between the callback and the air, but for the block that a recording waits for.
    pub(super) lag: f64,
    pub(super) blocks: RangeInclusive<usize>,
    pub(super) random: Rng,
    /// The share of the time in which a callback that is due is late, and by how many seconds at most.
    pub(super) late: (f64, f64),
    /// Timestamps lie, by so many seconds at most.
    pub(super) jitter: f64,
    /// Frames counted, and the next block: its frames, when it is called.
    pub(super) index: u64,
    frames: usize,
    pub(super) call: f64,
    delayed: f64,
    /// What is to be told at the next block.
    pub(super) skipped: u64,
    pub(super) xruns: Xruns,
    pub(super) silent: bool,
}

impl Half {
    fn air(&self, index: u64) -> f64 {
        self.start + index as f64 / self.rate
    }

    /// Loses so many frames before the next block.
    pub(super) fn skip(&mut self, frames: u64, xruns: Xruns) {
        self.skipped += frames;
        self.xruns |= xruns;
        self.call += frames as f64 / self.rate;
    }

    /// Calls no more for so many seconds, and then for all of it.
    pub(super) fn stall(&mut self, seconds: f64) {
        self.call += seconds;
        self.delayed += seconds;
    }

    fn plan(&mut self, playback: bool) {
        self.frames = self.random.usize(self.blocks.clone());
        let first = self.index + self.skipped;
        let due = if playback {
            self.air(first) - self.lag
        } else {
            self.air(first + self.frames as u64) + self.lag
        };
        self.delayed = 0.0;
        let (share, longest) = self.late;
        let seconds = self.frames as f64 / self.rate;
        if self.random.f64() * longest < share * longest.min(seconds) {
            self.delayed = self.random.f64() * longest;
        }
        // Callbacks of one device don't overtake each other.
        let call = (due + self.delayed).max(self.call);
        self.delayed = call - due;
        self.call = call;
    }
}

/// Both devices, the bridge over them, and the air between.
pub(super) struct Rig {
    pub(super) bridge: Bridge,
    clock: Arc<Simulated>,
    pub(super) playback: Half,
    pub(super) recording: Half,
    pub(super) listener: Listener,
    /// What was played, a frame of the playback clock each.
    pub(super) air: Vec<f32>,
    /// The frame of the playback clock that is frame 0 of the stream.
    pub(super) zero: Option<u64>,
    /// What is captured of playback frame (with a fraction) so much; from `air` where unset.
    pub(super) signal: Option<fn(f64) -> f32>,
    input: Vec<f32>,
    output: Vec<f32>,
}

impl Rig {
    /// Devices whose frames lie on one grid, `shift` frames apart, the recording's clock `ppm` parts per million faster.
    pub(super) fn new(clocks: [Option<&str>; 2], seed: u64, shift: i64, ppm: f64) -> Self {
        Self::with(clocks, seed, shift, ppm, &Request { latency: Latency::High, ..Request::default() }, 0)
    }

    pub(super) fn with(
        clocks: [Option<&str>; 2],
        seed: u64,
        shift: i64,
        ppm: f64,
        asked: &Request,
        block: usize,
    ) -> Self {
        let mut played = Hand::new("out", true, clocks[0]);
        played.opened.block_size = block;
        let recorded = Hand::new("in", false, clocks[1]);
        let mut random = Rng::with_seed(seed);
        let rate = f64::from(RATE);
        let mut half = |state: &Arc<Mutex<State>>, start: f64, rate: f64| Half {
            state: Arc::clone(state),
            rate,
            start,
            zero: random.f64() * 1e4,
            // Longer than a callback is late: what leaves has been played.
            lag: (random.f64() * 2000.0 + 1000.0).round() / rate,
            blocks: 1..=1 + random.usize(..1024),
            random: random.fork(),
            late: (0.0, 0.0),
            jitter: 0.0,
            index: 0,
            frames: 0,
            call: 0.0,
            delayed: 0.0,
            skipped: 0,
            xruns: Xruns::NONE,
            silent: false,
        };
        let playback = half(&played.state, 1.0, rate);
        let recording = half(&recorded.state, 1.0 + shift as f64 / rate, rate * (1.0 + ppm * 1e-6));
        let clock = Arc::new(Simulated::default());
        let shown: Arc<dyn Clock> = clock.clone();
        let bridge = Bridge::over(Box::new(played), Box::new(recorded), asked, shown).unwrap();
        Self {
            bridge,
            clock,
            playback,
            recording,
            listener: Listener::default(),
            air: Vec::new(),
            zero: None,
            signal: None,
            input: Vec::new(),
            output: Vec::new(),
        }
    }

    pub(super) fn start(&mut self) {
        self.bridge.start(Box::new(self.listener.clone())).unwrap();
        self.playback.plan(true);
        self.recording.plan(false);
    }

    /// Runs until a time of the simulated clock. False where the playback device has been told to end.
    pub(super) fn run_until(&mut self, time: f64) -> bool {
        loop {
            let recording =
                !self.recording.silent && (self.playback.silent || self.recording.call <= self.playback.call);
            let next = if recording { self.recording.call } else { self.playback.call };
            if next > time || self.recording.silent && self.playback.silent {
                return true;
            }
            self.clock.0.store(next.to_bits(), Relaxed);
            if recording {
                if self.record() != Flow::Continue {
                    self.recording.silent = true;
                }
            } else if self.play() != Flow::Continue {
                self.playback.silent = true;
                return false;
            }
        }
    }

    /// Runs for so many seconds.
    pub(super) fn run(&mut self, seconds: f64) -> bool {
        self.run_until(self.clock.now() + seconds)
    }

    fn times(half: &mut Half, first: u64) -> Times {
        let stamp = half.zero + (half.random.f64() * 2.0 - 1.0) * half.jitter;
        // Some stamps know that the callback is late, some don't.
        let told = if half.random.bool() { half.delayed } else { 0.0 };
        let air = half.air(first) + stamp;
        Times { input: air, current: half.call - half.delayed + told + half.zero, output: air }
    }

    fn play(&mut self) -> Flow {
        let half = &mut self.playback;
        let (skipped, first) = (std::mem::take(&mut half.skipped), half.index);
        if self.signal.is_none() {
            self.air.resize((first + skipped) as usize, NOISE);
        }
        let first = first + skipped;
        let times = Self::times(half, first);
        self.output.clear();
        self.output.resize(half.frames, f32::NAN);
        let block = Block {
            output: bytemuck::cast_slice_mut(&mut self.output),
            input: &[],
            frames: half.frames,
            xruns: std::mem::take(&mut half.xruns),
            skipped,
            missing: Missing::None,
            times,
        };
        let before = self.listener.heard().clocked;
        let flow = {
            let mut state = half.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.time = first as f64 / f64::from(RATE);
            let process = state.process.as_mut().unwrap();
            assert_no_alloc(|| process.process(block, None))
        };
        if before == 0 && self.listener.heard().clocked > 0 {
            self.zero.get_or_insert(first);
        }
        if self.signal.is_none() {
            self.air.extend(&self.output);
        }
        half.index = first + half.frames as u64;
        half.plan(true);
        flow
    }

    fn record(&mut self) -> Flow {
        let half = &mut self.recording;
        let skipped = std::mem::take(&mut half.skipped);
        let first = half.index + skipped;
        let times = Self::times(half, first);
        let shift = (half.start - self.playback.start) * self.playback.rate;
        let pace = self.playback.rate / half.rate;
        self.input.clear();
        for index in first..first + half.frames as u64 {
            let played = index as f64 * pace + shift;
            self.input.push(match self.signal {
                Some(signal) => signal(played),
                None if played < -0.5 => 0.0,
                None => self.air.get(played.round() as usize).copied().unwrap_or_default(),
            });
        }
        let block = Block {
            output: &mut [],
            input: bytemuck::cast_slice(&self.input),
            frames: half.frames,
            xruns: std::mem::take(&mut half.xruns),
            skipped,
            missing: Missing::None,
            times,
        };
        let flow = {
            let mut state = half.state.lock().unwrap_or_else(PoisonError::into_inner);
            let process = state.process.as_mut().unwrap();
            assert_no_alloc(|| process.process(block, None))
        };
        half.index = first + half.frames as u64;
        half.plan(false);
        flow
    }

    /// Starts again, both devices at frame 0.
    pub(super) fn restart(&mut self) {
        let now = self.clock.now();
        for half in [&mut self.playback, &mut self.recording] {
            half.start += now;
            (half.index, half.call, half.silent) = (0, 0.0, false);
        }
        self.air.clear();
        self.zero = None;
        self.listener = Listener::default();
        self.start();
    }

    /// The offset that the bridge says, whole.
    pub(super) fn offset(&self) -> usize {
        let offset = self.bridge.alignment().unwrap().offset_frames;
        assert_eq!(offset.fract(), 0.0);
        offset as usize
    }
}
