use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering::Relaxed},
    thread::{self, JoinHandle},
};

use super::{
    connection::{Connection, Failure, Hanger},
    player::Player,
    recorder::Recorder,
    run::Run,
    settings::Settings,
};
use crate::{
    Error, ErrorKind, Result, SampleFormat,
    backend::{
        Cutter, Device, Opened, Process,
        adapter::{Ends, adapt},
        audio_thread::AudioThread,
    },
};

/// Frames that the adapter works on at once, at most.
const ADAPTED: usize = 4096;

/// One direction of a sink or source.
///
/// Each run has a connection and a stream of its own: nothing of the last is heard or recorded in the next, and a server
/// that was restarted meanwhile is found again.
pub(super) struct PulseDevice {
    pub(super) opened: Opened,
    pub(super) settings: Settings,
    /// What the stream has.
    pub(super) format: SampleFormat,
    state: Arc<AudioThread>,
    running: Option<Running>,
}

struct Running {
    hanger: Hanger,
    thread: JoinHandle<Box<dyn Process>>,
}

impl PulseDevice {
    pub(super) fn new(opened: Opened, settings: Settings, format: SampleFormat) -> Self {
        Self { opened, settings, format, state: Arc::default(), running: None }
    }

    /// A process that takes what the server gives.
    fn adapted(&self, process: Box<dyn Process>) -> Box<dyn Process> {
        let settings = &self.settings;
        let ends = Ends { channels: settings.channels, device: settings.format, stream: self.format };
        let (playback, recording) = if settings.playback { (Some(ends), None) } else { (None, Some(ends)) };
        adapt(process, playback, recording, settings.block, ADAPTED, settings.sample_rate)
    }
}

/// One direction that runs.
enum Direction {
    Player(Player),
    Recorder(Recorder),
}

impl Direction {
    fn run(&mut self, process: &mut dyn Process) -> Result<(), Failure> {
        match self {
            Self::Player(player) => player.play(process),
            Self::Recorder(recorder) => recorder.record(process),
        }
    }
}

impl Device for PulseDevice {
    fn opened(&self) -> &Opened {
        &self.opened
    }

    fn start(&mut self, process: Box<dyn Process>) -> Result<()> {
        if self.running.is_some() {
            return Err(Error::new(
                ErrorKind::StreamState,
                format!("device `{}` is started: stop it first", self.opened.id),
            ));
        }
        let mut connection =
            Connection::open().map_err(|reason| Error::new(ErrorKind::HostUnavailable, reason))?;
        let made = self.settings.make(&mut connection)?;
        if self.settings.playback {
            self.settings.call_sink(&mut connection, &made)?;
        }
        let hanger = connection.hanger();
        let state = Arc::new(AudioThread::default());
        self.state = Arc::clone(&state);
        let run = Run::new(connection, self.settings.clone(), made, Arc::clone(&state));
        let mut direction = if self.settings.playback {
            Direction::Player(Player::new(run))
        } else {
            Direction::Recorder(Recorder::new(run))
        };
        let mut process = self.adapted(process);
        let thread = thread::Builder::new()
            .name("pastream-device".to_owned())
            .spawn(move || {
                state.promote();
                // A Process that panicked is told so and dropped, nothing else is done with it.
                let ran = catch_unwind(AssertUnwindSafe(|| direction.run(&mut *process)));
                let lost = !matches!(ran, Ok(Ok(())));
                if lost && !state.stop.load(Relaxed) {
                    state.lost.store(true, Relaxed);
                    // The hook has told of a first panic; one in here adds nothing.
                    let _ = catch_unwind(AssertUnwindSafe(|| process.device_lost()));
                }
                process
            })
            .map_err(|error| Error::io("cannot start the audio thread", error))?;
        self.running = Some(Running { hanger, thread });
        Ok(())
    }

    fn stop(&mut self) {
        self.cutter()();
        self.finish();
    }

    fn finish(&mut self) -> bool {
        if let Some(running) = self.running.take() {
            // The Process comes back and is dropped here. Its thread can't panic: all that could is caught.
            drop(running.thread.join());
        }
        !self.state.lost.load(Relaxed)
    }

    fn cutter(&self) -> Cutter {
        let (state, hanger) =
            (Arc::clone(&self.state), self.running.as_ref().map(|running| running.hanger.clone()));
        Box::new(move || {
            state.stop.store(true, Relaxed);
            if let Some(hanger) = &hanger {
                // The server drops the stream with the connection, and what it held.
                hanger.hang_up();
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

impl Drop for PulseDevice {
    fn drop(&mut self) {
        self.stop();
    }
}
