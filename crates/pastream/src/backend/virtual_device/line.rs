use std::collections::VecDeque;

use pastream_rt::{Wire, Xruns};

use super::drift::Drift;
use crate::{
    Result, SampleFormat,
    backend::{
        convert::{decode, encode},
        memory::filled,
    },
};

/// One end of the line.
#[derive(Clone, Copy)]
pub(super) struct End {
    pub(super) channels: usize,
    pub(super) format: SampleFormat,
}

impl End {
    pub(super) const fn frame_size(self) -> usize {
        self.channels * self.format.size()
    }
}

/// The line from what is played to what is captured: channel i to i, `delay` frames long.
///
/// Without drift, the same format passes unaltered. With drift the captured frames wait in a store that begins
/// with `delay` + a block of silence; where it can't fill a block, a block of silence is captured instead
/// (input underflow), and where it holds two blocks too many, a block is thrown away (input overflow).
pub(super) struct Line {
    played: End,
    captured: End,
    max_frames: usize,
    /// A played block with the capture's channels.
    mapped: Vec<u8>,
    samples: Vec<f64>,
    /// The same in the capture's format.
    encoded: Vec<u8>,
    /// What is on its way.
    store: VecDeque<u8>,
    /// What the last block captured.
    block: Vec<u8>,
    drift: Option<Drift>,
    /// How many bytes of `store` are too many.
    overflow: usize,
    xruns: Xruns,
}

impl Line {
    /// A line for blocks of at most `max_frames`, filled with silence.
    pub(super) fn new(played: End, captured: End, delay: usize, ppm: f64, max_frames: usize) -> Result<Self> {
        let drift = if ppm == 0.0 { None } else { Some(Drift::new(ppm, captured.channels, max_frames)?) };
        let size = captured.frame_size();
        let turned = drift.as_ref().map_or(max_frames, Drift::max_frames);
        let begun = if drift.is_some() { delay + max_frames } else { delay };
        let silence = |frames: usize| filled(frames * size, captured.format.silence());
        // Filled to its capacity and then emptied, which keeps the memory.
        let mut store = VecDeque::from(silence(begun + 2 * max_frames + turned));
        store.truncate(begun * size);
        let mapped = max_frames * captured.channels * played.format.size();
        Ok(Self {
            played,
            captured,
            max_frames,
            mapped: filled(mapped, played.format.silence()),
            samples: filled(max_frames * captured.channels, 0.0),
            encoded: silence(turned),
            store,
            block: silence(max_frames),
            drift,
            overflow: (begun + 2 * max_frames) * size,
            xruns: Xruns::NONE,
        })
    }

    /// How many frames the capture is behind the playback, as the run begins.
    pub(super) fn lag(&self) -> usize {
        self.store.len() / self.captured.frame_size() + self.drift.as_ref().map_or(0, Drift::lag)
    }

    /// The xruns since the last time.
    pub(super) fn take_xruns(&mut self) -> Xruns {
        std::mem::take(&mut self.xruns)
    }

    /// Gives the captured frame its channels: those that aren't played stay silent.
    fn map(&mut self, output: &[u8]) -> usize {
        let (from, sample) = (self.played.frame_size(), self.played.format.size());
        let to = self.captured.channels * sample;
        let common = from.min(to);
        for (mapped, played) in self.mapped.chunks_exact_mut(to).zip(output.chunks_exact(from)) {
            mapped[..common].copy_from_slice(&played[..common]);
        }
        output.len() / from * to
    }
}

impl Wire for Line {
    fn turn(&mut self, output: &[u8]) -> &[u8] {
        let frames = (output.len() / self.played.frame_size()).min(self.max_frames);
        let output = &output[..frames * self.played.frame_size()];
        let wanted = frames * self.captured.frame_size();
        let mapped = if self.played.channels == self.captured.channels {
            output
        } else {
            let mapped = self.map(output);
            &self.mapped[..mapped]
        };
        let arrived = if self.drift.is_none() && self.played.format == self.captured.format {
            mapped
        } else {
            let samples = &mut self.samples[..frames * self.captured.channels];
            decode(self.played.format, mapped, samples);
            let turned = self.drift.as_mut().map_or(&*samples, |drift| drift.turn(samples));
            let encoded = &mut self.encoded[..turned.len() * self.captured.format.size()];
            encode(self.captured.format, turned, encoded);
            encoded
        };
        let block = &mut self.block[..wanted];
        // Cannot allocate: the store has room for a whole block over what it may hold.
        self.store.extend(arrived);
        if self.store.len() < wanted {
            self.xruns |= Xruns::INPUT_UNDERFLOW;
            block.fill(self.captured.format.silence());
            return block;
        }
        let (first, second) = self.store.as_slices();
        let (head, tail) = block.split_at_mut(wanted.min(first.len()));
        head.copy_from_slice(&first[..head.len()]);
        tail.copy_from_slice(&second[..tail.len()]);
        self.store.drain(..wanted);
        if self.store.len() > self.overflow {
            self.xruns |= Xruns::INPUT_OVERFLOW;
            self.store.drain(..wanted);
        }
        block
    }
}

#[cfg(test)]
#[cfg(all(target_os = "linux", not(miri)))]
mod tests {
    use std::fs;

    use super::*;

    /// Pages that this thread was the first to touch.
    fn touched() -> u64 {
        let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        fields.split_whitespace().nth(7).unwrap().parse().unwrap()
    }

    #[test]
    fn every_page_is_there_before_the_first_block() {
        let played = End { channels: 1, format: SampleFormat::Int16 };
        for (frames, channels, ppm) in [(1 << 13, 4, 50.0), (1 << 16, 1, 0.0), (1 << 16, 4, 0.0)] {
            let captured = End { channels, format: SampleFormat::Float32 };
            let mut line = Line::new(played, captured, 2 * frames, ppm, frames).unwrap();
            let output = filled(frames * played.frame_size(), 1_u8);
            let before = touched();
            for _ in 0..6 {
                line.turn(&output);
            }
            // The stack and what the resampler has for itself take a few; a line that isn't there takes hundreds.
            let pages = touched() - before;
            assert!(pages < 16, "{pages} pages were not there");
        }
    }
}
