//! Files past 4 GiB, and headers of RF64 and BW64 made by hand.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    process::Command,
};

use pastream::file::{Container, Encoding, FileReader, ReadHint};

use crate::{
    headers::{chunk, fmt, sized_chunk},
    support::{Folder, Kept, both, noise, pipe, read_all, spec, written},
    tools::open,
};

fn ds64(riff: u64, data: u64, frames: u64, table: &[(&[u8; 4], u64)]) -> Vec<u8> {
    let mut content: Vec<u8> = [riff, data, frames].into_iter().flat_map(u64::to_le_bytes).collect();
    content.extend((table.len() as u32).to_le_bytes());
    content.extend(table.iter().flat_map(|(id, size)| [&id[..], &size.to_le_bytes()].concat()));
    chunk(b"ds64", &content)
}

fn long(id: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    [id, &b"\xFF\xFF\xFF\xFFWAVE"[..], &chunks.concat()].concat()
}

#[test]
fn our_headers_are_these() {
    let folder = Folder::new("our_rf64");
    let data = noise(6);
    let expected =
        long(b"RF64", &[ds64(78, 6, 3, &[]), fmt(1, 1, 44_100, 16), sized_chunk(b"data", u32::MAX, &data)]);
    let rf64 = spec(Container::Rf64, Encoding::Pcm16, 1);
    assert_eq!(written(&folder.join("take"), &rf64, &data), expected);
    // Padded, which the lengths tell.
    let odd = spec(Container::Rf64, Encoding::PcmU8, 1);
    let expected = long(
        b"RF64",
        &[ds64(78, 5, 5, &[]), fmt(1, 1, 44_100, 8), sized_chunk(b"data", u32::MAX, &data[..5])],
    );
    assert_eq!(written(&folder.join("take"), &odd, &data[..5]), expected);

    let kept = Kept::new(usize::MAX);
    let mut writer = pastream::file::FileWriter::to_pipe(Box::new(kept.clone()), "pipe", rf64).unwrap();
    writer.write(&data).unwrap();
    writer.finish().unwrap();
    let unknown = ds64(1 << 62, 1 << 62, 0, &[]);
    let expected = long(b"RF64", &[unknown, fmt(1, 1, 44_100, 16), sized_chunk(b"data", u32::MAX, &data)]);
    assert_eq!(kept.bytes(), expected);
}

#[test]
fn lengths_may_lie() {
    let folder = Folder::new("lying_rf64");
    let data = noise(20);
    let head = |riff: u64, length: u64| {
        let data = sized_chunk(b"data", u32::MAX, &data);
        long(b"BW64", &[ds64(riff, length, 0, &[]), fmt(1, 2, 8_000, 16), data])
    };
    // Unknown: to the end.
    for unknown in [0, 1 << 62, i64::MAX as u64, u64::MAX] {
        assert_eq!(both(&folder, &head(0, unknown)), [(Some(5), data.clone()), (None, data.clone())]);
    }
    // Larger than the file, smaller, and no whole frame.
    let told = Some((1 << 62) / 4 - 1);
    assert_eq!(both(&folder, &head(0, (1 << 62) - 1)), [(Some(5), data.clone()), (told, data.clone())]);
    assert_eq!(both(&folder, &head(0, 0x7FFF_F000))[1].0, Some(0x7FFF_F000 / 4));
    assert_eq!(both(&folder, &head(0, 8))[0], (Some(2), data[..8].to_vec()));
    assert_eq!(both(&folder, &head(0, 3))[1], (Some(0), vec![]));
    let path = folder.join("take");
    fs::write(&path, head(0, 4000)).unwrap();
    assert_eq!(FileReader::open(&path, &ReadHint::default()).unwrap().missing(), 995);
    // As ffmpeg has it: the padding is counted.
    let padded = [ds64(0, 6, 5, &[]), fmt(1, 1, 8_000, 8), sized_chunk(b"data", u32::MAX, &noise(5))];
    assert_eq!(both(&folder, &long(b"RF64", &padded)), [5; 2].map(|frames| (Some(frames), noise(5))));
    // A length in its own field counts; and nothing is complete whose length isn't that of the file.
    let short = [ds64(0, 4000, 0, &[]), fmt(1, 2, 8_000, 16), sized_chunk(b"data", 8, &data)];
    assert_eq!(both(&folder, &long(b"RF64", &short))[0], (Some(2), data[..8].to_vec()));
    let without = [fmt(1, 2, 8_000, 16), sized_chunk(b"data", u32::MAX, &data)];
    assert_eq!(both(&folder, &long(b"RF64", &without)), [(Some(5), data.clone()), (None, data.clone())]);
    // Truly empty, with something behind it.
    let chunks =
        |riff| [ds64(riff, 0, 0, &[]), fmt(1, 2, 8_000, 16), chunk(b"data", &[]), chunk(b"LIST", &data)];
    let riff = long(b"RF64", &chunks(0)).len() as u64 - 8;
    assert_eq!(both(&folder, &long(b"RF64", &chunks(riff)))[0], (Some(0), vec![]));
}

#[test]
fn the_table_tells_lengths_of_other_chunks() {
    let folder = Folder::new("table_rf64");
    let data = noise(8);
    let head = |table: &[(&[u8; 4], u64)]| {
        long(
            b"RF64",
            &[
                ds64(0, 8, 2, table),
                fmt(1, 2, 8_000, 16),
                sized_chunk(b"axml", u32::MAX, &noise(301)),
                sized_chunk(b"data", u32::MAX, &data),
                chunk(b"LIST", &noise(9)),
            ],
        )
    };
    let table: [(&[u8; 4], u64); 2] = [(b"levl", 7), (b"axml", 301)];
    assert_eq!(both(&folder, &head(&table)), [(Some(2), data.clone()), (Some(2), data.clone())]);
    // An entry behind the end of the table is none.
    let mut short = head(&table);
    short[44] = 1;
    let error = pipe(&short, 64, &ReadHint::default()).err().unwrap();
    assert!(error.message().contains("has no data chunk"), "{error}");
    let many: Vec<_> = (0..1000).map(|x| (b"levl", x)).chain(table).collect();
    for lie in [&[(b"axml", u64::MAX)][..], &[], &many] {
        let error = pipe(&head(lie), 64, &ReadHint::default()).err().unwrap();
        assert!(error.message().contains("has no data chunk"), "{error}");
    }
}

#[test]
fn bad_headers_say_so() {
    let error = |bytes: Vec<u8>| pipe(&bytes, 64, &ReadHint::default()).err().unwrap().to_string();
    let short = error(long(b"RF64", &[chunk(b"ds64", &[0; 23])]));
    assert!(short.contains("23 bytes"), "{short}");
    let cut = error(long(b"BW64", &[sized_chunk(b"ds64", 28, &[0; 23])]));
    assert!(cut.contains("cut off"), "{cut}");
    let reversed = error(long(b"RF64", &[ds64(0, 4, 1, &[]), sized_chunk(b"data", u32::MAX, &[0; 4])]));
    assert!(reversed.contains("before its format"), "{reversed}");
}

#[test]
fn what_was_begun_as_wav_may_be_rf64() {
    let folder = Folder::new("asked_rf64");
    for (written_as, asked) in [(Container::Wav, Container::Rf64), (Container::Rf64, Container::Wav)] {
        let bytes = written(&folder.join("take"), &spec(written_as, Encoding::Pcm16, 1), &noise(6));
        let hint = ReadHint { container: Some(asked), ..ReadHint::default() };
        let mut reader = pipe(&bytes, 64, &hint).unwrap();
        assert_eq!(reader.spec().container, written_as);
        assert_eq!(read_all(&mut reader, 9).unwrap(), noise(6));
    }
}

/// Five GiB of which next to nothing takes up room on the disk.
#[test]
fn a_file_of_5_gib_is_read_to_its_end() {
    const FRAMES: u64 = (5 << 30) / 4 + 1;
    let folder = Folder::new("sparse");
    let path = folder.join("long.wav");
    let header = long(
        b"RF64",
        &[
            ds64(72 + FRAMES * 4, FRAMES * 4, FRAMES, &[]),
            fmt(1, 2, 48_000, 16),
            sized_chunk(b"data", u32::MAX, &[]),
        ],
    );
    let mut file = File::create(&path).unwrap();
    file.write_all(&header).unwrap();
    file.set_len(header.len() as u64 + FRAMES * 4).unwrap();
    // On both sides of 2 and 4 GiB, and at both ends.
    let places = [0, 1, (1 << 29) - 1, 1 << 29, (1 << 30) - 21, (1 << 30) - 20, 1 << 30, FRAMES - 1];
    for place in places {
        file.seek(SeekFrom::Start(header.len() as u64 + place * 4)).unwrap();
        file.write_all(&(place as u32 | 0x0101_0101).to_le_bytes()).unwrap();
    }
    drop(file);
    let mut reader = FileReader::open(&path, &ReadHint::default()).unwrap();
    assert_eq!((reader.spec().frames, reader.missing()), (Some(FRAMES), 0));
    let mut frame = [0; 4];
    for place in places {
        reader.seek(place).unwrap();
        assert_eq!(reader.read(&mut frame).unwrap(), 1);
        assert_eq!(frame, (place as u32 | 0x0101_0101).to_le_bytes(), "{place}");
    }
    assert_eq!(reader.read(&mut frame).unwrap(), 0);
    // Others that are told the same file find the same length.
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).arg(&path).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let shown = ["-v", "error", "-show_entries", "stream=duration_ts", "-of", "csv=p=0"];
    // sox finds it, too, but reads the whole file for it.
    if let Some(found) = run("ffprobe", &shown) {
        assert_eq!(found, FRAMES.to_string());
    }
}

#[test]
fn the_shortest_recordings_come_back() {
    let folder = Folder::new("rf64_short");
    let path = folder.join("take.wav");
    for encoding in [Encoding::PcmU8, Encoding::Pcm16, Encoding::Pcm24] {
        for channels in 1..=3 {
            for frames in 0..=5 {
                let spec = spec(Container::Rf64, encoding, channels);
                let sent = noise(frames * spec.frame_size());
                written(&path, &spec, &sent);
                let read = read_all(&mut open(&path), 100).unwrap();
                assert_eq!(read, sent, "{encoding} {channels} {frames}");
            }
        }
    }
}
