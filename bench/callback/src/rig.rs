//! A stream's callback between two rings, without a device and without threads.

use std::{hint::black_box, sync::Arc};

use pastream::{
    Error, ErrorKind, Result,
    ring::{Reader, Ring, Writer},
};
use pastream_rt::{
    Block, Callback, Event, Flow, Gap, Limits, Mapping, MappingError, Missing, OnFull, OnStarved, Play,
    Playback, Record, Recording, RingSource, Route, Shared, Sink, SinkCounts, Times, Xruns,
};
use ringbuf::{HeapProd, HeapRb, traits::Split};

/// Frames that a round moves: a ring full of them.
const FRAMES: usize = 16_384;
const CHANNELS: usize = 2;
const FRAME: usize = CHANNELS * size_of::<f32>();

/// Which directions a stream has, and whether its channels change places.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) play: bool,
    pub(crate) record: bool,
    pub(crate) mapped: bool,
}

/// As a stream has it.
type StreamCallback = Callback<Box<dyn Play + Send>, Box<dyn Record + Send>, HeapProd<Event>, Arc<Shared>>;

/// The callback, what stands in for its device and its threads, and the memory of its peer.
pub(crate) struct Rig {
    kind: Kind,
    callback: StreamCallback,
    shared: Arc<Shared>,
    counts: Arc<SinkCounts>,
    writer: Option<Writer>,
    reader: Option<Reader>,
    rings: Vec<Arc<Ring>>,
    /// What is played, and what the peer copies from.
    source: Vec<f32>,
    /// What the peer copies to.
    sink: Vec<f32>,
    output: Vec<f32>,
    input: Vec<f32>,
}

impl Rig {
    pub(crate) fn new(kind: Kind, block: usize) -> Result<Self> {
        let counts = Arc::<SinkCounts>::default();
        let (mut play, mut record, mut writer, mut reader) = (None, None, None, None);
        let mut rings = Vec::new();
        if kind.play {
            let ring = Ring::new(FRAME, FRAMES)?;
            let source = RingSource::new(ring.consumer::<f32>()?);
            let playback = Playback::<f32, _, _>::new(source, mapping(kind)?, OnStarved::Silence);
            play = Some(Box::new(playback) as Box<dyn Play + Send>);
            writer = Some(ring.writer()?);
            rings.push(ring);
        }
        if kind.record {
            let (ring, gaps) = (Ring::new(FRAME, FRAMES)?, Ring::new(size_of::<Gap>(), 16)?);
            let sink =
                Sink::new(ring.producer::<f32>()?, gaps.producer::<Gap>()?, Arc::clone(&counts), OnFull::Gap);
            let sinks: Box<[_]> = Box::new([sink]);
            record = Some(Box::new(Recording::new(sinks, mapping(kind)?, 0)) as Box<dyn Record + Send>);
            reader = Some(ring.reader()?);
            rings.push(ring);
        }
        let shared = Arc::<Shared>::default();
        let (events, _) = HeapRb::new(16).split();
        let limits = Limits { frames: None, pad: Some(0) };
        let ramp = |frames: usize| (0..frames * CHANNELS).map(|sample| sample as f32).collect::<Vec<_>>();
        Ok(Self {
            kind,
            callback: Callback::new(limits, play, record, events, Arc::clone(&shared)),
            shared,
            counts,
            writer,
            reader,
            rings,
            source: ramp(FRAMES),
            sink: vec![0.0; FRAMES * CHANNELS],
            output: if kind.play { vec![0.0; block * CHANNELS] } else { Vec::new() },
            input: if kind.record { ramp(block) } else { Vec::new() },
        })
    }

    /// What the reader thread does.
    pub(crate) fn refill(&mut self) {
        if let Some(writer) = &mut self.writer {
            assert_eq!(writer.write(bytemuck::cast_slice(&self.source)), FRAMES, "the callback left frames");
        }
    }

    /// What the writer thread does.
    pub(crate) fn drain(&mut self) {
        if let Some(reader) = &mut self.reader {
            assert_eq!(reader.readable(), FRAMES, "the callback lost frames");
            reader.advance(FRAMES);
        }
    }

    /// Runs blocks through the whole rings as a device does, with the look whether somebody is to be woken.
    pub(crate) fn callback(&mut self) -> usize {
        let frames = self.output.len().max(self.input.len()) / CHANNELS;
        for _ in 0..FRAMES / frames {
            let block = Block {
                output: bytemuck::cast_slice_mut(black_box(&mut self.output)),
                input: bytemuck::cast_slice(black_box(&self.input)),
                frames,
                xruns: Xruns::NONE,
                skipped: 0,
                missing: Missing::None,
                times: Times::default(),
            };
            let flow = self.callback.process(block, None);
            let due = self.rings.iter().any(|ring| ring.wake_due());
            assert!(black_box((flow, due)) == (Flow::Continue, false), "the run ended");
        }
        FRAMES / frames
    }

    /// Copies the same bytes between as much memory: from the source to the output, from the input to the sink.
    pub(crate) fn memcpy(&mut self) -> usize {
        let samples = self.output.len().max(self.input.len());
        for (source, sink) in self.source.chunks_exact(samples).zip(self.sink.chunks_exact_mut(samples)) {
            if self.kind.play {
                black_box(&mut self.output).copy_from_slice(black_box(source));
            }
            if self.kind.record {
                black_box(sink).copy_from_slice(black_box(&self.input));
            }
        }
        FRAMES * CHANNELS / samples
    }

    /// Runs one round more and looks whether every sample is where it belongs.
    pub(crate) fn check(mut self) {
        self.refill();
        self.callback();
        let turned = |samples: &[f32]| -> Vec<f32> {
            if !self.kind.mapped {
                return samples.to_vec();
            }
            samples.chunks_exact(CHANNELS).flat_map(|frame| [frame[1], frame[0]]).collect()
        };
        if self.kind.play {
            assert_eq!(self.output, turned(&self.source[self.source.len() - self.output.len()..]));
        }
        if let Some(reader) = &self.reader {
            let recorded: &[f32] = bytemuck::cast_slice(reader.slices(FRAMES).0);
            assert_eq!(recorded.len(), FRAMES * CHANNELS);
            assert!(recorded.chunks(self.input.len()).all(|block| block == turned(&self.input)));
        }
        assert_eq!((self.shared.starved(), self.counts.gaps()), (0, 0), "frames were lost");
    }
}

/// None, or left and right in each other's place.
fn mapping(kind: Kind) -> Result<Mapping<Box<[Route]>>> {
    let swapped = [(0, 1), (1, 0)].map(|(from, to)| Route { from, to, gain: 1.0 });
    let mapping = if kind.mapped {
        Mapping::new(swapped.into(), CHANNELS, CHANNELS)
    } else {
        Mapping::identity(CHANNELS)
    };
    mapping.map_err(|error: MappingError| Error::new(ErrorKind::InvalidArgument, error.to_string()))
}
