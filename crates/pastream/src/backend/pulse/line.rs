use std::array;

/// Observations that are looked at together.
const KEPT: usize = 32;
/// Observations that a line is trusted after.
const ENOUGH: usize = 4;
/// The same where the server looks but once a cycle, whose length, and with it the line, moves with what else is played.
const KEPT_IN_STEPS: usize = 9;
const ENOUGH_IN_STEPS: usize = 3;
/// Seconds after which an observation says nothing any more: clocks drift apart by some 100 ppm.
const WINDOW: f64 = 2.0;

/// Where the frames of a stream lie on the wall clock, by what the server said again and again.
///
/// A frame's time is a straight line through the median of the newest observations: one of them is wrong by however long
/// the server was kept from running between two of its look-ups, most are right to some microseconds.
pub(super) struct Line {
    /// In Hz.
    rate: f64,
    /// When, and which frame the clock would have shown at time 0.
    seen: [(f64, f64); KEPT],
    count: usize,
    origin: f64,
    /// How many are looked at, and are enough.
    kept: usize,
    enough: usize,
}

impl Line {
    pub(super) fn new(rate: u32) -> Self {
        Self {
            rate: f64::from(rate),
            seen: [(0.0, 0.0); KEPT],
            count: 0,
            origin: 0.0,
            kept: KEPT,
            enough: ENOUGH,
        }
    }

    /// Begins anew, for a server that looks but once a cycle.
    ///
    /// Realtime-safe.
    pub(super) fn step(&mut self) {
        (self.kept, self.enough) = (KEPT_IN_STEPS, ENOUGH_IN_STEPS);
        self.reset();
    }

    /// Whether enough was seen to go by.
    ///
    /// Realtime-safe.
    pub(super) fn is_settled(&self) -> bool {
        self.count >= self.enough
    }

    /// Takes note that at second `time` frame `frame` was on the air.
    ///
    /// Realtime-safe.
    pub(super) fn note(&mut self, time: f64, frame: f64) {
        let kept = self.kept;
        self.seen[self.count % kept] = (time, frame - time * self.rate);
        // Wraps round among the places that are filled.
        self.count = if self.count + 1 == 2 * kept { kept } else { self.count + 1 };
        let filled = self.count.min(kept);
        let mut origins: [f64; KEPT] = array::from_fn(|index| match self.seen[index] {
            (seen, origin) if index < filled && time - seen < WINDOW => origin,
            _ => f64::INFINITY,
        });
        origins.sort_unstable_by(f64::total_cmp);
        let count = origins.iter().filter(|origin| origin.is_finite()).count();
        self.origin = f64::midpoint(origins[(count - 1) / 2], origins[count / 2]);
    }

    /// Forgets what was seen, for what comes now lies elsewhere. Until there is enough of it the old line holds.
    ///
    /// Realtime-safe.
    pub(super) fn reset(&mut self) {
        self.count = 0;
    }

    /// By how many frames `frame` is behind what is on the air at second `time`.
    ///
    /// Realtime-safe.
    pub(super) fn lag(&self, time: f64, frame: f64) -> f64 {
        time * self.rate + self.origin - frame
    }

    /// Goes on with as many frames less.
    ///
    /// Realtime-safe.
    pub(super) fn lose(&mut self, frames: f64) {
        self.origin -= frames;
        for (_, origin) in &mut self.seen {
            *origin -= frames;
        }
    }

    /// The second at which `frame` is on the air.
    ///
    /// Realtime-safe.
    pub(super) fn time_of(&self, frame: f64) -> f64 {
        (frame - self.origin) / self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outliers_move_nothing() {
        let mut line = Line::new(48_000);
        for index in 0..200 {
            assert_eq!(line.is_settled(), index >= 4);
            let time = 0.01 * f64::from(index);
            let wrong = if index % 3 == 1 { -4_800.0 } else { 0.0 };
            line.note(time, time * 48_000.0 + 480.0 + wrong);
        }
        assert!((line.time_of(48_480.0) - 1.0).abs() < 1e-9);
        line.lose(480.0);
        assert!((line.time_of(48_000.0) - 1.0).abs() < 1e-9);
        assert!((line.lag(1.0, 47_000.0) - 1_000.0).abs() < 1e-6);
    }

    #[test]
    fn what_is_old_does_not_count() {
        let mut line = Line::new(1_000);
        for index in 0..10 {
            line.note(f64::from(index), f64::from(1_100 * index));
        }
        // The two newest: at 8 and 9 s.
        assert!((line.time_of(9_350.0) - 8.5).abs() < 1e-9);
        line.reset();
        assert!(!line.is_settled());
        assert!((line.time_of(9_350.0) - 8.5).abs() < 1e-9);
    }
}
