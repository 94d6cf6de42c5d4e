//! What one sample is, in each format that a stream can have.

use bytemuck::{Pod, Zeroable};

/// One sample of one channel.
pub trait Sample: Copy + Default + Pod + Send + Sync + PartialEq + core::fmt::Debug + 'static {
    /// Silence.
    const EQUILIBRIUM: Self;
    /// The byte that silence is made of.
    const SILENCE: u8 = 0;

    /// The sample on a scale where full scale is ±1.0: integers are divided by 2^(bits − 1). Exact.
    ///
    /// Realtime-safe.
    fn to_f64(self) -> f64;

    /// The sample nearest to `value`: multiplied by 2^(bits − 1), rounded half to even, clipped.
    /// Not-a-number becomes silence. Floats are neither scaled nor clipped.
    ///
    /// Realtime-safe.
    fn from_f64(value: f64) -> Self;
}

/// A 24-bit signed integer in three bytes, in the machine's byte order.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
pub struct I24([u8; 3]);

impl I24 {
    /// The low 24 bits of `value`.
    #[must_use]
    pub const fn from_i32(value: i32) -> Self {
        let bytes = value.to_ne_bytes();
        if cfg!(target_endian = "little") {
            Self([bytes[0], bytes[1], bytes[2]])
        } else {
            Self([bytes[1], bytes[2], bytes[3]])
        }
    }

    /// The value, −2^23 to 2^23 − 1.
    #[must_use]
    pub const fn to_i32(self) -> i32 {
        let [a, b, c] = self.0;
        if cfg!(target_endian = "little") {
            i32::from_ne_bytes([0, a, b, c]) >> 8
        } else {
            i32::from_ne_bytes([a, b, c, 0]) >> 8
        }
    }
}

/// Rounds half to even. `f64::round_ties_even` is not in core.
///
/// Adding and taking away 1.5 × 2^52 leaves no room for a fraction, so the hardware's default rounding does
/// the work. True for |value| < 2^51; the integers here have at most 32 bits.
fn round_half_even(value: f64) -> f64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    (value + SHIFT) - SHIFT
}

macro_rules! integer_sample {
    ($type:ty, $bits:literal, $silence:expr, $byte:literal, |$get:ident| $to:expr, |$put:ident| $from:expr) => {
        impl Sample for $type {
            const EQUILIBRIUM: Self = $silence;
            const SILENCE: u8 = $byte;

            #[inline]
            fn to_f64(self) -> f64 {
                let $get = self;
                f64::from($to) / f64::from(1_u32 << ($bits - 1))
            }

            #[inline]
            fn from_f64(value: f64) -> Self {
                let scale = f64::from(1_u32 << ($bits - 1));
                // `as` takes not-a-number to 0, which is silence here.
                let $put = round_half_even((value * scale).clamp(-scale, scale - 1.0)) as i32;
                $from
            }
        }
    };
}

integer_sample!(i32, 32, 0, 0, |sample| sample, |value| value);
integer_sample!(I24, 24, I24([0; 3]), 0, |sample| sample.to_i32(), |value| I24::from_i32(value));
integer_sample!(i16, 16, 0, 0, |sample| sample, |value| value as i16);
integer_sample!(i8, 8, 0, 0, |sample| sample, |value| value as i8);
integer_sample!(u8, 8, 128, 128, |sample| i32::from(sample) - 128, |value| (value + 128) as u8);

impl Sample for f32 {
    const EQUILIBRIUM: Self = 0.0;

    #[inline]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline]
    fn from_f64(value: f64) -> Self {
        if value.is_nan() { 0.0 } else { value as f32 }
    }
}
