use pastream_rt::Xruns;

use super::{listener::Got, rig::Rig};
use crate::backend::{AlignmentMethod, Device, Latency, Request};

/// Whether every frame that was recorded is the one played `offset` before.
fn assert_aligned(got: &[Got], offset: usize, seed: u64) {
    for (frame, got) in got.iter().enumerate() {
        let expected = (frame + 1).saturating_sub(offset) as f32;
        assert_eq!(*got, Got::Frame(expected), "seed {seed}, frame {frame}, offset {offset}");
    }
}

#[test]
fn every_frame_comes_back_where_the_offset_says() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut rig = Rig::new([Some("card"); 2], seed, random.i64(-5000..5000), 0.0);
        // The crystal of both, as far off as crystals are.
        let off = 1.0 + (random.f64() - 0.5) * 3e-4;
        rig.playback.rate *= off;
        rig.recording.rate = rig.playback.rate;
        rig.recording.start = rig.playback.start + random.i64(-5000..5000) as f64 / rig.playback.rate;
        rig.playback.late = (0.3, 0.01);
        rig.recording.late = (0.3, 0.01);
        rig.start();
        assert!(rig.bridge.alignment().is_none());
        assert!(rig.run_until(3.0));
        let alignment = rig.bridge.alignment().unwrap();
        assert_eq!((alignment.method, alignment.drift_ppm), (AlignmentMethod::Timestamps, 0.0));
        let heard = rig.listener.heard();
        assert!(heard.clocked > 48_000, "seed {seed}: {} frames", heard.clocked);
        assert_eq!(heard.clocked, rig.playback.index - rig.zero.unwrap());
        assert_eq!(heard.xruns, []);
        let times = heard.times.unwrap();
        let lag = (times.output - times.input) * 48_000.0;
        assert!((lag - alignment.offset_frames).abs() < 1e-3 && times.current == 0.0);
        drop(heard);
        assert_aligned(&rig.listener.heard().got, rig.offset(), seed);
    }
}

#[test]
fn the_offset_is_not_longer_than_it_has_to_be() {
    let asked = Request { latency: Latency::Low, ..Request::default() };
    let mut rig = Rig::with([Some("card"); 2], 1, 100, 0.0, &asked, 256);
    rig.playback.blocks = 256..=256;
    rig.recording.blocks = 256..=256;
    rig.start();
    rig.run_until(2.0);
    let lags = (rig.playback.lag + rig.recording.lag) * 48_000.0;
    let slack = rig.offset() as f64 - lags - 2.0 * 256.0;
    // 2 ms of margin, and up to one more block of the recording, which varies as far as it says.
    assert!((96.0..=96.0 + 256.0 + 2.0).contains(&slack), "{slack}");
}

#[test]
fn an_offset_between_two_frames_is_told_as_it_is() {
    let mut rig = Rig::new([Some("card"); 2], 7, 0, 0.0);
    rig.recording.start = rig.playback.start + 100.25 / rig.playback.rate;
    rig.start();
    rig.run_until(2.0);
    // A frame is captured a quarter later than the one that leaves.
    let offset = rig.bridge.alignment().unwrap().offset_frames;
    assert!((offset.rem_euclid(1.0) - 0.75).abs() < 1e-3, "{offset}");
}

#[test]
fn blocks_of_any_size_meet() {
    for (played, recorded, seconds) in
        [(1, 1, 3.0), (1, 65_536, 16.0), (65_536, 1, 16.0), (65_536, 65_536, 20.0), (7, 4096, 4.0)]
    {
        let mut rig = Rig::new([Some("card"); 2], 3, 1234, 0.0);
        rig.playback.blocks = played..=played;
        rig.recording.blocks = recorded..=recorded;
        rig.start();
        assert!(rig.run_until(seconds), "{played} {recorded}");
        let heard = rig.listener.heard();
        assert_eq!((&heard.xruns[..], heard.missing), (&[][..], 0), "{played} {recorded}");
        assert!(heard.clocked > 65_536 || played < 65_536 && heard.clocked > 20_000);
        drop(heard);
        assert_aligned(&rig.listener.heard().got, rig.offset(), 3);
    }
}

#[test]
fn a_block_size_that_the_device_has_not_is_made_and_counted() {
    let asked = Request { block_size: Some(300), ..Request::default() };
    let mut rig = Rig::with([Some("card"); 2], 5, 77, 0.0, &asked, 0);
    assert_eq!(rig.bridge.opened().block_size, 300);
    rig.start();
    rig.run_until(3.0);
    {
        let heard = rig.listener.heard();
        assert!(heard.blocks.iter().all(|&frames| frames == 300));
        let times = heard.times.unwrap();
        let lag = (times.output - times.input) * 48_000.0;
        assert!((lag - rig.offset() as f64).abs() < 300.0, "{lag}");
    }
    assert_aligned(&rig.listener.heard().got, rig.offset(), 5);

    let mut rig = Rig::with([Some("card"); 2], 5, 77, 0.0, &asked, 300);
    rig.playback.blocks = 300..=300;
    rig.start();
    rig.run_until(3.0);
    assert!(rig.listener.heard().blocks.iter().all(|&frames| frames == 300));
    assert_eq!(rig.listener.heard().xruns, [] as [Xruns; 0]);
    assert_aligned(&rig.listener.heard().got, rig.offset(), 5);
}
