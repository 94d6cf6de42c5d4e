//! AIFF, and AIFF-C where samples are other than big-endian integers.

mod rate;
mod reader;
mod writer;

pub(super) use reader::decoder;
pub(super) use writer::{encoder, limit};
