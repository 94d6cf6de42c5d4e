use std::{fs, path::Path};

use pastream::{
    ErrorKind,
    file::{Container, Encoding, FileReader, ReadHint, Spec},
};
use proptest::prelude::*;

use crate::{
    headers::{chunk, format, riff},
    support::{Folder, hint, noise, pipe, read_all, spec, written},
};

#[test]
fn what_is_no_audio_says_so() {
    let folder = Folder::new("no_audio");
    let open = |name: &str, content: Option<&[u8]>| {
        let path = folder.join(name);
        if let Some(content) = content {
            fs::write(&path, content).unwrap();
        }
        let error = FileReader::open(&path, &ReadHint::default()).err().unwrap();
        assert!(error.message().contains(name), "{error}");
        (error.kind(), error.message().to_owned())
    };
    let (kind, message) = open("text.wav", Some(b"hello world"));
    assert_eq!(kind, ErrorKind::UnsupportedFile);
    assert!(
        message.ends_with(
            "text.wav: not an audio file that pastream-rs reads (it begins with `hello wo`): WAV, RF64, W64, AIFF, AU, CAF, FLAC, MP3, Ogg, M4A, Matroska, AAC, or RAW with -t raw -c -r -e"
        ),
        "{message}"
    );
    assert_eq!(open("empty.wav", Some(b"")).0, ErrorKind::UnsupportedFile);
    assert!(open("empty.wav", None).1.ends_with("it is empty: give a file that holds audio"));
    assert_eq!(open("missing.wav", None).0, ErrorKind::Io);
    assert_eq!(open("take.raw", Some(&[0; 100])).0, ErrorKind::InvalidArgument);
    fs::create_dir(folder.join("folder.wav")).unwrap();
    let (kind, message) = open("folder.wav", None);
    assert!(kind == ErrorKind::Io && message.contains("directory"), "{message}");
}

#[test]
fn hints_are_checked() {
    let raw = ReadHint { container: Some(Container::Raw), channels: Some(2), ..ReadHint::default() };
    let error = pipe(&[0; 9], 9, &raw).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.message().ends_with("give its sample rate (-r), encoding (-e)"), "{error}");
    for (channels, rate) in [(0, 1), (257, 1), (1, 0), (1, 768_001)] {
        let raw = Spec { sample_rate: rate, ..spec(Container::Raw, Encoding::Pcm16, channels) };
        assert_eq!(pipe(&[0; 9], 9, &hint(&raw)).err().unwrap().kind(), ErrorKind::InvalidArgument);
    }
    let au = ReadHint { container: Some(Container::Au), ..ReadHint::default() };
    let error = pipe(b"RIFF\0\0\0\0WAVE", 12, &au).err().unwrap();
    assert!(
        error.kind() == ErrorKind::UnsupportedFile && error.message().contains("it is wav, not au"),
        "{error}"
    );
}

/// Reads as a file and as a pipe; whatever comes out is a prefix of `frames`.
fn reads_a_prefix(folder: &Folder, bytes: &[u8], frames: &[u8]) -> Option<usize> {
    let path = folder.join("cut");
    fs::write(&path, bytes).unwrap();
    let file = FileReader::open(&path, &ReadHint::default());
    let piped = pipe(bytes, 5, &ReadHint::default());
    let mut lengths = [file, piped].map(|reader| match reader {
        Ok(mut reader) => {
            let read = read_all(&mut reader, 4).unwrap();
            assert!(frames.starts_with(&read));
            Some(read.len())
        }
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::CorruptFile | ErrorKind::UnsupportedFile), "{error}");
            None
        }
    });
    assert_eq!(lengths[0], lengths[1]);
    lengths[0].take()
}

#[test]
fn a_file_may_be_cut_anywhere() {
    let folder = Folder::new("cut");
    let path = folder.join("take");
    let frames = noise(60);
    for (container, header) in [
        (Container::Wav, 104),
        (Container::Rf64, 104),
        (Container::W64, 128),
        (Container::Aiff, 54),
        (Container::Au, 24),
        (Container::Caf, 68),
    ] {
        let whole = written(&path, &spec(container, Encoding::Pcm24, 2), &frames);
        assert_eq!(whole.len(), header + 60);
        for length in 0..=whole.len() {
            let expected = length.checked_sub(header).map(|data| data / 6 * 6);
            assert_eq!(reads_a_prefix(&folder, &whole[..length], &frames), expected, "{container} {length}");
        }
    }
}

const FMT: &[u8] =
    b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1F\0\0\x40\x1F\0\0\x01\0\x08\0data\x14\0\0\0noise";
const RF64: &[u8] =
    b"RF64\xFF\xFF\xFF\xFFWAVEds64\x28\0\0\0\x50\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x01\0\0\0\
JUNK\x02\0\0\0\0\0\0\0JUNK\xFF\xFF\xFF\xFF\0\0\
fmt \x10\0\0\0\x01\0\x01\0\x40\x1F\0\0\x40\x1F\0\0\x01\0\x08\0data\xFF\xFF\xFF\xFFnoise";
const AIFC: &[u8] = b"FORM\0\0\0\0AIFCFVER\0\0\0\x04\xA2\x80\x51\x40COMM\0\0\0\x18\0\x01\0\0\0\x05\0\x08\x40\x0B\xFA\0\0\0\0\0\0\0NONE\0\0\
SSND\0\0\0\x0D\0\0\0\0\0\0\0\0noise";
const CAF: &[u8] = b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20\x40\xBF\x40\0\0\0\0\0lpcm\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x08\
free\0\0\0\0\0\0\0\x01 data\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0noise";
const W64_RIFF: &[u8] =
    b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\0\0\0\0\0\0\0\0\0\0wave\xF3\xAC\xD3\x11\x8C\xD1\0\xC0\x4F\x8E\xDB\x8A";
const W64: &[u8] = b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\0\0\0\0\0\0\0\0\0\0wave\xF3\xAC\xD3\x11\x8C\xD1\0\xC0\x4F\x8E\xDB\x8A\
fmt \xF3\xAC\xD3\x11\x8C\xD1\0\xC0\x4F\x8E\xDB\x8A\x28\0\0\0\0\0\0\0\x01\0\x01\0\x40\x1F\0\0\x40\x1F\0\0\x01\0\x08\0\
data\xF3\xAC\xD3\x11\x8C\xD1\0\xC0\x4F\x8E\xDB\x8A\x1D\0\0\0\0\0\0\0noise";
const AU: &[u8] = b".snd\0\0\0\x18\xFF\xFF\xFF\xFF\0\0\0\x03\0\0\x1F\x40\0\0\0\x02noise";

/// What opens a reader, and whether it is a whole file.
const HEADS: &[(&[u8], bool)] = &[
    (b"", false),
    (b"RIFF\0\0\0\0WAVE", false),
    (b"RF64\xFF\xFF\xFF\xFFWAVE", false),
    (b"FORM\0\0\0\0AIFC", false),
    (b"caff\0\x01\0\0", false),
    (W64_RIFF, false),
    (b".snd", false),
    (FMT, true),
    (RF64, true),
    (AIFC, true),
    (AU, true),
    (CAF, true),
    (W64, true),
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    /// Bytes behind each beginning that opens a reader, and bytes changed in a good file: an error or frames, never a panic.
    #[test]
    fn no_bytes_do_harm(
        start in 0_usize..HEADS.len(),
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        changes in prop::collection::vec((0_usize..200, any::<u8>()), 1..6),
    ) {
        let (head, good) = HEADS[start];
        bytes.splice(0..0, head.iter().copied());
        if good {
            for (place, value) in changes {
                let place = place % bytes.len();
                bytes[place] = value;
            }
        }
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("harm-{}", std::process::id()));
        fs::write(&path, &bytes).unwrap();
        let file = FileReader::open(&path, &ReadHint::default());
        fs::remove_file(&path).unwrap();
        for reader in [file, pipe(&bytes, 7, &ReadHint::default())] {
            let Ok(mut reader) = reader else { continue };
            let read = read_all(&mut reader, 16).unwrap();
            // As many samples as there are bytes for, in the file's own encoding.
            let samples = read.len() / reader.format().size();
            if reader.codec().is_none() {
                prop_assert!(bytes.len() >= samples * reader.spec().encoding.size());
            }
            let told = reader.spec().frames;
            if reader.seekable() {
                prop_assert_eq!(told, Some((read.len() / reader.format().size() / reader.spec().channels) as u64));
            }
        }
    }
}

#[test]
fn a_frame_that_is_cut_is_left_out_and_told() {
    let folder = Folder::new("cut-frame");
    let hint = ReadHint {
        container: Some(Container::Raw),
        encoding: Some(Encoding::Pcm16),
        channels: Some(2),
        sample_rate: Some(8_000),
        ..ReadHint::default()
    };
    for (bytes, frames, missing) in [(8, 2, 0), (9, 2, 1), (11, 2, 1), (3, 0, 1)] {
        let path = folder.join("take.raw");
        fs::write(&path, vec![1; bytes]).unwrap();
        let mut reader = FileReader::open(&path, &hint).unwrap();
        assert_eq!((reader.spec().frames, reader.missing()), (Some(frames), missing), "{bytes}");
        assert_eq!(read_all(&mut reader, 64).unwrap().len() as u64, 4 * frames);
    }
}

#[test]
fn a_block_of_adpcm_that_is_cut_in_its_header_is_the_end() {
    let folder = Folder::new("cut-block");
    let path = folder.join("take.wav");
    for tag in [2, 0x11] {
        let mut format = format(tag, 1, 8_000, 4);
        format[12..14].copy_from_slice(&1024_u16.to_le_bytes());
        format.extend([2, 0, 0, 4]);
        for rest in [1, 3, 6] {
            let blocks = vec![0; 1024 + rest];
            for data in [&blocks[..rest], &blocks] {
                fs::write(&path, riff(&[chunk(b"fmt ", &format), chunk(b"data", data)])).unwrap();
                let mut reader = FileReader::open(&path, &ReadHint::default()).unwrap();
                let frames = reader.spec().frames.unwrap();
                assert_eq!(read_all(&mut reader, 999).unwrap().len() as u64, 2 * frames);
                assert_eq!(frames > 100, data.len() > 1000, "{tag} {rest}");
                reader.seek(frames).unwrap();
                assert!(read_all(&mut reader, 999).unwrap().is_empty());
            }
        }
    }
}
