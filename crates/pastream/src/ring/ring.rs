//! A ring's memory, its state, and the waits on it.

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    ptr::NonNull,
    sync::{
        Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    Reader, Writer,
    header::{HEADER, Header, MAGIC, MAX_CAPACITY, VERSION, distance},
    realtime::{FrameConsumer, FrameProducer},
};
use crate::{Error, ErrorKind, Result};

/// The longest that a blocked thread sleeps before it looks again whether it was cancelled.
const NAP: Duration = Duration::from_millis(100);

/// Called when something changed for whoever waits.
type Listener = Box<dyn Fn() + Send + Sync>;

/// Who listens to a ring; see [`Ring::listen`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerId(u64);

/// A ring of `capacity` frames of `frame_size` bytes.
pub struct Ring {
    memory: NonNull<u8>,
    frame_size: usize,
    capacity: usize,
    /// Keep `memory` alive, each for whoever attached it.
    owners: Mutex<Vec<Box<dyn Any + Send + Sync>>>,
    pub(super) writer_taken: AtomicBool,
    pub(super) reader_taken: AtomicBool,
    /// Frames that had been written when all of them were discarded; 0: none.
    mark: AtomicU64,
    flushed: AtomicU64,
    waiters: Mutex<u32>,
    woken: Condvar,
    listeners: Mutex<Listeners>,
}

#[derive(Default)]
struct Listeners {
    next: u64,
    all: Vec<(ListenerId, Listener)>,
}

// SAFETY: the memory is owned by `owners`, which are Send, and nothing in it belongs to a thread.
unsafe impl Send for Ring {}
// SAFETY: the header is atomics; the frames are touched by the two ends alone, each of which exists once
// (`writer_taken`, `reader_taken`) and only on its own side of the indices.
unsafe impl Sync for Ring {}

#[repr(C, align(64))]
#[derive(Clone)]
struct Line([u8; 64]);

/// Rings over foreign memory, by address: every worker that attaches the same memory waits on the same ring.
static ATTACHED: LazyLock<Mutex<HashMap<usize, Weak<Ring>>>> = LazyLock::new(Mutex::default);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ring {
    /// A ring in memory of its own, every page of which is touched.
    ///
    /// # Errors
    /// `InvalidArgument` where the frame size or the capacity is 0 or too large.
    pub fn new(frame_size: usize, capacity: usize) -> Result<Arc<Self>> {
        let length = Self::length(frame_size, capacity)?;
        let mut lines = Vec::new();
        lines.try_reserve_exact(length.div_ceil(64)).map_err(|error| {
            let message = format!("no memory for a ring of {capacity} frames of {frame_size} bytes");
            Error::new(ErrorKind::InvalidArgument, message).with_source(error)
        })?;
        // Written, not asked for as zeros: the callback must not be the first to touch a page.
        lines.resize(length.div_ceil(64), Line([0; 64]));
        let memory = NonNull::from(lines.as_mut_slice()).cast::<u8>();
        // SAFETY: the memory is at least a header long, aligned to 64 and nobody else's yet.
        unsafe { memory.cast::<Header>().write(Header::new(frame_size as u32, capacity as u32)) };
        Ok(Arc::new(Self::over(memory, frame_size, capacity, Box::new(OwnedLines(lines)))))
    }

    /// A ring over memory whose header was laid out by JavaScript. The same memory gives the same ring.
    ///
    /// # Errors
    /// `InvalidArgument` where the header isn't a ring's, or says more than `length` bytes.
    ///
    /// # Safety
    /// `memory` is valid for reads and writes of `length` bytes as long as `owner` lives, and is written by nobody but
    /// rings of this layout.
    pub unsafe fn attach(
        memory: NonNull<u8>,
        length: usize,
        owner: Box<dyn Any + Send + Sync>,
    ) -> Result<Arc<Self>> {
        let wrong =
            |what: &str| Error::new(ErrorKind::InvalidArgument, format!("not the memory of a ring: {what}"));
        if length < HEADER || !memory.cast::<Header>().is_aligned() {
            return Err(wrong("too short, or not aligned to words"));
        }
        // SAFETY: long enough and aligned, see above; the words are atomics, any bits are valid.
        let header = unsafe { memory.cast::<Header>().as_ref() };
        let shape = &header.shape;
        if shape.magic.load(Ordering::Acquire) != MAGIC || shape.version.load(Ordering::Acquire) != VERSION {
            return Err(wrong("its first words are not a ring's"));
        }
        let frame_size = shape.frame_size.load(Ordering::Relaxed) as usize;
        let capacity = shape.capacity.load(Ordering::Relaxed) as usize;
        if Self::length(frame_size, capacity)? > length {
            return Err(wrong("its header says more frames than the memory holds"));
        }
        let mut attached = lock(&ATTACHED);
        attached.retain(|_, ring| ring.strong_count() > 0);
        let address = memory.as_ptr() as usize;
        if let Some(ring) = attached.get(&address).and_then(Weak::upgrade) {
            // The worker that attached it first may be gone before this one.
            lock(&ring.owners).push(owner);
            return Ok(ring);
        }
        let ring = Arc::new(Self::over(memory, frame_size, capacity, owner));
        attached.insert(address, Arc::downgrade(&ring));
        Ok(ring)
    }

    fn over(
        memory: NonNull<u8>,
        frame_size: usize,
        capacity: usize,
        owner: Box<dyn Any + Send + Sync>,
    ) -> Self {
        Self {
            memory,
            frame_size,
            capacity,
            owners: Mutex::new(vec![owner]),
            writer_taken: AtomicBool::new(false),
            reader_taken: AtomicBool::new(false),
            mark: AtomicU64::new(0),
            flushed: AtomicU64::new(0),
            waiters: Mutex::new(0),
            woken: Condvar::new(),
            listeners: Mutex::default(),
        }
    }

    /// Bytes of the memory of such a ring.
    fn length(frame_size: usize, capacity: usize) -> Result<usize> {
        (frame_size > 0 && frame_size <= 1 << 16 && capacity > 0 && capacity <= MAX_CAPACITY)
            .then(|| frame_size.checked_mul(capacity)?.checked_add(HEADER))
            .flatten()
            .filter(|&length| isize::try_from(length).is_ok())
            .ok_or_else(|| {
                let message = format!(
                    "a ring of {capacity} frames of {frame_size} bytes can't be made: \
                     1 to {MAX_CAPACITY} frames of 1 to 65536 bytes can"
                );
                Error::new(ErrorKind::InvalidArgument, message)
            })
    }

    pub(super) fn header(&self) -> &Header {
        // SAFETY: `memory` begins with a header (`new` wrote it, `attach` checked it) and lives as long as `self`.
        unsafe { self.memory.cast::<Header>().as_ref() }
    }

    /// Where frame `index` (below 2 × capacity) lies.
    pub(super) fn frame(&self, index: usize) -> NonNull<u8> {
        let frame = if index >= self.capacity { index - self.capacity } else { index };
        // SAFETY: `frame` is below the capacity for every index below twice of it, so it lies within the memory.
        unsafe { self.memory.add(HEADER + frame * self.frame_size) }
    }

    /// Bytes of a frame.
    #[must_use]
    pub const fn frame_size(&self) -> usize {
        self.frame_size
    }

    /// Frames that fit.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Frames that can be read now. Only grows but for the reader.
    #[must_use]
    pub fn readable(&self) -> usize {
        let header = self.header();
        distance(header.read_index(self.capacity), header.write_index(self.capacity), self.capacity)
    }

    /// Frames that can be written now. Only grows but for the writer. 0 when closed.
    #[must_use]
    pub fn writable(&self) -> usize {
        if self.is_closed() { 0 } else { self.capacity - self.readable() }
    }

    /// Whether the writer is through.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.header().is_ended()
    }

    /// Whether the reader is through.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.header().is_closed()
    }

    /// Whether its reader, in JavaScript, is still on its way.
    pub(crate) fn is_awaited(&self) -> bool {
        self.header().is_awaited()
    }

    /// Says that nothing will be written any more, and wakes who waits.
    ///
    /// Not realtime-safe: locks.
    pub fn end(&self) {
        self.header().set_ended(true);
        self.notify();
    }

    /// Says that nothing will be read any more, and wakes who waits.
    ///
    /// Not realtime-safe: locks.
    pub fn close(&self) {
        self.header().set_closed(true);
        self.notify();
    }

    /// Takes back [`end`](Self::end) and [`close`](Self::close) before another run; the frames stay.
    pub fn reopen(&self) {
        self.header().set_ended(false);
        self.header().set_closed(false);
    }

    /// Takes back [`end`](Self::end): the writer has more after all.
    pub(crate) fn unend(&self) {
        self.header().set_ended(false);
    }

    pub(super) fn set_mark(&self, written: u64) {
        // Release: pairs with the Acquire of `take_mark`.
        self.mark.store(written, Ordering::Release);
    }

    /// Realtime-safe.
    pub(super) fn take_mark(&self) -> Option<u64> {
        if self.mark.load(Ordering::Relaxed) == 0 {
            return None;
        }
        // Acquire: pairs with the Release of `set_mark`, before which the frames were published.
        Some(self.mark.swap(0, Ordering::Acquire))
    }

    pub(super) fn add_flushed(&self, frames: u64) {
        // Relaxed: a count, which nothing else is read by.
        self.flushed.fetch_add(frames, Ordering::Relaxed);
    }

    /// Frames that the callback gave up since the ring was made: see [`Writer::discard`].
    #[must_use]
    pub fn flushed(&self) -> u64 {
        self.flushed.load(Ordering::Relaxed)
    }

    /// The writing end for an ordinary thread.
    ///
    /// # Errors
    /// `StreamState` while somebody has it.
    pub fn writer(self: &Arc<Self>) -> Result<Writer> {
        Writer::take(self)
    }

    /// The reading end for an ordinary thread.
    ///
    /// # Errors
    /// `StreamState` while somebody has it.
    pub fn reader(self: &Arc<Self>) -> Result<Reader> {
        Reader::take(self)
    }

    /// The writing end for the callback, over items of which a frame holds a whole number.
    ///
    /// # Errors
    /// `StreamState` while somebody has the writing end, `InvalidArgument` where the items don't fit the frames.
    pub fn producer<T: bytemuck::Pod>(self: &Arc<Self>) -> Result<FrameProducer<T>> {
        FrameProducer::take(self)
    }

    /// The reading end for the callback, over items of which a frame holds a whole number.
    ///
    /// # Errors
    /// `StreamState` while somebody has the reading end, `InvalidArgument` where the items don't fit the frames.
    pub fn consumer<T: bytemuck::Pod>(self: &Arc<Self>) -> Result<FrameConsumer<T>> {
        FrameConsumer::take(self)
    }

    /// Whether reader and writer wait for each other, and one must be content with less.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.header().is_stuck() && !self.wake_due()
    }

    /// Whether somebody waits for what is there now.
    ///
    /// Realtime-safe.
    #[must_use]
    pub fn wake_due(&self) -> bool {
        self.header().wake_due(self.capacity)
    }

    /// Wakes every thread that is blocked on the ring, and calls the listeners.
    ///
    /// Not realtime-safe: locks.
    pub fn notify(&self) {
        let mut generation = lock(&self.waiters);
        *generation = generation.wrapping_add(1);
        drop(generation);
        self.woken.notify_all();
        for (_, listener) in &lock(&self.listeners).all {
            listener();
        }
    }

    /// Calls `listener` at each [`notify`](Self::notify), until [`unlisten`](Self::unlisten).
    pub fn listen(&self, listener: Listener) -> ListenerId {
        let mut listeners = lock(&self.listeners);
        let id = ListenerId(listeners.next);
        listeners.next += 1;
        listeners.all.push((id, listener));
        id
    }

    /// Calls a listener no more.
    pub fn unlisten(&self, id: ListenerId) {
        lock(&self.listeners).all.retain(|(other, _)| *other != id);
    }

    /// Blocks until `frames` can be read (at most the capacity), nothing more will come, the time is over, or
    /// `cancelled` says so. Returns what can be read.
    ///
    /// Not realtime-safe: blocks.
    pub fn wait_readable(
        &self,
        frames: usize,
        timeout: Option<Duration>,
        cancelled: &dyn Fn() -> bool,
    ) -> usize {
        let wanted = frames.min(self.capacity);
        let ready = || self.is_ended() || self.is_closed() || self.readable() >= wanted;
        self.wait(&|| self.header().want_readable(wanted), &ready, timeout, cancelled);
        self.header().want_readable(0);
        self.readable()
    }

    /// Blocks until there is room for `frames` (at most the capacity), nobody will read, the time is over, or
    /// `cancelled` says so. Returns the room.
    ///
    /// Not realtime-safe: blocks.
    pub fn wait_writable(
        &self,
        frames: usize,
        timeout: Option<Duration>,
        cancelled: &dyn Fn() -> bool,
    ) -> usize {
        let wanted = frames.min(self.capacity);
        let ready = || self.is_closed() || self.writable() >= wanted;
        self.wait(&|| self.header().want_writable(wanted), &ready, timeout, cancelled);
        self.header().want_writable(0);
        self.writable()
    }

    fn wait(
        &self,
        announce: &dyn Fn(),
        ready: &dyn Fn() -> bool,
        timeout: Option<Duration>,
        cancelled: &dyn Fn() -> bool,
    ) {
        // A deadline beyond what the clock can say is none.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut told = false;
        loop {
            // Under the lock: a notify that follows the wish finds this thread asleep.
            let mut generation = lock(&self.waiters);
            announce();
            if self.header().is_stuck() && !std::mem::replace(&mut told, true) {
                // The other side may be content with less: let it look again.
                *generation = generation.wrapping_add(1);
                self.woken.notify_all();
            }
            let before = *generation;
            if ready() || cancelled() {
                return;
            }
            let left = deadline.map_or(NAP, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return;
            }
            drop(
                self.woken
                    .wait_timeout_while(generation, left, |now| *now == before)
                    .unwrap_or_else(PoisonError::into_inner),
            );
        }
    }
}

/// The lines of a ring's own memory, which are written through `Ring::memory` alone. No `Box`: moving one says
/// that no other pointer is in use.
struct OwnedLines(#[expect(dead_code, reason = "kept for its drop")] Vec<Line>);

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("frame_size", &self.frame_size)
            .field("capacity", &self.capacity)
            .field("header", self.header())
            .finish_non_exhaustive()
    }
}
