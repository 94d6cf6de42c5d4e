//! The device over a host that is a test, called step by step.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use pastream_rt::{Block, Flow, Wire, Xruns};

use super::{
    device::{Driver, HostDevice},
    found::{Buffer, Caps, Found},
    run::{Fault, Faults, Moment, Run},
    settings::Settings,
};
use crate::{
    Error, ErrorKind, Result, SampleFormat,
    backend::{Device, Latency, Process, Request, Side},
};

const RATE: u32 = 48_000;

/// A host whose audio thread is the test's.
#[derive(Clone, Default)]
struct Bench {
    run: Arc<Mutex<Option<Run>>>,
    refuses: bool,
    gone: Arc<AtomicBool>,
}

/// Drops what it runs with itself, as cpal does.
struct Running(Arc<Mutex<Option<Run>>>);

impl Drop for Running {
    fn drop(&mut self) {
        *self.0.lock().unwrap() = None;
    }
}

impl Driver for Bench {
    type Stream = Running;

    fn start(&self, _: &Settings, run: Run) -> Result<Running> {
        if self.refuses {
            return Err(Error::new(ErrorKind::DeviceBusy, "it is busy"));
        }
        *self.run.lock().unwrap() = Some(run);
        Ok(Running(Arc::clone(&self.run)))
    }

    fn present(&self, _: &Settings) -> bool {
        !self.gone.load(Relaxed)
    }
}

impl Bench {
    /// Asks for `frames` at second `at`, to be heard `lag` seconds later.
    fn play(&self, output: &mut [u8], at: f64, lag: f64) {
        if let Some(run) = &mut *self.run.lock().unwrap() {
            run.play(output, moment(at, lag));
        }
    }

    fn record(&self, input: &[u8], at: f64, lag: f64) {
        if let Some(run) = &mut *self.run.lock().unwrap() {
            run.record(input, moment(at, -lag));
        }
    }

    fn faults(&self) -> Faults {
        self.run.lock().unwrap().as_ref().unwrap().faults.clone()
    }
}

fn moment(at: f64, lag: f64) -> Moment {
    let nanoseconds = |seconds: f64| ((1000.0 + seconds) * 1e9).round() as u128;
    Moment { callback: nanoseconds(at), device: nanoseconds(at + lag) }
}

/// What a process sees and does.
#[derive(Debug, PartialEq)]
enum Seen {
    Block { frames: usize, input: Vec<u8>, xruns: Xruns, skipped: u64, input_lag: i64, output_lag: i64 },
    Lost,
    Dropped,
}

/// Plays a count in bytes, tells what it sees, and answers what it is told to.
struct Probe {
    seen: Sender<Seen>,
    count: u8,
    flow: Box<dyn FnMut(usize) -> Flow + Send>,
    blocks: usize,
}

impl Process for Probe {
    fn process(&mut self, block: Block<'_>, _: Option<&mut dyn Wire>) -> Flow {
        for byte in block.output {
            self.count = self.count.wrapping_add(1);
            *byte = self.count;
        }
        let milliseconds = |seconds: f64| (seconds * 1e3).round() as i64;
        let _ = self.seen.send(Seen::Block {
            frames: block.frames,
            input: block.input.to_vec(),
            xruns: block.xruns,
            skipped: block.skipped,
            input_lag: milliseconds(block.times.current - block.times.input),
            output_lag: milliseconds(block.times.output - block.times.current),
        });
        self.blocks += 1;
        (self.flow)(self.blocks)
    }

    fn wait_ready(&mut self, frames: usize) -> usize {
        frames
    }

    fn device_lost(&mut self) {
        let _ = self.seen.send(Seen::Lost);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.seen.send(Seen::Dropped);
    }
}

fn caps(channels: usize, configs: &[(u32, SampleFormat)]) -> Caps {
    Caps {
        channels,
        default_rate: RATE,
        configs: configs.iter().map(|&(rate, format)| (rate..=rate, format)).collect(),
        buffer: Buffer::Period(480),
    }
}

fn found(caps: &Caps) -> Found {
    Found {
        key: "{1}".to_owned(),
        name: "Card".to_owned(),
        loopback: false,
        playback: Some(caps.clone()),
        recording: Some(caps.clone()),
        is_default_output: true,
        is_default_input: false,
    }
}

fn request(plays: bool, side: Side) -> Request {
    Request {
        id: "wasapi:{1}".to_owned(),
        playback: Some(side).filter(|_| plays),
        recording: Some(side).filter(|_| !plays),
        latency: Latency::Low,
        ..Request::default()
    }
}

fn side(channels: usize, format: SampleFormat) -> Side {
    Side { channels: Some(channels), format: Some(format) }
}

fn open(bench: &Bench, caps: &Caps, request: &Request) -> HostDevice<Bench> {
    let found = found(caps);
    let settings = Settings::new(&found, request).unwrap();
    let opened = settings.opened(&found, "wasapi");
    HostDevice::new(bench.clone(), settings, opened, true)
}

type Told = Receiver<Seen>;

fn probe(flow: impl FnMut(usize) -> Flow + Send + 'static) -> (Box<Probe>, Told) {
    let (seen, told) = channel();
    (Box::new(Probe { seen, count: 0, flow: Box::new(flow), blocks: 0 }), told)
}

/// A device of two int16 channels that plays, and what its process, which answers with `flow`, sees.
fn playing(flow: impl FnMut(usize) -> Flow + Send + 'static) -> (Bench, HostDevice<Bench>, Told) {
    let bench = Bench::default();
    let caps = caps(2, &[(RATE, SampleFormat::Int16)]);
    let mut device = open(&bench, &caps, &request(true, side(2, SampleFormat::Int16)));
    let (process, told) = probe(flow);
    device.start(process).unwrap();
    (bench, device, told)
}

#[test]
fn the_same_layout_passes_as_it_is() {
    let (bench, mut device, told) = playing(|_| Flow::Continue);
    let mut output = [0; 12];
    bench.play(&mut output, 0.0, 0.02);
    assert_eq!(output, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    assert_eq!((device.time() * f64::from(RATE)).round(), 3.0);
    assert_eq!(device.realtime(), Some(true));
    bench.faults().tell(Fault::Denied);
    assert_eq!(device.realtime(), Some(false));
    device.stop();
    let block = Seen::Block {
        frames: 3,
        input: vec![],
        xruns: Xruns::NONE,
        skipped: 0,
        input_lag: 0,
        output_lag: 20,
    };
    assert_eq!(told.iter().collect::<Vec<_>>(), [block, Seen::Dropped]);
}

#[test]
fn a_device_of_more_channels_keeps_the_others_silent() {
    let bench = Bench::default();
    let caps = caps(3, &[(RATE, SampleFormat::Uint8)]);
    for (channels, heard) in
        [(1, [1, 1, 128, 2, 2, 128]), (2, [1, 2, 128, 3, 4, 128]), (3, [1, 2, 3, 4, 5, 6])]
    {
        let mut device = open(&bench, &caps, &request(true, side(channels, SampleFormat::Uint8)));
        device.start(probe(|_| Flow::Continue).0).unwrap();
        let mut output = [128; 6];
        bench.play(&mut output, 0.0, 0.0);
        assert_eq!(output, heard);
    }
    let mut device = open(&bench, &caps, &request(false, side(2, SampleFormat::Uint8)));
    let (process, told) = probe(|_| Flow::Continue);
    device.start(process).unwrap();
    bench.record(&[1, 2, 3, 4, 5, 6], 0.5, 0.01);
    let Ok(Seen::Block { frames, input, input_lag, .. }) = told.recv() else { panic!("a block is due") };
    assert_eq!((frames, input, input_lag), (2, vec![1, 2, 4, 5], 10));
}

#[test]
fn an_int24_of_the_device_takes_four_bytes() {
    let bench = Bench::default();
    let caps = caps(1, &[(RATE, SampleFormat::Int24)]);
    let mut device = open(&bench, &caps, &request(false, side(1, SampleFormat::Int24)));
    let (process, told) = probe(|_| Flow::Continue);
    device.start(process).unwrap();
    let samples = [-8_388_608_i32, -1, 0, 8_388_607];
    bench.record(bytemuck::bytes_of(&samples), 0.0, 0.0);
    let Ok(Seen::Block { input, .. }) = told.recv() else { panic!("a block is due") };
    assert_eq!(input, [0, 0, 0x80, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0xFF, 0xFF, 0x7F]);
    drop(device);

    let mut device = open(&bench, &caps, &request(true, side(1, SampleFormat::Int24)));
    device.start(probe(|_| Flow::Continue).0).unwrap();
    let mut output = [0; 4 * 200];
    bench.play(&mut output, 0.0, 0.0);
    assert_eq!(output[..8], [1, 2, 3, 0, 4, 5, 6, 0]);
    // 130 is beyond 127.
    assert_eq!(output[43 * 4..][..4], [130, 131, 132, 0xFF]);
}

#[test]
fn a_long_block_runs_in_parts() {
    let bench = Bench::default();
    let caps = caps(2, &[(RATE, SampleFormat::Int8)]);
    let mut device = open(&bench, &caps, &request(false, side(1, SampleFormat::Int8)));
    let (process, told) = probe(|_| Flow::Continue);
    device.start(process).unwrap();
    bench.faults().tell(Fault::Xrun);
    bench.record(&vec![7; 2 * 10_000], 0.0, 0.0);
    device.stop();
    let blocks: Vec<_> = told
        .iter()
        .filter_map(|seen| match seen {
            Seen::Block { frames, xruns, input_lag, .. } => Some((frames, xruns, input_lag)),
            _ => None,
        })
        .collect();
    // The first frame of each part reached the device so much later.
    let expected = [(4096, Xruns::INPUT_OVERFLOW, 0), (4096, Xruns::NONE, -85), (1808, Xruns::NONE, -171)];
    assert_eq!(blocks, expected);
}

#[test]
fn completed_it_plays_out_what_it_holds_and_stops_by_itself() {
    let (bench, mut device, told) = playing(|block| if block == 2 { Flow::Complete } else { Flow::Continue });
    let began = Instant::now();
    for block in 0..4 {
        let mut output = [0; 4 * 480];
        bench.play(&mut output, f64::from(block) * 0.01, 0.05);
        assert_eq!(output != [0; 4 * 480], block < 2, "nothing is asked of a process that ended");
    }
    device.finish();
    // The lag of the last block and its own length.
    assert!(began.elapsed() >= Duration::from_millis(60));
    assert!(bench.run.lock().unwrap().is_none());
    assert_eq!(told.iter().filter(|seen| matches!(seen, Seen::Block { .. })).count(), 2);
    device.start(probe(|_| Flow::Continue).0).unwrap();
}

#[test]
fn aborted_it_stops_at_once() {
    let (bench, mut device, told) = playing(|_| Flow::Abort);
    bench.play(&mut [0; 4], 0.0, 3600.0);
    device.finish();
    assert_eq!(told.iter().last(), Some(Seen::Dropped));
}

#[test]
fn a_device_is_lost_once() {
    let (bench, mut device, told) = playing(|_| Flow::Continue);
    bench.play(&mut [0; 4], 0.0, 0.0);
    let faults = bench.faults();
    faults.tell(Fault::Lost);
    faults.tell(Fault::Lost);
    device.finish();
    let seen: Vec<_> = told.iter().skip(1).collect();
    assert_eq!(seen, [Seen::Lost, Seen::Dropped]);

    // Not after the end.
    let (bench, mut device, told) = playing(|_| Flow::Complete);
    bench.play(&mut [0; 4], 0.0, 3600.0);
    bench.faults().tell(Fault::Lost);
    device.finish();
    assert_eq!(told.iter().skip(1).collect::<Vec<_>>(), [Seen::Dropped]);
}

#[test]
fn a_device_that_falls_silent_is_asked_for() {
    let (bench, mut device, told) = playing(|_| Flow::Continue);
    bench.gone.store(true, Relaxed);
    device.finish();
    assert_eq!(told.iter().collect::<Vec<_>>(), [Seen::Lost, Seen::Dropped]);
}

#[test]
fn a_process_that_panics_has_lost_its_device() {
    let (bench, mut device, told) = playing(|_| panic!("expected in this test"));
    bench.play(&mut [0; 4], 0.0, 0.0);
    device.finish();
    assert_eq!(told.iter().skip(1).collect::<Vec<_>>(), [Seen::Lost, Seen::Dropped]);
}

#[test]
fn lost_frames_are_told_with_an_xrun() {
    let (bench, mut device, told) = playing(|_| Flow::Continue);
    for block in 0..100 {
        let pause = if block < 50 { 0.0 } else { 0.3 };
        bench.play(&mut [0; 4 * 480], f64::from(block) * 0.01 + pause, 0.02);
    }
    assert_eq!((device.time() * 100.0).round(), 130.0);
    device.stop();
    let gaps: Vec<_> = told
        .iter()
        .filter_map(|seen| match seen {
            Seen::Block { skipped: 0, .. } | Seen::Lost | Seen::Dropped => None,
            Seen::Block { skipped, xruns, .. } => Some((skipped, xruns)),
        })
        .collect();
    assert_eq!(gaps, [(14_400, Xruns::OUTPUT_UNDERFLOW)]);
}

#[test]
fn a_stream_that_is_refused_gives_the_process_back() {
    let bench = Bench { refuses: true, ..Bench::default() };
    let caps = caps(2, &[(RATE, SampleFormat::Int16)]);
    let mut device = open(&bench, &caps, &request(true, side(2, SampleFormat::Int16)));
    let (process, told) = probe(|_| Flow::Continue);
    assert_eq!(device.start(process).unwrap_err().kind(), ErrorKind::DeviceBusy);
    assert_eq!(told.iter().collect::<Vec<_>>(), [Seen::Dropped]);

    let (_bench, mut device, told) = playing(|_| Flow::Continue);
    let error = device.start(probe(|_| Flow::Continue).0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StreamState);
    drop(device);
    assert_eq!(told.iter().collect::<Vec<_>>(), [Seen::Dropped]);
}

#[test]
fn a_host_that_panics_is_an_error() {
    #[derive(Clone)]
    struct Broken;

    impl Driver for Broken {
        type Stream = ();

        fn start(&self, _: &Settings, _: Run) -> Result<()> {
            panic!("expected in this test")
        }

        fn present(&self, _: &Settings) -> bool {
            true
        }
    }

    let found = found(&caps(2, &[(RATE, SampleFormat::Int16)]));
    let settings = Settings::new(&found, &request(true, Side::default())).unwrap();
    let opened = settings.opened(&found, "wasapi");
    let mut device = HostDevice::new(Broken, settings, opened, false);
    let started = catch_unwind(AssertUnwindSafe(|| device.start(probe(|_| Flow::Continue).0)));
    assert_eq!(started.unwrap().unwrap_err().kind(), ErrorKind::HostUnavailable);
    assert_eq!(device.realtime(), None);
}

#[test]
fn blocks_of_a_fixed_size_and_of_another_format() {
    let bench = Bench::default();
    let caps = caps(1, &[(RATE, SampleFormat::Float32)]);
    let request = Request { block_size: Some(64), ..request(false, side(1, SampleFormat::Int16)) };
    let mut device = open(&bench, &caps, &request);
    assert_eq!(device.opened().block_size, 64);
    let (process, told) = probe(|_| Flow::Continue);
    device.start(process).unwrap();
    let input: Vec<f32> = (0..160_u8).map(|sample| f32::from(sample) / 32_768.0).collect();
    bench.record(bytemuck::cast_slice(&input[..100]), 0.0, 0.0);
    bench.record(bytemuck::cast_slice(&input[100..]), 0.01, 0.0);
    device.stop();
    let blocks: Vec<_> = told
        .iter()
        .filter_map(|seen| if let Seen::Block { input, .. } = seen { Some(input) } else { None })
        .collect();
    let expected = |range: std::ops::Range<i16>| range.flat_map(i16::to_ne_bytes).collect::<Vec<_>>();
    assert_eq!(blocks, [expected(0..64), expected(64..128)]);
}

#[test]
fn what_is_asked_is_had_or_refused_with_what_there_is() {
    let mut found = found(&caps(
        2,
        &[(44_100, SampleFormat::Int16), (RATE, SampleFormat::Float32), (RATE, SampleFormat::Int32)],
    ));
    found.recording = None;
    let settings = |request: &Request| Settings::new(&found, request);
    let asked =
        |rate, format| Request { sample_rate: rate, ..request(true, Side { channels: None, format }) };
    for (rate, format, device_format) in [
        (None, None, SampleFormat::Float32),
        (None, Some(SampleFormat::Int16), SampleFormat::Float32),
        (None, Some(SampleFormat::Int24), SampleFormat::Float32),
        (None, Some(SampleFormat::Int32), SampleFormat::Int32),
        (Some(44_100), Some(SampleFormat::Float32), SampleFormat::Int16),
    ] {
        let settings = settings(&asked(rate, format)).unwrap();
        assert_eq!(settings.device_format, device_format);
        assert_eq!(settings.format, format.unwrap_or_default());
        assert_eq!((settings.sample_rate, settings.channels), (rate.unwrap_or(RATE), 2));
    }
    let refused = |request: &Request| {
        let error = settings(request).unwrap_err();
        (error.kind(), error.message().to_owned())
    };
    for (request, kind, message) in [
        (asked(Some(50_000), None), ErrorKind::UnsupportedConfig, "takes 44100, 48000 Hz, not 50000"),
        (asked(Some(0), None), ErrorKind::InvalidArgument, "rate: 0"),
        (
            request(true, side(3, SampleFormat::Int16)),
            ErrorKind::UnsupportedConfig,
            "has 1 to 2 channels, not 3",
        ),
        (request(false, Side::default()), ErrorKind::UnsupportedConfig, "does not record: choose an input"),
        (
            Request { recording: Some(Side::default()), ..asked(None, None) },
            ErrorKind::UnsupportedConfig,
            "one direction at a time",
        ),
        (Request::default(), ErrorKind::InvalidArgument, "plays, records or does both"),
        (
            Request { latency: Latency::Seconds(f64::NAN), ..asked(None, None) },
            ErrorKind::InvalidArgument,
            "latency",
        ),
        (
            Request { block_size: Some(1 << 20), ..asked(None, None) },
            ErrorKind::UnsupportedConfig,
            "has blocks of 1 to 65536 frames",
        ),
    ] {
        let (refused_kind, refused_message) = refused(&request);
        assert_eq!(refused_kind, kind);
        assert!(refused_message.contains(message), "{refused_message}");
    }
    let latency = |latency| {
        let settings = settings(&Request { latency, ..asked(None, None) }).unwrap();
        (settings.buffer, settings.opened(&found, "wasapi").playback.unwrap().latency)
    };
    assert_eq!(latency(Latency::Low), (None, 0.02));
    assert_eq!(latency(Latency::High), (Some(4800), 0.1));
    assert_eq!(latency(Latency::Seconds(0.5)), (Some(24_000), 0.5));
}

#[test]
fn where_the_host_calls_for_what_is_asked_two_blocks_are_the_latency() {
    let buffer = Buffer::Block(16..=1024);
    for (seconds, size, latency) in
        [(None, 256, 512.0), (Some(0.02), 480, 960.0), (Some(0.0), 16, 32.0), (Some(1.0), 1024, 2048.0)]
    {
        assert_eq!(buffer.size(seconds, RATE), Some(size));
        assert_eq!(buffer.latency(Some(size), RATE, RATE), latency / f64::from(RATE));
    }
}

#[test]
fn a_loopback_device_has_an_id_of_its_own_and_the_same_clock() {
    let caps = caps(2, &[(RATE, SampleFormat::Float32)]);
    let mut found = found(&caps);
    let info = found.info("wasapi");
    assert_eq!((info.id.as_str(), info.max_input_channels, info.max_output_channels), ("wasapi:{1}", 2, 2));
    assert_eq!((info.sample_rates, info.formats), (vec![RATE..=RATE], vec![SampleFormat::Float32]));
    assert_eq!((info.default_low_output_latency, info.default_high_input_latency), (0.02, 0.1));
    assert!(info.is_default_output && !info.is_default_input);
    let clock = |found: &Found| {
        Settings::new(found, &request(false, Side::default())).unwrap().opened(found, "wasapi").clock
    };
    let own = clock(&found);
    (found.loopback, found.playback) = (true, None);
    assert_eq!(found.info("wasapi").id, "wasapi:loopback:{1}");
    assert_eq!(clock(&found), own);

    // What it lacks is silence, so no xrun is told of.
    let bench = Bench::default();
    let settings = Settings::new(&found, &request(false, side(2, SampleFormat::Float32))).unwrap();
    let opened = settings.opened(&found, "wasapi");
    let mut device = HostDevice::new(bench.clone(), settings, opened, true);
    let (process, told) = probe(|_| Flow::Continue);
    device.start(process).unwrap();
    for block in 0..60 {
        let pause = if block < 50 { 0.0 } else { 1.0 };
        bench.record(&[0; 8 * 480], f64::from(block) * 0.01 + pause, 0.0);
    }
    drop(device);
    let gap = told.iter().find(|seen| matches!(seen, Seen::Block { skipped: 1.., .. }));
    let Some(Seen::Block { skipped: 48_000, xruns: Xruns::NONE, .. }) = gap else { panic!("{gap:?}") };
}

#[test]
fn default_devices_come_first_and_loopbacks_last() {
    let caps = caps(2, &[(RATE, SampleFormat::Float32)]);
    let named = |name: &str, loopback, is_default_output, is_default_input| Found {
        name: name.to_owned(),
        loopback,
        is_default_output,
        is_default_input,
        ..found(&caps)
    };
    let mut devices = [
        named("a", true, false, false),
        named("c", false, false, false),
        named("d", false, false, true),
        named("b", false, false, false),
        named("e", false, true, false),
    ];
    devices.sort_by(|a, b| a.rank().cmp(&b.rank()));
    assert_eq!(devices.map(|device| device.name).concat(), "edbca");
}
