use std::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use pastream_rt::Xruns;

use crate::backend::{Alignment, AlignmentMethod};

/// What the two callbacks and the device's owner tell each other in one run.
#[derive(Default)]
pub(super) struct Shared {
    /// Nobody wants recorded frames any more.
    over: AtomicBool,
    /// The recording device is gone.
    lost: AtomicBool,
    /// Of the recording device, not told yet.
    xruns: AtomicU8,
    /// Whether frame 0 was played: what follows is set.
    running: AtomicBool,
    /// The rest are an f64's bits. Seconds from the playback device's start to frame 0.
    base: AtomicU64,
    offset: AtomicU64,
    jitter: AtomicU64,
    drift: AtomicU64,
}

impl Shared {
    pub(super) fn over(&self) -> bool {
        self.over.load(Relaxed)
    }

    pub(super) fn end(&self) {
        self.over.store(true, Relaxed);
    }

    pub(super) fn lost(&self) -> bool {
        self.lost.load(Relaxed)
    }

    pub(super) fn lose(&self) {
        self.lost.store(true, Relaxed);
    }

    pub(super) fn note_xruns(&self, xruns: Xruns) {
        if !xruns.is_empty() {
            self.xruns.fetch_or(xruns.bits(), Relaxed);
        }
    }

    pub(super) fn take_xruns(&self) -> Xruns {
        Xruns::from_bits(self.xruns.swap(0, Relaxed))
    }

    /// Frame 0 is about to be played, `base` seconds after the playback device's start.
    pub(super) fn begin(&self, base: f64, alignment: Alignment) {
        self.base.store(base.to_bits(), Relaxed);
        self.note(alignment);
        // Release: pairs with the Acquire of `running`.
        self.running.store(true, Release);
    }

    pub(super) fn note(&self, alignment: Alignment) {
        self.offset.store(alignment.offset_frames.to_bits(), Relaxed);
        self.jitter.store(alignment.jitter_frames.to_bits(), Relaxed);
        self.drift.store(alignment.drift_ppm.to_bits(), Relaxed);
    }

    fn running(&self) -> bool {
        // Acquire: pairs with the Release of `begin`.
        self.running.load(Acquire)
    }

    pub(super) fn base(&self) -> Option<f64> {
        self.running().then(|| f64::from_bits(self.base.load(Relaxed)))
    }

    pub(super) fn alignment(&self, method: AlignmentMethod) -> Option<Alignment> {
        let read = |value: &AtomicU64| f64::from_bits(value.load(Relaxed));
        self.running().then(|| Alignment {
            offset_frames: read(&self.offset),
            jitter_frames: read(&self.jitter),
            drift_ppm: read(&self.drift),
            method,
        })
    }
}
