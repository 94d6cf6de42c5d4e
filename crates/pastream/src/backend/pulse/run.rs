use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant, SystemTime},
};

use pastream_rt::Xruns;
use pulseaudio::protocol::{Command, CommandReply, CorkStreamParams, PulseError};

use super::{
    connection::{Answer, Connection, Failure},
    line::Line,
    settings::{Made, Settings},
    timing::{Seen, Timing},
};
use crate::backend::audio_thread::AudioThread;

/// What both directions of a run have.
pub(super) struct Run {
    pub(super) connection: Connection,
    pub(super) settings: Settings,
    pub(super) made: Made,
    pub(super) state: Arc<AudioThread>,
    pub(super) line: Line,
    pub(super) timing: Timing,
    /// When the device was started.
    pub(super) start: Instant,
    /// Not told yet.
    pub(super) xruns: Xruns,
    pub(super) skipped: u64,
    /// Since when the server has the device suspended.
    suspended: Option<Instant>,
    /// The question whether the device is still there, after the stream was moved to another.
    moved: Option<u32>,
}

impl Run {
    pub(super) fn new(
        connection: Connection,
        settings: Settings,
        made: Made,
        state: Arc<AudioThread>,
    ) -> Self {
        Self {
            line: Line::new(settings.sample_rate),
            timing: Timing::new(made.channel, settings.playback, made.pipewire),
            connection,
            settings,
            made,
            state,
            start: Instant::now(),
            xruns: Xruns::NONE,
            skipped: 0,
            suspended: None,
            moved: None,
        }
    }

    pub(super) fn seconds(&self, frames: usize) -> f64 {
        frames as f64 / f64::from(self.settings.sample_rate)
    }

    /// Seconds since the start.
    pub(super) fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// Has the server begin.
    pub(super) fn uncork(&mut self) -> Result<(), Failure> {
        let params = CorkStreamParams { channel: self.made.channel, cork: false };
        let command = if self.settings.playback {
            Command::CorkPlaybackStream(params)
        } else {
            Command::CorkRecordStream(params)
        };
        self.connection.outbox.send(&command).map(|_| ())
    }

    /// Takes note of frame `frame` being on the air when the server looked. Answers when that was.
    ///
    /// Realtime-safe.
    pub(super) fn note(&mut self, remote: SystemTime, frame: f64) -> Instant {
        let at = self.timing.answered(remote);
        self.see(at, frame);
        at
    }

    /// Takes note of frame `frame` being on the air at `at`.
    ///
    /// Realtime-safe.
    pub(super) fn see(&mut self, at: Instant, frame: f64) {
        match self.timing.seen(at, frame) {
            Seen::At(at, step) => {
                // A step is a cycle of PipeWire's, of which it tells the end, and when its first frame is on the air. What a
                // monitor records is of the cycle before.
                let frame = if self.settings.is_monitor() { frame } else { frame - step };
                self.line.note(at.saturating_duration_since(self.start).as_secs_f64(), frame);
            }
            Seen::Steps => self.line.step(),
            Seen::Nothing => {}
        }
    }

    /// An answer to what was asked here: the stream was moved because its device is gone, not because someone wished so.
    pub(super) fn answer(&mut self, sequence: u32, done: Result<(), Failure>) -> Result<(), Failure> {
        if self.moved.take_if(|moved| *moved == sequence).is_some() { done } else { Ok(()) }
    }

    /// An event of the server.
    ///
    /// Realtime-safe but for a stream that is moved.
    pub(super) fn event(&mut self, command: Command) -> Result<Event, Failure> {
        match command {
            Command::PlaybackStreamKilled(channel) | Command::RecordStreamKilled(channel)
                if channel == self.made.channel =>
            {
                return Err(Failure::Refused(PulseError::Killed));
            }
            Command::PlaybackStreamSuspended(params) | Command::RecordStreamSuspended(params)
                if params.stream_index == self.made.channel =>
            {
                self.suspend(params.suspended);
            }
            Command::PlaybackStreamMoved(params) if params.stream_index == self.made.channel => {
                self.made.device_latency = params.configured_sink_latency as f64 / 1e6;
                self.ask_for_device()?;
            }
            Command::RecordStreamMoved(params) if params.stream_index == self.made.channel => {
                self.ask_for_device()?;
            }
            Command::PlaybackBufferAttrChanged(params) if params.stream_index == self.made.channel => {
                self.made.device_latency = params.sink_input_latency as f64 / 1e6;
            }
            Command::Request(request) if request.channel == self.made.channel => {
                return Ok(Event::Request(request.length as usize));
            }
            Command::Underflow(underflow) if underflow.channel == self.made.channel => {
                // Older servers don't tell where.
                let told = self.connection.inbox.version >= 23;
                return Ok(Event::Underflow(told.then_some(underflow.offset)));
            }
            Command::Overflow(channel) if channel == self.made.channel => {
                self.xruns |= Xruns::OUTPUT_OVERFLOW;
            }
            _ => {}
        }
        Ok(Event::None)
    }

    /// The device stands still, or goes on. What it did not play or capture meanwhile is told as lost by the wall clock, so
    /// that the stream's time stays true.
    fn suspend(&mut self, suspended: bool) {
        if suspended {
            if self.line.is_settled() {
                self.suspended.get_or_insert_with(Instant::now);
            }
            return;
        }
        if let Some(since) = self.suspended.take() {
            let lost = since.elapsed().as_secs_f64() * f64::from(self.settings.sample_rate);
            self.skipped += lost.round() as u64;
            self.xruns |=
                if self.settings.playback { Xruns::OUTPUT_UNDERFLOW } else { Xruns::INPUT_OVERFLOW };
        }
        self.line.reset();
        self.timing.hurry();
    }

    /// The stream goes on elsewhere. Where its own device is gone the server did that of itself.
    fn ask_for_device(&mut self) -> Result<(), Failure> {
        self.moved = Some(self.connection.outbox.send(&self.settings.look_up())?);
        self.line.reset();
        self.timing.hurry();
        Ok(())
    }

    /// Waits for the server, until it is time to ask again or `limit` is over.
    pub(super) fn wait(&mut self, limit: Option<Duration>) -> Result<(), Failure> {
        let rest = self.timing.rest();
        self.connection.inbox.wait(limit.map_or(rest, |limit| limit.min(rest))).map(|_| ())
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.state.stop.load(Relaxed)
    }
}

/// What an event means to its direction.
pub(super) enum Event {
    None,
    /// So many bytes are wanted.
    Request(usize),
    /// From this byte on, where that is told.
    Underflow(Option<i64>),
}

/// What the server said, apart from the bytes that it came in.
#[expect(clippy::large_enum_variant, reason = "a box would be allocated on the audio thread")]
pub(super) enum Heard<T> {
    Event(Command),
    /// The answer to what [`Timing`] asked.
    Timing(T),
    /// Whether it did what else it was asked.
    Answer(u32, Result<(), Failure>),
    /// What a newer server tells beyond what is known here.
    Nothing,
}

impl<T: CommandReply> Heard<T> {
    /// Realtime-safe but for names.
    pub(super) fn read(message: &[u8], version: u16, timing: &Timing) -> Result<Self, Failure> {
        let answer = Answer::read(message, version)?;
        if !answer.is_answer() {
            let mut body = message;
            return Ok(match Command::read_tag_prefixed(&mut body, version) {
                Ok((_, command)) => Self::Event(command),
                Err(_) => Self::Nothing,
            });
        }
        if timing.is_mine(answer.sequence) {
            return Ok(Self::Timing(answer.reply()?));
        }
        Ok(Self::Answer(answer.sequence, answer.done()))
    }
}
