//! What there is, and what there isn't.

use std::time::{Duration, Instant};

use pastream::{
    ErrorKind, SampleFormat,
    backend::{Backend, Latency, PulseBackend, Request, Side},
    device, stream,
};

use crate::server::{Server, folder, inside};

fn request(id: &str, playback: bool) -> Request {
    let side = Some(Side::default());
    Request {
        id: id.to_owned(),
        playback: side.filter(|_| playback),
        recording: side.filter(|_| !playback),
        ..Request::default()
    }
}

#[test]
fn sinks_and_sources_are_listed_with_what_they_run_at() {
    if !inside("listing::sinks_and_sources_are_listed_with_what_they_run_at") {
        return;
    }
    let server = Server::start(&folder());
    server.control(&["set-default-sink", "spare"]);
    server.control(&["set-default-source", "loop.monitor"]);
    PulseBackend.available().unwrap();
    let devices = PulseBackend.devices().unwrap();
    let listed: Vec<_> = devices
        .iter()
        .map(|device| {
            (
                &device.id[..],
                device.max_input_channels,
                device.max_output_channels,
                device.default_sample_rate,
                &device.formats[..],
                device.is_default_input,
                device.is_default_output,
            )
        })
        .collect();
    let (short, float) = (&[SampleFormat::Int16][..], &[SampleFormat::Float32][..]);
    assert_eq!(
        listed,
        [
            ("pulse:loop", 0, 2, 48_000, short, false, false),
            ("pulse:spare", 0, 2, 44_100, float, false, true),
            ("pulse:rewinds", 0, 2, 48_000, short, false, false),
            ("pulse:loop.monitor", 2, 0, 48_000, short, true, false),
            ("pulse:spare.monitor", 2, 0, 44_100, float, false, false),
            ("pulse:rewinds.monitor", 2, 0, 48_000, short, false, false),
        ]
    );
    assert!(devices.iter().all(|device| device.sample_rates == [1..=384_000] && !device.name.is_empty()));

    assert_eq!(device::find("pulse", stream::Side::Playback).unwrap().id, "pulse:spare");
    assert_eq!(device::find("pulse", stream::Side::Recording).unwrap().id, "pulse:loop.monitor");
    let opened = |id, playback| PulseBackend.open(&request(id, playback)).unwrap().opened().clone();
    let (sink, monitor) = (opened("pulse:loop", true), opened("pulse:loop.monitor", false));
    assert_eq!((&sink.id[..], sink.sample_rate, sink.block_size), ("pulse:loop", 48_000, 0));
    assert_eq!(sink.clock.as_deref(), Some("pulse:loop"));
    assert_eq!(monitor.clock, sink.clock);
    assert_eq!((sink.recording, monitor.playback), (None, None));
    assert_eq!(opened("pulse", true).id, "pulse:spare");
    assert_eq!(opened("pulse", false).id, "pulse:loop.monitor");
    let latency = |latency| {
        let request = Request { latency, ..request("pulse:loop", true) };
        PulseBackend.open(&request).unwrap().opened().playback.unwrap().latency
    };
    assert!((latency(Latency::Low) - 0.02).abs() < 0.005);
    assert!((latency(Latency::High) - 0.2).abs() < 0.02);
    assert!((latency(Latency::Seconds(0.1)) - 0.1).abs() < 0.02);
}

#[test]
fn what_can_not_be_opened_says_what_can() {
    if !inside("listing::what_can_not_be_opened_says_what_can") {
        return;
    }
    let server = Server::start(&folder());
    let refused = |request: &Request| PulseBackend.open(request).map(|_| ()).unwrap_err();
    for (id, playback, kind, words) in [
        ("pulse:nothing", true, ErrorKind::DeviceNotFound, "use one of pulse:loop, pulse:spare"),
        ("pulse:nothing", false, ErrorKind::DeviceNotFound, "pulse:loop.monitor"),
        ("pulse:loop", false, ErrorKind::UnsupportedConfig, "recorded from `pulse:loop.monitor`"),
        ("pulse:loop.monitor", true, ErrorKind::UnsupportedConfig, "only records"),
    ] {
        let error = refused(&request(id, playback));
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(words), "{error}");
    }
    let rate = |rate| Request { sample_rate: Some(rate), ..request("pulse:loop", true) };
    assert_eq!(refused(&rate(0)).kind(), ErrorKind::InvalidArgument);
    assert_eq!(refused(&rate(384_001)).kind(), ErrorKind::UnsupportedConfig);
    let wide = |channels| Request {
        playback: Some(Side { channels: Some(channels), format: None }),
        ..request("pulse:loop", true)
    };
    let error = refused(&wide(3));
    assert_eq!(error.kind(), ErrorKind::UnsupportedConfig);
    assert!(error.message().contains("takes 1 to 2 channels, not 3"), "{error}");
    assert_eq!(PulseBackend.open(&wide(1)).unwrap().opened().playback.unwrap().channels, 1);
    for (id, playback) in [("pulse:loop", true), ("pulse:loop.monitor", false)] {
        server.control(&["suspend-sink", "loop", "1"]);
        let error = refused(&request(id, playback));
        assert_eq!(error.kind(), ErrorKind::DeviceBusy, "{error}");
        assert!(
            error.message().contains("suspended") && error.message().contains("`pactl suspend-sink loop 0`")
        );
        server.control(&["suspend-sink", "loop", "0"]);
        PulseBackend.open(&request(id, playback)).unwrap();
    }
    let both = Request { recording: Some(Side::default()), ..request("pulse:loop", true) };
    assert_eq!(refused(&both).kind(), ErrorKind::UnsupportedConfig);
    let late = Request { latency: Latency::Seconds(f64::NAN), ..request("pulse:loop", true) };
    assert_eq!(refused(&late).kind(), ErrorKind::InvalidArgument);
}

#[test]
fn without_a_server_the_host_says_where_it_looked() {
    if !inside("listing::without_a_server_the_host_says_where_it_looked") {
        return;
    }
    let reason = PulseBackend.available().unwrap_err();
    assert!(reason.contains("no PulseAudio server runs"), "{reason}");
    assert!(reason.contains(&format!("unix:{}/pulse/native: No such file", folder().display())), "{reason}");
    for error in [
        PulseBackend.devices().map(|_| ()).unwrap_err(),
        PulseBackend.open(&request("pulse:loop", true)).map(|_| ()).unwrap_err(),
        device::find("pulse:loop", stream::Side::Playback).map(|_| ()).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::HostUnavailable, "{error}");
        assert!(error.message().contains("pulse/native"), "{error}");
    }
    // One that hangs is none.
    let server = Server::start(&folder());
    server.signal("-STOP");
    let begin = Instant::now();
    let error = PulseBackend.open(&request("pulse:loop", true)).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostUnavailable);
    assert!(error.message().contains("no answer within 2 s"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(4));
    // Nor is there a list to wait for.
    let begin = Instant::now();
    assert!(device::devices().iter().all(|device| device.host != "pulse"));
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}
