//! Files that ffmpeg and sox compressed: the frames they were made from, or what ffmpeg decodes them to.

use std::fs;

use pastream::{
    SampleFormat,
    file::{Container, Encoding, FileReader, ReadHint},
};

use crate::{
    support::{Folder, pipe, read_all},
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

/// The dehows compute in float32, in another order than ffmpeg's.
const LOSSY: [Kind; 6] = [
    kind("x.mp3", "libmp3lame -b:a 128k", Container::Mp3, "mp3", 2e-5),
    kind("vbr.mp3", "libmp3lame -q:a 4", Container::Mp3, "mp3", 2e-5),
    kind("x.ogg", "libvorbis -q:a 4", Container::Ogg, "vorbis", 2e-5),
    kind("x.m4a", "aac -b:a 128k", Container::M4a, "aac", 2e-5),
    kind("fast.m4a", "aac -b:a 96k -movflags +faststart", Container::M4a, "aac", 2e-5),
    kind("x.aac", "aac -b:a 128k -f adts", Container::Adts, "aac", 2e-5),
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

#[test]
fn lossless_files_are_what_they_were_made_from() {
    let folder = Folder::new("lossless");
    for (name, how, container, codec) in [
        ("x.flac", "-c:a flac", Container::Flac, "flac"),
        ("x.oga", "-c:a flac -f ogg", Container::Ogg, "flac"),
        ("x.m4a", "-c:a alac", Container::M4a, "alac"),
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
                if container != Container::M4a {
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
            let what = format!("{} {channels} {rate}", kind.name);
            let how = format!("-c:a {}", kind.how);
            let Some(()) = source(&folder, kind.name, &how, channels, rate, frames) else { return };
            let expected = run(&format!("ffmpeg -v error -i {} -f f32le -", kind.name), &folder).unwrap();
            let expected = floats(&expected);
            let mut file = float32(&folder, kind.name);
            let spec = file.spec().clone();
            assert_eq!((spec.container, file.codec()), (kind.container, Some(kind.codec)), "{what}");
            assert_eq!((spec.channels, spec.sample_rate), (channels, rate), "{what}");
            let read = floats(&read_all(&mut file, 1000).unwrap());
            assert_eq!(spec.frames, Some((read.len() / channels) as u64), "{what}");
            // ffmpeg leaves the padding of a short Vorbis file; ADTS doesn't tell its own.
            let length = if kind.container == Container::Adts { expected.len() / channels } else { frames };
            assert_eq!(read.len() / channels, length, "{what}");
            assert!(expected.len() >= read.len(), "{what}");
            let peak = peak(&read, &expected);
            println!("{what}: {peak:e}");
            assert!(peak <= kind.tolerance, "{what} {peak}");
            assert_eq!((file.missing(), file.damaged()), (0, 0), "{what}");
        }
    }
}
