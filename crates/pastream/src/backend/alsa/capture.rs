use pastream_rt::{Flow, Times, Xruns};

use super::{
    line::{Line, Trouble},
    run::{Run, Step, Way},
};
use crate::backend::{Process, memory::filled};

/// Records.
pub(super) struct Capture {
    /// A period, of words, so that every format is aligned.
    block: Vec<u64>,
    /// Frames of the block that the device has given.
    got: usize,
    times: Times,
}

impl Capture {
    pub(super) fn new(line: &Line) -> Self {
        let settings = line.settings();
        let words = (settings.period * settings.frame).div_ceil(8);
        Self { block: filled(words, 0), got: 0, times: Times::default() }
    }
}

impl Way for Capture {
    fn begin(&mut self, run: &mut Run) -> Result<(), Trouble> {
        run.line.start()
    }

    fn step(&mut self, run: &mut Run, process: &mut dyn Process) -> Result<Step, Trouble> {
        let settings = run.line.settings();
        let avail = run.line.avail()?;
        if avail < settings.period - self.got {
            return Ok(Step::Wait);
        }
        if self.got == 0 {
            // Less than what waits where a server has taken it from what is yet to be played.
            let delay = run.line.delay().unwrap_or(avail);
            let current = run.now();
            let input = current - run.timeline.seconds(delay as f64);
            let input = run.timeline.measure(run.position, input, settings.period).min(current);
            self.times = Times { input, current, output: current };
        }
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.block);
        let bytes = &mut bytes[..settings.period * settings.frame];
        let read = run.line.read(&mut bytes[self.got * settings.frame..])?;
        self.got += read;
        if self.got < settings.period {
            return Ok(if read > 0 { Step::Continue } else { Step::Wait });
        }
        self.got = 0;
        let mut block = run.block(settings.period);
        block.times = self.times;
        block.input = bytes;
        Ok(if run.call(process, block) == Flow::Continue { Step::Continue } else { Step::End })
    }

    fn restart(&mut self, run: &mut Run) -> Result<(), Trouble> {
        run.line.prepare()?;
        run.line.start()?;
        let next = run.position + self.got as u64;
        run.lose(Xruns::INPUT_OVERFLOW, next, run.now());
        Ok(())
    }
}
