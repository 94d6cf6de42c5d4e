//! The start of a run: rings, threads, prebuffer, and at last the device.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use pastream_rt::{Callback, Event, Gap, Limits, OnFull, Outcome, SinkCounts};
use ringbuf::{HeapRb, traits::Split};

use super::{
    Prebuffer, Run,
    conductor::{Conductor, Ending},
    engine::{Engine, StreamCallback},
    handle::{Inner, StreamEvent, Unused, closed, lock, side},
    prepare::{self, Feed, Target},
};
use crate::{
    Error, ErrorKind, Result,
    format::with_sample,
    resample::Converter,
    ring::{FrameConsumer, Reader, Ring},
    sink::{self, Control, Drain, Sink, WrittenFile},
    source::{self, Seek, Source},
};

/// Events that wait for the conductor, at most; more are counted.
const EVENTS: usize = 1024;
/// Gaps that wait for a sink, at most; while there is no room for one the last gap grows.
const GAPS: usize = 1024;

/// What a thread takes, works on and gives back: nothing of it is lost where the thread or the run fails to start.
pub(super) type Slot<T> = Arc<Mutex<Option<T>>>;

pub(super) fn slot<T>(held: Option<T>) -> Slot<T> {
    Arc::new(Mutex::new(held))
}

/// A run that is under way, but for its device. Dropping it gives the run up.
#[must_use = "the run starts with `start`"]
pub struct Start {
    pub(super) inner: Arc<Inner>,
    pub(super) run: Run,
    pub(super) source: Slot<Source>,
    pub(super) sinks: Vec<Slot<Sink>>,
    /// How many of the sinks, at the end, are of this run alone.
    pub(super) extra: usize,
    /// The source that did not come back from its thread.
    pub(super) gone: Option<String>,
    pub(super) ending: Arc<AtomicBool>,
    pub(super) started: bool,
}

/// How often is looked whether who reads a ring has come.
const AWAITING: Duration = Duration::from_millis(1);

impl Start {
    /// Starts the device, after the source has given what the run's prebuffer asks for.
    ///
    /// Not realtime-safe: blocks for the prebuffer.
    ///
    /// # Errors
    /// What the device, a source or a sink gives. Nothing was moved then: source and sinks are set as they were, for the
    /// next run. Rings that the program has the other end of are ended, and what a pipe gave meanwhile is lost.
    pub fn start(mut self) -> Result<()> {
        let started = self.begin();
        self.started = started.is_ok();
        started
    }

    fn begin(&mut self) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        let (config, opened) = (&inner.config, &inner.opened);
        if self.run.align && !inner.device(|device| device.alignable()).unwrap_or_default() {
            let message = format!(
                "device `{}` can't tell its round trip from playback to recording: leave out `align`",
                opened.id
            );
            return Err(Error::new(ErrorKind::UnsupportedConfig, message));
        }
        let feed = self.feed()?;
        let feed_ring = if let Some(Feed::Ring(ring)) = &feed { Some(Arc::clone(ring)) } else { None };
        let play = match (feed, &opened.playback) {
            (Some(feed), Some(side)) => {
                let mapping = prepare::mapping("playback", config.playback.as_ref(), side.channels)?;
                Some(prepare::play(feed, side.format, mapping, config.on_starved)?)
            }
            _ => None,
        };
        // Now that its reading end is taken it is this run that closes it, whatever fails.
        lock(&inner.state).rings.extend(feed_ring.clone());
        feed_ring.iter().try_for_each(|ring| inner.check_room(ring))?;

        let mut targets = Vec::new();
        for sink in &self.sinks {
            let target = self.target(sink)?;
            lock(&inner.state).rings.push(Arc::clone(&target.frames));
            targets.push(target);
        }
        let record = match &opened.recording {
            // Without sinks, too: its levels are measured.
            Some(side) => {
                let mapping = prepare::mapping("recording", config.recording.as_ref(), side.channels)?;
                Some(prepare::record(&targets, side.format, mapping, self.run.offset)?)
            }
            None => None,
        };
        {
            let mut state = lock(&inner.state);
            state.counts = targets.iter().map(|target| Arc::clone(&target.counts)).collect();
            state.files = targets.iter().filter_map(|target| target.control.clone()).collect();
        }

        let limits = Limits { frames: self.run.frames, pad: self.run.pad };
        let (events, told) = HeapRb::<Event>::new(EVENTS).split();
        let mut callback = Callback::new(limits, play, record, events, Arc::clone(&inner.shared));
        if let Some(side) = &opened.playback {
            callback = with_sample!(side.format, S => callback.silent::<S>());
        }
        let mut conductor = Conductor {
            inner: Arc::clone(&inner),
            events: told,
            ending: Arc::clone(&self.ending),
            feed: feed_ring,
            source: Arc::clone(&self.source),
            reader: None,
            sinks: Vec::new(),
        };
        match self.launch(&mut conductor, &targets, callback, limits) {
            Ok((thread, gate)) => {
                // First, so that a stop finds it.
                lock(&inner.state).conductor = Some(thread);
                // It waits at the gate, so there is one who takes it.
                let _ = gate.send(conductor);
                Ok(())
            }
            Err(error) => {
                // Every thread is through after this, and has given back what it had.
                self.gone = conductor.cancel();
                Err(error)
            }
        }
    }

    /// Starts the threads, waits for the prebuffer, and starts the device. The conductor's thread waits for the conductor:
    /// where the device fails to start it is for this one to end the run.
    fn launch(
        &self,
        conductor: &mut Conductor,
        targets: &[Target],
        callback: StreamCallback,
        limits: Limits,
    ) -> Result<(JoinHandle<()>, mpsc::Sender<Conductor>)> {
        let (inner, ending) = (&self.inner, &self.ending);
        for (sink, target) in self.sinks.iter().zip(targets) {
            conductor.sinks.push(self.ending(sink, target)?);
        }
        if let Some(ring) = &conductor.feed {
            conductor.reader = self.read(ring)?;
            let wanted = match self.run.prebuffer {
                Prebuffer::None => 0,
                Prebuffer::Frames(frames) => frames,
                Prebuffer::Full if conductor.reader.is_some() => ring.capacity(),
                Prebuffer::Full => 1,
            };
            ring.wait_readable(wanted, None, &|| ending.load(Ordering::Acquire));
        }
        // A thread that is being started, or loads a module, must not cost the first frames.
        while targets.iter().any(|target| target.frames.is_awaited()) && !ending.load(Ordering::Acquire) {
            thread::sleep(AWAITING);
        }
        let (gate, passed) = mpsc::channel::<Conductor>();
        let thread = thread::Builder::new()
            .name("pastream-conductor".to_owned())
            .spawn(move || {
                if let Ok(conductor) = passed.recv() {
                    conductor.run();
                }
            })
            .map_err(|error| Error::io("cannot start the conductor thread", error))?;
        let engine = Engine {
            callback,
            limits,
            shared: Arc::clone(&inner.shared),
            ending: Arc::clone(ending),
            source: conductor.feed.clone(),
            sinks: targets
                .iter()
                .filter(|target| target.on_full != OnFull::Discard)
                .map(|target| Arc::clone(&target.frames))
                .collect(),
            conductor: thread.thread().clone(),
            pause: Arc::clone(&inner.pause),
            silence: inner.opened.playback.as_ref().map_or(0, |side| side.format.silence()),
            align: self.run.align,
        };
        let started = inner.device(|device| device.start(Box::new(engine))).unwrap_or_else(|| Err(closed()));
        if let Err(error) = started {
            drop(gate);
            // It had nothing to do that could fail.
            let _ = thread.join();
            return Err(error);
        }
        Ok((thread, gate))
    }

    /// Where the frames to play will be.
    fn feed(&self) -> Result<Option<Feed>> {
        Ok(match &mut *lock(&self.source) {
            None => None,
            Some(Source::Buffer { frames, looped }) => {
                Some(Feed::Buffer { frames: Arc::clone(frames), looped: *looped })
            }
            Some(Source::Ring(ring)) => Some(Feed::Ring(Arc::clone(ring))),
            Some(Source::File { reader, buffer_size, .. }) => {
                let (channels, format) = side(self.inner.opened.playback.as_ref(), "play")?;
                if reader.seekable() {
                    reader.seek(0)?;
                }
                let frames = if *buffer_size > 0 { *buffer_size } else { self.inner.buffer_size() };
                Some(Feed::Ring(Ring::new(channels * format.size(), frames)?))
            }
        })
    }

    /// The reader thread of a file, where it is one that is played.
    fn read(&self, ring: &Arc<Ring>) -> Result<Option<(String, mpsc::Receiver<Result<()>>)>> {
        let rate = self.inner.opened.sample_rate;
        let (name, converter, seek) = match &mut *lock(&self.source) {
            Some(Source::File { reader, looped, conversion, .. }) => {
                let converter = self.inner.reading(reader, conversion)?;
                let seek = Arc::new(Seek::new(ring, reader, rate, *looped));
                (reader.name().to_owned(), converter, seek)
            }
            _ => return Ok(None),
        };
        lock(&self.inner.state).seek = Some(Arc::clone(&seek));
        let (done, end) = mpsc::channel();
        let (slot, writer, ending) = (Arc::clone(&self.source), ring.writer()?, Arc::clone(&self.ending));
        thread::Builder::new()
            .name("pastream-reader".to_owned())
            .spawn(move || {
                let mut source = lock(&slot).take();
                let cancelled = || ending.load(Ordering::Acquire);
                let read = match &mut source {
                    Some(Source::File { reader, looped, .. }) => {
                        source::feed(reader, converter, writer, *looped, &seek, &cancelled)
                    }
                    _ => Ok(()),
                };
                *lock(&slot) = source;
                // Nobody listens where the run gave up waiting for a pipe.
                let _ = done.send(read);
            })
            .map_err(|error| Error::io("cannot start the reader thread", error))?;
        Ok(Some((name, end)))
    }

    /// The rings of a sink.
    fn target(&self, sink: &Slot<Sink>) -> Result<Target> {
        let (channels, format) = side(self.inner.opened.recording.as_ref(), "record")?;
        let frame_size = channels * format.size();
        let counts = Arc::<SinkCounts>::default();
        let new_gaps = || Ring::new(size_of::<Gap>(), GAPS);
        let mut on_full = self.inner.config.on_full;
        let mut control = None;
        let (frames, gaps) = match &*lock(sink) {
            Some(Sink::Buffer { frames: capacity }) => {
                on_full = OnFull::Discard;
                (Ring::new(frame_size, (*capacity).max(1))?, new_gaps()?)
            }
            Some(Sink::File { writer, buffer_size, cut, .. }) => {
                control = Some(Arc::new(Control::new(writer, *cut, Arc::clone(&counts))));
                let preroll = usize::try_from(cut.preroll.unwrap_or(0)).unwrap_or(usize::MAX);
                (Ring::new(frame_size, buffer_size.saturating_add(preroll))?, new_gaps()?)
            }
            Some(Sink::Ring { frames, gaps }) => {
                // Where another has the writing end, the ring is that one's to open and to end.
                drop(frames.writer()?);
                frames.reopen();
                (Arc::clone(frames), gaps.clone().map_or_else(new_gaps, Ok)?)
            }
            None => (Ring::new(frame_size, 1)?, new_gaps()?),
        };
        Ok(Target { frames, gaps, counts, on_full, control })
    }

    /// What a sink ends in; starts the writer thread of a file.
    fn ending(&self, sink: &Slot<Sink>, target: &Target) -> Result<Ending> {
        let silence = self.inner.opened.recording.as_ref().map_or(0, |side| side.format.silence());
        let (frames, gaps) = (Arc::clone(&target.frames), &target.gaps);
        Ok(match &mut *lock(sink) {
            Some(Sink::Buffer { frames: capacity }) => Ending::Buffer {
                frames,
                capacity: *capacity,
                silence,
                gaps: gaps.consumer()?,
                seen: Vec::new(),
            },
            Some(Sink::File { writer, conversion, .. }) => {
                let converter = self.inner.writing(writer, conversion)?;
                let control = target.control.clone();
                let (reader, gaps) = (frames.reader()?, gaps.consumer()?);
                let done = self.write(Arc::clone(sink), converter, reader, gaps, silence, control)?;
                Ending::File { frames, done }
            }
            Some(Sink::Ring { gaps: Some(_), .. }) | None => Ending::Ring { frames, gaps: None },
            Some(Sink::Ring { gaps: None, .. }) => Ending::Ring { frames, gaps: Some(gaps.consumer()?) },
        })
    }

    /// The writer thread of a file.
    fn write(
        &self,
        slot: Slot<Sink>,
        converter: Option<Converter>,
        reader: Reader,
        gaps: FrameConsumer<Gap>,
        silence: u8,
        control: Option<Arc<Control>>,
    ) -> Result<JoinHandle<Result<()>>> {
        let (inner, ending) = (Arc::clone(&self.inner), Arc::clone(&self.ending));
        thread::Builder::new()
            .name("pastream-writer".to_owned())
            .spawn(move || {
                let mut sink = lock(&slot).take();
                let complete = || inner.shared.outcome() == Outcome::Finished;
                let told = |file: &WrittenFile| inner.emit(&StreamEvent::File(file.clone()));
                let ring = Arc::clone(reader.ring());
                let drained = catch_unwind(AssertUnwindSafe(|| match (&mut sink, &control) {
                    (Some(Sink::File { writer, .. }), Some(control)) => {
                        let told = &told;
                        sink::drain(
                            Drain { writer, converter, reader, gaps, silence, control, told },
                            &complete,
                        )
                    }
                    _ => Ok(()),
                }));
                let written = drained.unwrap_or_else(|_| {
                    let name = sink.as_ref().and_then(Sink::file_name).unwrap_or_default();
                    Err(Error::panicked(name, "writer thread"))
                });
                if written.is_err() {
                    // A recording that can't be stored ends the run; the other sinks are completed.
                    inner.shared.request_abort();
                    ending.store(true, Ordering::Release);
                    ring.close();
                }
                *lock(&slot) = sink;
                written
            })
            .map_err(|error| Error::io("cannot start the writer thread", error))
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        if self.started {
            return;
        }
        let kept = self.sinks.len() - self.extra;
        let mut sinks: Vec<_> = self.sinks.iter().take(kept).filter_map(|sink| lock(sink).take()).collect();
        // A device that ran before it failed may have had a file begun.
        let begun =
            sinks.extract_if(.., |sink| matches!(sink, Sink::File { writer, .. } if !writer.is_unused()));
        let spent = begun.last().as_ref().and_then(Sink::file_name).map(str::to_owned);
        self.inner.give_up(Unused {
            source: lock(&self.source).take(),
            gone: self.gone.take(),
            sinks,
            spent,
        });
    }
}
