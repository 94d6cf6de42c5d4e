use std::sync::Arc;

use pastream_rt::{Block, Flow, Missing, Wire, Xruns};
use ringbuf::{HeapProd, traits::Producer};

use super::{
    clock::Clock,
    line::{Observation, Observer},
    queue::Inlet,
    shared::Shared,
};
use crate::backend::Process;

/// What the recording device calls: passes its frames on, and when they were captured.
pub(super) struct Recorder {
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) inlet: Inlet,
    pub(super) observer: Observer,
    pub(super) observations: HeapProd<Observation>,
    /// Bytes.
    pub(super) frame: usize,
}

impl Process for Recorder {
    fn process(&mut self, block: Block<'_>, _wire: Option<&mut dyn Wire>) -> Flow {
        if self.shared.over() {
            return Flow::Abort;
        }
        let now = self.clock.now();
        let Block { input, frames, xruns, skipped, missing, times, .. } = block;
        self.shared.note_xruns(xruns);
        self.inlet.skip(skipped);
        if missing == Missing::Input || input.len() != frames * self.frame {
            self.inlet.skip(frames as u64);
        } else if !self.inlet.push(input) {
            self.shared.note_xruns(Xruns::INPUT_OVERFLOW);
        }
        let lag = times.current - times.input;
        if let Some(observation) = self.observer.observe(skipped, frames, now - lag, lag) {
            // One that finds no room is one of many.
            let _ = self.observations.try_push(observation);
        }
        Flow::Continue
    }

    fn wait_ready(&mut self, frames: usize) -> usize {
        frames
    }

    fn device_lost(&mut self) {
        self.shared.lose();
    }
}
