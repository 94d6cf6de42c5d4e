//! Finds format and frames among the chunks of a file.

use super::PcmDecoder;
use crate::{
    ErrorKind, Result,
    file::{Decoder, Opened, Spec, Tags, input::Input},
};

/// More chunks than any file has; a file of zeros looks like an endless row of empty ones.
const MAX_CHUNKS: usize = 10_000;

/// What a chunk is to who looks for frames.
pub(in crate::file) enum Chunk {
    /// What the frames are.
    Format(Spec),
    /// Where the input stands the frames begin, so many bytes of them as the chunk says.
    Data(u64),
    Tags(Tags),
    Other,
}

/// How one container tells its chunks.
pub(in crate::file) trait Chunks: Clone {
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

/// What chunks behind the frames say of them. What makes no sense there is left alone.
fn tags_behind<C: Chunks>(input: &mut Input, mut chunks: C) -> Result<Tags> {
    let mut tags = Tags::default();
    for _ in 0..MAX_CHUNKS {
        match chunks.next(input) {
            Ok(Some((chunk, next))) => {
                if let Chunk::Tags(found) = chunk {
                    tags.update(found);
                }
                input.skip(next.saturating_sub(input.position()))?;
            }
            Err(error) if error.kind() == ErrorKind::Io => return Err(error),
            _ => break,
        }
    }
    Ok(tags)
}

/// Reads the chunks of `input`, in whatever order, and gives the decoder of its frames.
pub(in crate::file) fn find<C: Chunks>(mut input: Input, mut chunks: C) -> Result<Opened> {
    let [format, frames] = C::NAMES;
    let (mut spec, mut data, mut tags) = (None, None, Tags::default());
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
            Chunk::Data(said) => data = Some((input.position(), said, next)),
            Chunk::Tags(found) => tags.update(found),
            Chunk::Other => {}
        }
        if let (Some(spec), Some((start, said, next))) = (&spec, data) {
            let length = chunks.length(said, spec, input.length());
            if length.is_some() && input.length().is_some_and(|end| next < end) {
                input.seek(next)?;
                tags.update(tags_behind(&mut input, chunks.clone())?);
            }
            if input.position() != start {
                input.seek(start)?;
            }
            return Ok((chunks.decoder(input, spec.clone(), length)?, tags));
        }
        input.skip(next.saturating_sub(input.position()))?;
    }
    Err(input.corrupt(format_args!("no audio after {MAX_CHUNKS} chunks")))
}
