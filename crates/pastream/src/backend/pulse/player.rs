use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use pastream_rt::{Block, Flow, Missing, Times, Xruns};
use pulseaudio::protocol::{self, DESCRIPTOR_SIZE, Descriptor, DescriptorFlags, PlaybackLatency};

use super::{
    connection::{Failure, Message},
    run::{Event, Heard, Run},
};
use crate::backend::{Process, memory::filled};

/// Where the frames of a block begin, and so its header ends: aligned for every format.
const HEAD: usize = 24;
/// Frames of a block, at most.
const MAX_FRAMES: usize = 65_536;
/// Seconds that a block may take from the last look at the server's events to the server: less than any sink needs to
/// run empty.
const FRESH: Duration = Duration::from_millis(2);
/// Seconds that a frame is put ahead of what the sink takes next, beyond its latency, and how much of it may be over when
/// it is sent.
const AHEAD: f64 = 0.01;
const HOLDS: Duration = Duration::from_millis(4);
/// How many seconds longer than its latency the last frame may need to the air.
const TAIL: f64 = 2.0;

/// One run of a playback stream.
///
/// The server's read index is the clock: it runs on through silence, at the start and in an underflow. So a run begins with
/// nothing but questions, and its first frame is put where it is known when it will be on the air. After an underflow the
/// next frame is put ahead of the index again, and how far it was moved is how long the gap is.
pub(super) struct Player {
    run: Run,
    /// A message: header and frames.
    block: Vec<u64>,
    max_frames: usize,
    /// The index of the next frame.
    written: u64,
    /// Frames that are to be skipped before it, which the server does not know of yet.
    seek: u64,
    /// Bytes that the server waits for.
    wanted: i64,
    /// Frames in the block that are not sent yet.
    pending: usize,
    place: Place,
    /// When the server looked, for the place.
    placed: Instant,
    /// The index that it was then.
    based: u64,
    /// Whether there was a block.
    begun: bool,
    /// The index of what was sent to a new place, until the server says that it came in time, and whether it was asked.
    check: Option<(u64, bool)>,
    /// When the server's events were last looked at.
    looked: Instant,
    /// Since when nothing more comes and what was sent is played out.
    draining: Option<f64>,
    /// The server's read index when it last told.
    read: u64,
}

/// Whether it is known where the next frame goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Known,
    /// The answer to a question not asked yet will tell.
    Unknown,
    Asked,
}

impl Player {
    /// Everything that the run will need is allocated and touched here.
    pub(super) fn new(run: Run) -> Self {
        let frame = run.settings.frame();
        // A block is what the server asks for at a time, so that the first are no longer than the others.
        let max_frames = (run.made.portion / frame).clamp(1, MAX_FRAMES);
        Self {
            block: filled((HEAD + max_frames * frame).div_ceil(8), 0),
            max_frames,
            written: 0,
            seek: 0,
            wanted: run.made.wanted as i64,
            pending: 0,
            place: Place::Unknown,
            placed: Instant::now(),
            based: 0,
            begun: false,
            check: None,
            looked: Instant::now(),
            draining: None,
            read: 0,
            run,
        }
    }

    /// Plays until there is nothing more to play.
    ///
    /// # Errors
    /// The device is lost.
    pub(super) fn play(&mut self, process: &mut dyn Process) -> Result<(), Failure> {
        self.run.uncork()?;
        let mut flow = Flow::Continue;
        while !self.run.is_stopped() {
            self.look()?;
            if self.pending > 0 && self.place == Place::Known {
                self.send()?;
            }
            while flow == Flow::Continue && self.is_due() {
                flow = self.block(process)?;
            }
            let mut limit = None;
            match flow {
                Flow::Complete if self.pending == 0 => match self.drain()? {
                    Some(left) => limit = Some(left),
                    None => return Ok(()),
                },
                Flow::Continue | Flow::Complete => {}
                Flow::Abort => return Ok(()),
            }
            if self.run.timing.ask(&mut self.run.connection.outbox, self.run.line.is_settled())? {
                if self.place == Place::Unknown {
                    self.place = Place::Asked;
                }
                self.check = self.check.map(|(at, _)| (at, true));
            }
            self.run.wait(limit)?;
        }
        Ok(())
    }

    fn is_due(&self) -> bool {
        self.place == Place::Known
            && self.pending == 0
            && self.wanted >= self.run.settings.frame() as i64
            && !self.run.is_stopped()
    }

    /// Hears all that the server said.
    fn look(&mut self) -> Result<(), Failure> {
        loop {
            let inbox = &mut self.run.connection.inbox;
            let version = inbox.version;
            match inbox.next(usize::MAX)? {
                Some(Message::Control(bytes)) => {
                    let heard = Heard::read(bytes, version, &self.run.timing)?;
                    self.hear(heard)?;
                }
                Some(Message::Audio(_)) => {}
                None => {
                    if !self.run.connection.inbox.fill()? {
                        self.looked = Instant::now();
                        return Ok(());
                    }
                }
            }
        }
    }

    fn hear(&mut self, heard: Heard<PlaybackLatency>) -> Result<(), Failure> {
        match heard {
            Heard::Event(command) => match self.run.event(command)? {
                Event::Request(bytes) => self.wanted += bytes as i64,
                // One that is older than the place is over.
                Event::Underflow(at)
                    if self.place == Place::Known
                        && self.draining.is_none()
                        && at.is_none_or(|at| at as u64 / self.run.settings.frame() as u64 >= self.based) =>
                {
                    self.run.xruns |= Xruns::OUTPUT_UNDERFLOW;
                    self.place = Place::Unknown;
                    self.run.timing.hurry();
                }
                Event::Underflow(_) | Event::None => {}
            },
            Heard::Timing(timing) => {
                let read = timing.read_offset as f64 / self.run.settings.frame() as f64;
                self.read = read as u64;
                let at = if timing.playing && timing.read_offset > 0 {
                    let ahead = timing.sink_usec as f64 * 1e-6 * f64::from(self.run.settings.sample_rate);
                    self.run.note(timing.remote_time, read - ahead)
                } else {
                    self.run.timing.answered(timing.remote_time)
                };
                // The server looked right after it had what was sent before the question. It tells of no underflow within
                // another, so this is told where it may have been one.
                if let Some((at, _)) = self.check.take_if(|(_, asked)| *asked)
                    && read as u64 > at
                {
                    self.run.xruns |= Xruns::OUTPUT_UNDERFLOW;
                }
                if self.place == Place::Asked {
                    self.put(read as u64, at);
                }
            }
            Heard::Answer(sequence, done) => self.run.answer(sequence, done)?,
            Heard::Nothing => {}
        }
        Ok(())
    }

    /// Puts the next frame ahead of what the sink takes next, which is frame `read`.
    fn put(&mut self, read: u64, at: Instant) {
        if !self.run.line.is_settled() && !self.begun {
            self.place = Place::Unknown;
            return;
        }
        (self.place, self.placed) = (Place::Known, at);
        // An underflow that was over when the next block came: how much of that was late nobody tells.
        if self.seek == 0 && self.written > read {
            return;
        }
        let ahead = (self.run.made.device_latency + AHEAD) * f64::from(self.run.settings.sample_rate);
        let seek = (read + ahead as u64).saturating_sub(self.written);
        if self.begun && seek > 0 {
            self.run.skipped += seek;
            self.run.xruns |= Xruns::OUTPUT_UNDERFLOW;
        }
        self.seek += seek;
        self.written += seek;
        self.based = self.written;
        let frame = self.run.settings.frame() as i64;
        // Something has to be there when the sink comes.
        self.wanted = (self.wanted - seek as i64 * frame).max(self.run.made.portion as i64);
    }

    /// Plays one block.
    fn block(&mut self, process: &mut dyn Process) -> Result<Flow, Failure> {
        let frame = self.run.settings.frame();
        let frames = (self.wanted as usize / frame).min(self.max_frames);
        let current = self.run.now();
        let output = self.run.line.time_of(self.written as f64);
        let skipped = std::mem::take(&mut self.run.skipped);
        let block = Block {
            output: &mut bytemuck::cast_slice_mut(&mut self.block)[HEAD..HEAD + frames * frame],
            input: &[],
            frames,
            xruns: std::mem::take(&mut self.run.xruns),
            skipped,
            missing: Missing::None,
            times: Times { input: current, current, output },
        };
        self.begun = true;
        let began = Instant::now();
        let flow = process.process(block, None);
        self.run.state.load.note(began.elapsed().as_secs_f64(), self.run.seconds(frames));
        self.run.state.position.fetch_add(frames as u64 + skipped, Relaxed);
        if flow != Flow::Abort {
            self.pending = frames;
            // What comes after an underflow would be dropped, untold.
            if self.looked.elapsed() > FRESH {
                self.look()?;
            }
            if self.place == Place::Known {
                self.send()?;
            }
        }
        Ok(flow)
    }

    /// Whether the sink may have come to the next frame by now, though no underflow was told yet.
    fn is_late(&self) -> bool {
        let taken = self.run.line.time_of(self.written as f64) - self.run.made.device_latency;
        self.run.line.is_settled() && self.run.now() > taken
    }

    /// Sends what is pending, or has its place looked for again where that may be over.
    fn send(&mut self) -> Result<(), Failure> {
        if self.placed.elapsed() > HOLDS && (self.seek > 0 || self.is_late()) {
            self.place = Place::Unknown;
            self.run.timing.hurry();
            return Ok(());
        }
        let length = self.pending * self.run.settings.frame();
        let header = Descriptor {
            length: length as u32,
            channel: self.run.made.channel,
            // From the last byte on.
            offset: self.seek * self.run.settings.frame() as u64,
            flags: DescriptorFlags::empty(),
        };
        let bytes = &mut bytemuck::cast_slice_mut::<u64, u8>(&mut self.block)[HEAD - DESCRIPTOR_SIZE..];
        if let Some(head) = bytes.first_chunk_mut() {
            protocol::encode_descriptor(head, &header);
        }
        self.run.connection.outbox.write(&bytes[..DESCRIPTOR_SIZE + length])?;
        if self.seek > 0 {
            self.check = Some((self.written, false));
            self.run.timing.hurry();
        }
        self.written += self.pending as u64;
        self.wanted -= length as i64;
        (self.pending, self.seek) = (0, 0);
        Ok(())
    }

    /// How long to wait for what was sent to be played out, `None` when it is. The server is not asked to tell of its end: it
    /// never does where a sink can rewind, since there is silence to play for ever.
    fn drain(&mut self) -> Result<Option<Duration>, Failure> {
        let now = self.run.now();
        let since = *self.draining.get_or_insert(now);
        let end = self.run.line.time_of(self.written as f64);
        if now >= end && self.read >= self.written {
            return Ok(None);
        }
        if now - since > self.run.made.latency + TAIL {
            // It hangs, or was suspended meanwhile.
            return Err(Failure::Late);
        }
        if now < end {
            return Ok(Some(Duration::from_secs_f64(end - now)));
        }
        self.run.timing.hurry();
        Ok(Some(Duration::from_millis(2)))
    }
}
