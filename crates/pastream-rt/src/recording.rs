//! The recording half: from the device's input, after the offset, through a mapping to the sinks.
//!
//! It moves frames and keeps each sink's ledger. How many, and when it ends, is the callback's to say.

use core::ops::{Deref, DerefMut};

use ringbuf::traits::Producer;

use crate::{
    Event, Gap, GapCause, LevelCell, MAX_CHANNELS, Mapping, OnFull, Route, Sample, Sink, SinkCounts,
    block::holds, level::measure, sink::Place,
};

/// Takes the events of a block.
pub type Emit<'a> = &'a mut dyn FnMut(Event);

/// The recording half without its types.
pub trait Record {
    /// Whether `input` is `frames` × the device's channels, and can be read.
    ///
    /// Realtime-safe.
    fn fits(&self, input: &[u8], frames: usize) -> bool;

    /// How many of the next `frames` frames can be taken before a sink that aborts is full.
    ///
    /// Realtime-safe.
    fn room(&self, frames: usize) -> usize;

    /// How many of the next `frames` frames can be taken without a loss in any sink.
    ///
    /// Realtime-safe.
    fn ready(&self, frames: usize) -> usize;

    /// Leaves out `frames` more at the start.
    ///
    /// Realtime-safe.
    fn defer(&mut self, frames: u64);

    /// Takes the first `frames` frames of `input`, clocked from frame `at` on.
    ///
    /// Realtime-safe.
    fn take(&mut self, input: &[u8], frames: usize, at: u64, emit: Emit<'_>);

    /// Accounts for `frames` frames from `at` on that the device clocked and nobody has.
    ///
    /// Realtime-safe.
    fn skip(&mut self, frames: u64, at: u64, emit: Emit<'_>);

    /// Closes the open gaps. Nothing is taken afterwards.
    ///
    /// Realtime-safe.
    fn finish(&mut self, emit: Emit<'_>);

    /// Measures the first `frames` frames of `input`, a cell a channel.
    ///
    /// Realtime-safe.
    fn measure(&self, input: &[u8], frames: usize, cells: &[LevelCell]);
}

/// Samples that are mapped at a time: two frames of the widest stream.
const SCRATCH: usize = 2 * MAX_CHANNELS;

/// The sinks, and the way from the device's channels to theirs.
#[derive(Debug)]
pub struct Recording<S, B, R> {
    sinks: B,
    mapping: Mapping<R>,
    offset: u64,
    scratch: [S; SCRATCH],
}

impl<S, B, R, P, G, D> Recording<S, B, R>
where
    S: Sample,
    B: DerefMut<Target = [Sink<P, G, D>]>,
    R: DerefMut<Target = [Route]>,
    P: Producer<Item = S>,
    G: Producer<Item = Gap>,
    D: Deref<Target = SinkCounts>,
{
    /// Records a device that has `mapping`'s first channel count to `sinks` that have its second, the first
    /// `offset` frames left out. Events name a sink by its index, 255 standing for all from there on.
    pub fn new(sinks: B, mapping: Mapping<R>, offset: u64) -> Self {
        Self { sinks, mapping, offset, scratch: [S::EQUILIBRIUM; SCRATCH] }
    }

    /// Takes what the offset still drops off `frames` frames from `at` on.
    fn drop_offset(&mut self, frames: u64, at: u64) -> (u64, u64) {
        let dropped = self.offset.min(frames);
        self.offset -= dropped;
        (frames - dropped, at.saturating_add(dropped))
    }

    /// The least room of the sinks for which `limits` is true, in a block of `frames` frames.
    fn least_room(&self, frames: usize, limits: impl Fn(OnFull) -> bool) -> usize {
        let channels = self.mapping.to_channels().get();
        let dropped = usize::try_from(self.offset).unwrap_or(usize::MAX);
        if dropped >= frames {
            return frames;
        }
        let rooms = self.sinks.iter().filter(|sink| limits(sink.on_full())).map(|sink| sink.room(channels));
        rooms.fold(frames, |least, room| least.min(room.saturating_add(dropped)))
    }
}

fn indexed<T>(sinks: &mut [T]) -> impl Iterator<Item = (u8, &mut T)> {
    sinks.iter_mut().enumerate().map(|(index, sink)| (u8::try_from(index).unwrap_or(u8::MAX), sink))
}

impl<S, B, R, P, G, D> Record for Recording<S, B, R>
where
    S: Sample,
    B: DerefMut<Target = [Sink<P, G, D>]>,
    R: DerefMut<Target = [Route]>,
    P: Producer<Item = S>,
    G: Producer<Item = Gap>,
    D: Deref<Target = SinkCounts>,
{
    fn fits(&self, input: &[u8], frames: usize) -> bool {
        holds::<S>(input, frames, self.mapping.from_channels().get())
    }

    fn room(&self, frames: usize) -> usize {
        self.least_room(frames, |on_full| on_full == OnFull::Abort)
    }

    fn ready(&self, frames: usize) -> usize {
        self.least_room(frames, |on_full| on_full != OnFull::Discard)
    }

    fn defer(&mut self, frames: u64) {
        self.offset = self.offset.saturating_add(frames);
    }

    fn take(&mut self, input: &[u8], frames: usize, at: u64, emit: Emit<'_>) {
        let (from, to) = (self.mapping.from_channels().get(), self.mapping.to_channels().get());
        let (kept, at) = self.drop_offset(frames as u64, at);
        // At most `frames`.
        let kept = kept as usize;
        let input = bytemuck::try_cast_slice::<u8, S>(input).unwrap_or_default();
        let bounds = (frames - kept).saturating_mul(from)..frames.saturating_mul(from);
        let input = input.get(bounds).unwrap_or_default();
        if kept == 0 {
            return;
        }
        let Self { sinks, mapping, scratch, .. } = self;
        for (index, sink) in indexed(sinks) {
            sink.take(kept, to, &mut Place { at, index, emit: &mut *emit }, |ring, frames| {
                let input = input.get(..frames * from).unwrap_or_default();
                if mapping.is_identity() {
                    return ring.push_slice(input) / to;
                }
                let mut stored = 0;
                for part in input.chunks((SCRATCH / to).saturating_mul(from).max(1)) {
                    let mapped = mapping.apply(part, scratch);
                    let pushed = ring.push_slice(scratch.get(..mapped * to).unwrap_or_default()) / to;
                    stored += pushed;
                    if pushed < mapped {
                        break;
                    }
                }
                stored
            });
        }
    }

    fn skip(&mut self, frames: u64, at: u64, emit: Emit<'_>) {
        let (lost, at) = self.drop_offset(frames, at);
        let channels = self.mapping.to_channels().get();
        if lost == 0 {
            return;
        }
        for (index, sink) in indexed(&mut self.sinks) {
            sink.lose(lost, GapCause::Xrun, channels, &mut Place { at, index, emit: &mut *emit });
        }
    }

    fn finish(&mut self, emit: Emit<'_>) {
        for (index, sink) in indexed(&mut self.sinks) {
            sink.close(index, &mut *emit);
        }
    }

    fn measure(&self, input: &[u8], frames: usize, cells: &[LevelCell]) {
        let channels = self.mapping.from_channels().get();
        let samples = bytemuck::try_cast_slice::<u8, S>(input).unwrap_or_default();
        measure(samples.get(..frames.saturating_mul(channels)).unwrap_or_default(), channels, cells);
    }
}

impl<P: DerefMut<Target: Record>> Record for P {
    fn fits(&self, input: &[u8], frames: usize) -> bool {
        (**self).fits(input, frames)
    }

    fn room(&self, frames: usize) -> usize {
        (**self).room(frames)
    }

    fn ready(&self, frames: usize) -> usize {
        (**self).ready(frames)
    }

    fn defer(&mut self, frames: u64) {
        (**self).defer(frames);
    }

    fn take(&mut self, input: &[u8], frames: usize, at: u64, emit: Emit<'_>) {
        (**self).take(input, frames, at, emit);
    }

    fn skip(&mut self, frames: u64, at: u64, emit: Emit<'_>) {
        (**self).skip(frames, at, emit);
    }

    fn finish(&mut self, emit: Emit<'_>) {
        (**self).finish(emit);
    }

    fn measure(&self, input: &[u8], frames: usize, cells: &[LevelCell]) {
        (**self).measure(input, frames, cells);
    }
}
