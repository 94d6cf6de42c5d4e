//! A sound card made of software: what is played is captured, and nothing needs to be plugged in.

mod backend;
mod device;
mod drift;
mod engine;
mod fault;
mod keys;
mod line;

pub use backend::VirtualBackend;

pub(super) use device::VirtualDevice;
pub(super) use keys::Keys;
