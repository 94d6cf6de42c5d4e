//! FLAC that is written: read back by everyone, valid at every moment, and its comment.

use std::fs;

use pastream::{
    ErrorKind, SampleFormat,
    file::{Container, Encoding, Endian, FileReader, FileWriter, ReadHint, Spec},
};

use crate::{
    support::{Folder, Kept, pipe, read_all, samples, spec, written},
    tools::{NAMES, open, run},
};

/// Frames that are some blocks of 4096 and one that is shorter.
const FRAMES: usize = 3 * 4096 + 777;

#[test]
fn blocks_are_read_by_everyone() {
    let folder = Folder::new("flac_blocks");
    let path = folder.join("take.flac");
    for &encoding in Container::Flac.encodings() {
        for channels in [1, 2, 6, 8] {
            for sample_rate in [8_000, 44_100, 48_000, 96_000] {
                let spec = Spec { sample_rate, ..spec(Container::Flac, encoding, channels) };
                // Noise can't be predicted, and a ramp can.
                let mut frames = samples(encoding, FRAMES / 2 * channels);
                let ramp = (0..(FRAMES - FRAMES / 2) * channels)
                    .flat_map(|x| (x as i32 / 3).to_le_bytes().into_iter().take(encoding.size()));
                frames.extend(ramp);
                written(&path, &spec, &frames);
                let what = format!("{encoding} {channels} {sample_rate}");
                let mut reader = open(&path);
                assert_eq!(reader.spec().frames, Some(FRAMES as u64), "{what}");
                assert!(read_all(&mut reader, 1000).unwrap() == frames, "{what}");
                let (_, sox, ffmpeg) = NAMES.into_iter().find(|(known, ..)| *known == encoding).unwrap();
                let Some(read) = run(&format!("sox -D take.flac {sox} -L -t raw -"), &folder) else { return };
                assert!(read == frames, "sox {what}");
                let decode = format!("ffmpeg -v error -err_detect explode -i take.flac -c:a pcm_{ffmpeg}");
                let command = format!("{decode} -f {ffmpeg} -");
                assert!(run(&command, &folder).unwrap() == frames, "ffmpeg {what}");
                let digest = fs::read(&path).unwrap()[26..42]
                    .iter()
                    .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
                let told = run(&format!("{decode} -f md5 -"), &folder).unwrap();
                assert_eq!(String::from_utf8(told).unwrap().trim(), format!("MD5={digest}"), "{what}");
            }
        }
    }
}

/// Frames that STREAMINFO tells.
fn told(flac: &[u8]) -> u64 {
    let word: [u8; 8] = flac[18..26].try_into().unwrap();
    u64::from_be_bytes(word) & 0xF_FFFF_FFFF
}

#[test]
fn it_is_valid_up_to_a_block_whenever_its_header_was_updated() {
    let folder = Folder::new("flac_growing");
    let path = folder.join("take.flac");
    let spec = spec(Container::Flac, Encoding::Pcm16, 2);
    let frames = samples(Encoding::Pcm16, FRAMES * 2);
    let mut writer = FileWriter::create(&path, spec).unwrap();
    let mut done = 0;
    for part in frames.chunks(4 * 1500) {
        writer.write(part).unwrap();
        writer.update().unwrap();
        done += part.len() / 4;
        assert_eq!(writer.frames(), done as u64);
        let there = done / 4096 * 4096;
        assert_eq!(told(&fs::read(&path).unwrap()), there as u64);
        // As who was killed now leaves it.
        let mut reader = open(&path);
        assert_eq!(read_all(&mut reader, 1000).unwrap(), frames[..there * 4]);
        if there > 0 {
            let command = "ffmpeg -v warning -err_detect explode -i take.flac -f s16le -";
            let Some(read) = run(command, &folder) else { return };
            assert!(read == frames[..there * 4], "{done}");
        }
    }
    writer.finish().unwrap();
    assert_eq!(told(&fs::read(&path).unwrap()), FRAMES as u64);
    assert!(read_all(&mut open(&path), 1000).unwrap() == frames);
}

#[test]
fn a_block_is_at_most_a_quarter_of_a_second() {
    let folder = Folder::new("flac_slow");
    let path = folder.join("take.flac");
    let spec = Spec { sample_rate: 8_000, ..spec(Container::Flac, Encoding::PcmS8, 1) };
    let mut writer = FileWriter::create(&path, spec).unwrap();
    writer.write(&samples(Encoding::PcmS8, 7_999)).unwrap();
    writer.update().unwrap();
    assert_eq!(told(&fs::read(&path).unwrap()), 6_000);
}

#[test]
fn a_pipe_gets_a_length_that_nobody_knows() {
    let kept = Kept::new(1 << 20);
    let spec = spec(Container::Flac, Encoding::Pcm24, 2);
    let frames = samples(Encoding::Pcm24, 10_000);
    let mut writer = FileWriter::to_pipe(Box::new(kept.clone()), "pipe", spec).unwrap();
    writer.write(&frames).unwrap();
    writer.finish().unwrap();
    let bytes = kept.bytes();
    assert_eq!((told(&bytes), &bytes[26..42]), (0, &[0; 16][..]));
    let mut reader = pipe(&bytes, 100, &ReadHint::default()).unwrap();
    assert!(read_all(&mut reader, 100).unwrap() == frames);
}

#[test]
fn a_pipe_that_breaks_is_told() {
    let kept = Kept::new(10_000);
    let spec = spec(Container::Flac, Encoding::Pcm16, 1);
    let mut writer = FileWriter::to_pipe(Box::new(kept.clone()), "pipe", spec).unwrap();
    let frames = samples(Encoding::Pcm16, 10_000);
    assert_eq!(writer.write(&frames).unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(writer.write(&frames).unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(writer.frames(), 4096);
}

#[test]
fn what_it_cannot_hold_is_refused_before_anything_is_created() {
    let folder = Folder::new("flac_refused");
    let path = folder.join("take.flac");
    let good = spec(Container::Flac, Encoding::Pcm16, 2);
    for wrong in [
        Spec { encoding: Encoding::Float, ..good.clone() },
        Spec { encoding: Encoding::Pcm32, ..good.clone() },
        Spec { endian: Endian::Little, ..good.clone() },
        Spec { channels: 9, ..good.clone() },
        Spec { sample_rate: 70_001, ..good.clone() },
        Spec { sample_rate: 768_000, ..good.clone() },
    ] {
        let error = FileWriter::create(&path, wrong).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::UnsupportedFile);
        assert!(error.message().contains("flac can't hold"), "{error}");
    }
    assert!(!path.exists());
    for sample_rate in [1, 11_025, 65_534, 254_000, 384_000] {
        let spec = Spec { sample_rate, ..good.clone() };
        written(&path, &spec, &[1, 0, 2, 0]);
        assert_eq!(open(&path).spec().sample_rate, sample_rate);
    }
}

#[test]
fn floats_become_24_bits() {
    let spec =
        Spec::for_stream(Container::Flac, SampleFormat::Float32, 1, 48_000, None, Endian::File).unwrap();
    assert_eq!(spec.encoding, Encoding::Pcm24);
    let unsigned = Spec::for_stream(Container::Flac, SampleFormat::Uint8, 1, 48_000, None, Endian::File);
    assert_eq!(unsigned.unwrap().encoding, Encoding::PcmS8);
}

#[test]
fn an_empty_one_is_a_file() {
    let folder = Folder::new("flac_empty");
    let path = folder.join("take.flac");
    written(&path, &spec(Container::Flac, Encoding::Pcm16, 2), &[]);
    let mut reader = FileReader::open(&path, &ReadHint::default()).unwrap();
    assert_eq!((reader.spec().frames, reader.missing()), (Some(0), 0));
    assert!(read_all(&mut reader, 10).unwrap().is_empty());
}

#[test]
fn last_blocks_of_every_length_are_whole() {
    let folder = Folder::new("flac_short");
    let path = folder.join("take.flac");
    let spec = spec(Container::Flac, Encoding::Pcm16, 2);
    for frames in 1..=320_i32 {
        // Silence, and at its end what a predictor of the highest order misses by a lot.
        let samples = (1 - frames..=0).flat_map(|x| [4096 >> (-4 * x).min(15), x * x * x]);
        let sent: Vec<u8> = samples.flat_map(|x| (x as i16).to_ne_bytes()).collect();
        written(&path, &spec, &sent);
        assert!(read_all(&mut open(&path), 1000).unwrap() == sent, "{frames}");
        if frames % 8 == 0 {
            let decode = "ffmpeg -v error -err_detect explode -i take.flac -f s16le -";
            let Some(read) = run(decode, &folder) else { continue };
            assert!(read == sent, "ffmpeg {frames}");
        }
    }
}
