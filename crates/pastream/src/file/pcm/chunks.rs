//! Finds format and frames among the chunks of a file.

use super::PcmDecoder;
use crate::{
    Result,
    file::{Decoder, Spec, input::Input},
};

/// More chunks than any file has; a file of zeros looks like an endless row of empty ones.
const MAX_CHUNKS: usize = 10_000;

/// What a chunk is to who looks for frames.
pub(in crate::file) enum Chunk {
    /// What the frames are.
    Format(Spec),
    /// Where the input stands the frames begin, so many bytes of them as the chunk says.
    Data(u64),
    Other,
}

/// How one container tells its chunks.
pub(in crate::file) trait Chunks {
    /// The names of the chunks for format and frames.
    const NAMES: [&str; 2];

    /// Reads the head of a chunk, and its content where that tells the format. Returns what it is and where the next
    /// one begins; `None` at the end.
    fn next(&mut self, input: &mut Input) -> Result<Option<(Chunk, u64)>>;

    /// The length of the frames in bytes, where `said` tells it. `end`: the length of the file.
    fn length(&self, said: u64, spec: &Spec, end: Option<u64>) -> Option<u64>;

    /// Reads the frames that `input` stands before.
    fn decoder(&self, input: Input, spec: Spec, length: Option<u64>) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(PcmDecoder::new(input, spec, length)?))
    }
}

/// Reads the chunks of `input`, in whatever order, and gives the decoder of its frames.
pub(in crate::file) fn find<C: Chunks>(mut input: Input, mut chunks: C) -> Result<Box<dyn Decoder>> {
    let [format, frames] = C::NAMES;
    let (mut spec, mut data) = (None, None);
    for _ in 0..MAX_CHUNKS {
        let Some((chunk, next)) = chunks.next(&mut input)? else {
            let missing = if spec.is_none() {
                format!("says nothing of its format (no {format} chunk)")
            } else {
                format!("has no {frames} chunk")
            };
            return Err(input.corrupt(format_args!("it is cut off inside its header, or {missing}")));
        };
        match chunk {
            Chunk::Format(told) => spec = Some(told),
            Chunk::Data(_) if spec.is_none() && input.length().is_none() => {
                return Err(
                    input.corrupt("its audio comes before its format, which a pipe can't go back for")
                );
            }
            Chunk::Data(said) => data = Some((input.position(), said)),
            Chunk::Other => {}
        }
        if let (Some(spec), Some((start, said))) = (&spec, data) {
            if input.position() != start {
                input.seek(start)?;
            }
            let length = chunks.length(said, spec, input.length());
            return chunks.decoder(input, spec.clone(), length);
        }
        input.skip(next.saturating_sub(input.position()))?;
    }
    Err(input.corrupt(format_args!("no audio after {MAX_CHUNKS} chunks")))
}
