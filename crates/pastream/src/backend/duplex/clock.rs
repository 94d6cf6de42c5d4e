use std::time::Instant;

/// One clock that both devices are held against: their own times have nothing in common.
pub(super) trait Clock: Send + Sync {
    /// Seconds since some moment.
    ///
    /// Realtime-safe.
    fn now(&self) -> f64;
}

/// The system's monotonic clock.
pub(super) struct Monotonic(Instant);

impl Monotonic {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Monotonic {
    fn now(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}
