//! Audio streams between files, memory and devices.
//!
//! The audio thread runs [`pastream_rt`] alone; everything here prepares it, feeds it, and tells what it did.

pub mod backend;
mod convert;
pub mod device;
mod error;
pub mod file;
mod format;
pub mod resample;
pub mod ring;
pub mod sink;
pub mod source;
pub mod stream;
mod sync;

pub use error::{Error, ErrorKind, Result};
pub use format::SampleFormat;
