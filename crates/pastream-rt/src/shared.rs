//! What the callback and its handle tell each other.
//!
//! The callback writes everything but the requests, with relaxed stores; the outcome comes last and releases
//! all of them. The handle reads at any time.

use crate::{
    LevelCell, MAX_CHANNELS, Side, Times, Xruns,
    sync::{AtomicBool, AtomicU8, AtomicU64, Ordering, const_new},
};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Outcome {
    /// It goes on, or has not begun.
    Running = 0,
    /// All frames were clocked.
    Finished,
    /// Stopped on request.
    Stopped,
    /// Aborted on request.
    Aborted,
    /// The source had not enough. Nothing after the frames that it had was played.
    BufferEmpty,
    /// A sink had no room. What it got is complete up to there.
    BufferFull,
    /// The device went away.
    DeviceLost,
    /// The backend handed over a block whose sizes don't match the stream: a bug there.
    BadBlock,
}

impl Outcome {
    const ALL: [Self; 8] = [
        Self::Running,
        Self::Finished,
        Self::Stopped,
        Self::Aborted,
        Self::BufferEmpty,
        Self::BufferFull,
        Self::DeviceLost,
        Self::BadBlock,
    ];
}

/// What the handle wants. The greater one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    None,
    Stop,
    Abort,
}

/// Each atomic costs loom time, so that its models have one channel.
const METERS: usize = if cfg!(loom) { 1 } else { MAX_CHANNELS };

#[cfg(not(loom))]
const fn meters() -> [LevelCell; METERS] {
    [const { LevelCell::new() }; METERS]
}

#[cfg(loom)]
fn meters() -> [LevelCell; METERS] {
    core::array::from_fn(|_| LevelCell::new())
}

/// The state of a run, shared by its callback and any number of readers.
#[derive(Debug)]
pub struct Shared {
    frame_count: AtomicU64,
    status: AtomicU8,
    xruns: AtomicU64,
    counts: [AtomicU64; 4],
    times: [AtomicU64; 3],
    played: AtomicU64,
    starved: AtomicU64,
    gap_count: AtomicU64,
    events_lost: AtomicU64,
    outcome: AtomicU8,
    request: AtomicU8,
    metering: AtomicBool,
    levels: [[LevelCell; METERS]; 2],
}

impl Default for Shared {
    fn default() -> Self {
        Self::new()
    }
}

impl Shared {
    const_new! {
        /// The state before a run.
        #[must_use]
        pub fn new() -> Self {
            Self {
                frame_count: AtomicU64::new(0),
                status: AtomicU8::new(0),
                xruns: AtomicU64::new(0),
                counts: [AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)],
                times: [AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)],
                played: AtomicU64::new(0),
                starved: AtomicU64::new(0),
                gap_count: AtomicU64::new(0),
                events_lost: AtomicU64::new(0),
                outcome: AtomicU8::new(0),
                request: AtomicU8::new(0),
                metering: AtomicBool::new(false),
                levels: [meters(), meters()],
            }
        }
    }

    /// Back to the state before a run; whether levels are measured stays. Only between runs.
    pub fn reset(&self) {
        for counter in [&self.frame_count, &self.xruns, &self.played, &self.starved, &self.gap_count] {
            counter.store(0, Ordering::Relaxed);
        }
        self.events_lost.store(0, Ordering::Relaxed);
        for counter in self.counts.iter().chain(&self.times) {
            counter.store(0, Ordering::Relaxed);
        }
        for cell in self.levels.iter().flatten() {
            cell.reset();
        }
        self.status.store(0, Ordering::Relaxed);
        self.request.store(0, Ordering::Relaxed);
        self.outcome.store(0, Ordering::Relaxed);
    }

    /// Frames that the device clocked since the start, gaps included.
    pub fn frame_count(&self) -> u64 {
        self.frame_count.load(Ordering::Relaxed)
    }

    /// Every kind of xrun since the start.
    pub fn status(&self) -> Xruns {
        Xruns::from_bits(self.status.load(Ordering::Relaxed))
    }

    /// Blocks that came with an xrun.
    pub fn xruns(&self) -> u64 {
        self.xruns.load(Ordering::Relaxed)
    }

    /// Xruns of each kind, in the order of [`Xruns::KINDS`].
    pub fn counts(&self) -> [u64; 4] {
        self.counts.each_ref().map(|counter| counter.load(Ordering::Relaxed))
    }

    /// When the last block happened. The three are read one by one and may be of two blocks.
    pub fn times(&self) -> Times {
        let [input, current, output] =
            self.times.each_ref().map(|time| f64::from_bits(time.load(Ordering::Relaxed)));
        Times { input, current, output }
    }

    /// How the run ended. Once it is not [`Outcome::Running`], all that the callback counted is final and visible.
    pub fn outcome(&self) -> Outcome {
        // Pairs with the store in `finish`.
        let index = usize::from(self.outcome.load(Ordering::Acquire));
        Outcome::ALL.get(index).copied().unwrap_or(Outcome::BadBlock)
    }

    /// Frames read from the source, all of them played.
    pub fn played(&self) -> u64 {
        self.played.load(Ordering::Relaxed)
    }

    /// Frames in playback gaps of any cause.
    pub fn starved(&self) -> u64 {
        self.starved.load(Ordering::Relaxed)
    }

    /// Playback gaps of any cause, the one that is still open included. One whose cause changes is one gap, of two
    /// events.
    pub fn gap_count(&self) -> u64 {
        self.gap_count.load(Ordering::Relaxed)
    }

    /// Events that found their ring full. Nothing but their place in time is lost: all that they tell is counted.
    pub fn events_lost(&self) -> u64 {
        self.events_lost.load(Ordering::Relaxed)
    }

    /// Asks the callback to end with the next block, after what was played so far.
    pub fn request_stop(&self) {
        self.request.fetch_max(1, Ordering::Relaxed);
    }

    /// Asks the callback to end at once. Goes before a stop.
    pub fn request_abort(&self) {
        self.request.fetch_max(2, Ordering::Relaxed);
    }

    /// Whether an abort was requested.
    pub fn aborts(&self) -> bool {
        self.request() == Request::Abort
    }

    /// Says that the device went away after the last block of a run that was complete, before that was played out; or that
    /// it gave no further block to stop in.
    pub fn lose(&self) {
        self.finish(Outcome::DeviceLost);
    }

    /// Switches the measuring of levels, off at first.
    pub fn enable_levels(&self, on: bool) {
        self.metering.store(on, Ordering::Relaxed);
    }

    /// The levels of the device's channels on one side; those it doesn't have stay silent.
    pub fn levels(&self, side: Side) -> &[LevelCell] {
        let [playback, recording] = &self.levels;
        match side {
            Side::Playback => playback,
            Side::Recording => recording,
        }
    }

    pub(crate) fn request(&self) -> Request {
        match self.request.load(Ordering::Relaxed) {
            0 => Request::None,
            1 => Request::Stop,
            _ => Request::Abort,
        }
    }

    pub(crate) fn metering(&self) -> bool {
        self.metering.load(Ordering::Relaxed)
    }

    /// Only the callback counts, so that no counter needs a read-modify-write.
    pub(crate) fn note_xruns(&self, flags: Xruns) {
        if flags.is_empty() {
            return;
        }
        let bump = |counter: &AtomicU64| {
            counter.store(counter.load(Ordering::Relaxed).saturating_add(1), Ordering::Relaxed);
        };
        bump(&self.xruns);
        for (kind, counter) in Xruns::KINDS.into_iter().zip(&self.counts) {
            if flags.contains(kind) {
                bump(counter);
            }
        }
        self.status.store((self.status() | flags).bits(), Ordering::Relaxed);
    }

    pub(crate) fn note_times(&self, times: Times) {
        let values = [times.input, times.current, times.output];
        for (time, value) in self.times.iter().zip(values) {
            time.store(value.to_bits(), Ordering::Relaxed);
        }
    }

    pub(crate) fn note_frames(&self, frame_count: u64, played: u64, starved: u64, gap_count: u64) {
        self.frame_count.store(frame_count, Ordering::Relaxed);
        self.played.store(played, Ordering::Relaxed);
        self.starved.store(starved, Ordering::Relaxed);
        self.gap_count.store(gap_count, Ordering::Relaxed);
    }

    pub(crate) fn note_lost_events(&self, lost: u64) {
        self.events_lost.store(lost, Ordering::Relaxed);
    }

    pub(crate) fn finish(&self, outcome: Outcome) {
        // Pairs with the load in `outcome`: publishes every counter and what went into the rings.
        self.outcome.store(outcome as u8, Ordering::Release);
    }
}
