//! Reading so many frames into memory, and completing a file.

use std::{cell::Cell, fs, path::Path};

use pastream::{
    ErrorKind, SampleFormat,
    file::{Container, Encoding, FileReader, FileWriter, ReadHint},
};

use crate::support::{Folder, Kept, noise, pipe, read_all, spec, written};

const NEVER: &dyn Fn() -> bool = &|| false;

#[test]
fn frames_are_those_of_the_file_and_memory_is_no_more_than_they_take() {
    let folder = Folder::new("frames_file");
    let path = folder.join("take.wav");
    let frames = noise(4 * 100_003);
    written(&path, &spec(Container::Wav, Encoding::Pcm16, 2), &frames);
    for format in [SampleFormat::Int16, SampleFormat::Float32, SampleFormat::Uint8] {
        let open = || {
            let mut reader = FileReader::open(&path, &ReadHint::default()).unwrap();
            reader.set_format(format);
            reader
        };
        let (all, mut reader) = (read_all(&mut open(), 999).unwrap(), open());
        let size = 2 * format.size();
        for (from, asked, there) in
            [(0, 1, 1), (1, 70_000, 70_000), (70_001, u64::MAX, 30_002), (100_003, 1, 0)]
        {
            assert_eq!(reader.position(), from);
            let read = reader.read_frames(asked, NEVER).unwrap();
            assert!(read == all[from as usize * size..][..there * size], "{format} from {from}");
            assert_eq!(read.capacity(), read.len());
        }
        reader.seek(100_000).unwrap();
        assert!(reader.read_frames(9, NEVER).unwrap() == all[100_000 * size..]);
        reader.seek(u64::MAX).unwrap();
        assert_eq!(reader.position(), 100_003);
    }
}

#[test]
fn a_header_that_lies_costs_no_memory() {
    let folder = Folder::new("frames_lie");
    let path = folder.join("take.au");
    let mut bytes = written(&path, &spec(Container::Au, Encoding::PcmS8, 1), &noise(1000));
    let open = |path: &Path| FileReader::open(path, &ReadHint::default()).unwrap();
    let frames = {
        let mut reader = open(&path);
        reader.set_format(SampleFormat::Float32);
        read_all(&mut reader, 1000).unwrap()
    };
    // 16 GiB of floats.
    bytes[8..12].copy_from_slice(&0xFFFF_FFF0_u32.to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    for mut reader in [open(&path), pipe(&bytes, 7, &ReadHint::default()).unwrap()] {
        let promised = reader.spec().frames.map(|frames| frames + reader.missing());
        assert_eq!(promised, Some(0xFFFF_FFF0));
        reader.set_format(SampleFormat::Float32);
        assert!(reader.read_frames(u64::MAX, NEVER).unwrap() == frames);
    }
}

#[test]
fn a_pipe_gives_what_is_asked_for_however_it_comes() {
    let folder = Folder::new("frames_pipe");
    let frames = noise(3 * 60_000);
    let bytes = written(&folder.join("take.wav"), &spec(Container::Wav, Encoding::Pcm24, 1), &frames);
    for at_a_time in [1000, 4096, 100_000] {
        let mut reader = pipe(&bytes, at_a_time, &ReadHint::default()).unwrap();
        let mut all = reader.read_frames(1, NEVER).unwrap();
        for _ in 0..2 {
            all.extend(reader.read_frames(29_000, NEVER).unwrap());
        }
        assert_eq!((all.len(), reader.position()), (3 * 58_001, 58_001));
        all.extend(reader.read_frames(u64::MAX, NEVER).unwrap());
        assert!(all == frames);
        assert!(reader.read_frames(1, NEVER).unwrap().is_empty());
    }
}

#[test]
fn a_read_that_is_cancelled_leaves_a_file_where_it_stood() {
    let folder = Folder::new("frames_cancel");
    let path = folder.join("take.wav");
    let frames = noise(2 * 200_000);
    written(&path, &spec(Container::Wav, Encoding::Pcm16, 1), &frames);
    let mut reader = FileReader::open(&path, &ReadHint::default()).unwrap();
    reader.seek(5).unwrap();
    let asked = Cell::new(0);
    let cancelled = || asked.replace(asked.get() + 1) == 3;
    let error = reader.read_frames(u64::MAX, &cancelled).unwrap_err();
    assert_eq!((error.kind(), asked.get(), reader.position()), (ErrorKind::StreamState, 4, 5));
    assert!(reader.read_frames(u64::MAX, NEVER).unwrap() == frames[2 * 5..]);
}

#[test]
fn a_file_that_is_completed_is_there_though_nothing_was_written() {
    let folder = Folder::new("complete");
    let path = folder.join("take.wav");
    let mut writer = FileWriter::create(&path, spec(Container::Wav, Encoding::Pcm16, 2)).unwrap();
    assert!(!path.exists());
    writer.complete().unwrap();
    writer.complete().unwrap();
    assert_eq!(FileReader::open(&path, &ReadHint::default()).unwrap().spec().frames, Some(0));

    let mut writer = FileWriter::create(&path, spec(Container::Wav, Encoding::Pcm16, 2)).unwrap();
    writer.write(&[1; 12]).unwrap();
    writer.complete().unwrap();
    assert_eq!(writer.frames(), 3);

    // Who could not begin has told already.
    let broken = Box::new(Kept::new(3));
    let mut writer = FileWriter::to_pipe(broken, "pipe", spec(Container::Au, Encoding::Pcm16, 2)).unwrap();
    assert_eq!(writer.write(&[1; 12]).unwrap_err().kind(), ErrorKind::Io);
    writer.complete().unwrap();
    assert_eq!(writer.frames(), 0);
}
