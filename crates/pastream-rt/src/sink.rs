//! One of the places that a recording goes to: a ring of samples, and beside it a ring of gaps.
//!
//! The ledger is exact at every moment: what the recording handed over is delivered, in a gap, or beyond the end.

use core::ops::Deref;

use ringbuf::traits::Producer;

use crate::{
    Gap, GapCause, Side,
    event::OpenGap,
    recording::Emit,
    sync::{AtomicU64, Ordering, const_new},
};

/// What a full ring leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFull {
    /// A gap; the recording goes on when there is room.
    Gap,
    /// The end of the stream, with [`Outcome::BufferFull`](crate::Outcome::BufferFull).
    Abort,
    /// Nothing: the ring is as long as what is wanted. From the first frame that does not fit on, all is beyond.
    Discard,
}

/// What became of a sink's frames, written by the callback. Final once the outcome is there.
#[derive(Debug)]
pub struct SinkCounts {
    delivered: AtomicU64,
    gaps: AtomicU64,
    gap_count: AtomicU64,
    beyond: AtomicU64,
}

impl Default for SinkCounts {
    fn default() -> Self {
        Self::new()
    }
}

impl SinkCounts {
    const_new! {
        /// All zero.
        #[must_use]
        pub fn new() -> Self {
            Self {
                delivered: AtomicU64::new(0),
                gaps: AtomicU64::new(0),
                gap_count: AtomicU64::new(0),
                beyond: AtomicU64::new(0),
            }
        }
    }

    /// Back to zero. Only between runs.
    pub fn reset(&self) {
        for counter in [&self.delivered, &self.gaps, &self.gap_count, &self.beyond] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// Frames that went into the sink's ring.
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Frames in gaps.
    pub fn gaps(&self) -> u64 {
        self.gaps.load(Ordering::Relaxed)
    }

    /// Gaps, the one that is still open included.
    pub fn gap_count(&self) -> u64 {
        self.gap_count.load(Ordering::Relaxed)
    }

    /// Frames after an [`OnFull::Discard`] sink was full.
    pub fn beyond(&self) -> u64 {
        self.beyond.load(Ordering::Relaxed)
    }
}

/// Only the callback counts, so that no counter needs a read-modify-write.
fn add(counter: &AtomicU64, frames: u64) {
    counter.store(counter.load(Ordering::Relaxed).saturating_add(frames), Ordering::Relaxed);
}

/// One sink of a recording.
#[derive(Debug)]
pub struct Sink<P, G, D> {
    frames: P,
    gaps: G,
    counts: D,
    on_full: OnFull,
    /// The gap that the gap ring has not got yet, 0 where there is none.
    pending: u64,
    open: Option<OpenGap>,
}

impl<P: Producer, G: Producer<Item = Gap>, D: Deref<Target = SinkCounts>> Sink<P, G, D> {
    /// `frames` takes samples and has a capacity of whole frames. Of `gaps`, one place is kept for the last gap:
    /// with a single one, all that follows a gap is part of it.
    pub fn new(frames: P, gaps: G, counts: D, on_full: OnFull) -> Self {
        Self { frames, gaps, counts, on_full, pending: 0, open: None }
    }

    pub(crate) fn on_full(&self) -> OnFull {
        self.on_full
    }

    fn is_over(&self) -> bool {
        self.counts.beyond() > 0
    }

    /// Frames that can be delivered now: none while the open gap can't be told.
    pub(crate) fn room(&self, channels: usize) -> usize {
        let told = self.pending == 0 || self.gaps.vacant_len() >= 2;
        if told { self.vacant(channels) } else { 0 }
    }

    fn vacant(&self, channels: usize) -> usize {
        self.frames.vacant_len().checked_div(channels).unwrap_or(0)
    }

    /// Takes a block of `frames` frames that begins at `at`. `push` puts that many of them into the ring, if it
    /// can, and answers how many it could.
    pub(crate) fn take(
        &mut self,
        frames: usize,
        channels: usize,
        place: &mut Place<'_>,
        push: impl FnOnce(&mut P, usize) -> usize,
    ) {
        if self.is_over() {
            return add(&self.counts.beyond, frames as u64);
        }
        let room = self.room(channels);
        let fitting = room.min(frames);
        let mut stored = 0;
        if fitting > 0 {
            self.close(place.index, place.emit);
            stored = push(&mut self.frames, fitting).min(fitting);
            add(&self.counts.delivered, stored as u64);
        }
        let rest = (frames - stored) as u64;
        if rest > 0 {
            place.at = place.at.saturating_add(stored as u64);
            self.lose(rest, GapCause::Full, channels, place);
        }
    }

    /// Counts `frames` frames that never came or that have no room.
    pub(crate) fn lose(&mut self, frames: u64, cause: GapCause, channels: usize, place: &mut Place<'_>) {
        if self.is_over() || (self.on_full == OnFull::Discard && self.vacant(channels) == 0) {
            return add(&self.counts.beyond, frames);
        }
        if self.pending == 0 {
            add(&self.counts.gap_count, 1);
        }
        self.pending = self.pending.saturating_add(frames);
        add(&self.counts.gaps, frames);
        if let Some(ended) = OpenGap::grow(&mut self.open, place.at, frames, cause) {
            (place.emit)(ended.event(Side::Recording, place.index));
        }
    }

    /// Tells the open gap, before the frames that follow it or at the end.
    pub(crate) fn close(&mut self, index: u8, emit: Emit<'_>) {
        if self.pending > 0 {
            // Cannot fail: `room` leaves a place for the last one.
            let _ = self.gaps.try_push(Gap { position: self.counts.delivered(), length: self.pending });
            self.pending = 0;
        }
        if let Some(gap) = self.open.take() {
            emit(gap.event(Side::Recording, index));
        }
    }
}

/// Where in the stream, and in which sink.
pub(crate) struct Place<'a> {
    pub(crate) at: u64,
    pub(crate) index: u8,
    pub(crate) emit: Emit<'a>,
}
