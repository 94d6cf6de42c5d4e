//! The callback: what happens in a block, in this order.
//!
//! 1. Xruns are counted.
//! 2. Frames that the device skipped become gaps: they are lost whatever else the block brings.
//! 3. A request ends the run.
//! 4. The block is cut to what is left of the run, and to what sinks that abort have room for.
//! 5. Playback, the wire, recording.
//! 6. Times and counts.
//! 7. At the end gaps are closed, and last of all the outcome is set.

use core::ops::Deref;

use ringbuf::traits::Producer;

use crate::{
    Block, Event, Filled, Flow, GapCause, Missing, OnStarved, Outcome, Play, Record, Sample, Shared, Side,
    Wire, Xruns, event::OpenGap, shared::Request,
};

/// A source that went on elsewhere may lack frames between so many of the first from there: whoever reads them decodes
/// whole packets, of which none is longer, and has nothing in hand yet.
pub const ARRIVAL: u64 = 8192;

/// How long a run is, in frames.
///
/// | | `pad` | no `pad` |
/// |---|---|---|
/// | `frames` | so many source frames, then `pad` of silence | so many frames of the clock |
/// | no `frames` | until the source has ended, then `pad` of silence | for ever |
///
/// Without playback `pad` means nothing. Where there is a `pad`, a playback gap makes the run longer.
///
/// A source that went on elsewhere ([`Live::flush`](crate::Live::flush)) may end before `frames`: `pad` follows then, too.
/// What is silent until there, and between the first [`ARRIVAL`] frames from there, is no gap and starves nobody; as one it
/// makes the run longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Frames to play or to clock.
    pub frames: Option<u64>,
    /// Frames of silence after the source.
    pub pad: Option<u64>,
}

/// The callback of one run.
#[derive(Debug)]
pub struct Callback<P, R, E, D> {
    limits: Limits,
    playback: Option<P>,
    recording: Option<R>,
    reporter: Reporter<E, D>,
    /// What fills the output where there is no playback.
    silence: u8,
    clocked: u64,
    played: u64,
    padded: u64,
    starved: u64,
    gap_count: u64,
    /// The source has ended and will be read no more.
    frozen: bool,
    /// The source went on elsewhere, so that its end is the end, whatever `frames` says.
    sought: bool,
    /// Frames from there between which a lack is no gap yet.
    arriving: u64,
    gap: Option<OpenGap>,
    done: Option<Flow>,
}

impl<P: Play, R: Record, E: Producer<Item = Event>, D: Deref<Target = Shared>> Callback<P, R, E, D> {
    /// A run of `limits` that tells its state in `shared` and its events in `events`.
    ///
    /// The device hands over output where there is a `playback`, and input where there is a `recording`; where
    /// it is open for more, that output is silenced and that input left alone.
    pub fn new(limits: Limits, playback: Option<P>, recording: Option<R>, events: E, shared: D) -> Self {
        Self {
            limits,
            playback,
            recording,
            reporter: Reporter { events, shared, lost: 0, told: false },
            silence: 0,
            clocked: 0,
            played: 0,
            padded: 0,
            starved: 0,
            gap_count: 0,
            frozen: false,
            sought: false,
            arriving: 0,
            gap: None,
            done: None,
        }
    }

    /// Says the format of an output that is open though nothing is played.
    #[must_use]
    pub fn silent<S: Sample>(self) -> Self {
        Self { silence: S::SILENCE, ..self }
    }

    /// Drops `frames` more off the start of the recording, and makes the run as much longer, so that as much is recorded.
    /// Before the first block.
    ///
    /// Realtime-safe.
    pub fn shift(&mut self, frames: u64) {
        let Some(recording) = &mut self.recording else { return };
        recording.defer(frames);
        let longer = |limit: u64| limit.saturating_add(frames);
        match &mut self.limits {
            Limits { pad: Some(pad), .. } if self.playback.is_some() => *pad = longer(*pad),
            Limits { frames, .. } => *frames = frames.map(longer),
        }
    }

    /// How long the run is.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Runs one block. With a `wire`, the block's input is empty: it is what the wire answers to the output.
    ///
    /// Realtime-safe. Never panics. After anything but [`Flow::Continue`] it writes silence and answers the same.
    pub fn process(&mut self, block: Block<'_>, wire: Option<&mut dyn Wire>) -> Flow {
        let Block { output, input, frames, xruns, skipped, missing, times } = block;
        self.reporter.told = false;
        if let Some(flow) = self.done {
            self.silence(output);
            return flow;
        }
        self.note_xruns(xruns);
        self.skip(skipped);
        let requested = match self.reporter.shared.request() {
            Request::None if self.fits(output, input, frames, missing, wire.is_some()) => None,
            Request::None => Some(Outcome::BadBlock),
            Request::Stop => Some(Outcome::Stopped),
            Request::Abort => Some(Outcome::Aborted),
        };
        if let Some(outcome) = requested {
            self.silence(output);
            return self.finish(outcome);
        }

        let left = self.clock_left();
        let (mut length, mut end) = (frames, None);
        if left <= frames as u64 {
            // At most `frames`.
            (length, end) = (left as usize, Some(Outcome::Finished));
        }
        let recording = self.recording.as_ref().filter(|_| missing != Missing::Input);
        let room = recording.map_or(length, |recording| recording.room(length));
        if room < length {
            (length, end) = (room, Some(Outcome::BufferFull));
        }
        let (length, played_out) = if missing == Missing::Output && self.playback.is_some() {
            self.miss(length)
        } else {
            self.play(output, length)
        };
        end = played_out.or(end);
        if end == Some(Outcome::BufferFull) && missing != Missing::Output && self.falls_short() {
            // The next frame is not there, so it needs no room.
            end = Some(Outcome::BufferEmpty);
        }

        let mut input = input;
        let mut bad = false;
        if let Some(wire) = wire {
            input = wire.turn(output);
            bad = self.recording.as_ref().is_some_and(|recording| !recording.fits(input, frames));
        }
        if bad {
            // The output is on its way: the ledger still has to hold.
            end = Some(Outcome::BadBlock);
        }
        if let Some(recording) = &mut self.recording {
            let emit = &mut |event| self.reporter.emit(event);
            if bad || missing == Missing::Input {
                recording.skip(length as u64, self.clocked, emit);
            } else {
                recording.take(input, length, self.clocked, emit);
            }
        }
        if self.reporter.shared.metering() {
            self.measure(output, input, length);
        }
        self.clocked = self.clocked.saturating_add(length as u64);
        self.reporter.shared.note_times(times);
        if let Some(outcome) = end {
            return self.finish(outcome);
        }
        self.publish();
        Flow::Continue
    }

    /// Gives up what the source has and is not to be played any more. Between blocks: what is written meanwhile is
    /// there for the next one. Whether the source asked for that since the last call.
    ///
    /// Realtime-safe.
    pub fn flush(&mut self) -> bool {
        let flushed = self.playback.as_mut().is_some_and(Play::flush);
        if flushed {
            (self.sought, self.arriving) = (true, ARRIVAL);
        }
        flushed
    }

    /// Whether the last block put an event into the ring: whoever takes them is to be woken.
    ///
    /// Realtime-safe.
    pub fn told(&self) -> bool {
        self.reporter.told
    }

    /// How many frames of a block of `frames` can run now with nothing starved and nothing full. All of them, too,
    /// where the run ends before.
    ///
    /// Realtime-safe. For devices that run free: what limits is live sources, and sinks that don't discard.
    pub fn ready(&self, frames: usize) -> usize {
        if self.done.is_some() || self.reporter.shared.request() != Request::None {
            return frames;
        }
        let (available, ended) = self.playback.as_ref().map_or((0, true), Play::available);
        let short = ended && (available as u64) < self.source_left();
        let left = match (&self.playback, self.limits) {
            // It will end as BufferEmpty, without the padding.
            (Some(_), Limits { frames: Some(_), pad: Some(_) }) if short && !self.sought => available as u64,
            (Some(_), Limits { pad: Some(pad), .. }) => {
                let source = if short { available as u64 } else { self.source_left() };
                source.saturating_add(pad.saturating_sub(self.padded))
            }
            _ => self.clock_left(),
        };
        let needed = frames.min(usize::try_from(left).unwrap_or(usize::MAX));
        let mut able = needed;
        if !ended && (available as u64) < self.source_left() {
            able = able.min(available);
        }
        if let Some(recording) = &self.recording {
            able = recording.ready(able);
        }
        if able == needed { frames } else { able }
    }

    /// The device is gone and no further block will come: closes the gaps and says so.
    ///
    /// Realtime-safe.
    pub fn device_lost(&mut self) {
        if self.done.is_none() {
            self.finish(Outcome::DeviceLost);
        }
    }

    fn fits(&self, output: &[u8], input: &[u8], frames: usize, missing: Missing, wired: bool) -> bool {
        (missing == Missing::Output
            || self.playback.as_ref().is_none_or(|playback| playback.fits(output, frames)))
            && (wired
                || missing == Missing::Input
                || self.recording.as_ref().is_none_or(|recording| recording.fits(input, frames)))
    }

    /// Frames that the clock may still count, where it is the clock that limits.
    fn clock_left(&self) -> u64 {
        match self.limits {
            Limits { frames: Some(frames), pad } if pad.is_none() || self.playback.is_none() => {
                frames.saturating_sub(self.clocked)
            }
            _ => u64::MAX,
        }
    }

    /// Frames that may still be read from the source.
    fn source_left(&self) -> u64 {
        match self.limits {
            _ if self.frozen => 0,
            Limits { frames: Some(frames), pad: Some(_) } => frames.saturating_sub(self.played),
            _ => u64::MAX,
        }
    }

    /// Whether the source has ended before all that is to be played.
    fn falls_short(&self) -> bool {
        let limited = matches!(self.limits, Limits { frames: Some(_), pad: Some(_) });
        limited
            && !self.sought
            && self.source_left() > 0
            && self.playback.as_ref().is_some_and(|playback| playback.available() == (0, true))
    }

    fn note_xruns(&mut self, flags: Xruns) {
        if !flags.is_empty() {
            self.reporter.shared.note_xruns(flags);
            self.reporter.emit(Event::Xrun { frame: self.clocked, flags });
        }
    }

    fn skip(&mut self, skipped: u64) {
        let skipped = skipped.min(self.clock_left());
        if skipped == 0 {
            return;
        }
        if self.playback.is_some() {
            self.grow_gap(self.clocked, skipped, GapCause::Xrun);
        }
        if let Some(recording) = &mut self.recording {
            recording.skip(skipped, self.clocked, &mut |event| self.reporter.emit(event));
        }
        self.clocked = self.clocked.saturating_add(skipped);
    }

    /// Renders `length` frames. Answers how many of them the run has, and how it ends where it does.
    fn play(&mut self, output: &mut [u8], length: usize) -> (usize, Option<Outcome>) {
        let source_left = self.source_left();
        let Some(playback) = &mut self.playback else {
            self.silence(output);
            return (length, None);
        };
        let wanted = length.min(usize::try_from(source_left).unwrap_or(usize::MAX));
        let Filled { frames, mut ended } = playback.fill(output, wanted);
        let on_starved = playback.on_starved();
        if frames < wanted && self.flush() {
            // It went on elsewhere during this block, and that was the end before.
            ended = false;
        }
        let arriving = self.arriving > 0;
        self.arriving = self.arriving.saturating_sub(frames as u64);
        if frames > 0 {
            self.close_gap();
            self.played = self.played.saturating_add(frames as u64);
        }
        if frames < wanted {
            match self.limits {
                _ if !ended && arriving => {
                    self.close_gap();
                    return (length, None);
                }
                _ if !ended && on_starved == OnStarved::Abort => return (frames, Some(Outcome::BufferEmpty)),
                _ if !ended => {
                    let at = self.clocked.saturating_add(frames as u64);
                    self.grow_gap(at, (length - frames) as u64, GapCause::Starved);
                    return (length, None);
                }
                Limits { frames: Some(_), pad: Some(_) } if !self.sought => {
                    return (frames, Some(Outcome::BufferEmpty));
                }
                Limits { pad: Some(_), .. } => self.frozen = true,
                _ => {}
            }
        }
        self.pad(frames, length)
    }

    /// Plays the padding after the `frames` frames that the source gave, where it is time to.
    fn pad(&mut self, frames: usize, length: usize) -> (usize, Option<Outcome>) {
        let Some(pad) = self.limits.pad else {
            if length > 0 {
                self.close_gap();
            }
            return (length, None);
        };
        if (self.limits.frames.is_none() || self.sought) && !self.frozen {
            // Looked at in the last block of the source, so that no further block is needed to find the end.
            self.frozen = self.playback.as_ref().is_some_and(|playback| playback.available() == (0, true));
        }
        if self.source_left() > 0 {
            return (length, None);
        }
        let left = pad.saturating_sub(self.padded);
        let zeros = (length - frames).min(usize::try_from(left).unwrap_or(usize::MAX));
        if zeros > 0 {
            self.close_gap();
            self.padded = self.padded.saturating_add(zeros as u64);
        }
        if self.padded == pad { (frames + zeros, Some(Outcome::Finished)) } else { (length, None) }
    }

    /// Clocks `length` frames that the device played something else in. Nothing of the source is lost: it goes on in the
    /// next block.
    fn miss(&mut self, length: usize) -> (usize, Option<Outcome>) {
        // The run may have been over before.
        let over = self.pad(0, 0);
        if over.1.is_some() {
            return over;
        }
        self.grow_gap(self.clocked, length as u64, GapCause::Xrun);
        (length, None)
    }

    fn grow_gap(&mut self, at: u64, length: u64, cause: GapCause) {
        if length == 0 {
            return;
        }
        self.starved = self.starved.saturating_add(length);
        if self.gap.is_none() {
            self.gap_count = self.gap_count.saturating_add(1);
        }
        if let Some(ended) = OpenGap::grow(&mut self.gap, at, length, cause) {
            self.reporter.emit(ended.event(Side::Playback, 0));
        }
    }

    fn close_gap(&mut self) {
        if let Some(gap) = self.gap.take() {
            self.reporter.emit(gap.event(Side::Playback, 0));
        }
    }

    fn measure(&self, output: &[u8], input: &[u8], frames: usize) {
        let shared = &self.reporter.shared;
        if let Some(playback) = &self.playback {
            playback.measure(output, frames, shared.levels(Side::Playback));
        }
        if let Some(recording) = &self.recording {
            recording.measure(input, frames, shared.levels(Side::Recording));
        }
    }

    fn silence(&self, output: &mut [u8]) {
        match &self.playback {
            Some(playback) => playback.silence(output),
            // An empty slice may dangle, and AVX-512's masked stores are slow on a page that is not there.
            None if output.is_empty() => {}
            None => output.fill(self.silence),
        }
    }

    fn publish(&self) {
        self.reporter.shared.note_frames(self.clocked, self.played, self.starved, self.gap_count);
    }

    fn finish(&mut self, outcome: Outcome) -> Flow {
        self.close_gap();
        if let Some(recording) = &mut self.recording {
            recording.finish(&mut |event| self.reporter.emit(event));
        }
        self.publish();
        let flow = match outcome {
            Outcome::Finished | Outcome::Stopped => Flow::Complete,
            _ => Flow::Abort,
        };
        self.done = Some(flow);
        self.reporter.shared.finish(outcome);
        flow
    }
}

/// Where events and state go.
#[derive(Debug)]
struct Reporter<E, D> {
    events: E,
    shared: D,
    lost: u64,
    /// Whether this block got an event into the ring.
    told: bool,
}

impl<E: Producer<Item = Event>, D: Deref<Target = Shared>> Reporter<E, D> {
    fn emit(&mut self, event: Event) {
        if self.events.try_push(event).is_ok() {
            self.told = true;
        } else {
            self.lost = self.lost.saturating_add(1);
            self.shared.note_lost_events(self.lost);
        }
    }
}
