//! The `pulse` host, on a private PulseAudio server with null sinks and their monitors.
#![cfg(target_os = "linux")]

mod alignment;
mod listing;
mod loss;
mod server;
mod sound;
mod underflow;
