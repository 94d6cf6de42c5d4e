//! Peak and mean square of one channel, for meters.

use crate::{
    Sample,
    sync::{AtomicU32, AtomicU64, Ordering, const_new},
};

/// The level of one channel. The callback writes it, one meter reads it; full scale is 1.0.
#[derive(Debug)]
pub struct LevelCell {
    peak: AtomicU32,
    mean_square: AtomicU32,
    highest: AtomicU32,
    /// A float of 64 bits.
    squares: AtomicU64,
    frames: AtomicU64,
}

impl LevelCell {
    const_new! {
        /// Silence.
        #[must_use]
        pub(crate) fn new() -> Self {
            Self {
                peak: AtomicU32::new(0),
                mean_square: AtomicU32::new(0),
                highest: AtomicU32::new(0),
                squares: AtomicU64::new(0),
                frames: AtomicU64::new(0),
            }
        }
    }

    /// The largest magnitude since the last call.
    ///
    /// Realtime-safe.
    pub fn take_peak(&self) -> f32 {
        f32::from_bits(self.peak.swap(0, Ordering::Relaxed))
    }

    /// The mean of the squares in the last block. Its square root is the RMS.
    ///
    /// Realtime-safe.
    pub fn mean_square(&self) -> f32 {
        f32::from_bits(self.mean_square.load(Ordering::Relaxed))
    }

    /// The largest magnitude since the run's start.
    ///
    /// Realtime-safe.
    pub fn highest(&self) -> f32 {
        f32::from_bits(self.highest.load(Ordering::Relaxed))
    }

    /// The mean of all squares since the run's start, 0 before the first. Exact once the run is over.
    ///
    /// Realtime-safe.
    pub fn overall_mean_square(&self) -> f64 {
        let frames = self.frames.load(Ordering::Relaxed).max(1);
        f64::from_bits(self.squares.load(Ordering::Relaxed)) / frames as f64
    }

    pub(crate) fn reset(&self) {
        for cell in [&self.peak, &self.mean_square, &self.highest] {
            cell.store(0, Ordering::Relaxed);
        }
        for cell in [&self.squares, &self.frames] {
            cell.store(0, Ordering::Relaxed);
        }
    }

    /// Adds a block of `frames`. Only the callback does, so that a sum needs no read-modify-write.
    fn put(&self, peak: f32, squares: f64, frames: u64) {
        // The bits of floats that are not negative sort as the floats do.
        self.peak.fetch_max(peak.to_bits(), Ordering::Relaxed);
        let mean = (squares / frames as f64).min(f64::from(f32::MAX)) as f32;
        self.mean_square.store(mean.to_bits(), Ordering::Relaxed);
        self.highest.store(self.highest().max(peak).to_bits(), Ordering::Relaxed);
        let sum = f64::from_bits(self.squares.load(Ordering::Relaxed)) + squares;
        self.squares.store(sum.to_bits(), Ordering::Relaxed);
        self.frames.store(self.frames.load(Ordering::Relaxed).saturating_add(frames), Ordering::Relaxed);
    }
}

/// Measures `samples` (frames × `channels`) into the first `channels` of `cells`. Not-a-number counts as
/// silence; infinity is a peak of [`f32::MAX`] and no part of a mean, so that each level is finite.
pub(crate) fn measure<S: Sample>(samples: &[S], channels: usize, cells: &[LevelCell]) {
    let Some(frames) = samples.len().checked_div(channels).filter(|&frames| frames > 0) else { return };
    for (channel, cell) in cells.iter().take(channels).enumerate() {
        let (mut peak, mut sum) = (0.0_f64, 0.0_f64);
        for sample in samples.iter().skip(channel).step_by(channels) {
            let value = sample.to_f64();
            // `max` passes over what is not a number.
            peak = peak.max(value.abs());
            if value.is_finite() {
                sum += value * value;
            }
        }
        cell.put(peak.min(f64::from(f32::MAX)) as f32, sum, frames as u64);
    }
}
