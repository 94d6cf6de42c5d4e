use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How much of the average the newest block makes up.
const WEIGHT: f64 = 1.0 / 16.0;

/// The share of a block's time that its process takes, smoothed; 1 is all of it.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// Its bits.
    share: AtomicU64,
}

impl Load {
    /// Counts a block of `period` seconds that took `taken` seconds.
    ///
    /// Realtime-safe.
    pub(super) fn note(&self, taken: f64, period: f64) {
        if period > 0.0 {
            let share = self.get();
            self.share.store((share + (taken / period - share) * WEIGHT).to_bits(), Relaxed);
        }
    }

    pub(super) fn get(&self) -> f64 {
        f64::from_bits(self.share.load(Relaxed))
    }

    /// Begins anew: a client of JACK outlives its streams.
    #[cfg(target_os = "linux")]
    pub(super) fn reset(&self) {
        self.share.store(0, Relaxed);
    }
}
