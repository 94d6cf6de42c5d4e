//! The callback by example: each rule once, in numbers that can be followed by hand.

use std::sync::Arc;

use crate::rig::{From, Rig, Routing, Setup, SinkSetup, captured, played};
use pastream_rt::{
    Block, BufferSource, Callback, Event, Flow, GapCause, I24, Limits, Mapping, Missing, OnFull, OnStarved,
    Outcome, Play, Playback, Record, Recording, Route, Shared, Side, Sink, SinkCounts, Times, Wire, Xruns,
};
use ringbuf::{
    HeapRb,
    traits::{Consumer, Split},
};

const CALM: (Xruns, u64) = (Xruns::NONE, 0);

fn limits(frames: Option<u64>, pad: Option<u64>) -> Limits {
    Limits { frames, pad }
}

fn play(limits: Limits, from: From) -> Setup {
    let playback = Some((from, Routing::identity(1), OnStarved::Silence));
    Setup { limits, playback, recording: None, offset: 0, events: 16 }
}

fn record(limits: Limits, frames: usize, gaps: usize, on_full: OnFull) -> Setup {
    let recording = Some((vec![SinkSetup { frames, gaps, on_full }], Routing::identity(1)));
    Setup { limits, playback: None, recording, offset: 0, events: 16 }
}

fn sources(range: std::ops::Range<usize>) -> Vec<i16> {
    range.flat_map(|index| played(index, 1)).collect()
}

fn inputs(range: std::ops::Range<usize>) -> Vec<i16> {
    range.flat_map(|index| captured(index, 1)).collect()
}

/// Runs blocks of 4 until the end: what was played, and the outcome.
fn run(rig: &mut Rig<i16>) -> (Vec<i16>, Outcome) {
    let mut all = Vec::new();
    for _ in 0..20 {
        let (output, flow) = rig.block(4, &[], CALM, None);
        all.extend(output);
        if flow != Flow::Continue {
            break;
        }
    }
    (all, rig.shared.outcome())
}

/// A source of 6 frames under `limits`: how many blocks of 4 it took, the frames clocked, the outcome.
fn table(limits: Limits) -> (usize, u64, Outcome) {
    let mut rig = Rig::<i16>::new(&play(limits, From::Buffer { frames: 6, looped: false }));
    let (all, outcome) = run(&mut rig);
    let mut expected = sources(0..6);
    expected.truncate(limits.frames.map_or(6, |frames| frames.min(6) as usize));
    assert_eq!(all[..expected.len()], expected);
    assert!(all[expected.len()..].iter().all(|&sample| sample == 0));
    (all.len() / 4, rig.shared.frame_count(), outcome)
}

#[test]
fn frames_and_pad_play_so_many_and_then_zeros() {
    assert_eq!(table(limits(Some(5), Some(0))), (2, 5, Outcome::Finished));
    assert_eq!(table(limits(Some(5), Some(4))), (3, 9, Outcome::Finished));
    assert_eq!(table(limits(Some(6), Some(2))), (2, 8, Outcome::Finished));
    assert_eq!(table(limits(Some(0), Some(3))), (1, 3, Outcome::Finished));
    assert_eq!(table(limits(Some(0), Some(0))), (1, 0, Outcome::Finished));
}

#[test]
fn frames_beyond_the_source_are_a_buffer_empty_that_counts_what_was_played() {
    assert_eq!(table(limits(Some(7), Some(0))), (2, 6, Outcome::BufferEmpty));
    assert_eq!(table(limits(Some(1 << 63), Some(1 << 63))), (2, 6, Outcome::BufferEmpty));
}

#[test]
fn frames_without_pad_fill_up_with_zeros() {
    assert_eq!(table(limits(Some(5), None)), (2, 5, Outcome::Finished));
    assert_eq!(table(limits(Some(11), None)), (3, 11, Outcome::Finished));
    assert_eq!(table(limits(Some(12), None)), (3, 12, Outcome::Finished));
}

#[test]
fn pad_without_frames_follows_the_end_of_the_source() {
    assert_eq!(table(limits(None, Some(0))), (2, 6, Outcome::Finished));
    assert_eq!(table(limits(None, Some(2))), (2, 8, Outcome::Finished));
    assert_eq!(table(limits(None, Some(3))), (3, 9, Outcome::Finished));
}

#[test]
fn neither_frames_nor_pad_never_ends() {
    assert_eq!(table(limits(None, None)), (20, 80, Outcome::Running));
}

#[test]
fn a_source_that_ends_with_a_block_needs_no_further_block() {
    let mut rig = Rig::<i16>::new(&play(limits(None, Some(0)), From::Buffer { frames: 8, looped: false }));
    let (all, outcome) = run(&mut rig);
    assert_eq!((all, outcome), (sources(0..8), Outcome::Finished));
}

#[test]
fn an_empty_source_is_an_empty_playback() {
    for looped in [false, true] {
        let mut rig = Rig::<i16>::new(&play(limits(None, Some(0)), From::Buffer { frames: 0, looped }));
        assert_eq!(rig.block(4, &[], CALM, None), (vec![0; 4], Flow::Complete));
        assert_eq!((rig.shared.frame_count(), rig.shared.outcome()), (0, Outcome::Finished));
    }
}

#[test]
fn without_playback_pad_means_nothing() {
    let mut rig = Rig::<i16>::new(&record(limits(Some(6), Some(9)), 16, 2, OnFull::Gap));
    assert_eq!(rig.block(4, &inputs(0..4), CALM, None).1, Flow::Continue);
    assert_eq!(rig.block(4, &inputs(4..8), CALM, None).1, Flow::Complete);
    rig.readers[0].read_all();
    assert_eq!(rig.readers[0].samples, inputs(0..6));
}

#[test]
fn a_loop_has_no_gap() {
    let mut rig = Rig::<i16>::new(&play(limits(Some(35), Some(0)), From::Buffer { frames: 7, looped: true }));
    let mut all = Vec::new();
    for frames in [3, 20, 12] {
        all.extend(rig.block(frames, &[], CALM, None).0);
    }
    assert_eq!(all, sources(0..7).repeat(5));
    assert_eq!((rig.shared.outcome(), rig.shared.played()), (Outcome::Finished, 35));
}

#[test]
fn a_starved_source_goes_on_where_it_stopped() {
    let mut rig = Rig::<i16>::new(&play(limits(Some(6), Some(1)), From::Ring(8)));
    rig.write(0..3, 1);
    let mut all = rig.block(4, &[], CALM, None).0;
    all.extend(rig.block(4, &[], CALM, None).0);
    rig.write(3..6, 1);
    let (last, flow) = rig.block(4, &[], CALM, None);
    all.extend(last);
    assert_eq!(all, [sources(0..3), vec![0; 5], sources(3..6), vec![0]].concat());
    assert_eq!((flow, rig.shared.frame_count(), rig.shared.starved()), (Flow::Complete, 12, 5));
    let gap = Event::Gap { side: Side::Playback, sink: 0, frame: 3, length: 5, cause: GapCause::Starved };
    assert_eq!(rig.events.pop_iter().collect::<Vec<_>>(), [gap]);
}

#[test]
fn a_gap_lies_inside_of_frames_without_pad() {
    let mut rig = Rig::<i16>::new(&play(limits(Some(6), None), From::Ring(8)));
    rig.write(0..3, 1);
    rig.block(4, &[], CALM, None);
    rig.write(3..8, 1);
    assert_eq!(rig.block(4, &[], CALM, None), ([sources(3..5), vec![0; 2]].concat(), Flow::Complete));
    assert_eq!((rig.shared.played(), rig.shared.frame_count()), (5, 6));
}

#[test]
fn starving_can_abort() {
    let mut setup = play(limits(None, Some(0)), From::Ring(8));
    setup.playback = Some((From::Ring(8), Routing::identity(1), OnStarved::Abort));
    let mut rig = Rig::<i16>::new(&setup);
    rig.write(0..3, 1);
    assert_eq!(rig.block(4, &[], CALM, None), ([sources(0..3), vec![0]].concat(), Flow::Abort));
    assert_eq!((rig.shared.outcome(), rig.shared.frame_count()), (Outcome::BufferEmpty, 3));
}

#[test]
fn after_the_end_there_is_silence() {
    let mut rig = Rig::<i16>::new(&play(limits(Some(2), Some(0)), From::Buffer { frames: 9, looped: false }));
    assert_eq!(rig.block(4, &[], CALM, None).1, Flow::Complete);
    assert_eq!(rig.block(4, &[], (Xruns::INPUT_OVERFLOW, 7), None), (vec![0; 4], Flow::Complete));
    assert_eq!((rig.shared.frame_count(), rig.shared.xruns()), (2, 0));
}

#[test]
fn silence_is_the_equilibrium_of_the_format() {
    let mut rig = Rig::<u8>::new(&play(limits(None, None), From::Ring(8)));
    assert_eq!(rig.block(3, &[], CALM, None).0, [128; 3]);
    rig.shared.request_stop();
    assert_eq!(rig.block(3, &[], CALM, None).0, [128; 3]);
    let mut rig = Rig::<u8>::new(&record(limits(None, None), 8, 1, OnFull::Gap));
    assert_eq!(rig.block(3, &[1, 2, 3], CALM, None).0, [128; 3]);
}

#[test]
fn a_full_ring_is_a_gap_that_tells_where() {
    let mut rig = Rig::<i16>::new(&record(limits(Some(16), None), 6, 4, OnFull::Gap));
    rig.block(4, &inputs(0..4), CALM, None);
    rig.block(4, &inputs(4..8), CALM, None);
    rig.readers[0].read_all();
    rig.block(4, &inputs(8..12), CALM, None);
    rig.block(4, &inputs(12..16), CALM, None);
    rig.readers[0].read_all();
    let reader = &rig.readers[0];
    assert_eq!(reader.samples, [inputs(0..6), inputs(8..14)].concat());
    let gaps: Vec<_> = reader.gaps.iter().map(|gap| (gap.position, gap.length)).collect();
    assert_eq!(gaps, [(6, 2), (12, 2)]);
    assert_eq!((reader.counts.delivered(), reader.counts.gaps(), reader.counts.gap_count()), (12, 4, 2));
}

#[test]
fn a_gap_that_could_not_be_told_goes_on() {
    let mut rig = Rig::<i16>::new(&record(limits(Some(16), None), 2, 2, OnFull::Gap));
    let reads = [0, 2, 2, 0];
    for (block, samples) in reads.into_iter().enumerate() {
        rig.block(4, &inputs(block * 4..block * 4 + 4), CALM, None);
        rig.readers[0].read(samples, 0);
    }
    rig.readers[0].read_all();
    let reader = &rig.readers[0];
    // Block 2 ends the gap of blocks 0 and 1, and begins one that has the last place in the gap ring: though
    // block 3 finds room, it can't be given any, for then its own gap could not be told.
    assert_eq!(reader.samples, [inputs(0..2), inputs(8..10)].concat());
    let gaps: Vec<_> = reader.gaps.iter().map(|gap| (gap.position, gap.length)).collect();
    assert_eq!(gaps, [(2, 6), (4, 6)]);
}

#[test]
fn a_full_ring_can_abort() {
    let mut setup = record(limits(None, Some(0)), 6, 1, OnFull::Abort);
    setup.playback =
        Some((From::Buffer { frames: 9, looped: false }, Routing::identity(1), OnStarved::Silence));
    let mut rig = Rig::<i16>::new(&setup);
    rig.block(4, &inputs(0..4), CALM, None);
    assert_eq!(rig.block(4, &inputs(4..8), CALM, None), ([sources(4..6), vec![0; 2]].concat(), Flow::Abort));
    assert_eq!((rig.shared.outcome(), rig.shared.frame_count()), (Outcome::BufferFull, 6));
    assert_eq!((rig.shared.played(), rig.readers[0].counts.delivered()), (6, 6));
}

#[test]
fn what_a_discarding_sink_has_no_room_for_is_beyond() {
    let mut rig = Rig::<i16>::new(&record(limits(Some(8), None), 6, 1, OnFull::Discard));
    rig.block(4, &inputs(0..4), CALM, None);
    assert_eq!(rig.callback.ready(4), 4);
    rig.block(4, &inputs(4..8), CALM, None);
    let counts = &rig.readers[0].counts;
    assert_eq!((counts.delivered(), counts.beyond(), counts.gaps()), (6, 2, 0));
}

#[test]
fn offset_drops_the_beginning_whatever_it_is() {
    let mut setup = record(limits(Some(12), None), 16, 4, OnFull::Gap);
    setup.offset = 6;
    let mut rig = Rig::<i16>::new(&setup);
    rig.block(4, &inputs(0..4), CALM, None);
    rig.block(4, &inputs(4..8), (Xruns::INPUT_OVERFLOW, 3), None);
    rig.block(4, &inputs(8..12), CALM, None);
    rig.readers[0].read_all();
    // Frames 4 to 6 were skipped: two of them dropped, one a gap before anything was delivered.
    let reader = &rig.readers[0];
    assert_eq!(reader.samples, [inputs(4..8), inputs(8..9)].concat());
    assert_eq!(reader.gaps.iter().map(|gap| (gap.position, gap.length)).collect::<Vec<_>>(), [(0, 1)]);
    assert_eq!((rig.shared.frame_count(), rig.shared.outcome()), (12, Outcome::Finished));
}

#[test]
fn xruns_are_counted_by_kind_and_by_block() {
    let mut rig = Rig::<i16>::new(&play(limits(None, None), From::Buffer { frames: 9, looped: true }));
    let both = Xruns::INPUT_UNDERFLOW | Xruns::OUTPUT_UNDERFLOW;
    rig.block(4, &[], (both, 0), None);
    rig.block(4, &[], (Xruns::OUTPUT_UNDERFLOW, 5), None);
    let shared = &rig.shared;
    assert_eq!((shared.xruns(), shared.counts(), shared.status()), (2, [1, 0, 2, 0], both));
    assert_eq!((shared.frame_count(), shared.played(), shared.starved()), (13, 8, 5));
    assert_eq!(shared.times(), Times { input: 1.0, current: 2.0, output: 3.0 });
    let gap = Event::Gap { side: Side::Playback, sink: 0, frame: 4, length: 5, cause: GapCause::Xrun };
    let xrun = |frame, flags| Event::Xrun { frame, flags };
    let events: Vec<_> = rig.events.pop_iter().collect();
    assert_eq!(events, [xrun(0, both), xrun(4, Xruns::OUTPUT_UNDERFLOW), gap]);
    rig.shared.reset();
    assert_eq!((rig.shared.xruns(), rig.shared.frame_count(), rig.shared.status()), (0, 0, Xruns::NONE));
}

#[test]
fn events_without_room_are_counted() {
    let mut setup = play(limits(None, None), From::Ring(4));
    setup.events = 2;
    let mut rig = Rig::<i16>::new(&setup);
    for _ in 0..5 {
        rig.block(1, &[], (Xruns::INPUT_OVERFLOW, 0), None);
    }
    assert_eq!((rig.events.pop_iter().count(), rig.shared.events_lost()), (2, 3));
}

#[test]
fn requests_end_the_run_before_the_next_frame() {
    for (both, outcome, flow) in
        [(false, Outcome::Stopped, Flow::Complete), (true, Outcome::Aborted, Flow::Abort)]
    {
        let mut setup = record(limits(None, None), 16, 2, OnFull::Gap);
        setup.playback =
            Some((From::Buffer { frames: 9, looped: true }, Routing::identity(1), OnStarved::Silence));
        let mut rig = Rig::<i16>::new(&setup);
        rig.block(4, &inputs(0..4), CALM, None);
        if both {
            rig.shared.request_abort();
        }
        rig.shared.request_stop();
        assert_eq!(rig.callback.ready(100), 100);
        assert_eq!(rig.block(4, &inputs(4..8), CALM, None), (vec![0; 4], flow));
        assert_eq!((rig.shared.outcome(), rig.shared.frame_count()), (outcome, 4));
        assert_eq!(rig.readers[0].counts.delivered(), 4);
    }
}

#[test]
fn frames_lost_in_a_stall_are_told_whatever_ends_the_run() {
    for outcome in [Outcome::Stopped, Outcome::Aborted, Outcome::BadBlock] {
        let mut setup = record(limits(None, None), 16, 2, OnFull::Gap);
        setup.playback =
            Some((From::Buffer { frames: 9, looped: true }, Routing::identity(1), OnStarved::Silence));
        let mut rig = Rig::<i16>::new(&setup);
        rig.block(4, &inputs(0..4), CALM, None);
        match outcome {
            Outcome::Stopped => rig.shared.request_stop(),
            Outcome::Aborted => rig.shared.request_abort(),
            _ => {}
        }
        let input = inputs(4..if outcome == Outcome::BadBlock { 7 } else { 8 });
        rig.block(4, &input, (Xruns::INPUT_OVERFLOW, 5), None);
        assert_eq!((rig.shared.outcome(), rig.shared.frame_count(), rig.shared.starved()), (outcome, 9, 5));
        rig.readers[0].read_all();
        let (counts, gap) = (&rig.readers[0].counts, rig.readers[0].gaps[0]);
        assert_eq!((counts.delivered(), counts.gaps(), gap.position, gap.length), (4, 5, 4, 5));
        let gap = |side| Event::Gap { side, sink: 0, frame: 4, length: 5, cause: GapCause::Xrun };
        let xrun = Event::Xrun { frame: 4, flags: Xruns::INPUT_OVERFLOW };
        let events: Vec<_> = rig.events.pop_iter().collect();
        assert_eq!(events, [xrun, gap(Side::Playback), gap(Side::Recording)]);
    }
}

#[test]
fn a_lost_device_closes_the_gaps() {
    let mut rig = Rig::<i16>::new(&record(limits(None, None), 2, 2, OnFull::Gap));
    rig.block(4, &inputs(0..4), CALM, None);
    rig.callback.device_lost();
    rig.callback.device_lost();
    rig.readers[0].read_all();
    assert_eq!(rig.shared.outcome(), Outcome::DeviceLost);
    assert_eq!((rig.readers[0].gaps[0].position, rig.readers[0].gaps[0].length), (2, 2));
    assert_eq!(rig.block(4, &inputs(4..8), CALM, None).1, Flow::Abort);
}

#[test]
fn ready_is_what_runs_without_loss() {
    let mut setup = record(limits(Some(10), Some(2)), 5, 2, OnFull::Gap);
    setup.playback = Some((From::Ring(8), Routing::identity(1), OnStarved::Silence));
    setup.offset = 2;
    let mut rig = Rig::<i16>::new(&setup);
    assert_eq!(rig.callback.ready(4), 0);
    rig.write(0..8, 1);
    assert_eq!((rig.callback.ready(4), rig.callback.ready(64)), (4, 7));
    rig.block(7, &inputs(0..7), CALM, None);
    assert_eq!(rig.callback.ready(4), 0);
    rig.readers[0].read_all();
    assert_eq!(rig.callback.ready(4), 1);
    rig.write(8..10, 1);
    // The three frames that are left, and two of padding, are all that a long block needs.
    assert_eq!(rig.callback.ready(64), 64);
}

struct Delay(Vec<u8>);

impl Wire for Delay {
    fn turn(&mut self, output: &[u8]) -> &[u8] {
        self.0.clear();
        self.0.extend_from_slice(output);
        &self.0
    }
}

#[test]
fn a_wire_brings_the_output_back_in_the_same_block() {
    let mut setup = record(limits(Some(4), Some(2)), 16, 2, OnFull::Gap);
    setup.playback =
        Some((From::Buffer { frames: 9, looped: false }, Routing::identity(1), OnStarved::Silence));
    let mut rig = Rig::<i16>::new(&setup);
    let mut wire = Delay(Vec::with_capacity(64));
    rig.block(16, &[], CALM, Some(&mut wire));
    rig.readers[0].read_all();
    assert_eq!(rig.readers[0].samples, [sources(0..4), vec![0; 2]].concat());
}

#[test]
fn levels_are_those_of_the_last_block_and_of_all() {
    let mut setup = record(limits(None, None), 64, 2, OnFull::Gap);
    setup.recording.as_mut().unwrap().1 = Routing::identity(2);
    let mut rig = Rig::<i16>::new(&setup);
    rig.block(2, &[1 << 14; 4], CALM, None);
    let shared = Arc::clone(&rig.shared);
    let [left, right] = &shared.levels(Side::Recording)[..2] else { panic!("two channels") };
    assert_eq!((left.take_peak(), left.mean_square()), (0.0, 0.0));
    rig.shared.enable_levels(true);
    rig.block(2, &[1 << 14, i16::MIN, 0, 0], CALM, None);
    rig.block(2, &[-(1 << 13), 0, -(1 << 13), 0], CALM, None);
    assert_eq!((left.take_peak(), left.mean_square()), (0.5, 0.0625));
    assert_eq!((right.take_peak(), right.mean_square()), (1.0, 0.0));
    assert_eq!(left.take_peak(), 0.0);
    assert_eq!((left.highest(), left.overall_mean_square()), (0.5, (0.25 + 2.0 * 0.0625) / 4.0));
    assert_eq!((right.highest(), right.overall_mean_square()), (1.0, 0.25));
    rig.shared.reset();
    assert_eq!((right.highest(), right.overall_mean_square()), (0.0, 0.0));
}

#[test]
fn levels_are_finite_whatever_is_measured() {
    let mut setup = record(limits(None, None), 64, 2, OnFull::Gap);
    setup.recording.as_mut().unwrap().1 = Routing::identity(3);
    let mut rig = Rig::<f32>::new(&setup);
    rig.shared.enable_levels(true);
    let wrong = [f32::NAN, f32::NEG_INFINITY, f32::MAX];
    rig.block(2, &[wrong, [0.5, 0.5, f32::MAX]].concat(), CALM, None);
    let shared = Arc::clone(&rig.shared);
    let levels = |channel: usize| {
        let cell = &shared.levels(Side::Recording)[channel];
        (cell.highest(), cell.mean_square(), cell.overall_mean_square())
    };
    assert_eq!(levels(0), (0.5, 0.125, 0.125));
    assert_eq!(levels(1), (f32::MAX, 0.125, 0.125));
    assert_eq!(levels(2), (f32::MAX, f32::MAX, f64::from(f32::MAX).powi(2)));
}

type Half<T> = Option<Box<T>>;

fn bare(
    limits: Limits,
    play: Half<dyn Play + Send>,
    record: Half<dyn Record + Send>,
) -> (crate::rig::Erased, Arc<Shared>) {
    let shared = Arc::new(Shared::new());
    (Callback::new(limits, play, record, HeapRb::new(1).split().0, Arc::clone(&shared)), shared)
}

fn stereo() -> (Half<dyn Play + Send>, Half<dyn Record + Send>) {
    let mapping = || Mapping::<Box<[Route]>>::identity(2).expect("two channels");
    let source = BufferSource::new(vec![1_i32; 8].into_boxed_slice(), true);
    let sink = Sink::new(
        HeapRb::new(64).split().0,
        HeapRb::new(1).split().0,
        Arc::new(SinkCounts::new()),
        OnFull::Gap,
    );
    (
        Some(Box::new(Playback::<i32, _, _>::new(source, mapping(), OnStarved::Silence))),
        Some(Box::new(Recording::<i32, _, _>::new(vec![sink].into_boxed_slice(), mapping(), 0))),
    )
}

#[test]
fn a_block_of_the_wrong_size_or_alignment_is_no_panic() {
    let mut memory = [0xAA_u8; 65];
    let aligned = memory.as_ptr().align_offset(4);
    for (start, length, input_length, frames) in [
        (aligned, 15, 16, 2),
        (aligned + 1, 16, 16, 2),
        (aligned, 16, 8, 2),
        (aligned, 16, 16, 3),
        (aligned, 0, 0, 1 << 62),
    ] {
        let (play, record) = stereo();
        let (mut callback, shared) = bare(limits(None, None), play, record);
        let input = [0_i32; 4];
        let output = &mut memory[start..start + length];
        let input = &bytemuck::cast_slice(&input)[..input_length];
        let block = Block {
            output,
            input,
            frames,
            xruns: Xruns::NONE,
            skipped: 0,
            missing: Missing::None,
            times: Times::default(),
        };
        assert_eq!(callback.process(block, None), Flow::Abort);
        assert_eq!((shared.outcome(), shared.frame_count()), (Outcome::BadBlock, 0));
        assert!(memory[start..start + length].iter().all(|&byte| byte == 0));
    }
}

#[test]
fn a_wire_of_the_wrong_size_is_a_bad_block_whose_ledger_holds() {
    let mut setup = record(limits(None, None), 16, 1, OnFull::Gap);
    setup.playback =
        Some((From::Buffer { frames: 9, looped: false }, Routing::identity(2), OnStarved::Silence));
    let mut rig = Rig::<i16>::new(&setup);
    let mut wire = Delay(Vec::with_capacity(64));
    assert_eq!(rig.block(4, &[], CALM, Some(&mut wire)).1, Flow::Abort);
    assert_eq!((rig.shared.outcome(), rig.shared.frame_count()), (Outcome::BadBlock, 4));
    assert_eq!((rig.shared.played(), rig.readers[0].counts.gaps()), (4, 4));
}

#[test]
fn counts_have_no_end() {
    let (mut callback, shared) = bare(limits(Some(1 << 63), Some(3)), None, None);
    let mut run = |frames, skipped| {
        let times = Times::default();
        callback.process(
            Block {
                output: &mut [],
                input: &[],
                frames,
                xruns: Xruns::NONE,
                skipped,
                missing: Missing::None,
                times,
            },
            None,
        )
    };
    assert_eq!(run(1 << 32, 0), Flow::Continue);
    assert_eq!(run(usize::MAX / 4, 1 << 61), Flow::Continue);
    assert_eq!(run(0, 0), Flow::Continue);
    assert_eq!(run(usize::MAX, u64::MAX), Flow::Complete);
    assert_eq!(shared.frame_count(), 1 << 63);

    let (mut callback, shared) = bare(limits(None, None), stereo().0, None);
    for _ in 0..2 {
        let times = Times::default();
        let block = Block {
            output: &mut [],
            input: &[],
            frames: 0,
            xruns: Xruns::NONE,
            skipped: u64::MAX,
            missing: Missing::None,
            times,
        };
        assert_eq!(callback.process(block, None), Flow::Continue);
    }
    assert_eq!((shared.frame_count(), shared.starved()), (u64::MAX, u64::MAX));
}

#[test]
fn packed_samples_need_no_alignment() {
    let mut rig = Rig::<I24>::new(&play(limits(None, Some(0)), From::Buffer { frames: 5, looped: false }));
    let expected: Vec<I24> = (0..5).flat_map(|index| played(index, 1)).collect();
    assert_eq!(rig.block(5, &[], CALM, None), (expected, Flow::Complete));
}

/// Run by the next test, in a process of its own that it ends.
#[test]
#[ignore = "ends its process: the next test runs it in one of its own"]
fn allocates() {
    assert_no_alloc::assert_no_alloc(|| drop(std::hint::black_box(vec![1])));
}

#[cfg(debug_assertions)]
#[test]
fn the_guard_against_allocation_can_fail() {
    let this = std::env::current_exe().unwrap();
    let status = std::process::Command::new(this)
        .args(["--exact", "callback::allocates", "--ignored"])
        .output()
        .unwrap()
        .status;
    // Not an ordinary failure of a test, which is 101.
    assert!(!status.success() && status.code() != Some(101), "{status}");
}
