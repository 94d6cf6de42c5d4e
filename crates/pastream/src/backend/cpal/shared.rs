use std::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use pastream_rt::Flow;

use crate::backend::load::Load;

const COMPLETE: u8 = 1;
const ABORT: u8 = 2;

/// One run of a device, as those see it who have to do with it: the audio thread, whoever the host tells of trouble, the
/// thread that holds the host's stream, and the stream's own.
#[derive(Default)]
pub(super) struct Shared {
    /// Asked to stop.
    pub(super) stop: AtomicBool,
    /// The device is gone, or nothing that it calls can run.
    pub(super) lost: AtomicBool,
    /// The host told of an xrun since the last block.
    pub(super) xrun: AtomicBool,
    /// The host refused the audio thread realtime priority.
    pub(super) denied: AtomicBool,
    /// Blocks that were asked for.
    pub(super) blocks: AtomicU64,
    /// Frames clocked.
    pub(super) position: AtomicU64,
    /// Whether and how the process ended it.
    ended: AtomicU8,
    /// Nanoseconds from there until the last frame has left the device.
    lag: AtomicU64,
    pub(super) load: Load,
}

impl Shared {
    /// Says that nothing more is asked of the process, whose last frame leaves the device in `lag` seconds.
    pub(super) fn end(&self, flow: Flow, lag: f64) {
        self.lag.store((lag.max(0.0) * 1e9) as u64, Relaxed);
        // Pairs with the load in `ended`: the lag is there.
        self.ended.store(if flow == Flow::Abort { ABORT } else { COMPLETE }, Release);
    }

    /// How long the device has to play on, once the process ended it, in nanoseconds.
    pub(super) fn ended(&self) -> Option<u64> {
        // Pairs with the store in `end`.
        match self.ended.load(Acquire) {
            COMPLETE => Some(self.lag.load(Relaxed)),
            ABORT => Some(0),
            _ => None,
        }
    }
}
