//! RIFF WAVE: PCM, float and companded, plain or extensible; RF64, which it becomes where it is longer than 4 GiB; ADPCM to be
//! read.

mod adpcm;
mod ds64;
pub(super) mod format;
mod reader;
mod tags;
mod writer;

pub(super) use format::{Order, channel_mask};
pub(super) use reader::decoder;
pub(super) use tags::{DESCRIPTION, ORIGINATOR};
pub(super) use writer::{encoder, header, limit};

const PCM: u16 = 1;
const MS_ADPCM: u16 = 2;
const FLOAT: u16 = 3;
const ALAW: u16 = 6;
const ULAW: u16 = 7;
const IMA_ADPCM: u16 = 0x11;
const EXTENSIBLE: u16 = 0xFFFE;

/// What follows the format tag in the sub-format GUID of an extensible header.
const GUID_TAIL: [u8; 14] = *b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71";
