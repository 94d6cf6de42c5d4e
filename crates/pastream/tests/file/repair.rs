//! Headers that are mended: those that other programs left when they were killed, and those made by hand.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind as IoErrorKind, Read},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use pastream::{
    ErrorKind,
    file::{Container, Encoding, Endian, FileWriter, Repair, Spec, repair},
};

use crate::{
    headers::{chunk, fmt, riff, sized_chunk},
    support::{Folder, noise, read_all, spec, written},
    tools::{open, run},
};

const MENDED: [Container; 6] =
    [Container::Wav, Container::Rf64, Container::W64, Container::Aiff, Container::Au, Container::Caf];

/// Mends the file, and fails unless a second time finds it good and all but the first bytes are as they were.
fn mend(path: &Path, header: usize) -> Repair {
    let before = fs::read(path).unwrap();
    let done = repair(path).unwrap();
    let after = fs::read(path).unwrap();
    assert!(done.changed || after == before);
    assert!(after.len() - before.len() <= 1, "{done:?}");
    assert!(after[header..before.len()] == before[header..], "{done:?}");
    assert_eq!(repair(path).unwrap(), Repair { changed: false, ..done.clone() });
    assert!(fs::read(path).unwrap() == after);
    done
}

/// Runs what writes `name` until it has written some, and kills it. Whether the program is there.
fn killed(folder: &Folder, command: &str, name: &str) -> bool {
    let path = folder.join(name);
    let mut words = command.split(' ').map(|word| if word == "TO" { name } else { word });
    let program = words.next().unwrap();
    let started = Command::new(program)
        .args(words)
        .current_dir(folder.join(""))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = match started {
        Err(error) if error.kind() == IoErrorKind::NotFound => {
            assert!(std::env::var_os("CI").is_none(), "{program} must be installed in CI");
            println!("skipped: {program} is not installed");
            return false;
        }
        started => started.unwrap(),
    };
    while fs::metadata(&path).map_or(0, |metadata| metadata.len()) < 100_000 {
        assert!(child.try_wait().unwrap().is_none(), "{command}: it ended by itself");
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

#[test]
fn what_sox_ffmpeg_and_arecord_left_when_they_were_killed() {
    let folder = Folder::new("repair_killed");
    let sox = "sox -n -r 48000 -c 2 -b 16 TO synth 36000 noise";
    let ffmpeg = "ffmpeg -v quiet -f lavfi -i anoisesrc=r=48000 -ac 2 -flush_packets 1";
    for (command, name) in [
        (sox, "a.wav"),
        (sox, "a.aiff"),
        (sox, "a.au"),
        // By way of libsndfile.
        (sox, "a.caf"),
        (sox, "a.w64"),
        (&format!("{ffmpeg} TO"), "b.wav"),
        (&format!("{ffmpeg} -rf64 always TO"), "c.wav"),
        (&format!("{ffmpeg} -rf64 auto TO"), "d.wav"),
        (&format!("{ffmpeg} TO"), "b.aiff"),
        (&format!("{ffmpeg} TO"), "b.au"),
        (&format!("{ffmpeg} TO"), "b.caf"),
        (&format!("{ffmpeg} TO"), "b.w64"),
        ("arecord -q -D null -f S16_LE -r 48000 -c 2 TO", "e.wav"),
    ] {
        if !killed(&folder, command, name) {
            continue;
        }
        let path = folder.join(name);
        let (size, length) = (4, fs::metadata(&path).unwrap().len());
        assert_eq!(open(&path).spec().frame_size(), size as usize);
        let done = mend(&path, 4096);
        assert!(done.changed, "{command}: {done:?}");
        // All but a header and less than a frame.
        assert!(
            done.frames * size + 4200 > length && done.leftover < size,
            "{command}: {done:?}, {length} bytes"
        );
        let reader = open(&path);
        assert_eq!((reader.spec().frames, reader.missing()), (Some(done.frames), 0), "{command}");
        drop(reader);
        let entries = "-v error -show_entries stream=duration_ts -of csv=p=0";
        if let Some(told) = run(&format!("ffprobe {entries} {name}"), &folder) {
            let told = String::from_utf8(told).unwrap();
            assert_eq!(told.trim().trim_end_matches(','), done.frames.to_string(), "{command}");
        }
        if let Some(told) = run(&format!("sox --info -s {name}"), &folder) {
            assert_eq!(String::from_utf8(told).unwrap().trim(), done.frames.to_string(), "{command}");
        }
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn what_hound_left() {
    let folder = Folder::new("repair_hound");
    let path = folder.join("take.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    (0..100_000).for_each(|sample| writer.write_sample(sample as i16).unwrap());
    // As though it were killed: neither its header nor what it holds back is written.
    std::mem::forget(writer);
    let done = mend(&path, 44);
    assert!(done.changed && done.frames > 90_000, "{done:?}");
    let read: Vec<_> = hound::WavReader::open(&path).unwrap().samples::<i16>().map(Result::unwrap).collect();
    assert_eq!(read.len() as u64, done.frames);
    assert!(read.iter().enumerate().all(|(index, &sample)| sample == index as i16));
}

#[test]
fn a_good_file_is_left_alone() {
    let folder = Folder::new("repair_good");
    for container in MENDED {
        for encoding in [Encoding::Pcm16, Encoding::Pcm24, Encoding::Ulaw, Encoding::Float] {
            for (channels, frames) in [(1, 0), (1, 5), (3, 7)] {
                let spec = spec(container, encoding, channels);
                let path = folder.join(&format!("take.{container}"));
                let size = channels * encoding.stream_format().size();
                let bytes = written(&path, &spec, &vec![0; size * frames]);
                let done = repair(&path).unwrap();
                let good =
                    Repair { container, changed: false, frames: frames as u64, leftover: done.leftover };
                assert_eq!(done, good, "{container} {encoding}");
                assert!(fs::read(&path).unwrap() == bytes);
                assert!(done.leftover <= 1);
                if frames == 0 {
                    continue;
                }
                // What another program put behind it is not ours to read as audio.
                fs::write(&path, [&bytes[..], b"TAGsomething"].concat()).unwrap();
                assert!(container == Container::W64 || !repair(&path).unwrap().changed, "{container}");
            }
        }
    }
}

#[test]
fn what_pastream_left() {
    let folder = Folder::new("repair_ours");
    for container in MENDED {
        for encoding in [Encoding::Pcm16, Encoding::Alaw, Encoding::Float] {
            let spec = spec(container, encoding, 1);
            let path = folder.join("take");
            let format = encoding.stream_format();
            let mut writer = FileWriter::create(&path, spec.clone()).unwrap();
            let zeros = vec![0; 101 * format.size()];
            writer.write(&zeros).unwrap();
            writer.update().unwrap();
            writer.write(&zeros).unwrap();
            // Killed in the middle of a frame, after its last header.
            let mut killed = fs::read(&path).unwrap();
            drop(writer);
            let header = killed.len() - 202 * spec.frame_size();
            killed.truncate(killed.len() - 1);
            let killed_path = folder.join("killed");
            fs::write(&killed_path, &killed).unwrap();
            let done = mend(&killed_path, header);
            let size = spec.frame_size() as u64;
            assert_eq!((done.frames, done.changed), (201, true), "{container} {encoding}");
            assert!(done.leftover < size, "{container} {encoding} {done:?}");
            let mut reader = open(&killed_path);
            assert_eq!((reader.spec().frames, reader.missing()), (Some(201), 0));
            assert_eq!(read_all(&mut reader, 50).unwrap().len(), 201 * format.size());
        }
    }
}

#[test]
fn lengths_that_lie_are_mended() {
    let folder = Folder::new("repair_lengths");
    let path = folder.join("take.wav");
    let data = noise(20);
    for (said, content, frames) in [
        (0, 20, 5),
        (u32::MAX, 20, 5),
        (0x7FFF_F000, 20, 5),
        (4000, 20, 5),
        (u32::MAX, 18, 4),
        (u32::MAX, 0, 0),
    ] {
        let mut bytes = riff(&[fmt(1, 2, 8_000, 16), sized_chunk(b"data", said, &data[..content])]);
        bytes[4..8].copy_from_slice(&0_u32.to_le_bytes());
        fs::write(&path, &bytes).unwrap();
        let done = mend(&path, 44);
        assert_eq!((done.frames, done.leftover), (frames, content as u64 - frames * 4), "{said:#x}");
        let whole = riff(&[fmt(1, 2, 8_000, 16), chunk(b"data", &data[..frames as usize * 4])]);
        assert_eq!(fs::read(&path).unwrap()[..whole.len()], whole);
    }
    // An odd number of bytes gets its byte of padding.
    let mut bytes = riff(&[fmt(1, 1, 8_000, 8), sized_chunk(b"data", 0, &data[..5])]);
    bytes.truncate(49);
    bytes[4..8].copy_from_slice(&0_u32.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    assert_eq!(mend(&path, 44).frames, 5);
    assert_eq!(fs::read(&path).unwrap(), riff(&[fmt(1, 1, 8_000, 8), chunk(b"data", &data[..5])]));
    // The length of the audio is true, that of the file alone is not.
    let whole = riff(&[fmt(1, 1, 8_000, 16), chunk(b"data", &data), chunk(b"LIST", &data)]);
    let audio_last = riff(&[fmt(1, 1, 8_000, 16), chunk(b"LIST", &data), chunk(b"data", &data)]);
    for (whole, changed) in [(whole, false), (audio_last, true)] {
        let mut bytes = whole.clone();
        bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        fs::write(&path, &bytes).unwrap();
        assert_eq!((repair(&path).unwrap().frames, repair(&path).unwrap().changed), (10, false));
        assert_eq!(fs::read(&path).unwrap() == whole, changed);
    }
}

#[test]
fn what_ends_before_its_audio_begins_is_left_alone() {
    let folder = Folder::new("repair_no_audio");
    let whole = written(&folder.join("take.aiff"), &spec(Container::Aiff, Encoding::Pcm16, 1), &noise(20));
    let path = folder.join("cut.aiff");
    for offset in [30_u32, u32::MAX] {
        let mut bytes = whole.clone();
        let audio = bytes.windows(4).position(|id| id == b"SSND").unwrap() + 8;
        bytes[audio - 4..audio].fill(0xFF);
        bytes[audio..audio + 4].copy_from_slice(&offset.to_be_bytes());
        fs::write(&path, &bytes).unwrap();
        assert_eq!((repair(&path).unwrap().changed, repair(&path).unwrap().frames), (false, 0));
        assert!(fs::read(&path).unwrap() == bytes);
    }
}

#[test]
fn past_4_gib_a_wav_becomes_rf64_where_it_has_room() {
    let folder = Folder::new("repair_long");
    let path = folder.join("take.wav");
    let length = 5 << 30;
    let long = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
    };
    let header = |first: Vec<u8>| riff(&[first, fmt(1, 1, 8_000, 16), sized_chunk(b"data", u32::MAX, &[])]);
    let with_room = header(chunk(b"JUNK", &[7; 28]));
    long(&with_room);
    let frames = (length - with_room.len() as u64) / 2;
    let done = repair(&path).unwrap();
    assert_eq!(done, Repair { container: Container::Rf64, changed: true, frames, leftover: 0 });
    let mut reader = open(&path);
    assert_eq!((reader.spec().container, reader.spec().frames), (Container::Rf64, Some(frames)));
    reader.seek(frames - 1).unwrap();
    assert_eq!(read_all(&mut reader, 4).unwrap(), [0, 0]);
    drop(reader);
    let without = header(chunk(b"LIST", &[7; 28]));
    long(&without);
    let error = repair(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedFile);
    assert!(error.message().contains("4 GiB") && error.message().contains("take.wav"), "{error}");
    let mut start = vec![0; without.len()];
    fs::File::open(&path).unwrap().read_exact(&mut start).unwrap();
    assert!(start == without);
}

#[test]
fn what_can_not_be_mended_is_left_alone() {
    let folder = Folder::new("repair_refused");
    let check = |path: &Path, kind: ErrorKind, why: &str| {
        let before = fs::read(path).ok();
        let error = repair(path).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(why), "{error}");
        assert!(fs::read(path).ok() == before);
    };
    let path = folder.join("take.wav");
    check(&path, ErrorKind::Io, "take.wav");
    fs::write(&path, b"no audio at all").unwrap();
    check(&path, ErrorKind::UnsupportedFile, "not an audio file");
    fs::write(&path, &riff(&[fmt(1, 1, 8_000, 16)])[..30]).unwrap();
    check(&path, ErrorKind::CorruptFile, "cut off inside its header");
    let recorded = folder.join("recorded.wav");
    let wav = Spec { endian: Endian::File, ..spec(Container::Wav, Encoding::Pcm16, 1) };
    let mut writer = FileWriter::create(&recorded, wav).unwrap();
    writer.begin().unwrap();
    check(&recorded, ErrorKind::Io, "it is open to be played or recorded");
}
