//! What the device calls: the callback, and a wake-up for the conductor.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::Thread,
};

use pastream_rt::{
    Block, Callback, Event, Flow, Limits, Missing, Outcome, Play, Record, Shared, Times, Wire, Xruns,
};
use ringbuf::HeapProd;

use super::pause::Pause;
use crate::{
    backend::{Alignment, Process},
    ring::Ring,
};

pub(super) type StreamCallback =
    Callback<Box<dyn Play + Send>, Box<dyn Record + Send>, HeapProd<Event>, Arc<Shared>>;

/// One run of a stream, as its device sees it.
pub(super) struct Engine {
    pub(super) callback: StreamCallback,
    pub(super) limits: Limits,
    pub(super) shared: Arc<Shared>,
    pub(super) ending: Arc<AtomicBool>,
    /// The ring that is played, where one is.
    pub(super) source: Option<Arc<Ring>>,
    /// The rings that are recorded to and that limit a free-running device.
    pub(super) sinks: Vec<Arc<Ring>>,
    pub(super) conductor: Thread,
    pub(super) pause: Arc<Pause>,
    /// What silence is made of.
    pub(super) silence: u8,
    /// Whether the round trip is dropped off the recording.
    pub(super) align: bool,
}

impl Engine {
    fn rings(&self) -> impl Iterator<Item = &Arc<Ring>> {
        self.source.iter().chain(&self.sinks)
    }

    /// Frames of the ring that are still to be played, or to be clocked where nothing is padded.
    fn needed(&self) -> u64 {
        let done = if self.source.is_some() && self.limits.pad.is_some() {
            self.shared.played()
        } else {
            self.shared.frame_count()
        };
        self.limits.frames.map_or(u64::MAX, |frames| frames.saturating_sub(done))
    }
}

impl Process for Engine {
    fn aligned(&mut self, alignment: &Alignment) {
        if self.align {
            // A recording does not begin before the playback.
            let frames = alignment.offset_frames.round().max(0.0) as u64;
            self.callback.shift(frames);
            self.limits = self.callback.limits();
        }
    }

    fn process(&mut self, block: Block<'_>, wire: Option<&mut dyn Wire>) -> Flow {
        if self.pause.is_set() && !self.ending.load(Ordering::Acquire) {
            block.output.fill(self.silence);
            if let Some(wire) = wire {
                wire.turn(block.output);
            }
            self.callback.flush();
            if self.rings().any(|ring| ring.wake_due()) {
                self.conductor.unpark();
            }
            return Flow::Continue;
        }
        let flow = self.callback.process(block, wire);
        self.callback.flush();
        if self.callback.told() || flow != Flow::Continue || self.rings().any(|ring| ring.wake_due()) {
            // Unparks without a lock or an allocation; a system call only where the conductor sleeps.
            self.conductor.unpark();
        }
        flow
    }

    fn wait_ready(&mut self, frames: usize) -> usize {
        // Half a ring at most: the other side fills or empties one half while the block runs on the other.
        let smallest = self.rings().map(|ring| ring.capacity().div_ceil(2)).min().unwrap_or(usize::MAX);
        let ending = || self.ending.load(Ordering::Acquire);
        self.pause.wait(&ending);
        self.callback.flush();
        loop {
            // Once all is played there is padding, which waits for no source and which the callback cuts to its length.
            let needed = Some(self.needed()).filter(|&needed| needed > 0);
            let target = needed.map_or(usize::MAX, |needed| usize::try_from(needed).unwrap_or(usize::MAX));
            let target = target.min(frames).min(smallest);
            let ready = self.callback.ready(target);
            if ready >= target || ending() {
                return target;
            }
            for ring in self.rings().filter(|ring| ring.wake_due()) {
                ring.notify();
            }
            let short = match &self.source {
                Some(ring) if needed.is_some() && !ring.is_ended() && ring.readable() < target => {
                    Some((ring, true))
                }
                _ => self.sinks.iter().find(|ring| ring.writable() < target).map(|ring| (ring, false)),
            };
            let Some((ring, playing)) = short else { return ready.max(1) };
            // Whoever moves frames in larger parts than this block would wait for ever.
            let enough = || ending() || ready > 0 && ring.is_stuck();
            if playing {
                ring.wait_readable(target, None, &enough);
            } else {
                ring.wait_writable(target, None, &enough);
            }
            let now = self.callback.ready(target);
            if now > 0 && now == ready {
                return now;
            }
        }
    }

    fn device_lost(&mut self) {
        self.callback.device_lost();
        self.conductor.unpark();
    }
}

impl Drop for Engine {
    /// Closes the books of a run that the device never got to end.
    fn drop(&mut self) {
        if self.shared.outcome() == Outcome::Running {
            self.shared.request_abort();
            let nothing = Block {
                output: &mut [],
                input: &[],
                frames: 0,
                xruns: Xruns::NONE,
                skipped: 0,
                missing: Missing::None,
                times: Times::default(),
            };
            self.callback.process(nothing, None);
        }
        self.conductor.unpark();
    }
}
