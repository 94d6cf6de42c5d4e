//! AIFF and AIFF-C headers made by hand.

use std::fs;

use pastream::{
    ErrorKind,
    file::{Container, Encoding, Endian, FileReader, FileWriter, ReadHint, Spec},
};

use crate::support::{Folder, Kept, audio_first, both, noise, pipe, read_all, spec, written};

/// 8000 Hz and 44100 Hz.
const RATES: [[u8; 10]; 2] = [*b"\x40\x0B\xFA\0\0\0\0\0\0\0", *b"\x40\x0E\xAC\x44\0\0\0\0\0\0"];

fn sized_chunk(id: &[u8], length: u32, content: &[u8]) -> Vec<u8> {
    let mut chunk = [id, &length.to_be_bytes(), content].concat();
    chunk.resize(chunk.len() + content.len() % 2, 0);
    chunk
}

fn chunk(id: &[u8], content: &[u8]) -> Vec<u8> {
    sized_chunk(id, content.len() as u32, content)
}

fn form(kind: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(b"FORM", &[kind, &chunks.concat()].concat())
}

fn common(channels: u16, frames: u32, bits: u16, rate: [u8; 10], compression: &[u8]) -> Vec<u8> {
    let numbers = [&channels.to_be_bytes()[..], &frames.to_be_bytes(), &bits.to_be_bytes()].concat();
    chunk(b"COMM", &[&numbers, &rate[..], compression].concat())
}

fn ssnd(data: &[u8]) -> Vec<u8> {
    chunk(b"SSND", &[&[0; 8], data].concat())
}

fn version() -> Vec<u8> {
    chunk(b"FVER", b"\xA2\x80\x51\x40")
}

#[test]
fn our_headers_are_these() {
    let folder = Folder::new("our_aiff");
    let path = folder.join("take");
    let samples = [0x0102_i16, 0x0304, 0x0506].map(i16::to_ne_bytes).concat();
    let aiff = spec(Container::Aiff, Encoding::Pcm16, 1);
    let common16 = |compression: &[u8]| common(1, 3, 16, RATES[1], compression);
    let big = ssnd(&[1, 2, 3, 4, 5, 6]);
    assert_eq!(written(&path, &aiff, &samples), form(b"AIFF", &[common16(b""), big]));
    let little = Spec { endian: Endian::Little, ..aiff.clone() };
    let expected = form(b"AIFC", &[version(), common16(b"sowt\0\0"), ssnd(&[2, 1, 4, 3, 6, 5])]);
    assert_eq!(written(&path, &little, &samples), expected);
    let odd = Spec { encoding: Encoding::PcmS8, endian: Endian::Little, ..aiff.clone() };
    let expected = form(b"AIFF", &[common(1, 3, 8, RATES[1], b""), ssnd(&[1, 2, 3])]);
    assert_eq!(written(&path, &odd, &[1, 2, 3]), expected);
    for (encoding, kind) in [(Encoding::Float, b"fl32\0\0"), (Encoding::Double, b"fl64\0\0")] {
        let float = Spec { encoding, ..aiff.clone() };
        let bits = encoding.size() as u16 * 8;
        let data = ssnd(&[&[0x3F, 0xF0][..], &[0; 6]].concat()[..encoding.size()]);
        let sample = if encoding == Encoding::Float { f32::from_bits(0x3FF0_0000) } else { 1.0 };
        let expected = form(b"AIFC", &[version(), common(1, 1, bits, RATES[1], kind), data]);
        assert_eq!(written(&path, &float, &sample.to_ne_bytes()), expected);
    }

    let kept = Kept::new(usize::MAX);
    let mut writer = FileWriter::to_pipe(Box::new(kept.clone()), "pipe", aiff).unwrap();
    writer.write(&samples).unwrap();
    writer.finish().unwrap();
    let mut expected = form(
        b"AIFF",
        &[
            common(1, 0, 16, RATES[1], b""),
            sized_chunk(b"SSND", u32::MAX, &[0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]),
        ],
    );
    expected[4..8].fill(0xFF);
    assert_eq!(kept.bytes(), expected);
}

#[test]
fn lengths_may_lie() {
    let folder = Folder::new("lying_aiff");
    let data = noise(20);
    let common = || common(2, 77, 8, RATES[0], b"");
    let head = |length: u32, offset: u32, data: &[u8]| {
        let content = [&offset.to_be_bytes()[..], &[0; 4], data].concat();
        let mut bytes = form(b"AIFF", &[common(), sized_chunk(b"SSND", length, &content)]);
        bytes[4..8].fill(0);
        bytes
    };
    let all = [(Some(10), data.clone()), (None, data.clone())];
    for unknown in [0, 7, 8, u32::MAX, 0x7F00_0008, 0x7F00_0007] {
        assert_eq!(both(&folder, &head(unknown, 0, &data)), all, "{unknown}");
    }
    assert_eq!(both(&folder, &head(u32::MAX, 4, &data))[1], (None, data[4..].to_vec()));
    assert_eq!(both(&folder, &head(4008, 0, &data)), [(Some(10), data.clone()), (Some(2000), data.clone())]);
    assert_eq!(both(&folder, &head(0x7F00_0009, 0, &data))[0], (Some(10), data.clone()));
    assert_eq!(both(&folder, &head(16, 0, &data))[0], (Some(4), data[..8].to_vec()));
    // No whole frame.
    assert_eq!(both(&folder, &head(9, 0, &data)), [(Some(0), vec![]), (Some(0), vec![])]);
    let path = folder.join("take");
    fs::write(&path, head(4008, 0, &data)).unwrap();
    assert_eq!(FileReader::open(&path, &ReadHint::default()).unwrap().missing(), 1990);
    // The offset leads to the first frame.
    assert_eq!(both(&folder, &head(28, 6, &data)), [7; 2].map(|frames| (Some(frames), data[6..].to_vec())));
    assert_eq!(both(&folder, &head(28, 20, &data))[0], (Some(0), vec![]));
    let error = pipe(&head(28, 21, &data), 64, &ReadHint::default()).err().unwrap();
    assert!(
        error.kind() == ErrorKind::CorruptFile && error.message().contains("21 bytes into 28"),
        "{error}"
    );
    // Truly empty, with something behind it.
    let empty = form(b"AIFF", &[common(), ssnd(&[]), chunk(b"ANNO", &data)]);
    assert_eq!(both(&folder, &empty)[0], (Some(0), vec![]));
}

#[test]
fn chunks_come_in_any_order() {
    let folder = Folder::new("order_aiff");
    let data = noise(7);
    let common = || common(1, 7, 8, RATES[0], b"NONE\x03any");
    let odd = || chunk(b"ANNO", &noise(5));
    let usual = form(b"AIFC", &[odd(), version(), common(), odd(), ssnd(&data), odd()]);
    assert_eq!(both(&folder, &usual), [7; 2].map(|frames| (Some(frames), data.clone())));
    let reversed = form(b"AIFC", &[odd(), ssnd(&data), odd(), common()]);
    audio_first(&folder, &reversed, &data);
    for (chunks, wrong) in [(vec![common()], "no SSND chunk"), (vec![odd()], "no COMM chunk")] {
        let error = pipe(&form(b"AIFC", &chunks), 64, &ReadHint::default()).err().unwrap();
        assert!(error.message().contains(wrong), "{error}");
    }
}

#[test]
fn compressions_are_told_apart() {
    let read = |kind: &[u8], bits: u16, data: &[u8]| {
        let kind = [kind, &[0, 0]].concat();
        let bytes = form(b"AIFC", &[version(), common(1, 1, bits, RATES[0], &kind), ssnd(data)]);
        let mut reader = pipe(&bytes, 64, &ReadHint::default())?;
        let encoding = reader.spec().encoding;
        Ok::<_, pastream::Error>((encoding, read_all(&mut reader, 9).unwrap()))
    };
    let (big, little) = ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10]);
    let native = |size: usize, big: bool| -> Vec<u8> {
        let samples = [1_u8, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        let turned = cfg!(target_endian = "big") != big;
        samples
            .chunks(size)
            .flat_map(|x| if turned { x.iter().rev().copied().collect() } else { x.to_vec() })
            .collect()
    };
    assert_eq!(native(3, true), little);
    for (kind, bits, encoding, is_big) in [
        (b"NONE", 8, Encoding::PcmS8, false),
        (b"NONE", 12, Encoding::Pcm16, true),
        (b"twos", 16, Encoding::Pcm16, true),
        (b"NONE", 20, Encoding::Pcm24, true),
        (b"NONE", 32, Encoding::Pcm32, true),
        (b"sowt", 16, Encoding::Pcm16, false),
        (b"sowt", 24, Encoding::Pcm24, false),
        (b"sowt", 32, Encoding::Pcm32, false),
        (b"raw ", 8, Encoding::PcmU8, false),
        (b"in24", 24, Encoding::Pcm24, true),
        (b"in32", 16, Encoding::Pcm32, true),
        (b"42ni", 24, Encoding::Pcm24, false),
        (b"23ni", 32, Encoding::Pcm32, false),
        (b"fl32", 32, Encoding::Float, true),
        (b"FL32", 16, Encoding::Float, true),
    ] {
        assert_eq!(read(kind, bits, &big).unwrap(), (encoding, native(encoding.size(), is_big)), "{kind:?}");
    }
    for (kind, encoding) in [
        (b"ulaw", Encoding::Ulaw),
        (b"ULAW", Encoding::Ulaw),
        (b"alaw", Encoding::Alaw),
        (b"ALAW", Encoding::Alaw),
    ] {
        for bits in [8, 16] {
            assert_eq!(read(kind, bits, &big).unwrap().0, encoding);
        }
    }
    for kind in [b"fl64", b"FL64"] {
        let (encoding, frames) = read(kind, 64, &0.5_f64.to_be_bytes()).unwrap();
        assert_eq!((encoding, frames), (Encoding::Double, 0.5_f32.to_ne_bytes().to_vec()));
    }
    for (kind, bits, wrong) in [
        (b"ima4", 16, "`ima4`"),
        (b"NONE", 0, "0-bit PCM"),
        (b"NONE", 33, "33-bit PCM"),
        (b"\xFFa`\0", 8, "\\xffa`\\x00"),
    ] {
        let error = read(kind, bits, &big).unwrap_err();
        assert!(error.kind() == ErrorKind::UnsupportedFile && error.message().contains(wrong), "{error}");
    }
}

#[test]
fn bad_headers_say_so() {
    let error = |kind: &[u8], common: Vec<u8>| {
        pipe(&form(kind, &[common, ssnd(&[0; 4])]), 64, &ReadHint::default()).err().unwrap().to_string()
    };
    let no_rate = common(1, 1, 16, [0; 10], b"");
    assert!(error(b"AIFF", no_rate).contains("0 Hz"));
    let negative = common(1, 1, 16, *b"\xC0\x0B\xFA\0\0\0\0\0\0\0", b"");
    assert!(error(b"AIFF", negative).contains("0 Hz"));
    assert!(error(b"AIFF", common(0, 1, 16, RATES[0], b"")).contains("0 channels"));
    assert!(error(b"AIFF", common(257, 1, 16, RATES[0], b"")).contains("257 channels"));
    assert!(error(b"AIFC", common(1, 1, 16, RATES[0], b"")).contains("18 bytes; at least 22"));
    assert!(error(b"AIFF", chunk(b"COMM", &[0; 17])).contains("17 bytes"));
}
