use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{self, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    run::{Faults, Run},
    settings::Settings,
    shared::Shared,
};
use crate::{
    Error, ErrorKind, Result,
    backend::{
        Cutter, Device, Opened, Process,
        adapter::{Ends, adapt},
    },
};

/// Frames of a device's block that are converted at once.
const MAX_FRAMES: usize = 4096;
/// How often it is looked whether blocks still come.
const WATCH: Duration = Duration::from_millis(500);
/// How many looks without a block it takes to ask the host whether the device is still there.
const PATIENCE: u32 = 4;

/// What runs streams: the host, or a test.
pub(super) trait Driver: Clone + Send + 'static {
    /// A stream that runs until it is dropped, by the thread that made it.
    type Stream;

    /// Starts calling `run`. Drops it where that fails, and with the stream.
    fn start(&self, settings: &Settings, run: Run) -> Result<Self::Stream>;

    /// Whether the device is still there.
    fn present(&self, settings: &Settings) -> bool;
}

/// One direction of a device.
///
/// A thread of each run, the keeper, makes the host's stream, holds it, and drops it when the run is over, whoever ended it:
/// after that nobody else has the [`Process`], and it can be told that the device is lost.
pub(super) struct HostDevice<D: Driver> {
    driver: D,
    settings: Settings,
    opened: Opened,
    /// Whether the host makes its audio thread a realtime one and says where it can't.
    promotes: bool,
    shared: Arc<Shared>,
    keeper: Option<JoinHandle<Option<Box<dyn Process>>>>,
}

impl<D: Driver> HostDevice<D> {
    pub(super) fn new(driver: D, settings: Settings, opened: Opened, promotes: bool) -> Self {
        Self { driver, settings, opened, promotes, shared: Arc::default(), keeper: None }
    }

    /// `process` as the device calls it.
    fn adapted(&self, process: Box<dyn Process>) -> Box<dyn Process> {
        let settings = &self.settings;
        let ends =
            Ends { channels: settings.channels, device: settings.device_format, stream: settings.format };
        let (playback, recording) = if settings.plays { (Some(ends), None) } else { (None, Some(ends)) };
        adapt(process, playback, recording, settings.block, MAX_FRAMES, settings.sample_rate)
    }
}

impl<D: Driver> Device for HostDevice<D> {
    fn opened(&self) -> &Opened {
        &self.opened
    }

    fn start(&mut self, process: Box<dyn Process>) -> Result<()> {
        if self.keeper.is_some() {
            return Err(Error::new(
                ErrorKind::StreamState,
                format!("device `{}` is started: stop it first", self.opened.id),
            ));
        }
        let process = self.adapted(process);
        let shared = Arc::new(Shared::default());
        self.shared = Arc::clone(&shared);
        let (driver, settings) = (self.driver.clone(), self.settings.clone());
        let (tell, told) = mpsc::channel();
        let keeper = thread::Builder::new()
            .name("pastream-device".to_owned())
            .spawn(move || keep(&driver, &settings, process, &shared, &tell))
            .map_err(|error| Error::io("cannot start the device's thread", error))?;
        self.keeper = Some(keeper);
        let started = told.recv().unwrap_or_else(|_| {
            let message = format!("device `{}`: the audio system failed", self.opened.id);
            Err(Error::new(ErrorKind::HostUnavailable, message))
        });
        if started.is_err() {
            self.finish();
        }
        started
    }

    fn stop(&mut self) {
        self.cutter()();
        self.finish();
    }

    fn finish(&mut self) -> bool {
        if let Some(keeper) = self.keeper.take() {
            // The process comes back and is dropped here. Where the host panicked it went with the host's stream.
            drop(keeper.join());
        }
        !self.shared.lost.load(Relaxed)
    }

    fn cutter(&self) -> Cutter {
        let (shared, keeper) =
            (Arc::clone(&self.shared), self.keeper.as_ref().map(|keeper| keeper.thread().clone()));
        Box::new(move || {
            shared.stop.store(true, Relaxed);
            if let Some(keeper) = &keeper {
                keeper.unpark();
            }
        })
    }

    fn time(&self) -> f64 {
        self.shared.position.load(Relaxed) as f64 / f64::from(self.opened.sample_rate)
    }

    fn realtime(&self) -> Option<bool> {
        let known = self.promotes && self.shared.blocks.load(Relaxed) > 0;
        known.then(|| !self.shared.denied.load(Relaxed))
    }

    fn cpu_load(&self) -> f64 {
        self.shared.load.get()
    }
}

impl<D: Driver> Drop for HostDevice<D> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The keeper: tells whether the stream runs, holds it until the run is over, and brings back the process.
fn keep<D: Driver>(
    driver: &D,
    settings: &Settings,
    process: Box<dyn Process>,
    shared: &Arc<Shared>,
    tell: &Sender<Result<()>>,
) -> Option<Box<dyn Process>> {
    let (home, back) = mpsc::channel();
    let run = Run::new(settings, process, home, Faults::new(Arc::clone(shared), thread::current()));
    let stream = match driver.start(settings, run) {
        Ok(stream) => stream,
        Err(error) => {
            let process = back.recv().ok();
            // Who starts the device waits for it.
            let _ = tell.send(Err(error));
            return process;
        }
    };
    let _ = tell.send(Ok(()));
    wait(driver, settings, shared);
    drop(stream);
    let mut process = back.recv().ok()?;
    if shared.lost.load(Relaxed) && shared.ended().is_none() {
        // A process that panicked may do so once more; the hook has told of the first panic.
        let _ = catch_unwind(AssertUnwindSafe(|| process.device_lost()));
    }
    Some(process)
}

/// Waits until the run is over and what it played has left the device.
fn wait<D: Driver>(driver: &D, settings: &Settings, shared: &Shared) {
    let (mut seen, mut quiet) = (0, 0);
    let mut deadline = None;
    while !shared.stop.load(Relaxed) && !shared.lost.load(Relaxed) {
        if let Some(lag) = shared.ended() {
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + Duration::from_nanos(lag));
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::park_timeout(left);
            continue;
        }
        let began = Instant::now();
        thread::park_timeout(WATCH);
        let blocks = shared.blocks.load(Relaxed);
        if blocks != seen {
            (seen, quiet) = (blocks, 0);
        } else if began.elapsed() >= WATCH {
            quiet += 1;
        }
        // Not every host tells of a device that was pulled out.
        if quiet >= PATIENCE {
            quiet = 0;
            if !driver.present(settings) {
                shared.lost.store(true, Relaxed);
            }
        }
    }
}
