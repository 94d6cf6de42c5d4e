//! Tells compressed files by their first bytes.

use crate::{
    Result,
    file::{Container, Tags, input::Input},
};

/// How far behind an ID3 tag the first MP3 frame may begin: some programs pad.
const PADDING: usize = 4096;

/// Two frames of MP3 or ADTS and the header behind them.
const FRAMES: usize = 2 * 8192;

/// What the input holds, where it is compressed. An ID3 tag is skipped then, so that the input stands at the audio, and its tags go to `tags`.
pub(in crate::file) fn detect(input: &mut Input, tags: &mut Tags) -> Result<Option<Container>> {
    if let Some(length) = id3_length(input.look_ahead(10)?) {
        tags.merge(id3(input, length)?);
        // Nothing else begins with such a tag, and its length tells where the audio is.
        while let Some(length) = id3_length(input.look_ahead(10)?) {
            tags.merge(id3(input, length)?);
        }
        let ahead = input.look_ahead(4)?;
        if let Some(found) = by_magic(ahead) {
            return Ok(Some(found));
        }
        let ahead = input.look_ahead(PADDING + FRAMES)?;
        let found = (0..ahead.len().min(PADDING)).find_map(|at| Some((at, by_frames(&ahead[at..])?)));
        return match found {
            Some((at, found)) => input.skip(at as u64).map(|()| Some(found)),
            None => Ok(None),
        };
    }
    let ahead = input.look_ahead(Input::PEEK)?;
    if let Some(found) = by_magic(ahead) {
        return Ok(Some(found));
    }
    if !matches!(ahead, [0xFF, second, ..] if second & 0xE0 == 0xE0) {
        return Ok(None);
    }
    let Some(first) = mp3_frame(ahead).or_else(|| adts_frame(ahead)) else { return Ok(None) };
    Ok(by_frames(input.look_ahead(first.length + Input::PEEK)?))
}

/// Reads the tag of `length` bytes that the input stands before.
fn id3(input: &mut Input, length: u64) -> Result<Tags> {
    let tag = input.read_text(length)?;
    input.skip(length - tag.len() as u64)?;
    Ok(super::id3(tag))
}

fn by_magic(first: &[u8]) -> Option<Container> {
    match first {
        [b'f', b'L', b'a', b'C', ..] => Some(Container::Flac),
        [b'O', b'g', b'g', b'S', ..] => Some(Container::Ogg),
        [0x1A, 0x45, 0xDF, 0xA3, ..] => Some(Container::Mkv),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(Container::M4a),
        _ => None,
    }
}

/// MP3 or ADTS where two frames follow each other: the sync of one alone is in any noise.
fn by_frames(first: &[u8]) -> Option<Container> {
    for (parse, container) in
        [(mp3_frame as fn(&[u8]) -> Option<Frame>, Container::Mp3), (adts_frame, Container::Adts)]
    {
        let Some(frame) = parse(first) else { continue };
        let second = first.get(frame.length..).unwrap_or_default();
        if parse(second).is_some_and(|second| second.kind == frame.kind) {
            return Some(container);
        }
    }
    None
}

/// Bytes of the ID3 tag, with its header, that `first` begins with.
fn id3_length(first: &[u8]) -> Option<u64> {
    let [b'I', b'D', b'3', 2..=4, _, flags, length @ ..] = first else { return None };
    let length = length.get(..4)?;
    if length.iter().any(|byte| byte & 0x80 != 0) {
        return None;
    }
    let length = length.iter().fold(0, |length, &byte| length << 7 | u64::from(byte));
    let footer = if flags & 0x10 == 0 { 0 } else { 10 };
    Some(10 + length + footer)
}

struct Frame {
    length: usize,
    /// What stays the same from frame to frame: version, layer and rate.
    kind: [u8; 2],
}

/// An MPEG audio layer III header: the fields of its four bytes are version, layer, bit rate, rate and padding.
fn mp3_frame(bytes: &[u8]) -> Option<Frame> {
    const V1: [usize; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const V2: [usize; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let &[0xFF, second, third, fourth, ..] = bytes else { return None };
    let version = second >> 3 & 3;
    let rate = usize::from(third >> 2 & 3);
    if second & 0xE6 != 0xE2 || version == 1 || rate == 3 || fourth & 3 == 2 {
        return None;
    }
    let (rates, divider, samples) = match version {
        3 => (V1, 1, 1152),
        2 => (V2, 2, 576),
        _ => (V2, 4, 576),
    };
    let bits = rates.get(usize::from(third >> 4)).copied().filter(|&bits| bits > 0)? * 1000;
    let rate = [44_100, 48_000, 32_000][rate] / divider;
    let length = samples / 8 * bits / rate + usize::from(third >> 1 & 1);
    Some(Frame { length, kind: [second & 0xFE, third & 0x0C] })
}

fn adts_frame(bytes: &[u8]) -> Option<Frame> {
    let &[0xFF, second, third, fourth, fifth, sixth, ..] = bytes else { return None };
    let length = usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth >> 5);
    // 13 rates are defined.
    let sane = second & 0xF6 == 0xF0 && third >> 2 & 15 < 13 && length > 7;
    sane.then_some(Frame { length, kind: [second, third & 0xFD] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(bytes: &[u8]) -> Option<Container> {
        let bytes = std::io::Cursor::new(bytes.to_vec());
        detect(&mut Input::pipe(Box::new(bytes), "pipe".to_owned()), &mut Tags::default()).unwrap()
    }

    #[test]
    fn sync_bytes_alone_are_no_audio() {
        // MPEG 1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes.
        let mut mp3 = vec![0; 417];
        mp3[..4].copy_from_slice(&[0xFF, 0xFB, 0x90, 0x00]);
        assert_eq!(detected(&mp3), None);
        let mut two = [mp3.clone(), mp3.clone()].concat();
        assert_eq!(detected(&two), Some(Container::Mp3));
        two[417] = 0;
        assert_eq!(detected(&two), None);
        two[417..421].copy_from_slice(&[0xFF, 0xFB, 0x94, 0x00]);
        assert_eq!(detected(&two), None, "another rate");
        let mut tagged = b"ID3\x04\0\0\0\0\x01\x02".to_vec();
        tagged.resize(10 + 130 + 20, 0);
        tagged.extend(&mp3);
        tagged.extend(&mp3);
        assert_eq!(detected(&tagged), Some(Container::Mp3));
        assert_eq!(detected(&tagged[..170]), None);
    }

    #[test]
    fn noise_is_no_audio() {
        let mut random = fastrand::Rng::with_seed(7);
        let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(20_000).collect();
        for _ in 0..20_000 {
            let at = random.usize(..noise.len() - 4000);
            let mut bytes = noise[at..at + 4000].to_vec();
            bytes[..2].copy_from_slice(&[0xFF, 0xE0 | random.u8(..)]);
            assert_eq!(detected(&bytes), None);
        }
    }
}
