//! The `pulse` host, on a private PulseAudio server with null sinks and their monitors.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "what the tests share fails as they do")]

mod alignment;
mod listing;
mod loss;
mod server;
mod sound;
mod underflow;
