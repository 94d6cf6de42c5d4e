//! The rate of AIFF: an 80-bit float of IEEE 754's extended precision, big-endian.

/// What the exponent of 1.0 is.
const BIAS: u16 = 16_383;

/// The nearest whole number of Hz; 0 for what is no rate.
pub(super) fn read(bytes: [u8; 10]) -> u32 {
    let [a, b, mantissa @ ..] = bytes;
    let (exponent, mantissa) = (u16::from_be_bytes([a, b]), u64::from_be_bytes(mantissa));
    // A negative number has the sign bit, and so an exponent that is too large.
    match exponent.checked_sub(BIAS) {
        Some(exponent @ 0..=31) => {
            let half = 1 << (62 - exponent);
            u32::try_from((u128::from(mantissa) + half) >> (63 - exponent)).unwrap_or(u32::MAX)
        }
        _ => 0,
    }
}

pub(super) fn write(rate: u32) -> [u8; 10] {
    let shift = rate.leading_zeros();
    let exponent = if rate == 0 { 0 } else { BIAS + 31 - shift as u16 };
    let mantissa = u64::from(rate) << (32 + shift % 32);
    let mut bytes = [0; 10];
    bytes[..2].copy_from_slice(&exponent.to_be_bytes());
    bytes[2..].copy_from_slice(&mantissa.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_come_back() {
        for rate in [1, 2, 3, 8_000, 11_025, 44_100, 48_000, 96_000, 768_000, u32::MAX] {
            assert_eq!(read(write(rate)), rate);
        }
        assert_eq!(write(44_100), *b"\x40\x0E\xAC\x44\0\0\0\0\0\0");
    }

    #[test]
    fn what_is_no_whole_rate() {
        assert_eq!(read(*b"\x40\x0C\xAD\xDD\x17\x45\xD1\x74\x5D\x17"), 11_127);
        // 0.5 less than 44101, and 2^32 less half of one.
        assert_eq!(read(*b"\x40\x0E\xAC\x44\x80\0\0\0\0\0"), 44_101);
        assert_eq!(read(*b"\x40\x1E\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), u32::MAX);
        for none in [*b"\0\0\0\0\0\0\0\0\0\0", *b"\xC0\x0E\xAC\x44\0\0\0\0\0\0", [0xFF; 10]] {
            assert_eq!(read(none), 0);
        }
    }
}
