/// Seconds in which the device's timestamps settle, and are believed.
const WARM_UP: f64 = 0.25;
/// Blocks in a row that have to be late by as much before frames are given up for lost.
const WITNESSES: u32 = 3;
/// Seconds that timestamps are allowed to be off.
const TOLERANCE: f64 = 0.05;
/// Blocks that timestamps are allowed to be off.
const TOLERANCE_BLOCKS: f64 = 4.0;
/// How much of the expectation the newest timestamp makes up: enough for the drift of two clocks, too little for jitter.
const WEIGHT: f64 = 1.0 / 64.0;

/// Finds the frames that a device clocked without a block, by the timestamps of those that it has blocks for.
///
/// Says so late rather than wrongly: timestamps jump where nothing is lost.
pub(super) struct Timeline {
    /// Frames a second.
    rate: f64,
    /// When frame 0 happened, as it seems.
    origin: Option<f64>,
    frames: u64,
    /// Blocks in a row that were late, and the least of their delays in seconds.
    late: (u32, f64),
}

impl Timeline {
    pub(super) fn new(sample_rate: u32) -> Self {
        Self { rate: f64::from(sample_rate), origin: None, frames: 0, late: (0, f64::INFINITY) }
    }

    /// Takes a block of `frames` whose first frame happens at second `at`. Answers how many frames are missing before it.
    /// Where the host says that some are (`told`) one timestamp is enough.
    ///
    /// Realtime-safe.
    pub(super) fn take(&mut self, at: f64, frames: usize, told: bool) -> u64 {
        let missing = self.missing(at, frames, told);
        self.frames += frames as u64 + missing;
        missing
    }

    fn missing(&mut self, at: f64, frames: usize, told: bool) -> u64 {
        let done = self.frames as f64 / self.rate;
        let Some(origin) = &mut self.origin else {
            self.origin = Some(at);
            return 0;
        };
        let delay = at - done - *origin;
        if done < WARM_UP {
            *origin += delay / 4.0;
            return 0;
        }
        let block = frames as f64 / self.rate;
        let tolerance = if told { block } else { TOLERANCE.max(TOLERANCE_BLOCKS * block) };
        if delay.abs() < tolerance {
            *origin += delay * WEIGHT;
            self.late = (0, f64::INFINITY);
            return 0;
        }
        let (count, least) = self.late;
        self.late = (count + 1, least.min(delay));
        if !told && self.late.0 < WITNESSES {
            return 0;
        }
        let (_, least) = std::mem::replace(&mut self.late, (0, f64::INFINITY));
        if least <= 0.0 {
            // Nothing is lost by coming early.
            *origin += delay;
            return 0;
        }
        (least * self.rate).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;
    const BLOCK: usize = 480;

    /// The frames that are found missing before each of the blocks, which happen at the given seconds.
    fn missing(times: impl Iterator<Item = f64>) -> Vec<u64> {
        let mut timeline = Timeline::new(RATE);
        times.map(|at| timeline.take(at, BLOCK, false)).collect()
    }

    #[test]
    fn jitter_and_drift_are_no_loss() {
        let mut random = fastrand::Rng::with_seed(1);
        let times = (0..100_000).map(|block| {
            let time = f64::from(block) * 0.01;
            1e6 + time * (1.0 + 300e-6) + random.f64() * 0.02
        });
        assert_eq!(missing(times).iter().sum::<u64>(), 0);
    }

    #[test]
    fn a_pause_is_found_once_and_to_the_frame() {
        let times = (0..400).map(|block| f64::from(block) * 0.01 + if block < 200 { 0.0 } else { 0.2 });
        let found = missing(times);
        assert_eq!(found.iter().sum::<u64>(), 9600);
        assert_eq!(found.iter().position(|&frames| frames > 0), Some(202));
    }

    #[test]
    fn a_late_block_alone_is_no_loss_unless_the_host_says_so() {
        let at = |block: u32| f64::from(block) * 0.01 + if block == 200 { 0.2 } else { 0.0 };
        assert_eq!(missing((0..400).map(at)).iter().sum::<u64>(), 0);
        let mut timeline = Timeline::new(RATE);
        let found: Vec<_> = (0..210).map(|block| timeline.take(at(block), BLOCK, block == 200)).collect();
        assert_eq!((found[200], found.iter().sum::<u64>()), (9600, 9600));
    }

    #[test]
    fn what_comes_early_is_taken_as_it_is() {
        let times = (0..400).map(|block| f64::from(block) * 0.01 - if block < 200 { 0.0 } else { 0.2 });
        assert_eq!(missing(times).iter().sum::<u64>(), 0);
    }
}
