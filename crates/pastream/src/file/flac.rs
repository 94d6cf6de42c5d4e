//! Writes FLAC (RFC 9639): blocks one after the other, behind a header that is made true as they come.

use std::{
    io,
    mem::take,
    sync::{Arc, Mutex, PoisonError},
};

use flac_codec::{
    decode::FlacStreamReader,
    encode::{FlacStreamWriter, Options},
    stream::{
        BitsPerSample, ChannelAssignment, Frame, FrameHeader, FrameNumber, Independent, Subframe,
        SubframeWidth,
    },
};
use pastream_rt::I24;

use super::{Encoder, Encoding, Spec, Tag, Tags, output::Output};
use crate::{Error, ErrorKind, Result, convert::swap_bytes};

/// Frames of a block; fewer where they would be more than a quarter of a second.
const BLOCK: u32 = 4096;
/// The fewest that the format allows.
const SHORTEST: u32 = 16;

pub(super) const MAX_CHANNELS: usize = 8;

/// How the fields of a Vorbis comment call the tags.
pub(super) const FIELDS: [(&str, Tag); 9] = [
    ("TITLE", Tag::Title),
    ("ARTIST", Tag::Artist),
    ("ALBUM", Tag::Album),
    ("DATE", Tag::Date),
    ("COMMENT", Tag::Comment),
    ("TRACKNUMBER", Tag::Track),
    ("DESCRIPTION", Tag::Description),
    ("ORIGINATOR", Tag::Originator),
    ("TIME_REFERENCE", Tag::TimeReference),
];

/// Whether the head of a block can tell the rate: it has to, for a stream that is taken up in its middle.
pub(super) const fn holds_rate(rate: u32) -> bool {
    (rate.is_multiple_of(1000) && rate < 255_000)
        || (rate.is_multiple_of(10) && rate < 655_350)
        || rate < 65_535
}

/// What the codec writes into, and we take out of.
#[derive(Clone, Default)]
struct Block(Arc<Mutex<Vec<u8>>>);

impl Block {
    fn take(&self) -> Vec<u8> {
        take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl io::Write for Block {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct FlacEncoder {
    output: Output,
    spec: Spec,
    tags: Tags,
    blocks: FlacStreamWriter<Block>,
    block: Block,
    /// Whether the encoder failed: it has lost count of the blocks.
    lost: bool,
    samples: Vec<i32>,
    /// Frames that don't fill a block yet, and how many bytes do.
    pending: Vec<u8>,
    full: usize,
    /// Frames in whole blocks, their digest, and where they end.
    frames: u64,
    digest: md5::Context,
    end: u64,
    /// Where the file ends: after an error perhaps inside a block.
    written: u64,
    failed: bool,
    finished: bool,
}

pub(super) fn encoder(mut output: Output, spec: Spec, tags: Tags) -> Result<Box<dyn Encoder>> {
    let mut end = 0;
    output.append(&header(&spec, &tags, None), &mut end)?;
    output.resize(end)?;
    output.keep();
    let block = Block::default();
    Ok(Box::new(FlacEncoder {
        blocks: FlacStreamWriter::new(block.clone(), Options::default().fast_channel_correlation(true)),
        block,
        lost: false,
        samples: Vec::new(),
        pending: Vec::new(),
        full: block_size(&spec) as usize * spec.frame_size(),
        output,
        spec,
        tags,
        frames: 0,
        digest: md5::Context::new(),
        end,
        written: end,
        failed: false,
        finished: false,
    }))
}

impl FlacEncoder {
    /// Writes what is pending as a block.
    fn write_block(&mut self) -> Result<()> {
        let mut pending = take(&mut self.pending);
        let bytes = pending.as_slice();
        self.samples.clear();
        match self.spec.encoding {
            Encoding::PcmS8 => self.samples.extend(bytes.iter().map(|&x| i32::from(x.cast_signed()))),
            Encoding::Pcm16 => {
                self.samples.extend(bytes.as_chunks().0.iter().map(|&x| i32::from(i16::from_ne_bytes(x))));
            }
            _ => self
                .samples
                .extend(bytes.as_chunks::<3>().0.iter().map(|&x| bytemuck::cast::<_, I24>(x).to_i32())),
        }
        let (rate, channels) = (self.spec.sample_rate, self.spec.channels as u8);
        let bits = self.spec.encoding.size() as u32 * 8;
        let encoded = !self.lost && self.blocks.write(rate, channels, bits, &self.samples).is_ok();
        self.lost = !encoded;
        let mut block = self.block.take();
        if !encoded || !holds(&block, &self.samples) {
            block = self.verbatim().map_err(|error| {
                let message =
                    format!("cannot write {}: its samples can't be encoded ({error})", self.output.name());
                Error::new(ErrorKind::Io, message)
            })?;
        }
        self.output.append(&block, &mut self.written)?;
        self.end = self.written;
        self.frames += (pending.len() / self.spec.frame_size()) as u64;
        if cfg!(target_endian = "big") {
            swap_bytes(&mut pending, self.spec.encoding.size());
        }
        self.digest.consume(&pending);
        // Its memory is used again.
        pending.clear();
        self.pending = pending;
        Ok(())
    }

    /// The samples as a block in which they stand as they are.
    fn verbatim(&self) -> std::result::Result<Vec<u8>, flac_codec::Error> {
        let channels = self.spec.channels;
        let independent =
            Independent::try_from(channels).map_err(|()| flac_codec::Error::ExcessiveChannels)?;
        let header = FrameHeader {
            blocking_strategy: false,
            block_size: ((self.samples.len() / channels) as u16).try_into()?,
            sample_rate: self.spec.sample_rate.try_into()?,
            channel_assignment: ChannelAssignment::Independent(independent),
            bits_per_sample: match self.spec.encoding.size() {
                1 => BitsPerSample::Bps8,
                2 => BitsPerSample::Bps16,
                _ => BitsPerSample::Bps24,
            },
            frame_number: FrameNumber(self.frames / u64::from(block_size(&self.spec))),
        };
        let samples = |channel| self.samples.iter().skip(channel).step_by(channels).copied().collect();
        let subframes = (0..channels)
            .map(|channel| {
                SubframeWidth::Common(Subframe::Verbatim { samples: samples(channel), wasted_bps: 0 })
            })
            .collect();
        let mut block = Vec::new();
        Frame { header, subframes }.write_subset(&mut block)?;
        Ok(block)
    }

    fn rewrite(&mut self) -> Result<()> {
        let told = (self.frames, self.digest.clone().finalize().0);
        let header = header(&self.spec, &self.tags, Some(told));
        self.output.rewrite(&header, self.written)
    }
}

impl Encoder for FlacEncoder {
    fn write(&mut self, mut frames: &[u8]) -> Result<()> {
        self.output.check_open(self.finished, self.failed)?;
        while !frames.is_empty() {
            let (now, later) = frames.split_at(frames.len().min(self.full - self.pending.len()));
            self.pending.extend(now);
            frames = later;
            if self.pending.len() == self.full {
                let written = self.write_block();
                self.failed = written.is_err();
                written?;
            }
        }
        Ok(())
    }

    fn update(&mut self) -> Result<()> {
        if self.output.is_pipe() || self.finished {
            return self.output.flush();
        }
        self.rewrite()
    }

    fn finish(&mut self) -> Result<()> {
        if self.finished {
            return Ok(());
        }
        let last = if self.failed || self.pending.is_empty() { Ok(()) } else { self.write_block() };
        let updated = self.update();
        self.finished = true;
        if self.written != self.end {
            self.output.resize(self.end)?;
        }
        last.and(updated).and_then(|()| self.output.complete())
    }

    fn frames(&self) -> u64 {
        self.frames + (self.pending.len() / self.spec.frame_size()) as u64
    }
}

impl Drop for FlacEncoder {
    fn drop(&mut self) {
        // Nobody is left to tell; whoever cares has called it.
        let _ = self.finish();
    }
}

/// Whether a block decodes to the samples: no encoder is trusted with what can't be recorded twice.
fn holds(block: &[u8], samples: &[i32]) -> bool {
    FlacStreamReader::new(block).read().is_ok_and(|decoded| decoded.samples == samples)
}

fn block_size(spec: &Spec) -> u32 {
    (spec.sample_rate / 4).clamp(SHORTEST, BLOCK)
}

/// STREAMINFO and a Vorbis comment, always of one length, for so many frames with that digest; `None`: not known.
fn header(spec: &Spec, tags: &Tags, told: Option<(u64, [u8; 16])>) -> Vec<u8> {
    const STREAMINFO: u8 = 0;
    const COMMENT: u8 = 4;
    const LAST: u8 = 0x80;
    let block = |to: &mut Vec<u8>, kind: u8, content: &[u8]| {
        to.push(kind);
        to.extend(&(content.len() as u32).to_be_bytes()[1..]);
        to.extend(content);
    };
    let (frames, digest) = told.unwrap_or_default();
    // 36 bits; 0 is unknown.
    let frames = if frames >> 36 == 0 { frames } else { 0 };
    let size = (block_size(spec) as u16).to_be_bytes();

    let mut info = Vec::with_capacity(34);
    info.extend([size, size].concat());
    // The bytes of the shortest and of the longest block are not told.
    info.extend([0; 6]);
    let (rate, channels) = (u64::from(spec.sample_rate), spec.channels as u64 - 1);
    let bits = spec.encoding.size() as u64 * 8 - 1;
    info.extend((rate << 44 | channels << 41 | bits << 36 | frames).to_be_bytes());
    info.extend(digest);

    let text = |to: &mut Vec<u8>, text: &str| {
        to.extend((text.len() as u32).to_le_bytes());
        to.extend(text.as_bytes());
    };
    let fields: Vec<_> = tags.named(&FIELDS).map(|(name, value)| format!("{name}={value}")).collect();
    let mut comment = Vec::new();
    text(&mut comment, concat!("pastream-rs ", env!("CARGO_PKG_VERSION")));
    comment.extend((fields.len() as u32).to_le_bytes());
    for field in &fields {
        text(&mut comment, field);
    }

    let mut header = b"fLaC".to_vec();
    block(&mut header, STREAMINFO, &info);
    block(&mut header, COMMENT | LAST, &comment);
    header
}
