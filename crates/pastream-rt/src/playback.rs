//! The playback half: from a source through a mapping to the device's output.
//!
//! It moves frames and counts none. How many, and what a lack of them means, is the callback's to say.

use core::{marker::PhantomData, ops::DerefMut};

use crate::{LevelCell, Mapping, Route, Sample, Source, block::holds, level::measure};

/// What a live source that has nothing leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnStarved {
    /// Silence; playback goes on where it stopped.
    Silence,
    /// The end of the stream, with [`Outcome::BufferEmpty`](crate::Outcome::BufferEmpty).
    Abort,
}

/// What a source gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// Frames that came from the source. Less than was wanted: there were no more.
    pub frames: usize,
    /// Of a short fill: whether the source had ended.
    pub ended: bool,
}

/// The playback half without its types.
pub trait Play {
    /// Whether `output` is `frames` × the device's channels, and can be written.
    ///
    /// Realtime-safe.
    fn fits(&self, output: &[u8], frames: usize) -> bool;

    /// Moves up to `frames` frames of the source to the front of `output` and silences the rest of it.
    ///
    /// Realtime-safe.
    fn fill(&mut self, output: &mut [u8], frames: usize) -> Filled;

    /// How many frames the source has now, and whether it has ended, read in the order that makes an ended
    /// source's answer final.
    ///
    /// Realtime-safe.
    fn available(&self) -> (usize, bool);

    /// Gives up what the source has and is not to be played any more. Whether the source asked for that since the last
    /// call.
    ///
    /// Realtime-safe.
    fn flush(&mut self) -> bool;

    /// Fills `output`, of any length and alignment, with the format's equilibrium.
    ///
    /// Realtime-safe.
    fn silence(&self, output: &mut [u8]);

    /// Measures the first `frames` frames of `output`, a cell a channel.
    ///
    /// Realtime-safe.
    fn measure(&self, output: &[u8], frames: usize, cells: &[LevelCell]);

    /// What a live source that has nothing leads to.
    fn on_starved(&self) -> OnStarved;
}

/// A source, and the way from its channels to the device's.
#[derive(Debug)]
pub struct Playback<S, Q, R> {
    source: Q,
    mapping: Mapping<R>,
    on_starved: OnStarved,
    sample: PhantomData<fn() -> S>,
}

impl<S: Sample, Q: Source<S>, R: DerefMut<Target = [Route]>> Playback<S, Q, R> {
    /// Plays `source`, whose frames have `mapping`'s first channel count, to a device that has its second.
    pub fn new(source: Q, mapping: Mapping<R>, on_starved: OnStarved) -> Self {
        Self { source, mapping, on_starved, sample: PhantomData }
    }
}

impl<S: Sample, Q: Source<S>, R: DerefMut<Target = [Route]>> Play for Playback<S, Q, R> {
    fn fits(&self, output: &[u8], frames: usize) -> bool {
        holds::<S>(output, frames, self.mapping.to_channels().get())
    }

    fn fill(&mut self, output: &mut [u8], frames: usize) -> Filled {
        let mut filled = Filled { frames: 0, ended: false };
        let Ok(output) = bytemuck::try_cast_slice_mut::<u8, S>(output) else { return filled };
        let (from, to) = (self.mapping.from_channels().get(), self.mapping.to_channels().get());
        let wanted = frames.saturating_mul(to).min(output.len());
        let Some((mut rest, silent)) = output.split_at_mut_checked(wanted) else { return filled };
        while !rest.is_empty() {
            // Before the length, or a last write between the two would be lost.
            let ended = self.source.ended();
            let (first, second) = self.source.slices();
            let mut moved = self.mapping.apply(first, rest);
            rest = rest.get_mut(moved * to..).unwrap_or_default();
            if !rest.is_empty() {
                let more = self.mapping.apply(second, rest);
                rest = rest.get_mut(more * to..).unwrap_or_default();
                moved += more;
            }
            if moved == 0 {
                filled.ended = ended;
                break;
            }
            self.source.advance(moved * from);
            filled.frames += moved;
        }
        rest.fill(S::EQUILIBRIUM);
        silent.fill(S::EQUILIBRIUM);
        filled
    }

    fn available(&self) -> (usize, bool) {
        let ended = self.source.ended();
        (self.source.available() / self.mapping.from_channels(), ended)
    }

    fn flush(&mut self) -> bool {
        self.source.flush()
    }

    fn silence(&self, output: &mut [u8]) {
        output.fill(S::SILENCE);
    }

    fn measure(&self, output: &[u8], frames: usize, cells: &[LevelCell]) {
        let channels = self.mapping.to_channels().get();
        let samples = bytemuck::try_cast_slice::<u8, S>(output).unwrap_or_default();
        measure(samples.get(..frames.saturating_mul(channels)).unwrap_or_default(), channels, cells);
    }

    fn on_starved(&self) -> OnStarved {
        self.on_starved
    }
}

impl<P: DerefMut<Target: Play>> Play for P {
    fn fits(&self, output: &[u8], frames: usize) -> bool {
        (**self).fits(output, frames)
    }

    fn fill(&mut self, output: &mut [u8], frames: usize) -> Filled {
        (**self).fill(output, frames)
    }

    fn available(&self) -> (usize, bool) {
        (**self).available()
    }

    fn flush(&mut self) -> bool {
        (**self).flush()
    }

    fn silence(&self, output: &mut [u8]) {
        (**self).silence(output);
    }

    fn measure(&self, output: &[u8], frames: usize, cells: &[LevelCell]) {
        (**self).measure(output, frames, cells);
    }

    fn on_starved(&self) -> OnStarved {
        (**self).on_starved()
    }
}
