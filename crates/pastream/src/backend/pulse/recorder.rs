use std::{sync::atomic::Ordering::Relaxed, time::Instant};

use pastream_rt::{Block, Flow, Missing, Times, Xruns};
use pulseaudio::protocol::RecordLatency;

use super::{
    connection::{Failure, Message},
    run::{Heard, Run},
};
use crate::backend::{Process, memory::filled};

/// Seconds that are kept while it is not known yet when they were captured, and frames of a block, at most.
const KEPT: f64 = 0.5;
const MAX_FRAMES: usize = 65_536;

/// Seconds by which a recording may be behind the clock, within which such a lag stays the same, and how often it is seen
/// until it is certain that the server threw frames away.
const BEHIND: f64 = 0.02;
const STEADY: f64 = 0.005;
const CERTAIN: u32 = 4;

/// One run of a recording stream. A block is what the server sends at a time.
pub(super) struct Recorder {
    run: Run,
    /// What is not handed over yet.
    block: Vec<u64>,
    /// Bytes of it.
    held: usize,
    /// Bytes that `block` takes, whole frames.
    room: usize,
    /// Bytes that came.
    received: i64,
    /// By how much the server's read index is ahead of them.
    ahead: Option<i64>,
    /// When the server was last read from, and since when there is that which it may have thrown away before.
    looked: Instant,
    overdue: Option<Instant>,
    /// Frames by which it was behind the clock when last seen, and how often it was so.
    behind: (f64, u32),
}

impl Recorder {
    /// Everything that the run will need is allocated and touched here.
    pub(super) fn new(run: Run) -> Self {
        let kept = (KEPT * f64::from(run.settings.sample_rate)) as usize;
        let room = kept.clamp(1024, MAX_FRAMES) * run.settings.frame();
        Self {
            block: filled(room.div_ceil(8), 0),
            held: 0,
            room,
            received: 0,
            ahead: None,
            looked: Instant::now(),
            overdue: None,
            behind: (0.0, 0),
            run,
        }
    }

    /// Records until nothing more is wanted.
    ///
    /// # Errors
    /// The device is lost.
    pub(super) fn record(&mut self, process: &mut dyn Process) -> Result<(), Failure> {
        self.run.uncork()?;
        while !self.run.is_stopped() {
            while !self.run.is_stopped() {
                if self.take(process)? != Flow::Continue {
                    return Ok(());
                }
                let now = Instant::now();
                if (now - self.looked).as_secs_f64() > self.run.made.held {
                    self.overdue = Some(now);
                }
                self.looked = now;
                if !self.run.connection.inbox.fill()? {
                    break;
                }
            }
            self.run.timing.ask(&mut self.run.connection.outbox, self.run.line.is_settled())?;
            self.run.wait(None)?;
        }
        Ok(())
    }

    /// Takes what has come in.
    fn take(&mut self, process: &mut dyn Process) -> Result<Flow, Failure> {
        while !self.run.is_stopped() {
            let inbox = &mut self.run.connection.inbox;
            let version = inbox.version;
            let heard = match inbox.next(self.room - self.held)? {
                None => break,
                Some(Message::Audio(bytes)) => {
                    let end = self.held + bytes.len();
                    bytemuck::cast_slice_mut::<u64, u8>(&mut self.block)[self.held..end]
                        .copy_from_slice(bytes);
                    self.held = end;
                    self.received += bytes.len() as i64;
                    let full = self.held == self.room;
                    if full || (self.run.line.is_settled() && !inbox.is_within_audio()) {
                        match self.hand_over(process) {
                            Flow::Continue => continue,
                            flow => return Ok(flow),
                        }
                    }
                    continue;
                }
                Some(Message::Control(bytes)) => {
                    Heard::<RecordLatency>::read(bytes, version, &self.run.timing)?
                }
            };
            match heard {
                Heard::Event(command) => {
                    self.run.event(command)?;
                }
                Heard::Timing(timing) => {
                    if self.time(&timing) || self.run.line.is_settled() {
                        match self.hand_over(process) {
                            Flow::Continue => {}
                            flow => return Ok(flow),
                        }
                    }
                    self.skip(&timing);
                }
                Heard::Answer(sequence, done) => self.run.answer(sequence, done)?,
                Heard::Nothing => {}
            }
        }
        Ok(Flow::Continue)
    }

    /// Takes note of where the server says that the stream is. Answers whether it lost frames after those that are held.
    fn time(&mut self, timing: &RecordLatency) -> bool {
        if timing.playing && timing.write_offset > 0 {
            let frame = self.run.settings.frame() as f64;
            // Captured but not in the stream yet, less what is in a monitor before it is on the air.
            let ahead = (timing.source_usec as f64 - timing.sink_usec as f64) * 1e-6;
            let captured =
                timing.write_offset as f64 / frame + ahead * f64::from(self.run.settings.sample_rate);
            let at = self.run.timing.answered(timing.remote_time);
            if !self.is_behind(at, captured) {
                self.run.see(at, captured);
            }
        } else {
            self.run.timing.answered(timing.remote_time);
        }
        self.ahead.is_some_and(|ahead| timing.read_offset - self.received > ahead)
    }

    /// Whether frames are missing that were captured by `at`. `PulseAudio` throws them away where nobody fetched what it
    /// holds, and its indices stand still.
    fn is_behind(&mut self, at: Instant, captured: f64) -> bool {
        if self.run.made.pipewire
            || !self.run.line.is_settled()
            || self.overdue.is_none_or(|since| at < since)
        {
            return false;
        }
        let rate = f64::from(self.run.settings.sample_rate);
        let lag = self.run.line.lag(at.saturating_duration_since(self.run.start).as_secs_f64(), captured);
        if lag < BEHIND * rate {
            self.overdue = None;
            return false;
        }
        let (last, times) = self.behind;
        self.behind = (lag, if (lag - last).abs() < STEADY * rate { times + 1 } else { 1 });
        self.run.timing.hurry();
        true
    }

    /// Tells of frames that the server threw away: its read index went on without sending them, or the clock did.
    fn skip(&mut self, timing: &RecordLatency) {
        let ahead = timing.read_offset - self.received;
        let lost = ahead - *self.ahead.get_or_insert(ahead);
        if lost > 0 {
            self.ahead = Some(ahead);
            self.run.skipped += lost as u64 / self.run.settings.frame() as u64;
            self.run.xruns |= Xruns::INPUT_OVERFLOW;
        }
        if self.behind.1 >= CERTAIN {
            let lost = self.behind.0.round();
            (self.behind, self.overdue) = ((0.0, 0), None);
            self.run.line.lose(lost);
            self.run.skipped += lost as u64;
            self.run.xruns |= Xruns::INPUT_OVERFLOW;
        }
    }

    /// Hands over the whole frames that are held.
    fn hand_over(&mut self, process: &mut dyn Process) -> Flow {
        let frame = self.run.settings.frame();
        let frames = self.held / frame;
        if frames == 0 {
            return Flow::Continue;
        }
        let first = self.received + self.ahead.unwrap_or(0) - self.held as i64;
        let input = self.run.line.time_of(first as f64 / frame as f64);
        let current = self.run.now();
        let skipped = std::mem::take(&mut self.run.skipped);
        let bytes = bytemuck::cast_slice_mut::<u64, u8>(&mut self.block);
        let block = Block {
            output: &mut [],
            input: &bytes[..frames * frame],
            frames,
            xruns: std::mem::take(&mut self.run.xruns),
            skipped,
            missing: Missing::None,
            times: Times { input, current, output: current },
        };
        let began = Instant::now();
        let flow = process.process(block, None);
        self.run.state.load.note(began.elapsed().as_secs_f64(), self.run.seconds(frames));
        self.run.state.position.fetch_add(frames as u64 + skipped, Relaxed);
        bytes.copy_within(frames * frame..self.held, 0);
        self.held -= frames * frame;
        flow
    }
}
