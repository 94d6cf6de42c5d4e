//! The conductor thread: carries out of the callback what it has to tell, and ends a run in order.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use pastream_rt::{Event, Gap, Outcome};
use ringbuf::{HeapCons, traits::Consumer};

use super::{
    handle::{Inner, StreamEvent, lock},
    start::Slot,
};
use crate::{
    Error, ErrorKind, Result,
    ring::{FrameConsumer, Ring},
    sink::assemble,
    source::Source,
};

/// How long the device has to notice a request before it is stopped from outside.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a reader thread that hangs in a pipe is waited for: it has nothing left that anybody needs.
const FAREWELL: Duration = Duration::from_millis(500);

/// What a recording ends in.
pub(super) enum Ending {
    Buffer { frames: Arc<Ring>, capacity: usize, silence: u8, gaps: FrameConsumer<Gap>, seen: Vec<Gap> },
    File { frames: Arc<Ring>, done: thread::JoinHandle<Result<()>> },
    Ring { frames: Arc<Ring>, gaps: Option<FrameConsumer<Gap>> },
}

/// One run of a stream, from its first block until everything about it is told.
pub(super) struct Conductor {
    pub(super) inner: Arc<Inner>,
    pub(super) events: HeapCons<Event>,
    pub(super) ending: Arc<AtomicBool>,
    /// The ring that is played.
    pub(super) feed: Option<Arc<Ring>>,
    /// What is played; empty while a reader thread has it.
    pub(super) source: Slot<Source>,
    /// The file that a reader thread reads, and how that ends.
    pub(super) reader: Option<(String, Receiver<Result<()>>)>,
    pub(super) sinks: Vec<Ending>,
}

impl Conductor {
    pub(super) fn run(mut self) {
        let patience = self.inner.opened.longest() * 2 + PATIENCE;
        let mut asked: Option<Instant> = None;
        let forced = loop {
            self.tell();
            if self.inner.shared.outcome() != Outcome::Running {
                break false;
            }
            if self.ending.load(Ordering::Acquire) {
                let asked = *asked.get_or_insert_with(Instant::now);
                if asked.elapsed() >= patience {
                    break true;
                }
                thread::park_timeout(patience);
            } else {
                thread::park();
            }
        };
        let outcome = self.inner.shared.outcome();
        // An abort takes nothing that is missed.
        let deaf = forced && !self.inner.shared.aborts();
        if deaf || outcome == Outcome::DeviceLost {
            // Now: what hangs in a file or pipe may take its time.
            self.inner.emit(&StreamEvent::DeviceLost);
        }
        // After a stop the device plays out what it holds.
        let cut_short = forced || outcome == Outcome::Aborted;
        let complete = matches!(outcome, Outcome::Finished | Outcome::Stopped);
        let lost = !self.inner.end_device(cut_short) && complete;
        if lost {
            self.inner.emit(&StreamEvent::DeviceLost);
        }
        self.tell();
        let (gone, recording, error) = self.finish();
        let error = error
            .or_else(|| if deaf { Some(self.deaf(patience)) } else { lost.then(|| self.lost_at_the_end()) });
        if deaf || lost {
            self.inner.shared.lose();
        }
        let source = gone.map_or_else(|| Ok(lock(&self.source).take()), Err);
        self.inner.finished(source, recording, error);
    }

    /// Ends a run whose device did not start. Answers the name of a source that does not come back.
    pub(super) fn cancel(mut self) -> Option<String> {
        self.ending.store(true, Ordering::Release);
        self.finish().0
    }

    fn lost_at_the_end(&self) -> Error {
        let id = &self.inner.opened.id;
        let message = format!(
            "device {id} went away before it had played the end: what was recorded is complete, what was last played may not have been heard"
        );
        Error::new(ErrorKind::DeviceLost, message)
    }

    fn deaf(&self, patience: Duration) -> Error {
        let message = format!(
            "device {} did not answer the stop for {:.1} s: nothing after frame {} was played or recorded; what was recorded until then is complete",
            self.inner.opened.id,
            patience.as_secs_f64(),
            self.inner.shared.frame_count()
        );
        Error::new(ErrorKind::DeviceLost, message)
    }

    /// Passes on what the callback said since the last time.
    fn tell(&mut self) {
        while let Some(event) = self.events.try_pop() {
            self.inner.emit(&StreamEvent::Callback(event));
        }
        if let Some(ring) = self.feed.as_ref().filter(|ring| ring.wake_due()) {
            ring.notify();
        }
        for sink in &mut self.sinks {
            let frames = match sink {
                Ending::Buffer { frames, gaps, seen, .. } => {
                    seen.extend(gaps.pop_iter());
                    frames
                }
                Ending::Ring { frames, gaps } => {
                    if let Some(gaps) = gaps {
                        gaps.clear();
                    }
                    frames
                }
                Ending::File { frames, .. } => frames,
            };
            if frames.wake_due() {
                frames.notify();
            }
        }
    }

    /// Ends rings and joins threads. Returns the source that hangs, what memory got, and the first error.
    fn finish(&mut self) -> (Option<String>, Option<Vec<u8>>, Option<Error>) {
        let mut errors = Vec::new();
        if let Some(ring) = &self.feed {
            ring.close();
        }
        let mut gone = None;
        if let Some((name, reader)) = self.reader.take() {
            match reader.recv_timeout(FAREWELL) {
                Ok(read) => errors.extend(read.err()),
                Err(hangs) => {
                    if hangs == RecvTimeoutError::Disconnected {
                        errors.push(Error::panicked(&name, "reader thread"));
                    }
                    gone = Some(name);
                }
            }
        }
        // Who waits for a reader thread that hangs waits no longer than the run.
        if let Some(seek) = &lock(&self.inner.state).seek {
            seek.end();
        }
        let mut recording = None;
        for sink in std::mem::take(&mut self.sinks) {
            match sink {
                Ending::Buffer { frames, capacity, silence, gaps: _, seen } => {
                    if let Ok(mut reader) = frames.reader() {
                        recording = Some(assemble(&mut reader, &seen, capacity, silence));
                    }
                }
                Ending::File { frames, done } => {
                    frames.end();
                    match done.join() {
                        Ok(written) => errors.extend(written.err()),
                        Err(_) => errors.push(Error::panicked("a recording", "writer thread")),
                    }
                }
                Ending::Ring { frames, .. } => frames.end(),
            }
        }
        let shared = &self.inner.shared;
        let frames = shared.frame_count();
        errors.extend(match shared.outcome() {
            Outcome::BufferEmpty => Some(Error::new(
                ErrorKind::BufferEmpty,
                format!("the source ended after {} frames, before what was asked for: give fewer `frames`, or a negative `pad` to fill up with silence", shared.played()),
            )),
            Outcome::BufferFull => Some(Error::new(
                ErrorKind::BufferFull,
                format!("a recording ring was full after {frames} frames: read it faster, or give it more room"),
            )),
            Outcome::DeviceLost => Some(Error::new(
                ErrorKind::DeviceLost,
                format!("device {} went away after {frames} frames; what was recorded until then is complete", self.inner.opened.id),
            )),
            Outcome::BadBlock => Some(Error::new(
                ErrorKind::DeviceLost,
                format!("device {} handed over a malformed block after {frames} frames", self.inner.opened.id),
            )),
            _ => None,
        });
        (gone, recording, errors.into_iter().next())
    }
}
