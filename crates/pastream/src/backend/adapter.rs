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
            let came = if missing == Missing::Output { frames } else { 0 };
            let before =
                self.recording.as_ref().map_or(0, |recording| recording.frames().saturating_sub(came));
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
        let waiting = self.recording.as_ref().map_or(0, Queue::frames);
        if skipped > 0 && waiting > 0 && self.block.is_some() {
            // What was captured before the loss comes before it.
            self.run(waiting, Missing::None, times);
        }
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, MutexGuard};

    use fastrand::Rng;

    use super::*;
    use crate::backend::AlignmentMethod;

    /// What a stream saw: the length of each block and what was missing; what it recorded. It plays a ramp of int16.
    #[derive(Default)]
    struct Seen {
        blocks: Vec<(usize, Missing)>,
        recorded: Vec<i16>,
        played: i16,
        xruns: u8,
        skipped: u64,
        lag: f64,
        /// Frames after which it ends, and how.
        end: Option<(i16, Flow)>,
    }

    struct Ramp(Arc<Mutex<Seen>>);

    fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
        seen.lock().expect("no test goes on after a panic")
    }

    impl Process for Ramp {
        fn aligned(&mut self, alignment: &Alignment) {
            lock(&self.0).lag = alignment.offset_frames;
        }

        fn process(&mut self, block: Block<'_>, _: Option<&mut dyn Wire>) -> Flow {
            let mut seen = lock(&self.0);
            seen.blocks.push((block.frames, block.missing));
            // An empty slice lies anywhere.
            seen.recorded.extend(bytemuck::try_cast_slice::<u8, i16>(block.input).unwrap_or_default());
            seen.xruns |= block.xruns.bits();
            seen.skipped += block.skipped;
            for sample in bytemuck::try_cast_slice_mut::<u8, i16>(block.output).unwrap_or_default() {
                seen.played += 1;
                *sample = seen.played;
            }
            seen.end.filter(|&(frames, _)| seen.played >= frames).map_or(Flow::Continue, |(_, flow)| flow)
        }

        fn wait_ready(&mut self, frames: usize) -> usize {
            frames
        }

        fn device_lost(&mut self) {}
    }

    fn ends(device: SampleFormat) -> Ends {
        Ends { channels: 1, device, stream: SampleFormat::Int16 }
    }

    /// A block of a device with samples of 32 bits.
    fn turn(process: &mut dyn Process, input: &[i32], frames: usize, missing: Missing) -> (Vec<i32>, Flow) {
        let mut output = vec![-1; if missing == Missing::Output { 0 } else { frames }];
        let block = Block {
            output: bytemuck::cast_slice_mut(&mut output),
            input: if missing == Missing::Input { &[] } else { bytemuck::cast_slice(input) },
            frames,
            xruns: Xruns::INPUT_OVERFLOW,
            skipped: 0,
            missing,
            times: Times::default(),
        };
        let flow = process.process(block, None);
        (output, flow)
    }

    fn wide(sample: i16) -> i32 {
        i32::from(sample) << 16
    }

    #[test]
    fn blocks_of_any_size_become_blocks_of_one() {
        let mut random = Rng::with_seed(1);
        for block in [1, 7, 64, 100] {
            let seen = Arc::<Mutex<Seen>>::default();
            let side = Some(ends(SampleFormat::Int32));
            let mut process = adapt(Box::new(Ramp(Arc::clone(&seen))), side, side, Some(block), 50, 48_000);
            let method = AlignmentMethod::Callback;
            let alignment = Alignment { offset_frames: 10.0, jitter_frames: 0.0, drift_ppm: 0.0, method };
            process.aligned(&alignment);
            assert_eq!(lock(&seen).lag, 10.0 + block as f64);
            let (mut played, mut sent) = (Vec::new(), 0_i16);
            for turns in 1..=60 {
                // The last one brings a whole block, with which all is told.
                let frames = if turns == 60 { block } else { random.usize(0..200) };
                let input: Vec<i32> = (0..frames as i16).map(|index| wide(sent + index + 1)).collect();
                sent += frames as i16;
                played.extend(turn(&mut *process, &input, frames, Missing::None).0);
            }
            let seen = lock(&seen);
            assert!(seen.blocks.iter().all(|&seen| seen == (block, Missing::None)), "{block}");
            let whole = usize::from(sent as u16) / block * block;
            assert_eq!(seen.recorded, (1..=whole as i16).collect::<Vec<_>>());
            let ramp = (1..=sent).map(wide);
            let silence = std::iter::repeat_n(0, block);
            assert_eq!(played, silence.chain(ramp).take(usize::from(sent as u16)).collect::<Vec<_>>());
            assert_eq!((seen.xruns, seen.skipped), (Xruns::INPUT_OVERFLOW.bits(), 0));
        }
    }

    #[test]
    fn one_direction_alone_lags_by_nothing() {
        let seen = Arc::<Mutex<Seen>>::default();
        let side = Some(ends(SampleFormat::Int32));
        let mut process = adapt(Box::new(Ramp(Arc::clone(&seen))), side, None, Some(64), 50, 48_000);
        assert_eq!(turn(&mut *process, &[], 10, Missing::None).0, (1..=10).map(wide).collect::<Vec<_>>());
        assert_eq!(turn(&mut *process, &[], 70, Missing::None).0, (11..=80).map(wide).collect::<Vec<_>>());
        assert_eq!(lock(&seen).blocks, [(64, Missing::None); 2]);
    }

    #[test]
    fn what_is_missing_lies_where_it_was() {
        for missing in [Missing::Input, Missing::Output] {
            let seen = Arc::<Mutex<Seen>>::default();
            let side = Some(ends(SampleFormat::Int32));
            let mut process = adapt(Box::new(Ramp(Arc::clone(&seen))), side, side, Some(8), 50, 48_000);
            let input: Vec<i32> = (1..=30).map(wide).collect();
            turn(&mut *process, &input[..11], 11, Missing::None);
            turn(&mut *process, &input[11..16], 5, missing);
            turn(&mut *process, &input[16..], 14, Missing::None);
            let seen = lock(&seen);
            let expected = [(8, Missing::None), (3, Missing::None), (5, missing), (8, Missing::None)];
            assert_eq!(seen.blocks, expected);
            let lost = |&sample: &i16| missing == Missing::Input && (12..=16).contains(&sample);
            assert_eq!(seen.recorded, (1..=24).filter(|sample| !lost(sample)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_was_skipped_lies_where_it_was() {
        let seen = Arc::<Mutex<Seen>>::default();
        let mut process = adapt(
            Box::new(Ramp(Arc::clone(&seen))),
            None,
            Some(ends(SampleFormat::Int16)),
            Some(8),
            50,
            48_000,
        );
        for (skipped, input) in [(0, [1_i16, 2, 3, 4, 5]), (100, [6, 7, 8, 9, 10]), (0, [11, 12, 13, 14, 15])]
        {
            let block = Block {
                output: &mut [],
                input: bytemuck::cast_slice(&input),
                frames: 5,
                xruns: Xruns::NONE,
                skipped,
                missing: Missing::None,
                times: Times::default(),
            };
            process.process(block, None);
            if skipped > 0 {
                let seen = lock(&seen);
                assert_eq!((seen.blocks.len(), seen.skipped), (1, 0));
            }
        }
        let seen = lock(&seen);
        assert_eq!(seen.blocks, [(5, Missing::None), (8, Missing::None)]);
        assert_eq!((seen.skipped, &seen.recorded[..]), (100, &(1..=13).collect::<Vec<i16>>()[..]));
    }

    #[test]
    fn the_last_frames_are_played_and_an_abort_is_silent_at_once() {
        for (flow, expected) in [(Flow::Complete, 16), (Flow::Abort, 0)] {
            let seen = Arc::<Mutex<Seen>>::default();
            lock(&seen).end = Some((16, flow));
            let side = Some(ends(SampleFormat::Int16));
            let mut process = adapt(Box::new(Ramp(Arc::clone(&seen))), side, side, Some(16), 50, 48_000);
            let mut played = Vec::new();
            let mut last = Flow::Continue;
            while last == Flow::Continue {
                let (mut output, input) = (vec![-1_i16; 10], [0_i16; 10]);
                last = process.process(
                    Block {
                        output: bytemuck::cast_slice_mut(&mut output),
                        input: bytemuck::cast_slice(&input),
                        frames: 10,
                        xruns: Xruns::NONE,
                        skipped: 0,
                        missing: Missing::None,
                        times: Times::default(),
                    },
                    None,
                );
                played.extend(output);
            }
            assert_eq!(last, flow);
            assert_eq!(played.iter().filter(|&&sample| sample > 0).count(), expected);
            assert!(!played.contains(&-1));
        }
    }
}
