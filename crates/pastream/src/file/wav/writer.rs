//! Writes WAV headers.

use super::{EXTENSIBLE, FLOAT, GUID_TAIL, PCM};
use crate::{
    Result,
    file::{
        Encoder, Endian, Spec,
        output::Output,
        pcm::{Layout, PcmEncoder},
    },
};

pub(in crate::file) fn encoder(output: Output, spec: Spec) -> Result<Box<dyn Encoder>> {
    let limit = limit(&spec);
    Ok(Box::new(PcmEncoder::new(output, spec, Layout { header, limit, padded: true })?))
}

/// The most bytes of data: the RIFF length counts what follows its field, and a byte of padding.
pub(in crate::file) fn limit(spec: &Spec) -> u64 {
    u64::from(u32::MAX) - (header(spec, None).len() as u64 - 8) - 1
}

fn header(spec: &Spec, data: Option<u64>) -> Vec<u8> {
    let is_float = spec.encoding.is_float();
    // As the format's definition asks: more than two channels or 16 bits need to say what is what.
    let extensible = spec.channels > 2 || (!is_float && spec.encoding.size() > 2);
    let tag = if is_float { FLOAT } else { PCM };
    let bits = (spec.encoding.size() * 8) as u16;
    let rate = u64::from(spec.sample_rate) * spec.frame_size() as u64;
    let big = spec.endian == Endian::Big;
    let u16 = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let u32 = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    // All ones where it is unknown.
    let size =
        |value: Option<u64>| u32(value.and_then(|value| u32::try_from(value).ok()).unwrap_or(u32::MAX));
    let chunk = |to: &mut Vec<u8>, id: [u8; 4], content: &[u8]| {
        to.extend(id);
        to.extend(u32(content.len() as u32));
        to.extend(content);
    };

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
    } else if is_float {
        format.extend(u16(0));
    }

    let mut chunks = Vec::with_capacity(128);
    chunks.extend(b"WAVE");
    // Room for the ds64 chunk that a file of more than 4 GiB needs.
    chunk(&mut chunks, *b"JUNK", &[0; 28]);
    chunk(&mut chunks, *b"fmt ", &format);
    if is_float {
        chunk(&mut chunks, *b"fact", &size(data.map(|data| data / spec.frame_size() as u64)));
    }
    chunks.extend(b"data");
    chunks.extend(size(data));

    let mut header = Vec::with_capacity(128);
    header.extend(if big { b"RIFX" } else { b"RIFF" });
    header.extend(size(data.map(|data| chunks.len() as u64 + data + data % 2)));
    header.extend(chunks);
    header
}

/// The loudspeakers that this many channels usually are: mono, stereo, 3.0, quad, 5.0, 5.1, 6.1, 7.1; of more nothing is said.
const fn channel_mask(channels: usize) -> u32 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Container;

    #[test]
    fn lengths_are_true_up_to_the_limit() {
        for &encoding in Container::Wav.encodings() {
            for channels in [1, 3] {
                let spec = Spec {
                    container: Container::Wav,
                    encoding,
                    endian: Endian::File,
                    channels,
                    sample_rate: 1,
                    frames: None,
                };
                for data in [limit(&spec) - 1, limit(&spec)] {
                    let header = header(&spec, Some(data));
                    let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
                    assert_eq!(u64::from(length), header.len() as u64 - 8 + data + data % 2);
                    assert_eq!(header[header.len() - 4..], (data as u32).to_le_bytes());
                }
            }
        }
    }
}
