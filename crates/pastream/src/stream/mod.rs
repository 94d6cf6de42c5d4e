//! A stream: its settings, its handle, and the conductor that runs it.

mod conductor;
mod config;
mod engine;
mod handle;
mod pause;
mod prepare;
mod start;
#[cfg(test)]
mod tests;

pub use config::{Prebuffer, Run, SideConfig, StreamConfig};
pub use handle::{Stream, StreamEvent};
pub use pastream_rt::{Event, Gap, GapCause, LevelCell, OnFull, OnStarved, Outcome, Route, Side, Xruns};
pub use start::Start;
