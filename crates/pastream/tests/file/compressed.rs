//! Files that ffmpeg and sox compressed: the frames they were made from, or what ffmpeg decodes them to.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use pastream::{
    ErrorKind, SampleFormat,
    file::{Container, Encoding, FileReader, ReadHint},
};

use crate::{
    support::{Folder, memory, pipe, read_all},
    tools::{open, run},
};

/// A kind of file, and what its frames may differ from ffmpeg's, as a part of full scale.
struct Kind {
    name: &'static str,
    how: &'static str,
    container: Container,
    codec: &'static str,
    tolerance: f32,
}

/// The decoders compute in float32, in another order than ffmpeg's.
const LOSSY: [Kind; 13] = [
    kind("x.mp3", "libmp3lame -b:a 128k", Container::Mp3, "mp3", 1e-5),
    kind("vbr.mp3", "libmp3lame -q:a 4", Container::Mp3, "mp3", 1e-5),
    kind("x.ogg", "libvorbis -q:a 4", Container::Ogg, "vorbis", 1e-5),
    kind("x.m4a", "aac -b:a 128k", Container::M4a, "aac", 1e-5),
    kind("fast.m4a", "aac -b:a 96k -movflags +faststart", Container::M4a, "aac", 1e-5),
    kind(
        "parts.m4a",
        "aac -b:a 128k -movflags dash+delay_moov -frag_duration 200000",
        Container::M4a,
        "aac",
        1e-5,
    ),
    kind("aac.mka", "aac -b:a 128k", Container::Mkv, "aac", 1e-5),
    kind("x.webm", "libvorbis -q:a 4", Container::Mkv, "vorbis", 1e-5),
    kind("x.aac", "aac -b:a 128k -f adts", Container::Adts, "aac", 1e-5),
    kind("x.opus", "libopus -b:a 96k", Container::Ogg, "opus", 2e-5),
    kind("speech.opus", "libopus -b:a 16k -application voip", Container::Ogg, "opus", 2e-5),
    kind(
        "opus.mp4",
        "libopus -b:a 96k -movflags frag_keyframe+empty_moov -frag_duration 1000000",
        Container::M4a,
        "opus",
        2e-5,
    ),
    kind("opus.webm", "libopus -b:a 96k", Container::Mkv, "opus", 2e-5),
];

const fn kind(
    name: &'static str,
    how: &'static str,
    container: Container,
    codec: &'static str,
    tolerance: f32,
) -> Kind {
    Kind { name, how, container, codec, tolerance }
}

/// Two sweeps, so that no stretch is like another, with a little noise; `frames` of them.
fn source(folder: &Folder, name: &str, how: &str, channels: usize, rate: u32, frames: usize) -> Option<()> {
    let one = |channel: usize| {
        format!("0.4*sin({}*t*(1+t*{}))+0.02*(random({channel})-0.5)", 700 * (channel + 1), 3 + channel)
    };
    let all: Vec<_> = (0..channels).map(one).collect();
    let graph = format!("aevalsrc={}:s={rate}", all.join("|"));
    run(
        &format!(
            "ffmpeg -v error -y -f lavfi -i {graph} -af atrim=end_sample={frames} -bitexact {how} {name}"
        ),
        folder,
    )
    .map(drop)
}

fn float32(folder: &Folder, name: &str) -> FileReader {
    let mut reader = open(&folder.join(name));
    reader.set_format(SampleFormat::Float32);
    reader
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&bytes| f32::from_ne_bytes(bytes)).collect()
}

fn peak(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
}

/// Whether frames are the same; those of Opus nearly: its speech coder predicts a steady tone
/// from itself for ever.
fn alike(file: &FileReader, one: &[u8], other: &[u8]) -> bool {
    one == other || file.codec() == Some("opus") && peak(&floats(one), &floats(other)) < 1e-2
}

#[test]
fn lossless_files_are_what_they_were_made_from() {
    let folder = Folder::new("lossless");
    for (name, how, container, codec) in [
        ("x.flac", "-c:a flac", Container::Flac, "flac"),
        ("x.oga", "-c:a flac -f ogg", Container::Ogg, "flac"),
        ("x.m4a", "-c:a alac", Container::M4a, "alac"),
        (
            "parts.m4a",
            "-c:a alac -movflags frag_keyframe+empty_moov -frag_duration 9000",
            Container::M4a,
            "alac",
        ),
        (
            "parts.mp4",
            "-c:a flac -strict -2 -movflags frag_keyframe+empty_moov -frag_duration 9000",
            Container::M4a,
            "flac",
        ),
        ("x.mka", "-c:a flac", Container::Mkv, "flac"),
    ] {
        for (encoding, sample, pcm) in [
            (Encoding::Pcm16, if codec == "flac" { "s16" } else { "s16p" }, "s16le"),
            (Encoding::Pcm24, if codec == "flac" { "s32" } else { "s32p" }, "s24le"),
        ] {
            for (channels, rate, frames) in
                [(1, 8_000, 1), (1, 44_100, 10_000), (2, 48_000, 30_001), (6, 96_000, 9_000)]
            {
                let what = format!("{name} {encoding} {channels} {rate}");
                let how = format!("{how} -sample_fmt {sample}");
                let Some(()) = source(&folder, name, &how, channels, rate, frames) else { return };
                let command = format!("ffmpeg -v error -i {name} -f {pcm} -c:a pcm_{pcm} -");
                let frames_of = run(&command, &folder).unwrap();
                let mut file = open(&folder.join(name));
                let spec = file.spec().clone();
                assert_eq!(
                    (spec.container, file.codec(), spec.encoding),
                    (container, Some(codec), encoding),
                    "{what}"
                );
                assert_eq!(
                    (spec.channels, spec.sample_rate, spec.frames),
                    (channels, rate, Some(frames as u64)),
                    "{what}"
                );
                assert!(read_all(&mut file, 1000).unwrap() == frames_of, "{what}");
                assert_eq!((file.missing(), file.damaged()), (0, 0), "{what}");
                // Its index stands behind its audio.
                if name != "x.m4a" {
                    let mut pipe =
                        pipe(&fs::read(folder.join(name)).unwrap(), 777, &ReadHint::default()).unwrap();
                    assert!(read_all(&mut pipe, 1000).unwrap() == frames_of, "{what} pipe");
                }
            }
        }
    }
}

#[test]
fn lossy_files_are_what_ffmpeg_makes_of_them() {
    let folder = Folder::new("lossy");
    for kind in &LOSSY {
        for (channels, rate, frames) in [(1, 22_050, 9_000), (2, 44_100, 50_001)] {
            // Opus has one rate.
            let rate = if kind.codec == "opus" { 48_000 } else { rate };
            let what = format!("{} {channels} {rate}", kind.name);
            let how = format!("-c:a {}", kind.how);
            let Some(()) = source(&folder, kind.name, &how, channels, rate, frames) else { return };
            // Its own decoder of Opus is 2e-3 off the reference's, which gives 16 bits there.
            let by = if kind.codec == "opus" { " -c:a libopus" } else { "" };
            let command = format!("ffmpeg -v error{by} -i {} -f f32le -", kind.name);
            let expected = run(&command, &folder).unwrap();
            // Of fragments ffmpeg 5 plays the delay.
            let early = if kind.name == "parts.m4a" { 1024 * channels } else { 0 };
            let expected = &floats(&expected)[early..];
            let mut file = float32(&folder, kind.name);
            let spec = file.spec().clone();
            assert_eq!((spec.container, file.codec()), (kind.container, Some(kind.codec)), "{what}");
            assert_eq!((spec.channels, spec.sample_rate), (channels, rate), "{what}");
            let read = floats(&read_all(&mut file, 1000).unwrap());
            assert_eq!(spec.frames, Some((read.len() / channels) as u64), "{what}");
            // ffmpeg leaves the padding of a short Vorbis file. ADTS doesn't tell it, and of Matroska symphonia doesn't.
            let length = read.len() / channels;
            if [Container::Adts, Container::Mkv].contains(&kind.container) {
                assert!((frames..frames + 2048 + 1024).contains(&length), "{what} {length}");
            } else {
                assert_eq!(length, frames, "{what}");
            }
            assert!(expected.len() / channels >= frames, "{what}");
            let peak = peak(&read, expected);
            println!("{what}: {peak:e}");
            assert!(peak <= kind.tolerance, "{what} {peak}");
            assert_eq!((file.missing(), file.damaged()), (0, 0), "{what}");
        }
    }
}

/// Each kind of file that is read, with audio of `frames` frames; `None` where ffmpeg isn't there.
fn all_kinds(folder: &Folder, frames: usize) -> Option<Vec<&'static str>> {
    const MORE: [(&str, &str); 6] = [
        ("flac.mka", "-c:a flac"),
        ("x.flac", "-c:a flac"),
        ("x.oga", "-c:a flac -f ogg"),
        ("alac.m4a", "-c:a alac"),
        ("alac-fast.m4a", "-c:a alac -movflags +faststart"),
        ("alac-parts.m4a", "-c:a alac -movflags frag_keyframe+empty_moov -frag_duration 200000"),
    ];
    // Where AAC says "noise here" a decoder rolls dice, which fall otherwise after a seek.
    let lossy = LOSSY
        .iter()
        .map(|kind| (kind.name, format!("-c:a {}", kind.how.replace("aac -b", "aac -aac_pns 0 -b"))));
    let all = lossy.chain(MORE.map(|(name, how)| (name, how.to_owned())));
    let rate = |how: &str| if how.contains("opus") { 48_000 } else { 44_100 };
    all.map(|(name, how)| source(folder, name, &how, 2, rate(&how), frames).map(|()| name)).collect()
}

#[test]
fn a_seek_goes_to_the_frame() {
    let folder = Folder::new("compressed_seek");
    let Some(names) = all_kinds(&folder, 150_000) else { return };
    for name in names {
        let mut file = open(&folder.join(name));
        let size = file.spec().frame_size();
        let frames = file.spec().frames.unwrap();
        let all = read_all(&mut file, 10_000).unwrap();
        let mut random = fastrand::Rng::with_seed(3);
        let ends = [0, 1, frames - 1, frames, frames - 100, frames - 2000, frames + 5];
        let places = ends.into_iter().chain(std::iter::repeat_with(|| random.u64(..frames)).take(25));
        for place in places {
            file.seek(place).unwrap();
            let place = place.min(frames);
            assert_eq!(file.position(), place);
            let mut block = vec![0; 3000 * size];
            let mut expected = &all[place as usize * size..];
            for _ in 0..2 {
                let read = file.read(&mut block).unwrap();
                assert_eq!(read, 3000.min(expected.len() / size), "{name} {place}");
                assert!(alike(&file, &block[..read * size], &expected[..read * size]), "{name} {place}");
                expected = &expected[read * size..];
            }
        }
        assert_eq!(file.damaged(), 0, "{name}");
    }
}

#[test]
fn a_pipe_gives_what_the_file_gives() {
    let folder = Folder::new("compressed_pipe");
    let Some(names) = all_kinds(&folder, 20_000) else { return };
    for name in names {
        let bytes = fs::read(folder.join(name)).unwrap();
        let piped = pipe(&bytes, 333, &ReadHint::default());
        if ["x.m4a", "alac.m4a"].contains(&name) {
            let error = piped.err().unwrap();
            assert_eq!(error.kind(), ErrorKind::UnsupportedFile);
            assert!(error.message().contains("+faststart"), "{error}");
            continue;
        }
        let mut piped = piped.unwrap();
        assert!(!piped.seekable());
        assert_eq!(piped.seek(0).unwrap_err().kind(), ErrorKind::UnsupportedFile, "{name}");
        let mut file = open(&folder.join(name));
        assert!(read_all(&mut piped, 1000).unwrap() == read_all(&mut file, 1000).unwrap(), "{name}");
        assert_eq!((piped.missing(), piped.damaged()), (0, 0), "{name}");
    }
}

#[test]
fn a_pipe_does_not_wait_for_more_than_a_packet_and_the_next() {
    /// Tells when more is asked for than what is there.
    struct Stuck(std::io::Cursor<Vec<u8>>, Arc<AtomicBool>);
    impl std::io::Read for Stuck {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let read = self.0.read(out)?;
            self.1.fetch_or(read == 0, Ordering::Relaxed);
            Ok(read)
        }
    }
    let folder = Folder::new("compressed_wait");
    let Some(names) = all_kinds(&folder, 100_000) else { return };
    for name in names.into_iter().filter(|name| !["x.m4a", "alac.m4a"].contains(name)) {
        let mut bytes = fs::read(folder.join(name)).unwrap();
        bytes.truncate(bytes.len() * 3 / 4);
        let waits = Arc::default();
        let stuck = Stuck(std::io::Cursor::new(bytes), Arc::clone(&waits));
        let mut piped = FileReader::from_pipe(Box::new(stuck), name, &ReadHint::default()).unwrap();
        let mut block = vec![0; 1 << 20];
        let mut frames = 0;
        // A page of Ogg, as ffmpeg makes them, is a second.
        while frames < 40_000 {
            let read = piped.read(&mut block).unwrap();
            assert!((1..8192).contains(&read), "{name} {read}");
            assert!(!waits.load(Ordering::Relaxed), "{name} {frames}");
            frames += read;
        }
    }
}

#[test]
fn a_tag_in_front_is_skipped() {
    let folder = Folder::new("compressed_tag");
    let Some(names) = all_kinds(&folder, 5_000) else { return };
    for name in names.into_iter().filter(|name| ["x.flac", "x.mp3", "x.aac"].contains(name)) {
        let plain = read_all(&mut open(&folder.join(name)), 1000).unwrap();
        let mut bytes = b"ID3\x04\0\0\0\0\x02\x00".to_vec();
        bytes.resize(10 + 256, b'x');
        bytes.extend(fs::read(folder.join(name)).unwrap());
        fs::write(folder.join("tagged"), &bytes).unwrap();
        assert!(read_all(&mut open(&folder.join("tagged")), 1000).unwrap() == plain, "{name}");
        let mut piped = pipe(&bytes, 10, &ReadHint::default()).unwrap();
        assert!(read_all(&mut piped, 1000).unwrap() == plain, "{name}");
    }
}

#[test]
fn a_file_that_is_cut_says_what_is_missing() {
    let folder = Folder::new("compressed_cut");
    let Some(names) = all_kinds(&folder, 200_000) else { return };
    for name in names {
        // MP4 has its index at the end, and of Matroska that is cut symphonia reads nothing.
        if ["x.m4a", "alac.m4a", "aac.mka", "x.webm", "opus.webm", "flac.mka"].contains(&name) {
            continue;
        }
        let mut whole = open(&folder.join(name));
        let (frames, size) = (whole.spec().frames.unwrap(), whole.spec().frame_size());
        let all = read_all(&mut whole, 1000).unwrap();
        let mut bytes = fs::read(folder.join(name)).unwrap();
        bytes.truncate(bytes.len() * 2 / 3);
        fs::write(folder.join("cut"), &bytes).unwrap();
        let cut = FileReader::open(&folder.join("cut"), &ReadHint::default());
        let mut cut = cut.unwrap_or_else(|error| panic!("{name}: {error}"));
        let left = cut.spec().frames.unwrap();
        // The length of Ogg and ADTS is what is there, and of fragments.
        let whole =
            ["x.ogg", "x.oga", "x.opus", "speech.opus", "x.aac", "parts.m4a", "alac-parts.m4a", "opus.mp4"];
        let told = if whole.contains(&name) { 0 } else { frames - left };
        assert_eq!(cut.missing(), told, "{name}");
        let read = read_all(&mut cut, 1000).unwrap();
        assert_eq!((read.len() / size) as u64, left, "{name}");
        assert!(left > frames / 3 && left < frames * 4 / 5 && all.starts_with(&read), "{name} {left}");
        assert_eq!(cut.damaged(), 0, "{name}");
    }
}

#[test]
fn adpcm_is_what_ffmpeg_makes_of_it() {
    let folder = Folder::new("adpcm");
    for (how, codec) in [("adpcm_ms", "ms_adpcm"), ("adpcm_ima_wav", "ima_adpcm")] {
        for channels in [1, 2] {
            let what = format!("{codec} {channels}");
            let Some(()) = source(&folder, "x.wav", &format!("-c:a {how}"), channels, 22_050, 30_001) else {
                return;
            };
            let expected = run("ffmpeg -v error -i x.wav -f s16le -", &folder).unwrap();
            let mut file = open(&folder.join("x.wav"));
            let (spec, size) = (file.spec().clone(), file.spec().frame_size());
            assert_eq!((spec.container, spec.encoding), (Container::Wav, Encoding::Pcm16), "{what}");
            assert_eq!(
                (file.codec(), spec.channels, spec.sample_rate),
                (Some(codec), channels, 22_050),
                "{what}"
            );
            let read = read_all(&mut file, 777).unwrap();
            println!("{what} {:?} {} {}", spec.frames, read.len() / size, expected.len() / size);
            assert_eq!(spec.frames, Some((read.len() / size) as u64), "{what}");
            assert!(read.len() / size >= 30_001 && expected.starts_with(&read), "{what}");
            let mut random = fastrand::Rng::with_seed(5);
            for _ in 0..20 {
                let place = random.usize(..read.len() / size);
                file.seek(place as u64).unwrap();
                let mut block = vec![0; 2000 * size];
                let frames = file.read(&mut block).unwrap();
                assert!(
                    read[place * size..].starts_with(&block[..frames * size]) && frames > 0,
                    "{what} {place}"
                );
            }
            let bytes = fs::read(folder.join("x.wav")).unwrap();
            let mut piped = pipe(&bytes, 100, &ReadHint::default()).unwrap();
            assert!(read_all(&mut piped, 777).unwrap() == read, "{what}");
        }
    }
}

#[test]
fn what_is_not_read_yet_says_so() {
    let folder = Folder::new("compressed_unread");
    for (name, how, said) in [
        ("six.m4a", "-c:a aac -ac 6", "AAC of more than two channels"),
        ("x.mka", "-c:a ac3", "the codec of its audio is not read: convert it"),
    ] {
        let Some(()) = source(&folder, name, how, 2, 48_000, 10_000) else { return };
        let error = FileReader::open(&folder.join(name), &ReadHint::default()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::UnsupportedFile, "{error}");
        assert!(error.message().contains(name) && error.message().contains(said), "{error}");
    }
}

#[test]
fn what_follows_the_frames_of_an_mp3_header_is_played() {
    let folder = Folder::new("compressed_row");
    let Some(()) = source(&folder, "a.mp3", "-c:a libmp3lame", 2, 44_100, 44_100) else { return };
    let one = fs::read(folder.join("a.mp3")).unwrap();
    let path = folder.join("two.mp3");
    fs::write(&path, [one.clone(), one].concat()).unwrap();
    assert_eq!(open(&folder.join("a.mp3")).spec().frames, Some(44_100));
    let mut two = open(&path);
    let told = two.spec().frames.unwrap();
    assert!((2 * 44_100..2 * 44_100 + 6 * 1152).contains(&told), "{told}");
    let frames = read_all(&mut two, 1000).unwrap();
    assert_eq!(frames.len() as u64, told * 8);
    // A pipe can't look ahead, and gives the same.
    let piped = |name: &str| {
        let mut pipe = pipe(&fs::read(folder.join(name)).unwrap(), 500, &ReadHint::default()).unwrap();
        read_all(&mut pipe, 1000).unwrap()
    };
    assert!(piped("two.mp3") == frames);
    assert_eq!(piped("a.mp3").len(), 44_100 * 8);
}

#[test]
fn streams_in_a_row_are_one_where_they_are_alike() {
    let folder = Folder::new("compressed_chain");
    let Some(()) = source(&folder, "a.ogg", "-c:a libvorbis", 2, 44_100, 70_001) else { return };
    source(&folder, "b.ogg", "-c:a libvorbis -serial_offset 5", 2, 44_100, 30_000).unwrap();
    source(&folder, "c.ogg", "-c:a libvorbis -serial_offset 9", 1, 44_100, 30_000).unwrap();
    let bytes = |name: &str| fs::read(folder.join(name)).unwrap();
    let frames = |name: &str| read_all(&mut open(&folder.join(name)), 1000).unwrap();
    fs::write(folder.join("ab.ogg"), [bytes("a.ogg"), bytes("b.ogg")].concat()).unwrap();
    let expected = [frames("a.ogg"), frames("b.ogg")].concat();
    let mut file = open(&folder.join("ab.ogg"));
    assert_eq!(file.spec().frames, Some(100_001));
    assert!(read_all(&mut file, 1000).unwrap() == expected);
    for place in [90_000, 10, 70_000, 70_001, 69_990, 100_000] {
        file.seek(place).unwrap();
        let mut block = vec![0; 100 * 8];
        let read = file.read(&mut block).unwrap();
        assert!(expected[place as usize * 8..].starts_with(&block[..read * 8]) && read > 0, "{place}");
    }
    let mut piped = pipe(&bytes("ab.ogg"), 500, &ReadHint::default()).unwrap();
    assert!(read_all(&mut piped, 1000).unwrap() == expected);
    let changed = [bytes("a.ogg"), bytes("c.ogg")].concat();
    fs::write(folder.join("ac.ogg"), &changed).unwrap();
    for mut reader in [open(&folder.join("ac.ogg")), pipe(&changed, 500, &ReadHint::default()).unwrap()] {
        let mut block = vec![0; 1000 * 8];
        let mut frames = 0;
        let error = loop {
            match reader.read(&mut block) {
                Ok(read) => {
                    assert!(read > 0);
                    frames += read;
                }
                Err(error) => break error,
            }
        };
        assert_eq!(frames, 70_001);
        assert_eq!(error.kind(), ErrorKind::UnsupportedFile);
        assert!(error.message().contains("change in the middle"), "{error}");
    }
}

/// Reads a file that may say anything; what it gives is as long as it tells.
fn survives(mut reader: FileReader) {
    const ENOUGH: usize = 3_000_000;
    let size = reader.spec().channels * reader.format().size();
    let mut block = vec![0; 5_000 * size];
    let mut frames = 0;
    while frames < ENOUGH {
        match reader.read(&mut block) {
            Ok(0) => break,
            Ok(read) => frames += read,
            Err(error) => {
                assert!(
                    matches!(error.kind(), ErrorKind::CorruptFile | ErrorKind::UnsupportedFile),
                    "{error}"
                );
                return;
            }
        }
    }
    if reader.seekable() {
        assert!(
            frames >= ENOUGH || reader.spec().frames == Some(frames as u64),
            "{frames} {:?}",
            reader.spec()
        );
        reader.seek(frames as u64 / 2).unwrap();
        let _ = reader.read(&mut block);
    }
}

#[test]
fn damage_does_no_harm() {
    let folder = Folder::new("compressed_damage");
    let Some(mut names) = all_kinds(&folder, 6_000) else { return };
    for (name, how) in [("ms.wav", "-c:a adpcm_ms"), ("ima.wav", "-c:a adpcm_ima_wav")] {
        source(&folder, name, how, 2, 44_100, 6_000).unwrap();
        names.push(name);
    }
    for name in names {
        let whole = fs::read(folder.join(name)).unwrap();
        let mut random = fastrand::Rng::with_seed(11);
        for round in 0..300 {
            let mut bytes = whole.clone();
            // Headers are small, and worth half the changes.
            let places = if round % 2 == 0 { bytes.len() } else { bytes.len().min(800) };
            for _ in 0..random.usize(1..8) {
                bytes[random.usize(..places)] = if random.bool() { random.u8(..) } else { 0xFF };
            }
            if random.u8(..4) == 0 {
                bytes.truncate(random.usize(..bytes.len()));
            }
            fs::write(folder.join("damaged"), &bytes).unwrap();
            let ((), held) = memory(|| {
                let file = FileReader::open(&folder.join("damaged"), &ReadHint::default());
                for reader in [file, pipe(&bytes, 1000, &ReadHint::default())] {
                    match reader {
                        Ok(reader) => survives(reader),
                        Err(error) => assert!(
                            matches!(error.kind(), ErrorKind::CorruptFile | ErrorKind::UnsupportedFile),
                            "{name} {round}: {error}"
                        ),
                    }
                }
            });
            assert!(held < (64 << 20) + bytes.len(), "{name} {round}: {held} bytes");
        }
    }
}

#[test]
fn what_is_damaged_in_the_middle_is_silence_and_told() {
    let folder = Folder::new("compressed_silence");
    let Some(names) = all_kinds(&folder, 200_000) else { return };
    for name in names {
        let mut whole = open(&folder.join(name));
        let (frames, size) = (whole.spec().frames.unwrap(), whole.spec().frame_size());
        let all = read_all(&mut whole, 1000).unwrap();
        let mut bytes = fs::read(folder.join(name)).unwrap();
        let place = bytes.len() / 3;
        bytes[place..place + 500].fill(0x55);
        fs::write(folder.join("damaged"), &bytes).unwrap();
        let mut broken = open(&folder.join("damaged"));
        let read = read_all(&mut broken, 1000).unwrap();
        let length = (read.len() / size) as u64;
        // A page of Ogg is a second, and the one behind the damage comes too early: symphonia doesn't look at its time.
        let (good, last) = (all.len() / size / 6 * size, all.len() / size * 3 / 4 * size);
        assert!(read[..good] == all[..good] && read != all, "{name}");
        assert_eq!(broken.spec().frames, Some(length), "{name}");
        if [Container::Mp3, Container::Adts].contains(&broken.spec().container) {
            // A frame that is no frame any more is not there, for nothing numbers them: what follows comes earlier.
            let end = &all[last..all.len() - 4000 * size];
            // A false frame of layer I, which is none of ours, has a third of the frames.
            assert!((1..90).any(|lost| read[last - lost * 128 * size..].starts_with(end)), "{name}");
            let told = if broken.spec().container == Container::Mp3 { frames - length } else { 0 };
            assert_eq!(broken.missing(), told, "{name}");
            continue;
        }
        if broken.spec().container == Container::Mkv {
            continue;
        }
        assert_eq!((length, broken.missing()), (frames, 0), "{name}");
        assert!(alike(&broken, &read[last..], &all[last..]), "{name}");
        // AAC and ALAC decode anything to something.
        if ![Some("aac"), Some("alac")].contains(&broken.codec()) {
            let silent = read.chunks(size).filter(|frame| frame.iter().all(|&byte| byte == 0)).count() as u64;
            let told = broken.damaged();
            assert!(told > 0 && told < 60_000 && silent >= told, "{name} {told} {silent}");
        }
    }
}
