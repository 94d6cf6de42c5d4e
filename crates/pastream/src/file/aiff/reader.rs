//! Reads AIFF and AIFF-C headers.

use super::rate;
use crate::{
    Result,
    file::{
        Container, Encoding, Endian, Opened, Spec, Tags,
        codec::id3,
        input::Input,
        pcm::{self, Chunk, Chunks},
    },
};

/// Bytes of an SSND chunk before its frames: offset and block size.
const SSND: u64 = 8;

/// Reads the header of what begins with `FORM`, and `AIFF` or `AIFC`.
pub(in crate::file) fn decoder(mut input: Input) -> Result<Opened> {
    let mut form = [0; 12];
    input.read_header(&mut form)?;
    pcm::find(input, Aiff { compressed: form.ends_with(b"C"), length: u32(&form[4..]) })
}

#[derive(Clone)]
struct Aiff {
    /// Whether it is AIFF-C.
    compressed: bool,
    /// What the FORM header says.
    length: u32,
}

impl Chunks for Aiff {
    const NAMES: [&str; 2] = ["COMM", "SSND"];

    fn next(&mut self, input: &mut Input) -> Result<Option<(Chunk, u64)>> {
        let mut head = [0; 8];
        if input.read_full(&mut head)? < head.len() {
            return Ok(None);
        }
        let length = u64::from(u32(&head[4..]));
        let next = input.position() + length + length % 2;
        let chunk = match &head[..4] {
            b"COMM" => Chunk::Format(common(input, self.compressed, length)?),
            b"SSND" => {
                let mut ssnd = [0; SSND as usize];
                input.read_header(&mut ssnd)?;
                let offset = u64::from(u32(&ssnd));
                if offset > length.saturating_sub(SSND) && !is_unknown(length) {
                    return Err(input.corrupt(format_args!("its audio begins {offset} bytes into {length}")));
                }
                input.skip(offset)?;
                // Behind the offset it is so much shorter, except for those that stand for no length.
                Chunk::Data(if is_unknown(length) { length } else { length - offset })
            }
            b"ID3 " => Chunk::Tags(id3(input.read_text(length)?)),
            id => match super::TEXTS.iter().find(|(known, _)| known == id) {
                Some(&(_, tag)) => {
                    let mut tags = Tags::default();
                    tags.found(tag, &input.read_text(length)?);
                    Chunk::Tags(tags)
                }
                None => Chunk::Other,
            },
        };
        Ok(Some((chunk, next)))
    }

    fn length(&self, said: u64, spec: &Spec, end: Option<u64>) -> Option<u64> {
        /// What sox writes into a pipe, rounded down to whole frames.
        const UNKNOWN: u64 = 0x7F00_0000;
        let complete = end == Some(u64::from(self.length) + 8);
        let length = said.saturating_sub(SSND);
        let told = match length {
            0 => complete,
            length => length > UNKNOWN || UNKNOWN - length >= spec.frame_size() as u64,
        };
        (told && !is_unknown(said)).then_some(length)
    }
}

/// Whether an SSND chunk of that length is one whose end nobody knew.
fn is_unknown(length: u64) -> bool {
    length == u64::from(u32::MAX) || length < SSND
}

/// Reads the front of a COMM chunk of `length` bytes.
fn common(input: &mut Input, compressed: bool, length: u64) -> Result<Spec> {
    let mut common = [0; 22];
    let needed = if compressed { 22 } else { 18 };
    if length < needed as u64 {
        return Err(
            input.corrupt(format_args!("its COMM chunk has {length} bytes; at least {needed} are needed"))
        );
    }
    input.read_header(&mut common[..needed])?;
    let (front, kind) = common.split_at(18);
    let (numbers, rate) = front.split_at(8);
    let channels = u16::from_be_bytes([numbers[0], numbers[1]]);
    let bits = u16::from_be_bytes([numbers[6], numbers[7]]);
    let sample_rate = rate.try_into().map_or(0, rate::read);
    let integer = |input: &Input| match bits.div_ceil(8) {
        1 => Ok(Encoding::PcmS8),
        2 => Ok(Encoding::Pcm16),
        3 => Ok(Encoding::Pcm24),
        4 => Ok(Encoding::Pcm32),
        _ => Err(input.unsupported(format_args!("{bits}-bit PCM samples are not read"))),
    };
    let (encoding, endian) = match kind {
        _ if !compressed => (integer(input)?, Endian::Big),
        b"NONE" | b"twos" => (integer(input)?, Endian::Big),
        b"sowt" => (integer(input)?, Endian::Little),
        b"raw " => (Encoding::PcmU8, Endian::Big),
        b"in24" => (Encoding::Pcm24, Endian::Big),
        b"in32" => (Encoding::Pcm32, Endian::Big),
        b"42ni" => (Encoding::Pcm24, Endian::Little),
        b"23ni" => (Encoding::Pcm32, Endian::Little),
        b"fl32" | b"FL32" => (Encoding::Float, Endian::Big),
        b"fl64" | b"FL64" => (Encoding::Double, Endian::Big),
        b"ulaw" | b"ULAW" => (Encoding::Ulaw, Endian::Big),
        b"alaw" | b"ALAW" => (Encoding::Alaw, Endian::Big),
        _ => {
            return Err(input.unsupported(format_args!(
                "its samples are compressed as `{}`, which is not read: convert it first",
                kind.escape_ascii()
            )));
        }
    };
    let channels = channels.into();
    Ok(Spec { container: Container::Aiff, encoding, endian, channels, sample_rate, frames: None })
}

pub(super) fn u32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
