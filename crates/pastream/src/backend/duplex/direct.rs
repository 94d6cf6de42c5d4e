use super::{
    feed::Part,
    queue::{Found, Outlet},
};
use crate::backend::memory::filled;

/// Recorded frames as they came.
pub(super) struct Direct {
    /// Where the next frame lies on the recording clock.
    pub(super) next: u64,
    /// Bytes.
    frame: usize,
    max_frames: usize,
    /// Words, so that every format is aligned.
    block: Vec<u64>,
}

impl Direct {
    pub(super) fn new(frame: usize, max_frames: usize) -> Self {
        let block = filled((max_frames * frame).div_ceil(8), 0);
        Self { next: 0, frame, max_frames, block }
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
        part
    }

    pub(super) fn input(&self, frames: usize) -> &[u8] {
        &bytemuck::cast_slice(&self.block)[..frames * self.frame]
    }
}
