//! Finds out how two clocks lie to each other, before frame 0.

use super::{
    line::{Fit, Line, Points},
    queue::Outlet,
};

/// Seconds of observations that are enough, and that are enough even where timestamps are not sure.
const ENOUGH: [f64; 2] = [0.3, 0.5];
/// Observations of each side that are enough.
const COUNT: usize = 8;
/// Seconds after which two will do: blocks are long.
const LONG: f64 = 1.5;
/// Seconds in which the recording device has to start.
const PATIENCE: f64 = 5.0;
/// Frames that the offset may be unsure by.
const SURE: f64 = 0.25;
/// The most seconds by which a callback that was late once is waited for again.
const LATEST: f64 = 0.1;

/// What is observed before frame 0.
pub(super) struct Start {
    pub(super) playback: Points,
    pub(super) recording: Points,
    pub(super) same_clock: bool,
    /// Hz.
    pub(super) rate: f64,
    /// Of each device, in frames; 0 where they vary.
    pub(super) blocks: [usize; 2],
    /// Seconds by which recorded frames may come later than ever seen.
    pub(super) margin: f64,
    /// Seconds that the offset has at least: what the devices promise, so that it is the same in every run in which they
    /// keep it.
    pub(super) promised: f64,
    /// Frames that have to be there around those that are needed.
    pub(super) around: f64,
    /// When the first block came.
    pub(super) began: Option<f64>,
}

/// What is to be done.
pub(super) enum Decision {
    Wait,
    Begin(Plan),
    /// The recording device does not start.
    Lost,
}

/// How the run lies to both clocks.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) playback: Line,
    pub(super) recording: Line,
    /// Frames from playback to recording, whole.
    pub(super) target: f64,
    /// Standard deviation of what it was measured from, in frames.
    pub(super) jitter: f64,
}

impl Start {
    /// Decides at time `now`, before the block that begins with frame `index` of the playback clock and has `frames`.
    ///
    /// Realtime-safe.
    pub(super) fn decide(&mut self, now: f64, index: u64, frames: usize, outlet: &mut Outlet) -> Decision {
        let waited = now - *self.began.get_or_insert(now);
        let seen = [&self.playback, &self.recording];
        let longest = self.blocks.iter().copied().chain(seen.map(|points| points.frames)).max().unwrap_or(0);
        let patience = PATIENCE + 3.0 * longest as f64 / self.rate;
        if waited > 2.0 * patience || (waited > patience && self.recording.count() == 0) {
            return Decision::Lost;
        }
        let count = self.playback.count().min(self.recording.count());
        let span = self.playback.span().min(self.recording.span());
        if !(count >= COUNT && span >= ENOUGH[0] || count >= 2 && waited >= LONG) {
            return Decision::Wait;
        }
        let period = 1.0 / self.rate;
        let (Some(playback), Some(recording)) = (self.playback.fit(period), self.recording.fit(period))
        else {
            return Decision::Wait;
        };
        if playback.doubt.max(recording.doubt) * self.rate > SURE && span < ENOUGH[1] && waited < LONG {
            return Decision::Wait;
        }
        let plan = self.plan(playback, recording);
        let first = plan.recorded_at(index);
        let (from, to) = (first - self.around, first + frames as f64 + self.around);
        // What is too far back has never been recorded: time brings it nearer.
        if !outlet.spans(from, to) && waited < patience {
            return Decision::Wait;
        }
        Decision::Begin(plan)
    }

    fn plan(&self, playback: Fit, recording: Fit) -> Plan {
        let (mut played, mut recorded) = (playback.line, recording.line);
        if self.same_clock {
            let weights = playback.weight + recording.weight;
            let period = (played.period * playback.weight + recorded.period * recording.weight) / weights;
            played = played.turned(period, playback.middle);
            recorded = recorded.turned(period, recording.middle);
        }
        let lags = self.playback.lag.max(0.0) + self.recording.lag.max(0.0);
        let late = recording.late.min(LATEST);
        // A frame recorded at the last moment has left its device by `lag` later, and a block is played `lag` after it
        // is asked for whole.
        let frames = (lags + late + self.margin) * self.rate + self.blocks() + self.around;
        Plan {
            playback: played,
            recording: recorded,
            target: frames.max(self.promised * self.rate).ceil(),
            jitter: (played.variance + recorded.variance).sqrt() * self.rate,
        }
    }

    /// Frames that a block of the playback needs at once, and by which one of the recording may be longer than seen.
    fn blocks(&self) -> f64 {
        let [played, recorded] = self.blocks;
        let played = if played > 0 { played } else { 2 * self.playback.frames };
        let recorded = if recorded > 0 { 0 } else { self.recording.frames };
        (played + recorded) as f64
    }
}

impl Plan {
    /// The frame of the recording that belongs to frame `index` of the playback clock, with a fraction.
    fn recorded_at(&self, index: u64) -> f64 {
        self.recording.frame_at(self.playback.time_at(index, -self.target), 0)
    }
}
