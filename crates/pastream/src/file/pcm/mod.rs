//! Frames that lie one after the other behind a header, as WAV, AU and RAW have them.

mod reader;
mod writer;

pub(super) use reader::PcmDecoder;
pub(super) use writer::{Layout, PcmEncoder};
