//! Recorded frames on their way from one callback to the other, each with its place on the recording clock.

use ringbuf::{
    HeapCons, HeapProd, HeapRb,
    traits::{Consumer, Observer, Producer, Split},
};

use crate::backend::memory::filled;

/// Places where frames are missing that the queue can hold.
const JUMPS: usize = 1024;

/// `length` frames of the clock are not in the queue; `position` frames that are come before.
#[derive(Clone, Copy)]
struct Jump {
    position: u64,
    length: u64,
}

/// The recording end.
pub(super) struct Inlet {
    frames: HeapProd<u8>,
    jumps: HeapProd<Jump>,
    /// Bytes.
    frame: usize,
    pushed: u64,
    /// Frames missing here, of which the other end doesn't know.
    missing: u64,
}

/// The playback end.
pub(super) struct Outlet {
    frames: HeapCons<u8>,
    jumps: HeapCons<Jump>,
    /// Bytes.
    frame: usize,
    taken: u64,
    /// Where the next frame lies on the recording clock.
    index: u64,
    ahead: Option<Jump>,
}

/// What lies at a place of the recording clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// So many frames.
    There(usize),
    /// So many frames that will never come.
    Lost(u64),
    /// Nothing yet.
    Late,
}

/// A queue for `capacity` frames of `frame` bytes.
///
/// Not realtime-safe: allocates.
pub(super) fn queue(capacity: usize, frame: usize) -> (Inlet, Outlet) {
    let (mut frames, mut taken) = HeapRb::new(capacity * frame).split();
    // The audio threads are not to be the first to touch a page.
    frames.push_slice(&filled(capacity * frame, 0));
    taken.clear();
    let (jumps, jumped) = HeapRb::new(JUMPS).split();
    let inlet = Inlet { frames, jumps, frame, pushed: 0, missing: 0 };
    let outlet = Outlet { frames: taken, jumps: jumped, frame, taken: 0, index: 0, ahead: None };
    (inlet, outlet)
}

impl Inlet {
    /// Leaves out `frames` of the clock.
    ///
    /// Realtime-safe.
    pub(super) fn skip(&mut self, frames: u64) {
        self.missing = self.missing.saturating_add(frames);
    }

    /// Passes on `input`, whole frames. Answers whether all of them found room; what doesn't is left out.
    ///
    /// Realtime-safe.
    pub(super) fn push(&mut self, input: &[u8]) -> bool {
        let frames = input.len() / self.frame;
        let mut room = frames.min(self.frames.vacant_len() / self.frame);
        if self.missing > 0 && room > 0 {
            // Before the frames that follow, so that whoever sees those sees the jump too.
            let jump = Jump { position: self.pushed, length: self.missing };
            if self.jumps.try_push(jump).is_ok() {
                self.missing = 0;
            } else {
                room = 0;
            }
        }
        self.frames.push_slice(&input[..room * self.frame]);
        self.pushed += room as u64;
        self.skip((frames - room) as u64);
        room == frames
    }
}

impl Outlet {
    /// Frames that follow the next without a jump, after a jump that is due.
    fn run(&mut self) -> usize {
        // Before the jumps are looked at: whoever sees a frame can see the jumps ahead of it.
        let there = self.frames.occupied_len() / self.frame;
        loop {
            if self.ahead.is_none() {
                self.ahead = self.jumps.try_pop();
            }
            match self.ahead {
                Some(jump) if jump.position == self.taken => {
                    self.index = self.index.saturating_add(jump.length);
                    self.ahead = None;
                }
                Some(jump) => {
                    let before = jump.position.saturating_sub(self.taken);
                    return there.min(usize::try_from(before).unwrap_or(usize::MAX));
                }
                None => return there,
            }
        }
    }

    fn pass(&mut self, frames: usize) {
        self.taken += frames as u64;
        self.index = self.index.saturating_add(frames as u64);
    }

    /// What lies at `index`. What lies before it is thrown away.
    ///
    /// Realtime-safe.
    pub(super) fn find(&mut self, index: u64) -> Found {
        // Ends: each turn empties the queue up to a jump, of which there are not many.
        loop {
            let run = self.run();
            if self.index > index && run > 0 {
                return Found::Lost(self.index - index);
            }
            if run == 0 {
                return Found::Late;
            }
            if self.index == index {
                return Found::There(run);
            }
            let stale = run.min(usize::try_from(index - self.index).unwrap_or(usize::MAX));
            self.frames.skip(stale * self.frame);
            self.pass(stale);
        }
    }

    /// Moves frames that [`find`](Self::find) has found to `bytes`.
    ///
    /// Realtime-safe.
    pub(super) fn take(&mut self, bytes: &mut [u8]) {
        let taken = self.frames.pop_slice(bytes) / self.frame;
        self.pass(taken);
    }

    /// Throws away the oldest frames, but for `keep`.
    ///
    /// Realtime-safe.
    pub(super) fn shrink(&mut self, keep: usize) {
        let mut left = (self.frames.occupied_len() / self.frame).saturating_sub(keep);
        while left > 0 {
            let stale = self.run().min(left);
            self.frames.skip(stale * self.frame);
            self.pass(stale);
            left -= stale;
        }
    }

    /// Frames that were ever taken or thrown away.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether everything from index `from` until `to` is there, but for jumps.
    ///
    /// Realtime-safe.
    pub(super) fn spans(&mut self, from: f64, to: f64) -> bool {
        self.run();
        let there = self.frames.occupied_len() / self.frame;
        // A jump further on only adds to it.
        self.index as f64 <= from && to <= self.index as f64 + there as f64
    }
}
