//! The words at the start of a ring's memory.
//!
//! | byte | word (u32) |
//! |---|---|
//! | 0 | magic, 0x52535031 |
//! | 4 | bytes of a frame |
//! | 8 | capacity in frames, 1 to 2^30 |
//! | 12 | version, 1 |
//! | 16 | the format of JavaScript's views; Rust doesn't look |
//! | 64 | write index in frames, modulo 2 × capacity |
//! | 68 | 1 when the writer will write no more |
//! | 128 | read index in frames, modulo 2 × capacity |
//! | 132 | 1 when the reader will read no more: writes take nothing |
//! | 136 | 1 while the reader is on its way: a run that records to the ring begins once it is there |
//! | 192 | frames that a waiting reader needs, 0 when nobody waits |
//! | 196 | frames of room that a waiting writer needs, 0 when nobody waits |
//!
//! Frames follow at byte 256. JavaScript may store anything here at any time, so what is read is never trusted.

use crate::sync::{AtomicU32, Ordering, fence};

/// Bytes before the frames.
pub const HEADER: usize = 256;
/// The largest capacity in frames: twice of it still fits an index.
pub const MAX_CAPACITY: usize = 1 << 30;
/// The first word of every ring.
pub const MAGIC: u32 = 0x5253_5031;
/// The fourth.
pub const VERSION: u32 = 1;

/// What never changes, in words.
///
/// Padded, not aligned, to the lines of the layout: a `SharedArrayBuffer` lies at a multiple of 16 bytes, no more.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Shape {
    pub(crate) magic: AtomicU32,
    pub(crate) frame_size: AtomicU32,
    pub(crate) capacity: AtomicU32,
    pub(crate) version: AtomicU32,
    pub(crate) rest: [u32; 12],
}

/// One end: how far it came, and whether it is through.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct End {
    pub(crate) index: AtomicU32,
    done: AtomicU32,
    away: AtomicU32,
    rest: [u32; 13],
}

/// Who waits for how much.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Wants {
    pub(crate) readable: AtomicU32,
    pub(crate) writable: AtomicU32,
    pub(crate) rest: [u32; 14],
}

/// The header: see the module.
#[derive(Debug)]
#[repr(C)]
pub struct Header {
    pub(crate) shape: Shape,
    pub(crate) write: End,
    pub(crate) read: End,
    pub(crate) wants: Wants,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Header>() == HEADER);

impl Header {
    /// A header of an empty ring, with nobody waiting.
    #[must_use]
    pub fn new(frame_size: u32, capacity: u32) -> Self {
        Self {
            shape: Shape {
                magic: AtomicU32::new(MAGIC),
                frame_size: AtomicU32::new(frame_size),
                capacity: AtomicU32::new(capacity),
                version: AtomicU32::new(VERSION),
                rest: [0; 12],
            },
            write: End::default(),
            read: End::default(),
            wants: Wants::default(),
        }
    }

    /// Where the writer is, brought within 0 to 2 × `capacity`. What it wrote before is visible.
    pub fn write_index(&self, capacity: usize) -> usize {
        self.write.index(capacity)
    }

    /// Where the reader is, brought within 0 to 2 × `capacity`. It is through with what lies before.
    pub fn read_index(&self, capacity: usize) -> usize {
        self.read.index(capacity)
    }

    /// Publishes how far the writer came.
    pub fn set_write_index(&self, index: usize) {
        self.write.set_index(index);
    }

    /// Publishes how far the reader came.
    pub fn set_read_index(&self, index: usize) {
        self.read.set_index(index);
    }

    /// Whether the writer is through. Ask before looking for frames: none come after.
    pub fn is_ended(&self) -> bool {
        self.write.is_done()
    }

    /// Whether the reader is through.
    pub fn is_closed(&self) -> bool {
        self.read.is_done()
    }

    /// Whether the reader is still on its way.
    pub fn is_awaited(&self) -> bool {
        // Relaxed: nothing else is read by it.
        self.read.away.load(Ordering::Relaxed) != 0
    }

    /// Says whether the writer is through.
    pub fn set_ended(&self, ended: bool) {
        self.write.set_done(ended);
    }

    /// Says whether the reader is through.
    pub fn set_closed(&self, closed: bool) {
        self.read.set_done(closed);
    }

    /// Announces that a reader will sleep until `frames` can be read. Look once more after this, then sleep.
    pub fn want_readable(&self, frames: usize) {
        announce(&self.wants.readable, frames);
    }

    /// Announces that a writer will sleep until there is room for `frames`. Look once more after this, then sleep.
    pub fn want_writable(&self, frames: usize) {
        announce(&self.wants.writable, frames);
    }

    /// Whether reader and writer wait for each other: one wants more frames than there are, the other more room.
    pub fn is_stuck(&self) -> bool {
        self.wants.readable.load(Ordering::Relaxed) != 0 && self.wants.writable.load(Ordering::Relaxed) != 0
    }

    /// Whether somebody sleeps for what is there now. Call after publishing an index or an end.
    ///
    /// Realtime-safe.
    pub fn wake_due(&self, capacity: usize) -> bool {
        // Pairs with the fence in `announce`: either this sees the wish, or the sleeper sees the index.
        fence(Ordering::SeqCst);
        let readable = self.wants.readable.load(Ordering::Relaxed) as usize;
        let writable = self.wants.writable.load(Ordering::Relaxed) as usize;
        if readable == 0 && writable == 0 {
            return false;
        }
        let done = self.is_ended() || self.is_closed();
        let held = distance(self.read_index(capacity), self.write_index(capacity), capacity);
        readable != 0 && (done || held >= readable.min(capacity))
            || writable != 0 && (done || capacity - held >= writable.min(capacity))
    }
}

impl End {
    fn index(&self, capacity: usize) -> usize {
        // Acquire: pairs with the Release of `set_index` (and JavaScript's Atomics.store) by the other end.
        self.index.load(Ordering::Acquire) as usize % (2 * capacity)
    }

    fn set_index(&self, index: usize) {
        // Release: pairs with the Acquire of `index`; the frames are written, or read, before.
        self.index.store(index as u32, Ordering::Release);
    }

    fn is_done(&self) -> bool {
        // Acquire: pairs with the Release of `set_done`; the last index is seen after it.
        self.done.load(Ordering::Acquire) != 0
    }

    fn set_done(&self, done: bool) {
        // Release: pairs with the Acquire of `is_done`.
        self.done.store(u32::from(done), Ordering::Release);
    }
}

fn announce(want: &AtomicU32, frames: usize) {
    want.store(frames as u32, Ordering::Relaxed);
    // Pairs with the fence in `wake_due`.
    fence(Ordering::SeqCst);
}

/// Frames from `read` to `write`, both below 2 × `capacity`. More than fit, which only a foreign hand can
/// bring about, count as a full ring.
#[must_use]
pub fn distance(read: usize, write: usize, capacity: usize) -> usize {
    let distance = if write >= read { write - read } else { write + 2 * capacity - read };
    distance.min(capacity)
}
