//! A server, a stream or a sink that goes away.

use std::{sync::Arc, time::Instant};

use pastream::{
    ErrorKind, SampleFormat,
    sink::Sink,
    source::Source,
    stream::{Outcome, Run, Stream},
};

use crate::{
    server::{PATIENCE, Server, folder, inside, until},
    sound::open,
};

fn player() -> Stream {
    let player = Stream::open(open("pulse:loop", true, 2, SampleFormat::Int16)).unwrap();
    play(&player);
    player
}

fn play(player: &Stream) {
    player.set_source(Some(Source::Buffer { frames: Arc::from(vec![1; 4_800]), looped: true })).unwrap();
    player.start(&Run::default()).unwrap();
    until("it plays", || player.shared().frame_count() > 4_800);
}

fn recorder() -> Stream {
    let recorder = Stream::open(open("pulse:loop.monitor", false, 2, SampleFormat::Int16)).unwrap();
    recorder.set_sinks(vec![Sink::Buffer { frames: 480_000 }]).unwrap();
    recorder.start(&Run::default()).unwrap();
    until("it records", || recorder.shared().frame_count() > 0);
    recorder
}

/// Both are told, and at once.
fn lost(streams: &[Stream]) {
    let begin = Instant::now();
    for stream in streams {
        let error = stream.wait(Some(PATIENCE)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeviceLost, "{error}");
        assert_eq!(stream.shared().outcome(), Outcome::DeviceLost);
    }
    assert!(begin.elapsed().as_secs_f64() < 1.0);
}

#[test]
fn a_server_that_is_killed_is_a_lost_device_until_there_is_another() {
    if !inside("loss::a_server_that_is_killed_is_a_lost_device_until_there_is_another") {
        return;
    }
    let server = Server::start(&folder());
    let streams = [player(), recorder()];
    server.signal("-KILL");
    lost(&streams);
    drop(server);
    let error = streams[0].start(&Run::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostUnavailable, "{error}");
    let _server = Server::start(&folder());
    // The stream that was lost, and a new one.
    play(&streams[0]);
    streams[0].abort().unwrap();
    player().abort().unwrap();
}

#[test]
fn a_sink_that_is_removed_is_a_lost_device() {
    if !inside("loss::a_sink_that_is_removed_is_a_lost_device") {
        return;
    }
    let server = Server::start(&folder());
    for rescue in [false, true] {
        if rescue {
            // It moves streams of a sink that is gone to another.
            server.control(&["load-module", "module-rescue-streams"]);
            server.control(&["load-module", "module-null-sink", "sink_name=loop", "norewinds=1"]);
        }
        let streams = [player(), recorder()];
        let modules = server.control(&["list", "short", "modules"]);
        let module = modules.lines().find(|line| line.contains("sink_name=loop")).unwrap();
        server.control(&["unload-module", module.split('\t').next().unwrap()]);
        lost(&streams);
        let error = streams[0].start(&Run::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeviceNotFound, "{error}");
    }
}

#[test]
fn a_stream_that_is_moved_goes_on() {
    if !inside("loss::a_stream_that_is_moved_goes_on") {
        return;
    }
    let server = Server::start(&folder());
    let player = player();
    let inputs = server.control(&["list", "short", "sink-inputs"]);
    server.control(&["move-sink-input", inputs.split('\t').next().unwrap(), "spare"]);
    let frames = player.shared().frame_count() + 48_000;
    until("it goes on", || player.shared().frame_count() > frames);
    player.abort().unwrap();
}

#[test]
fn a_server_that_hangs_is_a_lost_device_and_holds_nobody_up() {
    if !inside("loss::a_server_that_hangs_is_a_lost_device_and_holds_nobody_up") {
        return;
    }
    let server = Server::start(&folder());
    let (aborted, waiting) = ([player(), recorder()], [player(), recorder()]);
    server.signal("-STOP");
    let begin = Instant::now();
    for stream in &aborted {
        stream.abort().unwrap();
    }
    // A stream's patience with its device is a second.
    assert!(begin.elapsed().as_secs_f64() < 3.0, "{:?}", begin.elapsed());
    for stream in &waiting {
        assert_eq!(stream.wait(Some(PATIENCE)).unwrap_err().kind(), ErrorKind::DeviceLost);
    }
    assert!(begin.elapsed().as_secs_f64() < 8.0, "{:?}", begin.elapsed());
}
