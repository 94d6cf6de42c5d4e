//! The content of a fmt chunk, which W64 shares.

use super::{
    ALAW, EXTENSIBLE, FLOAT, GUID_TAIL, IMA_ADPCM, MS_ADPCM, PCM, ULAW,
    adpcm::{Coding, Kind},
};
use crate::{
    Result,
    file::{Container, Encoding, Endian, Spec, input::Input},
};

/// The byte order of numbers in a header.
#[derive(Clone, Copy)]
pub(in crate::file) struct Order {
    pub(in crate::file) big: bool,
}

impl Order {
    pub(in crate::file) fn u16(self, bytes: &[u8]) -> u16 {
        let bytes = [bytes[0], bytes[1]];
        if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    pub(in crate::file) fn u32(self, bytes: &[u8]) -> u32 {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}

/// Reads the front of `length` bytes of content; what is behind it is left.
pub(in crate::file) fn read(
    input: &mut Input,
    container: Container,
    order: Order,
    length: u64,
) -> Result<(Spec, Option<Coding>)> {
    let mut format = [0; 40];
    let count = length.min(format.len() as u64) as usize;
    if count < 16 {
        return Err(input.corrupt(format_args!("its fmt chunk has {length} bytes; at least 16 are needed")));
    }
    input.read_header(&mut format[..count])?;
    let channels = usize::from(order.u16(&format[2..]));
    let sample_rate = order.u32(&format[4..]);
    let block = usize::from(order.u16(&format[12..]));
    let bits = order.u16(&format[14..]);
    let mut tag = order.u16(&format);
    if tag == EXTENSIBLE {
        if count < 40 {
            return Err(
                input.corrupt(format_args!("its extensible fmt chunk has {length} bytes; 40 are needed"))
            );
        }
        if format[26..] != GUID_TAIL {
            return Err(
                input.unsupported("its sub-format is unknown; only PCM, IEEE float and companding are read")
            );
        }
        tag = order.u16(&format[24..]);
    }
    let coding = match (tag, bits) {
        (MS_ADPCM, 4) => Some(Coding { kind: Kind::Microsoft, block }),
        (IMA_ADPCM, 4) => Some(Coding { kind: Kind::Ima, block }),
        _ => None,
    };
    let encoding = match (tag, bits.div_ceil(8)) {
        _ if coding.is_some() => Encoding::Pcm16,
        (PCM, 1) => Encoding::PcmU8,
        (PCM, 2) => Encoding::Pcm16,
        (PCM, 3) => Encoding::Pcm24,
        (PCM, 4) => Encoding::Pcm32,
        (FLOAT, 4) => Encoding::Float,
        (FLOAT, 8) => Encoding::Double,
        (ULAW, 1) => Encoding::Ulaw,
        (ALAW, 1) => Encoding::Alaw,
        (PCM | FLOAT | ULAW | ALAW, _) => {
            let kind = match tag {
                PCM => "PCM",
                FLOAT => "float",
                _ => "companded",
            };
            return Err(input.unsupported(format_args!("{bits}-bit {kind} samples are not read")));
        }
        _ => {
            let message = "; only PCM (0x0001), IEEE float (0x0003), A-law (0x0006), µ-law (0x0007) and ADPCM (0x0002, 0x0011) are read: convert it first";
            return Err(input.unsupported(format_args!("its format tag is {tag:#06x}{message}")));
        }
    };
    let endian = if order.big { Endian::Big } else { Endian::Little };
    let spec = Spec { container, encoding, endian, channels, sample_rate, frames: None };
    // No channels at all is told by the check of the limits.
    if channels > 0 && coding.is_none() && block != spec.frame_size() {
        let message =
            format_args!("its frames have {block} bytes, but {channels} × {bits} bits are not so many");
        return Err(input.corrupt(message));
    }
    Ok((spec, coding))
}

/// The content for `spec`.
pub(in crate::file) fn content(spec: &Spec) -> Vec<u8> {
    // As the format's definition asks: more than two channels or 16 bits need to say what is what. Of companded samples
    // some programs don't understand it.
    let wide = spec.channels > 2 || (!spec.encoding.is_float() && spec.encoding.size() > 2);
    let extensible = wide && !spec.encoding.is_law();
    let tag = match spec.encoding {
        Encoding::Float | Encoding::Double => FLOAT,
        Encoding::Ulaw => ULAW,
        Encoding::Alaw => ALAW,
        _ => PCM,
    };
    let bits = (spec.encoding.size() * 8) as u16;
    let rate = u64::from(spec.sample_rate) * spec.frame_size() as u64;
    let big = spec.endian == Endian::Big;
    let u16 = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let u32 = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };

    let mut format = Vec::with_capacity(40);
    format.extend(u16(if extensible { EXTENSIBLE } else { tag }));
    format.extend(u16(spec.channels as u16));
    format.extend(u32(spec.sample_rate));
    format.extend(u32(u32::try_from(rate).unwrap_or(u32::MAX)));
    format.extend(u16(spec.frame_size() as u16));
    format.extend(u16(bits));
    if extensible {
        format.extend(u16(22));
        format.extend(u16(bits));
        format.extend(u32(channel_mask(spec.channels)));
        format.extend(u16(tag));
        format.extend(GUID_TAIL);
    } else if tag != PCM {
        format.extend(u16(0));
    }
    format
}

/// The loudspeakers that this many channels usually are: mono, stereo, 3.0, quad, 5.0, 5.1, 6.1, 7.1; of more nothing is said.
pub(in crate::file) const fn channel_mask(channels: usize) -> u32 {
    match channels {
        1 => 0x4,
        2 => 0x3,
        3 => 0x7,
        4 => 0x33,
        5 => 0x37,
        6 => 0x3F,
        7 => 0x70F,
        8 => 0x63F,
        _ => 0,
    }
}
