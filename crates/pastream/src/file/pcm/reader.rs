//! Reads frames that lie one after the other.

use crate::{
    Result,
    convert::swap_bytes,
    file::{Container, Decoder, Endian, Spec, input::Input},
};

/// Frames from where the input stands to the end of the data.
pub(in crate::file) struct PcmDecoder {
    input: Input,
    spec: Spec,
    start: u64,
    /// Bytes of whole frames, where that is known.
    length: Option<u64>,
    swapped: bool,
    missing: u64,
}

impl PcmDecoder {
    /// `length` is what the header says of the data, in bytes; a file that is shorter is cut off there.
    /// Fails where `spec` is outside the limits.
    pub(in crate::file) fn new(input: Input, mut spec: Spec, length: Option<u64>) -> Result<Self> {
        if let Some(wrong) = spec.out_of_range() {
            return Err(input.corrupt(format_args!("its header says {wrong}")));
        }
        let start = input.position();
        let there = input.length().map(|end| end.saturating_sub(start));
        let frame_size = spec.frame_size() as u64;
        spec.frames = length.into_iter().chain(there).min().map(|bytes| bytes / frame_size);
        // What a header says beyond whole frames may be padding. What RAW has beyond them is a frame that is cut.
        let promised = match (length, there) {
            (None, Some(there)) if spec.container == Container::Raw => Some(there.div_ceil(frame_size)),
            (length, _) => length.map(|length| length / frame_size),
        };
        let missing = promised.zip(spec.frames).map_or(0, |(promised, frames)| promised - frames);
        let length = spec.frames.map(|frames| frames * frame_size);
        let swapped = spec.is_swapped();
        let big = swapped != cfg!(target_endian = "big");
        spec.endian = if big { Endian::Big } else { Endian::Little };
        Ok(Self { input, spec, start, length, swapped, missing })
    }
}

impl Decoder for PcmDecoder {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let frame_size = self.spec.frame_size();
        let left = self.length.map_or(u64::MAX, |length| length - (self.input.position() - self.start));
        let wanted = left.min((out.len() / frame_size * frame_size) as u64) as usize;
        let mut count = self.input.read(&mut out[..wanted])?;
        let partial = count % frame_size;
        if partial > 0 {
            let rest = &mut out[count..count - partial + frame_size];
            let whole = self.input.read_full(rest)? == rest.len();
            count = count - partial + if whole { frame_size } else { 0 };
        }
        if self.swapped {
            swap_bytes(&mut out[..count], self.spec.encoding.size());
        }
        Ok(count / frame_size)
    }

    fn missing(&self) -> u64 {
        self.missing
    }

    fn seekable(&self) -> bool {
        self.input.length().is_some()
    }

    fn seek(&mut self, frame: u64) -> Result<()> {
        let frame = frame.min(self.spec.frames.unwrap_or(u64::MAX));
        self.input.seek(self.start.saturating_add(frame.saturating_mul(self.spec.frame_size() as u64)))
    }
}
