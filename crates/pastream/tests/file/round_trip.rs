use std::fs;

use pastream::{
    SampleFormat,
    file::{Container, Encoding, Endian, FileReader, FileWriter, Spec},
};

use crate::support::{Folder, Kept, hint, noise, pipe, read_all, samples, spec, written};

/// Every spec that can be written, with 1, 2 and 6 channels.
fn specs() -> Vec<Spec> {
    let mut specs = Vec::new();
    for container in Container::ALL {
        for &encoding in container.encodings() {
            for channels in [1, 2, 6] {
                for endian in Endian::ALL {
                    let spec = Spec { endian, ..spec(container, encoding, channels) };
                    if spec.check().is_ok() {
                        specs.push(spec);
                    }
                }
            }
        }
    }
    // 8 encodings of WAV, AU and CAF, 9 of RAW in 3 byte orders; 8 of RF64 and W64 in 2; of AIFF 4 in 3 and 4 in 2; 3 of FLAC.
    assert_eq!(specs.len(), ((8 * 3 + 9) * 3 + 8 * 2 * 2 + 4 * 3 + 4 * 2 + 3) * 3);
    specs
}

/// 101 frames.
fn frames(spec: &Spec) -> Vec<u8> {
    samples(spec.encoding, 101 * spec.channels)
}

#[test]
fn every_spec_comes_back_from_a_file() {
    let folder = Folder::new("every_spec_file");
    for spec in specs() {
        let path = folder.join("take");
        let frames = frames(&spec);
        let bytes = written(&path, &spec, &frames);
        let alignment = match spec.container {
            Container::Wav | Container::Rf64 | Container::Aiff => 2,
            _ => 1,
        };
        assert_eq!(bytes.len() % alignment, 0);
        let mut reader = FileReader::open(&path, &hint(&spec)).unwrap();
        let got = reader.spec().clone();
        assert_eq!(
            (got.container, got.encoding, got.channels),
            (spec.container, spec.encoding, spec.channels)
        );
        assert_eq!((got.sample_rate, got.frames), (44_100, Some(101)));
        assert_eq!(reader.format(), spec.encoding.stream_format());
        assert!(read_all(&mut reader, 17).unwrap() == frames, "{spec:?}");
        assert!(reader.seekable());
        reader.seek(100).unwrap();
        assert!(read_all(&mut reader, 17).unwrap() == frames[frames.len() / 101 * 100..], "{spec:?}");
        reader.seek(0).unwrap();
        assert!(read_all(&mut reader, 1000).unwrap() == frames, "{spec:?}");
        reader.seek(u64::MAX).unwrap();
        assert!(read_all(&mut reader, 1000).unwrap().is_empty());
    }
}

#[test]
fn every_spec_comes_back_from_a_pipe() {
    for spec in specs() {
        let frames = frames(&spec);
        let kept = Kept::new(usize::MAX);
        let mut writer = FileWriter::to_pipe(Box::new(kept.clone()), "pipe", spec.clone()).unwrap();
        assert!(kept.bytes().is_empty());
        writer.begin().unwrap();
        for part in frames.chunks(frames.len() / 101 * 10) {
            writer.write(part).unwrap();
            writer.update().unwrap();
        }
        writer.finish().unwrap();
        for at_a_time in [1, 7, 1 << 20] {
            let mut reader = pipe(&kept.bytes(), at_a_time, &hint(&spec)).unwrap();
            assert_eq!(reader.spec().frames, None);
            assert!(!reader.seekable());
            assert!(read_all(&mut reader, 17).unwrap() == frames, "{spec:?} {at_a_time}");
            reader.seek(0).unwrap_err();
        }
    }
}

#[test]
fn a_pipe_gives_what_it_has() {
    let kept = Kept::new(usize::MAX);
    let spec = spec(Container::Au, Encoding::Pcm16, 2);
    let mut writer = FileWriter::to_pipe(Box::new(kept.clone()), "pipe", spec).unwrap();
    writer.write(&noise(400)).unwrap();
    let mut reader = pipe(&kept.bytes(), 6, &hint(writer.spec())).unwrap();
    let mut out = [0; 400];
    // Six bytes are one frame and a half: the half is waited for.
    assert_eq!(reader.read(&mut out).unwrap(), 2);
    reader.set_format(SampleFormat::Float32);
    assert_eq!(reader.read(&mut out).unwrap(), 2);
}

#[test]
fn formats_are_converted_both_ways() {
    let folder = Folder::new("formats");
    let path = folder.join("take.au");
    let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
    let ints: Vec<u8> = samples.iter().flat_map(|x| x.to_ne_bytes()).collect();
    let floats: Vec<u8> = samples.iter().flat_map(|&x| (f32::from(x) / 32_768.0).to_ne_bytes()).collect();
    // Enough frames for several blocks of either conversion.
    for channels in [1, 2, 256] {
        for encoding in [Encoding::Float, Encoding::Pcm16] {
            let mut writer = FileWriter::create(&path, spec(Container::Au, encoding, channels)).unwrap();
            writer.set_format(SampleFormat::Float32);
            writer.write(&floats).unwrap();
            writer.set_format(SampleFormat::Int16);
            writer.write(&ints).unwrap();
            writer.finish().unwrap();
            let mut reader = FileReader::open(&path, &hint(writer.spec())).unwrap();
            reader.set_format(SampleFormat::Int16);
            let read = read_all(&mut reader, 100_000).unwrap();
            assert!(read == [&ints[..], &ints].concat(), "{encoding} {channels}");
            reader.set_format(SampleFormat::Float32);
            reader.seek(0).unwrap();
            let read = read_all(&mut reader, 100).unwrap();
            assert!(read == [&floats[..], &floats].concat(), "{encoding} {channels}");
        }
    }
}

#[test]
fn hound_reads_ours_and_we_read_hounds() {
    let folder = Folder::new("hound");
    for (encoding, bits) in [
        (Encoding::PcmU8, 8),
        (Encoding::Pcm16, 16),
        (Encoding::Pcm24, 24),
        (Encoding::Pcm32, 32),
        (Encoding::Float, 32),
    ] {
        for channels in [1, 2, 6] {
            let (ours, theirs) = (folder.join("ours.wav"), folder.join("theirs.wav"));
            let samples: Vec<i32> = noise(4 * 99 * usize::from(channels))
                .chunks(4)
                .map(|x| i32::from_ne_bytes(x.try_into().unwrap()) >> (32 - bits))
                .collect();
            let sample_format =
                if encoding.is_float() { hound::SampleFormat::Float } else { hound::SampleFormat::Int };
            let wav =
                hound::WavSpec { channels, sample_rate: 44_100, bits_per_sample: bits as u16, sample_format };
            let mut writer = hound::WavWriter::create(&theirs, wav).unwrap();
            let mut frames = Vec::new();
            for &sample in &samples {
                if encoding.is_float() {
                    writer.write_sample(sample as f32).unwrap();
                    frames.extend((sample as f32).to_ne_bytes());
                } else {
                    writer.write_sample(sample).unwrap();
                    let sample = if bits == 8 { sample + 128 } else { sample };
                    frames.extend(&sample.to_le_bytes()[..encoding.size()]);
                }
            }
            writer.finalize().unwrap();

            let spec = spec(Container::Wav, encoding, usize::from(channels));
            let mut reader = FileReader::open(&theirs, &hint(&spec)).unwrap();
            assert_eq!((reader.spec().encoding, reader.spec().frames), (encoding, Some(99)));
            assert!(read_all(&mut reader, 1000).unwrap() == frames, "{encoding} {channels}");

            written(&ours, &spec, &frames);
            let mut reader = hound::WavReader::open(&ours).unwrap();
            assert_eq!((reader.spec(), reader.duration()), (wav, 99));
            if encoding.is_float() {
                let read: Vec<f32> = reader.samples().map(Result::unwrap).collect();
                assert!(read.iter().zip(&samples).all(|(&a, &b)| a == b as f32), "{channels}");
            } else {
                let read: Vec<i32> = reader.samples().map(Result::unwrap).collect();
                assert!(read == samples, "{encoding} {channels}");
            }
        }
    }
}

#[test]
fn names_are_taken_in_any_case() {
    for encoding in Encoding::ALL {
        assert_eq!(encoding.name().to_uppercase().parse::<Encoding>().unwrap(), encoding);
    }
    for container in Container::ALL {
        assert_eq!(container.name().to_uppercase().parse::<Container>().unwrap(), container);
        for extension in container.extensions() {
            let path = format!("a.b/take.{}", extension.to_uppercase());
            assert_eq!(Container::from_path(path.as_ref()).unwrap(), container);
        }
    }
    assert_eq!("BIG".parse::<Endian>().unwrap(), Endian::Big);
    let error = Container::from_path("take.txt".as_ref()).unwrap_err();
    assert!(
        error.message().contains(".wav, .wave, .rf64, .w64, .aiff, .aif, .aifc, .au, .snd, .caf, .raw, .pcm")
            && error.message().contains("-t")
    );
    Container::from_path("wav".as_ref()).unwrap_err();
    "pcm_17".parse::<Encoding>().unwrap_err();
    "tiff".parse::<Container>().unwrap_err();
    "middle".parse::<Endian>().unwrap_err();
}

#[test]
fn the_encoding_follows_the_stream() {
    let encoding = |container, format| {
        Spec::for_stream(container, format, 2, 48_000, None, Endian::File).map(|spec| spec.encoding)
    };
    assert_eq!(encoding(Container::Wav, SampleFormat::Float32).unwrap(), Encoding::Float);
    assert_eq!(encoding(Container::Wav, SampleFormat::Int24).unwrap(), Encoding::Pcm24);
    assert_eq!(encoding(Container::Wav, SampleFormat::Uint8).unwrap(), Encoding::PcmU8);
    assert_eq!(encoding(Container::Au, SampleFormat::Int8).unwrap(), Encoding::PcmS8);
    for (container, format) in [(Container::Wav, SampleFormat::Int8), (Container::Au, SampleFormat::Uint8)] {
        let error = encoding(container, format).unwrap_err();
        assert_eq!(error.kind(), pastream::ErrorKind::UnsupportedFile);
        assert!(error.message().contains("-e one of") && error.message().contains("pcm_16"), "{error}");
    }
    for format in SampleFormat::ALL {
        assert_eq!(Encoding::from(format).stream_format(), format);
    }
    let asked = Spec::for_stream(
        Container::Wav,
        SampleFormat::Int8,
        1,
        8_000,
        Some(Encoding::Double),
        Endian::Little,
    );
    assert_eq!(asked.unwrap().encoding, Encoding::Double);
}

#[test]
fn raw_leaves_out_what_is_no_whole_frame() {
    let folder = Folder::new("raw");
    let path = folder.join("take.raw");
    fs::write(&path, noise(23)).unwrap();
    let hint = hint(&spec(Container::Raw, Encoding::Pcm24, 2));
    let mut reader = FileReader::open(&path, &hint).unwrap();
    assert_eq!(reader.spec().frames, Some(3));
    assert_eq!(read_all(&mut reader, 100).unwrap(), noise(18));
    assert_eq!(read_all(&mut pipe(&noise(23), 5, &hint).unwrap(), 100).unwrap(), noise(18));
}
