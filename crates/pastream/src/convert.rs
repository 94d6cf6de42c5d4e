//! Samples of one encoding to samples of another.

use bytemuck::{NoUninit, Pod, Zeroable};
use pastream_rt::{I24, Sample};

use crate::file::{Encoding, law};

/// A 64-bit float: files have them, streams don't.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
struct Double(f64);

impl Sample for Double {
    const EQUILIBRIUM: Self = Self(0.0);

    fn to_f64(self) -> f64 {
        self.0
    }

    fn from_f64(value: f64) -> Self {
        Self(if value.is_nan() { 0.0 } else { value })
    }
}

/// Samples of 16 bits, companded: so all goes through those.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
struct Ulaw(u8);

#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
struct Alaw(u8);

impl Sample for Ulaw {
    const EQUILIBRIUM: Self = Self(0xFF);

    fn to_f64(self) -> f64 {
        law::ulaw_to_16(self.0).to_f64()
    }

    fn from_f64(value: f64) -> Self {
        Self(law::ulaw_from_16(i16::from_f64(value)))
    }
}

impl Sample for Alaw {
    const EQUILIBRIUM: Self = Self(0xD5);

    fn to_f64(self) -> f64 {
        law::alaw_to_16(self.0).to_f64()
    }

    fn from_f64(value: f64) -> Self {
        Self(law::alaw_from_16(i16::from_f64(value)))
    }
}

/// Converts the samples in `input` to `output`, both native-endian, as many as both hold. No alignment is asked for.
///
/// Realtime-safe. Integers become floats by division by 2^(bits − 1), and floats integers by multiplication,
/// rounding half to even and clipping; integers of different sizes go the same way. The same encoding on both
/// sides is a copy.
pub(crate) fn convert(from: Encoding, to: Encoding, input: &[u8], output: &mut [u8]) {
    match (from, to) {
        (from, to) if from == to => {
            let length = input.len().min(output.len());
            output[..length].copy_from_slice(&input[..length]);
        }
        // The pairs that files and streams meet most. A power of two scales a float exactly, so these give what the way
        // through f64 gives, in loops that vectorise.
        (Encoding::Pcm16, Encoding::Float) => map(input, output, |x: i16| f32::from(x) * (1.0 / 32_768.0)),
        (Encoding::Pcm24, Encoding::Float) => {
            map(input, output, |x: I24| x.to_i32() as f32 * (1.0 / 8_388_608.0));
        }
        (Encoding::Pcm32, Encoding::Float) => map(input, output, |x: i32| x as f32 * (1.0 / 2_147_483_648.0)),
        (Encoding::Float, Encoding::Pcm16) => map(input, output, float_to_16),
        (Encoding::Pcm16, Encoding::Pcm24) => map(input, output, |x: i16| I24::from_i32(i32::from(x) << 8)),
        (Encoding::Pcm16, Encoding::Pcm32) => map(input, output, |x: i16| i32::from(x) << 16),
        (Encoding::Pcm24, Encoding::Pcm32) => map(input, output, |x: I24| x.to_i32() << 8),
        (Encoding::Ulaw, Encoding::Pcm16) => map(input, output, law::ulaw_to_16),
        (Encoding::Alaw, Encoding::Pcm16) => map(input, output, law::alaw_to_16),
        (Encoding::Pcm16, Encoding::Ulaw) => map(input, output, law::ulaw_from_16),
        (Encoding::Pcm16, Encoding::Alaw) => map(input, output, law::alaw_from_16),
        (Encoding::PcmS8, to) => convert_from::<i8>(to, input, output),
        (Encoding::PcmU8, to) => convert_from::<u8>(to, input, output),
        (Encoding::Pcm16, to) => convert_from::<i16>(to, input, output),
        (Encoding::Pcm24, to) => convert_from::<I24>(to, input, output),
        (Encoding::Pcm32, to) => convert_from::<i32>(to, input, output),
        (Encoding::Float, to) => convert_from::<f32>(to, input, output),
        (Encoding::Double, to) => convert_from::<Double>(to, input, output),
        (Encoding::Ulaw, to) => convert_from::<Ulaw>(to, input, output),
        (Encoding::Alaw, to) => convert_from::<Alaw>(to, input, output),
    }
}

fn convert_from<A: Sample>(to: Encoding, input: &[u8], output: &mut [u8]) {
    match to {
        Encoding::PcmS8 => through_f64::<A, i8>(input, output),
        Encoding::PcmU8 => through_f64::<A, u8>(input, output),
        Encoding::Pcm16 => through_f64::<A, i16>(input, output),
        Encoding::Pcm24 => through_f64::<A, I24>(input, output),
        Encoding::Pcm32 => through_f64::<A, i32>(input, output),
        Encoding::Float => through_f64::<A, f32>(input, output),
        Encoding::Double => through_f64::<A, Double>(input, output),
        Encoding::Ulaw => through_f64::<A, Ulaw>(input, output),
        Encoding::Alaw => through_f64::<A, Alaw>(input, output),
    }
}

fn through_f64<A: Sample, B: Sample>(input: &[u8], output: &mut [u8]) {
    map(input, output, |sample: A| B::from_f64(sample.to_f64()));
}

fn map<A: Pod, B: NoUninit>(input: &[u8], output: &mut [u8], mut sample: impl FnMut(A) -> B) {
    for (from, to) in input.chunks_exact(size_of::<A>()).zip(output.chunks_exact_mut(size_of::<B>())) {
        to.copy_from_slice(bytemuck::bytes_of(&sample(bytemuck::pod_read_unaligned(from))));
    }
}

fn float_to_16(sample: f32) -> i16 {
    // Adding 1.5 × 2^23 leaves no room for a fraction, so the sum is rounded half to even, and its low bits are the
    // integer in two's complement. `as` would check the range once more, four times as slowly.
    const SHIFT: f32 = 12_582_912.0;
    let number = if sample.is_nan() { 0.0 } else { sample };
    ((number * 32_768.0).clamp(-32_768.0, 32_767.0) + SHIFT).to_bits() as i16
}

/// Noise of a triangle's distribution, which makes what is rounded away independent of the samples.
///
/// The n-th number, from 1, is (h − l) / 2^32 of the upper and lower halves h and l of what `SplitMix64` gives: above −1 and
/// below 1, in steps of the samples that come out.
pub(crate) struct Dither(u64);

impl Dither {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Whether fewer bits come out than go in. A float has more than any integer.
    pub(crate) fn cuts(from: Encoding, to: Encoding) -> bool {
        !to.is_float() && !to.is_law() && (from.is_float() || from.size() > to.size())
    }

    /// As [`convert`], with noise added before it is rounded; a plain conversion where no bits are cut.
    ///
    /// Realtime-safe.
    pub(crate) fn convert(&mut self, from: Encoding, to: Encoding, input: &[u8], output: &mut [u8]) {
        match from {
            _ if !Self::cuts(from, to) => convert(from, to, input, output),
            Encoding::Pcm16 => self.convert_from::<i16>(to, input, output),
            Encoding::Pcm24 => self.convert_from::<I24>(to, input, output),
            Encoding::Pcm32 => self.convert_from::<i32>(to, input, output),
            Encoding::Float => self.convert_from::<f32>(to, input, output),
            _ => self.convert_from::<Double>(to, input, output),
        }
    }

    fn convert_from<A: Sample>(&mut self, to: Encoding, input: &[u8], output: &mut [u8]) {
        match to {
            Encoding::PcmS8 => self.through_f64::<A, i8>(input, output),
            Encoding::PcmU8 => self.through_f64::<A, u8>(input, output),
            Encoding::Pcm16 => self.through_f64::<A, i16>(input, output),
            Encoding::Pcm24 => self.through_f64::<A, I24>(input, output),
            _ => self.through_f64::<A, i32>(input, output),
        }
    }

    fn through_f64<A: Sample, B: Sample>(&mut self, input: &[u8], output: &mut [u8]) {
        let step = 2_f64.powi(1 - 8 * size_of::<B>() as i32);
        map(input, output, |sample: A| B::from_f64(sample.to_f64() + self.next() * step));
    }

    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        let x = x ^ x >> 31;
        (f64::from((x >> 32) as u32) - f64::from(x as u32)) / 4_294_967_296.0
    }
}

/// Turns samples of `size` bytes round in place, from one byte order to the other.
///
/// Realtime-safe.
pub(crate) fn swap_bytes(samples: &mut [u8], size: usize) {
    match size {
        2 => swap::<2>(samples),
        3 => swap::<3>(samples),
        4 => swap::<4>(samples),
        8 => swap::<8>(samples),
        _ => debug_assert_eq!(size, 1, "no sample has {size} bytes"),
    }
}

fn swap<const N: usize>(samples: &mut [u8]) {
    samples.as_chunks_mut::<N>().0.iter_mut().for_each(|sample| sample.reverse());
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTEGERS: [Encoding; 5] =
        [Encoding::PcmS8, Encoding::PcmU8, Encoding::Pcm16, Encoding::Pcm24, Encoding::Pcm32];

    fn converted(from: Encoding, to: Encoding, input: &[u8]) -> Vec<u8> {
        let mut output = vec![0xAA; input.len() / from.size() * to.size()];
        convert(from, to, input, &mut output);
        output
    }

    /// Every integer of up to 16 bits; of more, each 257th and both ends.
    fn all(encoding: Encoding) -> Vec<u8> {
        match encoding.size() {
            1 => (0..=255).collect(),
            2 => (i16::MIN..=i16::MAX).flat_map(i16::to_ne_bytes).collect(),
            3 => (-0x80_0000..=0x7F_FFFF)
                .step_by(257)
                .chain([0x7F_FFFF])
                .flat_map(|x| bytemuck::cast::<I24, [u8; 3]>(I24::from_i32(x)))
                .collect(),
            _ => (i32::MIN..=i32::MAX).step_by(65_537).chain([i32::MAX]).flat_map(i32::to_ne_bytes).collect(),
        }
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        bytemuck::cast_slice(values).to_vec()
    }

    #[test]
    fn wider_and_back_is_the_same() {
        for from in INTEGERS {
            for to in Encoding::ALL {
                let exact = match to {
                    Encoding::Float => from.size() <= 3,
                    Encoding::Ulaw | Encoding::Alaw => false,
                    to => to.size() >= from.size(),
                };
                if exact {
                    let samples = all(from);
                    assert_eq!(converted(to, from, &converted(from, to, &samples)), samples, "{from} {to}");
                }
            }
        }
    }

    #[test]
    fn shortcuts_give_what_the_way_through_f64_gives() {
        let mut float: Vec<f32> = (i16::MIN..=i16::MAX)
            .flat_map(|x| [-0.75, -0.5, -0.25, 0.0, 0.5].map(|y| (f32::from(x) + y) / 32_768.0))
            .collect();
        float.extend([
            f32::NAN,
            f32::from_bits(0xFFC0_1234),
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MAX,
            f32::MIN,
            f32::MIN_POSITIVE,
            1e-45,
        ]);
        for from in Encoding::ALL {
            let samples = match from {
                Encoding::Float => floats(&float),
                Encoding::Double => continue,
                from => all(from),
            };
            for to in Encoding::ALL.into_iter().filter(|&to| to != from) {
                let mut plain = vec![0; samples.len() / from.size() * to.size()];
                match from {
                    Encoding::PcmS8 => convert_from::<i8>(to, &samples, &mut plain),
                    Encoding::PcmU8 => convert_from::<u8>(to, &samples, &mut plain),
                    Encoding::Pcm16 => convert_from::<i16>(to, &samples, &mut plain),
                    Encoding::Pcm24 => convert_from::<I24>(to, &samples, &mut plain),
                    Encoding::Pcm32 => convert_from::<i32>(to, &samples, &mut plain),
                    Encoding::Ulaw => convert_from::<Ulaw>(to, &samples, &mut plain),
                    Encoding::Alaw => convert_from::<Alaw>(to, &samples, &mut plain),
                    _ => convert_from::<f32>(to, &samples, &mut plain),
                }
                assert!(converted(from, to, &samples) == plain, "{from} {to}");
            }
        }
    }

    #[test]
    fn floats_round_half_to_even_and_clip() {
        let step = 1.0 / 32_768.0;
        let input =
            [0.5 * step, 1.5 * step, 2.5 * step, -0.5 * step, -1.5 * step, 1.0, -1.0, 2.0, -2.0, f32::NAN];
        let output = converted(Encoding::Float, Encoding::Pcm16, &floats(&input));
        let output: Vec<i16> = output.as_chunks().0.iter().map(|&x| i16::from_ne_bytes(x)).collect();
        assert_eq!(output, [0, 2, 2, 0, -2, 32_767, -32_768, 32_767, -32_768, 0]);
        let bytes =
            converted(Encoding::Float, Encoding::PcmU8, &floats(&[0.0, -1.0, 1.0, 0.5 / 128.0, 1.5 / 128.0]));
        assert_eq!(bytes, [128, 0, 255, 128, 130]);
    }

    #[test]
    fn narrower_rounds_half_to_even_and_clips() {
        let input = [0x0000_8000, 0x0001_8000, -0x8000, 0x7FFF_8000, i32::MAX, i32::MIN, 0x7FFF];
        let input: Vec<u8> = input.into_iter().flat_map(i32::to_ne_bytes).collect();
        let output = converted(Encoding::Pcm32, Encoding::Pcm16, &input);
        let output: Vec<i16> = output.as_chunks().0.iter().map(|&x| i16::from_ne_bytes(x)).collect();
        assert_eq!(output, [0, 2, 0, 32_767, 32_767, -32_768, 0]);
    }

    #[test]
    fn the_same_encoding_is_a_copy_even_of_what_is_no_number() {
        let input = floats(&[f32::NAN, -0.0, 7.0]);
        assert_eq!(converted(Encoding::Float, Encoding::Float, &input), input);
    }

    #[test]
    fn bytes_swap_by_the_sample() {
        for size in [1, 2, 3, 4, 8] {
            let mut samples: Vec<u8> = (0..48).collect();
            swap_bytes(&mut samples, size);
            let expected: Vec<u8> =
                (0..48).collect::<Vec<_>>().chunks(size).flat_map(|x| x.iter().rev()).copied().collect();
            assert_eq!(samples, expected);
        }
    }
}
