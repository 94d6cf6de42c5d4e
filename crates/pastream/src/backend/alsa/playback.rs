use std::ops::Range;

use pastream_rt::{Flow, Times, Xruns};

use super::{
    line::{Line, Trouble},
    run::{Run, Step, Way},
};
use crate::backend::{Process, memory::filled};

/// Plays: the buffer is full before the device starts.
pub(super) struct Playback {
    /// A period, of words, so that every format is aligned.
    block: Vec<u64>,
    silence: Vec<u8>,
    /// Frames of the block that the device has not got yet.
    left: Range<usize>,
    started: bool,
    flow: Flow,
}

impl Playback {
    pub(super) fn new(line: &Line) -> Self {
        let settings = line.settings();
        let size = settings.period * settings.frame;
        let block = filled(size.div_ceil(8), u64::from_ne_bytes([settings.silence; 8]));
        Self {
            block,
            silence: filled(size, settings.silence),
            left: 0..0,
            started: false,
            flow: Flow::Continue,
        }
    }

    fn start(&mut self, run: &Run) -> Result<(), Trouble> {
        self.started = true;
        run.line.start()
    }

    /// Asks the stream for a block.
    fn fill(&mut self, run: &mut Run, process: &mut dyn Process, avail: usize) {
        let settings = run.line.settings();
        let queued = settings.buffer - avail;
        let delay = run.line.delay().filter(|_| self.started);
        let current = run.now();
        let mut output = current + run.timeline.seconds(delay.unwrap_or(queued) as f64);
        if delay.is_some() {
            if run.timeline.jumps(run.position, output) {
                // It ran dry, which a plug-in hides where the whole process was held.
                run.lose(Xruns::OUTPUT_UNDERFLOW, run.position, output);
            }
            output = run.timeline.measure(run.position, output, settings.period).max(current);
        } else if let Some(due) = run.timeline.time(run.position).filter(|_| self.started) {
            output = due.max(current);
        }
        let mut block = run.block(settings.period);
        block.times = Times { input: current, current, output };
        block.output = &mut bytemuck::cast_slice_mut(&mut self.block)[..settings.period * settings.frame];
        self.flow = run.call(process, block);
        self.left = 0..settings.period;
    }
}

impl Way for Playback {
    fn begin(&mut self, _run: &mut Run) -> Result<(), Trouble> {
        Ok(())
    }

    fn step(&mut self, run: &mut Run, process: &mut dyn Process) -> Result<Step, Trouble> {
        let settings = run.line.settings();
        if self.flow == Flow::Abort {
            return Ok(Step::End);
        }
        if !self.left.is_empty() {
            let bytes = self.left.start * settings.frame..self.left.end * settings.frame;
            let written = run.line.write(&bytemuck::cast_slice(&self.block)[bytes])?;
            self.left.start += written;
            return Ok(if written > 0 { Step::Continue } else { Step::Wait });
        }
        let avail = run.line.avail()?;
        if !self.started && (avail < settings.period || self.flow == Flow::Complete) {
            self.start(run)?;
            return Ok(Step::Continue);
        }
        if self.flow == Flow::Complete {
            return run.line.drain(&run.wake).map(|()| Step::End);
        }
        if avail < settings.period {
            return Ok(Step::Wait);
        }
        self.fill(run, process, avail);
        Ok(Step::Continue)
    }

    fn restart(&mut self, run: &mut Run) -> Result<(), Trouble> {
        let settings = run.line.settings();
        run.line.prepare()?;
        // A period of silence in front: when the next frame leaves is known before it is asked for.
        let silence = settings.period.min(settings.buffer / 2);
        let silence = run.line.write(&self.silence[..silence * settings.frame])?;
        self.start(run)?;
        let delay = run.line.delay().unwrap_or(silence).max(silence);
        let next = run.position - self.left.len() as u64;
        run.lose(Xruns::OUTPUT_UNDERFLOW, next, run.now() + run.timeline.seconds(delay as f64));
        Ok(())
    }
}
