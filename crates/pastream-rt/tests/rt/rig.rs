//! A callback with the far ends of all its rings.

use std::sync::Arc;

use pastream_rt::{
    Block, BufferSource, Callback, Event, Flow, Gap, I24, Limits, Mapping, Missing, OnFull, OnStarved, Play,
    Playback, Record, Recording, RingSource, Route, Sample, Shared, Sink, SinkCounts, Times, Wire, Xruns,
};
use ringbuf::{
    HeapCons, HeapProd, HeapRb,
    traits::{Consumer, Producer, Split},
};

/// The formats, and a value of each for any number.
pub(crate) trait Format: Sample {
    fn make(number: u64) -> Self;
}

impl Format for f32 {
    fn make(number: u64) -> Self {
        f32::from(number as i16) / 1024.0
    }
}
impl Format for i32 {
    fn make(number: u64) -> Self {
        number as i32
    }
}
impl Format for I24 {
    fn make(number: u64) -> Self {
        Self::from_i32(number as i32)
    }
}
impl Format for i16 {
    fn make(number: u64) -> Self {
        number as i16
    }
}
impl Format for i8 {
    fn make(number: u64) -> Self {
        number as i8
    }
}
impl Format for u8 {
    fn make(number: u64) -> Self {
        number as u8
    }
}

/// Numbers that look random and are not.
pub(crate) fn scramble(number: u64) -> u64 {
    let number = (number.wrapping_add(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (number ^ (number >> 29)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 7
}

#[derive(Clone, Debug)]
pub(crate) struct Routing {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// None: identity.
    pub(crate) routes: Option<Vec<Route>>,
}

impl Routing {
    pub(crate) fn identity(channels: usize) -> Self {
        Self { from: channels, to: channels, routes: None }
    }

    pub(crate) fn mapping(&self) -> Mapping<Box<[Route]>> {
        match &self.routes {
            None => Mapping::identity(self.from),
            Some(routes) => Mapping::new(routes.clone().into_boxed_slice(), self.from, self.to),
        }
        .expect("a valid mapping")
    }

    /// What becomes of one frame, said in the plainest way.
    pub(crate) fn frame<S: Sample>(&self, input: &[S]) -> Vec<S> {
        let Some(routes) = &self.routes else { return input.to_vec() };
        let channel = |to: usize| {
            let mine: Vec<&Route> = routes.iter().filter(|route| usize::from(route.to) == to).collect();
            match mine[..] {
                [] => S::EQUILIBRIUM,
                [Route { from, gain: 1.0, .. }] => input[usize::from(*from)],
                _ => {
                    let mut sum = 0.0;
                    for route in mine {
                        sum += input[usize::from(route.from)].to_f64() * f64::from(route.gain);
                    }
                    S::from_f64(sum)
                }
            }
        };
        (0..self.to).map(channel).collect()
    }
}

#[derive(Clone, Debug)]
pub(crate) enum From {
    /// A ring of so many frames.
    Ring(usize),
    /// Frames of a buffer, made of their numbers.
    Buffer { frames: usize, looped: bool },
}

#[derive(Clone, Debug)]
pub(crate) struct SinkSetup {
    pub(crate) frames: usize,
    pub(crate) gaps: usize,
    pub(crate) on_full: OnFull,
}

#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) playback: Option<(From, Routing, OnStarved)>,
    pub(crate) recording: Option<(Vec<SinkSetup>, Routing)>,
    pub(crate) offset: u64,
    pub(crate) events: usize,
}

/// The channel-th sample of the index-th frame of what is played.
pub(crate) fn played<S: Format>(index: usize, channels: usize) -> Vec<S> {
    (0..channels).map(|channel| S::make(scramble((index * channels + channel) as u64))).collect()
}

/// The same of what is captured.
pub(crate) fn captured<S: Format>(index: usize, channels: usize) -> Vec<S> {
    (0..channels).map(|channel| S::make(scramble(1 << 40 | (index * channels + channel) as u64))).collect()
}

pub(crate) struct Reader<S> {
    pub(crate) ring: HeapCons<S>,
    pub(crate) gap_ring: HeapCons<Gap>,
    pub(crate) counts: Arc<SinkCounts>,
    /// What was read so far.
    pub(crate) samples: Vec<S>,
    pub(crate) gaps: Vec<Gap>,
}

impl<S: Sample> Reader<S> {
    pub(crate) fn read(&mut self, samples: usize, gaps: usize) {
        self.gaps.extend(self.gap_ring.pop_iter().take(gaps));
        self.samples.extend(self.ring.pop_iter().take(samples));
    }

    pub(crate) fn read_all(&mut self) {
        self.read(usize::MAX, usize::MAX);
    }
}

pub(crate) type Erased = Callback<Box<dyn Play + Send>, Box<dyn Record + Send>, HeapProd<Event>, Arc<Shared>>;

pub(crate) struct Rig<S> {
    pub(crate) callback: Erased,
    pub(crate) shared: Arc<Shared>,
    pub(crate) events: HeapCons<Event>,
    /// None: ended, or a buffer.
    pub(crate) writer: Option<HeapProd<S>>,
    pub(crate) readers: Vec<Reader<S>>,
    output_channels: usize,
}

impl<S: Format> Rig<S> {
    pub(crate) fn new(setup: &Setup) -> Self {
        let mut writer = None;
        let playback = setup.playback.as_ref().map(|(from, routing, on_starved)| -> Box<dyn Play + Send> {
            match *from {
                From::Ring(frames) => {
                    let (producer, consumer) = HeapRb::new(frames * routing.from).split();
                    writer = Some(producer);
                    Box::new(Playback::<S, _, _>::new(
                        RingSource::new(consumer),
                        routing.mapping(),
                        *on_starved,
                    ))
                }
                From::Buffer { frames, looped } => {
                    let buffer: Box<[S]> =
                        (0..frames).flat_map(|index| played(index, routing.from)).collect();
                    let source = BufferSource::new(buffer, looped);
                    Box::new(Playback::<S, _, _>::new(source, routing.mapping(), *on_starved))
                }
            }
        });
        let mut readers = Vec::new();
        let recording = setup.recording.as_ref().map(|(sinks, routing)| -> Box<dyn Record + Send> {
            let sinks = sinks.iter().map(|sink| {
                let (frames, ring) = HeapRb::new(sink.frames * routing.to).split();
                let (gaps, gap_ring) = HeapRb::new(sink.gaps).split();
                let counts = Arc::new(SinkCounts::new());
                let shared = Arc::clone(&counts);
                readers.push(Reader { ring, gap_ring, counts, samples: Vec::new(), gaps: Vec::new() });
                Sink::new(frames, gaps, shared, sink.on_full)
            });
            Box::new(Recording::new(sinks.collect::<Box<[_]>>(), routing.mapping(), setup.offset))
        });
        let (events, event_reader) = HeapRb::new(setup.events).split();
        let shared = Arc::new(Shared::new());
        Self {
            callback: Callback::new(setup.limits, playback, recording, events, Arc::clone(&shared))
                .silent::<S>(),
            shared,
            events: event_reader,
            writer,
            readers,
            output_channels: setup.playback.as_ref().map_or(1, |(_, routing, _)| routing.to),
        }
    }

    /// Writes the frames `range` of what is played; answers how many samples fitted.
    pub(crate) fn write(&mut self, range: std::ops::Range<usize>, channels: usize) -> usize {
        let samples: Vec<S> = range.flat_map(|index| played(index, channels)).collect();
        self.writer.as_mut().map_or(0, |writer| writer.push_slice(&samples))
    }

    /// Runs one block that has both sides.
    pub(crate) fn block(
        &mut self,
        frames: usize,
        input: &[S],
        (xruns, skipped): (Xruns, u64),
        wire: Option<&mut dyn Wire>,
    ) -> (Vec<S>, Flow) {
        self.block_without(Missing::None, frames, input, (xruns, skipped), wire)
    }

    /// Runs one block on an output full of garbage. Nothing may be allocated meanwhile.
    pub(crate) fn block_without(
        &mut self,
        missing: Missing,
        frames: usize,
        input: &[S],
        (xruns, skipped): (Xruns, u64),
        wire: Option<&mut dyn Wire>,
    ) -> (Vec<S>, Flow) {
        let there = if missing == Missing::Output { 0 } else { frames };
        let mut output = vec![S::make(0x55AA_1234_7755_1199); there * self.output_channels];
        let block = Block {
            output: bytemuck::cast_slice_mut(&mut output),
            input: bytemuck::cast_slice(input),
            frames,
            xruns,
            skipped,
            missing,
            times: Times { input: 1.0, current: 2.0, output: 3.0 },
        };
        let flow = assert_no_alloc::assert_no_alloc(|| self.callback.process(block, wire));
        (output, flow)
    }
}
