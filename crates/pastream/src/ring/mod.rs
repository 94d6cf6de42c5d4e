//! The ring between the realtime callback and everybody else: one producer, one consumer, whole frames.
//!
//! The memory is the library's own or a `SharedArrayBuffer` of JavaScript's; its layout ([`header`]) is the same
//! and has its twin in `ts/ring.ts`. A [`Ring`] hands out its two ends, each once at a time: [`Writer`] and [`Reader`]
//! move bytes and wake whoever waits, for ordinary threads; [`FrameProducer`] and [`FrameConsumer`] are ringbuf's
//! traits over samples, for the callback, and wake nobody.

mod ends;
pub mod header;
mod realtime;
#[expect(clippy::module_inception, reason = "the type that the folder is named after")]
mod ring;

pub use ends::{Reader, Writer};
pub use realtime::{FrameConsumer, FrameProducer};
pub use ring::{ListenerId, Ring};
