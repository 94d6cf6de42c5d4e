//! W64 headers made by hand.

use std::fs;

use pastream::{
    ErrorKind,
    file::{Container, Encoding, FileReader, FileWriter, ReadHint, Spec},
};

use crate::{
    headers::format,
    support::{Folder, Kept, audio_first, both, noise, pipe, spec, written},
};

const TAIL: &[u8] = b"\xF3\xAC\xD3\x11\x8C\xD1\0\xC0\x4F\x8E\xDB\x8A";

fn sized_chunk(id: &[u8], length: u64, content: &[u8]) -> Vec<u8> {
    let mut chunk = [id, TAIL, &length.to_le_bytes(), content].concat();
    chunk.resize(chunk.len().next_multiple_of(8), 0);
    chunk
}

fn chunk(id: &[u8], content: &[u8]) -> Vec<u8> {
    sized_chunk(id, 24 + content.len() as u64, content)
}

/// As [`chunk`], at the end: with nothing behind it.
fn last(content: &[u8]) -> Vec<u8> {
    let mut chunk = chunk(b"data", content);
    chunk.truncate(24 + content.len());
    chunk
}

fn riff(length: u64, chunks: &[Vec<u8>]) -> Vec<u8> {
    let id = b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\0\0";
    [id, &length.to_le_bytes()[..], b"wave", TAIL, &chunks.concat()].concat()
}

fn whole(chunks: &[Vec<u8>]) -> Vec<u8> {
    riff(40 + chunks.concat().len() as u64, chunks)
}

fn fmt(channels: u16, bits: u16) -> Vec<u8> {
    chunk(b"fmt ", &format(1, channels, 44_100, bits))
}

#[test]
fn our_headers_are_these() {
    let folder = Folder::new("our_w64");
    let path = folder.join("take");
    let data = noise(6);
    let w64 = spec(Container::W64, Encoding::Pcm16, 1);
    assert_eq!(written(&path, &w64, &data), whole(&[fmt(1, 16), last(&data)]));
    let plain = [format(3, 1, 44_100, 32), vec![0; 2]].concat();
    let chunks = [chunk(b"fmt ", &plain), chunk(b"fact", &2_u64.to_le_bytes()), chunk(b"data", &noise(8))];
    let float = Spec { encoding: Encoding::Float, ..w64.clone() };
    assert_eq!(written(&path, &float, &noise(8)), whole(&chunks));

    let kept = Kept::new(usize::MAX);
    let mut writer = FileWriter::to_pipe(Box::new(kept.clone()), "pipe", w64).unwrap();
    writer.write(&data).unwrap();
    writer.finish().unwrap();
    let mut expected = riff(1 << 40, &[fmt(1, 16), sized_chunk(b"data", 1 << 40, &data)]);
    expected.truncate(104 + 6);
    assert_eq!(kept.bytes(), expected);
}

#[test]
fn lengths_may_lie() {
    let folder = Folder::new("lying_w64");
    let data = noise(20);
    let head = |length: u64| {
        let mut bytes = riff(0, &[fmt(2, 16), sized_chunk(b"data", length, &data)]);
        bytes.truncate(104 + 20);
        bytes
    };
    for unknown in [0, 23, 24, 1 << 62, i64::MAX as u64, u64::MAX] {
        assert_eq!(both(&folder, &head(unknown)), [(Some(5), data.clone()), (None, data.clone())]);
    }
    assert_eq!(both(&folder, &head(4024)), [(Some(5), data.clone()), (Some(1000), data.clone())]);
    assert_eq!(both(&folder, &head(32))[0], (Some(2), data[..8].to_vec()));
    assert_eq!(both(&folder, &head(27)), [(Some(0), vec![]), (Some(0), vec![])]);
    let path = folder.join("take");
    fs::write(&path, head(4024)).unwrap();
    assert_eq!(FileReader::open(&path, &ReadHint::default()).unwrap().missing(), 995);
    // Truly empty, with something behind it.
    let empty = whole(&[fmt(2, 16), chunk(b"data", &[]), chunk(b"list", &data)]);
    assert_eq!(both(&folder, &empty)[0], (Some(0), vec![]));
}

#[test]
fn chunks_come_in_any_order() {
    let folder = Folder::new("order_w64");
    let data = noise(7);
    let odd = || chunk(b"junk", &noise(5));
    // Another GUID that begins as that of the data does.
    let mut other = chunk(b"data", &noise(9));
    other[15] = 0;
    let usual = whole(&[odd(), fmt(1, 8), other, chunk(b"data", &data), odd()]);
    assert_eq!(both(&folder, &usual), [7; 2].map(|frames| (Some(frames), data.clone())));
    let reversed = whole(&[chunk(b"data", &data), odd(), fmt(1, 8)]);
    audio_first(&folder, &reversed, &data);
}

#[test]
fn bad_headers_say_so() {
    let folder = Folder::new("bad_w64");
    let path = folder.join("take");
    let error = |bytes: Vec<u8>| pipe(&bytes, 64, &ReadHint::default()).err().unwrap();
    let mut other = whole(&[fmt(1, 8)]);
    other[39] = 0;
    assert_eq!(error(other).kind(), ErrorKind::CorruptFile);
    // Lengths that lead nowhere, or back.
    for length in [0, 24, 39, u64::MAX, u64::MAX - 6] {
        let bytes = whole(&[sized_chunk(b"junk", length, &[]), fmt(1, 8)]);
        fs::write(&path, &bytes).unwrap();
        let file = FileReader::open(&path, &ReadHint::default()).err().unwrap();
        for wrong in [error(bytes), file] {
            assert!(wrong.kind() == ErrorKind::CorruptFile, "{wrong}");
        }
    }
    let short = error(whole(&[sized_chunk(b"fmt ", 39, &[0; 16])]));
    assert!(short.message().contains("15 bytes"), "{short}");
}
