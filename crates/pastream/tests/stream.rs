//! Streams on the virtual device, bit for bit.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use pastream::{
    ErrorKind, SampleFormat,
    file::{Container, Endian, FileReader, FileWriter, ReadHint, Spec},
    resample::ConversionConfig,
    ring::Ring,
    sink::Sink,
    source::Source,
    stream::{
        Event, GapCause, Outcome, Prebuffer, Route, Run, Side, SideConfig, Stream, StreamConfig, StreamEvent,
    },
};

fn side(channels: usize, format: SampleFormat) -> SideConfig {
    SideConfig { channels: Some(channels), format: Some(format), ..SideConfig::default() }
}

fn duplex(device: &str, channels: usize, format: SampleFormat) -> Stream {
    Stream::open(StreamConfig {
        device: device.to_owned(),
        sample_rate: Some(48_000),
        playback: Some(side(channels, format)),
        recording: Some(side(channels, format)),
        ..StreamConfig::default()
    })
    .expect("the virtual device opens")
}

fn noise(bytes: usize) -> Arc<[u8]> {
    let mut random = 1_u32;
    (0..bytes)
        .map(|_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 24) as u8
        })
        .collect()
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

#[test]
fn a_buffer_comes_back_bit_for_bit_in_every_format() {
    for format in SampleFormat::ALL {
        for device in ["virtual:clock=free", "virtual:clock=free:block=1..700:seed=3"] {
            let frames = noise(10_000 * 2 * format.size());
            let stream = duplex(device, 2, format);
            for _again in 0..3 {
                stream
                    .set_source(Some(Source::Buffer { frames: Arc::clone(&frames), looped: false }))
                    .unwrap();
                stream.set_sinks(vec![Sink::Buffer { frames: 10_000 }]).unwrap();
                stream.start(&Run { pad: Some(0), ..Run::default() }).unwrap();
                assert!(stream.wait(None).unwrap());
                assert_eq!(stream.shared().outcome(), Outcome::Finished);
                assert_eq!(stream.shared().frame_count(), 10_000);
                assert!(stream.take_recording().unwrap() == *frames, "{format}");
            }
        }
    }
}

#[test]
fn frames_pad_and_offset_cut_the_recording() {
    let format = SampleFormat::Int16;
    let frames = noise(5_000 * 2);
    let stream = duplex("virtual:clock=free:delay=7", 1, format);
    stream.set_source(Some(Source::Buffer { frames: Arc::clone(&frames), looped: false })).unwrap();
    stream.set_sinks(vec![Sink::Buffer { frames: 9_000 }]).unwrap();
    stream.start(&Run { frames: Some(4_000), pad: Some(100), offset: 7, ..Run::default() }).unwrap();
    stream.wait(None).unwrap();
    let take = stream.take_recording().unwrap();
    assert_eq!(take.len(), 2 * 4_093);
    assert!(take[..8_000] == frames[..8_000]);
    assert!(take[8_000..].iter().all(|&byte| byte == 0));
}

#[test]
fn a_buffer_loops_five_times_without_a_gap() {
    let frames = noise(1_001 * 4);
    let stream = duplex("virtual:clock=free", 1, SampleFormat::Float32);
    stream.set_source(Some(Source::Buffer { frames: Arc::clone(&frames), looped: true })).unwrap();
    stream.set_sinks(vec![Sink::Buffer { frames: 5_005 }]).unwrap();
    stream.start(&Run { frames: Some(5_005), pad: Some(0), ..Run::default() }).unwrap();
    stream.wait(None).unwrap();
    assert!(stream.take_recording().unwrap() == frames.repeat(5));
}

#[test]
fn a_file_becomes_a_file_and_loops() {
    for (device, ring) in [("virtual:clock=free", 65_536), ("virtual:clock=free", 100), ("virtual", 4_096)] {
        for looped in [false, true] {
            let folder = folder("file_to_file");
            let (input, output) = (folder.join("in.wav"), folder.join("out.wav"));
            let format = SampleFormat::Int16;
            let spec = Spec::for_stream(Container::Wav, format, 2, 48_000, None, Endian::File).unwrap();
            let frames = noise(12_345 * 4);
            let mut writer = FileWriter::create(&input, spec.clone()).unwrap();
            writer.write(&frames).unwrap();
            writer.finish().unwrap();

            let stream = duplex(device, 2, format);
            let reader = Box::new(FileReader::open(&input, &ReadHint::default()).unwrap());
            stream
                .set_source(Some(Source::File {
                    reader,
                    looped,
                    buffer_size: ring,
                    conversion: ConversionConfig::default(),
                }))
                .unwrap();
            let mut writer = FileWriter::create(&output, spec).unwrap();
            writer.set_format(format);
            stream.set_sinks(vec![Sink::file(writer, 480_000)]).unwrap();
            let frames = frames.repeat(if looped { 5 } else { 1 });
            let limit = looped.then_some(frames.len() as u64 / 4);
            stream.start(&Run { frames: limit, pad: Some(0), ..Run::default() }).unwrap();
            stream.wait(None).unwrap();
            assert_eq!(stream.shared().starved(), 0);

            let mut reader = hound::WavReader::open(&output).unwrap();
            let read: Vec<u8> = reader.samples::<i16>().flat_map(|s| s.unwrap().to_le_bytes()).collect();
            assert!(read == frames, "{device} {ring} {looped}");
        }
    }
}

#[test]
fn a_source_that_ends_early_is_told_once() {
    let stream = duplex("virtual:clock=free", 1, SampleFormat::Int16);
    stream.set_source(Some(Source::Buffer { frames: noise(200), looped: false })).unwrap();
    stream.start(&Run { frames: Some(101), pad: Some(0), ..Run::default() }).unwrap();
    let error = stream.wait(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BufferEmpty);
    assert_eq!(stream.shared().frame_count(), 100);
    assert!(stream.wait(None).unwrap());
    // A later run starts clean.
    stream.start(&Run { frames: Some(100), pad: Some(0), ..Run::default() }).unwrap();
    assert!(stream.wait(None).unwrap());
}

#[test]
fn stop_abort_and_close_end_a_run_that_would_last_for_ever() {
    for device in ["virtual", "virtual:clock=free", "null"] {
        let stream = duplex(device, 2, SampleFormat::Float32);
        for abort in [false, true] {
            stream.start(&Run::default()).unwrap();
            assert_eq!(stream.start(&Run::default()).unwrap_err().kind(), ErrorKind::StreamState);
            assert!(!stream.wait(Some(Duration::ZERO)).unwrap());
            if abort { stream.abort() } else { stream.stop() }.unwrap();
            assert!(stream.is_finished() && !stream.is_active());
            let outcome = if abort { Outcome::Aborted } else { Outcome::Stopped };
            assert_eq!(stream.shared().outcome(), outcome);
        }
        stream.start(&Run::default()).unwrap();
        stream.close().unwrap();
        stream.close().unwrap();
        assert_eq!(stream.start(&Run::default()).unwrap_err().kind(), ErrorKind::StreamState);
    }
}

#[test]
fn a_ring_that_is_fed_slowly_paces_a_free_clock_and_loses_nothing() {
    let frames = noise(50_000 * 2);
    let stream = duplex("virtual:clock=free", 1, SampleFormat::Int16);
    let ring = Ring::new(2, 64).unwrap();
    stream.set_source(Some(Source::Ring(Arc::clone(&ring)))).unwrap();
    stream.set_sinks(vec![Sink::Buffer { frames: 50_000 }]).unwrap();
    let mut writer = ring.writer().unwrap();
    let sent = Arc::clone(&frames);
    let feeder = std::thread::spawn(move || {
        for part in sent.chunks(2 * 17) {
            writer.ring().wait_writable(17, None, &|| false);
            assert_eq!(writer.write(part), part.len() / 2);
        }
        writer.ring().end();
    });
    stream.start(&Run { pad: Some(0), prebuffer: Prebuffer::None, ..Run::default() }).unwrap();
    stream.wait(None).unwrap();
    feeder.join().unwrap();
    assert_eq!(stream.shared().starved(), 0);
    assert!(stream.take_recording().unwrap() == *frames);
}

#[test]
fn a_lost_device_leaves_a_complete_file() {
    let output = folder("lost").join("out.wav");
    let stream = duplex("virtual:clock=free:fault=lost@0.5", 1, SampleFormat::Int16);
    let spec = Spec::for_stream(Container::Wav, SampleFormat::Int16, 1, 48_000, None, Endian::File).unwrap();
    let writer = FileWriter::create(&output, spec).unwrap();
    stream.set_sinks(vec![Sink::file(writer, 65_536)]).unwrap();
    stream.start(&Run::default()).unwrap();
    assert_eq!(stream.wait(None).unwrap_err().kind(), ErrorKind::DeviceLost);
    assert_eq!(hound::WavReader::open(&output).unwrap().duration(), 24_000);
}

#[test]
fn a_device_that_stands_still_when_it_is_stopped_is_told() {
    let output = folder("still").join("out.wav");
    // No block after frame 4,800.
    let stream = duplex("virtual:block=480:fault=stall@0.1+60", 1, SampleFormat::Int16);
    let spec = Spec::for_stream(Container::Wav, SampleFormat::Int16, 1, 48_000, None, Endian::File).unwrap();
    let writer = FileWriter::create(&output, spec).unwrap();
    stream.set_sinks(vec![Sink::file(writer, 65_536)]).unwrap();
    stream.start(&Run::default()).unwrap();
    while stream.shared().frame_count() < 4_800 {
        thread::yield_now();
    }
    let error = stream.stop().unwrap_err();
    assert_eq!((error.kind(), stream.shared().outcome()), (ErrorKind::DeviceLost, Outcome::DeviceLost));
    assert!(error.message().contains("did not answer the stop"), "{error}");
    assert_eq!(hound::WavReader::open(&output).unwrap().duration(), 4_800);
}

#[test]
fn a_device_that_is_lost_before_the_end_is_heard_is_told() {
    // The last of 48,000 frames leaves the device at 2 s.
    for (lost, heard) in [(1.0, false), (1.99, false), (2.0, true)] {
        let device = format!("virtual:clock=free:block=480:delay=48000:fault=lost@{lost}");
        let stream = duplex(&device, 1, SampleFormat::Int16);
        let (tell, told) = mpsc::channel();
        stream.listen(Some(Box::new(move |event| drop(tell.send(event.clone())))));
        let frames = noise(2 * 48_000);
        stream.set_source(Some(Source::Buffer { frames, looped: false })).unwrap();
        stream.set_sinks(vec![Sink::Buffer { frames: 48_000 }]).unwrap();
        stream.start(&Run { pad: Some(0), ..Run::default() }).unwrap();
        let ended = stream.wait(None);
        let told: Vec<_> = told.iter().take(if heard { 1 } else { 2 }).collect();
        let outcome = stream.shared().outcome();
        if heard {
            assert!(ended.unwrap());
            assert!(matches!(told[..], [StreamEvent::Finished { outcome: Outcome::Finished, error: None }]));
        } else {
            let error = ended.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::DeviceLost);
            assert!(error.message().contains("before it had played the end"), "{error}");
            let [StreamEvent::DeviceLost, StreamEvent::Finished { error: Some(_), .. }] = told[..] else {
                panic!("{told:?}");
            };
        }
        assert_eq!(outcome, if heard { Outcome::Finished } else { Outcome::DeviceLost });
        assert_eq!((stream.shared().frame_count(), stream.shared().played()), (48_000, 48_000));
        assert_eq!(stream.take_recording().unwrap().len(), 2 * 48_000);
    }
}

#[test]
fn a_ring_holds_what_the_device_asks_for_at_once() {
    let default = |device| duplex(device, 1, SampleFormat::Int16).buffer_size();
    assert_eq!(default("virtual"), 65_536);
    assert_eq!(default("virtual:block=500..40000"), 80_000);
    assert_eq!(default("virtual:block=40000:clock=free"), 65_536);
    for (ring, device, fits) in [
        (511, "virtual", false),
        (512, "virtual", true),
        (511, "virtual:block=511:delay=4000", true),
        (1, "virtual:clock=free", true),
    ] {
        let stream = duplex(device, 1, SampleFormat::Int16);
        let ring = Ring::new(2, ring).unwrap();
        ring.end();
        stream.set_source(Some(Source::Ring(ring))).unwrap();
        let started = stream.start(&Run { pad: Some(0), ..Run::default() });
        if fits {
            started.unwrap();
            stream.abort().unwrap();
            continue;
        }
        let error = started.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(
            error.message().starts_with("the ring of the source holds 511 frames, and device `virtual` asks for up to 512 at once: give it more"),
            "{error}"
        );
    }
}

#[test]
fn what_a_device_plays_out_can_be_cut_short() {
    // It would take a minute.
    let device = "virtual:delay=2880000";
    for close in [false, true] {
        let stream = duplex(device, 1, SampleFormat::Int16);
        let began = Instant::now();
        for _again in 0..2 {
            stream.set_source(Some(Source::Buffer { frames: noise(2_000), looped: false })).unwrap();
            stream.start(&Run { pad: Some(0), ..Run::default() }).unwrap();
            while stream.shared().outcome() == Outcome::Running {
                thread::yield_now();
            }
            assert!(!stream.wait(Some(Duration::from_millis(20))).unwrap());
            if close { stream.close() } else { stream.abort() }.unwrap();
            assert!(began.elapsed() < Duration::from_secs(10));
            assert_eq!(stream.shared().outcome(), Outcome::Finished);
            if close {
                break;
            }
        }
    }
}

#[test]
fn a_stall_is_silence_in_the_file_at_its_place() {
    let format = SampleFormat::Int16;
    let output = folder("stall").join("out.wav");
    let stream = duplex("virtual:clock=free:fault=stall@0.25+0.5", 1, format);
    let spec = Spec::for_stream(Container::Wav, format, 1, 48_000, None, Endian::File).unwrap();
    let frames = noise(48_000 * 2);
    stream.set_source(Some(Source::Buffer { frames: Arc::clone(&frames), looped: false })).unwrap();
    let writer = FileWriter::create(&output, spec).unwrap();
    stream.set_sinks(vec![Sink::file(writer, 65_536)]).unwrap();
    stream.start(&Run { pad: Some(0), ..Run::default() }).unwrap();
    stream.wait(None).unwrap();
    let mut reader = hound::WavReader::open(&output).unwrap();
    let read: Vec<u8> = reader.samples::<i16>().flat_map(|s| s.unwrap().to_le_bytes()).collect();
    assert_eq!(read.len(), 2 * 72_000);
    let gap = stream.sink_counts()[0].gaps() as usize;
    assert_eq!(gap, 24_000);
    // The gap lies at the first block at or after the stall; what was played comes whole, around it.
    let at = (0..=48_000)
        .find(|at| read[..2 * at] == frames[..2 * at] && read[2 * (at + gap)..] == frames[2 * at..]);
    assert!(at.is_some_and(|at| (12_000..12_512).contains(&at)));
}

/// A disk that takes so many bytes, and more once `goes_on` says so.
struct Stalling {
    taken: Arc<Mutex<Vec<u8>>>,
    until: usize,
    goes_on: mpsc::Receiver<()>,
}

impl Write for Stalling {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut taken = self.taken.lock().expect("nobody panics with it");
        if taken.len() >= self.until {
            self.goes_on.recv().expect("the test goes on");
            self.until = usize::MAX;
        }
        taken.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_disk_that_stalls_for_longer_than_the_ring_costs_a_gap_that_is_silence_at_its_place() {
    const RING: usize = 24_000;
    const STALL: u64 = 24_000;
    let format = SampleFormat::Int16;
    let stream = duplex("virtual", 1, format);
    let (tell, told) = mpsc::channel();
    stream.listen(Some(Box::new(move |event| drop(tell.send(event.clone())))));
    // None of its samples is silent.
    let sent: Vec<i16> = (0..120_000).map(|frame| (frame % 32_749 + 1) as i16).collect();
    let frames = sent.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
    stream.set_source(Some(Source::Buffer { frames, looped: false })).unwrap();
    let (go_on, goes_on) = mpsc::channel();
    let taken = Arc::default();
    let disk = Stalling { taken: Arc::clone(&taken), until: 4_800, goes_on };
    let spec = Spec::for_stream(Container::Raw, format, 1, 48_000, None, Endian::File).unwrap();
    let writer = FileWriter::to_pipe(Box::new(disk), "disk", spec).unwrap();
    stream.set_sinks(vec![Sink::file(writer, RING)]).unwrap();
    stream.start(&Run { pad: Some(0), ..Run::default() }).unwrap();
    let counts = Arc::clone(&stream.sink_counts()[0]);
    while counts.gaps() < STALL {
        assert!(!stream.wait(Some(Duration::from_millis(1))).unwrap());
    }
    go_on.send(()).unwrap();
    assert!(stream.wait(None).unwrap());

    let mut expected = sent;
    let mut gaps = Vec::new();
    for event in &told {
        match event {
            StreamEvent::Callback(Event::Gap { side, frame, length, cause, .. }) => {
                assert_eq!((side, cause), (Side::Recording, GapCause::Full));
                expected[frame as usize..][..length as usize].fill(0);
                gaps.push((frame, length));
            }
            StreamEvent::Finished { .. } => break,
            _ => {}
        }
    }
    let (first, length) = gaps[0];
    assert!(first >= RING as u64 && length >= STALL, "{gaps:?}");
    assert_eq!(counts.gap_count(), gaps.len() as u64);
    assert_eq!(counts.gaps(), gaps.iter().map(|(_, length)| length).sum());
    assert_eq!(counts.delivered() + counts.gaps(), expected.len() as u64);
    let taken: Vec<i16> =
        taken.lock().unwrap().as_chunks().0.iter().map(|&sample| i16::from_le_bytes(sample)).collect();
    assert!(taken == expected, "{gaps:?}");
}

#[test]
fn a_full_disk_ends_the_run_and_says_so() {
    let full = PathBuf::from("/dev/full");
    if !full.exists() {
        return;
    }
    let stream = duplex("virtual:clock=free", 2, SampleFormat::Int16);
    let spec = Spec::for_stream(Container::Raw, SampleFormat::Int16, 2, 48_000, None, Endian::File).unwrap();
    let writer = FileWriter::create(&full, spec).unwrap();
    stream.set_sinks(vec![Sink::file(writer, 65_536)]).unwrap();
    stream.start(&Run::default()).unwrap();
    let error = stream.wait(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains("/dev/full"), "{error}");
}

#[test]
fn a_map_of_channels_that_are_not_there_is_refused_before_any_file_is_begun() {
    for (from, to, wrong) in [(2, 0, "no channel 3 to read"), (0, 5, "no channel 6 to write")] {
        let routes = Some(vec![Route { from, to, gain: 1.0 }]);
        let error = Stream::open(StreamConfig {
            device: "virtual".to_owned(),
            recording: Some(SideConfig { routes, ..side(2, SampleFormat::Int16) }),
            ..StreamConfig::default()
        })
        .err()
        .unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains("recording") && error.message().contains(wrong), "{error}");
    }
}

#[test]
fn a_recording_that_no_file_of_its_kind_can_hold_is_refused_before_it_begins() {
    let folder = folder("too_long");
    let stream = duplex("virtual:clock=free", 1, SampleFormat::Int16);
    let buffer = || Some(Source::Buffer { frames: noise(200), looped: false });
    // All that the length of a RIFX counts, but for what is not data: 72 bytes, and one of padding.
    let most = (u64::from(u32::MAX) - 73) / 2;
    let short = |run: Run| Run { frames: Some(most), ..run };
    let long = |run: Run| Run { frames: Some(most + 1), ..run };
    let run = Run::default();
    let padded = Run { pad: Some(0), ..run };
    for (container, endian, source, run, fits) in [
        (Container::Wav, Endian::Big, None, short(run), true),
        (Container::Wav, Endian::Big, None, long(run), false),
        (Container::Wav, Endian::File, None, long(run), true),
        (Container::Rf64, Endian::File, None, long(run), true),
        // AIFF has 26 bytes less in front.
        (Container::Aiff, Endian::File, None, Run { frames: Some(most + 13), ..run }, true),
        (Container::Aiff, Endian::File, None, Run { frames: Some(most + 14), ..run }, false),
        (Container::Au, Endian::File, None, long(run), true),
        (Container::Raw, Endian::File, None, long(run), true),
        (Container::Wav, Endian::Big, None, Run { offset: 1, ..long(run) }, true),
        (Container::Wav, Endian::Big, buffer(), short(padded), true),
        (Container::Wav, Endian::Big, buffer(), long(padded), false),
        // Without a source the padding is none.
        (Container::Wav, Endian::Big, None, Run { pad: Some(1), ..short(run) }, true),
        (Container::Wav, Endian::Big, buffer(), Run { pad: Some(1), ..short(run) }, false),
        (Container::Wav, Endian::Big, buffer(), Run { pad: Some(most - 100), ..run }, true),
        (Container::Wav, Endian::Big, buffer(), Run { pad: Some(most - 99), ..run }, false),
        // Nobody knows how long these last.
        (Container::Wav, Endian::Big, buffer(), run, true),
        (
            Container::Wav,
            Endian::Big,
            Some(Source::Ring(Ring::new(2, 8).unwrap())),
            Run { pad: Some(most), ..run },
            true,
        ),
    ] {
        let path = folder.join("out");
        let spec = Spec::for_stream(container, SampleFormat::Int16, 1, 48_000, None, endian).unwrap();
        let file = || {
            let writer = FileWriter::create(&path, spec.clone()).unwrap();
            Sink::file(writer, 64)
        };
        stream.set_source(source).unwrap();
        stream.set_sinks(vec![file()]).unwrap();
        let set = stream.prepare(&run, Vec::new()).map(drop);
        stream.set_sinks(Vec::new()).unwrap();
        for prepared in [set, stream.prepare(&run, vec![file()]).map(drop)] {
            assert_eq!(prepared.is_ok(), fits, "{container} {run:?}");
            if let Err(error) = prepared {
                assert_eq!(error.kind(), ErrorKind::UnsupportedFile);
                assert!(error.message().contains("use rf64, w64 or caf"), "{error}");
            }
        }
        assert!(!stream.is_active() && !path.exists());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_goes_into_a_pipe_may_have_any_length() {
    let stream = duplex("virtual:clock=free", 1, SampleFormat::Int16);
    let spec = Spec::for_stream(Container::Wav, SampleFormat::Int16, 1, 48_000, None, Endian::File).unwrap();
    let (_reader, pipe) = std::io::pipe().unwrap();
    let pipes = [
        FileWriter::create(std::path::Path::new("/dev/null"), spec.clone()),
        FileWriter::to_file(fs::File::create("/dev/null").unwrap(), "null", spec.clone()),
        FileWriter::to_pipe(Box::new(pipe), "stdout", spec),
    ];
    for writer in pipes {
        stream.set_sinks(vec![Sink::file(writer.unwrap(), 64)]).unwrap();
        drop(stream.prepare(&Run { frames: Some(1 << 40), ..Run::default() }, Vec::new()).unwrap());
    }
}
