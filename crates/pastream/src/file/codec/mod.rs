//! Compressed files, decoded by symphonia: FLAC, MP3, Vorbis, AAC and ALAC in the containers they come in; and Opus, by opus-pure.
//!
//! What is decoded is laid on a line of frames by its time stamps: encoder delay and padding fall outside, what was damaged
//! leaves a gap of silence, and a seek goes to a packet before the frame and lets the frames between fall outside as well.

mod detect;
mod flac;
mod mp4;
mod ogg;
mod opus;
mod source;
mod stream;
mod tags;

use std::sync::{Arc, Mutex};

pub(super) use detect::detect;
use stream::{Next, Place, Stream};
pub(super) use tags::id3;

use crate::{
    Error, ErrorKind, Result,
    file::{Container, Decoder, Opened, Spec, Tags, input::Input},
};

/// The most frames of padding behind an MP3 file: what twelve bits tell, and a frame of the decoder.
const MP3_PADDING: u64 = 4095 + 1152;

/// What is told of streams in a row that differ.
const CHANGED: &str = "its channels, rate or codec change in the middle: split it there";

/// One of the streams that a file has in a row; nearly all have one.
struct Link {
    place: Place,
    /// Its first frame, of the file's.
    start: u64,
    /// `None` for a pipe that doesn't tell.
    frames: Option<u64>,
    /// From here on the last page of Ogg stands, in frames of its own, of which only those before tell what it holds.
    last_page: u64,
}

struct CodecDecoder {
    links: Vec<Link>,
    link: usize,
    stream: Stream,
    spec: Spec,
    codec: &'static str,
    seekable: bool,
    /// Silence that comes before `block`, in frames.
    silence: u64,
    /// Frames that are decoded, of which `taken` bytes are read.
    block: Vec<u8>,
    taken: usize,
    /// Of an MP3 pipe the frames that its header counts, and what was decoded behind them.
    told: Option<u64>,
    held: Vec<u8>,
    /// The frame behind `block`.
    at: u64,
    /// What was sought, until the first packet behind it came.
    sought: bool,
    missing: u64,
    damaged: u64,
    /// What follows the last link and can't be read.
    then: Option<Error>,
    /// What is told once the frames before it are read.
    failed: Option<Error>,
    over: bool,
}

/// Reads the headers of what `detect` found. `tags`: those before the audio.
pub(super) fn decoder(mut input: Input, container: Container, mut tags: Tags) -> Result<Opened> {
    if container == Container::Flac
        && let Some(empty) = flac::Empty::read(&mut input)?
    {
        return Ok((Box::new(empty), tags));
    }
    let (from, mut to) = (input.position(), input.length());
    let found = match to {
        Some(_) if container == Container::Ogg => ogg::links(&mut input)?,
        _ => Vec::new(),
    };
    let mut edits = Vec::new();
    if container == Container::M4a {
        // Symphonia reads nothing of a box that is cut off: it is to see it whole, and the end as it comes.
        (edits, to) = mp4::edits(&mut input)?;
    }
    if container == Container::Mp3 {
        tags.merge(tags::id3v1(&mut input)?);
    }
    let place = Place {
        name: input.name().to_owned(),
        input: Arc::new(Mutex::new(input)),
        container,
        edits: edits.into(),
        from,
        to,
    };
    let (mut links, mut missing, mut then) = (Vec::new(), 0, None);
    let mut first: Option<Stream> = None;
    let mut start = 0;
    for found in &found {
        let place = Place { from: found.from, to: Some(found.to), ..place.clone() };
        let stream = match (place.open(), &first) {
            (Ok(stream), Some(first)) if !first.is_like(&stream) => {
                then = Some(Error::new(ErrorKind::UnsupportedFile, format!("{}: {CHANGED}", place.name)));
                break;
            }
            (Ok(stream), _) => stream,
            (Err(error), Some(_)) => {
                then = Some(error);
                break;
            }
            (Err(error), None) => return Err(error),
        };
        let end = found.ends.get(&stream.track).copied().unwrap_or_default();
        let own = |frame: u64| frame.saturating_sub(stream.origin as u64);
        links.push(Link { place, start, frames: Some(own(end.last)), last_page: own(end.before) });
        start += own(end.last);
        first.get_or_insert(stream);
    }
    let stream = if let Some(stream) = first {
        stream
    } else {
        let mut stream = place.open()?;
        let mut frames = stream.told;
        if to.is_some() {
            let end = end(&place, &mut stream)?;
            missing = stream.told.map_or(0, |told| told.saturating_sub(end));
            // What lies behind the frames that an MP3 header counts is padding, unless it is too much for that: several
            // files one after the other.
            let keep = |told: &u64| match container {
                Container::M4a => true,
                Container::Mp3 => end.saturating_sub(*told) <= MP3_PADDING,
                _ => false,
            };
            frames = Some(stream.told.filter(keep).map_or(end, |told| told.min(end)));
            stream = place.open()?;
        }
        links.push(Link { place, start: 0, frames, last_page: u64::MAX });
        start = frames.unwrap_or(0);
        stream
    };
    let mut stream = stream;
    tags.merge(stream.tags());
    let known = links.iter().all(|link| link.frames.is_some());
    let told = links[0].frames.filter(|_| to.is_none() && container == Container::Mp3);
    if told.is_some() {
        links[0].frames = None;
    }
    let spec = Spec { frames: known.then_some(start), ..stream.spec.clone() };
    let decoder = CodecDecoder {
        codec: stream.codec,
        seekable: to.is_some(),
        links,
        link: 0,
        stream,
        spec,
        silence: 0,
        block: Vec::new(),
        taken: 0,
        told,
        held: Vec::new(),
        at: 0,
        sought: false,
        missing,
        damaged: 0,
        then,
        failed: None,
        over: false,
    };
    Ok((Box::new(decoder), tags))
}

/// Where a file's audio ends, in frames. MP3 and ADTS are gone through for that, and what seems to be cut off.
fn end(place: &Place, stream: &mut Stream) -> Result<u64> {
    let mut from = None;
    if let Some(told) = stream.told.filter(|&told| told > 0 && place.container != Container::Mp3) {
        let last = stream.origin.saturating_add_unsigned(told - 1);
        if stream.seek(last)? {
            from = Some(last);
        } else {
            *stream = place.open()?;
        }
    }
    let mut end = stream.last_stamp()?;
    if from.is_some_and(|from| end <= from) {
        *stream = place.open()?;
        end = stream.last_stamp()?;
    }
    Ok(end.saturating_sub(stream.origin).max(0) as u64)
}

impl Stream {
    fn is_like(&self, other: &Self) -> bool {
        let kind = |stream: &Self| {
            (stream.codec, stream.spec.encoding, stream.spec.channels, stream.spec.sample_rate)
        };
        kind(self) == kind(other)
    }

    /// Frames that a decoder needs before those that are right, because packets overlap or lean on earlier ones.
    fn run_in(&self) -> i64 {
        match self.codec {
            // At the least rate the bits of a frame may lie 23 frames back.
            "mp3" => 32 * 1152,
            "vorbis" => 2 * 8192,
            "aac" => 2 * 1024,
            // RFC 7845 asks for 80 ms; what is left of where it began has faded to nothing after two seconds.
            "opus" => 96_000,
            _ => 0,
        }
    }
}

impl CodecDecoder {
    /// Of a pipe whose time stamps jump: a longer gap than a minute is taken for a clock that was set.
    fn longest_gap(&self) -> u64 {
        if self.seekable { u64::MAX } else { 60 * u64::from(self.spec.sample_rate) }
    }

    /// Fills the empty block; `false` at the end.
    fn fill(&mut self) -> Result<bool> {
        self.block.clear();
        self.taken = 0;
        while self.block.is_empty() && self.silence == 0 {
            if self.over {
                return Ok(false);
            }
            let link = &self.links[self.link];
            if link.frames.is_some_and(|frames| self.at >= link.start + frames) {
                self.end_link()?;
                continue;
            }
            match self.stream.next() {
                Ok(Next::Frames { stamp, padding }) => {
                    self.lay(stamp, padding)?;
                    self.withhold();
                }
                Ok(Next::Damaged) => {}
                // Where a link of a file ends is known before.
                Ok(Next::Changed) if self.seekable => self.end_link()?,
                Ok(Next::Changed) => {
                    self.stream.follow()?;
                    if let Some(link) = self.links.last_mut() {
                        link.start = self.at;
                    }
                }
                Ok(Next::End) => self.end_link()?,
                Err(error) => {
                    self.over = true;
                    return Err(error);
                }
            }
        }
        Ok(true)
    }

    /// Puts what was decoded on its place.
    fn lay(&mut self, stamp: i64, padding: u64) -> Result<()> {
        if !self.stream.fits() {
            self.over = true;
            let message = format!("{}: {CHANGED}", self.links[self.link].place.name);
            return Err(Error::new(ErrorKind::UnsupportedFile, message));
        }
        let length = self.stream.frames().saturating_sub(padding);
        let link = &self.links[self.link];
        let limit = link.frames.map_or(u64::MAX, |frames| link.start + frames);
        let first = stamp.saturating_sub(self.stream.origin);
        // In front of the first frame there is delay.
        let early = first.min(0).unsigned_abs();
        let first = link.start.saturating_add(first.max(0) as u64).min(limit);
        let last = first.saturating_add(length.saturating_sub(early)).min(limit);
        if last <= self.at {
            return Ok(());
        }
        let gap = first.saturating_sub(self.at);
        if gap > 0 && self.sought {
            // The seek went too far.
            self.sought = false;
            return self.rewind();
        }
        self.sought = false;
        if gap > self.longest_gap() {
            self.stream.origin = self.stream.origin.saturating_add_unsigned(gap);
            return self.lay(stamp, padding);
        }
        self.silence = gap;
        self.damaged += gap;
        let from = early + (self.at + gap - first);
        self.stream.append(from as usize, (early + last - first) as usize, &mut self.block);
        self.at = last;
        Ok(())
    }

    /// Of a pipe keeps back what lies behind the frames that an MP3 header counts, until it is too much for padding.
    fn withhold(&mut self) {
        let Some(told) = self.told else { return };
        if self.at > told + MP3_PADDING {
            self.told = None;
            self.held.append(&mut self.block);
            std::mem::swap(&mut self.held, &mut self.block);
        } else {
            let beyond = self.at.saturating_sub(told) as usize * self.spec.frame_size();
            let from = self.block.len().saturating_sub(beyond);
            self.held.extend(self.block.drain(from..));
        }
    }

    /// What is missing of a link is silent; then comes the next. A pipe just ends.
    fn end_link(&mut self) -> Result<()> {
        let link = &self.links[self.link];
        let end = link.frames.filter(|_| self.seekable).map_or(self.at, |frames| link.start + frames);
        self.silence = end.saturating_sub(self.at);
        self.damaged += self.silence;
        self.at = self.at.max(end);
        self.sought = false;
        if self.link + 1 < self.links.len() {
            self.link += 1;
            self.stream = self.links[self.link].place.open()?;
        } else {
            self.over = true;
            if let Some(error) = self.then.clone() {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Begins at the start of the link.
    fn rewind(&mut self) -> Result<()> {
        self.stream = self.links[self.link].place.open()?;
        Ok(())
    }
}

impl Decoder for CodecDecoder {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn codec(&self) -> Option<&'static str> {
        Some(self.codec)
    }

    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let frame_size = self.spec.frame_size();
        let wanted = out.len() / frame_size * frame_size;
        let mut done = 0;
        while done < wanted {
            let out = &mut out[done..wanted];
            if self.silence > 0 {
                let frames = self.silence.min((out.len() / frame_size) as u64);
                let bytes = frames as usize * frame_size;
                out[..bytes].fill(0);
                self.silence -= frames;
                done += bytes;
            } else if self.taken < self.block.len() {
                let bytes = out.len().min(self.block.len() - self.taken);
                out[..bytes].copy_from_slice(&self.block[self.taken..self.taken + bytes]);
                self.taken += bytes;
                done += bytes;
            } else if done > 0 && !self.seekable {
                break;
            } else {
                match self.fill() {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) if done == 0 => return Err(error),
                    Err(error) => {
                        self.failed = Some(error);
                        break;
                    }
                }
            }
        }
        Ok(done / frame_size)
    }

    fn missing(&self) -> u64 {
        self.missing
    }

    fn damaged(&self) -> u64 {
        self.damaged
    }

    fn seekable(&self) -> bool {
        self.seekable
    }

    fn seek(&mut self, frame: u64) -> Result<()> {
        if !self.seekable {
            // The input tells why.
            return source::lock(&self.links[0].place.input).seek(0);
        }
        let frame = frame.min(self.spec.frames.unwrap_or(u64::MAX));
        self.silence = 0;
        self.block.clear();
        self.taken = 0;
        self.over = false;
        self.failed = None;
        self.at = frame;
        let link = self.links.iter().rposition(|link| link.start <= frame).unwrap_or(0);
        if link != self.link {
            self.link = link;
            self.rewind()?;
        }
        let link = &self.links[link];
        let place = frame - link.start;
        let place = if place < link.last_page { place } else { link.last_page.saturating_sub(1) };
        let stamp = self.stream.origin.saturating_add_unsigned(place).saturating_sub(self.stream.run_in());
        let container = self.spec.container;
        // One that has been read to its end doesn't find its way back.
        if container == Container::M4a {
            self.rewind()?;
        }
        self.sought = self.stream.stamped && stamp > self.stream.origin && self.stream.seek(stamp)?;
        if self.sought || container == Container::M4a && stamp <= self.stream.origin {
            return Ok(());
        }
        self.rewind()
    }
}
