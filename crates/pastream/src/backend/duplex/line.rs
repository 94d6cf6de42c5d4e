//! Where the frames of one clock lie on another: a straight line, fitted once and then followed.

use std::collections::VecDeque;

use crate::backend::memory::filled;

/// Observations that a line is fitted to.
const POINTS: usize = 256;
/// Seconds between two observations, at least: a device with tiny blocks gives no more than others.
const APART: f64 = 0.002;
/// How far a crystal is off, as a share of its rate: standard deviation before anything is known.
const CRYSTAL: f64 = 100e-6;
/// How near the line a point has to be, as a multiple of the quarter of points next below it.
const NEAR: f64 = 4.0;
/// Seconds that are no distance.
const EXACT: f64 = 1e-9;
/// Seconds by which a lag grows at once where all of the process stood still.
const STALL: f64 = 0.05;
/// Turns of trimming. Each keeps what lies near the line of the last.
const TURNS: usize = 16;
/// Radians per second of the loop once it has locked: 1/e in half a minute.
const BANDWIDTH: f64 = 0.03;
/// Seconds by which a timestamp may always be off.
const TOLERANCE: f64 = 20e-6;

/// When one frame was in the air.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Observation {
    /// Frames since the device started.
    pub(super) index: u64,
    /// Seconds of the bridge's clock.
    pub(super) time: f64,
    /// The longest, in seconds, between the callback and the air since the last observation.
    pub(super) lag: f64,
    /// The longest block since then.
    pub(super) frames: usize,
}

/// Counts the frames of one device, and picks blocks to observe.
pub(super) struct Observer {
    pub(super) index: u64,
    /// Frames between two observations, at least.
    apart: u64,
    next: u64,
    lag: f64,
    frames: usize,
}

impl Observer {
    pub(super) fn new(sample_rate: u32) -> Self {
        let apart = (APART * f64::from(sample_rate)) as u64;
        Self { index: 0, apart, next: 0, lag: 0.0, frames: 0 }
    }

    /// Counts `skipped` frames and a block of `frames`, the first of which is in the air at `time`.
    ///
    /// Realtime-safe.
    pub(super) fn observe(
        &mut self,
        skipped: u64,
        frames: usize,
        time: f64,
        lag: f64,
    ) -> Option<Observation> {
        let index = self.index.saturating_add(skipped);
        self.index = index.saturating_add(frames as u64);
        if frames == 0 || !time.is_finite() || !lag.is_finite() {
            return None;
        }
        self.lag = self.lag.max(lag);
        self.frames = self.frames.max(frames);
        if index < self.next {
            return None;
        }
        self.next = index + self.apart;
        let (lag, frames) = (std::mem::take(&mut self.lag), std::mem::take(&mut self.frames));
        Some(Observation { index, time, lag, frames })
    }
}

/// A clock's frames on the bridge's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// A frame, and when it is in the air.
    index: u64,
    time: f64,
    /// Seconds from frame to frame.
    pub(super) period: f64,
    /// Seconds that were observed.
    age: f64,
    /// Of a timestamp, in square seconds.
    pub(super) variance: f64,
}

/// `to − from` in frames.
pub(super) fn frames_between(from: u64, to: u64) -> f64 {
    to.wrapping_sub(from).cast_signed() as f64
}

impl Line {
    /// The frame that was observed last.
    pub(super) fn newest(&self) -> u64 {
        self.index
    }

    /// When `frames` after frame `index` is in the air.
    pub(super) fn time_at(&self, index: u64, frames: f64) -> f64 {
        self.time + (frames_between(self.index, index) + frames) * self.period
    }

    /// Which frame is in the air at `time`, in frames after frame `index`.
    pub(super) fn frame_at(&self, time: f64, index: u64) -> f64 {
        (time - self.time) / self.period - frames_between(self.index, index)
    }

    /// The line at another slope, turned about what lies `seconds` before its newest point.
    pub(super) fn turned(self, period: f64, seconds: f64) -> Self {
        Self { period, time: self.time - seconds + seconds / self.period * period, ..self }
    }

    /// Follows one more observation: a critically damped delay-locked loop, whose bandwidth falls as 2 / age until it
    /// is [`BANDWIDTH`].
    ///
    /// Its gains are those of the fading-memory filter (Brookner, Tracking and Kalman Filtering Made Easy, 1998, §1.2.6;
    /// Adriaensen, Using a DLL to filter time, 2005, is its limit for short steps).
    ///
    /// Realtime-safe.
    pub(super) fn follow(&mut self, seen: &Observation) {
        let frames = frames_between(self.index, seen.index);
        if frames <= 0.0 {
            return;
        }
        let step = frames * self.period;
        // A callback that was held up says little; clocks that jump are caught up with, since the variance grows.
        let deviation = self.variance.sqrt();
        let (early, late) = (4.0 * deviation + TOLERANCE, 2.0 * deviation + TOLERANCE);
        let error = (seen.time - self.time - step).clamp(-early, late);
        self.age += step;
        let memory = (-step * BANDWIDTH.max(2.0 / self.age)).exp();
        self.index = seen.index;
        self.time += step + (1.0 - memory * memory) * error;
        self.period += (1.0 - memory) * (1.0 - memory) * error / frames;
        self.variance += (1.0 - memory) * (error * error - self.variance);
    }
}

/// The last observations of one device before frame 0.
pub(super) struct Points {
    seen: VecDeque<Observation>,
    scratch: Vec<f64>,
    /// The longest lag, in seconds, and the longest block that were seen.
    pub(super) lag: f64,
    pub(super) frames: usize,
}

/// A line through points, and how they lie about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    pub(super) line: Line,
    /// How sure the slope is: one over its variance.
    pub(super) weight: f64,
    /// From the middle of the points to the newest, in seconds.
    pub(super) middle: f64,
    /// Of the line's height, in seconds: standard deviation.
    pub(super) doubt: f64,
    /// The longest, in seconds, that a point came after the line.
    pub(super) late: f64,
}

impl Points {
    /// Not realtime-safe: allocates.
    pub(super) fn new() -> Self {
        let mut seen = VecDeque::from(filled(POINTS, Observation::default()));
        seen.clear();
        Self { seen, scratch: filled(POINTS, 0.0), lag: 0.0, frames: 0 }
    }

    /// A device that was held up is looked at anew.
    ///
    /// Realtime-safe.
    pub(super) fn add(&mut self, new: Observation) {
        if !self.seen.is_empty() && new.lag > self.lag + STALL {
            self.seen.clear();
            (self.lag, self.frames) = (0.0, 0);
            return;
        }
        if self.seen.len() == POINTS {
            self.seen.pop_front();
        }
        self.lag = self.lag.max(new.lag);
        self.frames = self.frames.max(new.frames);
        self.seen.push_back(new);
    }

    pub(super) fn count(&self) -> usize {
        self.seen.len()
    }

    /// Seconds from the first to the last.
    pub(super) fn span(&self) -> f64 {
        match (self.seen.front(), self.seen.back()) {
            (Some(first), Some(last)) => last.time - first.time,
            _ => 0.0,
        }
    }

    /// The line of most points: least squares over those that lie near it, at a slope near `period` until they say
    /// better. A callback can be held up and never comes early, so that only the lower half tells how far is near.
    ///
    /// Realtime-safe: some ten thousand steps at most.
    pub(super) fn fit(&mut self, period: f64) -> Option<Fit> {
        let (last, count) = (*self.seen.back()?, self.seen.len());
        let x = |seen: &Observation| frames_between(last.index, seen.index) * period;
        let y = |seen: &Observation| seen.time - last.time - x(seen);
        let crystal = CRYSTAL * CRYSTAL;
        // A point lies at `height + slope * x`.
        let (mut height, mut slope, mut sums) = (0.0, 0.0, Sums::default());
        for _turn in 0..TURNS {
            let residual = |seen: &Observation| y(seen) - height - slope * x(seen);
            for (slot, seen) in self.scratch.iter_mut().zip(&self.seen) {
                *slot = residual(seen);
            }
            let residuals = &mut self.scratch[..count];
            let middle = *residuals.select_nth_unstable_by(count / 2, f64::total_cmp).1;
            let below = &mut residuals[..=count / 2];
            let quarter = *below.select_nth_unstable_by(count / 4, f64::total_cmp).1;
            let near = NEAR * (middle - quarter) + EXACT;
            let kept = self.seen.iter().filter(|seen| (residual(seen) - middle).abs() <= near);
            sums = Sums::of(kept.map(|seen| (x(seen), y(seen))));
            // Towards nominal as far as the points leave it open.
            slope = sums.xy / (sums.xx + sums.variance(slope) / crystal + f64::MIN_POSITIVE);
            height = sums.mean_y - slope * sums.mean_x;
        }
        let variance = sums.variance(slope);
        let late = self.seen.iter().map(|seen| y(seen) - height - slope * x(seen)).fold(0.0, f64::max);
        let line = Line {
            index: last.index,
            time: last.time + height,
            period: period * (1.0 + slope),
            age: self.span().max(APART),
            variance,
        };
        Some(Fit {
            line,
            weight: 1.0 / crystal + sums.xx / (variance + f64::EPSILON),
            middle: -sums.mean_x,
            doubt: (variance / sums.count.max(1.0)).sqrt(),
            late,
        })
    }
}

/// What least squares need.
#[derive(Clone, Copy, Default)]
struct Sums {
    count: f64,
    mean_x: f64,
    mean_y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Sums {
    fn of(points: impl Iterator<Item = (f64, f64)> + Clone) -> Self {
        let mut sums = Self::default();
        for (x, y) in points.clone() {
            (sums.count, sums.mean_x, sums.mean_y) = (sums.count + 1.0, sums.mean_x + x, sums.mean_y + y);
        }
        sums.mean_x /= sums.count.max(1.0);
        sums.mean_y /= sums.count.max(1.0);
        for (x, y) in points {
            let (x, y) = (x - sums.mean_x, y - sums.mean_y);
            (sums.xx, sums.xy, sums.yy) = (sums.xx + x * x, sums.xy + x * y, sums.yy + y * y);
        }
        sums
    }

    /// Of the points about a line of this slope through their middle.
    fn variance(&self, slope: f64) -> f64 {
        let squares = self.yy - 2.0 * slope * self.xy + slope * slope * self.xx;
        squares.max(0.0) / (self.count - 1.0).max(1.0)
    }
}
