//! From so many channels to so many others.

/// Which channel goes where, and how loud.
pub(super) struct Mix {
    from: usize,
    to: usize,
    routes: Vec<(usize, usize, f64)>,
}

impl Mix {
    /// One channel goes to the first two, two become their mean, and of any others as many as there are on both sides go to
    /// themselves, as all do where `mapped` says that a map follows or came before. All of it by `factor`.
    pub(super) fn new(from: usize, to: usize, mapped: bool, factor: f64) -> Self {
        let routes = match (from, to) {
            (1, 2..) if !mapped => vec![(0, 0, factor), (0, 1, factor)],
            (2, 1) if !mapped => vec![(0, 0, factor / 2.0), (1, 0, factor / 2.0)],
            _ => (0..from.min(to)).map(|channel| (channel, channel, factor)).collect(),
        };
        Self { from, to, routes }
    }

    /// Whether the resampler has less to do ahead of this.
    pub(super) fn widens(&self) -> bool {
        self.to > self.from
    }

    /// Replaces what is in `mixed` by `frames`, mixed.
    pub(super) fn apply(&self, frames: &[f64], mixed: &mut Vec<f64>) {
        mixed.clear();
        mixed.resize(frames.len() / self.from * self.to, 0.0);
        for (from, to) in frames.chunks_exact(self.from).zip(mixed.chunks_exact_mut(self.to)) {
            for &(input, output, factor) in &self.routes {
                to[output] += from[input] * factor;
            }
        }
    }
}
