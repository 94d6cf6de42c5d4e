use pastream::SampleFormat;
use pastream_rt::Xruns;

use crate::player::{Run, run};

/// A tone of 100 Hz at 48000 Hz on the first of two channels.
fn tone(sample: u64, _: SampleFormat) -> Vec<u8> {
    let value = if sample.is_multiple_of(2) { tone_at((sample / 2) as f64) } else { 0.25 };
    (value as f32).to_le_bytes().to_vec()
}

fn tone_at(frame: f64) -> f64 {
    (frame * 100.0 / 48_000.0 * std::f64::consts::TAU).sin()
}

#[test]
fn a_drifting_capture_hears_the_tone_at_another_rate() {
    for ppm in [10_000.0, 100.0, -100.0, -10_000.0_f64] {
        let tape =
            Run::new(&format!("virtual:clock=free:delay=1000:drift={ppm}")).source(tone).frames(20_000).run();
        let ratio = 1.0 + ppm * 1e-6;
        let round_trip = (tape.blocks[0].times.output - tape.blocks[0].times.input) * 48_000.0;
        let samples: Vec<f32> = tape.captured.chunks(4).map(bytemuck::pod_read_unaligned).collect();
        assert_eq!(tape.xruns(), [], "20000 frames drift by 200 at most");
        for (frame, captured) in samples.chunks(2).enumerate().skip(2500) {
            let expected = tone_at((frame as f64 - round_trip) / ratio);
            // The resampler's delay is known to half a frame; the tone moves by 0.013 a frame.
            assert!(
                (f64::from(captured[0]) - expected).abs() < 0.014,
                "{ppm} {frame} {captured:?} {expected}"
            );
            assert!((captured[1] - 0.25).abs() < 1e-4);
        }
    }
}

#[test]
fn a_drift_ends_in_xruns_that_repeat_exactly() {
    // The store begins with one block of 20 frames and gains or loses 0.2 frames a block.
    for (ppm, flag) in [(10_000, Xruns::INPUT_OVERFLOW), (-10_000, Xruns::INPUT_UNDERFLOW)] {
        let id = format!("virtual:clock=free:block=20:drift={ppm}");
        let run = Run::new(&id).source(tone).frames(12_000);
        let tape = run.run();
        let xruns = tape.xruns();
        assert!(xruns.iter().all(|&(_, xrun)| xrun == flag.bits()), "{xruns:?}");
        let gaps: Vec<_> = xruns.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        assert!(gaps.len() >= 2 && gaps.iter().all(|gap| (1900..=2100).contains(gap)), "{gaps:?}");
        assert_eq!(run.run(), tape);
        assert_eq!(tape.clocked(), 12_000);
    }
}

#[test]
fn a_small_block_drifts_as_well() {
    for block in ["1", "1..9"] {
        let tape = run(&format!("virtual:clock=free:drift=500:block={block}"));
        assert!(tape.clocked() >= 4000);
        assert!(tape.captured.iter().any(|&byte| byte != 0));
    }
}

#[test]
fn no_drift_leaves_every_bit_alone() {
    let tape = run("virtual:clock=free:drift=0");
    assert_eq!(tape.captured, tape.played);
}
