//! Whether runs are held.

use std::{
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How often a device that runs free looks whether it was stopped while it was held.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
pub(super) struct Pause {
    held: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Pause {
    pub(super) fn set(&self, held: bool) {
        // Relaxed: nothing is read that was written before it.
        self.held.store(held, Ordering::Relaxed);
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    /// Realtime-safe.
    pub(super) fn is_set(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }

    /// Waits until runs go on, or `over` is true.
    pub(super) fn wait(&self, over: &dyn Fn() -> bool) {
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while self.is_set() && !over() {
            guard = self.changed.wait_timeout(guard, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
