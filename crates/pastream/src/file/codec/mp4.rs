//! What an MP4 file says of its ends: the frames that an encoder put before and behind the audio.

use crate::{Error, ErrorKind, Result, file::input::Input};

/// A longer index than days of audio have.
const MAX_INDEX: u64 = 1 << 26;

/// What is to be played of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// Frames to leave out at the start, in units of the track.
    pub(super) skip: u64,
    /// How long it is then; `None`: to its end.
    pub(super) length: Option<Length>,
}

impl Edit {
    /// What is played of a track of `all` frames, in its own units, of which there are `rate` a second; `None` where the
    /// packets have to tell.
    pub(super) fn frames(&self, all: u64, rate: u32) -> Option<u64> {
        let there = all.saturating_sub(self.skip);
        let said = match self.length {
            None => there,
            Some(Length::Frames(frames)) => frames,
            Some(Length::Fragments) => return None,
            Some(Length::Movie(length, scale)) => {
                let frames = (u128::from(length) * u128::from(rate)).div_ceil(u128::from(scale));
                let frames = u64::try_from(frames).unwrap_or(u64::MAX);
                // Most often it is in milliseconds: it cuts off what is more than one of them.
                let unit = if scale == rate { 0 } else { u64::from(rate.div_ceil(scale)) };
                if there > frames && there - frames <= unit { there } else { frames }
            }
        };
        Some(said.min(there))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// In units of the movie, of which there are so many a second.
    Movie(u64, u32),
    Frames(u64),
    /// What the fragments hold, of which `moov` tells nothing.
    Fragments,
}

/// What `moov` says of each of its tracks, in their order, and where a file ends by what its boxes say. A pipe has to have it
/// before the audio; nothing is consumed.
///
/// # Errors
/// `UnsupportedFile` for a pipe where it comes later; `CorruptFile` where there is none.
pub(super) fn edits(input: &mut Input) -> Result<(Vec<Option<Edit>>, Option<u64>)> {
    if input.length().is_none() {
        let movie = from_pipe(input)?;
        return Ok((parse(&movie), None));
    }
    let start = input.position();
    let (movie, end) = from_file(input)?;
    input.seek(start)?;
    Ok((parse(&movie), Some(end)))
}

/// `moov`, and the end of the last box, which may be cut off.
fn from_file(input: &mut Input) -> Result<(Vec<u8>, u64)> {
    let there = input.length().unwrap_or(0);
    let (mut position, mut movie) = (input.position(), None);
    while position < there {
        input.seek(position)?;
        let mut header = [0; 16];
        let count = input.read_full(&mut header)?;
        let Some(head) = Head::read(&header[..count]) else { break };
        let length = head.length.unwrap_or(there - position);
        if &head.kind == b"moov" {
            let length = length.min(there - position);
            if length > MAX_INDEX {
                return Err(too_long(input));
            }
            let mut bytes = vec![0; length as usize];
            input.seek(position)?;
            let count = input.read_full(&mut bytes)?;
            bytes.truncate(count);
            movie = Some(bytes);
        }
        // Symphonia counts in i64.
        match position.checked_add(length) {
            Some(next) if next > position && i64::try_from(next).is_ok() => position = next,
            _ => break,
        }
    }
    movie.map(|movie| (movie, position.max(there))).ok_or_else(|| no_movie(input))
}

fn from_pipe(input: &mut Input) -> Result<Vec<u8>> {
    let mut position = 0;
    loop {
        let ahead = input.look_ahead(position + 16)?;
        let Some(head) = Head::read(ahead.get(position..).unwrap_or_default()) else {
            return Err(no_movie(input));
        };
        if matches!(&head.kind, b"mdat" | b"moof") {
            let message = format!(
                "{} is a pipe that has its index behind its audio: give the file itself, or make it with the index in front (ffmpeg: -movflags +faststart)",
                input.name()
            );
            return Err(Error::new(ErrorKind::UnsupportedFile, message));
        }
        let next = head.length.and_then(|length| length.checked_add(position as u64));
        let Some(next) = next.filter(|&next| next > position as u64 && next <= MAX_INDEX) else {
            return Err(too_long(input));
        };
        let next = next as usize;
        if &head.kind == b"moov" {
            let ahead = input.look_ahead(next)?;
            return Ok(ahead[position..ahead.len().min(next)].to_vec());
        }
        position = next;
    }
}

fn no_movie(input: &Input) -> Error {
    input.corrupt("it has no index (no moov box)")
}

fn too_long(input: &Input) -> Error {
    input.corrupt("its index (moov) is longer than any file's")
}

/// The beginning of a box.
struct Head {
    kind: [u8; 4],
    /// With its beginning; `None`: to the end.
    length: Option<u64>,
    size: usize,
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk()?;
        let (&kind, rest) = rest.split_first_chunk()?;
        match u32::from_be_bytes(*length) {
            0 => Some(Self { kind, length: None, size: 8 }),
            1 => {
                let length = u64::from_be_bytes(*rest.first_chunk()?);
                Some(Self { kind, length: Some(length), size: 16 })
            }
            length => Some(Self { kind, length: Some(u64::from(length)), size: 8 }),
        }
    }
}

/// The boxes that `bytes` hold: kind and content.
fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let head = Head::read(bytes)?;
        let length = head.length.map_or(bytes.len(), |length| length.min(bytes.len() as u64) as usize);
        let content = bytes.get(head.size..length)?;
        bytes = &bytes[length..];
        Some((head.kind, content))
    })
}

fn find(bytes: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    boxes(bytes).find(|&(found, _)| found == kind).map(|(_, content)| content)
}

fn parse(movie: &[u8]) -> Vec<Option<Edit>> {
    let Some(movie) = find(movie, *b"moov") else { return Vec::new() };
    let scale = find(movie, *b"mvhd").and_then(|header| {
        let at = if header.first()? == &1 { 20 } else { 12 };
        Some(u32::from_be_bytes(*header.get(at..)?.first_chunk()?))
    });
    let itunes = itunes(movie);
    let fragmented = find(movie, *b"mvex").is_some();
    boxes(movie)
        .filter(|(kind, _)| kind == b"trak")
        .map(|(_, track)| {
            let list = find(track, *b"edts").and_then(|edits| find(edits, *b"elst"));
            let edit = list.and_then(|list| first_edit(list, scale?)).or(itunes);
            if !fragmented {
                return edit;
            }
            Some(Edit { skip: edit.map_or(0, |edit| edit.skip), length: Some(Length::Fragments) })
        })
        .collect()
}

/// The first edit that plays something; those before it are pauses.
fn first_edit(list: &[u8], scale: u32) -> Option<Edit> {
    let (header, entries) = list.split_first_chunk::<8>()?;
    let wide = header[0] == 1;
    entries.chunks_exact(if wide { 20 } else { 12 }).find_map(|entry| {
        let (length, skip) = if wide {
            let (length, rest) = entry.split_first_chunk()?;
            (u64::from_be_bytes(*length), i64::from_be_bytes(*rest.first_chunk()?))
        } else {
            let (length, rest) = entry.split_first_chunk()?;
            (u64::from(u32::from_be_bytes(*length)), i64::from(i32::from_be_bytes(*rest.first_chunk()?)))
        };
        let length = (length > 0 && scale > 0).then_some(Length::Movie(length, scale));
        u64::try_from(skip).ok().map(|skip| Edit { skip, length })
    })
}

/// What iTunes writes instead of an edit, as text: a zero, the delay, the padding and the length in hexadecimal.
fn itunes(movie: &[u8]) -> Option<Edit> {
    let at = movie.windows(8).position(|bytes| bytes == b"iTunSMPB")?;
    let rest = &movie[at..movie.len().min(at + 256)];
    let text = rest.split(|byte| !byte.is_ascii_hexdigit() && *byte != b' ');
    let text = text.max_by_key(|part| part.len())?;
    let fields: Option<Vec<u64>> = std::str::from_utf8(text)
        .ok()?
        .split_whitespace()
        .take(4)
        .map(|field| u64::from_str_radix(field, 16).ok())
        .collect();
    match fields?.as_slice() {
        &[_, skip, _, length] => Some(Edit { skip, length: Some(Length::Frames(length)) }),
        _ => None,
    }
}
