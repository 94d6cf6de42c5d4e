//! Container × encoding × byte order × channels × rate, bit for bit: ours as we, sox, ffmpeg and hound read them, and theirs
//! as we do. Many files go into each call of a program.

use std::{collections::BTreeMap, fs, path::Path};

use pastream::file::{Container, Encoding, Endian, FileReader, Spec};

use crate::{
    support::{self, Folder, hint, read_all, spec, written},
    tools::{NAMES, run},
};

/// An odd number, so that files are padded where they can be.
const FRAMES: usize = 31;

const RATES: [u32; 4] = [8_000, 44_100, 48_000, 96_000];

/// Everything that can be written.
fn specs() -> Vec<Spec> {
    let mut specs = Vec::new();
    for container in Container::ALL {
        for &encoding in container.encodings() {
            for endian in [Endian::File, Endian::Little, Endian::Big] {
                for channels in [1, 2, 6] {
                    for sample_rate in RATES {
                        let spec = Spec { endian, sample_rate, ..spec(container, encoding, channels) };
                        if spec.check().is_ok() && (endian == Endian::File || encoding.size() > 1) {
                            specs.push(spec);
                        }
                    }
                }
            }
        }
    }
    specs
}

/// Frames in the format that carries the encoding. Floats are some that sox, which reckons with 32-bit integers, keeps.
fn frames(spec: &Spec) -> Vec<u8> {
    let samples = FRAMES * spec.channels;
    if spec.encoding.is_float() {
        return (0..samples).flat_map(|x| (x as f32 / 512.0 - 0.5).to_ne_bytes()).collect();
    }
    support::samples(spec.encoding, samples)
}

/// The same as bytes of what [`NAMES`] calls the encoding in RAW.
fn plain(spec: &Spec) -> Vec<u8> {
    let frames = frames(spec);
    if spec.encoding != Encoding::Double {
        return frames;
    }
    frames.as_chunks().0.iter().flat_map(|&x| f64::from(f32::from_ne_bytes(x)).to_ne_bytes()).collect()
}

fn names(encoding: Encoding) -> (&'static str, &'static str) {
    let (_, sox, ffmpeg) = NAMES.into_iter().find(|(known, ..)| *known == encoding).unwrap();
    (sox, ffmpeg)
}

/// The same for what lies in the file.
fn coded(encoding: Encoding) -> (&'static str, &'static str) {
    match encoding {
        Encoding::Ulaw => ("-e u-law -b 8", "mulaw"),
        Encoding::Alaw => ("-e a-law -b 8", "alaw"),
        encoding => names(encoding),
    }
}

fn is_big(spec: &Spec) -> bool {
    match spec.endian {
        Endian::File => matches!(spec.container, Container::Aiff | Container::Au | Container::Caf),
        endian => endian == Endian::Big,
    }
}

/// What sox 14.4 doesn't read: floats and companded samples in AIFF-C; floats in W64 and CAF, which libsndfile gives it as
/// integers.
fn sox_reads(spec: &Spec) -> bool {
    match spec.container {
        Container::Aiff => !spec.encoding.is_float() && !spec.encoding.is_law(),
        Container::W64 | Container::Caf => !spec.encoding.is_float(),
        _ => true,
    }
}

/// What sox doesn't write: that and RF64; little-endian AIFF-C, whose header it turns round, too. RAW is no file to tell about.
fn sox_writes(spec: &Spec) -> bool {
    match spec.container {
        Container::Rf64 | Container::Raw => false,
        Container::Aiff => sox_reads(spec) && is_big(spec),
        _ => sox_reads(spec),
    }
}

/// What ffmpeg 5 doesn't read: RIFX and little-endian AU; little-endian AIFF-C of other than 16 bits, which it takes for 16.
fn ffmpeg_reads(spec: &Spec) -> bool {
    match spec.container {
        Container::Wav => !is_big(spec),
        Container::Au => is_big(spec),
        Container::Aiff => is_big(spec) || spec.encoding.size() < 3,
        _ => true,
    }
}

/// What ffmpeg writes, by the name of its coder. Its FLAC has 16 or 24 bits.
fn ffmpeg_writes(spec: &Spec) -> Option<(String, &'static str)> {
    let (_, ffmpeg) = coded(spec.encoding);
    let coder =
        if is_big(spec) && spec.encoding.size() > 1 { ffmpeg.replace("le", "be") } else { ffmpeg.to_owned() };
    let coder = format!("pcm_{coder}");
    let muxer = match spec.container {
        Container::Flac if spec.encoding.size() > 1 => return Some(("flac".to_owned(), "-f flac")),
        Container::Wav if !is_big(spec) => "-f wav",
        Container::Rf64 => "-rf64 always -f wav",
        Container::Aiff if ffmpeg_reads(spec) => "-f aiff",
        Container::Au if is_big(spec) => "-f au",
        Container::W64 => "-f w64",
        Container::Caf => "-f caf",
        _ => return None,
    };
    Some((coder, muxer))
}

/// The arguments for a file of ours that sox is to read.
fn sox_input(spec: &Spec, name: &str) -> String {
    match spec.container {
        Container::Rf64 => format!("-t wav {name}"),
        Container::Raw => {
            let order = if is_big(spec) { "-B" } else { "-L" };
            let (sox, _) = coded(spec.encoding);
            format!("-t raw {sox} {order} -c {} -r {} {name}", spec.channels, spec.sample_rate)
        }
        container => format!("-t {container} {name}"),
    }
}

/// The arguments for a file of ours that ffmpeg is to read, and for what comes out.
fn ffmpeg_reading(place: usize, index: usize, spec: &Spec) -> (String, String) {
    let (_, ffmpeg) = names(spec.encoding);
    let raw = if spec.container == Container::Raw {
        let (_, coded) = coded(spec.encoding);
        let order = if is_big(spec) { coded.replace("le", "be") } else { coded.to_owned() };
        format!(" -f {order} -ar {} -ac {}", spec.sample_rate, spec.channels)
    } else {
        String::new()
    };
    let output = format!(" -map {place}:a -c:a pcm_{ffmpeg} -f {ffmpeg} {index}.raw");
    (format!("{raw} -i {index}"), output)
}

type Groups<'a> = BTreeMap<(&'static str, usize, u32), Vec<(usize, &'a Spec)>>;

/// Specs that differ in container and byte order alone, with their place among all.
fn groups(specs: &[Spec]) -> Groups<'_> {
    let mut groups = Groups::new();
    for (index, spec) in specs.iter().enumerate() {
        groups
            .entry((spec.encoding.name(), spec.channels, spec.sample_rate))
            .or_default()
            .push((index, spec));
    }
    groups
}

/// `padded`: whether the file counts its padding, as W64 of ffmpeg does.
fn check(path: &Path, spec: &Spec, padded: bool) {
    let mut reader = FileReader::open(path, &hint(spec)).unwrap();
    let found = reader.spec().clone();
    let endian = if is_big(spec) && spec.encoding.size() > 1 { Endian::Big } else { found.endian };
    let (frames, read) = (frames(spec), read_all(&mut reader, 1000).unwrap());
    let more = if padded { read.len().saturating_sub(frames.len()) } else { 0 };
    let padding = more / (spec.channels * reader.format().size());
    let expected = Spec { endian, frames: Some((FRAMES + padding) as u64), ..spec.clone() };
    assert_eq!((found, reader.missing()), (expected, 0), "{}", path.display());
    assert!(padding * spec.frame_size() < 8 && read[..read.len() - more] == frames, "{spec:?}");
}

#[test]
fn ours_are_read_by_everyone() {
    let folder = Folder::new("matrix_ours");
    let specs = specs();
    for (index, spec) in specs.iter().enumerate() {
        let path = folder.join(&index.to_string());
        written(&path, spec, &frames(spec));
        check(&path, spec, false);
        if spec.container == Container::Wav && !is_big(spec) {
            hound_reads(&path, spec);
        }
    }

    // sox joins files of the same kind.
    for group in groups(&specs).into_values() {
        let read: Vec<_> = group.into_iter().filter(|(_, spec)| sox_reads(spec)).collect();
        let inputs: Vec<_> = read.iter().map(|(index, spec)| sox_input(spec, &index.to_string())).collect();
        let (sox, _) = names(read[0].1.encoding);
        let Some(joined) = run(&format!("sox -D {} {sox} -L -t raw -", inputs.join(" ")), &folder) else {
            return;
        };
        let expected: Vec<_> = read.iter().map(|(_, spec)| plain(spec)).collect();
        let alike = joined.chunks(expected[0].len()).zip(&expected);
        let wrong: Vec<_> =
            alike.zip(&read).filter(|((a, b), _)| a != b).map(|(_, (_, spec))| spec).collect();
        assert!(joined.len() == expected.concat().len() && wrong.is_empty(), "sox {wrong:?}");
    }

    let read: Vec<_> = specs.iter().enumerate().filter(|(_, spec)| ffmpeg_reads(spec)).collect();
    for part in read.chunks(60) {
        let (inputs, outputs): (Vec<_>, Vec<_>) =
            part.iter().enumerate().map(|(place, (index, spec))| ffmpeg_reading(place, *index, spec)).unzip();
        let command = format!("ffmpeg -v error -y{}{}", inputs.concat(), outputs.concat());
        let Some(_) = run(&command, &folder) else { return };
        for (index, spec) in part {
            let read = fs::read(folder.join(&format!("{index}.raw"))).unwrap();
            assert!(read == plain(spec), "ffmpeg {spec:?}");
        }
    }
}

/// hound has neither doubles nor companded samples.
fn hound_reads(path: &Path, spec: &Spec) {
    if spec.encoding == Encoding::Double || spec.encoding.is_law() {
        return;
    }
    let mut reader = hound::WavReader::open(path).unwrap();
    let told = reader.spec();
    assert_eq!((usize::from(told.channels), told.sample_rate), (spec.channels, spec.sample_rate));
    let samples: Vec<u8> = if spec.encoding.is_float() {
        reader.samples::<f32>().flat_map(|sample| sample.unwrap().to_le_bytes()).collect()
    } else {
        let unsigned = if spec.encoding == Encoding::PcmU8 { 128 } else { 0 };
        let bytes = |sample: i32| (sample + unsigned).to_le_bytes().into_iter().take(spec.encoding.size());
        reader.samples::<i32>().flat_map(|sample| bytes(sample.unwrap())).collect()
    };
    assert!(samples == frames(spec), "hound {spec:?}");
}

#[test]
fn what_ffmpeg_writes_is_read() {
    let folder = Folder::new("matrix_ffmpeg");
    let specs = specs();
    for (&(_, channels, rate), group) in &groups(&specs) {
        let (_, ffmpeg) = names(group[0].1.encoding);
        fs::write(folder.join("plain"), plain(group[0].1)).unwrap();
        let written: Vec<_> =
            group.iter().filter_map(|(index, spec)| Some((index, spec, ffmpeg_writes(spec)?))).collect();
        if written.is_empty() {
            continue;
        }
        let coded: Vec<_> = written
            .iter()
            .map(|(index, _, (coder, muxer))| format!(" -c:a {coder} -bitexact {muxer} {index}"))
            .collect();
        let input = format!("-f {ffmpeg} -ar {rate} -ac {channels} -i plain");
        let Some(_) = run(&format!("ffmpeg -v error -y {input}{}", coded.concat()), &folder) else {
            return;
        };
        for (index, spec, _) in written {
            check(&folder.join(&index.to_string()), spec, spec.container == Container::W64);
        }
    }
}

#[test]
fn what_sox_writes_is_read() {
    let folder = Folder::new("matrix_sox");
    let specs = specs();
    for (&(_, channels, rate), group) in &groups(&specs) {
        fs::write(folder.join("plain"), plain(group[0].1)).unwrap();
        for (index, spec) in group {
            if !sox_writes(spec) {
                continue;
            }
            let (sox, _) = names(spec.encoding);
            let order = if is_big(spec) { "-B" } else { "-L" };
            let container = spec.container;
            let (to, _) = coded(spec.encoding);
            let input = format!("-t raw {sox} -L -c {channels} -r {rate} plain");
            let command = format!("sox -D {input} {to} {order} -t {container} {index}");
            let Some(_) = run(&command, &folder) else { return };
            check(&folder.join(&index.to_string()), spec, false);
        }
    }
}
