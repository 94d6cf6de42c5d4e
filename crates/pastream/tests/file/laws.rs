//! µ-law and A-law against sox and ffmpeg: every code word and every sample of 16 bits.

use std::fs;

use pastream::{
    SampleFormat,
    file::{Container, Encoding, FileReader, FileWriter},
};

use crate::{
    support::{Folder, hint, read_all, spec},
    tools::run,
};

/// How sox and ffmpeg call them.
const LAWS: [(Encoding, &str, &str); 2] =
    [(Encoding::Ulaw, "u-law", "mulaw"), (Encoding::Alaw, "a-law", "alaw")];

#[test]
fn every_code_word_is_what_sox_and_ffmpeg_say() {
    let folder = Folder::new("law_decode");
    let codes: Vec<u8> = (0..=255).collect();
    fs::write(folder.join("codes.raw"), &codes).unwrap();
    for (encoding, sox, ffmpeg) in LAWS {
        let mut reader =
            FileReader::open(&folder.join("codes.raw"), &hint(&spec(Container::Raw, encoding, 1))).unwrap();
        assert_eq!(reader.format(), SampleFormat::Int16);
        let decoded = read_all(&mut reader, 100).unwrap();
        let output = "-t raw -e signed -b 16 -L -";
        let by_sox = run(&format!("sox -D -t raw -e {sox} -b 8 -r 8000 -c 1 codes.raw {output}"), &folder);
        let input = format!("-f {ffmpeg} -ar 8000 -ac 1 -i codes.raw");
        let by_ffmpeg = run(&format!("ffmpeg -v error {input} -f s16le -"), &folder);
        for theirs in [by_sox, by_ffmpeg].into_iter().flatten() {
            assert!(theirs == decoded, "{encoding}");
        }
        // To floats it is the same number.
        reader.set_format(SampleFormat::Float32);
        reader.seek(0).unwrap();
        let floats = read_all(&mut reader, 100).unwrap();
        let integers = decoded.as_chunks().0.iter().map(|&sample| f32::from(i16::from_ne_bytes(sample)));
        let expected: Vec<u8> = integers.flat_map(|x| (x / 32_768.0).to_ne_bytes()).collect();
        assert!(floats == expected, "{encoding}");
    }
}

#[test]
fn every_sample_becomes_what_sox_makes_of_it() {
    let folder = Folder::new("law_encode");
    let samples: Vec<u8> = (i16::MIN..=i16::MAX).flat_map(i16::to_le_bytes).collect();
    fs::write(folder.join("samples.raw"), &samples).unwrap();
    for (encoding, sox, _) in LAWS {
        let write = |format: SampleFormat, frames: &[u8]| {
            let path = folder.join("ours.raw");
            let mut writer = FileWriter::create(&path, spec(Container::Raw, encoding, 1)).unwrap();
            writer.set_format(format);
            writer.write(frames).unwrap();
            writer.finish().unwrap();
            fs::read(path).unwrap()
        };
        let native: Vec<u8> = (i16::MIN..=i16::MAX).flat_map(i16::to_ne_bytes).collect();
        let ours = write(SampleFormat::Int16, &native);
        let output = format!("-t raw -e {sox} -b 8 -");
        let command = format!("sox -D -t raw -e signed -b 16 -L -r 8000 -c 1 samples.raw {output}");
        if let Some(theirs) = run(&command, &folder) {
            assert!(theirs == ours, "{encoding}");
        }
        let floats: Vec<u8> =
            (i16::MIN..=i16::MAX).flat_map(|x| (f32::from(x) / 32_768.0).to_ne_bytes()).collect();
        assert!(write(SampleFormat::Float32, &floats) == ours, "{encoding}");
    }
}
