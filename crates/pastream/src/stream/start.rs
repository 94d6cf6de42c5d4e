//! The start of a run: rings, threads, prebuffer, and at last the device.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use pastream_rt::{Callback, Event, Gap, Limits, OnFull, Outcome, SinkCounts};
use ringbuf::{HeapRb, traits::Split};

use super::{
    Prebuffer, Run,
    conductor::{Conductor, Ending, FeedEnd},
    engine::Engine,
    handle::{Inner, closed, lock, side},
    prepare::{self, Feed, Target},
};
use crate::{
    Error, Result,
    format::with_sample,
    ring::Ring,
    sink::{self, Sink},
    source::{self, Source},
};

/// Events that wait for the conductor, at most; more are counted.
const EVENTS: usize = 1024;
/// Gaps that wait for a sink, at most; while there is no room for one the last gap grows.
const GAPS: usize = 1024;

/// A run that is under way, but for its device. Dropping it gives the run up.
#[must_use = "the run starts with `start`"]
pub struct Start {
    pub(super) inner: Arc<Inner>,
    pub(super) run: Run,
    pub(super) source: Option<Source>,
    pub(super) sinks: Vec<Sink>,
    pub(super) ending: Arc<AtomicBool>,
    pub(super) started: bool,
}

impl Start {
    /// Starts the device, after the source has given what the run's prebuffer asks for.
    ///
    /// Not realtime-safe: blocks for the prebuffer.
    ///
    /// # Errors
    /// What the device, a source or a sink gives. Nothing was moved then.
    pub fn start(mut self) -> Result<()> {
        let started = self.begin();
        self.started = started.is_ok();
        started
    }

    #[expect(clippy::too_many_lines, reason = "one run is set up in one order, which splitting would hide")]
    fn begin(&mut self) -> Result<()> {
        let (inner, run, ending) = (&self.inner, &self.run, &self.ending);
        let (config, opened) = (&inner.config, &inner.opened);
        let limits = Limits { frames: run.frames, pad: run.pad };

        let mut kept = None;
        let mut feed_ring = None;
        let mut reading = None;
        let feed = match self.source.take() {
            None => None,
            Some(Source::Buffer { frames, looped }) => {
                kept = Some(Source::Buffer { frames: Arc::clone(&frames), looped });
                Some(Feed::Buffer { frames, looped })
            }
            Some(Source::Ring(ring)) => {
                kept = Some(Source::Ring(Arc::clone(&ring)));
                feed_ring = Some(Arc::clone(&ring));
                Some(Feed::Ring(ring))
            }
            Some(Source::File { mut reader, looped, buffer_size }) => {
                let (channels, format) = side(opened.playback.as_ref(), "play")?;
                reader.set_format(format);
                if reader.seekable() {
                    reader.seek(0)?;
                }
                let ring = Ring::new(channels * format.size(), buffer_size)?;
                feed_ring = Some(Arc::clone(&ring));
                reading = Some((reader, looped, buffer_size));
                Some(Feed::Ring(ring))
            }
        };
        let play = match (feed, &opened.playback) {
            (Some(feed), Some(side)) => {
                let mapping = prepare::mapping("playback", config.playback.as_ref(), side.channels)?;
                Some(prepare::play(feed, side.format, mapping, config.on_starved)?)
            }
            _ => None,
        };

        let mut targets = Vec::new();
        let mut endings = Vec::new();
        for sink in std::mem::take(&mut self.sinks) {
            let (channels, format) = side(opened.recording.as_ref(), "record")?;
            let (target, ending) = self.target(sink, channels * format.size(), format.silence())?;
            lock(&inner.state).rings.push(Arc::clone(&target.frames));
            targets.push(target);
            endings.push(ending);
        }
        let counts: Vec<_> = targets.iter().map(|target| Arc::clone(&target.counts)).collect();
        let record = match &opened.recording {
            Some(side) if !targets.is_empty() => {
                let mapping = prepare::mapping("recording", config.recording.as_ref(), side.channels)?;
                Some(prepare::record(&targets, side.format, mapping, run.offset)?)
            }
            _ => None,
        };

        {
            let mut state = lock(&inner.state);
            state.counts.clone_from(&counts);
            state.rings.extend(feed_ring.clone());
        }
        let reader = match (reading, &feed_ring) {
            (Some(reading), Some(ring)) => Some(Self::read(reading, ring, ending)?),
            _ => None,
        };
        if let Some(ring) = &feed_ring {
            let wanted = match run.prebuffer {
                Prebuffer::None => 0,
                Prebuffer::Frames(frames) => frames,
                Prebuffer::Full if reader.is_some() => ring.capacity(),
                Prebuffer::Full => 1,
            };
            ring.wait_readable(wanted, None, &|| ending.load(Ordering::Acquire));
        }

        let (events, told) = HeapRb::<Event>::new(EVENTS).split();
        let mut callback = Callback::new(limits, play, record, events, Arc::clone(&inner.shared));
        if let Some(side) = &opened.playback {
            callback = with_sample!(side.format, S => callback.silent::<S>());
        }
        let conductor = Conductor {
            inner: Arc::clone(inner),
            events: told,
            ending: Arc::clone(ending),
            feed: feed_ring.clone(),
            source: kept,
            reader,
            sinks: endings,
        };
        // It waits at the gate until the device runs, so that a device that fails to start leaves nothing behind.
        let (open, gate) = mpsc::channel::<bool>();
        let thread = thread::Builder::new()
            .name("pastream-conductor".to_owned())
            .spawn(move || {
                if gate.recv() == Ok(true) {
                    conductor.run();
                } else {
                    conductor.cancel();
                }
            })
            .map_err(|error| Error::io("cannot start the conductor thread", error))?;
        let engine = Engine {
            callback,
            limits,
            shared: Arc::clone(&inner.shared),
            ending: Arc::clone(ending),
            source: feed_ring,
            sinks: targets
                .iter()
                .filter(|target| target.on_full != OnFull::Discard)
                .map(|target| Arc::clone(&target.frames))
                .collect(),
            conductor: thread.thread().clone(),
        };
        drop(targets);
        let started = inner.device(|device| device.start(Box::new(engine))).unwrap_or_else(|| Err(closed()));
        // The conductor lives until it is told, so the gate is there.
        let _ = open.send(started.is_ok());
        lock(&inner.state).conductor = Some(thread);
        started
    }

    /// The reader thread of a file.
    fn read(
        (mut reader, looped, buffer_size): (Box<crate::file::FileReader>, bool, usize),
        ring: &Arc<Ring>,
        ending: &Arc<AtomicBool>,
    ) -> Result<mpsc::Receiver<FeedEnd>> {
        let (done, end) = mpsc::channel();
        let writer = ring.writer()?;
        let ending = Arc::clone(ending);
        thread::Builder::new()
            .name("pastream-reader".to_owned())
            .spawn(move || {
                let read = source::feed(&mut reader, writer, looped, &|| ending.load(Ordering::Acquire));
                // Nobody listens where the run gave up waiting for a pipe.
                let _ = done.send((reader, looped, buffer_size, read));
            })
            .map_err(|error| Error::io("cannot start the reader thread", error))?;
        Ok(end)
    }

    /// The rings of a sink, and what it ends in; starts the writer thread of a file.
    fn target(&self, sink: Sink, frame_size: usize, silence: u8) -> Result<(Target, Ending)> {
        let on_full = self.inner.config.on_full;
        let counts = Arc::<SinkCounts>::default();
        let new_gaps = || Ring::new(size_of::<Gap>(), GAPS);
        match sink {
            Sink::Buffer { frames: capacity } => {
                let (frames, gaps) = (Ring::new(frame_size, capacity.max(1))?, new_gaps()?);
                let on_full = OnFull::Discard;
                let ending = Ending::Buffer {
                    frames: Arc::clone(&frames),
                    capacity,
                    silence,
                    gaps: gaps.consumer()?,
                    seen: Vec::new(),
                };
                Ok((Target { frames, gaps, counts, on_full }, ending))
            }
            Sink::File { mut writer, buffer_size } => {
                let (frames, gaps) = (Ring::new(frame_size, buffer_size)?, new_gaps()?);
                let (reader, gap_reader) = (frames.reader()?, gaps.consumer()?);
                let (shared, ending) = (Arc::clone(&self.inner.shared), Arc::clone(&self.ending));
                let done = thread::Builder::new()
                    .name("pastream-writer".to_owned())
                    .spawn(move || {
                        let complete = || shared.outcome() == Outcome::Finished;
                        let written = sink::drain(&mut writer, reader, gap_reader, silence, &complete);
                        if written.is_err() {
                            // A recording that can't be stored ends the run; the other sinks are completed.
                            shared.request_abort();
                            ending.store(true, Ordering::Release);
                        }
                        written
                    })
                    .map_err(|error| Error::io("cannot start the writer thread", error))?;
                let ending = Ending::File { frames: Arc::clone(&frames), done };
                Ok((Target { frames, gaps, counts, on_full }, ending))
            }
            Sink::Ring { frames, gaps } => {
                frames.reopen();
                let (gaps, own) = if let Some(gaps) = gaps {
                    (gaps, None)
                } else {
                    let gaps = new_gaps()?;
                    let own = gaps.consumer()?;
                    (gaps, Some(own))
                };
                let ending = Ending::Ring { frames: Arc::clone(&frames), gaps: own };
                Ok((Target { frames, gaps, counts, on_full }, ending))
            }
        }
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        if !self.started {
            self.inner.give_up();
        }
    }
}
