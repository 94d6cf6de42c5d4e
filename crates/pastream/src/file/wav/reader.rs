//! Reads WAV and RF64 headers.

use super::{
    ds64::Ds64,
    format::{self, Order},
};
use crate::{
    Result,
    file::{Container, Decoder, Spec, input::Input, pcm::PcmDecoder},
};

/// More chunks than any file has; a file of zeros looks like an endless row of empty ones.
const MAX_CHUNKS: usize = 10_000;

/// Reads the header of what begins with `RIFF`, in big-endian order `RIFX`, or with lengths of 64 bits `RF64` or `BW64`, and
/// `WAVE`.
pub(in crate::file) fn decoder(mut input: Input) -> Result<Box<dyn Decoder>> {
    let mut riff = [0; 12];
    input.read_header(&mut riff)?;
    let order = Order { big: riff.starts_with(b"RIFX") };
    let container = if matches!(&riff[..4], b"RF64" | b"BW64") { Container::Rf64 } else { Container::Wav };
    let riff_length = order.u32(&riff[4..]);
    let mut long = Ds64::default();
    let mut spec = None;
    let mut data = None;
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
        let id = &chunk[..4];
        let length = order.u32(&chunk[4..]);
        let resolved = long.resolve(id, length).unwrap_or(u64::MAX);
        let padded = resolved.saturating_add(resolved % 2);
        match id {
            b"ds64" if container == Container::Rf64 => long = Ds64::read(&mut input, length)?,
            b"fmt " => {
                let (read, count) = format::read(&mut input, container, order, resolved)?;
                input.skip(padded - count)?;
                spec = Some(read);
            }
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
            _ => input.skip(padded)?,
        }
        if let (Some(spec), Some((start, length))) = (&spec, data) {
            if input.position() != start {
                input.seek(start)?;
            }
            let riff_length =
                long.riff.filter(|_| riff_length == u32::MAX).unwrap_or_else(|| riff_length.into());
            let complete = input.length() == riff_length.checked_add(8);
            let length = long.resolve(b"data", length).filter(|&length| is_told(length, spec, complete));
            return Ok(Box::new(PcmDecoder::new(input, spec.clone(), length)?));
        }
    }
    Err(input.corrupt(format_args!("no audio after {MAX_CHUNKS} chunks")))
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
