//! The callback through its public surface.

mod callback;
mod mapping;
mod model;
mod rig;
mod source;

#[cfg(debug_assertions)]
#[global_allocator]
static GUARD: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;
