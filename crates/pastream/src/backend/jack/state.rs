use std::{
    sync::{
        Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

use super::run::Run;
use crate::backend::load::Load;

/// How long a callback of ours is waited for: longer than any takes.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is looked whether cycles come, and how many looks without one it takes: not by the clock, which goes on
/// where this process itself is stopped.
const WATCH: Duration = Duration::from_millis(500);
const LOOKS: u32 = 4;
/// How often a waiter looks by itself, should a wake-up miss it.
const GLANCE: Duration = Duration::from_millis(20);

/// What JACK's threads and the owner of the device share.
#[derive(Default)]
pub(super) struct State {
    /// The run under way. JACK's process thread only tries the lock, so it never waits for it.
    run: Mutex<Option<Run>>,
    /// Who waits for the process thread. As with `run`.
    waiter: Mutex<Option<Thread>>,
    /// Callbacks under way.
    busy: AtomicU32,
    /// Cycles since the activation.
    cycles: AtomicU64,
    /// Frames of the newest cycle.
    pub(super) period: AtomicU32,
    /// The run has ended by itself, or there is none.
    ended: AtomicBool,
    /// The device is gone.
    lost: AtomicBool,
    /// The server is gone.
    dead: AtomicBool,
    /// The server told of an xrun.
    pub(super) xrun: AtomicBool,
    /// Frames clocked in the run.
    pub(super) position: AtomicU64,
    pub(super) load: Load,
    /// 0 where it isn't known, 1 no, 2 yes.
    realtime: AtomicU8,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Why a run can't begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Started,
    Lost,
}

/// A callback of ours is under way as long as this lives.
pub(super) struct Busy<'a>(&'a AtomicU32);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        // Release: pairs with the load in `wait_until_idle`.
        self.0.fetch_sub(1, Ordering::Release);
    }
}

impl State {
    /// To be held through a callback.
    ///
    /// Realtime-safe.
    pub(super) fn busy(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(&self.busy)
    }

    /// Waits until no callback is under way, which the caller has seen to; gives up on one that hangs.
    pub(super) fn wait_until_idle(&self) {
        let start = Instant::now();
        // Acquire: pairs with the end of `Busy`.
        while self.busy.load(Ordering::Acquire) > 0 && start.elapsed() < PATIENCE {
            thread::yield_now();
        }
    }

    /// Waits until libjack told that the server is gone, which the caller knows; where it does not, says so itself.
    pub(super) fn wait_for_death(&self) {
        let start = Instant::now();
        while !self.is_dead() {
            if start.elapsed() > PATIENCE {
                return self.die();
            }
            thread::yield_now();
        }
    }

    /// Counts a cycle of `frames`.
    ///
    /// Realtime-safe.
    pub(super) fn count_cycle(&self, frames: u32) {
        self.period.store(frames, Ordering::Relaxed);
        self.cycles.fetch_add(1, Ordering::Relaxed);
        self.wake();
    }

    pub(super) fn cycles(&self) -> u64 {
        self.cycles.load(Ordering::Relaxed)
    }

    /// The run, unless another thread is just handing one over or taking it away.
    ///
    /// Realtime-safe.
    pub(super) fn try_run(&self) -> Option<MutexGuard<'_, Option<Run>>> {
        try_lock(&self.run)
    }

    /// Hands a run to the process thread.
    pub(super) fn begin(&self, run: Run) -> Result<(), Refused> {
        let mut slot = lock(&self.run);
        if self.lost.load(Ordering::Relaxed) {
            return Err(Refused::Lost);
        }
        if slot.is_some() {
            return Err(Refused::Started);
        }
        for flag in [&self.ended, &self.xrun] {
            flag.store(false, Ordering::Relaxed);
        }
        self.position.store(0, Ordering::Relaxed);
        self.load.reset();
        *slot = Some(run);
        Ok(())
    }

    /// Takes the run away. What the process thread is just in is waited for.
    pub(super) fn take_run(&self) -> Option<Run> {
        lock(&self.run).take()
    }

    /// The device is gone: tells the run so, after the block that is under way.
    pub(super) fn lose(&self) {
        // Before the lock: a run that begins later sees it.
        self.lost.store(true, Ordering::Relaxed);
        if let Some(run) = lock(&self.run).as_mut() {
            run.lose();
        }
        self.end();
    }

    /// The server is gone, and so is the device.
    pub(super) fn die(&self) {
        // Release: pairs with the load in `is_dead`, after which `busy` is looked at.
        self.dead.store(true, Ordering::Release);
        self.lose();
    }

    pub(super) fn is_dead(&self) -> bool {
        // Acquire: pairs with the store in `die`.
        self.dead.load(Ordering::Acquire)
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// As [`lose`](Self::lose), for the process thread, which has told the run.
    ///
    /// Realtime-safe.
    pub(super) fn lost(&self) {
        self.lost.store(true, Ordering::Relaxed);
    }

    /// The run has ended.
    ///
    /// Realtime-safe.
    pub(super) fn end(&self) {
        // SeqCst: before the look at the waiter, who is there before it looks here.
        self.ended.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Waits for the end of the run.
    pub(super) fn wait_for_end(&self) {
        self.wait(|| self.is_over());
    }

    /// Whether the run has ended.
    fn is_over(&self) -> bool {
        // SeqCst: pairs with the store in `end`.
        self.ended.load(Ordering::SeqCst)
    }

    /// Looks whether cycles come until the run has ended: a server that hangs tells nothing, and its device is lost.
    pub(super) fn watch(&self) {
        let (mut seen, mut quiet) = (self.cycles(), 0);
        while !self.is_over() {
            let began = Instant::now();
            thread::park_timeout(WATCH);
            let cycles = self.cycles();
            if cycles != seen {
                (seen, quiet) = (cycles, 0);
            } else if began.elapsed() >= WATCH {
                quiet += 1;
            }
            if quiet >= LOOKS {
                return self.lose();
            }
        }
    }

    /// Waits for `count` cycles that begin from now on. False where none come for `patience`, or the device goes.
    pub(super) fn wait_for_cycles(&self, count: u64, patience: Duration) -> bool {
        let (until, deadline) = (self.cycles() + count, Instant::now() + patience);
        self.wait(|| self.cycles() >= until || self.is_lost() || Instant::now() >= deadline);
        self.cycles() >= until && !self.is_lost()
    }

    fn wait(&self, mut done: impl FnMut() -> bool) {
        *lock(&self.waiter) = Some(thread::current());
        while !done() {
            thread::park_timeout(GLANCE);
        }
        *lock(&self.waiter) = None;
    }

    fn wake(&self) {
        if let Some(waiter) = try_lock(&self.waiter)
            && let Some(waiter) = &*waiter
        {
            // No lock, no allocation; a system call only where the waiter sleeps.
            waiter.unpark();
        }
    }

    /// Notes whether the process thread has realtime priority.
    pub(super) fn set_realtime(&self, realtime: bool) {
        self.realtime.store(1 + u8::from(realtime), Ordering::Relaxed);
    }

    pub(super) fn realtime(&self) -> Option<bool> {
        match self.realtime.load(Ordering::Relaxed) {
            0 => None,
            known => Some(known == 2),
        }
    }
}
