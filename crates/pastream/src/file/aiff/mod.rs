//! AIFF, and AIFF-C where samples are other than big-endian integers.

mod rate;
mod reader;
mod writer;

use super::Tag;

/// The chunks of text.
const TEXTS: [([u8; 4], Tag); 3] =
    [(*b"NAME", Tag::Title), (*b"AUTH", Tag::Artist), (*b"ANNO", Tag::Comment)];

pub(super) use reader::decoder;
pub(super) use writer::{encoder, header, limit};
