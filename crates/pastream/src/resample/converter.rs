//! Frames of one kind into frames of another.

use super::{
    Quality,
    mix::Mix,
    resampler::{Resampler, resampled_frames},
};
use crate::{
    Result, SampleFormat,
    backend::convert::{decode, encode},
};

/// What frames are.
#[derive(Clone, Copy)]
pub(super) struct Frames {
    pub(super) format: SampleFormat,
    pub(super) channels: usize,
    pub(super) sample_rate: u32,
}

impl Frames {
    fn size(&self) -> usize {
        self.channels * self.format.size()
    }
}

/// Turns frames of one kind into frames of another, in 64-bit floats from end to end.
pub(crate) struct Converter {
    from: Frames,
    to: Frames,
    mix: Mix,
    resampler: Option<Resampler>,
    /// From step to step.
    first: Vec<f64>,
    second: Vec<f64>,
    third: Vec<f64>,
    ready: Vec<u8>,
    /// Bytes of `ready` that were taken.
    taken: usize,
}

impl Converter {
    /// Frames to put in at a time, at most, so that what comes out stays small.
    pub(crate) const BLOCK: usize = 1024;

    pub(super) fn new(from: Frames, to: Frames, mix: Mix, quality: Option<Quality>) -> Result<Self> {
        let channels = from.channels.min(to.channels);
        let resampler = quality
            .map(|quality| Resampler::new(from.sample_rate, to.sample_rate, channels, quality))
            .transpose()?;
        let [first, second, third] = [const { Vec::new() }; 3];
        Ok(Self { from, to, mix, resampler, first, second, third, ready: Vec::new(), taken: 0 })
    }

    /// The format that frames are put in.
    pub(crate) fn from(&self) -> SampleFormat {
        self.from.format
    }

    /// The format that frames come out in.
    pub(crate) fn to(&self) -> SampleFormat {
        self.to.format
    }

    /// Bytes of a frame that is put in.
    pub(crate) fn frame_size(&self) -> usize {
        self.from.size()
    }

    /// How many frames `frames` become.
    pub(crate) fn made_of(&self, frames: u64) -> u64 {
        resampled_frames(frames, self.from.sample_rate, self.to.sample_rate)
    }

    /// The frame of what is put in from which on it is put in to go on at `frame` of what comes out.
    pub(crate) fn origin(&self, frame: u64) -> u64 {
        self.resampler.as_ref().map_or(frame, |resampler| resampler.origin(frame))
    }

    /// Goes on at `frame` of what comes out, with what is put in from its [`origin`](Self::origin) on.
    pub(crate) fn restart(&mut self, frame: u64) {
        self.taken = self.ready.len();
        if let Some(resampler) = &mut self.resampler {
            resampler.restart(frame);
        }
    }

    /// Puts in whole frames, when all that came out was taken.
    pub(crate) fn put(&mut self, frames: &[u8]) {
        self.first.resize(frames.len() / self.from.format.size(), 0.0);
        decode(self.from.format, frames, &mut self.first);
        self.step(Resampler::push);
    }

    /// Says that there are no more frames; what is left comes out.
    pub(crate) fn finish(&mut self) {
        self.first.clear();
        self.step(|resampler, _, out| resampler.finish(out));
    }

    fn step(&mut self, resample: impl FnOnce(&mut Resampler, &[f64], &mut Vec<f64>)) {
        let Self { mix, resampler, first, second, third, .. } = self;
        let done = match resampler {
            None => {
                mix.apply(first, second);
                second
            }
            Some(resampler) if mix.widens() => {
                second.clear();
                resample(resampler, first, second);
                mix.apply(second, third);
                third
            }
            Some(resampler) => {
                mix.apply(first, second);
                third.clear();
                resample(resampler, second, third);
                third
            }
        };
        self.taken = 0;
        self.ready.resize(done.len() * self.to.format.size(), 0);
        encode(self.to.format, done, &mut self.ready);
    }

    /// Moves what came out to the front of `out`, as far as whole frames fit. Returns how many.
    pub(crate) fn take(&mut self, out: &mut [u8]) -> usize {
        let size = self.to.size();
        let frames = (out.len() / size).min((self.ready.len() - self.taken) / size);
        let end = self.taken + frames * size;
        out[..frames * size].copy_from_slice(&self.ready[self.taken..end]);
        self.taken = end;
        frames
    }

    /// All that came out.
    pub(crate) fn take_all(&mut self) -> &[u8] {
        let begin = std::mem::replace(&mut self.taken, self.ready.len());
        &self.ready[begin..]
    }
}
