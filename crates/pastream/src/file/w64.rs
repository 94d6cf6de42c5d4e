//! Sony Wave64: WAV with GUIDs for names, lengths of 64 bits that count the head of their chunk, and places that are
//! multiples of eight.

use super::{
    Container, Encoder, Opened, Spec, Tags,
    input::Input,
    output::Output,
    pcm::{self, Chunk, Chunks, Layout, PcmEncoder},
    wav::{Order, format},
};
use crate::Result;

/// Bytes of a GUID and a length.
const HEAD: u64 = 24;

const ALIGNMENT: u64 = 8;

/// What is written for a length that isn't known, and longer ones are none: ffmpeg refuses 2^62 and all ones.
const UNKNOWN: u64 = 1 << 40;

const RIFF: [u8; 16] = *b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\0\0";

/// The GUIDs of all the others end so.
const TAIL: [u8; 12] = *b"\xF3\xAC\xD3\x11\x8C\xD1\0\xC0\x4F\x8E\xDB\x8A";

/// Reads the header of what begins with the first twelve bytes of [`RIFF`].
pub(super) fn decoder(mut input: Input) -> Result<Opened> {
    let mut riff = [0; 40];
    input.read_header(&mut riff)?;
    if riff[..16] != RIFF || riff[24..28] != *b"wave" || riff[28..] != TAIL {
        return Err(input.corrupt("its header is neither that of W64 nor of another kind of file"));
    }
    pcm::find(input, W64 { length: u64_at(&riff, 16) })
}

#[derive(Clone)]
struct W64 {
    /// Of the file, as its header says.
    length: u64,
}

impl Chunks for W64 {
    const NAMES: [&str; 2] = ["fmt", "data"];

    fn next(&mut self, input: &mut Input) -> Result<Option<(Chunk, u64)>> {
        let mut head = [0; HEAD as usize];
        let start = input.position();
        if input.read_full(&mut head)? < head.len() {
            return Ok(None);
        }
        let length = u64_at(&head, 16);
        let next = length.checked_next_multiple_of(ALIGNMENT).and_then(|length| start.checked_add(length));
        let chunk = match (&head[..4], head[4..16] == TAIL) {
            (b"fmt ", true) => {
                let order = Order { big: false };
                let content = length.saturating_sub(HEAD);
                let (spec, coding) = format::read(input, Container::W64, order, content)?;
                if coding.is_some() {
                    return Err(input.unsupported("ADPCM is read in WAV alone: convert it first"));
                }
                Chunk::Format(spec)
            }
            (b"data", true) => Chunk::Data(length),
            _ => Chunk::Other,
        };
        Ok(Some((chunk, next.unwrap_or(u64::MAX))))
    }

    fn length(&self, said: u64, _: &Spec, end: Option<u64>) -> Option<u64> {
        let length = said.saturating_sub(HEAD);
        let told = if length == 0 { end == Some(self.length) } else { said < UNKNOWN };
        told.then_some(length)
    }
}

pub(super) fn encoder(output: Output, spec: Spec, tags: Tags) -> Result<Box<dyn Encoder>> {
    // The frames are last: nothing is to be aligned behind them, and libsndfile would take padding for frames.
    Ok(Box::new(PcmEncoder::new(
        output,
        spec,
        tags,
        Layout { header, limit: u64::MAX, alignment: 1, untold: true },
    )?))
}

fn header(spec: &Spec, _: &Tags, data: Option<u64>) -> Vec<u8> {
    let chunk = |to: &mut Vec<u8>, id: [u8; 4], content: &[u8]| {
        to.extend(id);
        to.extend(TAIL);
        to.extend((HEAD + content.len() as u64).to_le_bytes());
        to.extend(content);
        to.resize(to.len().next_multiple_of(ALIGNMENT as usize), 0);
    };
    let mut header = Vec::with_capacity(160);
    header.extend(RIFF);
    header.extend([0; 8]);
    header.extend(b"wave");
    header.extend(TAIL);
    chunk(&mut header, *b"fmt ", &format::content(spec));
    if spec.encoding.is_float() || spec.encoding.is_law() {
        let frames = data.map_or(0, |data| data / spec.frame_size() as u64);
        chunk(&mut header, *b"fact", &frames.to_le_bytes());
    }
    header.extend(b"data");
    header.extend(TAIL);
    header.extend(data.map_or(UNKNOWN, |data| HEAD + data).to_le_bytes());
    let length = data.map_or(UNKNOWN, |data| header.len() as u64 + data);
    header[16..24].copy_from_slice(&length.to_le_bytes());
    header
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}
