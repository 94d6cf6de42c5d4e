use std::collections::VecDeque;

use rubato::{
    Adjustable, Async, FixedAsync, Resampler, Resizable, SincInterpolationParameters, WindowFunction,
    audioadapter_buffers::direct::InterleavedSlice,
};

use super::{
    feed::Part,
    queue::{Found, Outlet},
};
use crate::{
    Error, ErrorKind, Result,
    backend::{
        OpenedSide,
        convert::{decode, encode},
        memory::filled,
    },
};

/// Points of the filter. A frame depends on half of them before and after it.
pub(super) const POINTS: usize = 128;
/// Steps between two points of the filter.
const OVERSAMPLING: usize = 128;
/// From rubato's index to the middle of the filter, in frames.
const MIDDLE: f64 = POINTS as f64 / 2.0 - 1.0 + 1.0 / OVERSAMPLING as f64;
/// Where rubato's index stands before the first frame.
const FIRST: f64 = 1.0 - POINTS as f64;
/// Frames that are resampled at once.
const CHUNK: usize = 1024;
/// How far from 1 the step can be: room for [`Resampled::seek`].
const BEND: f64 = 1.1;
/// Holes that are told apart. More at once become one.
const HOLES: usize = 64;

/// Recorded frames on the clock of the playback.
pub(super) struct Resampled {
    resampler: Async<f64>,
    side: OpenedSide,
    max_frames: usize,
    /// Recorded frames for each that is made.
    step: f64,
    /// Where the next frame to feed lies on the recording clock.
    fed: u64,
    /// Rubato's index after the last frame made, which counts from `fed`.
    last: f64,
    bytes: Vec<u8>,
    samples: Vec<f64>,
    made: Vec<f64>,
    /// Words, so that every format is aligned.
    block: Vec<u64>,
    /// Frames in `block`, frames handed out, and of the last part its beginning.
    full: usize,
    done: usize,
    begin: usize,
    /// Where frame 0 of `block` lies: `first` after `origin`.
    origin: u64,
    first: f64,
    /// What was fed as silence: recorded frames `from` to before `to`, and whether they are late.
    holes: VecDeque<(u64, u64, bool)>,
}

impl Resampled {
    /// Not realtime-safe: allocates.
    pub(super) fn new(side: OpenedSide, max_frames: usize) -> Result<Self> {
        let parameters = SincInterpolationParameters::new(POINTS, WindowFunction::BlackmanHarris2)
            .oversampling_factor(OVERSAMPLING);
        let resampler = Async::new_sinc(1.0, BEND, &parameters, CHUNK, side.channels, FixedAsync::Output)
            .map_err(|error| {
                let message = "a recording of another clock can't be resampled like this";
                Error::new(ErrorKind::UnsupportedConfig, message).with_source(error)
            })?;
        let room = resampler.input_frames_max() + POINTS;
        let frame = side.channels * side.format.size();
        let mut holes = VecDeque::from(filled(HOLES, (0, 0, false)));
        holes.clear();
        Ok(Self {
            resampler,
            side,
            max_frames,
            step: 1.0,
            fed: 0,
            last: FIRST,
            bytes: filled(room * frame, 0),
            samples: filled(room * side.channels, 0.0),
            made: filled(CHUNK * side.channels, 0.0),
            block: filled((max_frames * frame).div_ceil(8), 0),
            full: 0,
            done: 0,
            begin: 0,
            origin: 0,
            first: 0.0,
            holes,
        })
    }

    fn frame(&self) -> usize {
        self.side.channels * self.side.format.size()
    }

    /// Where the next frame lies: so many frames after frame `index` of the recording.
    pub(super) fn position(&self) -> (u64, f64) {
        (self.fed, self.last + self.step + MIDDLE)
    }

    /// Sets how many recorded frames go into one from the next on, which moves by the difference.
    ///
    /// Realtime-safe.
    pub(super) fn set_step(&mut self, step: f64) {
        if self.resampler.set_resample_ratio(1.0 / step, false).is_ok() {
            self.step = step;
        }
    }

    /// Makes the next frame lie `frames` after frame `index` of the recording. As many frames as the filter has points are
    /// made for nothing before, at a step that leads exactly there: so the filter is full, and no fraction is left.
    ///
    /// Realtime-safe.
    pub(super) fn seek(&mut self, outlet: &mut Outlet, index: u64, frames: f64) {
        let last = frames - self.step - MIDDLE;
        let begin = (last - FIRST - POINTS as f64).floor();
        self.resampler.reset();
        self.fed = index.saturating_add_signed(begin as i64);
        (self.last, self.full, self.done) = (FIRST, 0, 0);
        let step = self.step;
        self.set_step((last - begin - FIRST) / POINTS as f64);
        self.make(outlet, POINTS);
        self.set_step(step);
    }

    /// Makes `frames`, 1 to [`CHUNK`].
    fn make(&mut self, outlet: &mut Outlet, frames: usize) {
        // Can't fail for so many.
        let _ = self.resampler.set_chunk_size(frames);
        let needed = self.resampler.input_frames_next();
        self.gather(outlet, needed);
        let channels = self.side.channels;
        let from = InterleavedSlice::new(&self.samples[..], channels, needed);
        let to = InterleavedSlice::new_mut(&mut self.made[..], channels, frames);
        if let (Ok(from), Ok(mut to)) = (from, to) {
            // Can't fail: both are as long as it asked for.
            let _ = self.resampler.process_into_buffer(&from, &mut to, None);
        }
        self.last += frames as f64 * self.step - needed as f64;
        self.fed = self.fed.saturating_add(needed as u64);
    }

    /// Fills `samples` with the next `needed` recorded frames, silence where there is none.
    fn gather(&mut self, outlet: &mut Outlet, needed: usize) {
        let (frame, channels) = (self.frame(), self.side.channels);
        let mut done = 0;
        while done < needed {
            let left = needed - done;
            let found = outlet.find(self.fed.saturating_add(done as u64));
            let run = match found {
                Found::There(run) => run.min(left),
                Found::Lost(hole) => left.min(usize::try_from(hole).unwrap_or(usize::MAX)),
                Found::Late => left,
            };
            let samples = &mut self.samples[done * channels..(done + run) * channels];
            if let Found::There(_) = found {
                let bytes = &mut self.bytes[..run * frame];
                outlet.take(bytes);
                decode(self.side.format, bytes, samples);
            } else {
                samples.fill(0.0);
                let from = self.fed.saturating_add(done as u64);
                self.note_hole(from, from.saturating_add(run as u64), found == Found::Late);
            }
            done += run;
        }
    }

    fn note_hole(&mut self, from: u64, to: u64, late: bool) {
        let many = self.holes.len() == HOLES;
        match self.holes.back_mut() {
            Some(last) if many || (last.1 == from && last.2 == late) => last.1 = to,
            _ => self.holes.push_back((from, to, late)),
        }
    }

    /// The hole that frame `index` of the block lies in, whether its frames are late.
    fn hole_at(&mut self, index: usize) -> Option<bool> {
        let at = self.first + index as f64 * self.step;
        let at = self.origin.saturating_add_signed(at.round() as i64);
        while self.holes.front().is_some_and(|hole| hole.1 <= at) {
            self.holes.pop_front();
        }
        self.holes.front().filter(|hole| hole.0 <= at).map(|hole| hole.2)
    }

    /// Realtime-safe.
    pub(super) fn next(&mut self, outlet: &mut Outlet, left: u64) -> Part {
        if self.done == self.full {
            self.fill(outlet, self.max_frames.min(usize::try_from(left).unwrap_or(usize::MAX)));
        }
        let rest = (self.full - self.done).min(usize::try_from(left).unwrap_or(usize::MAX));
        self.begin = self.done;
        if self.holes.is_empty() {
            self.done += rest;
            return Part::There(rest);
        }
        let hole = self.hole_at(self.done);
        let mut run = 1;
        while run < rest && self.hole_at(self.done + run) == hole {
            run += 1;
        }
        self.done += run;
        match hole {
            None => Part::There(run),
            Some(false) => Part::Lost(run as u64),
            Some(true) => Part::Late(run as u64),
        }
    }

    /// Makes a block of `frames`.
    fn fill(&mut self, outlet: &mut Outlet, frames: usize) {
        (self.origin, self.first) = self.position();
        let (channels, frame) = (self.side.channels, self.frame());
        let mut done = 0;
        while done < frames {
            let chunk = CHUNK.min(frames - done);
            self.make(outlet, chunk);
            let block = &mut bytemuck::cast_slice_mut(&mut self.block)[done * frame..(done + chunk) * frame];
            encode(self.side.format, &self.made[..chunk * channels], block);
            done += chunk;
        }
        (self.full, self.done) = (frames, 0);
    }

    pub(super) fn input(&self, frames: usize) -> &[u8] {
        let frame = self.frame();
        &bytemuck::cast_slice(&self.block)[self.begin * frame..(self.begin + frames) * frame]
    }

    /// Realtime-safe.
    pub(super) fn jump(&mut self, outlet: &mut Outlet, left: u64) -> u64 {
        if self.done < self.full {
            return 0;
        }
        let (index, frames) = self.position();
        (self.origin, self.first) = (index, frames);
        if self.hole_at(0).is_none() {
            return 0;
        }
        let empty = match outlet.find(self.fed) {
            Found::There(_) => 0,
            // Far enough before its end that the filter is full again there.
            Found::Lost(hole) => ((hole as f64 / self.step) as u64).saturating_sub(4 * POINTS as u64),
            Found::Late => left,
        };
        let jumped = empty.min(left);
        if jumped < CHUNK as u64 {
            return 0;
        }
        let frames = frames + jumped as f64 * self.step;
        self.holes.clear();
        self.seek(outlet, index.saturating_add(frames as u64), frames.fract());
        jumped
    }
}
