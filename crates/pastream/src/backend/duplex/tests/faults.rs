use std::ops::Range;

use fastrand::Rng;
use pastream_rt::Xruns;

use super::{listener::Got, rig::Rig};
use crate::backend::Device;

/// Two devices between which every frame has its number, running.
fn running(seed: u64, clocks: [Option<&str>; 2], ppm: f64) -> Rig {
    let mut rig = Rig::new(clocks, seed, 2500, ppm);
    rig.signal = Some(|played| played as f32);
    rig.start();
    assert!(rig.run_until(2.5));
    assert!(rig.zero.is_some());
    rig
}

fn same(seed: u64) -> Rig {
    running(seed, [Some("card"); 2], 0.0)
}

/// Whether the stream clocked what its device did, and every frame that came is the one that belongs there. Returns
/// where frames are of another kind than whole, in stretches.
fn checked(rig: &Rig, what: &str) -> Vec<(Range<usize>, Got)> {
    let heard = rig.listener.heard();
    let zero = rig.zero.unwrap();
    assert_eq!(heard.clocked, rig.playback.index - zero, "{what}");
    assert_eq!(heard.got.len() as u64, heard.clocked, "{what}");
    let offset = rig.bridge.alignment().unwrap().offset_frames;
    let mut stretches: Vec<(Range<usize>, Got)> = Vec::new();
    for (frame, &got) in heard.got.iter().enumerate() {
        let kind = match got {
            Got::Frame(_) => continue,
            Got::Alone(_) => Got::Alone(0.0),
            got => got,
        };
        match stretches.last_mut() {
            Some((range, last)) if range.end == frame && *last == kind => range.end += 1,
            _ => stretches.push((frame..frame + 1, kind)),
        }
    }
    let resampled = rig.playback.rate != rig.recording.rate;
    // The filter smears what is lost.
    let near = |frame: usize| {
        let lost = stretches.iter().filter(|(_, kind)| !matches!(kind, Got::Alone(_)));
        resampled && lost.clone().any(|(range, _)| frame + 200 > range.start && frame < range.end + 200)
    };
    for (frame, &got) in heard.got.iter().enumerate() {
        if let Got::Frame(value) | Got::Alone(value) = got {
            let error = f64::from(value) - (zero as f64 + frame as f64 - offset);
            // A float32 of some millions is a whole number, and callbacks that are held up deceive a little.
            let tolerance = if resampled { 4.0 } else { 0.0 };
            assert!(error.abs() <= tolerance || near(frame), "{what}: frame {frame} is {error} off");
        }
    }
    stretches
}

#[test]
fn a_late_recording_is_missing_once_and_stays_aligned() {
    let mut rig = same(1);
    for _again in 0..3 {
        rig.recording.stall(0.3);
        rig.run(1.0);
    }
    let stretches = checked(&rig, "late");
    assert_eq!(stretches.len(), 3);
    for (range, kind) in &stretches {
        // All but the margin.
        assert_eq!(*kind, Got::Missing);
        assert!((12_000..14_400).contains(&range.len()), "{range:?}");
    }
    assert!(rig.listener.heard().xruns.iter().all(|&xruns| xruns == Xruns::INPUT_UNDERFLOW));
    assert!(!rig.listener.heard().xruns.is_empty());
}

#[test]
fn what_the_recording_loses_is_missing_at_its_place() {
    let mut rig = same(2);
    let mut lost = Vec::new();
    for frames in [1, 1000, 7, 40_000] {
        rig.recording.skip(frames, Xruns::INPUT_OVERFLOW);
        lost.push(rig.recording.index);
        rig.run(2.0);
    }
    let stretches = checked(&rig, "skipped recording");
    let shift = 2500.0 + rig.offset() as f64 - rig.zero.unwrap() as f64;
    assert_eq!(stretches.len(), 4);
    for (((range, kind), index), frames) in stretches.iter().zip(lost).zip([1, 1000, 7, 40_000]) {
        assert_eq!((range.start as f64, range.len()), (index as f64 + shift, frames));
        assert_eq!(*kind, Got::Missing);
    }
    assert!(rig.listener.heard().xruns.iter().any(|xruns| xruns.contains(Xruns::INPUT_OVERFLOW)));
}

#[test]
fn what_finds_no_room_is_missing_at_its_place() {
    let mut rig = same(3);
    let before = rig.recording.index;
    // Far longer than the queue.
    rig.playback.stall(30.0);
    rig.run(32.0);
    let stretches = checked(&rig, "full");
    let [(range, Got::Missing)] = &stretches[..] else { panic!("{stretches:?}") };
    let shift = 2500.0 + rig.offset() as f64 - rig.zero.unwrap() as f64;
    let capacity = range.start as f64 - shift - before as f64;
    assert!(capacity > 11.0 * 48_000.0 && range.len() > 18 * 48_000, "{capacity}, {range:?}");
    assert!(rig.listener.heard().xruns.iter().any(|xruns| xruns.contains(Xruns::INPUT_OVERFLOW)));
}

#[test]
fn what_the_playback_loses_is_recorded_all_the_same() {
    for two in [false, true] {
        let mut rig = if two { running(4, [None, None], 150.0) } else { same(4) };
        let mut at = Vec::new();
        for frames in [1, 1000, 30_000] {
            at.push((rig.playback.index - rig.zero.unwrap()) as usize);
            rig.playback.skip(frames, Xruns::NONE);
            rig.run(1.0);
        }
        let stretches = checked(&rig, "skipped playback");
        assert_eq!(stretches.len(), 3, "{stretches:?}");
        for (((range, kind), at), frames) in stretches.iter().zip(at).zip([1, 1000, 30_000]) {
            assert_eq!((range.clone(), *kind), (at..at + frames, Got::Alone(0.0)));
        }
        assert_eq!(rig.listener.heard().xruns, [Xruns::OUTPUT_UNDERFLOW; 3]);
    }
}

/// As after a night with the lid closed: nothing takes longer for it.
#[test]
fn a_night_is_passed_over_at_once() {
    for two in [false, true] {
        let mut rig = if two { running(5, [None, None], -100.0) } else { same(5) };
        let night = 100 * 48_000;
        rig.playback.skip(night, Xruns::NONE);
        rig.recording.skip(night, Xruns::NONE);
        rig.run(105.0);
        let stretches = checked(&rig, "night");
        let skipped: usize =
            stretches.iter().filter(|(_, kind)| *kind == Got::Skipped).map(|(range, _)| range.len()).sum();
        assert!(skipped as u64 > night - 20_000, "{stretches:?}");
    }
}

#[test]
fn whatever_happens_the_ledger_adds_up() {
    for seed in 0..60 {
        let two = seed % 3 == 0;
        let mut random = Rng::with_seed(seed);
        let ppm = f64::from(random.i32(-200..200));
        let mut rig = if two { running(seed, [None, None], ppm) } else { same(seed) };
        for _fault in 0..8 {
            let seconds = random.f64() * 0.4;
            let frames = random.u64(1..20_000);
            match random.u8(..4) {
                0 => rig.recording.stall(seconds),
                1 => rig.playback.stall(seconds),
                2 => rig.recording.skip(frames, Xruns::INPUT_OVERFLOW),
                _ => rig.playback.skip(frames, Xruns::NONE),
            }
            rig.run(random.f64());
        }
        rig.run(1.0);
        checked(&rig, &format!("seed {seed}"));
        // It ends in order.
        let heard = rig.listener.heard();
        assert!(matches!(heard.got.last(), Some(Got::Frame(_))), "seed {seed}");
    }
}
