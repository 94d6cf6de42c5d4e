//! A process that plays noise and keeps what comes back.
#![expect(clippy::unwrap_used, reason = "a step that cannot go on fails its test")]

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, ThreadId},
};

use pastream::{
    SampleFormat,
    backend::{Device, Process, Request, Side},
    device,
};
use pastream_rt::{Block, Flow, Times, Wire};

/// One block as the process saw it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) frames: usize,
    pub(crate) skipped: u64,
    pub(crate) xruns: u8,
    pub(crate) times: Times,
}

/// What happened in a run. Frames that the device skipped are silence on both timelines.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tape {
    pub(crate) played: Vec<u8>,
    pub(crate) captured: Vec<u8>,
    pub(crate) blocks: Vec<Seen>,
    pub(crate) lost: usize,
    pub(crate) waits: usize,
    pub(crate) dropped_on: Option<ThreadId>,
}

impl Tape {
    pub(crate) fn sizes(&self) -> Vec<usize> {
        self.blocks.iter().map(|block| block.frames).collect()
    }

    /// The frames clocked, skipped ones included.
    pub(crate) fn clocked(&self) -> u64 {
        self.blocks.iter().map(|block| block.frames as u64 + block.skipped).sum()
    }

    /// Where the blocks with xruns begin, after what they skipped, and which xruns.
    pub(crate) fn xruns(&self) -> Vec<(u64, u8)> {
        let mut position = 0;
        let mut xruns = Vec::new();
        for block in &self.blocks {
            position += block.skipped;
            if block.xruns != 0 {
                xruns.push((position, block.xruns));
            }
            position += block.frames as u64;
        }
        xruns
    }
}

/// What a process does besides playing noise and keeping what comes back.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Habit {
    None,
    /// Is never ready for more than three frames.
    Slow,
    /// Panics in the third block.
    Panics,
    /// Ends with an abort.
    Aborts,
}

/// Plays until `frames` are clocked.
pub(crate) struct Player {
    pub(crate) tape: Arc<Mutex<Tape>>,
    pub(crate) source: fn(u64, SampleFormat) -> Vec<u8>,
    pub(crate) done: Sender<()>,
    pub(crate) frames: u64,
    pub(crate) playback: Option<(usize, SampleFormat)>,
    pub(crate) recording: Option<(usize, SampleFormat)>,
    pub(crate) sample: u64,
    pub(crate) habit: Habit,
}

impl Process for Player {
    fn process(&mut self, block: Block<'_>, wire: Option<&mut dyn Wire>) -> Flow {
        let mut tape = self.tape.lock().unwrap();
        let silence = |side: Option<(usize, SampleFormat)>, frames: usize| match side {
            Some((channels, format)) => vec![format.silence(); frames * channels * format.size()],
            None => Vec::new(),
        };
        let skipped = block.skipped as usize;
        tape.played.extend(silence(self.playback, skipped));
        tape.captured.extend(silence(self.recording, skipped));
        assert_eq!(block.output.len(), silence(self.playback, block.frames).len());
        assert_eq!(block.output.as_ptr() as usize % 8, 0);
        if let Some((channels, format)) = self.playback {
            let samples = block.output.chunks_exact_mut(format.size());
            assert_eq!(samples.len(), block.frames * channels);
            for sample in samples {
                sample.copy_from_slice(&(self.source)(self.sample, format));
                self.sample += 1;
            }
        }
        tape.played.extend_from_slice(block.output);
        let input = match wire {
            Some(wire) => {
                assert!(block.input.is_empty());
                wire.turn(block.output)
            }
            None => block.input,
        };
        assert_eq!(input.len(), silence(self.recording, block.frames).len());
        tape.captured.extend_from_slice(input);
        let Block { frames, skipped, xruns, times, .. } = block;
        tape.blocks.push(Seen { frames, skipped, xruns: xruns.bits(), times });
        if self.habit == Habit::Panics && tape.blocks.len() == 3 {
            drop(tape);
            panic!("as the test wants it");
        }
        if tape.clocked() < self.frames {
            return Flow::Continue;
        }
        self.done.send(()).unwrap();
        if self.habit == Habit::Aborts { Flow::Abort } else { Flow::Complete }
    }

    fn wait_ready(&mut self, frames: usize) -> usize {
        self.tape.lock().unwrap().waits += 1;
        if self.habit == Habit::Slow { frames.min(3) } else { frames }
    }

    fn device_lost(&mut self) {
        self.tape.lock().unwrap().lost += 1;
        self.done.send(()).unwrap();
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.tape.lock().unwrap().dropped_on = Some(thread::current().id());
    }
}

/// Noise of every bit pattern.
pub(crate) fn noise(sample: u64, format: SampleFormat) -> Vec<u8> {
    let mixed = (sample + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).to_le_bytes()[..format.size()].to_vec()
}

/// A run to be made.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) request: Request,
    pub(crate) frames: u64,
    pub(crate) source: fn(u64, SampleFormat) -> Vec<u8>,
    pub(crate) habit: Habit,
}

impl Run {
    /// 4000 frames in both directions, two channels of float32.
    pub(crate) fn new(id: &str) -> Self {
        let side = Some(Side::default());
        let request = Request { id: id.to_owned(), playback: side, recording: side, ..Request::default() };
        Self { request, frames: 4000, source: noise, habit: Habit::None }
    }

    pub(crate) fn playback(mut self, channels: usize, format: SampleFormat) -> Self {
        self.request.playback = Some(Side { channels: Some(channels), format: Some(format) });
        self
    }

    pub(crate) fn recording(mut self, channels: usize, format: SampleFormat) -> Self {
        self.request.recording = Some(Side { channels: Some(channels), format: Some(format) });
        self
    }

    pub(crate) fn frames(self, frames: u64) -> Self {
        Self { frames, ..self }
    }

    pub(crate) fn habit(self, habit: Habit) -> Self {
        Self { habit, ..self }
    }

    pub(crate) fn source(self, source: fn(u64, SampleFormat) -> Vec<u8>) -> Self {
        Self { source, ..self }
    }

    pub(crate) fn open(&self) -> Box<dyn Device> {
        device::open(&self.request).unwrap()
    }

    pub(crate) fn start(&self, device: &mut dyn Device) -> (Arc<Mutex<Tape>>, Receiver<()>) {
        let tape = Arc::default();
        let (done, wait) = channel();
        let opened = device.opened();
        let player = Player {
            tape: Arc::clone(&tape),
            source: self.source,
            done,
            frames: self.frames,
            playback: opened.playback.map(|side| (side.channels, side.format)),
            recording: opened.recording.map(|side| (side.channels, side.format)),
            sample: 0,
            habit: self.habit,
        };
        device.start(Box::new(player)).unwrap();
        (tape, wait)
    }

    pub(crate) fn finish(&self, device: &mut dyn Device) -> Tape {
        let (tape, wait) = self.start(device);
        wait.recv().unwrap();
        device.stop();
        let tape = tape.lock().unwrap().clone();
        assert_eq!(tape.dropped_on, Some(thread::current().id()));
        tape
    }

    pub(crate) fn run(&self) -> Tape {
        self.finish(&mut *self.open())
    }
}

pub(crate) fn run(id: &str) -> Tape {
    Run::new(id).run()
}
