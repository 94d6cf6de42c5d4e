//! The realtime callback: everything the audio thread runs, and nothing that it may not.
//!
//! What would allocate, lock, or step outside memory does not compile here: `no_std`, no `alloc`,
//! `forbid(unsafe_code)`.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod block;
mod sample;
mod wire;

pub use block::{Block, Flow, Times, Xruns};
pub use sample::{I24, Sample};
pub use wire::Wire;
