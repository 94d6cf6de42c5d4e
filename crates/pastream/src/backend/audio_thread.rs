use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};

use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

use super::load::Load;

/// Above ordinary programs, below what drives the hardware: where JACK and PulseAudio run their clients.
const PRIORITY: u8 = 10;

/// What an audio thread of ours tells, and is told.
#[derive(Default)]
pub(super) struct AudioThread {
    pub(super) stop: AtomicBool,
    /// Whether the device is gone, or answers no more: then any call may hang.
    pub(super) lost: AtomicBool,
    /// Frames clocked.
    pub(super) position: AtomicU64,
    pub(super) load: Load,
    /// 0 where it is not known yet, 1 where it is not in realtime, 2 where it is.
    realtime: AtomicU8,
}

impl AudioThread {
    /// Asks the system to run this thread, which is the audio thread, before all ordinary ones.
    ///
    /// Not realtime-safe: system calls. Once, before the first block.
    pub(super) fn promote(&self) {
        self.realtime.store(1 + u8::from(promote()), Relaxed);
    }

    /// Whether the system granted it; `None` where it was not asked yet.
    pub(super) fn realtime(&self) -> Option<bool> {
        match self.realtime.load(Relaxed) {
            0 => None,
            granted => Some(granted == 2),
        }
    }

    /// Seconds clocked.
    pub(super) fn time(&self, sample_rate: u32) -> f64 {
        self.position.load(Relaxed) as f64 / f64::from(sample_rate)
    }
}

/// Answers whether this thread runs in realtime from now on.
fn promote() -> bool {
    let Ok(priority) = ThreadPriorityValue::try_from(PRIORITY) else { return false };
    set_thread_priority_and_policy(
        thread_native_id(),
        ThreadPriority::Crossplatform(priority),
        ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo),
    )
    .is_ok()
}
