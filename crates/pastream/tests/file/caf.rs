//! CAF headers made by hand.

use std::fs;

use pastream::{
    ErrorKind,
    file::{Container, Encoding, Endian, FileReader, FileWriter, ReadHint, Spec},
};

use crate::support::{Folder, Kept, both, noise, pipe, read_all, spec, written};

fn sized_chunk(id: &[u8], length: i64, content: &[u8]) -> Vec<u8> {
    [id, &length.to_be_bytes(), content].concat()
}

fn chunk(id: &[u8], content: &[u8]) -> Vec<u8> {
    sized_chunk(id, content.len() as i64, content)
}

fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    [&b"caff\0\x01\0\0"[..], &chunks.concat()].concat()
}

fn desc(rate: f64, kind: &[u8], numbers: [u32; 5]) -> Vec<u8> {
    chunk(b"desc", &[&rate.to_be_bytes(), kind, &numbers.map(u32::to_be_bytes).concat()].concat())
}

/// The frames after a number of edits that is not looked at.
fn data(frames: &[u8]) -> Vec<u8> {
    chunk(b"data", &[&[0, 0, 0, 7], frames].concat())
}

#[test]
fn our_headers_are_these() {
    let folder = Folder::new("our_caf");
    let path = folder.join("take");
    let samples = [0x0102_i16, 0x0304, 0x0506].map(i16::to_ne_bytes).concat();
    let caf = spec(Container::Caf, Encoding::Pcm16, 1);
    let edited = |frames: &[u8]| chunk(b"data", &[&[0; 4], frames].concat());
    let desc16 = |flags| desc(44_100.0, b"lpcm", [flags, 2, 1, 1, 16]);
    assert_eq!(written(&path, &caf, &samples), file(&[desc16(0), edited(&[1, 2, 3, 4, 5, 6])]));
    let little = Spec { endian: Endian::Little, ..caf.clone() };
    assert_eq!(written(&path, &little, &samples), file(&[desc16(2), edited(&[2, 1, 4, 3, 6, 5])]));
    let float = Spec { encoding: Encoding::Float, channels: 6, ..caf.clone() };
    let layout = chunk(b"chan", b"\0\x01\0\0\0\0\0\x3F\0\0\0\0");
    let six = [desc(44_100.0, b"lpcm", [1, 24, 1, 6, 32]), layout, edited(&[0; 24])];
    assert_eq!(written(&path, &float, &[0; 24]), file(&six));
    let many = Spec { encoding: Encoding::PcmS8, channels: 9, ..caf.clone() };
    let layout = chunk(b"chan", b"\0\x93\0\x09\0\0\0\0\0\0\0\0");
    let nine = [desc(44_100.0, b"lpcm", [0, 9, 1, 9, 8]), layout, edited(&[5; 9])];
    assert_eq!(written(&path, &many, &[5; 9]), file(&nine));

    let kept = Kept::new(usize::MAX);
    let mut writer = FileWriter::to_pipe(Box::new(kept.clone()), "pipe", little).unwrap();
    writer.write(&samples).unwrap();
    writer.finish().unwrap();
    let unknown = sized_chunk(b"data", -1, &[0, 0, 0, 0, 2, 1, 4, 3, 6, 5]);
    assert_eq!(kept.bytes(), file(&[desc16(2), unknown]));
}

#[test]
fn lengths_may_lie() {
    let folder = Folder::new("lying_caf");
    let frames = noise(20);
    let head = |length: i64| {
        let content = [&[0; 4], &frames[..]].concat();
        file(&[desc(8_000.0, b"lpcm", [0, 2, 1, 2, 8]), sized_chunk(b"data", length, &content)])
    };
    for unknown in [-1, i64::MIN, 0, 3] {
        assert_eq!(both(&folder, &head(unknown)), [(Some(10), frames.clone()), (None, frames.clone())]);
    }
    assert_eq!(both(&folder, &head(4004)), [(Some(10), frames.clone()), (Some(2000), frames.clone())]);
    assert_eq!(both(&folder, &head(i64::MAX))[0], (Some(10), frames.clone()));
    assert_eq!(both(&folder, &head(12))[1], (Some(4), frames[..8].to_vec()));
    assert_eq!(both(&folder, &head(5)), [(Some(0), vec![]), (Some(0), vec![])]);
    let path = folder.join("take");
    fs::write(&path, head(4004)).unwrap();
    assert_eq!(FileReader::open(&path, &ReadHint::default()).unwrap().missing(), 1990);
}

#[test]
fn chunks_come_in_any_order() {
    let folder = Folder::new("order_caf");
    let frames = noise(7);
    let desc = || desc(8_000.0, b"lpcm", [0, 1, 1, 1, 8]);
    // Nothing is padded.
    let odd = || chunk(b"info", &noise(5));
    let usual = file(&[odd(), desc(), odd(), data(&frames), odd()]);
    assert_eq!(both(&folder, &usual), [7; 2].map(|count| (Some(count), frames.clone())));
    let reversed = file(&[odd(), data(&frames), odd(), desc()]);
    let path = folder.join("take");
    fs::write(&path, &reversed).unwrap();
    let mut reader = FileReader::open(&path, &ReadHint::default()).unwrap();
    assert_eq!(read_all(&mut reader, 3).unwrap(), frames);
    let error = pipe(&reversed, 64, &ReadHint::default()).err().unwrap();
    assert!(error.message().contains("before its format"), "{error}");
    for length in [-1, i64::MAX] {
        let lost = file(&[sized_chunk(b"info", length, &[]), desc(), data(&frames)]);
        let error = pipe(&lost, 64, &ReadHint::default()).err().unwrap();
        assert!(error.message().contains("no desc chunk"), "{error}");
    }
}

#[test]
fn descriptions_are_told_apart() {
    let read = |rate: f64, kind: &[u8], numbers| {
        let bytes = file(&[desc(rate, kind, numbers), data(&[0; 48])]);
        pipe(&bytes, 64, &ReadHint::default()).map(|reader| {
            let spec = reader.spec();
            (spec.encoding, spec.endian, spec.sample_rate)
        })
    };
    for (flags, size, bits, encoding) in [
        (0, 1, 8, Encoding::PcmS8),
        (0, 2, 16, Encoding::Pcm16),
        (0, 3, 20, Encoding::Pcm24),
        (0, 3, 24, Encoding::Pcm24),
        (0, 4, 32, Encoding::Pcm32),
        // In the upper three bytes.
        (0, 4, 24, Encoding::Pcm32),
        (1, 4, 32, Encoding::Float),
        (1, 8, 64, Encoding::Double),
    ] {
        let told = |flags| read(8_000.4, b"lpcm", [flags, 2 * size, 1, 2, bits]).unwrap();
        if size > 1 {
            assert_eq!(told(flags), (encoding, Endian::Big, 8_000));
        }
        assert_eq!(told(flags | 2), (encoding, Endian::Little, 8_000));
    }
    for (kind, encoding) in [(b"ulaw", Encoding::Ulaw), (b"alaw", Encoding::Alaw)] {
        assert_eq!(read(8_000.0, kind, [0, 2, 1, 2, 8]).unwrap().0, encoding);
    }
    for (rate, kind, numbers, wrong) in [
        (8e3, b"aac ", [0, 0, 1024, 2, 0], "`aac `"),
        (8e3, b"lpcm", [0, 5, 1, 1, 40], "40-bit PCM"),
        (8e3, b"lpcm", [0, 0, 1, 1, 0], "0-bit PCM"),
        (8e3, b"lpcm", [1, 2, 1, 1, 16], "16-bit float"),
        (8e3, b"lpcm", [0, 5, 1, 1, 24], "1 frames in 5 bytes"),
        (8e3, b"lpcm", [0, 2, 2, 1, 16], "2 frames in 2 bytes"),
        (8e3, b"lpcm", [0, 0, 1, 0, 16], "0 channels"),
        (8e3, b"lpcm", [0, 257, 1, 257, 8], "257 channels"),
        (8e3, b"lpcm", [0, 1, 1, u32::MAX, 32], "frames in 1 bytes"),
        (0.0, b"lpcm", [0, 1, 1, 1, 8], "0 Hz"),
        (-8e3, b"lpcm", [0, 1, 1, 1, 8], "0 Hz"),
        (f64::NAN, b"lpcm", [0, 1, 1, 1, 8], "0 Hz"),
        (f64::INFINITY, b"lpcm", [0, 1, 1, 1, 8], "4294967295 Hz"),
    ] {
        let error = read(rate, kind, numbers).unwrap_err();
        assert!(error.message().contains(wrong), "{error}");
    }
    let mut second = file(&[desc(8e3, b"lpcm", [0, 1, 1, 1, 8])]);
    second[5] = 2;
    let error = pipe(&second, 64, &ReadHint::default()).err().unwrap();
    assert!(error.kind() == ErrorKind::UnsupportedFile && error.message().contains("version 2"), "{error}");
    let short = file(&[chunk(b"desc", &[0; 31])]);
    assert!(pipe(&short, 64, &ReadHint::default()).err().unwrap().message().contains("31 bytes"));
}
