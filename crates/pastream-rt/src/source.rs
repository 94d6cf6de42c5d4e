//! Where playback comes from: a ring that somebody fills, or a buffer that is all there.

use core::ops::Deref;

use ringbuf::{
    rb::RbRef,
    traits::{Consumer, Observer},
    wrap::{caching::CachingCons, direct::Cons},
};

/// Tells the end of a source from a mere lack of data.
pub trait Live {
    /// Whether the writer will write no more. Whoever sees it true sees all that was written (an acquiring
    /// load): it has to be read before the length is.
    ///
    /// Realtime-safe.
    fn ended(&self) -> bool;

    /// Gives up what was written and is not to be played any more. Whether the writer asked for that since the last call.
    ///
    /// Realtime-safe.
    fn flush(&mut self) -> bool {
        false
    }
}

/// ringbuf's own rings end when their producer is dropped.
impl<R: RbRef> Live for CachingCons<R> {
    fn ended(&self) -> bool {
        !self.write_is_held()
    }
}

/// ringbuf's own rings end when their producer is dropped.
impl<R: RbRef> Live for Cons<R> {
    fn ended(&self) -> bool {
        !self.write_is_held()
    }
}

/// Samples to play, each of them once, in order.
pub trait Source<S>: Live {
    /// What can be read now, in samples; [`usize::MAX`] where it never runs out.
    ///
    /// Realtime-safe.
    fn available(&self) -> usize;

    /// The next samples, in up to two parts; less than all that is available at the source's choice, but
    /// nothing only where there is nothing.
    ///
    /// Realtime-safe.
    fn slices(&self) -> (&[S], &[S]);

    /// Gives up the next `samples` samples, which are at most what [`Self::slices`] showed.
    ///
    /// Realtime-safe.
    fn advance(&mut self, samples: usize);
}

/// A ring of samples. Its capacity is a whole number of frames, and whole frames are written to it.
#[derive(Debug)]
pub struct RingSource<C> {
    ring: C,
}

impl<C> RingSource<C> {
    /// Plays what `ring` brings.
    pub fn new(ring: C) -> Self {
        Self { ring }
    }
}

impl<C: Live> Live for RingSource<C> {
    fn ended(&self) -> bool {
        self.ring.ended()
    }

    fn flush(&mut self) -> bool {
        self.ring.flush()
    }
}

impl<S, C: Consumer<Item = S> + Live> Source<S> for RingSource<C> {
    fn available(&self) -> usize {
        self.ring.occupied_len()
    }

    fn slices(&self) -> (&[S], &[S]) {
        self.ring.as_slices()
    }

    fn advance(&mut self, samples: usize) {
        self.ring.skip(samples);
    }
}

/// A buffer of whole frames, played once or rewound in place without a gap.
#[derive(Debug)]
pub struct BufferSource<B> {
    buffer: B,
    position: usize,
    looped: bool,
}

impl<B> BufferSource<B> {
    /// Plays `buffer`, over and over where `looped`. An empty buffer has ended in either case.
    pub fn new(buffer: B, looped: bool) -> Self {
        Self { buffer, position: 0, looped }
    }
}

impl<S, B: Deref<Target = [S]>> Live for BufferSource<B> {
    fn ended(&self) -> bool {
        !self.looped || self.buffer.is_empty()
    }
}

impl<S, B: Deref<Target = [S]>> Source<S> for BufferSource<B> {
    fn available(&self) -> usize {
        if self.ended() { self.buffer.len().saturating_sub(self.position) } else { usize::MAX }
    }

    fn slices(&self) -> (&[S], &[S]) {
        let rest = self.buffer.get(self.position..).unwrap_or_default();
        let again = if self.looped { self.buffer.get(..self.position).unwrap_or_default() } else { &[] };
        (rest, again)
    }

    fn advance(&mut self, samples: usize) {
        self.position = self.position.saturating_add(samples);
        // `slices` shows one turn at most, so that one subtraction brings it back.
        if self.looped && self.position >= self.buffer.len() {
            self.position = self.position.saturating_sub(self.buffer.len());
        }
    }
}
