//! The ds64 chunk of RF64 and BW64 (EBU Tech 3306, ITU-R BS.2088): lengths of 64 bits for fields of 32 that are all ones.

use crate::{Result, file::input::Input};

/// Bytes of the content, without a table.
pub(super) const LENGTH: usize = 28;

/// What is written for a length that isn't known. All ones would be a negative number to many programs.
const UNKNOWN: u64 = 1 << 62;

/// Chunks that the table may name; files have none or a few.
const MOST_NAMED: usize = 64;

const NAMED: usize = 12;

/// The lengths that a ds64 chunk tells.
#[derive(Clone, Default)]
pub(super) struct Ds64 {
    pub(super) riff: Option<u64>,
    data: Option<u64>,
    /// 0 where nobody knows.
    frames: u64,
    others: Vec<([u8; 4], u64)>,
}

impl Ds64 {
    /// Reads the front of `length` bytes of content; what is behind it is left.
    pub(super) fn read(input: &mut Input, length: u32) -> Result<Self> {
        let mut content = [0; LENGTH + MOST_NAMED * NAMED];
        let count = content.len().min(length as usize);
        if count < LENGTH - 4 {
            return Err(input.corrupt(format_args!("its ds64 chunk has {length} bytes; 28 are needed")));
        }
        input.read_header(&mut content[..count])?;
        let (words, _) = content.as_chunks::<8>();
        let [riff, data, frames] = [words[0], words[1], words[2]].map(u64::from_le_bytes);
        let named = u32::from_le_bytes([content[24], content[25], content[26], content[27]]) as usize;
        let (table, _) = content[LENGTH.min(count)..count].as_chunks::<NAMED>();
        let others = table
            .iter()
            .take(named)
            .map(|&[a, b, c, d, ref size @ ..]| ([a, b, c, d], u64::from_le_bytes(*size)))
            .collect();
        Ok(Self { riff: Some(riff), data: Some(data).filter(|&data| data < UNKNOWN), frames, others })
    }

    /// The content for so many frames in `data` bytes, in a file whose length after its first eight bytes is `riff`.
    pub(super) fn content(riff: Option<u64>, data: Option<u64>, frames: Option<u64>) -> Vec<u8> {
        let sizes = [riff.unwrap_or(UNKNOWN), data.unwrap_or(UNKNOWN), frames.unwrap_or(0)];
        let mut content: Vec<u8> = sizes.into_iter().flat_map(u64::to_le_bytes).collect();
        content.resize(LENGTH, 0);
        content
    }

    /// The length of the frames in a data chunk whose head says `length`, of so many bytes each; `None` where nobody knows it.
    pub(super) fn resolve_frames(&self, length: u32, frame_size: usize) -> Option<u64> {
        let told = self.resolve(b"data", length)?;
        // ffmpeg counts the byte of padding.
        let frames = self.frames.checked_mul(frame_size as u64).filter(|bytes| bytes % 2 == 1);
        Some(frames.filter(|&bytes| length == u32::MAX && told.checked_sub(1) == Some(bytes)).unwrap_or(told))
    }

    /// The length of a chunk whose head says `length`; `None` where nobody knows it.
    pub(super) fn resolve(&self, id: &[u8], length: u32) -> Option<u64> {
        match id {
            _ if length < u32::MAX => Some(length.into()),
            b"data" => self.data,
            id => self.others.iter().find(|(named, _)| named == id).map(|&(_, length)| length),
        }
    }
}
