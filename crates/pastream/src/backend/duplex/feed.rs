use super::{direct::Direct, queue::Outlet, resampled::Resampled};

/// Recorded frames, one for each frame of the stream.
pub(super) enum Feed {
    Direct(Direct),
    Resampled(Box<Resampled>),
}

/// What there is for the next frames of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// So many recorded ones.
    There(usize),
    /// So many that are lost.
    Lost(u64),
    /// So many that have not come in time, and will be thrown away when they do.
    Late(u64),
}

impl Part {
    pub(super) fn frames(self) -> u64 {
        match self {
            Self::There(frames) => frames as u64,
            Self::Lost(frames) | Self::Late(frames) => frames,
        }
    }
}

impl Feed {
    /// The next frames, 1 to `left`, which is at least 1.
    ///
    /// Realtime-safe.
    pub(super) fn next(&mut self, outlet: &mut Outlet, left: u64) -> Part {
        match self {
            Self::Direct(direct) => direct.next(outlet, left),
            Self::Resampled(resampled) => resampled.next(outlet, left),
        }
    }

    /// The `frames` that [`next`](Self::next) has found.
    pub(super) fn input(&self, frames: usize) -> &[u8] {
        match self {
            Self::Direct(direct) => direct.input(frames),
            Self::Resampled(resampled) => resampled.input(frames),
        }
    }

    /// Passes over at most `left` frames at once that are not there. Answers how many: 0 says that
    /// [`next`](Self::next) knows better.
    ///
    /// Realtime-safe.
    pub(super) fn jump(&mut self, outlet: &mut Outlet, left: u64) -> u64 {
        match self {
            Self::Direct(_) => 0,
            Self::Resampled(resampled) => resampled.jump(outlet, left),
        }
    }
}
