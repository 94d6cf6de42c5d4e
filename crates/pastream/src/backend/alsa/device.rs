use std::{
    io::{PipeWriter, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering::Relaxed},
    thread::{self, JoinHandle},
};

use alsa::Direction;

use super::{
    capture::Capture,
    library::Quiet,
    line::Line,
    playback::Playback,
    run::{Run, Way},
};
use crate::{
    Error, ErrorKind, Result,
    backend::{
        Device, Opened, Process,
        adapter::{Ends, adapt},
        audio_thread::AudioThread,
    },
};

/// A PCM in one direction, and the thread that moves its frames.
///
/// A panic in the [`Process`] ends the run like a lost device.
pub(super) struct AlsaDevice {
    opened: Opened,
    ends: Ends,
    /// The block that the stream gets, where the device has another.
    block: Option<usize>,
    /// `None` while the thread has it.
    line: Option<Line>,
    state: Arc<AudioThread>,
    thread: Option<Thread>,
}

struct Thread {
    handle: JoinHandle<(Line, Box<dyn Process>)>,
    wake: PipeWriter,
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
        let Some(line) = self.line.take() else {
            let message = format!("device `{}` is started: stop it first", self.opened.id);
            return Err(Error::new(ErrorKind::StreamState, message));
        };
        let settings = line.settings();
        let quiet = Quiet::new();
        line.halt();
        let ready = line.prepare();
        drop(quiet);
        if ready.is_err() {
            self.line = Some(line);
            let message = format!("device `{}` is gone: open it again", self.opened.id);
            return Err(Error::new(ErrorKind::DeviceLost, message));
        }
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
        let mut run = Run::new(line, state, reader);
        let body = move || {
            // A Process that panicked is told so and dropped, nothing else is done with it.
            let guarded = AssertUnwindSafe(|| run.run(&mut *way, &mut *process));
            if catch_unwind(guarded).is_err() {
                // The hook has told of the first panic; one in here adds nothing.
                let _ = catch_unwind(AssertUnwindSafe(|| process.device_lost()));
                run.line.halt();
            }
            (run.line, process)
        };
        let handle = thread::Builder::new().name("pastream-alsa".to_owned()).spawn(body).map_err(failed)?;
        self.thread = Some(Thread { handle, wake });
        Ok(())
    }

    fn stop(&mut self) {
        self.state.stop.store(true, Relaxed);
        if let Some(thread) = &mut self.thread {
            // The thread may be over already; nothing else can fail.
            let _ = thread.wake.write(&[0]);
        }
        self.finish();
    }

    fn finish(&mut self) {
        if let Some(thread) = self.thread.take() {
            // Can't fail: all that could panic is caught. The Process comes back and is dropped here.
            if let Ok((line, process)) = thread.handle.join() {
                self.line = Some(line);
                drop(process);
            }
        }
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

impl Drop for AlsaDevice {
    fn drop(&mut self) {
        self.stop();
        // Closing complains about a server that is gone.
        let _quiet = Quiet::new();
        self.line = None;
    }
}
