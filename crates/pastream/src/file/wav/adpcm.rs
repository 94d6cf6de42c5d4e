//! WAV with ADPCM in it: four bits a sample, in blocks that are decoded each by itself.

use crate::{
    Result,
    file::{Decoder, Spec, input::Input},
};

/// IMA's steps of the quantizer.
const STEPS: [i32; 89] = [
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88,
    97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658,
    724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660,
    4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493, 10_442, 11_487, 12_635, 13_899, 15_289,
    16_818, 18_500, 20_350, 22_385, 24_623, 27_086, 29_794, 32_767,
];

/// How IMA's step changes with the magnitude of a code.
const TURNS: [i32; 8] = [-1, -1, -1, -1, 2, 4, 6, 8];

/// Microsoft's weights of the last two samples, in 256ths.
const WEIGHTS: [(i32, i32); 7] =
    [(256, 0), (512, -256), (0, 0), (192, 64), (240, 0), (460, -208), (392, -232)];

/// How Microsoft's step changes with a code, in 256ths.
const SCALES: [i32; 16] = [230, 230, 230, 230, 307, 409, 512, 614, 768, 614, 512, 409, 307, 230, 230, 230];

/// Whose ADPCM it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::file) enum Kind {
    Microsoft,
    Ima,
}

/// How blocks lie in the file.
#[derive(Clone, Copy, Debug)]
pub(in crate::file) struct Coding {
    pub(super) kind: Kind,
    /// Bytes of a block.
    pub(super) block: usize,
}

impl Coding {
    /// Frames of a block of so many bytes, of which the last may be shorter; 0 where it doesn't hold its own header.
    fn frames(self, bytes: usize, channels: usize) -> usize {
        match self.kind {
            Kind::Microsoft if bytes >= 7 * channels => 2 + (bytes - 7 * channels) * 2 / channels,
            // Eight samples of each channel in turn.
            Kind::Ima if bytes >= 4 * channels => 1 + (bytes - 4 * channels) / (4 * channels) * 8,
            _ => 0,
        }
    }

    fn decode(self, bytes: &[u8], channels: usize, out: &mut [i16]) -> Option<()> {
        match self.kind {
            Kind::Microsoft => microsoft(bytes, channels, out),
            Kind::Ima => ima(bytes, channels, out),
        }
    }
}

pub(super) struct AdpcmDecoder {
    input: Input,
    spec: Spec,
    coding: Coding,
    start: u64,
    /// Bytes of data, where that is known.
    length: Option<u64>,
    block: Vec<u8>,
    samples: Vec<i16>,
    /// Samples that were read.
    taken: usize,
    /// The frame that is read next.
    at: u64,
    missing: u64,
    damaged: u64,
}

impl AdpcmDecoder {
    /// `length` and `frames` are what the header says of the data: bytes, and what is to be heard of them.
    pub(super) fn new(
        input: Input,
        mut spec: Spec,
        coding: Coding,
        length: Option<u64>,
        frames: Option<u64>,
    ) -> Result<Self> {
        if let Some(wrong) = spec.out_of_range() {
            return Err(input.corrupt(format_args!("its header says {wrong}")));
        }
        let block = coding.block;
        if coding.frames(block, spec.channels) == 0 {
            return Err(
                input.corrupt(format_args!("its blocks of {block} bytes are too short for its channels"))
            );
        }
        let start = input.position();
        let there = input.length().map(|end| end.saturating_sub(start));
        let held = |bytes: u64| {
            let rest = coding.frames((bytes % block as u64) as usize, spec.channels);
            bytes / block as u64 * coding.frames(block, spec.channels) as u64 + rest as u64
        };
        let promised = length.map(held).into_iter().chain(frames.filter(|&frames| frames > 0)).min();
        let length = length.into_iter().chain(there).min();
        let frames = promised.into_iter().chain(length.map(held)).min();
        let missing = promised.zip(frames).map_or(0, |(promised, frames)| promised - frames);
        spec.frames = frames;
        Ok(Self {
            input,
            spec,
            coding,
            start,
            length,
            block: vec![0; block],
            samples: Vec::new(),
            taken: 0,
            at: 0,
            missing,
            damaged: 0,
        })
    }

    /// Decodes the next block; `false` at the end.
    fn fill(&mut self) -> Result<bool> {
        let left =
            self.length.map_or(u64::MAX, |length| length.saturating_sub(self.input.position() - self.start));
        let wanted = left.min(self.block.len() as u64) as usize;
        let count = self.input.read_full(&mut self.block[..wanted])?;
        let frames = self.coding.frames(count, self.spec.channels);
        self.taken = 0;
        self.samples.clear();
        if frames == 0 {
            return Ok(false);
        }
        self.samples.resize(frames * self.spec.channels, 0);
        if self.coding.decode(&self.block[..count], self.spec.channels, &mut self.samples).is_none() {
            self.samples.fill(0);
            self.damaged += frames as u64;
        }
        Ok(true)
    }
}

impl Decoder for AdpcmDecoder {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn codec(&self) -> Option<&'static str> {
        Some(match self.coding.kind {
            Kind::Microsoft => "ms_adpcm",
            Kind::Ima => "ima_adpcm",
        })
    }

    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let frame_size = self.spec.frame_size();
        let left = self.spec.frames.map_or(u64::MAX, |frames| frames.saturating_sub(self.at));
        let wanted = left.min((out.len() / frame_size) as u64) as usize * self.spec.channels;
        let mut done = 0;
        while done < wanted {
            if self.taken == self.samples.len()
                && (done > 0 && self.input.length().is_none() || !self.fill()?)
            {
                break;
            }
            let count = (wanted - done).min(self.samples.len() - self.taken);
            let bytes = bytemuck::cast_slice(&self.samples[self.taken..self.taken + count]);
            out[done * 2..(done + count) * 2].copy_from_slice(bytes);
            self.taken += count;
            done += count;
        }
        let frames = done / self.spec.channels;
        self.at += frames as u64;
        Ok(frames)
    }

    fn missing(&self) -> u64 {
        self.missing
    }

    fn damaged(&self) -> u64 {
        self.damaged
    }

    fn seekable(&self) -> bool {
        self.input.length().is_some()
    }

    fn seek(&mut self, frame: u64) -> Result<()> {
        let frame = frame.min(self.spec.frames.unwrap_or(u64::MAX));
        let of_block = self.coding.frames(self.coding.block, self.spec.channels) as u64;
        self.input.seek(self.start + frame / of_block * self.coding.block as u64)?;
        self.fill()?;
        self.taken = ((frame % of_block) as usize * self.spec.channels).min(self.samples.len());
        self.at = frame;
        Ok(())
    }
}

fn i16_at(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from(i16::from_le_bytes(*bytes.get(at..)?.first_chunk()?)))
}

fn clipped(sample: i32) -> i16 {
    sample.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

/// `None` where a header is none.
fn ima(bytes: &[u8], channels: usize, out: &mut [i16]) -> Option<()> {
    let frames = out.len() / channels;
    for channel in 0..channels {
        let mut sample = i16_at(bytes, channel * 4)? as i16;
        let mut step = i32::from(*bytes.get(channel * 4 + 2)?);
        STEPS.get(step as usize)?;
        out[channel] = sample;
        for frame in 1..frames {
            let (group, place) = ((frame - 1) / 8, (frame - 1) % 8);
            let byte = bytes.get((channels + group * channels + channel) * 4 + place / 2)?;
            let code = usize::from(if place % 2 == 0 { byte & 15 } else { byte >> 4 });
            let change = ((2 * (code as i32 & 7) + 1) * STEPS[step as usize]) >> 3;
            let change = if code & 8 == 0 { change } else { -change };
            sample = clipped(i32::from(sample) + change);
            step = (step + TURNS[code & 7]).clamp(0, 88);
            out[frame * channels + channel] = sample;
        }
    }
    Some(())
}

/// `None` where a header is none.
fn microsoft(bytes: &[u8], channels: usize, out: &mut [i16]) -> Option<()> {
    let frames = out.len() / channels;
    for channel in 0..channels {
        let (first, second) = *WEIGHTS.get(usize::from(*bytes.get(channel)?))?;
        let mut step = i16_at(bytes, channels + channel * 2)?;
        let mut last = i16_at(bytes, channels * 3 + channel * 2)? as i16;
        let mut before = i16_at(bytes, channels * 5 + channel * 2)? as i16;
        out[channel] = before;
        out[channels + channel] = last;
        for frame in 2..frames {
            let place = (frame - 2) * channels + channel;
            let byte = bytes.get(channels * 7 + place / 2)?;
            let code = if place.is_multiple_of(2) { byte >> 4 } else { byte & 15 };
            let signed = i32::from((code << 4) as i8 >> 4);
            let guess = (i32::from(last) * first + i32::from(before) * second) / 256;
            (before, last) = (last, clipped(guess.saturating_add(signed.saturating_mul(step))));
            // As far as a step makes sense at all.
            step = (SCALES[usize::from(code)].saturating_mul(step) >> 8).clamp(16, i32::MAX / 768);
            out[frame * channels + channel] = last;
        }
    }
    Some(())
}
