//! Frames that lie one after the other behind a header, as all the containers but those of codecs have them.

mod chunks;
mod reader;
mod writer;

pub(super) use chunks::{Chunk, Chunks, find};
pub(super) use reader::PcmDecoder;
pub(super) use writer::{Layout, PcmEncoder};
