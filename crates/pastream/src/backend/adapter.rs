//! Between a device and a stream that want different blocks or samples.

use std::collections::VecDeque;

use pastream_rt::{Block, Flow, Missing, Times, Wire, Xruns};

use super::{
    Alignment, Process,
    convert::{decode, encode},
    memory::filled,
};
use crate::SampleFormat;

/// One direction: frames × `channels`, of one format at the device and of another at the stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) channels: usize,
    pub(super) device: SampleFormat,
    pub(super) stream: SampleFormat,
}

impl Ends {
    fn frame(self) -> usize {
        self.channels * self.stream.size()
    }
}

/// A process for a device whose blocks are of any size and whose samples are those of `playback` and `recording`, over
/// one that takes those of the stream, in blocks of `block` frames where that is set. Then both directions together
/// lag by one more block; a block before lost frames may be shorter, as may one with lost frames.
///
/// Not realtime-safe: allocates. What it returns is.
pub(super) fn adapt(
    process: Box<dyn Process>,
    playback: Option<Ends>,
    recording: Option<Ends>,
    block: Option<usize>,
    max_frames: usize,
    sample_rate: u32,
) -> Box<dyn Process> {
    let same = |ends: Option<Ends>| ends.is_none_or(|ends| ends.device == ends.stream);
    if block.is_none() && same(playback) && same(recording) {
        return process;
    }
    let largest = block.unwrap_or(0).max(max_frames);
    let side = |ends| Queue::new(ends, largest + block.unwrap_or(0));
    let mut adapter = Adapter {
        process,
        playback: playback.map(side),
        recording: recording.map(side),
        block,
        max_frames: max_frames.max(1),
        seconds: 1.0 / f64::from(sample_rate.max(1)),
        xruns: Xruns::NONE,
        skipped: 0,
        ended: None,
    };
    if let (Some(block), Some(playback), Some(_)) = (block, &mut adapter.playback, &adapter.recording) {
        playback.silence(block);
    }
    Box::new(adapter)
}

struct Adapter {
    process: Box<dyn Process>,
    playback: Option<Queue>,
    recording: Option<Queue>,
    block: Option<usize>,
    /// Frames of a device's block that are worked on at once.
    max_frames: usize,
    /// Of a frame.
    seconds: f64,
    /// Not told yet.
    xruns: Xruns,
    skipped: u64,
    ended: Option<Flow>,
}

/// Frames of the stream on their way.
struct Queue {
    ends: Ends,
    waiting: VecDeque<u8>,
    /// A block for the stream, of words, so that every format is aligned.
    block: Vec<u64>,
    bytes: Vec<u8>,
    samples: Vec<f64>,
}

impl Queue {
    fn new(ends: Ends, frames: usize) -> Self {
        let (frame, silence) = (ends.frame(), ends.stream.silence());
        // Filled to its capacity and then emptied, which keeps the memory.
        let mut waiting = VecDeque::from(filled(2 * frames * frame, silence));
        waiting.clear();
        Self {
            ends,
            waiting,
            block: filled((frames * frame).div_ceil(8), u64::from_ne_bytes([silence; 8])),
            bytes: filled(frames * frame, silence),
            samples: filled(frames * ends.channels, 0.0),
        }
    }

    fn frames(&self) -> usize {
        self.waiting.len() / self.ends.frame()
    }

    fn silence(&mut self, frames: usize) {
        let end = self.waiting.len() + frames * self.ends.frame();
        self.waiting.resize(end, self.ends.stream.silence());
    }

    /// Takes what the device captured.
    fn push(&mut self, input: &[u8]) {
        if self.ends.device == self.ends.stream {
            self.waiting.extend(input);
            return;
        }
        let samples = &mut self.samples[..input.len() / self.ends.device.size()];
        decode(self.ends.device, input, samples);
        let bytes = &mut self.bytes[..samples.len() * self.ends.stream.size()];
        encode(self.ends.stream, samples, bytes);
        self.waiting.extend(&*bytes);
    }

    /// Moves `frames` to the block that the stream gets.
    fn take(&mut self, frames: usize) -> &[u8] {
        let size = frames * self.ends.frame();
        let block = &mut bytemuck::cast_slice_mut::<u64, u8>(&mut self.block)[..size];
        pop(&mut self.waiting, block);
        block
    }

    /// Gives the device what there is, and silence after it.
    fn pop(&mut self, output: &mut [u8]) {
        let frames = output.len() / (self.ends.channels * self.ends.device.size());
        let there = frames.min(self.frames()) * self.ends.channels;
        let (full, rest) = output.split_at_mut(there * self.ends.device.size());
        rest.fill(self.ends.device.silence());
        if self.ends.device == self.ends.stream {
            pop(&mut self.waiting, full);
            return;
        }
        let bytes = &mut self.bytes[..there * self.ends.stream.size()];
        pop(&mut self.waiting, bytes);
        let samples = &mut self.samples[..there];
        decode(self.ends.stream, bytes, samples);
        encode(self.ends.device, samples, full);
    }
}

/// Moves the first of `waiting` to `bytes`, which are no more.
fn pop(waiting: &mut VecDeque<u8>, bytes: &mut [u8]) {
    let (first, second) = waiting.as_slices();
    let (head, tail) = bytes.split_at_mut(bytes.len().min(first.len()));
    head.copy_from_slice(&first[..head.len()]);
    tail.copy_from_slice(&second[..tail.len()]);
    waiting.drain(..bytes.len());
}

impl Adapter {
    /// Gives the stream one block.
    fn run(&mut self, frames: usize, missing: Missing, times: Times) {
        if self.ended.is_some() {
            return;
        }
        let mut times = times;
        let input = match &mut self.recording {
            Some(recording) if missing != Missing::Input => {
                times.input -= recording.frames().saturating_sub(frames) as f64 * self.seconds;
                recording.take(frames)
            }
            _ => &[],
        };
        let output = match &mut self.playback {
            Some(playback) if missing != Missing::Output => {
                times.output += playback.frames() as f64 * self.seconds;
                &mut bytemuck::cast_slice_mut(&mut playback.block)[..frames * playback.ends.frame()]
            }
            _ => &mut [],
        };
        let (xruns, skipped) = (std::mem::take(&mut self.xruns), std::mem::take(&mut self.skipped));
        let block = Block { output, input, frames, xruns, skipped, missing, times };
        let flow = self.process.process(block, None);
        if let Some(playback) = self.playback.as_mut().filter(|_| missing != Missing::Output) {
            let size = frames * playback.ends.frame();
            playback.waiting.extend(&bytemuck::cast_slice::<u64, u8>(&playback.block)[..size]);
        }
        if flow != Flow::Continue {
            self.ended = Some(flow);
        }
    }

    /// Runs what can be run of a device's block of `frames`.
    fn turn(&mut self, frames: usize, missing: Missing, times: Times) {
        let Some(block) = self.block else { return self.run(frames, missing, times) };
        if missing != Missing::None {
            // What was captured before the loss comes before it.
            let before = self.recording.as_ref().map_or(0, Queue::frames);
            if before > 0 {
                self.run(before, Missing::None, times);
            }
            return self.run(frames, missing, times);
        }
        let due = |adapter: &Self| match (&adapter.recording, &adapter.playback) {
            (Some(recording), _) => recording.frames() >= block,
            (None, Some(playback)) => playback.frames() < frames,
            (None, None) => false,
        };
        while self.ended.is_none() && due(self) {
            self.run(block, Missing::None, times);
        }
    }

    fn flow(&self) -> Flow {
        match self.ended {
            // The last frames are on their way.
            Some(Flow::Complete) if self.playback.as_ref().is_some_and(|playback| playback.frames() > 0) => {
                Flow::Continue
            }
            Some(flow) => flow,
            None => Flow::Continue,
        }
    }
}

impl Process for Adapter {
    fn aligned(&mut self, alignment: &Alignment) {
        let both = self.playback.is_some() && self.recording.is_some();
        let lag = self.block.filter(|_| both).unwrap_or(0) as f64;
        self.process.aligned(&Alignment { offset_frames: alignment.offset_frames + lag, ..*alignment });
    }

    fn process(&mut self, block: Block<'_>, _wire: Option<&mut dyn Wire>) -> Flow {
        let Block { output, input, frames, xruns, skipped, missing, times } = block;
        self.xruns |= xruns;
        self.skipped = self.skipped.saturating_add(skipped);
        let (into, from) = (frame_of(self.playback.as_ref()), frame_of(self.recording.as_ref()));
        let mut done = 0;
        loop {
            let part = (frames - done).min(self.max_frames);
            let at = done as f64 * self.seconds;
            let times = Times { input: times.input + at, current: times.current, output: times.output + at };
            if let Some(recording) = self.recording.as_mut().filter(|_| missing != Missing::Input) {
                recording.push(input.get(done * from..(done + part) * from).unwrap_or_default());
            }
            self.turn(part, missing, times);
            if let Some(playback) = self.playback.as_mut().filter(|_| missing != Missing::Output) {
                if self.ended == Some(Flow::Abort) {
                    playback.waiting.clear();
                }
                playback.pop(output.get_mut(done * into..(done + part) * into).unwrap_or_default());
            }
            done += part;
            if done >= frames {
                return self.flow();
            }
        }
    }

    fn wait_ready(&mut self, frames: usize) -> usize {
        self.process.wait_ready(frames)
    }

    fn device_lost(&mut self) {
        self.process.device_lost();
    }
}

fn frame_of(queue: Option<&Queue>) -> usize {
    queue.map_or(0, |queue| queue.ends.channels * queue.ends.device.size())
}
