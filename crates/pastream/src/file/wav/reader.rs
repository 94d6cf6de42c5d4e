//! Reads WAV headers.

use super::{
    EXTENSIBLE, FLOAT, GUID_TAIL, IMA_ADPCM, MS_ADPCM, PCM,
    adpcm::{AdpcmDecoder, Coding, Kind},
};
use crate::{
    Result,
    file::{Container, Decoder, Encoding, Endian, Spec, input::Input, pcm::PcmDecoder},
};

/// More chunks than any file has; a file of zeros looks like an endless row of empty ones.
const MAX_CHUNKS: usize = 10_000;

/// Reads the header of what begins with `RIFF` or, in big-endian order, `RIFX`, and `WAVE`.
pub(in crate::file) fn decoder(mut input: Input) -> Result<Box<dyn Decoder>> {
    let mut riff = [0; 12];
    input.read_header(&mut riff)?;
    let order = Order { big: riff.starts_with(b"RIFX") };
    let riff_end = u64::from(order.u32(&riff[4..])) + 8;
    let mut spec = None;
    let mut data = None;
    let mut frames = None;
    for _ in 0..MAX_CHUNKS {
        let mut chunk = [0; 8];
        if input.read_full(&mut chunk)? < chunk.len() {
            let missing = if spec.is_none() {
                "says nothing of its format (no fmt chunk)"
            } else {
                "has no data chunk"
            };
            return Err(input.corrupt(format_args!("it is cut off inside its header, or {missing}")));
        }
        let length = order.u32(&chunk[4..]);
        let padded = u64::from(length) + u64::from(length % 2);
        match &chunk[..4] {
            b"fmt " => spec = Some(read_format(&mut input, order, length)?),
            b"data" => {
                data = Some((input.position(), length));
                if spec.is_none() {
                    if input.length().is_none() {
                        return Err(input
                            .corrupt("its audio comes before its format, which a pipe can't go back for"));
                    }
                    input.skip(padded)?;
                }
            }
            b"fact" if length >= 4 => {
                let mut count = [0; 4];
                input.read_header(&mut count)?;
                input.skip(padded - 4)?;
                frames = Some(u64::from(order.u32(&count)));
            }
            _ => input.skip(padded)?,
        }
        if let (Some((spec, coding)), Some((start, length))) = (&spec, data) {
            if input.position() != start {
                input.seek(start)?;
            }
            let complete = input.length() == Some(riff_end);
            let length = data_length(length, spec, complete);
            if let Some(coding) = *coding {
                return Ok(Box::new(AdpcmDecoder::new(input, spec.clone(), coding, length, frames)?));
            }
            return Ok(Box::new(PcmDecoder::new(input, spec.clone(), length)?));
        }
    }
    Err(input.corrupt(format_args!("no audio after {MAX_CHUNKS} chunks")))
}

/// The length of the data, unless it is one that programs write when they don't know it: 0 (in a file that isn't
/// `complete`), 0xFFFFFFFF, or 0x7FFFF000 rounded down to whole frames.
fn data_length(length: u32, spec: &Spec, complete: bool) -> Option<u64> {
    const UNKNOWN: u32 = 0x7FFF_F000;
    let unknown = match length {
        0 => !complete,
        u32::MAX => true,
        length => length <= UNKNOWN && ((UNKNOWN - length) as usize) < spec.frame_size(),
    };
    (!unknown).then_some(u64::from(length))
}

fn read_format(input: &mut Input, order: Order, length: u32) -> Result<(Spec, Option<Coding>)> {
    let mut format = [0; 40];
    let count = format.len().min(length as usize);
    if count < 16 {
        return Err(input.corrupt(format_args!("its fmt chunk has {length} bytes; at least 16 are needed")));
    }
    input.read_header(&mut format[..count])?;
    input.skip(u64::from(length) + u64::from(length % 2) - count as u64)?;
    let channels = usize::from(order.u16(&format[2..]));
    let sample_rate = order.u32(&format[4..]);
    let block = usize::from(order.u16(&format[12..]));
    let bits = order.u16(&format[14..]);
    let mut tag = order.u16(&format);
    if tag == EXTENSIBLE {
        if count < 40 {
            return Err(
                input.corrupt(format_args!("its extensible fmt chunk has {length} bytes; 40 are needed"))
            );
        }
        if format[26..] != GUID_TAIL {
            return Err(input.unsupported("its sub-format is unknown; only PCM and IEEE float are read"));
        }
        tag = order.u16(&format[24..]);
    }
    let coding = match (tag, bits) {
        (MS_ADPCM, 4) => Some(Coding { kind: Kind::Microsoft, block }),
        (IMA_ADPCM, 4) => Some(Coding { kind: Kind::Ima, block }),
        _ => None,
    };
    let encoding = match (tag, bits.div_ceil(8)) {
        _ if coding.is_some() => Encoding::Pcm16,
        (PCM, 1) => Encoding::PcmU8,
        (PCM, 2) => Encoding::Pcm16,
        (PCM, 3) => Encoding::Pcm24,
        (PCM, 4) => Encoding::Pcm32,
        (FLOAT, 4) => Encoding::Float,
        (FLOAT, 8) => Encoding::Double,
        (PCM | FLOAT, _) => {
            let kind = if tag == PCM { "PCM" } else { "float" };
            return Err(input.unsupported(format_args!("{bits}-bit {kind} samples are not read")));
        }
        _ => {
            let message = "; only PCM (0x0001), IEEE float (0x0003) and ADPCM (0x0002, 0x0011) are read: convert it first";
            return Err(input.unsupported(format_args!("its format tag is {tag:#06x}{message}")));
        }
    };
    let endian = if order.big { Endian::Big } else { Endian::Little };
    let spec = Spec { container: Container::Wav, encoding, endian, channels, sample_rate, frames: None };
    // No channels at all is told by the check of the limits.
    if channels > 0 && coding.is_none() && block != spec.frame_size() {
        let message =
            format_args!("its frames have {block} bytes, but {channels} × {bits} bits are not so many");
        return Err(input.corrupt(message));
    }
    Ok((spec, coding))
}

#[derive(Clone, Copy)]
struct Order {
    big: bool,
}

impl Order {
    fn u16(self, bytes: &[u8]) -> u16 {
        let bytes = [bytes[0], bytes[1]];
        if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    fn u32(self, bytes: &[u8]) -> u32 {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}
