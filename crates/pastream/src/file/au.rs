//! AU (Sun/NeXT): a header of six words, an annotation, and samples of either byte order.

use super::{
    Container, Encoder, Encoding, Endian, Opened, Spec, Tag, Tags,
    input::Input,
    output::Output,
    pcm::{Layout, PcmDecoder, PcmEncoder},
};
use crate::Result;

const HEADER: u32 = 24;

/// The encodings and their numbers.
const ENCODINGS: [(u32, Encoding); 8] = [
    (1, Encoding::Ulaw),
    (2, Encoding::PcmS8),
    (3, Encoding::Pcm16),
    (4, Encoding::Pcm24),
    (5, Encoding::Pcm32),
    (6, Encoding::Float),
    (7, Encoding::Double),
    (27, Encoding::Alaw),
];

/// Reads the header of what begins with `.snd` or, in little-endian order, `dns.`; or with what DEC's
/// programs and sox have in place of either, `.sd\0` and `\0ds.`.
pub(super) fn decoder(mut input: Input) -> Result<Opened> {
    let mut header = [0; HEADER as usize];
    input.read_header(&mut header)?;
    let little = header[3] == b'.';
    let [_, start, length, code, sample_rate, channels] = bytemuck::cast::<_, [[u8; 4]; 6]>(header)
        .map(|word| if little { u32::from_le_bytes(word) } else { u32::from_be_bytes(word) });
    if start < HEADER || input.length().is_some_and(|end| u64::from(start) > end) {
        return Err(input
            .corrupt(format_args!("its audio would begin at byte {start}, which is not behind its header")));
    }
    let Some((_, encoding)) = ENCODINGS.into_iter().find(|(known, _)| *known == code) else {
        let message = "only 1 to 7 and 27 (PCM, float and companded) are read: convert it first";
        return Err(input.unsupported(format_args!("its encoding is number {code}; {message}")));
    };
    let tags = annotation(&input.read_text(u64::from(start - HEADER))?);
    input.skip(u64::from(start).saturating_sub(input.position()))?;
    if input.position() < u64::from(start) {
        return Err(input.corrupt("it is cut off inside its header"));
    }
    let endian = if little { Endian::Little } else { Endian::Big };
    let channels = channels as usize;
    let spec = Spec { container: Container::Au, encoding, endian, channels, sample_rate, frames: None };
    // Some programs write 0 where they don't know it. Nothing can follow the audio, so its end is the file's.
    let length = if matches!(length, 0 | u32::MAX) { None } else { Some(u64::from(length)) };
    Ok((Box::new(PcmDecoder::new(input, spec, length)?), tags))
}

pub(super) fn encoder(output: Output, spec: Spec, tags: Tags) -> Result<Box<dyn Encoder>> {
    // A length that doesn't fit is told as unknown, which means the rest of the file.
    Ok(Box::new(PcmEncoder::new(
        output,
        spec,
        tags,
        Layout { header, limit: u64::MAX, alignment: 1, untold: false },
    )?))
}

/// Lines of `tag=value`, as ffmpeg has them, too; what isn't is a comment.
fn annotation(text: &[u8]) -> Tags {
    let mut tags = Tags::default();
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    for line in text.split(|&byte| byte == b'\n') {
        let at = line.iter().position(|&byte| byte == b'=');
        let tag = at.and_then(|at| std::str::from_utf8(&line[..at]).ok()?.parse().ok().zip(Some(at)));
        match tag {
            Some((tag, at)) => tags.found(tag, &line[at + 1..]),
            None if tags.is_empty() => {
                tags.found(Tag::Comment, text);
                break;
            }
            None => {}
        }
    }
    tags
}

/// What stands before the frames, for `data` bytes of them; `None`: not known.
pub(super) fn header(spec: &Spec, tags: &Tags, data: Option<u64>) -> Vec<u8> {
    let length = data.and_then(|data| u32::try_from(data).ok()).unwrap_or(u32::MAX);
    let code = ENCODINGS.iter().find(|(_, encoding)| *encoding == spec.encoding).map_or(0, |(code, _)| *code);
    let mut text: String = tags.iter().map(|(tag, value)| [tag.name(), "=", value, "\n"].concat()).collect();
    // At least one zero ends it.
    let padding = if text.is_empty() { 0 } else { 8 - text.len() % 8 };
    text.extend(std::iter::repeat_n('\0', padding));
    let start = HEADER + text.len() as u32;
    let words = [u32::from_be_bytes(*b".snd"), start, length, code, spec.sample_rate, spec.channels as u32];
    let little = spec.endian == Endian::Little;
    let words =
        words.into_iter().flat_map(|word| if little { word.to_le_bytes() } else { word.to_be_bytes() });
    words.chain(text.bytes()).collect()
}
