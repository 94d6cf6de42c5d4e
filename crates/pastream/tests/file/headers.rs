//! Headers made by hand, byte for byte.

use std::fs;

use pastream::file::{Container, Encoding, Endian, FileReader, ReadHint, Spec};

use crate::support::{Folder, audio_first, both, noise, pipe, read_all, spec, written};

pub(crate) fn chunk(id: &[u8], content: &[u8]) -> Vec<u8> {
    sized_chunk(id, content.len() as u32, content)
}

pub(crate) fn sized_chunk(id: &[u8], length: u32, content: &[u8]) -> Vec<u8> {
    let mut chunk = [id, &length.to_le_bytes(), content].concat();
    chunk.resize(chunk.len() + content.len() % 2, 0);
    chunk
}

pub(crate) fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(b"RIFF", &[&b"WAVE"[..], &chunks.concat()].concat())
}

pub(crate) fn format(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let block = channels * bits.div_ceil(8);
    [
        &tag.to_le_bytes()[..],
        &channels.to_le_bytes(),
        &rate.to_le_bytes(),
        &(rate * u32::from(block)).to_le_bytes(),
        &block.to_le_bytes(),
        &bits.to_le_bytes(),
    ]
    .concat()
}

pub(crate) fn fmt(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    chunk(b"fmt ", &format(tag, channels, rate, bits))
}

fn extensible(channels: u16, rate: u32, bits: u16, mask: u8, tag: u8) -> Vec<u8> {
    let mut content = format(0xFFFE, channels, rate, bits);
    content.extend([22, 0, bits as u8, 0, mask, 0, 0, 0, tag]);
    content.extend(b"\0\0\0\0\0\x10\0\x80\0\0\xAA\0\x38\x9B\x71");
    chunk(b"fmt ", &content)
}

#[test]
fn our_wav_headers_are_these() {
    let folder = Folder::new("our_wav");
    let junk = || chunk(b"JUNK", &[0; 28]);
    let path = folder.join("take.wav");
    let data = noise(6);
    assert_eq!(
        written(&path, &spec(Container::Wav, Encoding::Pcm16, 1), &data),
        riff(&[junk(), fmt(1, 1, 44_100, 16), chunk(b"data", &data)])
    );
    assert_eq!(
        written(&path, &spec(Container::Wav, Encoding::PcmU8, 1), &data[..5]),
        riff(&[junk(), fmt(1, 1, 44_100, 8), chunk(b"data", &data[..5])])
    );
    assert_eq!(
        written(&path, &spec(Container::Wav, Encoding::Pcm24, 2), &data),
        riff(&[junk(), extensible(2, 44_100, 24, 3, 1), chunk(b"data", &data)])
    );
    assert_eq!(
        written(&path, &spec(Container::Wav, Encoding::PcmU8, 6), &data),
        riff(&[junk(), extensible(6, 44_100, 8, 0x3F, 1), chunk(b"data", &data)])
    );
    let plain = chunk(b"fmt ", &[format(3, 1, 44_100, 32), vec![0; 2]].concat());
    assert_eq!(
        written(&path, &spec(Container::Wav, Encoding::Float, 1), &data[..4]),
        riff(&[junk(), plain, chunk(b"fact", &[1, 0, 0, 0]), chunk(b"data", &data[..4])])
    );
    assert_eq!(
        written(&path, &spec(Container::Wav, Encoding::Float, 4), &noise(32)),
        riff(&[
            junk(),
            extensible(4, 44_100, 32, 0x33, 3),
            chunk(b"fact", &[2, 0, 0, 0]),
            chunk(b"data", &noise(32))
        ])
    );
}

#[test]
fn our_au_headers_are_these() {
    let folder = Folder::new("our_au");
    let path = folder.join("take.au");
    let au = Spec { sample_rate: 0x0001_0203, ..spec(Container::Au, Encoding::Pcm16, 2) };
    let frames = [0x0102_i16, 0x0304].map(i16::to_ne_bytes).concat();
    assert_eq!(
        written(&path, &au, &frames),
        b".snd\0\0\0\x18\0\0\0\x04\0\0\0\x03\0\x01\x02\x03\0\0\0\x02\x01\x02\x03\x04"
    );
    let little = Spec { endian: Endian::Little, ..au };
    assert_eq!(
        written(&path, &little, &frames),
        b"dns.\x18\0\0\0\x04\0\0\0\x03\0\0\0\x03\x02\x01\0\x02\0\0\0\x02\x01\x04\x03"
    );
}

#[test]
fn wav_lengths_may_lie() {
    let folder = Folder::new("lying_wav");
    let data = noise(20);
    let head = |length: u32, content: &[u8]| {
        let mut bytes = riff(&[fmt(1, 2, 8_000, 16), sized_chunk(b"data", length, content)]);
        bytes[4..8].copy_from_slice(&0_u32.to_le_bytes());
        bytes
    };
    // Unknown: to the end. A partial frame at the end is left out.
    for unknown in [0, u32::MAX, 0x7FFF_F000] {
        assert_eq!(both(&folder, &head(unknown, &data)), [(Some(5), data.clone()), (None, data.clone())]);
        assert_eq!(both(&folder, &head(unknown, &data[..18]))[0], (Some(4), data[..16].to_vec()));
        assert_eq!(both(&folder, &head(unknown, &data[..18]))[1].1, data[..16]);
        assert_eq!(both(&folder, &head(unknown, &[]))[0], (Some(0), vec![]));
    }
    // Larger than the file: a cut tail.
    assert_eq!(both(&folder, &head(4000, &data)), [(Some(5), data.clone()), (Some(1000), data.clone())]);
    assert_eq!(both(&folder, &head(0x7FFF_F004, &data))[0], (Some(5), data.clone()));
    // Smaller: other chunks follow.
    assert_eq!(
        both(&folder, &head(8, &data)),
        [(Some(2), data[..8].to_vec()), (Some(2), data[..8].to_vec())]
    );
    // No whole frame.
    assert_eq!(both(&folder, &head(3, &data)), [(Some(0), vec![]), (Some(0), vec![])]);
    // Rounded down to whole frames as sox does: 6 bytes each.
    let odd = riff(&[fmt(1, 2, 8_000, 24), sized_chunk(b"data", 0x7FFF_F000 / 6 * 6, &data[..18])]);
    assert_eq!(both(&folder, &odd), [(Some(3), data[..18].to_vec()), (None, data[..18].to_vec())]);
    // Truly empty, with something behind it.
    let empty = riff(&[fmt(1, 1, 8_000, 16), chunk(b"data", &[]), chunk(b"LIST", &data)]);
    assert_eq!(both(&folder, &empty)[0], (Some(0), vec![]));
}

#[test]
fn wav_chunks_come_in_any_order() {
    let folder = Folder::new("order_wav");
    let data = noise(7);
    let odd = || chunk(b"LIST", &noise(5));
    let usual = riff(&[odd(), fmt(1, 1, 8_000, 8), odd(), chunk(b"data", &data), odd()]);
    assert_eq!(both(&folder, &usual), [(Some(7), data.clone()), (Some(7), data.clone())]);

    let reversed = riff(&[chunk(b"data", &data), odd(), fmt(1, 1, 8_000, 8)]);
    audio_first(&folder, &reversed, &data);
}

#[test]
fn wav_formats_are_told_apart() {
    let folder = Folder::new("formats_wav");
    let path = folder.join("take.wav");
    let read = |format: Vec<u8>| {
        fs::write(&path, riff(&[format, chunk(b"data", &noise(48))])).unwrap();
        FileReader::open(&path, &ReadHint::default()).map(|reader| reader.spec().encoding)
    };
    for (tag, bits, encoding) in [
        (1, 8, Encoding::PcmU8),
        (1, 16, Encoding::Pcm16),
        (1, 20, Encoding::Pcm24),
        (1, 24, Encoding::Pcm24),
        (1, 32, Encoding::Pcm32),
        (3, 32, Encoding::Float),
        (3, 64, Encoding::Double),
        (6, 8, Encoding::Alaw),
        (7, 8, Encoding::Ulaw),
    ] {
        assert_eq!(read(fmt(tag, 2, 8_000, bits)).unwrap(), encoding);
        if bits != 20 {
            assert_eq!(read(extensible(2, 8_000, bits, 3, tag as u8)).unwrap(), encoding);
        }
    }
    for (tag, bits, wrong) in [
        (0x31, 8, "0x0031"),
        (6, 16, "16-bit companded"),
        (1, 64, "64-bit PCM"),
        (1, 0, "0-bit PCM"),
        (3, 16, "16-bit float"),
    ] {
        let error = read(fmt(tag, 2, 8_000, bits)).unwrap_err();
        assert!(error.message().contains(wrong) && error.message().contains("take.wav"), "{error}");
    }
    let mut four = format(1, 1, 8_000, 24);
    four[12] = 4;
    assert!(read(chunk(b"fmt ", &four)).unwrap_err().message().contains("4 bytes"));
    let mut other = extensible(1, 8_000, 16, 4, 1);
    other[47] = 0;
    assert!(read(other).unwrap_err().message().contains("sub-format"));
    assert!(read(fmt(1, 0, 8_000, 16)).unwrap_err().message().contains("0 channels"));
    assert!(read(fmt(1, 2, 0, 16)).unwrap_err().message().contains("0 Hz"));
    assert!(read(fmt(1, 257, 1, 16)).unwrap_err().message().contains("257 channels"));
    assert!(read(chunk(b"fmt ", &format(1, 1, 8_000, 16)[..14])).unwrap_err().message().contains("14 bytes"));
}

#[test]
fn a_big_endian_wav_is_read() {
    let bytes =
        b"RIFX\0\0\0\x28WAVEfmt \0\0\0\x10\0\x01\0\x01\0\0\x1F\x40\0\0\x3E\x80\0\x02\0\x10data\0\0\0\x04\x12\x34\x56\x78";
    let mut reader = pipe(bytes, 64, &ReadHint::default()).unwrap();
    assert_eq!((reader.spec().endian, reader.spec().sample_rate), (Endian::Big, 8_000));
    let samples = [0x1234_i16, 0x5678].map(i16::to_ne_bytes).concat();
    assert_eq!(read_all(&mut reader, 9).unwrap(), samples);
}

#[test]
fn a_big_endian_wav_is_written() {
    let folder = Folder::new("rifx");
    let spec = Spec { endian: Endian::Big, sample_rate: 8_000, ..spec(Container::Wav, Encoding::Pcm24, 1) };
    let sample = if cfg!(target_endian = "big") { [0x12, 0x34, 0x56] } else { [0x56, 0x34, 0x12] };
    let data = [[0; 3], [0; 3], sample].concat();
    let expected = [
        &b"RIFX\0\0\0\x6AWAVEJUNK\0\0\0\x1C"[..],
        &[0; 28],
        b"fmt \0\0\0\x28\xFF\xFE\0\x01\0\0\x1F\x40\0\0\x5D\xC0\0\x03\0\x18\0\x16\0\x18\0\0\0\x04\0\x01",
        b"\0\0\0\0\x10\0\x80\0\0\xAA\0\x38\x9B\x71data\0\0\0\x09\0\0\0\0\0\0\x12\x34\x56\0",
    ];
    assert_eq!(written(&folder.join("take.wav"), &spec, &data), expected.concat());
}

#[test]
fn au_annotations_and_lengths() {
    let folder = Folder::new("au");
    let au = |start: u32, length: u32| {
        let words = [0x2E73_6E64, start, length, 2, 8_000, 1].map(u32::to_be_bytes).concat();
        [words, b"note".to_vec(), vec![1, 2, 3]].concat()
    };
    let all = vec![1, 2, 3];
    for unknown in [0, u32::MAX] {
        assert_eq!(both(&folder, &au(28, unknown)), [(Some(3), all.clone()), (None, all.clone())]);
    }
    assert_eq!(both(&folder, &au(28, 2)), [(Some(2), vec![1, 2]), (Some(2), vec![1, 2])]);
    assert_eq!(both(&folder, &au(28, 9))[0], (Some(3), all));
    for start in [0, 23, 32, u32::MAX] {
        let path = folder.join("take.au");
        fs::write(&path, au(start, 3)).unwrap();
        let error = FileReader::open(&path, &ReadHint::default()).err().unwrap();
        assert_eq!(error.kind(), pastream::ErrorKind::CorruptFile, "{start}");
        assert_eq!(pipe(&au(start, 3), 5, &ReadHint::default()).err().unwrap().kind(), error.kind());
    }
    for magic in [*b".sd\0", *b"\0ds."] {
        let mut dec = au(28, 3);
        if magic[0] == 0 {
            dec[4..24].as_chunks_mut::<4>().0.iter_mut().for_each(|word| word.reverse());
        }
        dec[..4].copy_from_slice(&magic);
        assert_eq!(both(&folder, &dec), [3; 2].map(|frames| (Some(frames), vec![1, 2, 3])));
    }
    for (code, encoding) in [(1, Encoding::Ulaw), (27, Encoding::Alaw)] {
        let mut law = au(28, 3);
        law[15] = code;
        assert_eq!(pipe(&law, 64, &ReadHint::default()).unwrap().spec().encoding, encoding);
    }
    let mut other = au(28, 3);
    other[15] = 8;
    assert!(pipe(&other, 64, &ReadHint::default()).err().unwrap().message().contains("number 8"));
}
