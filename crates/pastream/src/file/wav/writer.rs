//! Writes WAV and RF64 headers.

use super::{
    ds64::{self, Ds64},
    format, tags,
};
use crate::{
    Result,
    file::{
        Container, Encoder, Endian, Spec, Tags,
        output::Output,
        pcm::{Layout, PcmEncoder},
    },
};

/// The most that the length of a RIFF tells.
const MOST: u64 = u32::MAX as u64;

pub(in crate::file) fn encoder(output: Output, spec: Spec, tags: Tags) -> Result<Box<dyn Encoder>> {
    let limit = limit(&spec, &tags);
    Ok(Box::new(PcmEncoder::new(output, spec, tags, Layout { header, limit, alignment: 2, untold: false })?))
}

/// The most bytes of data. RF64 has none; only a RIFX can't become one. Its length counts what follows its field, and a byte of
/// padding.
pub(in crate::file) fn limit(spec: &Spec, tags: &Tags) -> u64 {
    if spec.endian == Endian::Big { MOST - (header(spec, tags, None).len() as u64 - 8) - 1 } else { u64::MAX }
}

/// What stands before the frames, for `data` bytes of them; `None`: not known.
pub(in crate::file) fn header(spec: &Spec, tags: &Tags, data: Option<u64>) -> Vec<u8> {
    let big = spec.endian == Endian::Big;
    let u32 = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    // All ones where it is unknown, or told by the ds64 chunk.
    let size =
        |value: Option<u64>| u32(value.and_then(|value| u32::try_from(value).ok()).unwrap_or(u32::MAX));
    let chunk = |to: &mut Vec<u8>, id: [u8; 4], content: &[u8]| {
        to.extend(id);
        to.extend(u32(content.len() as u32));
        to.extend(content);
    };
    let frames = data.map(|data| data / spec.frame_size() as u64);

    let mut chunks = Vec::with_capacity(128);
    chunk(&mut chunks, *b"fmt ", &format::content(spec));
    if spec.encoding.is_float() || spec.encoding.is_law() {
        chunk(&mut chunks, *b"fact", &size(frames));
    }
    for (id, content) in tags::content(tags, big) {
        chunk(&mut chunks, id, &content);
    }
    chunks.extend(b"data");

    let before = 4 + 8 + ds64::LENGTH + chunks.len() + 4;
    let riff = data.map(|data| before as u64 + data + data % 2);
    let long = spec.container == Container::Rf64 || riff.is_some_and(|riff| riff > MOST && !big);

    let mut header = Vec::with_capacity(128);
    header.extend(match (long, big) {
        (true, _) => b"RF64",
        (false, true) => b"RIFX",
        (false, false) => b"RIFF",
    });
    header.extend(size(riff.filter(|_| !long)));
    header.extend(b"WAVE");
    if long {
        chunk(&mut header, *b"ds64", &Ds64::content(riff, data, frames));
    } else {
        // Room for the chunk above, which the header gets once the file is longer than 4 GiB.
        chunk(&mut header, *b"JUNK", &[0; ds64::LENGTH]);
    }
    header.extend(chunks);
    header.extend(size(data.filter(|_| !long)));
    header
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::file::{Encoding, FileReader, ReadHint};

    fn spec(container: Container, encoding: Encoding, endian: Endian, channels: usize) -> Spec {
        Spec { container, encoding, endian, channels, sample_rate: 8_000, frames: None }
    }

    fn u32_at(header: &[u8], at: usize) -> u32 {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    }

    fn u64_at(header: &[u8], at: usize) -> u64 {
        u64::from(u32_at(header, at)) | u64::from(u32_at(header, at + 4)) << 32
    }

    #[test]
    fn lengths_are_true_on_both_sides_of_4_gib() {
        for &encoding in Container::Wav.encodings() {
            for channels in [1, 3] {
                let wav = spec(Container::Wav, encoding, Endian::File, channels);
                let length = header(&wav, &Tags::default(), None).len();
                let before = length as u64 - 8;
                let most = MOST - before;
                for data in [0, 1, most - 2, most - 1, most, most + 1, MOST, MOST + 1, 1 << 40] {
                    let header = header(&wav, &Tags::default(), Some(data));
                    assert_eq!(header.len(), length);
                    let riff = before + data + data % 2;
                    if riff <= MOST {
                        assert!(header.starts_with(b"RIFF") && &header[8..16] == b"WAVEJUNK");
                        assert_eq!(u64::from(u32_at(&header, 4)), riff);
                        assert_eq!(u64::from(u32_at(&header, length - 4)), data);
                    } else {
                        assert!(header.starts_with(b"RF64\xFF\xFF\xFF\xFFWAVEds64\x1C\0\0\0"));
                        let frames = data / wav.frame_size() as u64;
                        assert_eq!([20, 28, 36].map(|at| u64_at(&header, at)), [riff, data, frames]);
                        assert_eq!(u32_at(&header, 44), 0);
                        assert_eq!(u32_at(&header, length - 4), u32::MAX);
                    }
                }
            }
        }
    }

    /// How the file begins, and its frames from `frame` on, as another reader finds them now.
    fn there(path: &Path, frame: u64) -> (Container, Option<u64>, Vec<u8>) {
        let mut reader = FileReader::open(path, &ReadHint::default()).unwrap();
        let (container, frames) = (reader.spec().container, reader.spec().frames);
        reader.seek(frame).unwrap();
        (container, frames, reader.read_frames(9, &|| false).unwrap())
    }

    #[test]
    fn a_file_that_passes_4_gib_goes_on_as_rf64() {
        let path = std::env::temp_dir().join(format!("pastream-rf64-{}.wav", std::process::id()));
        let wav = spec(Container::Wav, Encoding::Pcm16, Endian::File, 1);
        let limit = limit(&wav, &Tags::default());
        let layout = Layout { header, limit, alignment: 2, untold: false };
        let mut encoder =
            PcmEncoder::new(Output::create(&path).unwrap(), wav, Tags::default(), layout).unwrap();
        encoder.write(&[1, 2]).unwrap();
        // Of 2^32 - 1 bytes after the first eight, 72 are header: room for as many frames, and not one more.
        let most = (MOST - 72) / 2;
        encoder.leap(2 * (most - 2));
        encoder.write(&[3, 4]).unwrap();
        encoder.update().unwrap();
        assert_eq!(there(&path, most - 1), (Container::Wav, Some(most), vec![3, 4]));
        encoder.write(&[5, 6, 7, 8]).unwrap();
        // Not told yet.
        assert_eq!(there(&path, most - 1), (Container::Wav, Some(most), vec![3, 4]));
        encoder.update().unwrap();
        assert_eq!(there(&path, most - 1), (Container::Rf64, Some(most + 2), vec![3, 4, 5, 6, 7, 8]));
        encoder.leap(1 << 30);
        encoder.write(&[9, 10]).unwrap();
        encoder.finish().unwrap();
        let frames = most + 3 + (1 << 29);
        assert_eq!(there(&path, frames - 1), (Container::Rf64, Some(frames), vec![9, 10]));
        assert_eq!(there(&path, 0).2[..4], [1, 2, 0, 0]);
        assert_eq!(encoder.frames(), frames);
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_rifx_ends_where_its_length_does() {
        let rifx = spec(Container::Wav, Encoding::Pcm16, Endian::Big, 1);
        let tags = Tags::default();
        let header = header(&rifx, &tags, Some(limit(&rifx, &tags)));
        assert!(header.starts_with(b"RIFX\xFF\xFF\xFF\xFEWAVEJUNK"));
        let rf64 = spec(Container::Rf64, Encoding::Pcm16, Endian::File, 1);
        assert_eq!(limit(&rf64, &tags), u64::MAX);
    }
}
