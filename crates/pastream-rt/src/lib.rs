//! The realtime callback: everything the audio thread runs, and nothing that it may not.
//!
//! What would allocate, lock, or step outside memory does not compile here: `no_std`, no `alloc`,
//! `forbid(unsafe_code)`. Nothing panics either: a block that does not fit ends the stream.
//!
//! A [`Callback`] joins a [`Playback`] and a [`Recording`], either of which may be missing. The device calls
//! [`Callback::process`] once a [`Block`]; everyone else watches through [`Shared`], the sinks' [`SinkCounts`]
//! and the ring of [`Event`]s.
#![cfg_attr(not(any(test, loom)), no_std)]
#![forbid(unsafe_code)]

mod block;
mod callback;
mod event;
mod level;
mod mapping;
mod playback;
mod recording;
mod sample;
mod shared;
mod sink;
mod source;
mod sync;
mod wire;

pub use block::{Block, Flow, Missing, Times, Xruns};
pub use callback::{ARRIVAL, Callback, Limits};
pub use event::{Event, Gap, GapCause, Side};
pub use level::LevelCell;
pub use mapping::{MAX_CHANNELS, Mapping, MappingError, Route};
pub use playback::{Filled, OnStarved, Play, Playback};
pub use recording::{Emit, Record, Recording};
pub use sample::{I24, Sample};
pub use shared::{Outcome, Shared};
pub use sink::{OnFull, Sink, SinkCounts};
pub use source::{BufferSource, Live, RingSource, Source};
pub use wire::Wire;
