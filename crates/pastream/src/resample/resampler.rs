//! From one rate to another.

use rubato::{
    Adjustable, Async, FixedAsync, Indexing, Resampler as _, Resizable, SincInterpolationParameters,
    SincInterpolationType, WindowFunction, audioadapter_buffers::direct::InterleavedSlice, calculate_cutoff,
};

use super::Quality;
use crate::{Error, ErrorKind, Result};

/// One rate is at most so many times the other.
pub const MAX_RATIO: u32 = 256;

/// Frames that are made at once, or taken where those are more.
const CHUNK: usize = 1024;
/// Points of all filters together, 4 MiB, where each place between two frames has a filter of its own.
const EXACT: usize = 1 << 19;
/// Filters between two frames, where the places between them are interpolated.
const OVERSAMPLING: usize = 256;
/// How far from the ratio the first steps may be.
const BEND: f64 = 1.1;

/// How many frames `frames` become: ceil(frames × to / from), so that the last of them lies before their end, and nothing of
/// the tail is cut.
#[must_use]
pub fn resampled_frames(frames: u64, from: u32, to: u32) -> u64 {
    let frames = (u128::from(frames) * u128::from(to)).div_ceil(u128::from(from));
    u64::try_from(frames).unwrap_or(u64::MAX)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Quality {
    /// Points of the filter where the rate goes up, and its window.
    fn filter(self) -> (usize, WindowFunction) {
        match self {
            Self::Fast => (64, WindowFunction::Blackman),
            Self::Good => (192, WindowFunction::Blackman2),
            Self::Best => (512, WindowFunction::BlackmanHarris2),
        }
    }
}

/// Frames of one rate to frames of another: frame n of what it gives lies at n × from / to of what it takes.
pub(super) struct Resampler {
    inner: Async<f64>,
    channels: usize,
    rates: (u32, u32),
    /// Frames that are made at once.
    chunk: usize,
    /// How far a frame reaches back, and ahead, in frames that are taken.
    behind: u64,
    ahead: f64,
    /// Frames to make before the first that counts, that one included.
    early: usize,
    /// Samples that were not taken yet.
    waiting: Vec<f64>,
    made: Vec<f64>,
    taken: u64,
    given: u64,
}

impl Resampler {
    /// For rates that are [`in_reach`].
    ///
    /// # Errors
    /// `UnsupportedConfig`.
    pub(super) fn new(from: u32, to: u32, channels: usize, quality: Quality) -> Result<Self> {
        let shared = gcd(from, to);
        let (phases, step) = ((to / shared) as usize, f64::from(from) / f64::from(to));
        let (points, window) = quality.filter();
        // As many periods of the lower rate.
        let longer = step.max(1.0);
        let length = ((points as f64 * longer).ceil() as usize).next_multiple_of(8);
        let parameters =
            SincInterpolationParameters::new(length, window).f_cutoff(calculate_cutoff(points, window));
        let (places, interpolation) = if phases * length <= EXACT {
            (phases, SincInterpolationType::Nearest)
        } else {
            ((OVERSAMPLING as f64 / longer).ceil() as usize, SincInterpolationType::Cubic)
        };
        let parameters = parameters.oversampling_factor(places).interpolation(interpolation);
        let chunk = ((CHUNK as f64 / longer) as usize).max(1);
        let inner = Async::new_sinc(1.0 / step, BEND, &parameters, chunk, channels, FixedAsync::Output)
            .map_err(|error| {
                let message = format!("{from} Hz can't become {to} Hz");
                Error::new(ErrorKind::UnsupportedConfig, message).with_source(error)
            })?;
        let mut resampler = Self {
            inner,
            channels,
            rates: (from, to),
            chunk,
            behind: length as u64 / 2,
            ahead: length as f64 / 2.0 - 1.0 / places as f64,
            early: 0,
            waiting: Vec::new(),
            made: vec![0.0; chunk * channels],
            taken: 0,
            given: 0,
        };
        resampler.restart(0);
        Ok(resampler)
    }

    /// The frame from which on frames are taken so that `frame` of what it gives is as if nothing was left out.
    pub(super) fn origin(&self, frame: u64) -> u64 {
        self.place(frame).0.saturating_sub(self.behind)
    }

    /// Where `frame` of what it gives lies in what it takes: a frame, and the part of one beyond it.
    fn place(&self, frame: u64) -> (u64, f64) {
        let (from, to) = (u128::from(self.rates.0), u128::from(self.rates.1));
        let place = u128::from(frame) * from;
        ((place / to) as u64, (place % to) as f64 / to as f64)
    }

    /// Gives what is from `frame` on, of frames from its [`origin`](Self::origin) on.
    pub(super) fn restart(&mut self, frame: u64) {
        let (whole, part) = self.place(frame);
        (self.taken, self.given) = (self.origin(frame), frame);
        // As many frames are made for nothing, at steps that lead from where the first one would lie exactly to this one.
        let way = self.ahead + (whole - self.taken) as f64 + part;
        let step = f64::from(self.rates.0) / f64::from(self.rates.1);
        let early = (way / step).round().max(1.0);
        self.early = early as usize;
        self.waiting.clear();
        self.inner.reset();
        // Can't fail: they are nearly the step itself.
        let _ = self.inner.set_resample_ratio(early / way, false);
    }

    /// Appends to `out` what `frames` make up for; some of it comes with frames that follow.
    pub(super) fn push(&mut self, frames: &[f64], out: &mut Vec<f64>) {
        self.waiting.extend_from_slice(frames);
        self.taken += (frames.len() / self.channels) as u64;
        self.make(out);
    }

    /// Appends to `out` what is still to come when there are no more frames.
    pub(super) fn finish(&mut self, out: &mut Vec<f64>) {
        let (from, to) = self.rates;
        let whole = resampled_frames(self.taken, from, to);
        while self.given < whole {
            let missing = self.inner.input_frames_next() * self.channels - self.waiting.len();
            self.waiting.resize(self.waiting.len() + missing, 0.0);
            self.make(out);
        }
        // The last ones lie beyond the end.
        out.truncate(out.len() - (self.given - whole) as usize * self.channels);
        self.given = whole;
    }

    /// Makes chunks while the next one has all that it needs.
    fn make(&mut self, out: &mut Vec<f64>) {
        let mut done = 0;
        loop {
            let frames = if self.early > 0 { self.early.min(self.chunk) } else { self.chunk };
            // Can't fail for so many.
            let _ = self.inner.set_chunk_size(frames);
            let (needed, waiting) = (self.inner.input_frames_next(), self.waiting.len() / self.channels);
            if waiting - done < needed {
                break;
            }
            let made = &mut self.made[..frames * self.channels];
            let from = InterleavedSlice::new(&self.waiting[..], self.channels, waiting);
            let to = InterleavedSlice::new_mut(&mut made[..], self.channels, frames);
            if let (Ok(from), Ok(mut to)) = (from, to) {
                // Can't fail: both are as long as it asked for.
                let at = Indexing::new().input_offset(done);
                let _ = self.inner.process_into_buffer(&from, &mut to, Some(&at));
            }
            done += needed;
            if self.early == 0 {
                out.extend_from_slice(made);
                self.given += frames as u64;
                continue;
            }
            self.early -= frames;
            if self.early == 0 {
                let (from, to) = self.rates;
                // Can't fail: it began with that.
                let _ = self.inner.set_resample_ratio(f64::from(to) / f64::from(from), false);
                out.extend_from_slice(&made[(frames - 1) * self.channels..]);
                self.given += 1;
            }
        }
        self.waiting.drain(..done * self.channels);
    }
}

/// Whether one rate can be made the other.
pub(super) fn in_reach(from: u32, to: u32) -> bool {
    u64::from(from.max(to)) <= u64::from(from.min(to)) * u64::from(MAX_RATIO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_elsewhere_is_as_if_nothing_was_left_out() {
        let frames: Vec<f64> =
            (0_u32..12_000).map(|n| f64::from(n.wrapping_mul(2_654_435_761) >> 8) / 16_777_216.0).collect();
        for (from, to) in [(44_100, 48_000), (48_000, 44_100), (192_000, 8_000), (48_000, 47_999)] {
            let mut resampler = Resampler::new(from, to, 2, Quality::Best).unwrap();
            let given = |resampler: &mut Resampler, frames: &[f64]| {
                let mut out = Vec::new();
                frames.chunks(700).for_each(|part| resampler.push(part, &mut out));
                resampler.finish(&mut out);
                out
            };
            let whole = given(&mut resampler, &frames);
            assert_eq!(whole.len() as u64 / 2, resampled_frames(6_000, from, to));
            for frame in [0, 1, 100, 3_001, whole.len() as u64 / 2] {
                if frame <= whole.len() as u64 / 2 {
                    let origin = 2 * resampler.origin(frame) as usize;
                    resampler.restart(frame);
                    let rest = given(&mut resampler, &frames[origin..]);
                    let wanted = &whole[2 * frame as usize..];
                    assert_eq!(rest.len(), wanted.len(), "{from} {to} {frame}");
                    let far = rest.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                    assert!(far < 1e-9, "{from} {to} {frame}: {far}");
                }
            }
        }
    }
}
