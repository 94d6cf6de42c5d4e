//! What WAV says of its audio: a list of texts (LIST of type INFO), and the bext chunk of broadcasters (EBU Tech 3285).

use super::Order;
use crate::{
    Result,
    file::{Tag, Tags, input::Input},
};

/// Bytes that the bext chunk has for each.
pub(in crate::file) const DESCRIPTION: usize = 256;
pub(in crate::file) const ORIGINATOR: usize = 32;

/// Where the other fields lie: `YYYY-MM-DD`, then `HH:MM:SS`; frames from midnight; version.
const DATE: usize = 320;
const TIME: usize = 330;
const REFERENCE: usize = 338;
const VERSION: usize = 346;
const LENGTH: usize = 602;

/// The texts of a list; then other names of the same.
const INFO: [([u8; 4], Tag); 7] = [
    (*b"INAM", Tag::Title),
    (*b"IART", Tag::Artist),
    (*b"IPRD", Tag::Album),
    (*b"ICRD", Tag::Date),
    (*b"ICMT", Tag::Comment),
    (*b"ITRK", Tag::Track),
    (*b"IPRT", Tag::Track),
];

pub(super) fn read_info(input: &mut Input, order: Order, length: u64) -> Result<Tags> {
    let mut tags = Tags::default();
    let list = input.read_text(length)?;
    let Some(mut texts) = list.strip_prefix(b"INFO") else { return Ok(tags) };
    while let Some((head, rest)) = texts.split_first_chunk::<8>() {
        let length = (order.u32(&head[4..]) as usize).min(rest.len());
        if let Some(&(_, tag)) = INFO.iter().find(|(id, _)| head.starts_with(id)) {
            tags.found(tag, &rest[..length]);
        }
        texts = rest.get(length.next_multiple_of(2)..).unwrap_or_default();
    }
    Ok(tags)
}

pub(super) fn read_bext(input: &mut Input, order: Order, length: u64) -> Result<Tags> {
    let mut tags = Tags::default();
    let bext = input.read_text(length)?;
    let Some(fields) = bext.get(..VERSION) else { return Ok(tags) };
    tags.found(Tag::Description, &fields[..DESCRIPTION]);
    tags.found(Tag::Originator, &fields[DESCRIPTION..][..ORIGINATOR]);
    let date = date_and_time(&[&fields[DATE..TIME], b"T", &fields[TIME..REFERENCE]].concat())
        .map(|(date, time)| if time.is_empty() { date.to_vec() } else { [date, b"T", time].concat() });
    tags.found(Tag::Date, &date.unwrap_or_default());
    let [low, high] = [order.u32(&fields[REFERENCE..]), order.u32(&fields[REFERENCE + 4..])];
    // The lower half comes first in either byte order. Who doesn't know it writes 0.
    let reference = u64::from(high) << 32 | u64::from(low);
    if reference > 0 {
        tags.found(Tag::TimeReference, reference.to_string().as_bytes());
    }
    Ok(tags)
}

/// The chunks for `tags`, of even lengths.
pub(super) fn content(tags: &Tags, big: bool) -> Vec<([u8; 4], Vec<u8>)> {
    let u32 = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut chunks = Vec::new();
    if [Tag::Description, Tag::Originator, Tag::TimeReference].into_iter().any(|tag| tags.get(tag).is_some())
    {
        let text = |tag| tags.get(tag).unwrap_or_default().as_bytes();
        let mut bext = vec![0; LENGTH];
        let mut put = |at: usize, text: &[u8]| bext[at..at + text.len()].copy_from_slice(text);
        put(0, text(Tag::Description));
        put(DESCRIPTION, text(Tag::Originator));
        if let Some((date, time)) = date_and_time(text(Tag::Date)) {
            put(DATE, date);
            put(TIME, time);
        }
        let reference = tags.time_reference().unwrap_or(0);
        put(REFERENCE, &u32(reference as u32));
        put(REFERENCE + 4, &u32((reference >> 32) as u32));
        put(VERSION, if big { &[0, 1] } else { &[1, 0] });
        chunks.push((*b"bext", bext));
    }
    // Last, since it has dates of any kind, and ffmpeg takes a description for a comment.
    let mut list = b"INFO".to_vec();
    for (id, value) in tags.named(&INFO) {
        // A zero ends it, and one more where that makes the length odd.
        list.extend(id);
        list.extend(u32(value.len() as u32 + 1));
        list.extend(value.as_bytes());
        list.resize((list.len() + 1).next_multiple_of(2), 0);
    }
    if list.len() > 4 {
        chunks.push((*b"LIST", list));
    }
    chunks
}

/// `YYYY-MM-DD`, and `HH:MM:SS` where it follows.
fn date_and_time(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is = |text: &[u8], pattern: &[u8]| {
        text.len() == pattern.len()
            && text.iter().zip(pattern).all(|(&a, &b)| if b == b'0' { a.is_ascii_digit() } else { a == b })
    };
    let date = text.get(..10).filter(|date| is(date, b"0000-00-00"))?;
    let time = text.get(11..19).filter(|time| is(time, b"00:00:00")).unwrap_or_default();
    Some((date, time))
}
