//! A recording in memory.

use pastream_rt::Gap;

use crate::ring::Reader;

/// The frames of `reader` with silence in each of `gaps`, as far as `capacity` frames go.
pub(crate) fn assemble(reader: &mut Reader, gaps: &[Gap], capacity: usize, silence: u8) -> Vec<u8> {
    let size = reader.ring().frame_size();
    let mut taken = 0;
    let mut out = Vec::with_capacity((reader.readable() * size).min(capacity * size));
    let mut take = |reader: &mut Reader, frames: usize, out: &mut Vec<u8>| {
        let room = capacity - out.len() / size;
        let (left, right) = reader.slices(frames.min(room));
        out.extend_from_slice(left);
        out.extend_from_slice(right);
        let frames = (left.len() + right.len()) / size;
        reader.advance(frames);
        taken += frames as u64;
        taken
    };
    let mut at = 0;
    for gap in gaps {
        at = take(reader, usize::try_from(gap.position - at).unwrap_or(usize::MAX), &mut out);
        let length = usize::try_from(gap.length).unwrap_or(usize::MAX).min(capacity - out.len() / size);
        out.resize(out.len() + length * size, silence);
    }
    take(reader, usize::MAX, &mut out);
    out
}
