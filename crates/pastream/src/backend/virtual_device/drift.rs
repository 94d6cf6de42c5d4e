use rubato::{
    Async, FixedAsync, Resampler, Resizable, SincInterpolationParameters,
    audioadapter_buffers::direct::InterleavedSlice,
};

use crate::backend::memory::filled;
use crate::{Error, ErrorKind, Result};

/// The crystal of the capture side: takes frames of the playback clock, gives those of its own.
pub(super) struct Drift {
    resampler: Async<f64>,
    channels: usize,
    captured: Vec<f64>,
}

impl Drift {
    /// A capture clock that runs `ppm` parts per million faster than the playback clock.
    pub(super) fn new(ppm: f64, channels: usize, max_frames: usize) -> Result<Self> {
        let resampler = Async::new_sinc(
            1.0 + ppm * 1e-6,
            1.0,
            &SincInterpolationParameters::default(),
            max_frames,
            channels,
            FixedAsync::Input,
        )
        .map_err(|error| {
            Error::new(ErrorKind::UnsupportedConfig, "virtual device: this drift can't be had")
                .with_source(error)
        })?;
        let captured = filled(resampler.output_frames_max() * channels, 0.0);
        Ok(Self { resampler, channels, captured })
    }

    /// How many frames the capture lags behind through the resampler alone.
    pub(super) fn lag(&self) -> usize {
        self.resampler.output_delay()
    }

    /// The most frames that one block can give.
    pub(super) fn max_frames(&self) -> usize {
        self.resampler.output_frames_max()
    }

    /// What the capture side hears of `played`, 1 to the constructor's `max_frames` frames, interleaved.
    ///
    /// Realtime-safe.
    pub(super) fn turn(&mut self, played: &[f64]) -> &[f64] {
        let frames = played.len() / self.channels;
        let room = self.resampler.output_frames_max();
        let mut turn = || {
            self.resampler.set_chunk_size(frames).ok()?;
            let from = InterleavedSlice::new(played, self.channels, frames).ok()?;
            let mut to = InterleavedSlice::new_mut(&mut self.captured, self.channels, room).ok()?;
            self.resampler.process_into_buffer(&from, &mut to, None).ok()
        };
        // Fails for a block of 0 frames alone, which gives none.
        let (_, captured) = turn().unwrap_or_default();
        &self.captured[..captured * self.channels]
    }
}
