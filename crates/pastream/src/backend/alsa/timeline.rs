/// How long a measurement counts: long against what one is off by, short against the drift of two clocks.
const MEMORY: f64 = 0.5;
/// A measurement so far off is no noise: the line stood still, or the clock did.
const JUMP: f64 = 0.1;

/// When each frame passes the device, in seconds since the start, smoothed from what is measured at each block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeline {
    rate: f64,
    /// When frame 0 would have passed.
    origin: Option<f64>,
    /// Seconds of measurements in the origin.
    measured: f64,
}

impl Timeline {
    pub(super) fn new(sample_rate: u32) -> Self {
        Self { rate: f64::from(sample_rate.max(1)), origin: None, measured: 0.0 }
    }

    pub(super) fn seconds(&self, frames: f64) -> f64 {
        frames / self.rate
    }

    /// Frame `frame` passes at `time`, says a measurement that stands for a block of `frames`. Answers what all of them
    /// say.
    ///
    /// Realtime-safe.
    pub(super) fn measure(&mut self, frame: u64, time: f64, frames: usize) -> f64 {
        let at = self.seconds(frame as f64);
        let new = time - at;
        let weight = self.seconds(frames as f64);
        let origin = match self.origin {
            Some(origin) if (new - origin).abs() < JUMP => {
                self.measured = (self.measured + weight).min(MEMORY);
                origin + (new - origin) * (weight / self.measured).min(1.0)
            }
            _ => {
                self.measured = weight;
                new
            }
        };
        self.origin = Some(origin);
        origin + at
    }

    /// When `frame` passes, by what was measured until now.
    pub(super) fn time(&self, frame: u64) -> Option<f64> {
        self.origin.map(|origin| origin + self.seconds(frame as f64))
    }

    /// Whether `frame` passes so much later than was measured for long that others did before it.
    ///
    /// Realtime-safe.
    pub(super) fn jumps(&self, frame: u64, time: f64) -> bool {
        self.measured >= MEMORY && self.time(frame).is_some_and(|due| time - due > JUMP)
    }

    /// Frames that passed unasked where `frame` was due and the one that passes at `time` is the next.
    ///
    /// Realtime-safe.
    pub(super) fn skipped(&self, frame: u64, time: f64) -> u64 {
        // A negative number of frames becomes 0.
        self.time(frame).map_or(0, |due| ((time - due) * self.rate).round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_smoothed_and_drift_followed() {
        let mut timeline = Timeline::new(48_000);
        let mut random = fastrand::Rng::with_seed(1);
        // A device that is fast by 200 ppm and whose measurements are off by up to 2 ms.
        let truth = |frame: u64| 0.25 + frame as f64 / 48_000.0 / 1.0002;
        let mut worst: f64 = 0.0;
        for block in 0..10_000_u64 {
            let frame = block * 240;
            let told = timeline.measure(frame, truth(frame) + (random.f64() - 0.5) * 0.004, 240);
            if block > 200 {
                worst = worst.max((told - truth(frame)).abs());
            }
        }
        assert!(worst < 0.0006, "{worst}");
    }

    #[test]
    fn what_was_skipped_is_counted_to_the_frame() {
        let mut timeline = Timeline::new(48_000);
        assert_eq!(timeline.skipped(0, 1.0), 0);
        for block in 0..100 {
            timeline.measure(block * 480, 0.5 + block as f64 * 0.01, 480);
        }
        let due = 0.5 + 1.0;
        assert_eq!(timeline.skipped(48_000, due + 1_234.0 / 48_000.0), 1_234);
        assert_eq!(timeline.skipped(48_000, due - 0.01), 0);
    }

    #[test]
    fn a_jump_is_followed_at_once() {
        let mut timeline = Timeline::new(1_000);
        timeline.measure(0, 0.0, 10);
        // What was measured once may have been wrong.
        assert!(!timeline.jumps(10, 5.0));
        assert_eq!(timeline.measure(10, 5.0, 10), 5.0);
        assert_eq!(timeline.time(10), Some(5.0));
        timeline.measure(500, 5.49, 490);
        assert!(timeline.jumps(600, 5.7) && !timeline.jumps(600, 5.6));
    }
}
