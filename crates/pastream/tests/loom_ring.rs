//! The words of a ring's header under every interleaving: `npm run loom`.
#![cfg(loom)]

use loom::{
    cell::UnsafeCell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use pastream::ring::header::{Header, distance};

const CAPACITY: usize = 2;

/// A header, and a ring's frames in cells that loom watches.
struct Ring {
    header: Header,
    frames: [UnsafeCell<u32>; CAPACITY],
}

impl Ring {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            header: Header::new(4, CAPACITY as u32),
            frames: [UnsafeCell::new(0), UnsafeCell::new(0)],
        })
    }

    fn held(&self) -> usize {
        distance(self.header.read_index(CAPACITY), self.header.write_index(CAPACITY), CAPACITY)
    }

    /// Writes `value` at `index` where there is room for it.
    fn write(&self, index: &mut usize, value: u32) -> bool {
        if distance(self.header.read_index(CAPACITY), *index, CAPACITY) == CAPACITY {
            return false;
        }
        // SAFETY: the reader is through with this frame, which is what the model is about.
        self.frames[*index % CAPACITY].with_mut(|frame| unsafe { *frame = value });
        *index = (*index + 1) % (2 * CAPACITY);
        self.header.set_write_index(*index);
        true
    }

    /// Reads the frame at `index` where there is one.
    fn read(&self, index: &mut usize) -> Option<u32> {
        if distance(*index, self.header.write_index(CAPACITY), CAPACITY) == 0 {
            return None;
        }
        // SAFETY: the writer is through with this frame, which is what the model is about.
        let value = self.frames[*index % CAPACITY].with(|frame| unsafe { *frame });
        *index = (*index + 1) % (2 * CAPACITY);
        self.header.set_read_index(*index);
        Some(value)
    }
}

/// No frame is read before it was written, none written over before it was read.
#[test]
fn frames_are_handed_over_whole() {
    loom::model(|| {
        let ring = Ring::new();
        let writer = Arc::clone(&ring);
        let written = thread::spawn(move || {
            let mut index = 0;
            let mut value = 1;
            for _ in 0..4 {
                if writer.write(&mut index, value) {
                    value += 1;
                } else {
                    thread::yield_now();
                }
            }
            value - 1
        });
        let mut index = 0;
        let mut expected = 1;
        for _ in 0..3 {
            if let Some(value) = ring.read(&mut index) {
                assert_eq!(value, expected);
                expected += 1;
            } else {
                thread::yield_now();
            }
        }
        let written = written.join().unwrap();
        while let Some(value) = ring.read(&mut index) {
            assert_eq!(value, expected);
            expected += 1;
        }
        assert_eq!(expected, written + 1);
    });
}

/// Who sees the end, and then looks for frames, sees them all.
#[test]
fn no_frame_comes_after_the_end() {
    loom::model(|| {
        let ring = Ring::new();
        let writer = Arc::clone(&ring);
        let thread = thread::spawn(move || {
            writer.write(&mut 0, 7);
            writer.header.set_ended(true);
        });
        if ring.header.is_ended() {
            assert_eq!(ring.held(), 1);
        }
        thread.join().unwrap();
    });
}

/// A reader that will sleep sees the frame, or its writer sees that it will sleep.
#[test]
fn a_wish_and_a_frame_never_miss_each_other() {
    loom::model(|| {
        let ring = Ring::new();
        let woken = Arc::new(AtomicBool::new(false));
        let (writer, waker) = (Arc::clone(&ring), Arc::clone(&woken));
        let thread = thread::spawn(move || {
            writer.write(&mut 0, 7);
            if writer.header.wake_due(CAPACITY) {
                waker.store(true, Ordering::Relaxed);
            }
        });
        ring.header.want_readable(1);
        let sleeps = ring.held() == 0;
        thread.join().unwrap();
        assert!(!sleeps || woken.load(Ordering::Relaxed), "asleep with a frame to read");
    });
}

/// The same for a writer that waits for room, and for one that is told of the end.
#[test]
fn a_wish_and_room_never_miss_each_other() {
    for closes in [false, true] {
        loom::model(move || {
            let ring = Ring::new();
            let mut end = 0;
            while ring.write(&mut end, 7) {}
            let woken = Arc::new(AtomicBool::new(false));
            let (reader, waker) = (Arc::clone(&ring), Arc::clone(&woken));
            let thread = thread::spawn(move || {
                if closes {
                    reader.header.set_closed(true);
                } else {
                    reader.read(&mut 0);
                }
                if reader.header.wake_due(CAPACITY) {
                    waker.store(true, Ordering::Relaxed);
                }
            });
            ring.header.want_writable(1);
            let sleeps = !ring.header.is_closed() && ring.held() == CAPACITY;
            thread.join().unwrap();
            assert!(!sleeps || woken.load(Ordering::Relaxed), "asleep with room to write");
        });
    }
}
