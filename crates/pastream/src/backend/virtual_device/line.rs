use std::collections::VecDeque;

use pastream_rt::{Wire, Xruns};

use super::{
    convert::{decode, encode},
    drift::Drift,
};
use crate::{Result, SampleFormat};

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
        let filled = if drift.is_some() { delay + max_frames } else { delay };
        let mut store = VecDeque::with_capacity((filled + 2 * max_frames + turned) * size);
        store.resize(filled * size, captured.format.silence());
        let silence = |frames: usize| vec![captured.format.silence(); frames * size];
        let mapped = max_frames * captured.channels * played.format.size();
        Ok(Self {
            played,
            captured,
            max_frames,
            mapped: vec![played.format.silence(); mapped],
            samples: vec![0.0; max_frames * captured.channels],
            encoded: silence(turned),
            store,
            block: silence(max_frames),
            drift,
            overflow: (filled + 2 * max_frames) * size,
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
