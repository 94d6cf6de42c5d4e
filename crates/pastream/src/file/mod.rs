//! Audio files, one module a container.

mod encoding;
mod spec;

pub use encoding::{Encoding, Endian};
pub use spec::{Container, MAX_CHANNELS, MAX_SAMPLE_RATE, Spec};
