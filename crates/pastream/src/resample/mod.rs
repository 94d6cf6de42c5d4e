//! Between a file and a ring: other rates, other channels, another level. Never in the callback.
//!
//! What needs no change goes straight through, bit for bit; [`Conversion`] says what is changed.

mod config;
mod conversion;
mod converter;
mod mix;
mod resampler;

pub use config::{ConversionConfig, Quality};
pub use conversion::{Conversion, FileSide, StreamSide};
pub(crate) use converter::Converter;
pub use resampler::{MAX_RATIO, resampled_frames};
