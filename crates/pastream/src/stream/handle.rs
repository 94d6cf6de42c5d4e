//! The handle of a stream.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use pastream_rt::{Event, Outcome, Shared, SinkCounts, Xruns};

use super::{Run, SideConfig, Start, StreamConfig, pause::Pause, prepare, start::slot};
use crate::{
    Error, ErrorKind, Result, SampleFormat,
    backend::{Alignment, Cutter, Device, Opened, OpenedSide, Request, Side},
    device,
    file::{FileReader, FileWriter, Spec},
    resample::{Conversion, ConversionConfig, Converter, resampled_frames},
    ring::Ring,
    sink::{Control, Sink, WrittenFile},
    source::{Seek, Source},
};

/// What a stream tells while it runs.
#[derive(Clone, Debug)]
pub enum StreamEvent {
    /// An xrun or a gap.
    Callback(Event),
    /// A file is complete; told by its writer thread.
    File(WrittenFile),
    /// The device is gone: the run will be over when everything is written.
    DeviceLost,
    /// A run is over: everything is written, every thread joined.
    Finished {
        /// How it ended.
        outcome: Outcome,
        /// Its first error, which the next call that waits returns.
        error: Option<Error>,
    },
}

/// What a run that did not start leaves for the next one.
pub(super) struct Unused {
    pub(super) source: Option<Source>,
    pub(super) gone: Option<String>,
    pub(super) sinks: Vec<Sink>,
    pub(super) spent: Option<String>,
}

/// Frames of a source's ring, at least, where nothing is said.
const BUFFER_SIZE: usize = 65_536;

type Listener = Box<dyn Fn(&StreamEvent) + Send + Sync>;

/// What handle and conductor share.
pub(super) struct Inner {
    pub(super) config: StreamConfig,
    pub(super) opened: Opened,
    /// Frames that the device may ask for at once.
    burst: usize,
    /// None once the stream is closed, and while the device plays out what it holds.
    device: Mutex<Option<Box<dyn Device>>>,
    /// What the device said before it was taken.
    last: Mutex<Measured>,
    drain: Mutex<Drain>,
    pub(super) shared: Arc<Shared>,
    pub(super) pause: Arc<Pause>,
    pub(super) state: Mutex<State>,
    changed: Condvar,
    listener: Mutex<Option<Listener>>,
}

/// How the device plays out what it holds.
#[derive(Default)]
struct Drain {
    /// Not at all, or no longer: the run was aborted.
    cut: bool,
    /// Cuts it short, while it does.
    cutter: Option<Cutter>,
}

#[derive(Default)]
pub(super) struct State {
    active: bool,
    closed: bool,
    finished: bool,
    source: Option<Source>,
    sinks: Vec<Sink>,
    /// What is changed for the source, and for each file among the sinks.
    conversions: (Option<Conversion>, Vec<Option<Conversion>>),
    /// The file that the last run recorded, which no further run can.
    spent: Option<String>,
    /// The source that the last run could not give back.
    gone: Option<String>,
    pub(super) counts: Vec<Arc<SinkCounts>>,
    /// Those of the last run.
    pub(super) files: Vec<Arc<Control>>,
    recording: Option<Vec<u8>>,
    error: Option<Error>,
    /// Set to end the run: every wait of it looks here.
    ending: Arc<AtomicBool>,
    pub(super) rings: Vec<Arc<Ring>>,
    /// Of the file that the last run played.
    pub(super) seek: Option<Arc<Seek>>,
    pub(super) conductor: Option<JoinHandle<()>>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::StreamState, "the stream is closed: open another")
}

/// Channels and format of a side that must be open.
pub(super) fn side(side: Option<&OpenedSide>, verb: &str) -> Result<(usize, SampleFormat)> {
    side.map(|side| (side.channels, side.format)).ok_or_else(|| {
        Error::new(ErrorKind::InvalidArgument, format!("the stream does not {verb}: open one that does"))
    })
}

/// What a device says of itself.
#[derive(Clone, Copy, Default)]
struct Measured {
    time: f64,
    cpu_load: f64,
    alignment: Option<Alignment>,
    realtime: Option<bool>,
}

impl Measured {
    fn of(device: &dyn Device) -> Self {
        Self {
            time: device.time(),
            cpu_load: device.cpu_load(),
            alignment: device.alignment(),
            realtime: device.realtime(),
        }
    }
}

impl Inner {
    /// Frames of a source's ring, by default.
    pub(super) fn buffer_size(&self) -> usize {
        BUFFER_SIZE.max(self.burst * 2)
    }

    /// Refuses a ring that every block of the device empties.
    pub(super) fn check_room(&self, ring: &Ring) -> Result<()> {
        if ring.capacity() >= self.burst {
            return Ok(());
        }
        let message = format!(
            "the ring of the source holds {} frames, and device `{}` asks for up to {} at once: give it more (`bufferSize`), or ask for less latency",
            ring.capacity(),
            self.opened.id,
            self.burst
        );
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }

    /// Ends what the device does: at once, or when it has played out what it holds, which takes its time and keeps nobody
    /// from asking meanwhile. False where it was lost before.
    pub(super) fn end_device(&self, at_once: bool) -> bool {
        let Some(mut device) = lock(&self.device).take() else { return true };
        *lock(&self.last) = Measured::of(device.as_ref());
        let mut drain = lock(&self.drain);
        let at_once = at_once || drain.cut;
        drain.cutter = Some(device.cutter());
        drop(drain);
        let played = if at_once {
            device.stop();
            true
        } else {
            device.finish()
        };
        lock(&self.drain).cutter = None;
        if !lock(&self.state).closed {
            *lock(&self.device) = Some(device);
        }
        played
    }

    /// What the device says of itself, or said last.
    fn measured(&self) -> Measured {
        let device = lock(&self.device);
        device.as_ref().map_or_else(|| *lock(&self.last), |device| Measured::of(device.as_ref()))
    }

    /// Does `work` with the device, where the stream isn't closed.
    pub(super) fn device<T>(&self, work: impl FnOnce(&mut dyn Device) -> T) -> Option<T> {
        lock(&self.device).as_mut().map(|device| work(device.as_mut()))
    }

    /// What is changed between a file and the side that plays or records it; nothing where bytes pass unaltered.
    fn conversion(
        &self,
        (name, spec): (&str, &Spec),
        side: Option<&OpenedSide>,
        config: &ConversionConfig,
    ) -> Result<Option<Conversion>> {
        side.map_or(Ok(None), |side| Conversion::plan(name, spec, (self.opened.sample_rate, side), config))
    }

    /// Has `reader` read what the stream plays, or what the converter takes that makes it.
    pub(super) fn reading(
        &self,
        reader: &mut FileReader,
        config: &ConversionConfig,
    ) -> Result<Option<Converter>> {
        let side = self.opened.playback.as_ref();
        let planned = self.conversion((reader.name(), reader.spec()), side, config)?;
        let mapped = self.config.playback.as_ref().is_some_and(|side| side.routes.is_some());
        let converter = planned.map_or(Ok(None), |planned| planned.reading(mapped))?;
        if let Some(format) = converter.as_ref().map(Converter::from).or(side.map(|side| side.format)) {
            reader.set_format(format);
        }
        Ok(converter)
    }

    /// Has `writer` take what the converter makes, where there is one.
    pub(super) fn writing(
        &self,
        writer: &mut FileWriter,
        config: &ConversionConfig,
    ) -> Result<Option<Converter>> {
        let side = self.opened.recording.as_ref();
        let planned = self.conversion((writer.name(), writer.spec()), side, config)?;
        let mapped = self.config.recording.as_ref().is_some_and(|side| side.routes.is_some());
        let converter = planned.map_or(Ok(None), |planned| planned.writing(mapped))?;
        if let Some(converter) = &converter {
            writer.set_format(converter.to());
        }
        Ok(converter)
    }

    pub(super) fn emit(&self, event: &StreamEvent) {
        if let Some(listener) = &*lock(&self.listener) {
            listener(event);
        }
    }

    /// Ends a run that did not start.
    pub(super) fn give_up(&self, unused: Unused) {
        let mut state = lock(&self.state);
        state.active = false;
        Unused { source: state.source, gone: state.gone, sinks: state.sinks, spent: state.spent } = unused;
        // Writer threads that were started already return, and create nothing.
        for ring in state.rings.drain(..) {
            ring.close();
            ring.end();
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Ends a run. `source` is what it played, or the name of what did not come back.
    pub(super) fn finished(
        &self,
        source: Result<Option<Source>, String>,
        recording: Option<Vec<u8>>,
        error: Option<Error>,
    ) {
        let mut state = lock(&self.state);
        state.active = false;
        state.finished = true;
        (state.source, state.gone) = match source {
            Ok(source) => (source, None),
            Err(name) => (None, Some(name)),
        };
        state.recording = recording;
        state.error.clone_from(&error);
        state.rings.clear();
        drop(state);
        self.emit(&StreamEvent::Finished { outcome: self.shared.outcome(), error });
        self.changed.notify_all();
    }
}

/// An open stream. Closes when it is dropped.
pub struct Stream {
    inner: Arc<Inner>,
}

impl Stream {
    /// Opens the device.
    ///
    /// # Errors
    /// `InvalidArgument`, `DeviceNotFound`, `DeviceAmbiguous`, `DeviceBusy`, `HostUnavailable`, `UnsupportedConfig`.
    pub fn open(config: StreamConfig) -> Result<Self> {
        if config.playback.is_none() && config.recording.is_none() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a stream plays, records, or does both: ask for one",
            ));
        }
        let side = |side: &SideConfig| Side { channels: side.channels, format: side.format };
        let name = |side: Option<&SideConfig>| {
            side.and_then(|side| side.device.clone()).unwrap_or_else(|| config.device.clone())
        };
        let (playback, recording) = (name(config.playback.as_ref()), name(config.recording.as_ref()));
        let device = device::open_pair(
            &playback,
            &recording,
            &Request {
                id: String::new(),
                recording_id: None,
                sample_rate: config.sample_rate,
                playback: config.playback.as_ref().map(side),
                recording: config.recording.as_ref().map(side),
                block_size: config.block_size,
                latency: config.latency,
            },
        )?;
        Self::over(config, device)
    }

    /// A stream over a device that is open.
    pub(super) fn over(config: StreamConfig, device: Box<dyn Device>) -> Result<Self> {
        let opened = device.opened().clone();
        for (what, config, opened) in [
            ("playback", &config.playback, &opened.playback),
            ("recording", &config.recording, &opened.recording),
        ] {
            if let Some(side) = opened {
                // Now, not when a run has begun its files.
                prepare::mapping(what, config.as_ref(), side.channels)?;
            }
        }
        let inner = Inner {
            config,
            opened,
            burst: device.burst(),
            device: Mutex::new(Some(device)),
            last: Mutex::default(),
            drain: Mutex::default(),
            shared: Arc::new(Shared::new()),
            pause: Arc::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
            listener: Mutex::new(None),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What was really opened.
    #[must_use]
    pub fn opened(&self) -> &Opened {
        &self.inner.opened
    }

    /// Frames of a ring that the device, whatever it asks for at its start, does not empty: what a source has by default.
    #[must_use]
    pub fn buffer_size(&self) -> usize {
        self.inner.buffer_size()
    }

    /// What the callback counts, readable at any time.
    #[must_use]
    pub fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    /// What each sink of the last run got and lost.
    #[must_use]
    pub fn sink_counts(&self) -> Vec<Arc<SinkCounts>> {
        lock(&self.inner.state).counts.clone()
    }

    /// The files that the last run has completed so far, those of each sink in their order.
    #[must_use]
    pub fn files(&self) -> Vec<WrittenFile> {
        lock(&self.inner.state).files.iter().flat_map(|file| file.files()).collect()
    }

    /// Has the next file of each [series](crate::file::FileWriter::create_series) begin, with the frame that is recorded now. No frame is
    /// lost or twice there; where no frame of the file came since the last one began there is no new one.
    ///
    /// # Errors
    /// `StreamState` where no run is under way, `InvalidArgument` where none of its sinks is a series.
    pub fn split(&self) -> Result<()> {
        self.ask(Control::split, "is a series of files: set one with `split`")
    }

    /// Has each file begin that waits for it, with its [preroll](crate::sink::Cut::preroll), or as much as there is by now. The
    /// first call in a run counts.
    ///
    /// # Errors
    /// `StreamState` where no run is under way, `InvalidArgument` where none of its sinks waits.
    pub fn trigger(&self) -> Result<()> {
        self.ask(Control::trigger, "waits for a trigger: set one with `preroll`")
    }

    fn ask(&self, ask: fn(&Control) -> bool, needed: &str) -> Result<()> {
        let state = lock(&self.inner.state);
        if !state.active {
            return Err(Error::new(ErrorKind::StreamState, "no run is under way: start one first"));
        }
        // Each of them, though one would do for the answer.
        if state.files.iter().filter(|file| ask(file)).count() == 0 {
            return Err(Error::new(ErrorKind::InvalidArgument, format!("none of the sinks {needed}")));
        }
        for ring in &state.rings {
            ring.notify();
        }
        Ok(())
    }

    /// Holds the run, from the next block on: silence is played and what comes in is left, neither is counted. What the
    /// device holds is still heard. A run that starts while the stream is paused waits.
    pub fn pause(&self) {
        self.inner.pause.set(true);
    }

    /// Goes on after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.inner.pause.set(false);
    }

    /// Whether runs are held.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.inner.pause.is_set()
    }

    /// Goes on playing the file at `frame` of the stream's rate, from 0, or at its end where that is before. What the device holds, and a block
    /// at most that is not there yet, is still heard. What was read and is not played any more is in no count; it is no gap, nor is what is silent until there and between the first
    /// 8,192 frames from there, which makes a run with a `pad` longer as a gap does. Where the file ends before the run's `frames` after that, the run is finished.
    ///
    /// Not realtime-safe: waits for the file.
    ///
    /// # Errors
    /// `StreamState` where no file is played, or all of it was; `UnsupportedFile` for a pipe; what seeking in the file gives:
    /// playback then goes on as it was.
    pub fn seek(&self, frame: u64) -> Result<()> {
        let seek =
            Some(lock(&self.inner.state)).filter(|state| state.active).and_then(|state| state.seek.clone());
        let answer = seek.map(|seek| seek.ask(frame)).transpose()?;
        answer.and_then(|answer| answer.recv().ok()).unwrap_or_else(|| {
            let message = "nothing is sought: play a file, and seek while it is played";
            Err(Error::new(ErrorKind::StreamState, message))
        })
    }

    /// The frame of the file, at the stream's rate, that is played next, or was when the run ended; `None` where the run plays no file.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        let seek = lock(&self.inner.state).seek.clone()?;
        Some(seek.position(self.inner.shared.played()))
    }

    /// How recording and playback lie to each other; `None` in one direction, before it is measured, and once the stream is
    /// closed.
    #[must_use]
    pub fn alignment(&self) -> Option<Alignment> {
        self.inner.measured().alignment
    }

    /// Whether the system granted the audio thread realtime priority; `None` where it is not asked, or not known yet.
    #[must_use]
    pub fn realtime(&self) -> Option<bool> {
        self.inner.measured().realtime
    }

    /// Seconds of the device's clock since the start; 0 once the stream is closed.
    #[must_use]
    pub fn time(&self) -> f64 {
        self.inner.measured().time
    }

    /// The share of a block's time that the callback takes; 0 once the stream is closed.
    #[must_use]
    pub fn cpu_load(&self) -> f64 {
        self.inner.measured().cpu_load
    }

    /// Whether a run is under way.
    #[must_use]
    pub fn is_active(&self) -> bool {
        lock(&self.inner.state).active
    }

    /// Whether the last run is over, however it ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        lock(&self.inner.state).finished
    }

    /// Whether [`close`](Self::close) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        lock(&self.inner.state).closed
    }

    /// What is changed on the way from the file that was set last; `None` where nothing is, and where it is no file.
    #[must_use]
    pub fn source_conversion(&self) -> Option<Conversion> {
        lock(&self.inner.state).conversions.0.clone()
    }

    /// What is changed on the way to each file among the sinks that were set last.
    #[must_use]
    pub fn sink_conversions(&self) -> Vec<Option<Conversion>> {
        lock(&self.inner.state).conversions.1.clone()
    }

    /// Calls `listener` from the conductor thread with what happens, in place of any other.
    pub fn listen(&self, listener: Option<Listener>) {
        *lock(&self.inner.listener) = listener;
    }

    /// What the next run plays; `None`: silence.
    ///
    /// # Errors
    /// `StreamState` while a run is under way; `InvalidArgument` where the stream doesn't play, the frames aren't the
    /// stream's, or a gain is out of range; `UnsupportedConfig` for a file of another rate that can't be resampled, or is
    /// not to be; `UnsupportedFile` for a pipe or an empty file that is to loop.
    pub fn set_source(&self, source: Option<Source>) -> Result<()> {
        let mut state = self.idle()?;
        state.conversions.0 = source.as_ref().map_or(Ok(None), |source| self.check_source(source))?;
        (state.source, state.gone) = (source, None);
        Ok(())
    }

    /// Where the next runs record to, each with its own ring and losses: a ring in all of them, all others in the first.
    ///
    /// # Errors
    /// As [`set_source`](Self::set_source).
    pub fn set_sinks(&self, sinks: Vec<Sink>) -> Result<()> {
        let mut state = self.idle()?;
        let mut conversions = Vec::new();
        for sink in &sinks {
            let made = self.check_sink(sink)?;
            if matches!(sink, Sink::File { .. }) {
                conversions.push(made);
            }
        }
        state.conversions.1 = conversions;
        (state.sinks, state.spent) = (sinks, None);
        Ok(())
    }

    fn idle(&self) -> Result<MutexGuard<'_, State>> {
        let state = lock(&self.inner.state);
        if state.closed {
            return Err(closed());
        }
        if state.active {
            let message = "the stream is running: stop it, or wait for its end";
            return Err(Error::new(ErrorKind::StreamState, message));
        }
        Ok(state)
    }

    fn check_ring(ring: &Ring, frame_size: usize) -> Result<()> {
        if ring.frame_size() != frame_size {
            let message =
                format!("the ring has frames of {} bytes, the stream of {frame_size}", ring.frame_size());
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(())
    }

    /// Whether the stream can play it, and what is changed then.
    fn check_source(&self, source: &Source) -> Result<Option<Conversion>> {
        let playback = self.inner.opened.playback.as_ref();
        let (channels, format) = side(playback, "play")?;
        let frame_size = channels * format.size();
        match source {
            Source::Buffer { frames, .. } if !frames.len().is_multiple_of(frame_size) => {
                let message = format!(
                    "{} bytes are no whole number of frames of {channels} × {format}: the stream's frames have {frame_size} bytes",
                    frames.len()
                );
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
            Source::Buffer { .. } => {}
            Source::File { reader, looped, conversion, .. } => {
                if *looped && !reader.seekable() {
                    let message =
                        format!("{} can't be looped: it is a pipe, which can't be rewound", reader.name());
                    return Err(Error::new(ErrorKind::UnsupportedFile, message));
                }
                if *looped && reader.spec().frames == Some(0) {
                    let message = format!("{} holds no frames to loop", reader.name());
                    return Err(Error::new(ErrorKind::UnsupportedFile, message));
                }
                return self.inner.conversion((reader.name(), reader.spec()), playback, conversion);
            }
            Source::Ring(ring) => Self::check_ring(ring, frame_size)?,
        }
        Ok(None)
    }

    /// Whether the stream can record to it, and what is changed then.
    fn check_sink(&self, sink: &Sink) -> Result<Option<Conversion>> {
        let recording = self.inner.opened.recording.as_ref();
        let (channels, format) = side(recording, "record")?;
        match sink {
            Sink::Buffer { .. } => Ok(None),
            Sink::File { cut, writer, conversion, .. } => {
                // No file is to be empty.
                let least = u64::from(self.inner.opened.sample_rate.div_ceil(writer.spec().sample_rate));
                if let Some(split) = cut.split.filter(|split| !writer.is_series() || *split < least) {
                    let message = format!(
                        "{} can't be split after {split} frames: give {least} or more, and a series of files",
                        writer.name()
                    );
                    return Err(Error::new(ErrorKind::InvalidArgument, message));
                }
                self.inner.conversion((writer.name(), writer.spec()), recording, conversion)
            }
            Sink::Ring { frames, .. } => Self::check_ring(frames, channels * format.size()).map(|()| None),
        }
    }

    /// Frames that a run is to record, where that can be told before it.
    fn recorded(&self, run: &Run, source: Option<&Source>) -> Option<u64> {
        let length = || match source? {
            Source::Buffer { frames, looped: false } => {
                let side = self.inner.opened.playback.as_ref()?;
                Some((frames.len() / (side.channels * side.format.size())) as u64)
            }
            // A pipe may end before it says.
            Source::File { reader, looped: false, .. } if reader.seekable() => {
                let spec = reader.spec();
                Some(resampled_frames(spec.frames?, spec.sample_rate, self.inner.opened.sample_rate))
            }
            _ => None,
        };
        let all = match run.pad.filter(|_| source.is_some()) {
            None => run.frames?,
            Some(pad) => run.frames.or_else(length)?.saturating_add(pad),
        };
        Some(all.saturating_sub(run.offset))
    }

    /// Starts a run, after the source has given what `run.prebuffer` asks for.
    ///
    /// Not realtime-safe: blocks for the prebuffer.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare) and [`Start::start`].
    pub fn start(&self, run: &Run) -> Result<()> {
        self.prepare(run, Vec::new())?.start()
    }

    /// Makes a run the one under way, which [`stop`](Self::stop) and the like end from now on. [`Start::start`] starts it.
    /// It alone records to `also`, too.
    ///
    /// # Errors
    /// `StreamState` while a run is under way, after [`close`](Self::close), where a file that was set was recorded by
    /// a run before, and where the pipe that was set hung when the run before ended; `InvalidArgument` where the counts
    /// contradict each other, or `also` isn't the stream's; `UnsupportedFile` where a file can't hold as much as it is to
    /// get.
    pub fn prepare(&self, run: &Run, also: Vec<Sink>) -> Result<Start> {
        let mut state = self.idle()?;
        for sink in &also {
            self.check_sink(sink)?;
        }
        if let Some(name) = &state.spent {
            let message = format!(
                "{name} was recorded by the run before and is complete: set sinks anew, or none at all"
            );
            return Err(Error::new(ErrorKind::StreamState, message));
        }
        if let Some(name) = &state.gone {
            let message = format!(
                "{name} had given nothing for too long when the run before ended, and its pipe is gone: set a source anew, or none"
            );
            return Err(Error::new(ErrorKind::StreamState, message));
        }
        if let Some(frames) = run.frames
            && run.offset > frames
        {
            let message = format!("offset {} is beyond the end at {frames} frames", run.offset);
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        if let Some(frames) = self.recorded(run, state.source.as_ref()) {
            for sink in state.sinks.iter().chain(&also) {
                if let Sink::File { writer, cut, .. } = sink {
                    let (rate, own) = (self.inner.opened.sample_rate, writer.spec().sample_rate);
                    let frames = cut.split.unwrap_or(frames).min(frames);
                    writer.check_frames(resampled_frames(frames, rate, own))?;
                }
            }
        }
        if let Some(conductor) = state.conductor.take() {
            // It has said that it is over, so this doesn't wait.
            let _ = conductor.join();
        }
        let extra = also.len();
        let mut sinks = std::mem::take(&mut state.sinks);
        state.spent = sinks.iter().find_map(Sink::file_name).map(str::to_owned);
        state.sinks = sinks.iter().filter_map(Sink::again).collect();
        sinks.extend(also);
        state.active = true;
        state.finished = false;
        state.error = None;
        state.recording = None;
        state.files.clear();
        state.ending = Arc::default();
        state.seek = None;
        self.inner.shared.reset();
        *lock(&self.inner.drain) = Drain::default();
        Ok(Start {
            inner: Arc::clone(&self.inner),
            run: *run,
            source: slot(state.source.take()),
            sinks: sinks.into_iter().map(|sink| slot(Some(sink))).collect(),
            extra,
            gone: None,
            ending: Arc::clone(&state.ending),
            started: false,
        })
    }

    /// Ends the run at the next block and waits until everything is written. Does nothing where none is under way.
    ///
    /// # Errors
    /// The first error of the run, told once.
    pub fn stop(&self) -> Result<()> {
        self.request(false);
        self.wait(None).map(drop)
    }

    /// Ends the run at once and waits until everything is written. Does nothing where none is under way.
    ///
    /// # Errors
    /// The first error of the run, told once.
    pub fn abort(&self) -> Result<()> {
        self.request(true);
        self.wait(None).map(drop)
    }

    fn request(&self, abort: bool) {
        let state = lock(&self.inner.state);
        if !state.active {
            return;
        }
        if abort {
            self.inner.shared.request_abort();
            let mut drain = lock(&self.inner.drain);
            drain.cut = true;
            if let Some(cut) = &drain.cutter {
                cut();
            }
        } else {
            self.inner.shared.request_stop();
        }
        // Release: pairs with the Acquire of whoever waits for the run.
        state.ending.store(true, Ordering::Release);
        for ring in &state.rings {
            ring.notify();
        }
        if let Some(conductor) = &state.conductor {
            conductor.thread().unpark();
        }
    }

    /// Waits until no run is under way: true; or `timeout` is over: false.
    ///
    /// # Errors
    /// The first error of the run, told once.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = lock(&self.inner.state);
        while state.active {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(false);
            }
            state = match left {
                Some(left) => {
                    self.inner.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.inner.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        state.error.take().map_or(Ok(true), Err)
    }

    /// The frames that a [`Sink::Buffer`] got, with silence in its gaps. Once.
    #[must_use]
    pub fn take_recording(&self) -> Option<Vec<u8>> {
        lock(&self.inner.state).recording.take()
    }

    /// Aborts what runs and frees the device. Safe to call again.
    ///
    /// # Errors
    /// The first error of the run, told once.
    pub fn close(&self) -> Result<()> {
        let ended = self.abort();
        let conductor = {
            let mut state = lock(&self.inner.state);
            state.closed = true;
            state.conductor.take()
        };
        if let Some(conductor) = conductor
            && conductor.thread().id() != thread::current().id()
        {
            let _ = conductor.join();
        }
        *lock(&self.inner.device) = None;
        *lock(&self.inner.last) = Measured::default();
        let mut state = lock(&self.inner.state);
        (state.source, state.sinks) = (None, Vec::new());
        ended
    }

    /// The kinds of xrun since the start.
    #[must_use]
    pub fn status(&self) -> Xruns {
        self.inner.shared.status()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // An error nobody asked for any more.
        let _ = self.close();
    }
}
