//! The two ends for the callback: ringbuf's traits over the items of the frames. Nothing here waits or wakes.

use std::{
    cell::Cell,
    marker::PhantomData,
    mem::MaybeUninit,
    num::NonZeroUsize,
    ptr, slice,
    sync::{Arc, atomic::Ordering},
};

use bytemuck::Pod;
use pastream_rt::Live;
use ringbuf::traits::{Consumer, Observer, Producer, raw::Raw};

use super::{Ring, ends::take, header::distance};
use crate::{Error, ErrorKind, Result};

/// What both ends know: the ring, and where it stands in frames. An index that the other end publishes moves
/// whole frames only, so counts of items are always multiples of a frame.
#[derive(Debug)]
struct Place<T> {
    ring: Arc<Ring>,
    /// Items of a frame.
    items: usize,
    /// The own index in items, modulo 2 × capacity: the truth, of which the header gets a copy.
    index: Cell<usize>,
    /// Items that a reader read or gave up.
    passed: Cell<u64>,
    item: PhantomData<fn() -> T>,
}

impl<T: Pod> Place<T> {
    fn new(ring: &Arc<Ring>) -> Result<Self> {
        let items = ring.frame_size() / size_of::<T>().max(1);
        let data = ring.frame(0).cast::<T>();
        if items * size_of::<T>() != ring.frame_size() || !data.is_aligned() {
            let message = format!(
                "a ring of {}-byte frames can't be used as items of {} bytes",
                ring.frame_size(),
                size_of::<T>()
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(Self {
            ring: Arc::clone(ring),
            items,
            index: Cell::new(0),
            passed: Cell::new(0),
            item: PhantomData,
        })
    }

    fn capacity(&self) -> NonZeroUsize {
        // The product of two numbers that are at least 1.
        NonZeroUsize::new(self.ring.capacity() * self.items).unwrap_or(NonZeroUsize::MIN)
    }

    /// Pointers to the items from `start` to `end`, and how many: to the end of the memory, and from its beginning.
    fn spans(&self, start: usize, end: usize) -> (*mut T, usize, *mut T, usize) {
        let capacity = self.capacity().get();
        let length = distance(start, end, capacity);
        let at = start % capacity;
        let first = length.min(capacity - at);
        let data = self.ring.frame(0).cast::<T>().as_ptr();
        (data.wrapping_add(at), first, data, length - first)
    }
}

/// The writing end for the callback.
#[derive(Debug)]
pub struct FrameProducer<T> {
    place: Place<T>,
}

/// The reading end for the callback.
#[derive(Debug)]
pub struct FrameConsumer<T> {
    place: Place<T>,
}

impl<T: Pod> FrameProducer<T> {
    pub(super) fn take(ring: &Arc<Ring>) -> Result<Self> {
        let place = Place::new(ring)?;
        take(&ring.writer_taken, "writer")?;
        // After the taking: the last owner moves the index as long as it has the end.
        place.index.set(ring.header().write_index(ring.capacity()) * place.items);
        Ok(Self { place })
    }
}

impl<T: Pod> FrameConsumer<T> {
    pub(super) fn take(ring: &Arc<Ring>) -> Result<Self> {
        let place = Place::new(ring)?;
        take(&ring.reader_taken, "reader")?;
        // After the taking: the last owner moves the index as long as it has the end.
        place.index.set(ring.header().read_index(ring.capacity()) * place.items);
        Ok(Self { place })
    }
}

impl<T: Pod> Live for FrameConsumer<T> {
    fn ended(&self) -> bool {
        self.place.ring.is_ended()
    }

    fn flush(&mut self) -> bool {
        let Some(mark) = self.place.ring.take_mark() else { return false };
        let items = self.place.items;
        // None where they were played, together with what followed them.
        let stale = mark.saturating_sub(self.place.passed.get() / items as u64);
        let frames = usize::try_from(stale).unwrap_or(usize::MAX).min(self.occupied_len() / items);
        self.place.ring.add_flushed(frames as u64);
        self.skip(frames * items);
        true
    }
}

impl<T> Drop for FrameProducer<T> {
    fn drop(&mut self) {
        // Release: pairs with the AcqRel of `take`.
        self.place.ring.writer_taken.store(false, Ordering::Release);
    }
}

impl<T> Drop for FrameConsumer<T> {
    fn drop(&mut self) {
        // Release: pairs with the AcqRel of `take`.
        self.place.ring.reader_taken.store(false, Ordering::Release);
    }
}

impl<T: Pod> Observer for FrameProducer<T> {
    type Item = T;

    fn capacity(&self) -> NonZeroUsize {
        self.place.capacity()
    }

    fn read_index(&self) -> usize {
        let Place { ring, items, .. } = &self.place;
        let index = self.place.index.get();
        let read = ring.header().read_index(ring.capacity()) * items;
        let capacity = self.capacity().get();
        // No true reader is further behind than the ring is long; such an index reads as a full ring.
        let behind = if index >= read { index - read } else { index + 2 * capacity - read };
        if behind > capacity || ring.is_closed() { (index + capacity) % (2 * capacity) } else { read }
    }

    fn write_index(&self) -> usize {
        self.place.index.get()
    }

    fn read_is_held(&self) -> bool {
        self.place.ring.reader_taken.load(Ordering::Acquire)
    }

    fn write_is_held(&self) -> bool {
        true
    }
}

impl<T: Pod> Observer for FrameConsumer<T> {
    type Item = T;

    fn capacity(&self) -> NonZeroUsize {
        self.place.capacity()
    }

    fn read_index(&self) -> usize {
        self.place.index.get()
    }

    fn write_index(&self) -> usize {
        let Place { ring, items, .. } = &self.place;
        let index = self.place.index.get();
        let write = ring.header().write_index(ring.capacity()) * items;
        let capacity = self.capacity().get();
        // No true writer is further ahead than the ring is long; such an index reads as an empty ring.
        let ahead = if write >= index { write - index } else { write + 2 * capacity - index };
        if ahead > capacity { index } else { write }
    }

    fn read_is_held(&self) -> bool {
        true
    }

    fn write_is_held(&self) -> bool {
        self.place.ring.writer_taken.load(Ordering::Acquire)
    }
}

/// The half of [`Raw`] that both ends share, and the index that each may set.
macro_rules! raw {
    ($end:ident, |$read_place:ident, $read:ident| $set_read:expr, |$write_place:ident, $write:ident| $set_write:expr) => {
        // SAFETY: capacity is constant; the own index is private and below twice the capacity; the other's is brought
        // within the capacity of it (`read_index`, `write_index`), so that whatever the header says no slice leaves the
        // memory, and none overlaps what the other end owns unless a foreign hand wrote the header, in which case
        // plain numbers may be torn, no more. Nothing here unwinds.
        unsafe impl<T: Pod> Raw for $end<T> {
            unsafe fn unsafe_slices(
                &self,
                start: usize,
                end: usize,
            ) -> (&[MaybeUninit<T>], &[MaybeUninit<T>]) {
                let (left, first, right, second) = self.place.spans(start, end);
                // SAFETY: `spans` stays within the memory; the caller has the right to the range.
                let left = unsafe { slice::from_raw_parts(left.cast(), first) };
                // SAFETY: the same.
                let right = unsafe { slice::from_raw_parts(right.cast(), second) };
                (left, right)
            }

            unsafe fn unsafe_slices_mut(
                &self,
                start: usize,
                end: usize,
            ) -> (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]) {
                let (left, first, right, second) = self.place.spans(start, end);
                // SAFETY: `spans` stays within the memory; the caller has the right to the range.
                let left = unsafe { &mut *ptr::slice_from_raw_parts_mut(left.cast(), first) };
                // SAFETY: the same; the two don't meet, since together they fit the ring.
                let right = unsafe { &mut *ptr::slice_from_raw_parts_mut(right.cast(), second) };
                (left, right)
            }

            unsafe fn set_read_index(&self, $read: usize) {
                let $read_place = &self.place;
                $set_read
            }

            unsafe fn set_write_index(&self, $write: usize) {
                let $write_place = &self.place;
                $set_write
            }

            // The ring gives out each end once by itself; see `ends::take`.
            unsafe fn hold_read(&self, _flag: bool) -> bool {
                self.read_is_held()
            }

            unsafe fn hold_write(&self, _flag: bool) -> bool {
                self.write_is_held()
            }
        }
    };
}
raw!(FrameProducer, |_place, _value| (), |place, value| {
    place.index.set(value);
    place.ring.header().set_write_index(value / place.items);
});
raw!(
    FrameConsumer,
    |place, value| {
        let before = place.index.replace(value);
        let items =
            if value >= before { value - before } else { value + 2 * place.capacity().get() - before };
        place.passed.set(place.passed.get() + items as u64);
        place.ring.header().set_read_index(value / place.items);
    },
    |_place, _value| ()
);

// ringbuf asks first and takes the slices then, unchecked. What the header says can shrink in between: a reader
// closes, a foreign hand writes. So these look once.
impl<T: Pod> Producer for FrameProducer<T> {
    fn try_push(&mut self, elem: T) -> std::result::Result<(), T> {
        if self.push_slice(&[elem]) == 1 { Ok(()) } else { Err(elem) }
    }
}

impl<T: Pod> Consumer for FrameConsumer<T> {
    fn try_pop(&mut self) -> Option<T> {
        let mut elem = [T::zeroed()];
        (self.pop_slice(&mut elem) == 1).then_some(elem[0])
    }

    fn try_peek(&self) -> Option<&T> {
        self.first()
    }
}
