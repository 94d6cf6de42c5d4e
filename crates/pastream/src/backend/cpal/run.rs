use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering::Relaxed, mpsc::Sender},
    thread::Thread,
    time::Instant,
};

use pastream_rt::{Block, Flow, Missing, Times, Xruns};

use super::{layout::Layout, settings::Settings, shared::Shared, timeline::Timeline};
use crate::backend::Process;

/// When a block happens, in nanoseconds of the stream's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// When the host called.
    pub(super) callback: u128,
    /// When the first frame reached the device, or leaves it.
    pub(super) device: u128,
}

/// What the host's audio thread runs. When the host drops it, the process goes home to the thread that dropped the stream.
pub(super) struct Run {
    process: Option<Box<dyn Process>>,
    home: Sender<Box<dyn Process>>,
    pub(super) faults: Faults,
    layout: Layout,
    timeline: Timeline,
    plays: bool,
    /// What an xrun looks like.
    xrun: Xruns,
    /// What lost frames look like: what a loopback lacks is the silence of one that played nothing.
    gap: Xruns,
    rate: f64,
    /// The first callback, in nanoseconds.
    origin: Option<u128>,
    over: bool,
}

/// Takes what the host says of the stream, on whatever thread.
#[derive(Clone)]
pub(super) struct Faults {
    pub(super) shared: Arc<Shared>,
    /// Holds the host's stream.
    keeper: Thread,
}

/// What the host says of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Frames were lost, or something else was played.
    Xrun,
    /// The audio thread runs at ordinary priority.
    Denied,
    /// No block will come any more, or none that fits.
    Lost,
}

impl Faults {
    pub(super) fn new(shared: Arc<Shared>, keeper: Thread) -> Self {
        Self { shared, keeper }
    }

    /// Realtime-safe.
    pub(super) fn tell(&self, fault: Fault) {
        match fault {
            Fault::Xrun => self.shared.xrun.store(true, Relaxed),
            Fault::Denied => self.shared.denied.store(true, Relaxed),
            Fault::Lost => {
                self.shared.lost.store(true, Relaxed);
                self.keeper.unpark();
            }
        }
    }
}

impl Run {
    /// Not realtime-safe: allocates.
    pub(super) fn new(
        settings: &Settings,
        process: Box<dyn Process>,
        home: Sender<Box<dyn Process>>,
        faults: Faults,
    ) -> Self {
        let xrun = if settings.plays { Xruns::OUTPUT_UNDERFLOW } else { Xruns::INPUT_OVERFLOW };
        Self {
            process: Some(process),
            home,
            faults,
            layout: Layout::new(settings),
            timeline: Timeline::new(settings.sample_rate),
            plays: settings.plays,
            xrun,
            gap: if settings.loopback { Xruns::NONE } else { xrun },
            rate: f64::from(settings.sample_rate),
            origin: None,
            over: false,
        }
    }

    /// Fills `output`, which is silent.
    ///
    /// Realtime-safe.
    pub(super) fn play(&mut self, output: &mut [u8], moment: Moment) {
        let frames = output.len() / self.layout.device_frame();
        self.block(output, &[], frames, moment);
    }

    /// Takes `input`.
    ///
    /// Realtime-safe.
    pub(super) fn record(&mut self, input: &[u8], moment: Moment) {
        let frames = input.len() / self.layout.device_frame();
        self.block(&mut [], input, frames, moment);
    }

    fn block(&mut self, output: &mut [u8], input: &[u8], frames: usize, moment: Moment) {
        let shared = Arc::clone(&self.faults.shared);
        shared.blocks.fetch_add(1, Relaxed);
        if self.over {
            return;
        }
        let began = Instant::now();
        let origin = *self.origin.get_or_insert(moment.callback);
        let seconds = |nanoseconds: u128| nanoseconds.wrapping_sub(origin).cast_signed() as f64 * 1e-9;
        let (called, device) = (seconds(moment.callback), seconds(moment.device));
        let told = shared.xrun.swap(false, Relaxed);
        let skipped = self.timeline.take(device, frames, told);
        let mut xruns = if told { self.xrun } else { Xruns::NONE };
        if skipped > 0 {
            xruns |= self.gap;
        }
        let times = Times {
            input: if self.plays { called } else { device },
            current: called,
            output: if self.plays { device } else { called },
        };
        // A process that panicked is told so and dropped, nothing else is done with it.
        let guarded = AssertUnwindSafe(|| self.parts(output, input, frames, xruns, skipped, times));
        let flow = catch_unwind(guarded).ok();
        shared.position.fetch_add(frames as u64 + skipped, Relaxed);
        let period = frames as f64 / self.rate;
        shared.load.note(began.elapsed().as_secs_f64(), period);
        match flow {
            Some(Flow::Continue) => return,
            Some(flow) => shared.end(flow, if self.plays { device - called + period } else { 0.0 }),
            None => shared.lost.store(true, Relaxed),
        }
        self.over = true;
        self.faults.keeper.unpark();
    }

    /// Runs the block, in parts where it is too long.
    fn parts(
        &mut self,
        output: &mut [u8],
        input: &[u8],
        total: usize,
        mut xruns: Xruns,
        mut skipped: u64,
        times: Times,
    ) -> Flow {
        let Some(process) = &mut self.process else { return Flow::Abort };
        let mut done = 0_usize;
        loop {
            let part = done..total.min(done.saturating_add(self.layout.max_frames()));
            let (at, frames) = (done as f64 / self.rate, part.len());
            done = part.end;
            let mut run = |output: &mut [u8], input: &[u8]| {
                let times =
                    Times { input: times.input + at, current: times.current, output: times.output + at };
                let (xruns, skipped) = (std::mem::take(&mut xruns), std::mem::take(&mut skipped));
                let missing = Missing::None;
                process.process(Block { output, input, frames, xruns, skipped, missing, times }, None)
            };
            let flow = if self.plays {
                self.layout.play(output, part, |output| run(output, &[]))
            } else {
                run(&mut [], self.layout.record(input, part))
            };
            if flow != Flow::Continue || done >= total {
                return flow;
            }
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            // Who dropped the stream waits for it.
            let _ = self.home.send(process);
        }
    }
}
