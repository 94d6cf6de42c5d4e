use std::sync::PoisonError;

use assert_no_alloc::assert_no_alloc;
use pastream_rt::Flow;

use super::{
    super::bridge,
    listener::{Got, Listener},
    rig::{Half, Hand, Rig},
};
use crate::{
    ErrorKind,
    backend::{Backend, Device, NullBackend, Request, Side, VirtualBackend},
};

fn rig() -> Rig {
    let mut rig = Rig::new([Some("card"); 2], 9, 100, 0.0);
    rig.start();
    rig
}

fn lose(half: &mut Half) {
    half.silent = true;
    let mut state = half.state.lock().unwrap_or_else(PoisonError::into_inner);
    let process = state.process.as_mut().unwrap();
    assert_no_alloc(|| process.device_lost());
}

fn log(half: &Half) -> Vec<&'static str> {
    half.state.lock().unwrap_or_else(PoisonError::into_inner).log.clone()
}

#[test]
fn as_much_is_played_at_once_as_the_playback_asks_for() {
    for (block_size, burst) in [(None, 480), (Some(200), 600)] {
        let (played, mut recorded) = (Hand::new("out", true, None), Hand::new("in", false, None));
        recorded.opened.recording.as_mut().unwrap().latency = 2.0;
        let mut both = Hand::new("both", true, None);
        both.opened.recording = recorded.opened.recording;
        assert_eq!(both.burst(), 480);
        let asked = Request { block_size, ..Request::default() };
        assert_eq!(bridge(Box::new(played), Box::new(recorded), &asked).unwrap().burst(), burst);
    }
}

#[test]
fn a_recording_device_that_goes_is_told_at_the_next_block() {
    // While it waits for frame 0, and after.
    for seconds in [1.05, 2.0] {
        let mut rig = rig();
        assert!(rig.run_until(seconds));
        let clocked = rig.listener.heard().clocked;
        assert_eq!(clocked > 0, seconds > 1.5);
        lose(&mut rig.recording);
        let index = rig.playback.index;
        assert!(!rig.run(1.0));
        assert!(rig.playback.index - index <= 1024);
        assert_eq!(rig.listener.lost_after(), (1, clocked));
        lose(&mut rig.playback);
        assert_eq!(rig.listener.heard().lost, 1);
        rig.bridge.finish();
        assert!(rig.listener.heard().dropped);
    }
}

#[test]
fn a_playback_device_that_goes_is_told_by_itself_and_ends_the_other() {
    let mut rig = rig();
    rig.run_until(2.0);
    lose(&mut rig.playback);
    assert_eq!(rig.listener.heard().lost, 1);
    let index = rig.recording.index;
    rig.run(1.0);
    assert!(rig.recording.silent && rig.recording.index - index <= 1024);
    lose(&mut rig.recording);
    assert_eq!(rig.listener.heard().lost, 1);
    rig.bridge.finish();
    assert_eq!((log(&rig.playback), log(&rig.recording)), (vec!["start", "finish"], vec!["start", "stop"]));
}

#[test]
fn a_recording_device_that_never_starts_is_lost() {
    let mut rig = rig();
    rig.recording.silent = true;
    assert!(rig.run_until(5.5));
    assert!(!rig.run_until(6.5));
    assert_eq!(rig.listener.lost_after(), (1, 0));
    assert!(rig.bridge.alignment().is_none());
}

#[test]
fn it_ends_as_the_stream_wants_and_starts_anew() {
    let mut rig = rig();
    for (flow, end) in [(Flow::Complete, "finish"), (Flow::Abort, "stop"), (Flow::Complete, "finish")] {
        assert!(rig.bridge.alignment().is_none());
        assert_eq!(rig.bridge.time(), 0.0);
        rig.listener.heard().end = Some((30_000, flow));
        assert!(!rig.run(9.0));
        let offset = rig.offset();
        {
            let heard = rig.listener.heard();
            assert!((30_000..31_024).contains(&heard.clocked));
            for (frame, &got) in heard.got.iter().enumerate() {
                assert_eq!(got, Got::Frame((frame + 1).saturating_sub(offset) as f32));
            }
            assert_eq!((heard.lost, heard.dropped), (0, false));
        }
        assert!((rig.bridge.time() - 30_000.0 / 48_000.0).abs() < 0.1, "{}", rig.bridge.time());
        if flow == Flow::Complete {
            rig.bridge.finish();
        } else {
            rig.bridge.stop();
        }
        assert!(rig.listener.heard().dropped);
        let stopped = |log: Vec<&'static str>, end| log.ends_with(&["start", end]);
        assert!(stopped(log(&rig.playback), end) && stopped(log(&rig.recording), "stop"));
        rig.restart();
    }
}

#[test]
fn a_stop_is_a_stop_at_any_time() {
    for seconds in [0.0, 1.05, 2.0] {
        let mut rig = rig();
        rig.run_until(seconds);
        assert_eq!(
            rig.bridge.start(Box::new(Listener::default())).unwrap_err().kind(),
            ErrorKind::StreamState
        );
        rig.bridge.stop();
        assert!(rig.listener.heard().dropped);
        assert_eq!(rig.listener.heard().lost, 0);
        rig.bridge.stop();
        rig.bridge.finish();
        assert_eq!((log(&rig.playback), log(&rig.recording)), (vec!["start", "stop"], vec!["start", "stop"]));
    }
}

#[test]
fn a_start_that_fails_stops_what_had_begun() {
    let mut rig = Rig::new([None, None], 1, 0, 0.0);
    for playback in [true, false] {
        let half = if playback { &rig.playback } else { &rig.recording };
        half.state.lock().unwrap_or_else(PoisonError::into_inner).busy = true;
        let error = rig.bridge.start(Box::new(Listener::default())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeviceBusy);
        half.state.lock().unwrap_or_else(PoisonError::into_inner).busy = false;
    }
    // The player starts first.
    assert_eq!(log(&rig.playback), ["start", "stop"]);
    assert_eq!(log(&rig.recording), [""; 0]);
    rig.start();
    rig.run_until(2.0);
    assert!(rig.listener.heard().clocked > 0);
}

#[test]
fn what_can_not_be_bridged_is_refused() {
    let kind = |playback: Hand, recording: Hand| {
        bridge(Box::new(playback), Box::new(recording), &Request::default())
            .map(|device| device.opened().clone())
            .map_err(|error| (error.kind(), error.message().to_owned()))
    };
    let (out, input) = (|| Hand::new("out", true, Some("a")), || Hand::new("in", false, None));
    let opened = kind(out(), input()).unwrap();
    assert_eq!((&*opened.id, &*opened.name), ("out,in", "OUT and IN"));
    assert_eq!(opened.clock.as_deref(), Some("a"));
    assert!(opened.playback.is_some() && opened.recording.is_some());
    assert_eq!(kind(out(), Hand::new("out", false, None)).unwrap().id, "out");

    let mut other = input();
    other.opened.sample_rate = 44_100;
    let (error, message) = kind(out(), other).unwrap_err();
    assert_eq!(error, ErrorKind::UnsupportedConfig);
    assert!(message.contains("44100") && message.contains("48000"), "{message}");
    for (playback, recording) in [(input(), input()), (out(), out())] {
        assert_eq!(kind(playback, recording).unwrap_err().0, ErrorKind::UnsupportedConfig);
    }
    for (free, other) in [(true, false), (false, true)] {
        let (error, message) = kind(Hand { free, ..out() }, Hand { free: other, ..input() }).unwrap_err();
        assert_eq!(error, ErrorKind::UnsupportedConfig);
        assert!(message.contains("clock=real"), "{message}");
    }
}

/// The devices that every machine has, on their own threads and the system's clock.
#[test]
fn virtual_and_null_devices_are_bridged() {
    let side = Some(Side { channels: Some(1), ..Side::default() });
    let ask = |id: &str, playback| Request {
        id: id.to_owned(),
        sample_rate: Some(48_000),
        playback: side.filter(|_| playback),
        recording: side.filter(|_| !playback),
        ..Request::default()
    };
    let playback = VirtualBackend.open(&ask("virtual", true)).unwrap();
    let recording = NullBackend.open(&ask("null", false)).unwrap();
    let mut device = bridge(playback, recording, &Request::default()).unwrap();
    let listener = Listener::default();
    listener.heard().end = Some((4800, Flow::Complete));
    device.start(Box::new(listener.clone())).unwrap();
    device.finish();
    let heard = listener.heard();
    assert!(heard.dropped && heard.lost == 0);
    assert!((4800..4800 + 512).contains(&heard.clocked), "{}", heard.clocked);
    assert!(device.alignment().is_some_and(|alignment| alignment.drift_ppm.abs() < 1000.0));

    let free = VirtualBackend.open(&ask("virtual:clock=free", false)).unwrap();
    let playback = VirtualBackend.open(&ask("virtual", true)).unwrap();
    assert!(bridge(playback, free, &Request::default()).is_err());
}
