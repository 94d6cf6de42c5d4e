//! µ-law and A-law: 16-bit samples in one byte, as ITU-T G.711 compands them.
//!
//! A code word is a sign, a segment of three bits, each twice as wide as the one before, and a step of four bits in it.
//! Encoding rounds to the 14 bits of µ-law or the 13 of A-law, halves up, and finds the step that this is in, as sox does.
//! ffmpeg rounds down instead.

/// The bits that a line turns over: in µ-law all, in A-law every other.
const ULAW_MASK: u8 = 0xFF;
const ALAW_MASK: u8 = 0x55;

const SIGN: u8 = 0x80;

/// What µ-law adds to magnitudes, so that its first segment is as the others.
const BIAS: i32 = 33;

/// The largest magnitudes with a code word, in 14 bits and in 13.
const ULAW_MOST: i32 = 8_158;
const ALAW_MOST: i32 = 4_095;

pub(crate) fn ulaw_to_16(code: u8) -> i16 {
    const TABLE: [i16; 256] = {
        let mut table = [0; 256];
        let mut code = 0;
        while code < 256 {
            table[code] = ulaw_value(code as u8);
            code += 1;
        }
        table
    };
    TABLE[usize::from(code)]
}

pub(crate) fn alaw_to_16(code: u8) -> i16 {
    const TABLE: [i16; 256] = {
        let mut table = [0; 256];
        let mut code = 0;
        while code < 256 {
            table[code] = alaw_value(code as u8);
            code += 1;
        }
        table
    };
    TABLE[usize::from(code)]
}

const fn ulaw_value(code: u8) -> i16 {
    let code = code ^ ULAW_MASK;
    let (segment, step) = (code >> 4 & 7, (code & 15) as i32);
    // The middle of the step, in 14 bits.
    let magnitude = ((2 * step + BIAS) << segment) - BIAS;
    (if code & SIGN == 0 { magnitude * 4 } else { magnitude * -4 }) as i16
}

const fn alaw_value(code: u8) -> i16 {
    let code = code ^ ALAW_MASK;
    let (segment, step) = (code >> 4 & 7, (code & 15) as i32);
    // The middle of the step, in 13 bits. The first two segments are of the same width.
    let magnitude = if segment == 0 { 2 * step + 1 } else { (2 * step + BIAS) << (segment - 1) };
    (if code & SIGN == 0 { magnitude * -8 } else { magnitude * 8 }) as i16
}

pub(crate) fn ulaw_from_16(sample: i16) -> u8 {
    let sample = (i32::from(sample) + 2) >> 2;
    let magnitude = sample.abs().min(ULAW_MOST) + BIAS;
    // 33 to 8191: from 6 to 13 bits.
    let segment = magnitude.ilog2() - 5;
    let step = magnitude >> (segment + 1) & 15;
    let code = (segment << 4) as u8 | step as u8;
    (if sample < 0 { code | SIGN } else { code }) ^ ULAW_MASK
}

pub(crate) fn alaw_from_16(sample: i16) -> u8 {
    let sample = (i32::from(sample) + 4) >> 3;
    // A negative step ends where a positive one begins: there is no code word for 0.
    let magnitude = (if sample < 0 { !sample } else { sample }).min(ALAW_MOST);
    let segment = (magnitude | 1).ilog2().saturating_sub(4);
    let step = magnitude >> segment.max(1) & 15;
    let code = (segment << 4) as u8 | step as u8;
    (if sample < 0 { code } else { code | SIGN }) ^ ALAW_MASK
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A law: how it decodes, how it encodes, by how many bits it rounds, and its mask.
    type Law = (fn(u8) -> i16, fn(i16) -> u8, u32, u8);

    const LAWS: [Law; 2] =
        [(ulaw_to_16, ulaw_from_16, 2, ULAW_MASK), (alaw_to_16, alaw_from_16, 3, ALAW_MASK)];

    /// The ends of the tables in G.711, and the values around zero.
    #[test]
    fn code_words_are_those_of_the_standard() {
        let words = [(0x00, -32_124), (0x7F, 0), (0x80, 32_124), (0xFF, 0), (0xFE, 8), (0x7E, -8)];
        assert!(words.iter().all(|&(code, value)| ulaw_to_16(code) == value));
        let words = [(0xAA, 32_256), (0x2A, -32_256), (0xD5, 8), (0x55, -8), (0xD4, 24), (0xC5, 264)];
        assert!(words.iter().all(|&(code, value)| alaw_to_16(code) == value));
    }

    #[test]
    fn every_sample_is_in_the_step_of_its_code_word() {
        for (decode, encode, bits, mask) in LAWS {
            let mut last = i16::MIN;
            for sample in i16::MIN..=i16::MAX {
                let code = encode(sample);
                let value = decode(code);
                assert!(value >= last, "{sample}");
                last = value;
                let rounded = (i32::from(sample) + (1 << (bits - 1))) >> bits << bits;
                let segment = u32::from((code ^ mask) >> 4 & 7);
                let half = if bits == 2 { 4 << segment } else { 8 << segment.saturating_sub(1) };
                // Beyond the last step there is none.
                let clipped = rounded.clamp(-32_636, 32_636);
                assert!((i32::from(value) - clipped).abs() <= half, "{sample}");
            }
        }
    }

    #[test]
    fn code_words_come_back() {
        for (decode, encode, ..) in LAWS {
            for code in 0..=255 {
                // Of the two zeros of µ-law one comes back as the other.
                let same = encode(decode(code)) == code || decode(code) == 0;
                assert!(same, "{code:#x}");
            }
        }
    }
}
