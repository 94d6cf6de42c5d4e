//! Reads WAV and RF64 headers.

use super::{
    adpcm::{AdpcmDecoder, Coding},
    ds64::Ds64,
    format::{self, Order},
    tags,
};
use crate::{
    Result,
    file::{
        Container, Decoder, Opened, Spec,
        codec::id3,
        input::Input,
        pcm::{self, Chunk, Chunks, PcmDecoder},
    },
};

/// Reads the header of what begins with `RIFF`, in big-endian order `RIFX`, or with lengths of 64 bits `RF64` or `BW64`, and
/// `WAVE`.
pub(in crate::file) fn decoder(mut input: Input) -> Result<Opened> {
    let mut riff = [0; 12];
    input.read_header(&mut riff)?;
    let order = Order { big: riff.starts_with(b"RIFX") };
    let container = if matches!(&riff[..4], b"RF64" | b"BW64") { Container::Rf64 } else { Container::Wav };
    let length = order.u32(&riff[4..]);
    pcm::find(input, Wav { container, order, length, long: Ds64::default(), coding: None, frames: None })
}

#[derive(Clone)]
struct Wav {
    container: Container,
    order: Order,
    /// What the RIFF header says.
    length: u32,
    long: Ds64,
    coding: Option<Coding>,
    /// What the fact chunk says, which ADPCM needs.
    frames: Option<u64>,
}

impl Chunks for Wav {
    const NAMES: [&str; 2] = ["fmt", "data"];

    fn next(&mut self, input: &mut Input) -> Result<Option<(Chunk, u64)>> {
        let mut head = [0; 8];
        if input.read_full(&mut head)? < head.len() {
            return Ok(None);
        }
        let id = &head[..4];
        let length = self.order.u32(&head[4..]);
        let resolved = self.long.resolve(id, length).unwrap_or(u64::MAX);
        let next = input.position().saturating_add(resolved).saturating_add(resolved % 2);
        let chunk = match id {
            b"ds64" if self.container == Container::Rf64 => {
                self.long = Ds64::read(input, length)?;
                Chunk::Other
            }
            b"fmt " => {
                let (spec, coding) = format::read(input, self.container, self.order, resolved)?;
                self.coding = coding;
                Chunk::Format(spec)
            }
            b"fact" if length >= 4 => {
                let mut count = [0; 4];
                input.read_header(&mut count)?;
                self.frames = Some(self.order.u32(&count).into());
                Chunk::Other
            }
            b"LIST" => Chunk::Tags(tags::read_info(input, self.order, resolved)?),
            b"bext" => Chunk::Tags(tags::read_bext(input, self.order, resolved)?),
            b"id3 " | b"ID3 " => Chunk::Tags(id3(input.read_text(resolved)?)),
            b"data" => Chunk::Data(length.into()),
            _ => Chunk::Other,
        };
        Ok(Some((chunk, next)))
    }

    fn length(&self, said: u64, spec: &Spec, end: Option<u64>) -> Option<u64> {
        let length = self.long.resolve_frames(said as u32, spec.frame_size())?;
        let riff = self.long.riff.filter(|_| self.length == u32::MAX).unwrap_or_else(|| self.length.into());
        let complete = end == riff.checked_add(8);
        // What the ds64 chunk tells was put there on purpose, but for nothing.
        let purpose = said == u64::from(u32::MAX) && length > 0;
        (purpose || is_told(length, spec, complete)).then_some(length)
    }

    fn decoder(&self, input: Input, spec: Spec, length: Option<u64>) -> Result<Box<dyn Decoder>> {
        match self.coding {
            Some(coding) => Ok(Box::new(AdpcmDecoder::new(input, spec, coding, length, self.frames)?)),
            None => Ok(Box::new(PcmDecoder::new(input, spec, length)?)),
        }
    }
}

/// Whether the length of the data is none that programs write when they don't know it: 0 (in a file that isn't `complete`),
/// or 0x7FFFF000 rounded down to whole frames.
fn is_told(length: u64, spec: &Spec, complete: bool) -> bool {
    const UNKNOWN: u64 = 0x7FFF_F000;
    match length {
        0 => complete,
        length => length > UNKNOWN || UNKNOWN - length >= spec.frame_size() as u64,
    }
}
