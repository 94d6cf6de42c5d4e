use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// Above ordinary programs, below what drives the hardware: where JACK and PulseAudio run their clients.
const PRIORITY: u8 = 10;

/// Asks the system to run this thread before all ordinary ones. Answers whether it does.
///
/// Not realtime-safe: system calls. Once, before the first block.
pub(super) fn promote() -> bool {
    let Ok(priority) = ThreadPriorityValue::try_from(PRIORITY) else { return false };
    set_thread_priority_and_policy(
        thread_native_id(),
        ThreadPriority::Crossplatform(priority),
        ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo),
    )
    .is_ok()
}
