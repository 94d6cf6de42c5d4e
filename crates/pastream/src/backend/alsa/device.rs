use std::{
    io::{PipeWriter, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering::Relaxed, mpsc},
    thread,
    time::Duration,
};

use alsa::Direction;

use super::{
    capture::Capture,
    limit::{STOP, begin, within},
    line::Line,
    playback::Playback,
    run::{Run, Way},
};
use crate::{
    Error, ErrorKind, Result,
    backend::{
        Cutter, Device, Opened, Process,
        adapter::{Ends, adapt},
        audio_thread::AudioThread,
    },
};

/// How long beyond what it holds a device may take to play that out.
const DRAIN: Duration = Duration::from_secs(5);

/// A PCM in one direction, and the thread that moves its frames.
///
/// A panic in the [`Process`] ends the run like a lost device.
pub(super) struct AlsaDevice {
    opened: Opened,
    ends: Ends,
    /// The block that the stream gets, where the device has another.
    block: Option<usize>,
    /// `None` while the thread has it, and where the device is gone.
    line: Option<Line>,
    state: Arc<AudioThread>,
    thread: Option<Thread>,
}

struct Thread {
    /// Comes when the thread is over.
    ended: mpsc::Receiver<(Line, Box<dyn Process>)>,
    wake: Arc<PipeWriter>,
    /// How long the device may take to play out what it holds.
    held: Duration,
}

impl AlsaDevice {
    pub(super) fn new(opened: Opened, ends: Ends, block: Option<usize>, line: Line) -> Self {
        Self { opened, ends, block, line: Some(line), state: Arc::default(), thread: None }
    }
}

impl Device for AlsaDevice {
    fn opened(&self) -> &Opened {
        &self.opened
    }

    fn start(&mut self, process: Box<dyn Process>) -> Result<()> {
        let failed = |error| Error::io("cannot start the audio thread", error);
        let (reader, wake) = std::io::pipe().map_err(failed)?;
        if self.thread.is_some() {
            let message = format!("device `{}` is started: stop it first", self.opened.id);
            return Err(Error::new(ErrorKind::StreamState, message));
        }
        let ready = |line: Line| move || line.prepare().is_ok().then_some(line);
        let Some(line) = self.line.take().and_then(|line| within(STOP, ready(line)).flatten()) else {
            let message = format!("device `{}` is gone: open it again", self.opened.id);
            return Err(Error::new(ErrorKind::DeviceLost, message));
        };
        let settings = line.settings();
        let ends = |direction| Some(self.ends).filter(|_| settings.direction == direction);
        let mut process = adapt(
            process,
            ends(Direction::Playback),
            ends(Direction::Capture),
            self.block,
            settings.period,
            settings.sample_rate,
        );
        let state = Arc::new(AudioThread::default());
        self.state = Arc::clone(&state);
        let mut way: Box<dyn Way + Send> = match settings.direction {
            Direction::Playback => Box::new(Playback::new(&line)),
            Direction::Capture => Box::new(Capture::new(&line)),
        };
        let held = Duration::from_secs_f64(settings.buffer as f64 / f64::from(settings.sample_rate));
        let mut run = Run::new(line, state, reader);
        let (over, ended) = mpsc::sync_channel(1);
        let body = move || {
            // A Process that panicked is told so and dropped, nothing else is done with it.
            let guarded = AssertUnwindSafe(|| run.run(&mut *way, &mut *process));
            if catch_unwind(guarded).is_err() {
                run.state.lost.store(true, Relaxed);
                // The hook has told of the first panic; one in here adds nothing.
                let _ = catch_unwind(AssertUnwindSafe(|| process.device_lost()));
            }
            // Nobody waits for one that hung.
            let _ = over.send((run.line, process));
        };
        thread::Builder::new().name("pastream-alsa".to_owned()).spawn(body).map_err(failed)?;
        self.thread = Some(Thread { ended, wake: Arc::new(wake), held });
        Ok(())
    }

    fn stop(&mut self) {
        self.cutter()();
        self.end(STOP);
    }

    fn finish(&mut self) -> bool {
        let held = self.thread.as_ref().map_or(Duration::ZERO, |thread| thread.held);
        self.end(DRAIN + held);
        !self.state.lost.load(Relaxed)
    }

    fn cutter(&self) -> Cutter {
        let (state, wake) =
            (Arc::clone(&self.state), self.thread.as_ref().map(|thread| Arc::clone(&thread.wake)));
        Box::new(move || {
            state.stop.store(true, Relaxed);
            if let Some(wake) = &wake {
                // The thread may be over already; nothing else can fail.
                let _ = (&**wake).write(&[0]);
            }
        })
    }

    fn time(&self) -> f64 {
        self.state.time(self.opened.sample_rate)
    }

    fn realtime(&self) -> Option<bool> {
        self.state.realtime()
    }

    fn cpu_load(&self) -> f64 {
        self.state.load.get()
    }
}

impl AlsaDevice {
    /// Waits for the thread, and halts the device. One that takes longer than `limit` is left to itself: it is gone.
    fn end(&mut self, limit: Duration) {
        let Some(thread) = self.thread.take() else { return };
        let Ok((line, process)) = thread.ended.recv_timeout(limit) else {
            self.state.lost.store(true, Relaxed);
            self.state.stop.store(true, Relaxed);
            return;
        };
        drop(process);
        if self.state.lost.load(Relaxed) {
            // Who waits has files to end.
            begin(|| drop(line));
            return;
        }
        self.line = within(STOP, move || {
            line.halt();
            line
        });
    }
}

impl Drop for AlsaDevice {
    fn drop(&mut self) {
        self.stop();
        if let Some(line) = self.line.take() {
            within(STOP, || drop(line));
        }
    }
}
