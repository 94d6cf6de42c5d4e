//! ALSA over its plug-ins: into a file, and into PulseAudio's null sink and back.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a step that cannot go on fails its test")]

mod rig;

use std::{
    fs,
    io::Read,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use pastream::{
    ErrorKind, SampleFormat,
    backend::{Device, Latency, Process, Request, Side},
    device,
    sink::Sink,
    source::Source,
    stream::{self, Outcome, Run, SideConfig, Stream, StreamConfig, StreamEvent},
};
use pastream_rt::{Block, Flow, Times, Wire, Xruns};
use rig::{With, run, signal_server};

const RATE: usize = 48_000;

fn side(channels: usize, format: SampleFormat) -> SideConfig {
    SideConfig { channels: Some(channels), format: Some(format), ..SideConfig::default() }
}

/// With as much in hand as a server needs that other tests keep from running.
fn player(device: &str, format: SampleFormat) -> StreamConfig {
    StreamConfig {
        device: device.to_owned(),
        sample_rate: Some(RATE as u32),
        playback: Some(side(2, format)),
        latency: Latency::Seconds(0.5),
        ..StreamConfig::default()
    }
}

fn recorder(device: &str, format: SampleFormat) -> StreamConfig {
    let recording = Some(side(2, format));
    StreamConfig { playback: None, recording, latency: Latency::High, ..player(device, format) }
}

/// Frames of two int16 that all differ, none of them silence.
fn ramp(frames: usize) -> Vec<u8> {
    let frame = |n: usize| [(n % 32_767) as i16 + 1, -((n / 32_767) as i16) - 1];
    (0..frames).flat_map(frame).flat_map(i16::to_ne_bytes).collect()
}

fn play(stream: &Stream, frames: &[u8]) {
    stream.set_source(Some(Source::Buffer { frames: Arc::from(frames), looped: false })).unwrap();
    stream.start(&Run { pad: Some(0), ..Run::default() }).unwrap();
    assert!(stream.wait(Some(Duration::from_secs(30))).unwrap());
    assert_eq!(stream.shared().outcome(), Outcome::Finished);
}

/// Begins a recording that is longer than all that is played meanwhile.
fn record(stream: &Stream) {
    stream.set_sinks(vec![Sink::Buffer { frames: 3 * RATE }]).unwrap();
    stream.start(&Run { frames: Some(3 * RATE as u64), ..Run::default() }).unwrap();
}

fn taken(stream: &Stream) -> Vec<u8> {
    assert!(stream.wait(Some(Duration::from_secs(30))).unwrap());
    stream.take_recording().unwrap()
}

#[test]
fn nothing_is_listed_and_nothing_said_where_there_is_no_card() {
    let test = "nothing_is_listed_and_nothing_said_where_there_is_no_card";
    let output = run(test, With::Nothing, |_| {
        let host = device::hosts().into_iter().find(|host| host.name == "alsa").unwrap();
        assert_eq!(host.unavailable, None);
        for device in device::devices() {
            // A card may be in the machine; a server is not.
            assert!(!["alsa:pulse", "alsa:null", "alsa:jack"].contains(&&device.id[..]), "{device:?}");
        }
        let error = Stream::open(player("alsa:pulse", SampleFormat::Int16)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::HostUnavailable, "{error}");
        assert!(error.message().contains("does not answer"), "{error}");
        let error = Stream::open(recorder("alsa:hw:CARD=Nobody,DEV=0", SampleFormat::Int16)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::DeviceNotFound, "{error}");
        let cards = fs::read_to_string("/proc/asound/cards").unwrap_or_default();
        if !cards.contains('[') {
            assert!(error.message().contains("no sound card (/proc/asound/cards"), "{error}");
            let error = device::find("alsa", stream::Side::Playback).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::HostUnavailable);
            assert!(error.message().contains("no sound card (/proc/asound/cards"), "{error}");
        }
    });
    if let Some(output) = output {
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn devices_are_listed_with_what_they_can() {
    let test = "devices_are_listed_with_what_they_can";
    let output = run(test, With::Server, |_| {
        let first = Instant::now();
        let devices = device::devices();
        let first = first.elapsed();
        let default = devices.iter().find(|device| device.id == "alsa:default").unwrap();
        assert!(default.is_default_output && default.is_default_input, "{default:?}");
        assert!(default.max_output_channels >= 2 && default.max_input_channels >= 2, "{default:?}");
        assert!(default.sample_rates.iter().any(|rates| rates.contains(&44_100)), "{default:?}");
        assert!(default.formats.contains(&SampleFormat::Int16), "{default:?}");
        let mine = devices.iter().find(|device| device.id == "alsa:mine").unwrap();
        assert_eq!(mine.name, "My own device");
        assert_eq!(device::find("my OWN", stream::Side::Playback).unwrap().id, "alsa:mine");
        // What ALSA goes by is there itself.
        assert_eq!(device::find("default", stream::Side::Playback).unwrap().id, "pulse:loop");
        assert_eq!(device::find("ALSA", stream::Side::Playback).unwrap().id, "alsa:default");
        for noise in ["alsa:null", "alsa:jack", "alsa:samplerate", "alsa:upmix"] {
            assert!(devices.iter().all(|device| device.id != noise), "{noise}");
        }
        // Nothing is opened again.
        let again = Instant::now();
        assert_eq!(device::devices(), devices);
        println!("listed in {first:?}, again in {:?}", again.elapsed());
    });
    if let Some(output) = output {
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn what_is_played_is_recorded_bit_for_bit_to_its_last_frame() {
    let test = "what_is_played_is_recorded_bit_for_bit_to_its_last_frame";
    run(test, With::Server, |_| {
        let recorder = Stream::open(recorder("alsa:default", SampleFormat::Int16)).unwrap();
        assert_eq!(recorder.opened().id, "alsa:default");
        let player = Stream::open(player("alsa:default", SampleFormat::Int16)).unwrap();
        let sent = ramp(RATE);
        for _again in 0..2 {
            record(&recorder);
            play(&player, &sent);
            let taken = taken(&recorder);
            assert_eq!(recorder.shared().xruns(), 0);
            assert_eq!(player.shared().xruns(), 0);
            let start = taken.chunks(4).position(|frame| frame != [0; 4]).unwrap();
            let end = taken.chunks(4).rposition(|frame| frame != [0; 4]).unwrap() + 1;
            println!("{} to {} of {}", start, end, taken.len() / 4);
            assert_eq!(end - start, RATE);
            assert!(taken[4 * start..4 * end] == sent);
        }
    });
}

#[test]
fn every_format_gets_to_a_file_byte_for_byte_from_its_first_frame() {
    let test = "every_format_gets_to_a_file_byte_for_byte_from_its_first_frame";
    run(test, With::Plugins, |folder| {
        for format in SampleFormat::ALL {
            for (latency, block_size) in [
                (Latency::High, None),
                (Latency::Low, None),
                (Latency::Low, Some(100)),
                (Latency::Seconds(0.05), Some(7)),
            ] {
                let stream =
                    Stream::open(StreamConfig { latency, block_size, ..player("alsa:tofile", format) })
                        .unwrap();
                let opened = stream.opened();
                assert_eq!(opened.playback.unwrap().format, format);
                assert_eq!(opened.clock, None);
                if let Some(size) = block_size {
                    assert_eq!(opened.block_size, size);
                }
                let block = opened.block_size;
                let sent: Vec<u8> = ramp(2_500).into_iter().cycle().take(5_000 * 2 * format.size()).collect();
                play(&stream, &sent);
                stream.close().unwrap();
                drop(stream);
                let written = fs::read(folder.join("played")).unwrap();
                assert!(written.len() >= sent.len(), "{format} {block_size:?}: {}", written.len());
                assert!(written[..sent.len()] == sent, "{format} {block_size:?}");
                // The block that it ended in is filled up.
                let rest = &written[sent.len()..];
                assert!(rest.iter().all(|&byte| byte == format.silence()), "{format} {block_size:?} {block}");
                fs::remove_file(folder.join("played")).unwrap();
            }
        }
    });
}

#[test]
fn what_a_device_has_not_is_converted_or_told() {
    let test = "what_a_device_has_not_is_converted_or_told";
    run(test, With::Server, |_| {
        // PulseAudio has no int8: its uint8 stands in.
        let recorder = Stream::open(recorder("alsa:mine", SampleFormat::Int16)).unwrap();
        let player_of = |device: &str| Stream::open(player(device, SampleFormat::Int8));
        let stream = player_of("alsa:unlisted").unwrap();
        assert_eq!(stream.opened().playback.unwrap().format, SampleFormat::Int8);
        record(&recorder);
        let sent: Vec<u8> = (0..2 * RATE / 4).map(|n| (n % 255) as u8 + 1).collect();
        play(&stream, &sent);
        let taken = taken(&recorder);
        let taken: Vec<_> =
            taken.chunks(2).map(|sample| i16::from_ne_bytes(sample.try_into().unwrap())).collect();
        let start = taken.iter().position(|&sample| sample != 0).unwrap();
        let wanted: Vec<_> = sent.iter().map(|&byte| i16::from(byte.cast_signed()) * 256).collect();
        assert!(taken[start..start + wanted.len()] == wanted);

        let error = player_of("alsa:nobody").err().unwrap();
        assert_eq!(error.kind(), ErrorKind::DeviceNotFound);
        for words in ["no device `alsa:nobody` that can play", "alsa:default", "-D virtual"] {
            assert!(error.message().contains(words), "{error}");
        }
        let error = player_of("alsa:only44100").err().unwrap();
        assert_eq!(error.kind(), ErrorKind::UnsupportedConfig);
        assert!(error.message().contains("takes 44100 Hz, not 48000"), "{error}");
        let config = StreamConfig { sample_rate: None, ..player("alsa:only44100", SampleFormat::Int16) };
        assert_eq!(Stream::open(config).unwrap().opened().sample_rate, 44_100);
        let config = StreamConfig {
            playback: Some(side(4_000, SampleFormat::Int16)),
            ..player("alsa:default", SampleFormat::Int16)
        };
        let error = Stream::open(config).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::UnsupportedConfig);
        assert!(error.message().contains("takes 1 to 32 channels, not 4000"), "{error}");
        let config =
            StreamConfig { block_size: Some(1_000_000), ..player("alsa:default", SampleFormat::Int16) };
        let error = Stream::open(config).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::UnsupportedConfig);
        assert!(error.message().contains("takes blocks of 1 to 65536 frames, not of 1000000"), "{error}");
        let config = StreamConfig { sample_rate: Some(1), ..player("alsa:default", SampleFormat::Int16) };
        let error = Stream::open(config).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::UnsupportedConfig);
        assert!(error.message().contains("s at 1 Hz, more than 30: ask for a higher rate"), "{error}");
    });
}

#[test]
fn a_server_that_dies_is_a_lost_device() {
    let test = "a_server_that_dies_is_a_lost_device";
    run(test, With::Server, |_| {
        let (tell, told) = mpsc::channel();
        let recorder = Stream::open(recorder("alsa:default", SampleFormat::Int16)).unwrap();
        recorder.set_sinks(vec![Sink::Buffer { frames: 60 * RATE }]).unwrap();
        let player = Stream::open(player("alsa:default", SampleFormat::Int16)).unwrap();
        let noise = Source::Buffer { frames: Arc::from(ramp(RATE)), looped: true };
        player.set_source(Some(noise)).unwrap();
        for (name, stream) in [("player", &player), ("recorder", &recorder)] {
            let tell = tell.clone();
            stream.listen(Some(Box::new(move |event| {
                if matches!(event, StreamEvent::DeviceLost) {
                    // The test may have failed already.
                    let _ = tell.send(name);
                }
            })));
            stream.start(&Run::default()).unwrap();
        }
        while recorder.shared().frame_count() < 1_000 {
            std::thread::yield_now();
        }
        signal_server("-KILL");
        let killed = Instant::now();
        for _each in 0..2 {
            let name = told.recv_timeout(Duration::from_secs(5)).unwrap();
            println!("{name} lost after {:?}", killed.elapsed());
        }
        for stream in [player, recorder] {
            let error = stream.wait(Some(Duration::from_secs(5))).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::DeviceLost);
            stream.set_source(None).unwrap_or_default();
            let error = stream.start(&Run::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::DeviceLost, "{error}");
        }
    });
}

/// What a process saw, and when, on the machine's clock.
struct Seen {
    at: Instant,
    frames: usize,
    xruns: Xruns,
    skipped: u64,
    times: Times,
    input: Vec<u8>,
}

/// Plays a ramp after some silence, or keeps what comes, for so many frames.
struct Witness {
    seen: mpsc::Sender<Seen>,
    silence: usize,
    ramp: Vec<u8>,
    frames: usize,
    position: usize,
    /// Once so many frames are sent, too much time passes.
    stall: Option<(usize, Duration)>,
}

impl Witness {
    /// Starts it on `device`. Answers what it sees.
    fn start(self, device: &mut dyn Device) -> mpsc::Receiver<Seen> {
        let (seen, saw) = mpsc::channel();
        device.start(Box::new(Self { seen, ..self })).unwrap();
        saw
    }
}

impl Default for Witness {
    fn default() -> Self {
        let seen = mpsc::channel().0;
        Self { seen, silence: 0, ramp: Vec::new(), frames: usize::MAX, position: 0, stall: None }
    }
}

impl Process for Witness {
    fn process(&mut self, block: Block<'_>, _wire: Option<&mut dyn Wire>) -> Flow {
        let at = Instant::now();
        for (n, frame) in block.output.chunks_exact_mut(4).enumerate() {
            let from = (self.position + n).checked_sub(self.silence).map(|n| 4 * n);
            frame.copy_from_slice(from.and_then(|from| self.ramp.get(from..from + 4)).unwrap_or(&[0; 4]));
        }
        if let Some((_, time)) = self.stall.take_if(|(position, _)| self.position >= *position) {
            std::thread::sleep(time);
        }
        self.position += block.frames;
        let Block { input, frames, xruns, skipped, times, .. } = block;
        let seen = Seen { at, frames, xruns, skipped, times, input: input.to_vec() };
        // The other end is there as long as the device runs.
        let _ = self.seen.send(seen);
        if self.position >= self.frames { Flow::Complete } else { Flow::Continue }
    }

    fn wait_ready(&mut self, frames: usize) -> usize {
        frames
    }

    fn device_lost(&mut self) {}
}

fn open(id: &str, playback: bool, latency: Latency) -> Box<dyn Device> {
    let side = Some(Side { channels: Some(2), format: Some(SampleFormat::Int16) });
    let (playback, recording) = if playback { (side, None) } else { (None, side) };
    let sample_rate = Some(RATE as u32);
    let id = id.to_owned();
    let request = Request { id, sample_rate, playback, recording, latency, ..Request::default() };
    device::open(&request).unwrap()
}

#[test]
fn times_put_recording_and_playback_in_line() {
    let test = "times_put_recording_and_playback_in_line";
    run(test, With::Server, |_| {
        for latency in [Latency::High, Latency::Low] {
            let (mut recorder, mut player) =
                (open("alsa:default", false, latency), open("alsa:default", true, latency));
            let period = player.opened().block_size as f64 / RATE as f64;
            let (silence, frames) = (RATE, 2 * RATE);
            let taken = Witness::default().start(&mut *recorder);
            let witness = Witness { silence, ramp: ramp(RATE / 2), frames, ..Witness::default() };
            let sent = witness.start(&mut *player);
            player.finish();
            assert!(player.time() >= frames as f64 / RATE as f64);
            recorder.stop();
            let when = |seen: &Seen, time: f64, since: Instant| {
                (seen.at - since).as_secs_f64() + time - seen.times.current
            };
            let since = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
            let mut position = 0;
            let mut leaves = 0.0;
            for seen in sent.try_iter() {
                if position <= silence {
                    leaves =
                        when(&seen, seen.times.output, since) + (silence - position) as f64 / RATE as f64;
                }
                assert!(seen.times.output >= seen.times.current);
                position += seen.frames;
            }
            let mut arrives = None;
            for seen in taken.try_iter() {
                assert!(seen.times.input <= seen.times.current);
                let first = seen.input.chunks_exact(4).position(|frame| frame != [0; 4]);
                if let (None, Some(first)) = (arrives, first) {
                    assert_eq!(seen.input[4 * first..][..4], ramp(1));
                    arrives = Some(when(&seen, seen.times.input, since) + first as f64 / RATE as f64);
                }
            }
            let off = arrives.unwrap() - leaves;
            println!("{latency:?}: a period is {period} s, off by {off} s");
            // Half a long period. With a short one a busy server is off by several.
            assert!(off.abs() < 0.02, "{latency:?}: {off} s");
        }
    });
}

#[test]
fn a_stop_is_prompt_and_the_device_starts_again() {
    let test = "a_stop_is_prompt_and_the_device_starts_again";
    run(test, With::Server, |_: &Path| {
        for playback in [true, false] {
            let mut device = open("alsa:default", playback, Latency::High);
            for _again in 0..3 {
                let saw = Witness::default().start(&mut *device);
                let error = device.start(Box::new(Witness::default()));
                assert_eq!(error.unwrap_err().kind(), ErrorKind::StreamState);
                let first = saw.recv_timeout(Duration::from_secs(10)).unwrap();
                assert!(first.times.current < 5.0 && first.times.input.abs() < 5.0, "{:?}", first.times);
                let before = Instant::now();
                device.stop();
                println!("stopped in {:?}", before.elapsed());
                assert!(before.elapsed() < Duration::from_secs(1));
                let clocked: usize = first.frames + saw.try_iter().map(|seen| seen.frames).sum::<usize>();
                assert_eq!(device.time(), clocked as f64 / RATE as f64);
                assert!(device.realtime().is_some());
            }
        }
    });
}

#[test]
fn what_an_underrun_took_is_counted_and_nothing_of_the_source_is_lost() {
    let test = "what_an_underrun_took_is_counted_and_nothing_of_the_source_is_lost";
    // The server tells the one of an underrun; for the other libasound finds out.
    let each = |id: &str| {
        let (mut recorder, mut player) =
            (open("alsa:default", false, Latency::High), open(id, true, Latency::Seconds(0.4)));
        let taken = Witness::default().start(&mut *recorder);
        let stall = Some((RATE / 2, Duration::from_millis(700)));
        let witness = Witness { ramp: ramp(RATE), frames: RATE, stall, ..Witness::default() };
        let sent = witness.start(&mut *player);
        player.finish();
        recorder.stop();
        let sent: Vec<_> = sent.try_iter().collect();
        let told: Vec<_> = sent.iter().filter(|seen| !seen.xruns.is_empty() || seen.skipped > 0).collect();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].xruns, Xruns::OUTPUT_UNDERFLOW);
        let skipped = told[0].skipped as usize;
        assert_eq!(
            player.time(),
            (sent.iter().map(|seen| seen.frames).sum::<usize>() + skipped) as f64 / RATE as f64
        );
        let taken: Vec<u8> = taken.try_iter().flat_map(|seen| seen.input).collect();
        let frames: Vec<_> = taken.chunks(4).skip_while(|frame| **frame == [0; 4]).collect();
        let wanted = ramp(RATE);
        let wanted: Vec<_> = wanted.chunks(4).collect();
        let hole = frames.iter().position(|frame| **frame == [0; 4]).unwrap();
        let length = frames[hole..].iter().position(|frame| **frame != [0; 4]).unwrap();
        println!("{skipped} frames skipped at {hole}, {length} lost");
        assert!(frames[..hole] == wanted[..hole]);
        assert!(frames[hole + length..][..RATE - hole] == wanted[hole..]);
        // The server plays silence in steps of 40 ms.
        assert!(skipped.abs_diff(length) < RATE / 25, "{skipped} for {length}");
    };
    run(test, With::Server, |_| ["alsa:underruns", "alsa:default"].into_iter().for_each(each));
}

#[test]
fn a_stall_of_the_whole_process_is_counted_and_nothing_of_the_source_is_lost() {
    let test = "a_stall_of_the_whole_process_is_counted_and_nothing_of_the_source_is_lost";
    run(test, With::Server, |_| {
        // What the process itself records would be held, too.
        let mut parec = Command::new("parec")
            .args(["--device=loop.monitor", "--rate=48000", "--channels=2", "--format=s16le", "--raw"])
            .arg("--latency-msec=20")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut output, mut first) = (parec.stdout.take().unwrap(), [0; 4]);
        output.read_exact(&mut first).unwrap();
        let reader = std::thread::spawn(move || {
            let mut taken = Vec::new();
            output.read_to_end(&mut taken).map(|_| taken).unwrap()
        });
        let mut player = open("alsa:default", true, Latency::High);
        let witness = Witness { ramp: ramp(2 * RATE), frames: 2 * RATE, ..Witness::default() };
        let sent = witness.start(&mut *player);
        let mut seen = Vec::new();
        while seen.iter().map(|seen: &Seen| seen.frames).sum::<usize>() < RATE {
            seen.push(sent.recv_timeout(Duration::from_secs(10)).unwrap());
        }
        let hold = format!("kill -STOP {0}; sleep 1; kill -CONT {0}", std::process::id());
        assert!(Command::new("sh").args(["-c", &hold]).status().unwrap().success());
        player.finish();
        // What left the sink has been recorded, but not read yet.
        std::thread::sleep(Duration::from_millis(500));
        parec.kill().unwrap();
        parec.wait().unwrap();
        let taken = reader.join().unwrap();
        seen.extend(sent.try_iter());
        let told: Vec<_> = seen.iter().filter(|seen| !seen.xruns.is_empty() || seen.skipped > 0).collect();
        assert!(told.iter().all(|seen| seen.xruns == Xruns::OUTPUT_UNDERFLOW));
        let skipped: u64 = told.iter().map(|seen| seen.skipped).sum();
        let sound: Vec<_> = taken.chunks_exact(4).skip_while(|frame| *frame == [0; 4]).collect();
        let end = sound.iter().rposition(|frame| *frame != [0; 4]).unwrap() + 1;
        let heard: Vec<_> = sound[..end].iter().filter(|frame| **frame != [0; 4]).copied().collect();
        assert!(heard.concat() == ramp(2 * RATE), "{} frames were heard", heard.len());
        println!("{skipped} frames skipped, {} were", end - heard.len());
        assert!(skipped.abs_diff((end - heard.len()) as u64) < RATE as u64 / 10);
    });
}

#[test]
fn a_server_that_hangs_is_a_lost_device_and_holds_nobody_up() {
    let test = "a_server_that_hangs_is_a_lost_device_and_holds_nobody_up";
    run(test, With::Server, |_| {
        let recorder = Stream::open(recorder("alsa:default", SampleFormat::Int16)).unwrap();
        recorder.set_sinks(vec![Sink::Buffer { frames: 60 * RATE }]).unwrap();
        let player = Stream::open(player("alsa:default", SampleFormat::Int16)).unwrap();
        let noise = Source::Buffer { frames: Arc::from(ramp(RATE)), looped: true };
        player.set_source(Some(noise)).unwrap();
        for stream in [&player, &recorder] {
            stream.start(&Run::default()).unwrap();
            while stream.shared().frame_count() < 1_000 {
                std::thread::yield_now();
            }
        }
        signal_server("-STOP");
        let stopped = Instant::now();
        for stream in [&recorder, &player] {
            let error = stream.wait(Some(Duration::from_secs(20))).unwrap_err();
            println!("{error} ({:?})", stopped.elapsed());
            assert_eq!(error.kind(), ErrorKind::DeviceLost);
            assert_eq!(stream.start(&Run::default()).unwrap_err().kind(), ErrorKind::DeviceLost);
        }
        assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
        let begun = Instant::now();
        drop((player, recorder));
        println!("closed in {:?}", begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(5));
        let begun = Instant::now();
        let devices = device::devices();
        println!("listed in {:?}", begun.elapsed());
        let server = ["alsa:default", "alsa:mine"];
        assert!(devices.iter().all(|device| !server.contains(&&device.id[..])), "{devices:?}");
        assert!(begun.elapsed() < Duration::from_secs(8));
        let error = Stream::open(self::player("alsa:default", SampleFormat::Int16)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::HostUnavailable, "{error}");
        signal_server("-CONT");
        while device::devices().iter().all(|device| device.id != "alsa:default") {
            assert!(begun.elapsed() < Duration::from_secs(60));
        }
        play(&Stream::open(self::player("alsa:default", SampleFormat::Int16)).unwrap(), &ramp(100));
    });
}
