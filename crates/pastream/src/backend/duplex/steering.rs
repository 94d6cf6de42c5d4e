/// Radians per second at which the resampler follows the air times at first, and once it has locked. Between them it falls as
/// [`SETTLING`] / seconds.
const BANDWIDTHS: [f64; 2] = [1.0, 0.1];
const SETTLING: f64 = 3.0;
/// How far the pace may be bent to catch up, as a share of it.
const LIMIT: f64 = 0.002;

/// Keeps a resampler where it should be, without a sudden change of pace.
///
/// A critically damped follower: the error obeys e″ + 2ωe′ + ω²e = 0, solved exactly from block to block, so that a block
/// of any length is stable. Behind the lines' own loops noise falls with the third power of its frequency.
pub(super) struct Steering {
    /// Recorded frames for each that is played, where the last block ended.
    step: f64,
    /// Frames per second.
    rate: f64,
    /// Seconds that were steered.
    age: f64,
}

impl Steering {
    pub(super) fn new(step: f64, rate: f64) -> Self {
        Self { step, rate, age: 0.0 }
    }

    /// The step for the next `frames`, where the target is `error` recorded frames ahead and moves by `pace` a frame.
    ///
    /// Realtime-safe.
    pub(super) fn steer(&mut self, error: f64, pace: f64, frames: usize) -> f64 {
        let seconds = frames as f64 / self.rate;
        if seconds <= 0.0 {
            return self.step;
        }
        let [first, locked] = BANDWIDTHS;
        let bandwidth = (SETTLING / self.age.max(1e-3)).clamp(locked, first);
        self.age += seconds;
        let speed = (pace - self.step) * self.rate;
        let push = speed + bandwidth * error;
        let decay = (-bandwidth * seconds).exp();
        let ends = (error + push * seconds) * decay;
        let bounded = |step: f64| step.clamp(pace * (1.0 - LIMIT), pace * (1.0 + LIMIT));
        self.step = bounded(pace - (speed - bandwidth * push * seconds) * decay / self.rate);
        bounded(pace - (ends - error) / (seconds * self.rate))
    }
}
