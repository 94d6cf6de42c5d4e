//! Where the streams of an Ogg file lie, told by the headers of its pages.

use std::collections::BTreeMap;

use crate::{Result, file::input::Input};

/// More streams one after the other than any file has.
const MAX_LINKS: usize = 10_000;

/// The frames of a page: 255 packets of Vorbis at its longest.
const MOST_FRAMES: u64 = 255 * 8192;

/// What stands between one stream and the next: a chained file is several files in a row.
pub(super) struct Link {
    pub(super) from: u64,
    pub(super) to: u64,
    /// Of each of the streams that are interleaved here, by its serial.
    pub(super) ends: BTreeMap<u32, End>,
}

/// How far a stream goes, in its granules: the number of frames, for the codecs that are read.
#[derive(Clone, Copy, Default)]
pub(super) struct End {
    pub(super) last: u64,
    /// Where its last page begins.
    pub(super) before: u64,
}

/// The links of a file, of which each page header is read. It stands at its start again afterwards.
pub(super) fn links(input: &mut Input) -> Result<Vec<Link>> {
    let (start, end) = (input.position(), input.length().unwrap_or(0));
    let mut links: Vec<Link> = Vec::new();
    let (mut position, mut first_pages) = (start, false);
    while let Some(page) = Page::read(input, position)? {
        position = page.position;
        // What is cut off is none.
        if position + page.length > end {
            break;
        }
        let begins = page.first && !first_pages;
        if begins || links.is_empty() {
            if links.len() == MAX_LINKS {
                break;
            }
            links.push(Link { from: position, to: position, ends: BTreeMap::new() });
        }
        first_pages = page.first;
        position += page.length;
        let Some(link) = links.last_mut() else { break };
        link.to = position;
        let Some(granule) = page.granule else { continue };
        let known = link.ends.entry(page.serial).or_default();
        let plausible = granule >= known.last && granule - known.last <= MOST_FRAMES;
        if plausible || page.is_whole(input)? {
            *known = End { last: granule, before: known.last };
        }
    }
    input.seek(start)?;
    Ok(links)
}

struct Page {
    position: u64,
    length: u64,
    first: bool,
    serial: u32,
    /// Frames up to the end of the last packet that ends in it; none where no packet does.
    granule: Option<u64>,
}

impl Page {
    /// Whether its checksum is right, which takes reading it.
    fn is_whole(&self, input: &mut Input) -> Result<bool> {
        let mut page = vec![0; self.length as usize];
        input.seek(self.position)?;
        let count = input.read_full(&mut page)?;
        let told = page[22..26].to_vec();
        page[22..26].fill(0);
        Ok(count == page.len() && told == checksum(&page).to_le_bytes())
    }

    /// The next page at or behind `position`.
    fn read(input: &mut Input, mut position: u64) -> Result<Option<Self>> {
        loop {
            input.seek(position)?;
            let mut header = [0; 27];
            if input.read_full(&mut header)? < header.len() {
                return Ok(None);
            }
            if header.starts_with(b"OggS") {
                let mut segments = [0; 255];
                let segments = &mut segments[..usize::from(header[26])];
                if input.read_full(segments)? < segments.len() {
                    return Ok(None);
                }
                let body: u64 = segments.iter().map(|&length| u64::from(length)).sum();
                let [_, _, _, _, _, flags, rest @ ..] = header;
                let (granule, rest) = rest.split_at(8);
                let granule = u64::from_le_bytes(granule.try_into().unwrap_or_default());
                return Ok(Some(Self {
                    position,
                    length: 27 + segments.len() as u64 + body,
                    first: flags & 2 != 0,
                    serial: u32::from_le_bytes(rest[..4].try_into().unwrap_or_default()),
                    granule: i64::try_from(granule).ok().map(|_| granule),
                }));
            }
            match behind(input, position + 1)? {
                Some(found) => position = found,
                None => return Ok(None),
            }
        }
    }
}

/// CRC-32 with the polynomial 0x04C11DB7, from the highest bit down, as RFC 3533 has it.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum: u32, &byte| {
        (0..8).fold(sum ^ u32::from(byte) << 24, |sum, _| {
            sum << 1 ^ if sum >> 31 == 1 { 0x04C1_1DB7 } else { 0 }
        })
    })
}

/// Where the next page may begin, from `position` on.
fn behind(input: &mut Input, mut position: u64) -> Result<Option<u64>> {
    let mut block = [0; 4096];
    loop {
        input.seek(position)?;
        let count = input.read_full(&mut block)?;
        if let Some(at) = block[..count].windows(4).position(|bytes| bytes == b"OggS") {
            return Ok(Some(position + at as u64));
        }
        if count < block.len() {
            return Ok(None);
        }
        position += block.len() as u64 - 3;
    }
}
