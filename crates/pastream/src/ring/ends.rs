//! The two ends for ordinary threads: bytes, and a wake-up for whoever waits on the other side.

use std::{
    slice,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Ring, header::distance};
use crate::{Error, ErrorKind, Result};

/// The writing end. Its own index is its own memory: what the header says is only told to the other end.
#[derive(Debug)]
pub struct Writer {
    ring: Arc<Ring>,
    index: usize,
    written: u64,
}

/// The reading end. Its own index is its own memory: what the header says is only told to the other end.
#[derive(Debug)]
pub struct Reader {
    ring: Arc<Ring>,
    index: usize,
}

/// Takes an end, which exists once.
pub(super) fn take(taken: &AtomicBool, end: &str) -> Result<()> {
    // AcqRel: pairs with the Release of the drop, so that the next owner sees what the last one did.
    if taken.swap(true, Ordering::AcqRel) {
        let message = format!("the ring has a {end} already: it can have one at a time");
        return Err(Error::new(ErrorKind::StreamState, message));
    }
    Ok(())
}

/// `frames` from `index` on, at most to the end of the memory, and what is left at its beginning: in bytes.
fn parts(ring: &Ring, index: usize, frames: usize) -> (usize, usize) {
    let start = index % ring.capacity();
    let first = frames.min(ring.capacity() - start);
    (first * ring.frame_size(), (frames - first) * ring.frame_size())
}

impl Writer {
    pub(super) fn take(ring: &Arc<Ring>) -> Result<Self> {
        take(&ring.writer_taken, "writer")?;
        Ok(Self { index: ring.header().write_index(ring.capacity()), written: 0, ring: Arc::clone(ring) })
    }

    /// The ring it writes to.
    #[must_use]
    pub const fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// Frames of room. Only grows.
    #[must_use]
    pub fn writable(&self) -> usize {
        let capacity = self.ring.capacity();
        if self.ring.is_closed() {
            return 0;
        }
        capacity - distance(self.ring.header().read_index(capacity), self.index, capacity)
    }

    /// Where the next `frames` go, or as many as there is room for.
    pub fn slices(&mut self, frames: usize) -> (&mut [u8], &mut [u8]) {
        let (first, second) = parts(&self.ring, self.index, frames.min(self.writable()));
        // SAFETY: within the memory (`parts`), and the reader stays off until `advance`; the only writer is `self`,
        // which is borrowed.
        let left = unsafe { slice::from_raw_parts_mut(self.ring.frame(self.index).as_ptr(), first) };
        // SAFETY: the same, at the beginning of the memory; the parts don't meet since together they fit the ring.
        let right = unsafe { slice::from_raw_parts_mut(self.ring.frame(0).as_ptr(), second) };
        (left, right)
    }

    /// Publishes `frames` that were written, or as many as there is room for, and wakes who waits for them.
    pub fn advance(&mut self, frames: usize) {
        let frames = frames.min(self.writable());
        self.written += frames as u64;
        self.index = (self.index + frames) % (2 * self.ring.capacity());
        self.ring.header().set_write_index(self.index);
        if self.ring.wake_due() {
            self.ring.notify();
        }
    }

    /// Frames that were written through this end.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Says that what was written so far is not to be played any more: a callback that has the other end as long as this one is
    /// there gives it up after its next block. What it has played by then stays played.
    pub fn discard(&mut self) {
        self.ring.set_mark(self.written);
    }

    /// Writes the whole frames of `bytes` that fit. Returns how many.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        let frames = bytes.len() / self.ring.frame_size();
        let (left, right) = self.slices(frames);
        let (first, second) = bytes[..left.len() + right.len()].split_at(left.len());
        left.copy_from_slice(first);
        right.copy_from_slice(second);
        let written = (first.len() + second.len()) / self.ring.frame_size();
        self.advance(written);
        written
    }
}

impl Reader {
    pub(super) fn take(ring: &Arc<Ring>) -> Result<Self> {
        take(&ring.reader_taken, "reader")?;
        Ok(Self { index: ring.header().read_index(ring.capacity()), ring: Arc::clone(ring) })
    }

    /// The ring it reads from.
    #[must_use]
    pub const fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// Frames that are there. Only grows.
    #[must_use]
    pub fn readable(&self) -> usize {
        let capacity = self.ring.capacity();
        distance(self.index, self.ring.header().write_index(capacity), capacity)
    }

    /// The next `frames`, or as many as there are.
    #[must_use]
    pub fn slices(&self, frames: usize) -> (&[u8], &[u8]) {
        let (first, second) = parts(&self.ring, self.index, frames.min(self.readable()));
        // SAFETY: within the memory (`parts`), initialized (heap memory is zeroed), and the writer stays off until
        // `advance`, which takes `&mut self`.
        let left = unsafe { slice::from_raw_parts(self.ring.frame(self.index).as_ptr(), first) };
        // SAFETY: the same, at the beginning of the memory.
        let right = unsafe { slice::from_raw_parts(self.ring.frame(0).as_ptr(), second) };
        (left, right)
    }

    /// Gives back `frames` that were read, or as many as there are, and wakes who waits for room.
    pub fn advance(&mut self, frames: usize) {
        let frames = frames.min(self.readable());
        self.index = (self.index + frames) % (2 * self.ring.capacity());
        self.ring.header().set_read_index(self.index);
        if self.ring.wake_due() {
            self.ring.notify();
        }
    }

    /// Reads as many whole frames as `bytes` has room for. Returns how many.
    pub fn read(&mut self, bytes: &mut [u8]) -> usize {
        let (left, right) = self.slices(bytes.len() / self.ring.frame_size());
        let (first, rest) = bytes.split_at_mut(left.len());
        first.copy_from_slice(left);
        rest[..right.len()].copy_from_slice(right);
        let frames = (left.len() + right.len()) / self.ring.frame_size();
        self.advance(frames);
        frames
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Release: pairs with the AcqRel of `take`.
        self.ring.writer_taken.store(false, Ordering::Release);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Release: pairs with the AcqRel of `take`.
        self.ring.reader_taken.store(false, Ordering::Release);
    }
}
