//! What symphonia's readers find of tags, as ours.

use std::io::Cursor;

use symphonia::{
    core::{
        formats::FormatReader,
        io::{MediaSourceStream, MediaSourceStreamOptions},
        meta::{MetadataOptions, MetadataReader, MetadataRevision, RawValue, StandardTag},
    },
    default::meta::Id3v2Reader,
};

use super::stream::caught;
use crate::{
    Result,
    file::{Tag, Tags, flac::FIELDS, input::Input},
};

/// Bytes of the head of an ID3 tag.
const HEAD: usize = 10;

/// What a container has told so far.
pub(super) fn of(format: &mut dyn FormatReader) -> Tags {
    let mut tags = Tags::default();
    let mut log = format.metadata();
    loop {
        if let Some(revision) = log.current() {
            take(revision, &mut tags);
        }
        if log.pop().is_none() {
            return tags;
        }
    }
}

/// The tags of an `ID3v2` tag, which may be cut off.
pub(in crate::file) fn id3(mut tag: Vec<u8>) -> Tags {
    let mut tags = Tags::default();
    if tag.len() < HEAD {
        return tags;
    }
    // It is as long as it is here.
    let length = (tag.len() - HEAD) as u32;
    for (at, shift) in (6..HEAD).zip([21, 14, 7, 0]) {
        tag[at] = (length >> shift & 0x7F) as u8;
    }
    let bytes = MediaSourceStream::new(Box::new(Cursor::new(tag)), MediaSourceStreamOptions::default());
    let read = caught(|| Id3v2Reader::try_new(bytes, MetadataOptions::default())?.read_all());
    if let Ok(read) = read {
        take(&read.revision, &mut tags);
    }
    tags
}

/// The tags at the end of an MP3 file, its last 128 bytes: `ID3v1`. The input stands where it stood; a pipe's end is not seen.
pub(super) fn id3v1(input: &mut Input) -> Result<Tags> {
    let mut tags = Tags::default();
    let Some(end @ 128..) = input.length() else { return Ok(tags) };
    let (from, mut last) = (input.position(), [0; 128]);
    input.seek(end - 128)?;
    input.read_header(&mut last)?;
    input.seek(from)?;
    if last.starts_with(b"TAG") {
        tags.found(Tag::Title, &last[3..33]);
        tags.found(Tag::Artist, &last[33..63]);
        tags.found(Tag::Album, &last[63..93]);
        tags.found(Tag::Date, &last[93..97]);
        tags.found(Tag::Comment, &last[97..127]);
        if last[125] == 0 && last[126] > 0 {
            tags.found(Tag::Track, last[126].to_string().as_bytes());
        }
    }
    Ok(tags)
}

fn take(revision: &MetadataRevision, tags: &mut Tags) {
    let tracks = revision.per_track.iter().map(|track| &track.metadata);
    for found in std::iter::once(&revision.media).chain(tracks).flat_map(|container| &container.tags) {
        let sub_fields = found.raw.sub_fields.as_deref().unwrap_or_default();
        let field = |name: &str| match &sub_fields.iter().find(|field| field.field == name)?.value {
            RawValue::String(text) => Some(text.as_str()),
            _ => None,
        };
        // Comments that have a name of their own are notes of programs to themselves.
        if field("SHORT_DESCRIPTION").is_some_and(|name| !name.is_empty()) {
            continue;
        }
        let (tag, text) = match &found.std {
            Some(StandardTag::TrackTitle(text)) => (Tag::Title, text.to_string()),
            Some(StandardTag::Artist(text)) => (Tag::Artist, text.to_string()),
            Some(StandardTag::Album(text)) => (Tag::Album, text.to_string()),
            Some(StandardTag::RecordingDate(text) | StandardTag::ReleaseDate(text)) => {
                (Tag::Date, text.to_string())
            }
            Some(StandardTag::RecordingYear(year) | StandardTag::ReleaseYear(year)) => {
                (Tag::Date, year.to_string())
            }
            Some(StandardTag::Comment(text)) => (Tag::Comment, text.to_string()),
            Some(StandardTag::Description(text)) => (Tag::Description, text.to_string()),
            Some(StandardTag::TrackNumber(number)) => (Tag::Track, number.to_string()),
            _ => {
                // Text of ID3 that has a name instead of a kind.
                let name = if found.raw.key == "TXXX" { field("DESCRIPTION") } else { None };
                // Matroska puts what it is said of in front.
                let name = name.unwrap_or_else(|| found.raw.key.rsplit('@').next().unwrap_or_default());
                let Some(&(_, tag)) = FIELDS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known))
                else {
                    continue;
                };
                (tag, found.raw.value.to_string())
            }
        };
        tags.found(tag, text.as_bytes());
    }
}
