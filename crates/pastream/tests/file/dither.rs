//! Dither, by its formula and by what it is for.

use std::f64::consts::TAU;

use pastream::{
    SampleFormat,
    file::{Container, Encoding, FileWriter, Spec},
};

use crate::{
    support::{Folder, read_all, spec},
    tools::open,
};

fn written(
    folder: &Folder,
    spec: &Spec,
    format: SampleFormat,
    seed: Option<u64>,
    parts: &[&[u8]],
) -> Vec<u8> {
    let path = folder.join("take");
    let mut writer = FileWriter::create(&path, spec.clone()).unwrap();
    writer.set_format(format);
    writer.set_dither(seed);
    for part in parts {
        writer.write(part).unwrap();
    }
    writer.finish().unwrap();
    read_all(&mut open(&path), 1000).unwrap()
}

/// The documented numbers: (upper half − lower half) / 2^32 of what `SplitMix64` gives.
fn noise(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = state;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^= x >> 31;
        ((x >> 32) as f64 - (x & 0xFFFF_FFFF) as f64) / 2_f64.powi(32)
    })
}

fn tone(amplitude: f32, frames: usize) -> Vec<f32> {
    (0..frames).map(|n| amplitude * (TAU * 1000.0 * n as f64 / 48_000.0).sin() as f32).collect()
}

#[test]
fn it_is_the_formula_with_the_seed() {
    let folder = Folder::new("dither_formula");
    // Past full scale, where it is clipped.
    let samples = tone(1.1, 50_000);
    let bytes: &[u8] = &samples.iter().flat_map(|x| x.to_ne_bytes()).collect::<Vec<_>>();
    for (encoding, bits) in [(Encoding::Pcm16, 16), (Encoding::Pcm24, 24), (Encoding::PcmU8, 8)] {
        for seed in [0, 1, u64::MAX] {
            let scale = 2_f64.powi(bits - 1);
            let expected: Vec<i32> = samples
                .iter()
                .zip(noise(seed))
                .map(|(&x, noise)| {
                    (f64::from(x) * scale + noise).round_ties_even().clamp(-scale, scale - 1.0) as i32
                })
                .collect();
            let spec = spec(Container::Wav, encoding, 2);
            // However it is cut into parts.
            let (first, last) = bytes.split_at(8 * 777);
            let read = written(&folder, &spec, SampleFormat::Float32, Some(seed), &[first, last]);
            let read: Vec<i32> = read
                .chunks(encoding.size())
                .map(|x| match *x {
                    [a] => i32::from(a) - 128,
                    [a, b] => i16::from_ne_bytes([a, b]).into(),
                    [a, b, c] => i32::from_le_bytes([0, a, b, c]) >> 8,
                    _ => unreachable!(),
                })
                .collect();
            assert!(read == expected, "{encoding} {seed}");
        }
    }
}

#[test]
fn nothing_is_added_where_nothing_is_cut() {
    let folder = Folder::new("dither_none");
    let samples = crate::support::samples(Encoding::Pcm16, 1000);
    for (encoding, format) in [
        (Encoding::Pcm16, SampleFormat::Int16),
        (Encoding::Pcm24, SampleFormat::Int16),
        (Encoding::Float, SampleFormat::Int16),
        (Encoding::Ulaw, SampleFormat::Int16),
    ] {
        let spec = spec(Container::Wav, encoding, 1);
        let [plain, dithered] =
            [None, Some(1)].map(|seed| written(&folder, &spec, format, seed, &[&samples]));
        assert!(plain == dithered, "{encoding}");
    }
}

#[test]
fn a_tone_below_the_last_bit_survives() {
    let folder = Folder::new("dither_tone");
    // −100 dBFS: a third of a step of 16 bits.
    let samples = tone(1e-5, 480_000);
    let bytes = samples.iter().flat_map(|x| x.to_ne_bytes()).collect::<Vec<_>>();
    let spec = spec(Container::Wav, Encoding::Pcm16, 1);
    let read = |seed| -> Vec<f64> {
        let read = written(&folder, &spec, SampleFormat::Float32, seed, &[&bytes]);
        read.as_chunks().0.iter().map(|&x| f64::from(i16::from_ne_bytes(x)) / 32_768.0).collect()
    };
    assert!(read(None).iter().all(|&x| x == 0.0));
    let dithered = read(Some(1));
    let at = |frequency: f64| {
        let step = TAU * frequency / 48_000.0;
        let part = |wave: fn(f64) -> f64| {
            dithered.iter().enumerate().map(|(n, x)| x * wave(step * n as f64)).sum::<f64>()
        };
        2.0 * part(f64::sin).hypot(part(f64::cos)) / dithered.len() as f64
    };
    // The noise of half a step is spread over 240,000 frequencies.
    let noise = 4.0 * 0.5 / 32_768.0 / 480_000_f64.sqrt();
    assert!((at(1000.0) - 1e-5).abs() < noise, "{:e}", at(1000.0));
    // Distortion would stand at its harmonics.
    for harmonic in [2000.0, 3000.0, 5000.0] {
        assert!(at(harmonic) < noise, "{harmonic} {:e}", at(harmonic));
    }
    // A triangle two steps wide, and the rounding: 1/6 + 1/12 of a step squared, whatever the samples.
    let power = dithered.iter().zip(&samples).map(|(y, &x)| (y - f64::from(x)).powi(2)).sum::<f64>();
    let steps = power / dithered.len() as f64 * 32_768_f64.powi(2);
    assert!((steps - 0.25).abs() < 0.002, "{steps}");
}
