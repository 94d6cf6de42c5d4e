//! Streams over a real JACK server, bit for bit.
#![cfg(target_os = "linux")]

mod crowd;
mod ends;
mod server;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use jack::{AudioIn, AudioOut, Client, ClientOptions, Control, ProcessScope, contrib::ClosureProcessHandler};
use pastream::{
    ErrorKind, SampleFormat,
    backend::{Alignment, AlignmentMethod, Process, Request, Side},
    device,
    sink::Sink,
    source::Source,
    stream::{self, Outcome, Run, SideConfig, Stream, StreamConfig, StreamEvent},
};
use pastream_rt::{Block, Flow, Wire, Xruns};
use server::{Server, alone, is_available, wait_for};

const LOOP: &str = "jack:system:monitor";

fn config(device: &str, channels: usize, format: SampleFormat) -> StreamConfig {
    let side =
        || Some(SideConfig { channels: Some(channels), format: Some(format), ..SideConfig::default() });
    StreamConfig { device: device.to_owned(), playback: side(), recording: side(), ..StreamConfig::default() }
}

fn duplex(channels: usize, format: SampleFormat) -> Stream {
    Stream::open(config(LOOP, channels, format)).expect("the loop opens")
}

/// Noise that float32 holds exactly.
fn noise(frames: usize, channels: usize, format: SampleFormat, mut random: u32) -> Arc<[u8]> {
    let mut bytes = Vec::new();
    for _ in 0..frames * channels {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let word = (random >> 8).to_le_bytes();
        match format {
            SampleFormat::Float32 => {
                bytes.extend(((random >> 8) as f32 / 8_388_608.0 - 1.0).to_ne_bytes());
            }
            SampleFormat::Int24 => bytes.extend(&word[..3]),
            SampleFormat::Int16 => bytes.extend(&word[1..3]),
            SampleFormat::Int8 | SampleFormat::Uint8 => bytes.push(word[2]),
            SampleFormat::Int32 => unreachable!("float32 rounds it"),
        }
    }
    bytes.into()
}

/// Plays `frames` once and asserts that they come back `offset` frames later, with silence around. A run that a busy
/// machine was late in is no run.
fn loops(stream: &Stream, channels: usize, format: SampleFormat, frames: &Arc<[u8]>, offset: usize) {
    let size = channels * format.size();
    let pad = offset + 100;
    let length = frames.len() / size + pad;
    let late = (0..10).take_while(|_| {
        stream
            .set_source(Some(Source::Buffer { frames: Arc::clone(frames), looped: false }))
            .expect("a source");
        stream.set_sinks(vec![Sink::Buffer { frames: length }]).expect("a sink");
        stream.start(&Run { pad: Some(pad as u64), ..Run::default() }).expect("a start");
        assert!(stream.wait(Some(Duration::from_secs(20))).expect("a run"));
        assert_eq!(stream.shared().outcome(), Outcome::Finished);
        stream.shared().xruns() > 0
    });
    assert!(late.count() < 10, "the machine is too busy");
    let take = stream.take_recording().expect("a recording");
    assert_eq!(take.len(), length * size);
    let played = offset * size..offset * size + frames.len();
    let silent = |byte: &u8| *byte == format.silence();
    let at = take.iter().position(|byte| !silent(byte)).map(|byte| byte / size);
    assert!(take[played.clone()] == **frames, "{format}: begins at {at:?}, not {offset}");
    assert!(take[..played.start].iter().all(silent) && take[played.end..].iter().all(silent), "{format}");
}

#[test]
fn devices_are_clients_with_audio_ports() {
    alone("devices_are_clients_with_audio_ports", || {
        assert!(!is_available());
        let reason = device::hosts().into_iter().find(|host| host.name == "jack").unwrap().unavailable;
        assert_eq!(reason.unwrap(), "no JACK server runs: start one");
        let error = device::find("jack", stream::Side::Playback).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostUnavailable);

        let _server = Server::start();
        let devices: Vec<_> = device::devices().into_iter().filter(|device| device.host == "jack").collect();
        let ids: Vec<_> = devices.iter().map(|device| (&device.id[..], &device.name[..])).collect();
        assert_eq!(ids, [("jack:system", "system"), (LOOP, "system monitor")]);
        for device in &devices {
            assert_eq!((device.max_input_channels, device.max_output_channels), (2, 2));
            assert_eq!(device.sample_rates, [48_000..=48_000]);
            assert_eq!(device.default_low_input_latency, 256.0 / 48_000.0);
            assert_eq!(device.default_low_output_latency, 512.0 / 48_000.0);
            let default = device.id == "jack:system";
            assert_eq!((device.is_default_input, device.is_default_output), (default, default));
        }
        for (text, id) in [
            ("jack", "jack:system"),
            ("default", "jack:system"),
            ("jack:system", "jack:system"),
            ("jack:system:monitor", LOOP),
            ("system monitor", LOOP),
            ("jack:system:capture_2", "jack:system:capture_2"),
        ] {
            assert_eq!(device::find(text, stream::Side::Playback).unwrap().id, id);
        }
        assert_eq!(
            device::find("jack:ardour", stream::Side::Playback).unwrap_err().kind(),
            ErrorKind::DeviceNotFound
        );
        // Ours are no devices, and leave nothing behind.
        let stream = duplex(2, SampleFormat::Float32);
        assert_eq!(device::devices().iter().filter(|device| device.host == "jack").count(), 2);
        drop(stream);
    });
}

#[test]
fn what_is_opened_is_the_servers() {
    alone("what_is_opened_is_the_servers", || {
        let _server = Server::start();
        let stream = duplex(2, SampleFormat::Int16);
        let opened = stream.opened();
        assert_eq!((&opened.id[..], &opened.name[..]), (LOOP, "system monitor"));
        assert_eq!((opened.sample_rate, opened.block_size), (48_000, 256));
        assert_eq!(opened.clock.as_deref(), Some("jack"));
        let (playback, recording) = (opened.playback.unwrap(), opened.recording.unwrap());
        assert_eq!((playback.format, recording.format), (SampleFormat::Int16, SampleFormat::Int16));
        assert_eq!((playback.latency, recording.latency), (512.0 / 48_000.0, 256.0 / 48_000.0));

        let both = |id: &str, channels| Request {
            id: id.to_owned(),
            playback: Some(Side { channels, format: None }),
            recording: Some(Side { channels, format: None }),
            ..Request::default()
        };
        let aligned = |offset_frames| Alignment {
            offset_frames,
            jitter_frames: 0.0,
            drift_ppm: 0.0,
            method: AlignmentMethod::Callback,
        };
        let device = device::open(&both(LOOP, None)).unwrap();
        assert_eq!(device.opened().playback.unwrap().channels, 2);
        assert_eq!(device.alignment(), Some(aligned(256.0)));
        assert!(device.realtime().is_some());
        let blocks = Request { block_size: Some(100), ..both(LOOP, None) };
        let device = device::open(&blocks).unwrap();
        assert_eq!(device.alignment(), Some(aligned(356.0)));
        assert_eq!(device.opened().block_size, 100);
        // Three blocks a period, whatever the latency of the ports.
        assert_eq!(device.burst(), 300);
        // Through the air it is what both directions lag.
        assert_eq!(device::open(&both("jack", None)).unwrap().alignment(), Some(aligned(768.0)));
        let playback = Request { recording: None, ..both("jack", None) };
        assert_eq!(device::open(&playback).unwrap().alignment(), None);

        let refused = |request: &Request| device::open(request).map(|_| ()).unwrap_err();
        for (request, words) in [
            (
                Request { sample_rate: Some(44_100), ..both(LOOP, None) },
                "ask for 48000 Hz, or start the server at 44100",
            ),
            (both("jack:system", Some(3)), "has 2 ports to play to, not 3: use fewer channels"),
            (both("jack:system:capture_2", Some(2)), "has 1 ports to record from, not 2"),
            (Request { block_size: Some(65_537), ..both(LOOP, None) }, "not of 65537"),
        ] {
            let error = refused(&request);
            assert_eq!(error.kind(), ErrorKind::UnsupportedConfig, "{error}");
            assert!(error.message().contains(words), "{error}");
        }
        assert_eq!(refused(&both(LOOP, Some(0))).kind(), ErrorKind::InvalidArgument);
    });
}

#[test]
fn a_loop_is_exact_in_every_run() {
    alone("a_loop_is_exact_in_every_run", || {
        let _server = Server::start();
        for (seed, format) in [
            SampleFormat::Float32,
            SampleFormat::Int24,
            SampleFormat::Int16,
            SampleFormat::Int8,
            SampleFormat::Uint8,
        ]
        .into_iter()
        .enumerate()
        {
            let frames = noise(5_000, 2, format, seed as u32);
            let stream = duplex(2, format);
            for _run in 0..4 {
                loops(&stream, 2, format, &frames, 256);
            }
        }
        let format = SampleFormat::Float32;
        let frames = noise(700, 2, format, 6);
        for _stream in 0..20 {
            let stream = duplex(2, format);
            for _run in 0..4 {
                loops(&stream, 2, format, &frames, 256);
            }
        }
    });
}

#[test]
fn two_devices_of_the_server_are_one_client() {
    alone("two_devices_of_the_server_are_one_client", || {
        let _server = Server::start();
        let format = SampleFormat::Float32;
        let frames = noise(700, 2, format, 15);
        let pair = |playback: &str, recording: &str| {
            let side = |device: &str| {
                Some(SideConfig {
                    device: Some(device.to_owned()),
                    channels: Some(2),
                    format: Some(format),
                    ..SideConfig::default()
                })
            };
            let (playback, recording) = (side(playback), side(recording));
            Stream::open(StreamConfig { playback, recording, ..StreamConfig::default() }).unwrap()
        };
        for _stream in 0..25 {
            let stream = pair("jack:system", LOOP);
            assert_eq!(stream.opened().id, "jack:system,jack:system:monitor");
            assert_eq!(stream.opened().name, "system and system monitor");
            let alignment = stream.alignment().unwrap();
            assert_eq!((alignment.offset_frames, alignment.method), (256.0, AlignmentMethod::Callback));
            for _run in 0..4 {
                loops(&stream, 2, format, &frames, 256);
            }
        }

        // Aligned, the first frame is what was played first, and as many as were asked for are there.
        let stream = pair("jack:system", LOOP);
        let late = (0..10).take_while(|_| {
            stream.set_source(Some(Source::Buffer { frames: Arc::clone(&frames), looped: false })).unwrap();
            stream.set_sinks(vec![Sink::Buffer { frames: 700 }]).unwrap();
            stream.start(&Run { pad: Some(0), align: true, ..Run::default() }).unwrap();
            assert!(stream.wait(Some(Duration::from_secs(20))).unwrap());
            stream.shared().xruns() > 0
        });
        assert!(late.count() < 10, "the machine is too busy");
        assert!(stream.take_recording().unwrap() == *frames);

        let round_trip = |recording| pair("jack:system", recording).alignment().unwrap().offset_frames;
        assert_eq!(round_trip("jack:system"), 768.0);
        // Nobody knows what lies between.
        let (client, _) = Client::new("peer", ClientOptions::NO_START_SERVER).unwrap();
        let _ports = ["a", "b"].map(|name| client.register_port(name, AudioOut::default()).unwrap());
        let _client = client.activate_async((), ()).unwrap();
        assert_eq!(pair("jack:system", "jack:peer").alignment(), None);
    });
}

#[test]
fn the_stream_may_have_other_blocks() {
    alone("the_stream_may_have_other_blocks", || {
        let _server = Server::start();
        for format in [SampleFormat::Float32, SampleFormat::Int16] {
            let frames = noise(4_000, 1, format, 7);
            for block in [64, 100, 256, 480, 1_000] {
                let lag = if block == 256 { 0 } else { block };
                let config = StreamConfig { block_size: Some(block), ..config(LOOP, 1, format) };
                let stream = Stream::open(config).unwrap();
                assert_eq!(stream.opened().block_size, block);
                for _run in 0..2 {
                    loops(&stream, 1, format, &frames, 256 + lag);
                }
            }
        }
    });
}

#[test]
fn a_stopped_run_leaves_nothing_in_the_next() {
    alone("a_stopped_run_leaves_nothing_in_the_next", || {
        let _server = Server::start();
        let format = SampleFormat::Float32;
        let stream = duplex(2, format);
        let frames = noise(1_000, 2, format, 8);
        for abort in [true, false, true] {
            let looped = Source::Buffer { frames: Arc::clone(&frames), looped: true };
            stream.set_source(Some(looped)).unwrap();
            stream.set_sinks(Vec::new()).unwrap();
            stream.start(&Run::default()).unwrap();
            wait_for("some blocks", || stream.shared().frame_count() > 1_000);
            assert!(stream.cpu_load() > 0.0 && stream.time() > 0.0);
            if abort { stream.abort() } else { stream.stop() }.unwrap();
            assert!(stream.wait(Some(Duration::from_secs(20))).unwrap());
            // The last block may be cut short, or not count at all.
            let time = stream.time() * 48_000.0;
            let count = stream.shared().frame_count() as f64;
            assert!((count..=count + 256.0).contains(&time), "{time} {count}");
            loops(&stream, 2, format, &frames, 256);
        }
    });
}

/// Starts a recording that has no end and whose loss is told through what is returned.
fn record(stream: &Stream) -> mpsc::Receiver<Instant> {
    let (tell, told) = mpsc::channel();
    stream.listen(Some(Box::new(move |event| {
        if matches!(event, StreamEvent::DeviceLost) {
            tell.send(Instant::now()).expect("the test listens");
        }
    })));
    stream.set_sinks(vec![Sink::Buffer { frames: 480_000 }]).expect("a sink");
    stream.start(&Run::default()).expect("a start");
    wait_for("some blocks", || stream.shared().frame_count() > 1_000);
    told
}

#[test]
fn a_server_that_dies_is_a_device_lost() {
    alone("a_server_that_dies_is_a_device_lost", || {
        let mut server = Server::start();
        let format = SampleFormat::Int16;
        let frames = noise(1_000, 2, format, 9);
        let watching = Arc::new(AtomicBool::new(true));
        let watch = Arc::clone(&watching);
        let watcher = thread::spawn(move || {
            while watch.load(Relaxed) {
                // It may be gone between the two questions of it.
                drop(device::devices());
                // The server has to be in time meanwhile.
                thread::sleep(Duration::from_millis(1));
            }
        });
        for round in 0..8 {
            // Of the four streams one runs, one ran, two never did, and one of them lives on.
            let (idle, ran, stream) = (duplex(2, format), duplex(1, format), duplex(2, format));
            loops(&ran, 1, format, &noise(500, 1, format, 10), 256);
            let unused = duplex(1, format);
            let told = record(&stream);
            let killed = Instant::now();
            server.kill();
            let told = told.recv_timeout(Duration::from_secs(5)).unwrap();
            assert!(told - killed < Duration::from_millis(500), "told after {:?}", told - killed);
            let error = stream.wait(Some(Duration::from_secs(5))).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::DeviceLost);
            assert_eq!(stream.shared().outcome(), Outcome::DeviceLost);
            let recorded = stream.take_recording().unwrap().len() as u64;
            assert_eq!(recorded, stream.shared().frame_count() * 4);
            if round % 2 == 0 {
                drop((idle, ran, stream));
                assert!(!is_available());
                server = Server::start();
            } else {
                assert!(!is_available());
                server = Server::start();
                let again = stream.start(&Run::default()).unwrap_err();
                assert_eq!(again.kind(), ErrorKind::DeviceLost);
                drop((idle, ran, stream));
            }
            loops(&duplex(2, format), 2, format, &frames, 256);
            drop(unused);
            loops(&duplex(2, format), 2, format, &frames, 256);
        }
        watching.store(false, Relaxed);
        watcher.join().unwrap();
    });
}

#[test]
fn a_client_that_goes_is_a_device_lost() {
    alone("a_client_that_goes_is_a_device_lost", || {
        let _server = Server::start();
        let peer = || {
            let (client, _) = Client::new("peer", ClientOptions::NO_START_SERVER).unwrap();
            let input = client.register_port("in", AudioIn::default()).unwrap();
            let mut output = client.register_port("out", AudioOut::default()).unwrap();
            let through = move |_: &Client, scope: &ProcessScope| {
                output.as_mut_slice(scope).copy_from_slice(input.as_slice(scope));
                Control::Continue
            };
            client.activate_async((), ClosureProcessHandler::new(through)).unwrap()
        };
        let client = peer();
        let format = SampleFormat::Float32;
        let stream = Stream::open(config("jack:peer", 1, format)).unwrap();
        assert_eq!(stream.opened().name, "peer");
        let told = record(&stream);
        // Another that goes is nothing to the stream.
        drop(duplex(2, format));
        let count = stream.shared().frame_count();
        wait_for("some more blocks", || stream.shared().frame_count() > count + 1_000);
        assert!(stream.is_active());
        client.deactivate().unwrap();
        told.recv_timeout(Duration::from_secs(5)).unwrap();
        let error = stream.wait(Some(Duration::from_secs(5))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeviceLost);
        drop(stream);
        let _client = peer();
        Stream::open(config("jack:peer", 1, format)).unwrap();
    });
}

#[test]
fn the_server_may_change_its_period() {
    alone("the_server_may_change_its_period", || {
        let _server = Server::start();
        let (control, _) = Client::new("control", ClientOptions::NO_START_SERVER).unwrap();
        for format in [SampleFormat::Float32, SampleFormat::Int16] {
            let stream = duplex(2, format);
            let frames = noise(1_000, 2, format, 11);
            stream.set_source(Some(Source::Buffer { frames, looped: true })).unwrap();
            stream.set_sinks(Vec::new()).unwrap();
            stream.start(&Run::default()).unwrap();
            for period in [8_192, 64, 1_024, 256] {
                control.set_buffer_size(period).unwrap();
                let count = stream.shared().frame_count();
                wait_for("blocks", || stream.shared().frame_count() > count + 3 * u64::from(period));
            }
            stream.stop().unwrap();
            assert!(stream.wait(Some(Duration::from_secs(20))).unwrap());
            loops(&stream, 2, format, &noise(1_000, 2, format, 12), 256);
        }
    });
}

#[test]
fn a_late_server_is_an_xrun() {
    alone("a_late_server_is_an_xrun", || {
        let server = Server::start();
        let stream = duplex(2, SampleFormat::Float32);
        let _told = record(&stream);
        server.signal("-STOP");
        let count = stream.shared().frame_count();
        thread::sleep(Duration::from_millis(300));
        assert!(stream.shared().frame_count() <= count + 512);
        server.signal("-CONT");
        wait_for("an xrun", || stream.shared().xruns() > 0);
        wait_for("blocks", || stream.shared().frame_count() > count + 1_000);
        stream.stop().unwrap();
        assert!(stream.wait(Some(Duration::from_secs(20))).unwrap());
        let recorded = stream.take_recording().unwrap().len() as u64;
        assert_eq!(recorded, stream.shared().frame_count() * 8);
    });
}

/// What a block told: its frames, those before it that were lost, and xruns.
type Told = Arc<Mutex<Vec<(usize, u64, Xruns)>>>;

/// Takes too long for block 20, and ends with block 40.
struct Late(Told);

impl Process for Late {
    fn process(&mut self, block: Block<'_>, _wire: Option<&mut dyn Wire>) -> Flow {
        let mut told = self.0.lock().expect("nobody panics");
        told.push((block.frames, block.skipped, block.xruns));
        if told.len() == 20 {
            thread::sleep(Duration::from_millis(100));
        }
        if told.len() < 40 { Flow::Continue } else { Flow::Complete }
    }

    fn wait_ready(&mut self, frames: usize) -> usize {
        frames
    }

    fn device_lost(&mut self) {
        self.0.lock().expect("nobody panics").clear();
    }
}

/// Plays full scale and keeps the peak of each block it records.
struct Ones(Arc<Mutex<Vec<f32>>>);

impl Process for Ones {
    fn process(&mut self, block: Block<'_>, _wire: Option<&mut dyn Wire>) -> Flow {
        for sample in block.output.chunks_exact_mut(4) {
            sample.copy_from_slice(&1_f32.to_ne_bytes());
        }
        let samples =
            block.input.chunks_exact(4).map(|bytes| f32::from_ne_bytes(bytes.try_into().expect("four")));
        self.0.lock().expect("nobody panics").push(samples.fold(0.0, f32::max));
        Flow::Continue
    }

    fn wait_ready(&mut self, frames: usize) -> usize {
        frames
    }

    fn device_lost(&mut self) {}
}

#[test]
fn what_a_device_was_stopped_in_is_not_in_its_next_run() {
    alone("what_a_device_was_stopped_in_is_not_in_its_next_run", || {
        let _server = Server::start();
        let side = Some(Side::default());
        let request = Request { id: LOOP.to_owned(), playback: side, recording: side, ..Request::default() };
        let mut device = device::open(&request).unwrap();
        device.finish();
        for _run in 0..20 {
            let peaks = Arc::new(Mutex::new(Vec::new()));
            device.start(Box::new(Ones(Arc::clone(&peaks)))).unwrap();
            wait_for("some blocks", || peaks.lock().unwrap().len() > 3);
            device.stop();
            // The process is back and dropped.
            assert_eq!(Arc::strong_count(&peaks), 1);
            assert_eq!(peaks.lock().unwrap()[..2], [0.0, 1.0]);
        }
    });
}

#[test]
fn a_late_stream_is_told_what_it_lost() {
    alone("a_late_stream_is_told_what_it_lost", || {
        let _server = Server::start();
        let side = Some(Side::default());
        let request = Request { id: LOOP.to_owned(), playback: side, recording: side, ..Request::default() };
        let mut device = device::open(&request).unwrap();
        for _run in 0..2 {
            let told = Told::default();
            device.start(Box::new(Late(Arc::clone(&told)))).unwrap();
            let again = device.start(Box::new(Late(Told::default()))).unwrap_err();
            assert_eq!(again.kind(), ErrorKind::StreamState);
            device.finish();
            let told = told.lock().unwrap();
            assert_eq!(told.len(), 40);
            // 100 ms are 18.75 periods, of which one is the block's own; a busy server clocks fewer.
            let (_, skipped, xruns) = told[20];
            assert!(skipped >= 8 * 256 && skipped % 256 == 0, "{told:?}");
            assert!(xruns.contains(Xruns::INPUT_OVERFLOW | Xruns::OUTPUT_UNDERFLOW), "{told:?}");
            let clocked: u64 = told.iter().map(|&(frames, skipped, _)| frames as u64 + skipped).sum();
            assert_eq!(device.time(), clocked as f64 / 48_000.0);
        }
    });
}
