use std::{
    sync::{Arc, mpsc::channel},
    thread,
};

use pastream::ErrorKind;

use crate::player::{Habit, Player, Run, noise};

#[test]
fn a_restart_begins_anew() {
    let run = Run::new("virtual:clock=free:block=1..99:delay=500:fault=jitter@0:fault=stall@0.01+0.01");
    let mut device = run.open();
    let first = run.finish(&mut *device);
    let again = run.finish(&mut *device);
    assert_eq!(again, first);
    let aborted = run.clone().habit(Habit::Aborts).frames(100).finish(&mut *device);
    assert_eq!(aborted.blocks[..], first.blocks[..aborted.blocks.len()]);
    assert_eq!(run.finish(&mut *device), first);
}

#[test]
fn a_device_is_started_once() {
    let run = Run::new("virtual").frames(u64::MAX);
    let mut device = run.open();
    assert_eq!((device.time(), device.cpu_load()), (0.0, 0.0));
    device.stop();
    let (tape, _wait) = run.start(&mut *device);
    let other = Player {
        tape: Arc::default(),
        source: noise,
        done: channel().0,
        frames: 0,
        playback: None,
        recording: None,
        sample: 0,
        habit: Habit::None,
    };
    assert_eq!(device.start(Box::new(other)).unwrap_err().kind(), ErrorKind::StreamState);
    device.stop();
    device.stop();
    let stopped = device.time();
    assert_eq!(stopped, tape.lock().unwrap().clocked() as f64 / 48_000.0);
    assert_eq!(tape.lock().unwrap().dropped_on, Some(thread::current().id()));
    assert_eq!(device.time(), stopped);
}

#[test]
fn a_dropped_device_stops() {
    let run = Run::new("virtual").frames(u64::MAX);
    let mut device = run.open();
    let (tape, _wait) = run.start(&mut *device);
    drop(device);
    assert_eq!(tape.lock().unwrap().dropped_on, Some(thread::current().id()));
}

#[test]
fn a_panic_is_a_lost_device() {
    let tape = Run::new("virtual:clock=free").habit(Habit::Panics).run();
    assert_eq!((tape.lost, tape.blocks.len()), (1, 3));
}
