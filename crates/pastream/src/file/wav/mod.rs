//! RIFF WAVE: PCM and float, plain or extensible; ADPCM to be read.

mod adpcm;
mod reader;
mod writer;

pub(super) use reader::decoder;
pub(super) use writer::{encoder, limit};

const PCM: u16 = 1;
const MS_ADPCM: u16 = 2;
const FLOAT: u16 = 3;
const IMA_ADPCM: u16 = 0x11;
const EXTENSIBLE: u16 = 0xFFFE;

/// What follows the format tag in the sub-format GUID of an extensible header.
const GUID_TAIL: [u8; 14] = *b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71";
