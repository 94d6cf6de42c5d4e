//! Two devices played by hand on a simulated clock: every moment is exact, nothing sleeps.

mod faults;
mod formats;
mod lifecycle;
mod listener;
mod rig;
mod same_clock;
mod tone;
mod two_clocks;

/// Aborts where a callback allocates or frees.
#[global_allocator]
static GUARD: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;
