//! The callback against a model that knows neither blocks nor rings: it lives through one frame of the clock
//! after the other and writes down what became of each.

use std::collections::VecDeque;

use crate::rig::{Format, From, Rig, Routing, Setup, SinkSetup, captured, played};
use pastream_rt::{
    Event, Flow, Gap, GapCause, I24, Limits, Missing, OnFull, OnStarved, Outcome, Route, Side, Wire, Xruns,
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use ringbuf::traits::{Consumer, Observer};

/// What a frame of the clock was on the playback side.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Out {
    Source,
    Pad,
    Silence,
    Gap(GapCause),
}

/// What became of it in one sink.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Dropped,
    Delivered,
    Gap(GapCause),
    Beyond,
}

#[derive(Clone)]
struct ModelSink<S> {
    setup: SinkSetup,
    fates: Vec<Fate>,
    delivered: Vec<S>,
    in_ring: usize,
    in_gap_ring: usize,
    open: bool,
}

impl<S> ModelSink<S> {
    fn can_deliver(&self) -> bool {
        self.in_ring < self.setup.frames && (!self.open || self.setup.gaps - self.in_gap_ring >= 2)
    }

    fn clock(&mut self, frame: Option<Vec<S>>) {
        let discards = self.setup.on_full == OnFull::Discard && self.in_ring == self.setup.frames;
        let over = discards || self.fates.contains(&Fate::Beyond);
        let fate = match frame {
            _ if over => Fate::Beyond,
            Some(frame) if self.can_deliver() => {
                self.in_gap_ring += usize::from(std::mem::take(&mut self.open));
                self.in_ring += 1;
                self.delivered.extend(frame);
                Fate::Delivered
            }
            Some(_) => Fate::Gap(GapCause::Full),
            None => Fate::Gap(GapCause::Xrun),
        };
        self.open |= matches!(fate, Fate::Gap(_));
        self.fates.push(fate);
    }

    /// The gaps as the gap ring tells them.
    fn gaps(&self) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = Vec::new();
        let (mut position, mut inside) = (0, false);
        for fate in &self.fates {
            let gap = matches!(fate, Fate::Gap(_));
            match gaps.last_mut() {
                Some(last) if gap && inside => last.length += 1,
                _ if gap => gaps.push(Gap { position, length: 1 }),
                _ => position += u64::from(*fate == Fate::Delivered),
            }
            inside = gap;
        }
        gaps
    }
}

#[derive(Clone)]
struct Model<S> {
    setup: Setup,
    queue: VecDeque<Vec<S>>,
    ended: bool,
    out: Vec<Out>,
    sinks: Vec<ModelSink<S>>,
    xruns: Vec<(u64, Xruns)>,
    end: Option<Outcome>,
}

impl<S: Format> Model<S> {
    fn new(setup: &Setup) -> Self {
        let mut model = Self {
            setup: setup.clone(),
            queue: VecDeque::new(),
            ended: false,
            out: Vec::new(),
            sinks: Vec::new(),
            xruns: Vec::new(),
            end: None,
        };
        if let Some((From::Buffer { frames, looped }, routing, _)) = &setup.playback {
            // Long enough for any run of the test.
            let turns = if *looped { 2000 / (*frames).max(1) } else { 1 };
            for _ in 0..turns {
                model.queue.extend((0..*frames).map(|index| played(index, routing.from)));
            }
            model.ended = !looped || *frames == 0;
        }
        if let Some((sinks, _)) = &setup.recording {
            model.sinks = sinks
                .iter()
                .map(|sink| ModelSink {
                    setup: sink.clone(),
                    fates: Vec::new(),
                    delivered: Vec::new(),
                    in_ring: 0,
                    in_gap_ring: 0,
                    open: false,
                })
                .collect();
        }
        model
    }

    fn count(&self, out: Out) -> u64 {
        self.out.iter().filter(|&&other| other == out).count() as u64
    }

    /// How many gaps there are in what was played, and their frames.
    fn playback_gaps(&self) -> (u64, u64) {
        if self.setup.playback.is_none() {
            return (0, 0);
        }
        let missing = |out: &Out| matches!(out, Out::Gap(_));
        let gaps = self.out.chunk_by(|a, b| missing(a) == missing(b)).filter(|part| missing(&part[0]));
        let lengths: Vec<u64> = gaps.map(|gap| gap.len() as u64).collect();
        (lengths.len() as u64, lengths.iter().sum())
    }

    /// Whether it is the clock that `frames` limits.
    fn clock_limited(&self) -> bool {
        self.setup.playback.is_none() || self.setup.limits.pad.is_none()
    }

    fn finished(&self) -> bool {
        let Limits { frames, pad } = self.setup.limits;
        if self.clock_limited() {
            return frames == Some(self.out.len() as u64);
        }
        let source_over = match frames {
            Some(frames) => self.count(Out::Source) == frames,
            None => self.ended && self.queue.is_empty(),
        };
        source_over && Some(self.count(Out::Pad)) == pad
    }

    fn falls_short(&self) -> bool {
        let Limits { frames, pad } = self.setup.limits;
        let source_over = self.ended && self.queue.is_empty();
        self.setup.playback.is_some()
            && pad.is_some()
            && source_over
            && frames.is_some_and(|frames| self.count(Out::Source) < frames)
    }

    fn full(&self) -> bool {
        self.out.len() as u64 >= self.setup.offset
            && self.sinks.iter().any(|sink| sink.setup.on_full == OnFull::Abort && !sink.can_deliver())
    }

    /// The next frame of the output.
    fn play(&mut self) -> Result<(Out, Vec<S>), Outcome> {
        let Some((_, routing, on_starved)) = &self.setup.playback else {
            return Ok((Out::Silence, vec![S::EQUILIBRIUM]));
        };
        let silence = vec![S::EQUILIBRIUM; routing.to];
        let Limits { frames, pad } = self.setup.limits;
        let padding = match (frames, pad) {
            (_, None) => false,
            (Some(frames), Some(_)) => self.count(Out::Source) == frames,
            (None, Some(_)) => self.ended && self.queue.is_empty(),
        };
        if padding {
            return Ok((Out::Pad, silence));
        }
        match self.queue.pop_front() {
            Some(frame) => Ok((Out::Source, routing.frame(&frame))),
            None if !self.ended && *on_starved == OnStarved::Abort => Err(Outcome::BufferEmpty),
            None if !self.ended => Ok((Out::Gap(GapCause::Starved), silence)),
            None if pad.is_some() => Err(Outcome::BufferEmpty),
            None => Ok((Out::Silence, silence)),
        }
    }

    fn clock(&mut self, out: Out, captured: Option<&[S]>) {
        let dropped = (self.out.len() as u64) < self.setup.offset;
        self.out.push(out);
        let Some((_, routing)) = &self.setup.recording else { return };
        for sink in &mut self.sinks {
            if dropped {
                sink.fates.push(Fate::Dropped);
            } else {
                sink.clock(captured.map(|frame| routing.frame(frame)));
            }
        }
    }

    /// Answers the whole output. `input` is None where the wire makes it of the output.
    fn block(
        &mut self,
        frames: usize,
        input: Option<&[S]>,
        missing: Missing,
        (xruns, skipped): (Xruns, u64),
    ) -> Vec<S> {
        let channels = self.setup.playback.as_ref().map_or(1, |(_, routing, _)| routing.to);
        let silence = vec![S::EQUILIBRIUM; channels];
        let mut output = Vec::new();
        if self.end.is_none() {
            self.stall(xruns, skipped);
            self.end = self.run(frames, input, missing, &mut output).err();
        }
        if missing == Missing::Output {
            return Vec::new();
        }
        output.resize_with(frames, || silence.clone());
        output.concat()
    }

    /// What went wrong before a block.
    fn stall(&mut self, xruns: Xruns, skipped: u64) {
        if !xruns.is_empty() {
            self.xruns.push((self.out.len() as u64, xruns));
        }
        for _ in 0..skipped {
            if !(self.clock_limited() && self.finished()) {
                self.clock(Out::Gap(GapCause::Xrun), None);
            }
        }
    }

    fn run(
        &mut self,
        frames: usize,
        input: Option<&[S]>,
        missing: Missing,
        output: &mut Vec<Vec<S>>,
    ) -> Result<(), Outcome> {
        let finished = |model: &Self| if model.finished() { Err(Outcome::Finished) } else { Ok(()) };
        for index in 0..frames {
            finished(self)?;
            if missing != Missing::Output && self.falls_short() {
                return Err(Outcome::BufferEmpty);
            }
            if missing != Missing::Input && self.full() {
                return Err(Outcome::BufferFull);
            }
            let (out, frame) = match missing {
                Missing::Output if self.setup.playback.is_some() => (Out::Gap(GapCause::Xrun), Vec::new()),
                _ => self.play()?,
            };
            match (input, &self.setup.recording) {
                _ if missing == Missing::Input => self.clock(out, None),
                (Some(input), Some((_, routing))) => {
                    self.clock(out, Some(&input[index * routing.from..(index + 1) * routing.from]));
                }
                _ => self.clock(out, Some(&frame)),
            }
            output.push(frame);
        }
        finished(self)
    }

    /// Frames that were lost so far for want of data or room, or how the run ended for it.
    fn losses(&self) -> usize {
        let starved = self.out.iter().filter(|&&out| out == Out::Gap(GapCause::Starved)).count();
        let sinks = self.sinks.iter().filter(|sink| sink.setup.on_full != OnFull::Discard);
        let full =
            sinks.flat_map(|sink| &sink.fates).filter(|&&fate| fate == Fate::Gap(GapCause::Full)).count();
        let aborted = match self.end {
            Some(Outcome::BufferFull) => true,
            Some(Outcome::BufferEmpty) => !self.ended,
            _ => false,
        };
        starved + full + usize::from(aborted)
    }

    /// All events, ordered.
    fn events(&self) -> Vec<String> {
        let mut events: Vec<Event> =
            self.xruns.iter().map(|&(frame, flags)| Event::Xrun { frame, flags }).collect();
        let mut causes =
            vec![(Side::Playback, 0, self.out.iter().copied().map(gap_of_out).collect::<Vec<_>>())];
        for (index, sink) in self.sinks.iter().enumerate() {
            causes.push((
                Side::Recording,
                index as u8,
                sink.fates.iter().copied().map(gap_of_fate).collect(),
            ));
        }
        for (side, sink, causes) in causes {
            let mut frame = 0;
            for run in causes.chunk_by(|a, b| a == b) {
                let length = run.len() as u64;
                if let (Some(cause), true) =
                    (run[0], side == Side::Recording || self.setup.playback.is_some())
                {
                    events.push(Event::Gap { side, sink, frame, length, cause });
                }
                frame += length;
            }
        }
        sorted(events)
    }
}

fn gap_of_out(out: Out) -> Option<GapCause> {
    if let Out::Gap(cause) = out { Some(cause) } else { None }
}

fn gap_of_fate(fate: Fate) -> Option<GapCause> {
    if let Fate::Gap(cause) = fate { Some(cause) } else { None }
}

fn sorted(events: impl IntoIterator<Item = Event>) -> Vec<String> {
    let mut events: Vec<String> = events.into_iter().map(|event| format!("{event:?}")).collect();
    events.sort();
    events
}

/// What happens between two blocks, and the block.
#[derive(Clone, Debug)]
struct Step {
    write: usize,
    ends: bool,
    reads: usize,
    reads_gaps: usize,
    request: Option<Outcome>,
    frames: usize,
    xruns: u8,
    skipped: u64,
    missing: Missing,
}

/// Captures what is played.
struct Loop(Vec<u8>);

impl Wire for Loop {
    fn turn(&mut self, output: &[u8]) -> &[u8] {
        let input = &mut self.0[..output.len()];
        input.copy_from_slice(output);
        input
    }
}

fn check<S: Format>(setup: &Setup, steps: &[Step], wired: bool) {
    let mut rig = Rig::<S>::new(setup);
    let mut model = Model::<S>::new(setup);
    let source_channels = setup.playback.as_ref().map_or(1, |(_, routing, _)| routing.from);
    let input_channels = setup.recording.as_ref().map_or(0, |(_, routing)| routing.from);
    let output_channels = setup.playback.as_ref().map_or(0, |(_, routing, _)| routing.to);
    let wired = wired && output_channels > 0 && input_channels == output_channels;
    let mut wire = Loop(vec![0; 1 << 12]);
    let (mut written, mut clock, mut told) = (0, 0, 0);
    for step in steps {
        if step.write > 0 {
            let frames = rig.write(written..written + step.write, source_channels) / source_channels;
            model.queue.extend((written..written + frames).map(|index| played(index, source_channels)));
            written += frames;
        }
        if step.ends && rig.writer.take().is_some() {
            model.ended = true;
        }
        for (reader, sink) in rig.readers.iter_mut().zip(&mut model.sinks) {
            let channels = setup.recording.as_ref().map_or(1, |(_, routing)| routing.to);
            reader.read(step.reads * channels, step.reads_gaps);
            sink.in_ring = sink.in_ring.saturating_sub(step.reads);
            sink.in_gap_ring = sink.in_gap_ring.saturating_sub(step.reads_gaps);
        }
        let frames = step.frames;
        let input: Vec<S> =
            (clock..clock + frames).flat_map(|index| captured(index, input_channels)).collect();
        clock += frames;

        if model.end.is_none() {
            let loss = |frames: usize| {
                let mut model = model.clone();
                let before = model.losses();
                model.block(frames, Some(&input), Missing::None, (Xruns::NONE, 0));
                model.losses() > before
            };
            let ready = rig.callback.ready(frames);
            assert!(ready <= frames && !loss(ready), "{ready} of {frames} frames are not ready");
            assert!(
                ready == frames || loss(ready + 1),
                "{ready} of {frames} frames are ready, and one more is"
            );
        }

        let xruns = Xruns::from_bits(step.xruns);
        match step.request {
            Some(Outcome::Stopped) => rig.shared.request_stop(),
            Some(_) => rig.shared.request_abort(),
            None => {}
        }
        let missing = if wired { Missing::None } else { step.missing };
        let (given, wire) =
            if wired { (&[][..], Some(&mut wire as &mut dyn Wire)) } else { (&input[..], None) };
        let given = if missing == Missing::Input { &[] } else { given };
        let (output, flow) = rig.block_without(missing, frames, given, (xruns, step.skipped), wire);

        let expected = match step.request {
            Some(outcome) if model.end.is_none() => {
                model.stall(xruns, step.skipped);
                model.end = Some(outcome);
                model.block(frames, None, missing, (Xruns::NONE, 0))
            }
            _ => model.block(frames, (!wired).then_some(&input), missing, (xruns, step.skipped)),
        };
        assert_eq!(output, expected);
        assert_eq!(
            flow,
            match model.end {
                None => Flow::Continue,
                Some(Outcome::Finished | Outcome::Stopped) => Flow::Complete,
                Some(_) => Flow::Abort,
            }
        );
        assert_eq!(rig.shared.outcome(), model.end.unwrap_or(Outcome::Running));
        assert_eq!(rig.shared.frame_count(), model.out.len() as u64);
        assert_eq!(rig.shared.played(), model.count(Out::Source));
        assert_eq!((rig.shared.gap_count(), rig.shared.starved()), model.playback_gaps());
        let events = rig.events.occupied_len();
        assert_eq!(rig.callback.told(), events > told);
        told = events;
        for (reader, sink) in rig.readers.iter().zip(&model.sinks) {
            let counts = &reader.counts;
            let count = |of: fn(&Fate) -> bool| sink.fates.iter().filter(|fate| of(fate)).count() as u64;
            assert_eq!(counts.delivered(), count(|&fate| fate == Fate::Delivered));
            assert_eq!(counts.gaps(), count(|fate| matches!(fate, Fate::Gap(_))));
            assert_eq!(counts.beyond(), count(|&fate| fate == Fate::Beyond));
            assert_eq!(counts.gap_count(), sink.gaps().len() as u64);
        }
    }
    check_end(setup, rig, &model);
}

fn check_end<S: Format>(setup: &Setup, mut rig: Rig<S>, model: &Model<S>) {
    rig.callback.device_lost();
    assert_eq!(rig.shared.outcome(), model.end.unwrap_or(Outcome::DeviceLost));
    assert_eq!(rig.shared.xruns(), model.xruns.len() as u64);
    let kinds =
        Xruns::KINDS.map(|kind| model.xruns.iter().filter(|(_, flags)| flags.contains(kind)).count() as u64);
    assert_eq!(rig.shared.counts(), kinds);
    assert_eq!(rig.shared.status(), model.xruns.iter().fold(Xruns::NONE, |all, (_, flags)| all | *flags));
    assert_eq!((rig.shared.gap_count(), rig.shared.starved()), model.playback_gaps());
    for (reader, sink) in rig.readers.iter_mut().zip(&model.sinks) {
        reader.read_all();
        assert_eq!(reader.samples, sink.delivered);
        assert_eq!(reader.gaps, sink.gaps());
    }
    let events: Vec<Event> = rig.events.pop_iter().collect();
    let expected = model.events();
    assert_eq!(events.len() as u64 + rig.shared.events_lost(), expected.len() as u64);
    if rig.shared.events_lost() == 0 {
        assert_eq!(sorted(events), expected);
    } else {
        assert_eq!(events.len(), setup.events);
    }
}

fn limit(most: u64) -> impl Strategy<Value = Option<u64>> {
    prop_oneof![1 => Just(None), 1 => (0..=most).prop_map(Some)]
}

fn routing() -> impl Strategy<Value = Routing> {
    let mixed = (1..=4_usize, 1..=4_usize).prop_flat_map(|(from, to)| {
        let gain =
            prop_oneof![3 => Just(1.0_f32), 1 => prop::sample::select(vec![-1.0, -0.5, 0.0, 0.25, 0.5, 2.0])];
        let route = (0..from, 0..to, gain).prop_map(|(from, to, gain)| Route {
            from: from as u16,
            to: to as u16,
            gain,
        });
        prop::collection::vec(route, 0..=6).prop_map(move |routes| Routing { from, to, routes: Some(routes) })
    });
    // Every channel from somewhere, once: the plans with a loop of their own are among these.
    let copied = (1..=3_usize, 1..=3_usize).prop_flat_map(|(from, to)| {
        prop::collection::vec(0..from, to).prop_map(move |picks| {
            let route = |(to, from)| Route { from: from as u16, to: to as u16, gain: 1.0 };
            let mut routes: Vec<Route> = picks.into_iter().enumerate().map(route).collect();
            routes.reverse();
            Routing { from, to, routes: Some(routes) }
        })
    });
    prop_oneof![2 => (1..=4_usize).prop_map(Routing::identity), 1 => mixed, 1 => copied]
}

fn setup() -> impl Strategy<Value = Setup> {
    let from = prop_oneof![
        2 => (1..=24_usize).prop_map(From::Ring),
        1 => (0..=16_usize, any::<bool>()).prop_map(|(frames, looped)| From::Buffer { frames, looped }),
    ];
    let on_starved = prop_oneof![4 => Just(OnStarved::Silence), 1 => Just(OnStarved::Abort)];
    let on_full = prop_oneof![4 => Just(OnFull::Gap), 1 => Just(OnFull::Abort), 1 => Just(OnFull::Discard)];
    let sink = (1..=24_usize, 1..=4_usize, on_full).prop_map(|(frames, gaps, on_full)| SinkSetup {
        frames,
        gaps,
        on_full,
    });
    let recording = (prop::collection::vec(sink, 1..=3), routing());
    (
        (limit(40), limit(12)),
        prop::option::weighted(0.8, (from, routing(), on_starved)),
        prop::option::weighted(0.7, recording),
        prop_oneof![1 => Just(0), 1 => 0..=20_u64],
        prop_oneof![3 => Just(256_usize), 1 => 1..=4_usize],
    )
        .prop_map(|((frames, pad), playback, recording, offset, events)| Setup {
            limits: Limits { frames, pad },
            playback,
            recording,
            offset,
            events,
        })
}

fn step() -> impl Strategy<Value = Step> {
    let seldom = |most: u64| prop_oneof![9 => Just(0), 1 => 0..=most];
    // A request in a stall is what loses frames, if anything does.
    let skipped = |often: bool| prop_oneof![if often { 1 } else { 9 } => Just(0), 1 => 0..=9_u64];
    let request = prop_oneof![
        60 => Just(None),
        1 => Just(Some(Outcome::Stopped)),
        1 => Just(Some(Outcome::Aborted)),
    ];
    let request = request.prop_flat_map(move |request| (Just(request), skipped(request.is_some())));
    let missing =
        prop_oneof![8 => Just(Missing::None), 1 => Just(Missing::Output), 1 => Just(Missing::Input)];
    let block = (0..=16_usize, seldom(15), missing);
    ((0..=24_usize, 0..16_u8), (0..=24_usize, 0..=2_usize), request, block).prop_map(
        |((write, end), (reads, reads_gaps), (request, skipped), (frames, xruns, missing))| Step {
            write,
            ends: end == 0,
            reads,
            reads_gaps,
            request,
            frames,
            xruns: xruns as u8,
            skipped,
            missing,
        },
    )
}

fn hold<S: Format>(cases: u32) {
    // Miri is a thousand times slower, and looks for other faults.
    let cases = if cfg!(miri) { cases / 200 } else { cases };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let case = (setup(), prop::collection::vec(step(), 1..=14), any::<bool>());
    let result = runner.run(&case, |(setup, steps, wired)| {
        check::<S>(&setup, &steps, wired);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn float32_is_as_the_model() {
    hold::<f32>(4000);
}

#[test]
fn int32_is_as_the_model() {
    hold::<i32>(1600);
}

#[test]
fn int24_is_as_the_model() {
    hold::<I24>(1600);
}

#[test]
fn int16_is_as_the_model() {
    hold::<i16>(4000);
}

#[test]
fn int8_is_as_the_model() {
    hold::<i8>(1600);
}

#[test]
fn uint8_is_as_the_model() {
    hold::<u8>(1600);
}
