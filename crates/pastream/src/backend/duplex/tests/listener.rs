use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assert_no_alloc::permit_alloc;
use pastream_rt::{Block, Flow, Missing, Times, Wire, Xruns};

use crate::backend::Process;

/// What came for one frame of the stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Got {
    Frame(f32),
    /// Recorded while the output was lost.
    Alone(f32),
    Missing,
    Skipped,
}

/// What a stream saw.
#[derive(Default)]
pub(super) struct Heard {
    /// A frame each, where they are kept.
    pub(super) got: Vec<Got>,
    /// Frames clocked.
    pub(super) clocked: u64,
    pub(super) missing: u64,
    pub(super) xruns: Vec<Xruns>,
    pub(super) lost: usize,
    pub(super) times: Option<Times>,
    pub(super) blocks: Vec<usize>,
    pub(super) dropped: bool,
    /// The frame that is the last, and how the run ends there.
    pub(super) end: Option<(u64, Flow)>,
    /// Keeps the recorded frames for which this says so.
    pub(super) keep: Option<fn(u64) -> bool>,
}

/// A stream of one float32 channel each way, that plays `frame + 1`.
#[derive(Clone, Default)]
pub(super) struct Listener(pub(super) Arc<Mutex<Heard>>);

impl Listener {
    pub(super) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// How often it was told of a loss, and frames clocked.
    pub(super) fn lost_after(&self) -> (usize, u64) {
        let heard = self.heard();
        (heard.lost, heard.clocked)
    }
}

impl Process for Listener {
    fn process(&mut self, block: Block<'_>, wire: Option<&mut dyn Wire>) -> Flow {
        permit_alloc(|| {
            assert!(wire.is_none());
            let mut heard = self.heard();
            assert_eq!((heard.lost, heard.dropped), (0, false));
            // No samples may lie anywhere.
            let output: &mut [f32] =
                if block.output.is_empty() { &mut [] } else { bytemuck::cast_slice_mut(block.output) };
            let input: &[f32] = if block.input.is_empty() { &[] } else { bytemuck::cast_slice(block.input) };
            assert_eq!(output.len(), if block.missing == Missing::Output { 0 } else { block.frames });
            assert_eq!(input.len(), if block.missing == Missing::Input { 0 } else { block.frames });
            heard.clocked += block.skipped;
            for (sample, frame) in output.iter_mut().zip(heard.clocked..) {
                *sample = (frame + 1) as f32;
            }
            if heard.keep.is_none() {
                heard.got.extend((0..block.skipped).map(|_| Got::Skipped));
            }
            for (index, frame) in (0..block.frames).zip(heard.clocked..) {
                if heard.keep.is_none_or(|keep| keep(frame)) {
                    heard.got.push(match block.missing {
                        Missing::None => Got::Frame(input[index]),
                        Missing::Output => Got::Alone(input[index]),
                        Missing::Input => Got::Missing,
                    });
                }
            }
            if block.missing == Missing::Input {
                heard.missing += block.frames as u64;
            }
            heard.clocked += block.frames as u64;
            if !block.xruns.is_empty() {
                heard.xruns.push(block.xruns);
            }
            heard.times.get_or_insert(block.times);
            if heard.keep.is_none() {
                heard.blocks.push(block.frames);
            }
            match heard.end {
                Some((frame, flow)) if heard.clocked >= frame => flow,
                _ => Flow::Continue,
            }
        })
    }

    fn wait_ready(&mut self, frames: usize) -> usize {
        frames
    }

    fn device_lost(&mut self) {
        self.heard().lost += 1;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The one that the device had.
        if Arc::strong_count(&self.0) == 2 {
            permit_alloc(|| self.heard().dropped = true);
        }
    }
}
