//! How well a file of another rate is played and recorded, measured on the virtual device.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::{f64::consts::TAU, fs, path::PathBuf};

use pastream::{
    ErrorKind, SampleFormat,
    file::{Container, Endian, FileReader, FileWriter, ReadHint, Spec},
    resample::{ConversionConfig, Quality, resampled_frames},
    sink::{Cut, Sink},
    source::Source,
    stream::{Run, SideConfig, Stream, StreamConfig},
};

fn path(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("resample");
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder.join(name)
}

fn spec(rate: u32) -> Spec {
    Spec::for_stream(Container::Wav, SampleFormat::Float32, 1, rate, None, Endian::File).expect("a spec")
}

fn stream(rate: u32) -> Stream {
    let side = SideConfig { channels: Some(1), format: Some(SampleFormat::Float32), ..SideConfig::default() };
    Stream::open(StreamConfig {
        device: "virtual:clock=free".to_owned(),
        sample_rate: Some(rate),
        playback: Some(side.clone()),
        recording: Some(side),
        ..StreamConfig::default()
    })
    .expect("the virtual device opens")
}

/// What a stream at `to` Hz gets of a file of `from` Hz in `frames` frames of its own, or up to the end.
fn played(
    name: &str,
    samples: &[f32],
    (from, to): (u32, u32),
    quality: Quality,
    frames: Option<u64>,
) -> Vec<f32> {
    let path = path(&format!("{name}.wav"));
    let mut writer = FileWriter::create(&path, spec(from)).unwrap();
    writer.write(bytemuck::cast_slice(samples)).unwrap();
    writer.finish().unwrap();
    let reader = Box::new(FileReader::open(&path, &ReadHint::default()).unwrap());
    let conversion = ConversionConfig { quality, ..ConversionConfig::default() };
    let (stream, looped) = (stream(to), frames.is_some());
    // A small ring, so that what is made is handed over in many parts.
    stream.set_source(Some(Source::File { reader, looped, buffer_size: 500, conversion })).unwrap();
    let whole = frames.unwrap_or(resampled_frames(samples.len() as u64, from, to));
    stream.set_sinks(vec![Sink::Buffer { frames: whole as usize + 9 }]).unwrap();
    stream.start(&Run { frames, pad: Some(0), ..Run::default() }).unwrap();
    stream.wait(None).unwrap();
    assert_eq!(stream.shared().frame_count(), whole);
    let got = stream.take_recording().unwrap();
    got.as_chunks().0.iter().map(|&sample| f32::from_ne_bytes(sample)).collect()
}

/// What a file of `to` Hz gets of a stream at `from` Hz.
fn recorded(name: &str, samples: &[f32], (from, to): (u32, u32), quality: Quality) -> Vec<f32> {
    let path = path(&format!("{name}.wav"));
    let writer = Box::new(FileWriter::create(&path, spec(to)).unwrap());
    let conversion = ConversionConfig { quality, ..ConversionConfig::default() };
    let stream = stream(from);
    let frames = bytemuck::cast_slice(samples).into();
    stream.set_source(Some(Source::Buffer { frames, looped: false })).unwrap();
    stream.set_sinks(vec![Sink::File { writer, buffer_size: 500, conversion, cut: Cut::default() }]).unwrap();
    stream.start(&Run { pad: Some(0), ..Run::default() }).unwrap();
    stream.wait(None).unwrap();
    let mut reader = hound::WavReader::open(&path).unwrap();
    assert_eq!(reader.spec().sample_rate, to);
    reader.samples().map(Result::unwrap).collect()
}

fn sine(frequency: f64, rate: u32, frames: usize) -> Vec<f32> {
    (0..frames).map(|n| (0.5 * (TAU * frequency * n as f64 / f64::from(rate)).sin()) as f32).collect()
}

fn db(ratio: f64) -> f64 {
    20.0 * ratio.log10()
}

fn rms(samples: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = samples.fold((0.0, 0.0), |(sum, count), x| (sum + x * x, count + 1.0));
    f64::sqrt(sum / count)
}

/// What a sine of half full scale became, far from its ends: its gain in dB, how far it is from where it should be in
/// radians, and the level of all else beside it in dB.
fn measured(got: &[f32], frequency: f64, rate: u32) -> (f64, f64, f64) {
    let edge = got.len() / 4;
    let part = || {
        (edge..got.len() - edge).map(|n| (TAU * frequency * n as f64 / f64::from(rate), f64::from(got[n])))
    };
    // Least squares of a sin + b cos.
    let [mut ss, mut sc, mut cc, mut xs, mut xc] = [0.0; 5];
    for (phase, x) in part() {
        let (s, c) = phase.sin_cos();
        ss += s * s;
        sc += s * c;
        cc += c * c;
        xs += x * s;
        xc += x * c;
    }
    let determinant = ss * cc - sc * sc;
    let (a, b) = ((xs * cc - xc * sc) / determinant, (xc * ss - xs * sc) / determinant);
    let rest = rms(part().map(|(phase, x)| x - a * phase.sin() - b * phase.cos()));
    (db(a.hypot(b) / 0.5), b.atan2(a), db(a.hypot(b) / 2_f64.sqrt() / rest))
}

/// Rates up and down, twice as high, and two with nothing in common, between whose frames the filter is interpolated.
const RATES: [(u32, u32); 4] = [(44_100, 48_000), (48_000, 44_100), (96_000, 48_000), (48_000, 47_999)];

/// What each quality promises: up to which share of the lower rate's half the level is within 0.01 dB, the signal to all that is
/// not the signal in dB, and the level of what lies above that half in dB.
const PROMISED: [(Quality, f64, f64, f64); 3] = [
    (Quality::Fast, 0.8, 90.0, -75.0),
    (Quality::Good, 0.9, 138.0, -100.0),
    (Quality::Best, 0.95, 140.0, -140.0),
];

#[test]
fn the_passband_is_flat_and_nothing_is_heard_beside_a_tone() {
    for (quality, passband, noise, _) in PROMISED {
        for rates in RATES {
            for share in [0.001, 0.045, 0.3, 0.5, 0.7, passband - 0.05, passband] {
                let frequency = share * f64::from(rates.0.min(rates.1)) / 2.0;
                let sent = sine(frequency, rates.0, 16_384);
                let both =
                    [played("tone", &sent, rates, quality, None), recorded("tone", &sent, rates, quality)];
                for got in both {
                    assert_eq!(got.len() as u64, resampled_frames(sent.len() as u64, rates.0, rates.1));
                    let (gain, phase, snr) = measured(&got, frequency, rates.1);
                    let about =
                        format!("{quality} {rates:?} {share}: {gain:.5} dB, {phase:.1e} rad, {snr:.1} dB");
                    assert!(gain.abs() < 0.01 && phase.abs() < 1e-5 && snr > noise, "{about}");
                }
            }
        }
    }
}

#[test]
fn what_the_lower_rate_cannot_hold_is_gone() {
    for (quality, _, _, alias) in PROMISED {
        for rates in RATES.into_iter().filter(|rates| rates.0 > rates.1) {
            for share in [1.0001, 1.02, 1.05, 1.5] {
                let frequency = share * f64::from(rates.1) / 2.0;
                if frequency < f64::from(rates.0) / 2.0 {
                    let got = played("alias", &sine(frequency, rates.0, 16_384), rates, quality, None);
                    let middle = got[got.len() / 4..got.len() / 4 * 3].iter().map(|&x| f64::from(x));
                    let level = db(rms(middle) / (0.5 / 2_f64.sqrt()));
                    assert!(level < alias, "{quality} {rates:?} {share}: {level:.1} dB");
                }
            }
        }
    }
}

#[test]
fn an_impulse_stays_on_its_frame() {
    for quality in Quality::ALL {
        for (rates, at, then) in [
            ((44_100, 48_000), 147 * 9, 160 * 9),
            ((48_000, 44_100), 160 * 9, 147 * 9),
            ((96_000, 48_000), 2_000, 1_000),
            ((8_000, 48_000), 500, 3_000),
            // The first and the last frame, and one beyond which there is no frame of the other rate.
            ((44_100, 48_000), 0, 0),
            ((44_100, 48_000), 2_939, 3_199),
            ((48_000, 8_000), 2_940, 490),
            ((48_000, 47_999), 1_500, 1_500),
        ] {
            let mut sent = vec![0.0; 2_941];
            sent[at] = 1.0;
            let both =
                [played("impulse", &sent, rates, quality, None), recorded("impulse", &sent, rates, quality)];
            for got in both {
                let loudest = (0..got.len()).max_by(|&a, &b| got[a].abs().total_cmp(&got[b].abs()));
                assert_eq!(loudest, Some(then), "{quality} {rates:?} {at}");
                // Both sides alike: exactly there, and not a part of a frame beside it.
                if rates.1 != 47_999 {
                    for far in 1..=then.min(got.len() - 1 - then).min(40) {
                        let off = (got[then - far] - got[then + far]).abs();
                        assert!(off < 1e-6 || at == 2_939, "{quality} {rates:?} {at} {far}: {off}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_length_is_rounded_up_and_no_frame_more() {
    for (from, to) in
        [(44_100, 48_000), (48_000, 44_100), (192_000, 8_000), (8_000, 192_000), (11_025, 48_000)]
    {
        for frames in [1, 2, 146, 147, 148, 1_023, 1_024, 3_001] {
            let wanted = (frames as u64 * u64::from(to)).div_ceil(u64::from(from));
            assert_eq!(resampled_frames(frames as u64, from, to), wanted);
            let sent = vec![0.25; frames];
            let got = played("length", &sent, (from, to), Quality::Fast, None);
            assert_eq!(got.len() as u64, wanted, "{from} {to} {frames}");
            let got = recorded("length", &sent, (from, to), Quality::Fast);
            assert_eq!(got.len() as u64, wanted, "{from} {to} {frames}");
        }
    }
    assert_eq!(resampled_frames(u64::MAX, 1, 256), u64::MAX);
}

#[test]
fn a_loop_is_resampled_as_if_it_went_on_for_ever() {
    // Ten periods in a pass of 441 frames, which is no whole number of frames at 32 kHz; and passes shorter than the filter.
    for (frames, frequency) in [(441, 1_000.0), (7, 6_300.0)] {
        let sent = sine(frequency, 44_100, frames);
        let got = played("loop", &sent, (44_100, 32_000), Quality::Best, Some(40_000));
        let (gain, phase, snr) = measured(&got, frequency, 32_000);
        assert!(
            gain.abs() < 0.001 && phase.abs() < 1e-6 && snr > 120.0,
            "{frames}: {gain} dB, {phase} rad, {snr} dB"
        );
    }
}

#[test]
fn rates_that_are_too_far_apart_are_refused_with_both_named() {
    let writer = || Box::new(FileWriter::create(&path("far.wav"), spec(8_000)).unwrap());
    let set = |rate: u32, conversion: ConversionConfig| {
        stream(rate).set_sinks(vec![Sink::File {
            writer: writer(),
            buffer_size: 500,
            conversion,
            cut: Cut::default(),
        }])
    };
    let conversion = ConversionConfig::default();
    let error = set(31, conversion).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedConfig);
    assert!(error.message().contains("8000 Hz") && error.message().contains("31 Hz"), "{error}");
    set(32, conversion).unwrap();
    let error = set(44_100, ConversionConfig { resample: false, ..conversion }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedConfig);
    assert!(error.message().contains("8000 Hz, the stream 44100 Hz"), "{error}");
    for gain in [200.1, f64::NAN, f64::INFINITY] {
        let error = set(8_000, ConversionConfig { gain, ..conversion }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}
