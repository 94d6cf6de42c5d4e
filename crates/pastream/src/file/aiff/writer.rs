//! Writes AIFF headers, and those of AIFF-C where the encoding or the byte order asks for it.

use super::rate;
use crate::{
    Result,
    file::{
        Encoder, Encoding, Endian, Spec, Tags,
        output::Output,
        pcm::{Layout, PcmEncoder},
    },
};

/// The version of AIFF-C, of which there is one.
const VERSION: u32 = 0xA280_5140;

pub(in crate::file) fn encoder(output: Output, spec: Spec, tags: Tags) -> Result<Box<dyn Encoder>> {
    let limit = limit(&spec, &tags);
    Ok(Box::new(PcmEncoder::new(output, spec, tags, Layout { header, limit, alignment: 2, untold: false })?))
}

/// The most bytes of data: the FORM length counts what follows its field, and a byte of padding.
pub(in crate::file) fn limit(spec: &Spec, tags: &Tags) -> u64 {
    u64::from(u32::MAX) - (header(spec, tags, None).len() as u64 - 8) - 1
}

/// How AIFF-C calls the samples; `None` for those that AIFF has.
fn compression(spec: &Spec) -> Option<[u8; 4]> {
    match spec.encoding {
        Encoding::Float => Some(*b"fl32"),
        Encoding::Double => Some(*b"fl64"),
        Encoding::Ulaw => Some(*b"ulaw"),
        Encoding::Alaw => Some(*b"alaw"),
        encoding if encoding.size() > 1 && spec.endian == Endian::Little => Some(*b"sowt"),
        _ => None,
    }
}

/// What stands before the frames, for `data` bytes of them; `None`: not known.
pub(in crate::file) fn header(spec: &Spec, tags: &Tags, data: Option<u64>) -> Vec<u8> {
    // All ones where it is unknown.
    let size = |value: Option<u64>| {
        value.and_then(|value| u32::try_from(value).ok()).unwrap_or(u32::MAX).to_be_bytes()
    };
    let chunk = |to: &mut Vec<u8>, id: [u8; 4], content: &[u8]| {
        to.extend(id);
        to.extend((content.len() as u32).to_be_bytes());
        to.extend(content);
        to.resize(to.len().next_multiple_of(2), 0);
    };
    let compression = compression(spec);
    let frames = data.map_or(0, |data| data / spec.frame_size() as u64);
    // Of companded samples those that they stand for.
    let bits = if spec.encoding.is_law() { 16 } else { spec.encoding.size() as u16 * 8 };

    let mut common = Vec::with_capacity(24);
    common.extend((spec.channels as u16).to_be_bytes());
    common.extend(size(Some(frames)));
    common.extend(bits.to_be_bytes());
    common.extend(rate::write(spec.sample_rate));
    if let Some(kind) = compression {
        common.extend(kind);
        // A name of no letters, and padding.
        common.extend([0, 0]);
    }

    let mut chunks = Vec::with_capacity(72);
    if compression.is_some() {
        chunks.extend(b"AIFC");
        chunk(&mut chunks, *b"FVER", &VERSION.to_be_bytes());
    } else {
        chunks.extend(b"AIFF");
    }
    chunk(&mut chunks, *b"COMM", &common);
    for (id, text) in tags.named(&super::TEXTS) {
        chunk(&mut chunks, id, text.as_bytes());
    }
    chunks.extend(b"SSND");
    chunks.extend(size(data.map(|data| 8 + data)));
    // No offset, no blocks.
    chunks.extend([0; 8]);

    let mut header = Vec::with_capacity(80);
    header.extend(b"FORM");
    header.extend(size(data.map(|data| chunks.len() as u64 + data + data % 2)));
    header.extend(chunks);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Container;

    #[test]
    fn lengths_are_true_up_to_the_limit() {
        for &encoding in Container::Aiff.encodings() {
            for channels in [1, 3] {
                let spec = Spec {
                    container: Container::Aiff,
                    encoding,
                    endian: Endian::File,
                    channels,
                    sample_rate: 8_000,
                    frames: None,
                };
                let tags = Tags::default();
                for data in [limit(&spec, &tags) - 1, limit(&spec, &tags)] {
                    let header = header(&spec, &tags, Some(data));
                    let u32_at = |at: usize| u64::from(super::super::reader::u32(&header[at..]));
                    assert_eq!(u32_at(4), header.len() as u64 - 8 + data + data % 2);
                    assert_eq!(u32_at(header.len() - 12), data + 8);
                }
            }
        }
    }
}
