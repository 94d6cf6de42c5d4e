use std::time::{Duration, Instant, SystemTime};

use pulseaudio::protocol::{Command, LatencyParams};

use super::connection::{Failure, Outbox};

/// Between two questions: until the line is settled, until it is sure, and then.
const FAST: Duration = Duration::from_millis(2);
const OFTEN: Duration = Duration::from_millis(10);
const SELDOM: Duration = Duration::from_millis(100);
/// Two questions that are further apart do not tell when it was that the answer changed.
const LONG: Duration = Duration::from_millis(5);
/// How long it takes to be sure.
const EARLY: Duration = Duration::from_millis(500);
/// How long the server may leave a question unanswered before it counts as gone.
const LOST: Duration = Duration::from_secs(4);

/// Asks the server again and again where the stream is, one question at a time.
pub(super) struct Timing {
    channel: u32,
    playback: bool,
    asked: Option<Question>,
    /// When to ask next.
    due: Instant,
    /// Since when the line is looked for.
    since: Instant,
    /// Whether it was found when last asked.
    settled: bool,
    steps: Steps,
}

/// PipeWire looks where the stream is once a cycle, and answers with that look however long ago it was, as if it were now. So
/// it is asked until the answer changes: the look was made between the last two questions.
#[derive(Clone, Copy, PartialEq)]
enum Steps {
    /// Each answer is true when it is given.
    No,
    /// It may be so, none was given twice yet.
    Perhaps(Option<f64>),
    /// Where the stream was by the last answer, and when that was given.
    Yes(f64, Instant),
}

/// What an answer says.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Seen {
    /// The stream was there then, or had gone there with a step of so many frames.
    At(Instant, f64),
    /// Nothing that was not known.
    Nothing,
    /// That none before it said when it was true.
    Steps,
}

/// One that is not answered yet.
struct Question {
    sequence: u32,
    at: Instant,
    system: SystemTime,
}

impl Timing {
    pub(super) fn new(channel: u32, playback: bool, pipewire: bool) -> Self {
        let now = Instant::now();
        let steps = if pipewire { Steps::Perhaps(None) } else { Steps::No };
        Self { channel, playback, asked: None, due: now, since: now, settled: false, steps }
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
        self.settled = settled;
        let hunts = !settled || matches!(self.steps, Steps::Yes(..));
        self.due = now + if hunts { FAST } else { self.pause() };
        Ok(true)
    }

    fn pause(&self) -> Duration {
        if self.since.elapsed() < EARLY { OFTEN } else { SELDOM }
    }

    /// What an answer says that was given `at` a time: that the stream was at `frame`.
    ///
    /// Realtime-safe.
    pub(super) fn seen(&mut self, at: Instant, frame: f64) -> Seen {
        let (seen, steps) = match self.steps {
            Steps::No => return Seen::At(at, 0.0),
            Steps::Perhaps(last) if last == Some(frame) => (Seen::Steps, Steps::Yes(frame, at)),
            Steps::Perhaps(_) => (Seen::At(at, 0.0), Steps::Perhaps(Some(frame))),
            Steps::Yes(last, before) => {
                let between = at.saturating_duration_since(before);
                let seen = if last == frame || between > LONG {
                    Seen::Nothing
                } else {
                    if self.settled {
                        self.due = Instant::now() + self.pause();
                    }
                    Seen::At(before + between / 2, frame - last)
                };
                (seen, Steps::Yes(frame, at))
            }
        };
        self.steps = steps;
        seen
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_of_pipewire_was_between_two_questions() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timing = Timing::new(0, true, true);
        assert!(timing.seen(at(0), 256.0) == Seen::At(at(0), 0.0));
        assert!(timing.seen(at(2), 256.0) == Seen::Steps);
        assert!(timing.seen(at(4), 256.0) == Seen::Nothing);
        assert!(timing.seen(at(6), 512.0) == Seen::At(at(5), 256.0));
        // Nobody asked for long: it may have been any time.
        assert!(timing.seen(at(50), 2560.0) == Seen::Nothing);
        assert!(timing.seen(at(52), 2816.0) == Seen::At(at(51), 256.0));
        let mut timing = Timing::new(0, true, false);
        assert!(timing.seen(at(0), 256.0) == Seen::At(at(0), 0.0));
        assert!(timing.seen(at(2), 256.0) == Seen::At(at(2), 0.0));
    }
}
