use super::{
    listener::Got,
    rig::{RATE, Rig},
    tone::{self, Fitted, fit, tone},
};
use crate::backend::{Alignment, AlignmentMethod, Device};

/// Frames that are looked at, every so many.
const WINDOW: usize = RATE as usize / 2;
const APART: u64 = tone::APART as u64;

struct Run {
    windows: Vec<Fitted>,
    alignment: Alignment,
}

/// Plays `seconds` from a capture clock `ppm` off with timestamps `jitter` seconds off.
fn run(seed: u64, ppm: f64, jitter: f64, seconds: f64) -> Run {
    let mut rig = Rig::new([Some("one"), Some("other")], seed, 4321, ppm);
    rig.playback.blocks = 200..=300;
    rig.recording.blocks = 100..=700;
    (rig.playback.jitter, rig.recording.jitter) = (jitter, jitter);
    rig.signal = Some(tone);
    rig.listener.heard().keep = Some(|frame| frame % APART < WINDOW as u64);
    rig.start();
    assert!(rig.run_until(seconds));
    let alignment = rig.bridge.alignment().unwrap();
    let heard = rig.listener.heard();
    let zero = rig.zero.unwrap();
    assert_eq!(heard.clocked, rig.playback.index - zero);
    assert_eq!((heard.missing, &heard.xruns[..]), (0, &[][..]));
    let times = heard.times.unwrap();
    let offset = ((times.output - times.input) * f64::from(RATE)).round();
    assert_eq!(alignment.method, AlignmentMethod::Resampler);
    let windows = heard.got.chunks_exact(WINDOW).enumerate().map(|(index, got)| {
        let samples: Vec<_> = got
            .iter()
            .map(|got| match got {
                Got::Frame(sample) => *sample,
                got => panic!("{got:?}"),
            })
            .collect();
        fit(&samples, (zero + index as u64 * APART) as f64 - offset)
    });
    Run { windows: windows.collect(), alignment }
}

fn report(run: &Run, ppm: f64) {
    for (index, window) in run.windows.iter().enumerate() {
        if index < 6 || index + 2 > run.windows.len() {
            println!("{ppm} ppm, {} s: {:.1} dB, {:.4} frames", index * 10, window.snr, window.error);
        }
    }
    println!("{:?}", run.alignment);
}

fn ten_minutes(seed: u64, ppm: f64) {
    let run = run(seed, ppm, 0.0, 602.0);
    report(&run, ppm);
    assert!((run.alignment.drift_ppm - ppm).abs() < 0.1);
    assert!(run.windows.len() >= 60);
    for window in &run.windows {
        assert!(window.snr > 120.0 && window.error.abs() < 0.05, "{window:?}");
    }
}

#[test]
fn ten_minutes_of_a_fast_capture_clock() {
    ten_minutes(1, 200.0);
}

#[test]
fn ten_minutes_of_a_slow_capture_clock() {
    ten_minutes(2, -200.0);
}

#[test]
fn timestamps_that_are_a_millisecond_off() {
    for (seed, ppm) in [(3, 200.0), (4, -200.0)] {
        let run = run(seed, ppm, 0.001, 181.0);
        report(&run, ppm);
        assert!((run.alignment.drift_ppm - ppm).abs() < 5.0);
        assert!(run.windows.iter().all(|window| window.error.abs() < 20.0));
        for window in &run.windows[3..] {
            assert!(window.snr > 90.0 && window.error.abs() < 5.0, "{window:?}");
        }
        assert!(run.windows.last().is_some_and(|window| window.error.abs() < 1.0));
    }
}
