use super::{
    feed::Part,
    queue::{Found, Outlet},
};
use crate::backend::memory::filled;

/// Recorded frames as they came.
pub(super) struct Direct {
    /// Where the next frame lies on the recording clock.
    pub(super) next: u64,
    /// Frames that were late, those in a row since that were not, and what had been taken of the queue when it began.
    late: u64,
    punctual: u64,
    since: u64,
    /// Frames of a second.
    rate: u64,
    /// Frames by which the recording was moved and nobody was told yet.
    moved: u64,
    /// Bytes.
    frame: usize,
    max_frames: usize,
    /// Words, so that every format is aligned.
    block: Vec<u64>,
}

impl Direct {
    pub(super) fn new(frame: usize, max_frames: usize, rate: u32) -> Self {
        let block = filled((max_frames * frame).div_ceil(8), 0);
        let rate = u64::from(rate);
        Self { next: 0, late: 0, punctual: 0, since: 0, rate, moved: 0, frame, max_frames, block }
    }

    /// Realtime-safe.
    pub(super) fn next(&mut self, outlet: &mut Outlet, left: u64) -> Part {
        let part = match outlet.find(self.next) {
            Found::There(run) => {
                let run = run.min(self.max_frames).min(usize::try_from(left).unwrap_or(usize::MAX));
                outlet.take(&mut bytemuck::cast_slice_mut(&mut self.block)[..run * self.frame]);
                Part::There(run)
            }
            Found::Lost(hole) => Part::Lost(hole.min(left)),
            Found::Late => Part::Late(left),
        };
        self.next = self.next.saturating_add(part.frames());
        self.watch(part, outlet.taken());
        part
    }

    /// Moves the recording to where its frames come in time, where for four seconds they came and were late again and again: the
    /// clock is another after all, or the device lost frames and did not say so. Better one jump than holes without an end.
    /// A device that stood still comes back to its place by itself.
    fn watch(&mut self, part: Part, taken: u64) {
        match part {
            Part::There(frames) => {
                self.punctual += frames as u64;
                if self.punctual > self.rate / 2 {
                    self.late = 0;
                }
            }
            Part::Lost(_) => {}
            Part::Late(frames) => {
                if self.late == 0 {
                    self.since = taken;
                }
                self.late += frames;
                self.punctual = 0;
                if self.late > self.rate / 20 && taken - self.since > 4 * self.rate {
                    let back = (self.late.min(self.rate / 2) + self.rate / 20).min(self.next);
                    self.next -= back;
                    self.moved += back;
                    self.late = 0;
                }
            }
        }
    }

    /// Frames by which the recording comes later than the last time that this was asked.
    pub(super) fn moved(&mut self) -> u64 {
        std::mem::take(&mut self.moved)
    }

    pub(super) fn input(&self, frames: usize) -> &[u8] {
        &bytemuck::cast_slice(&self.block)[..frames * self.frame]
    }
}

#[cfg(test)]
mod tests {
    use super::{super::queue::queue, *};

    /// Frames that come one too late, block after block, are put in line with one jump.
    #[test]
    fn what_is_always_late_is_moved_once() {
        let (mut inlet, mut outlet) = queue(1000, 1);
        let mut direct = Direct::new(1, 100, 1000);
        direct.next = 1;
        let (mut late, mut moved) = (0, 0);
        for _block in 0..2000 {
            inlet.push(&[1; 10]);
            let mut left = 10;
            while left > 0 {
                let part = direct.next(&mut outlet, left);
                left -= part.frames();
                if let Part::Late(frames) = part {
                    late += frames;
                }
            }
            moved += direct.moved();
        }
        assert!(moved > 0 && moved < 1000, "{moved}");
        // About four seconds of a frame in ten, and none afterwards.
        assert!((400..600).contains(&late), "{late}");
    }

    /// A device that stands still comes back to its place.
    #[test]
    fn what_was_late_once_stays_where_it_is() {
        let (mut inlet, mut outlet) = queue(20_000, 1);
        let mut direct = Direct::new(1, 100, 1000);
        for block in 0..2000 {
            if !(100..800).contains(&block) {
                inlet.push(&vec![1; if block == 800 { 7010 } else { 10 }]);
            }
            let mut left = 10;
            while left > 0 {
                left -= direct.next(&mut outlet, left).frames();
            }
            assert_eq!(direct.moved(), 0);
        }
    }
}
