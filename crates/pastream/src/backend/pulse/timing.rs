use std::time::{Duration, Instant, SystemTime};

use pulseaudio::protocol::{Command, LatencyParams};

use super::connection::{Failure, Outbox};

/// Between two questions: until the line is settled, until it is sure, and then.
const FAST: Duration = Duration::from_millis(2);
const OFTEN: Duration = Duration::from_millis(10);
const SELDOM: Duration = Duration::from_millis(100);
/// How long it takes to be sure.
const EARLY: Duration = Duration::from_millis(500);
/// How long the server may leave a question unanswered before it counts as gone.
const LOST: Duration = Duration::from_secs(5);

/// Asks the server again and again where the stream is, one question at a time.
pub(super) struct Timing {
    channel: u32,
    playback: bool,
    asked: Option<Question>,
    /// When to ask next.
    due: Instant,
    /// Since when the line is looked for.
    since: Instant,
}

/// One that is not answered yet.
struct Question {
    sequence: u32,
    at: Instant,
    system: SystemTime,
}

impl Timing {
    pub(super) fn new(channel: u32, playback: bool) -> Self {
        let now = Instant::now();
        Self { channel, playback, asked: None, due: now, since: now }
    }

    /// Begins anew: something moved.
    ///
    /// Realtime-safe.
    pub(super) fn hurry(&mut self) {
        (self.due, self.since) = (Instant::now(), Instant::now());
    }

    /// Asks, where it is time to. Answers whether it did.
    ///
    /// Realtime-safe, a system call.
    pub(super) fn ask(&mut self, outbox: &mut Outbox, settled: bool) -> Result<bool, Failure> {
        let now = Instant::now();
        if let Some(asked) = &self.asked {
            return if now - asked.at < LOST { Ok(false) } else { Err(Failure::Late) };
        }
        if now < self.due {
            return Ok(false);
        }
        let system = SystemTime::now();
        let question = LatencyParams { channel: self.channel, now: system };
        let command = if self.playback {
            Command::GetPlaybackLatency(question)
        } else {
            Command::GetRecordLatency(question)
        };
        self.asked = Some(Question { sequence: outbox.send(&command)?, at: now, system });
        let pause = if !settled {
            FAST
        } else if now - self.since < EARLY {
            OFTEN
        } else {
            SELDOM
        };
        self.due = now + pause;
        Ok(true)
    }

    /// How long there is nothing to do.
    ///
    /// Realtime-safe.
    pub(super) fn rest(&self) -> Duration {
        let next = self.asked.as_ref().map_or(self.due, |asked| asked.at + LOST);
        next.saturating_duration_since(Instant::now())
    }

    /// Whether `sequence` is the answer to the question.
    ///
    /// Realtime-safe.
    pub(super) fn is_mine(&self, sequence: u32) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.sequence == sequence)
    }

    /// When the server looked: by its own clock where that is this machine's, else halfway between question and answer.
    ///
    /// Realtime-safe.
    pub(super) fn answered(&mut self, remote: SystemTime) -> Instant {
        let now = Instant::now();
        let Some(asked) = self.asked.take() else { return now };
        let until = remote.duration_since(asked.system).ok().map(|until| asked.at + until);
        until.filter(|&at| at <= now).unwrap_or(asked.at + (now - asked.at) / 2)
    }
}
