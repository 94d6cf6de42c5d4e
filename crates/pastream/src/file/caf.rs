//! Apple's Core Audio Format: chunks with lengths of 64 bits, and samples of either byte order.

use super::{
    Container, Encoder, Encoding, Endian, Opened, Spec, Tag, Tags,
    input::Input,
    output::Output,
    pcm::{self, Chunk, Chunks, Layout, PcmEncoder},
    wav::channel_mask,
};
use crate::Result;

/// Bytes of a name and a length.
const HEAD: usize = 12;

const DESCRIPTION: usize = 32;

/// Bytes of a data chunk before its frames: how often it was edited.
const EDITS: u64 = 4;

/// A data chunk whose end nobody knows, which is then the file's.
const UNKNOWN: i64 = -1;

const FLOAT: u32 = 1;
const LITTLE: u32 = 2;

/// A channel layout that is a bitmap of loudspeakers, those of WAV.
const BITMAP: u32 = 1 << 16;
/// A channel layout of so many channels (its low half) that are no loudspeakers.
const DISCRETE: u32 = 147 << 16;

/// How an info chunk calls the tags; then how ffmpeg does.
const INFORMATION: [(&str, Tag); 13] = [
    ("title", Tag::Title),
    ("artist", Tag::Artist),
    ("album", Tag::Album),
    ("recorded date", Tag::Date),
    ("comments", Tag::Comment),
    ("track number", Tag::Track),
    ("description", Tag::Description),
    ("originator", Tag::Originator),
    ("time reference", Tag::TimeReference),
    ("year", Tag::Date),
    ("date", Tag::Date),
    ("comment", Tag::Comment),
    ("track", Tag::Track),
];

/// Reads the header of what begins with `caff`.
pub(super) fn decoder(mut input: Input) -> Result<Opened> {
    let mut file = [0; 8];
    input.read_header(&mut file)?;
    let version = u16::from_be_bytes([file[4], file[5]]);
    if version != 1 {
        return Err(input.unsupported(format_args!("it is CAF of version {version}; only 1 is read")));
    }
    pcm::find(input, Caf)
}

#[derive(Clone)]
struct Caf;

impl Chunks for Caf {
    const NAMES: [&str; 2] = ["desc", "data"];

    fn next(&mut self, input: &mut Input) -> Result<Option<(Chunk, u64)>> {
        let mut head = [0; HEAD];
        if input.read_full(&mut head)? < head.len() {
            return Ok(None);
        }
        let length = u64::from_be_bytes(word(&head[4..]));
        let next = input.position().saturating_add(length);
        let chunk = match &head[..4] {
            b"desc" => {
                if length < DESCRIPTION as u64 {
                    let message = format_args!("its desc chunk has {length} bytes; {DESCRIPTION} are needed");
                    return Err(input.corrupt(message));
                }
                Chunk::Format(description(input)?)
            }
            b"data" => {
                let mut edits = [0; EDITS as usize];
                input.read_header(&mut edits)?;
                Chunk::Data(length)
            }
            b"info" => Chunk::Tags(information(&input.read_text(length)?)),
            _ => Chunk::Other,
        };
        Ok(Some((chunk, next)))
    }

    /// A negative length is none, and neither is one with room for no more than the edits, as libsndfile leaves it.
    fn length(&self, said: u64, _: &Spec, _: Option<u64>) -> Option<u64> {
        let length = i64::try_from(said).ok()?.checked_sub_unsigned(EDITS)?;
        u64::try_from(length).ok().filter(|&length| length > 0)
    }
}

/// An info chunk: a count, and names and values that end in zeros.
fn information(content: &[u8]) -> Tags {
    let mut tags = Tags::default();
    let mut texts = content.get(4..).unwrap_or_default().split(|&byte| byte == 0);
    while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
        let known = INFORMATION.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
        if let Some(&(_, tag)) = known {
            tags.found(tag, value);
        }
    }
    tags
}

fn description(input: &mut Input) -> Result<Spec> {
    let mut content = [0; DESCRIPTION];
    input.read_header(&mut content)?;
    let rate = f64::from_be_bytes(word(&content)).round();
    let number = |at: usize| u32::from_be_bytes(word(&content[at..]));
    let [flags, size, per_packet, channels, bits] = [12, 16, 20, 24, 28].map(number);
    let bytes = bits.div_ceil(8);
    // Integers may lie in more bytes than they have bits for, as 24 bits in four; they fill those from the top.
    let held =
        size.checked_div(channels).filter(|held| channels * held == size && (bytes..=4).contains(held));
    let held = if flags & FLOAT == 0 { held.unwrap_or(bytes) } else { bytes };
    let encoding = match (&content[8..12], flags & FLOAT != 0, held) {
        (b"lpcm", false, 1) => Encoding::PcmS8,
        (b"lpcm", false, 2) => Encoding::Pcm16,
        (b"lpcm", false, 3) => Encoding::Pcm24,
        (b"lpcm", false, 4) => Encoding::Pcm32,
        (b"lpcm", true, 4) => Encoding::Float,
        (b"lpcm", true, 8) => Encoding::Double,
        (b"ulaw", ..) => Encoding::Ulaw,
        (b"alaw", ..) => Encoding::Alaw,
        (b"lpcm", is_float, _) => {
            let kind = if is_float { "float" } else { "PCM" };
            return Err(input.unsupported(format_args!("{bits}-bit {kind} samples are not read")));
        }
        (kind, ..) => {
            return Err(input.unsupported(format_args!(
                "its samples are compressed as `{}`, which is not read: convert it first",
                kind.escape_ascii()
            )));
        }
    };
    let endian = if flags & LITTLE == 0 { Endian::Big } else { Endian::Little };
    let channels = channels as usize;
    // What is no rate is 0, of which the check of the limits tells.
    let sample_rate = rate as u32;
    let spec = Spec { container: Container::Caf, encoding, endian, channels, sample_rate, frames: None };
    let expected = channels.saturating_mul(encoding.size());
    if channels > 0 && (size as usize != expected || per_packet != 1) {
        let message = format_args!(
            "its packets have {per_packet} frames in {size} bytes, but {channels} × {bits} bits are one in {expected}"
        );
        return Err(input.corrupt(message));
    }
    Ok(spec)
}

pub(super) fn encoder(output: Output, spec: Spec, tags: Tags) -> Result<Box<dyn Encoder>> {
    Ok(Box::new(PcmEncoder::new(
        output,
        spec,
        tags,
        Layout { header, limit: u64::MAX, alignment: 1, untold: false },
    )?))
}

/// What stands before the frames, for `data` bytes of them; `None`: not known.
pub(super) fn header(spec: &Spec, tags: &Tags, data: Option<u64>) -> Vec<u8> {
    let encoding = spec.encoding;
    let head = |to: &mut Vec<u8>, id: [u8; 4], length: i64| {
        to.extend(id);
        to.extend(length.to_be_bytes());
    };
    let kind = match encoding {
        Encoding::Ulaw => b"ulaw",
        Encoding::Alaw => b"alaw",
        _ => b"lpcm",
    };
    let is_little = spec.endian == Endian::Little;
    let float = if encoding.is_float() { FLOAT } else { 0 };
    let little = if is_little && !encoding.is_law() { LITTLE } else { 0 };
    let numbers =
        [float | little, spec.frame_size() as u32, 1, spec.channels as u32, encoding.size() as u32 * 8];

    let mut header = Vec::with_capacity(104);
    header.extend(b"caff\0\x01\0\0");
    head(&mut header, *b"desc", DESCRIPTION as i64);
    header.extend(f64::from(spec.sample_rate).to_be_bytes());
    header.extend(kind);
    header.extend(numbers.into_iter().flat_map(u32::to_be_bytes));
    // Of more than two channels the format asks for it.
    if spec.channels > 2 {
        let mask = channel_mask(spec.channels);
        let tag = if mask == 0 { DISCRETE | spec.channels as u32 } else { BITMAP };
        head(&mut header, *b"chan", 12);
        header.extend([tag, mask, 0].into_iter().flat_map(u32::to_be_bytes));
    }
    if !tags.is_empty() {
        let texts: Vec<_> = tags.named(&INFORMATION).collect();
        let mut content = (texts.len() as u32).to_be_bytes().to_vec();
        for (key, value) in texts {
            content.extend(format!("{key}\0{value}\0").bytes());
        }
        head(&mut header, *b"info", content.len() as i64);
        header.extend(content);
    }
    // Nothing is recorded yet where the length is 0: whoever dies now leaves what came until then.
    let length = data.filter(|&data| data > 0).map_or(UNKNOWN, |data| (EDITS + data).cast_signed());
    head(&mut header, *b"data", length);
    header.extend([0; EDITS as usize]);
    header
}

/// The first bytes of `bytes`.
fn word<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut word = [0; N];
    word.copy_from_slice(&bytes[..N]);
    word
}
