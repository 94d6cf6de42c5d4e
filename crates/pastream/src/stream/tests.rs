//! What a run and its device say to each other, on a device that the test plays block by block.

use std::{
    fs,
    io::{self, Read, Write},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

use pastream_rt::{ARRIVAL, Block, Event, Flow, GapCause, Missing, OnStarved, Outcome, Side, Times, Xruns};

use super::{Prebuffer, Run, SideConfig, Stream, StreamConfig, StreamEvent, handle::lock};
use crate::{
    Error, ErrorKind, Result, SampleFormat,
    backend::{Cutter, Device, Opened, OpenedSide, Process},
    file::{Container, Encoding, Endian, FileReader, FileWriter, ReadHint, Spec},
    resample::ConversionConfig,
    ring::Ring,
    sink::{Cut, Sink},
    source::Source,
};

/// Long enough for any machine: nothing waits that long unless it fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// One channel of int16 in both directions.
#[derive(Clone, Default)]
struct Manual(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    process: Option<Box<dyn Process>>,
    /// What ended the runs.
    ends: Vec<&'static str>,
    /// Whether the next start fails.
    busy: bool,
}

struct ManualDevice {
    opened: Opened,
    seen: Manual,
}

impl Manual {
    fn open(&self) -> Stream {
        self.open_with(OnStarved::Silence)
    }

    fn open_with(&self, on_starved: OnStarved) -> Stream {
        let side = OpenedSide { channels: 1, format: SampleFormat::Int16, latency: 0.0 };
        let opened = Opened {
            id: "manual".to_owned(),
            name: "Manual".to_owned(),
            sample_rate: 8_000,
            playback: Some(side),
            recording: Some(side),
            block_size: 0,
            clock: None,
        };
        let config = StreamConfig {
            playback: Some(SideConfig::default()),
            recording: Some(SideConfig::default()),
            on_starved,
            ..StreamConfig::default()
        };
        Stream::over(config, Box::new(ManualDevice { opened, seen: self.clone() })).unwrap()
    }

    /// Runs a block, which captures what it plays.
    fn block(&self, frames: usize) -> Flow {
        let mut output = vec![0_i16; frames];
        let input = vec![0_i16; frames];
        let block = Block {
            output: bytemuck::cast_slice_mut(&mut output),
            input: bytemuck::cast_slice(&input),
            frames,
            xruns: Xruns::NONE,
            skipped: 0,
            missing: Missing::None,
            times: Times::default(),
        };
        lock(&self.0).process.as_mut().unwrap().process(block, None)
    }

    /// Runs blocks until a thread ends the run.
    fn run_out(&self) {
        let began = Instant::now();
        while self.block(4) == Flow::Continue {
            assert!(began.elapsed() < PATIENCE, "the run goes on");
            thread::yield_now();
        }
    }

    /// Runs blocks to the end as a device that runs free does, each up to `frames` long. Returns how long they were.
    fn run_free(&self, frames: usize) -> Vec<usize> {
        let mut blocks = Vec::new();
        loop {
            let length = lock(&self.0).process.as_mut().unwrap().wait_ready(frames);
            blocks.push(length);
            if self.block(length) != Flow::Continue {
                return blocks;
            }
        }
    }
}

impl Device for ManualDevice {
    fn opened(&self) -> &Opened {
        &self.opened
    }

    fn start(&mut self, process: Box<dyn Process>) -> Result<()> {
        let mut seen = lock(&self.seen.0);
        if std::mem::take(&mut seen.busy) {
            return Err(Error::new(ErrorKind::DeviceBusy, "another program has it"));
        }
        seen.process = Some(process);
        Ok(())
    }

    fn stop(&mut self) {
        let mut seen = lock(&self.seen.0);
        seen.ends.push("stopped");
        seen.process = None;
    }

    fn finish(&mut self) -> bool {
        let mut seen = lock(&self.seen.0);
        seen.ends.push("finished");
        seen.process = None;
        true
    }

    fn cutter(&self) -> Cutter {
        Box::new(|| {})
    }

    fn time(&self) -> f64 {
        0.0
    }

    fn cpu_load(&self) -> f64 {
        0.0
    }
}

/// Frames of the manual device, without a header.
fn raw() -> ReadHint {
    ReadHint {
        container: Some(Container::Raw),
        encoding: Some(Encoding::Pcm16),
        channels: Some(1),
        sample_rate: Some(8_000),
        ..ReadHint::default()
    }
}

fn played(reader: Box<FileReader>) -> Source {
    Source::File { reader, looped: false, buffer_size: 64, conversion: ConversionConfig::default() }
}

/// The events of the stream.
fn listen(stream: &Stream) -> Receiver<StreamEvent> {
    let (tell, told) = mpsc::channel();
    stream.listen(Some(Box::new(move |event| drop(tell.send(event.clone())))));
    told
}

#[test]
fn a_gap_is_told_when_it_is_over_though_the_run_goes_on() {
    let device = Manual::default();
    let stream = device.open();
    let told = listen(&stream);
    let ring = Ring::new(2, 64).unwrap();
    stream.set_source(Some(Source::Ring(Arc::clone(&ring)))).unwrap();
    stream.start(&Run { frames: Some(1000), prebuffer: Prebuffer::None, ..Run::default() }).unwrap();
    let mut writer = ring.writer().unwrap();
    // The conductor may look once more by itself, but not each time.
    for index in 0..50 {
        device.block(8);
        writer.write(&[1; 8]);
        device.block(4);
        let Ok(StreamEvent::Callback(event)) = told.recv_timeout(PATIENCE) else {
            panic!("gap {index} is not told")
        };
        let (side, cause) = (Side::Playback, GapCause::Starved);
        assert_eq!(event, Event::Gap { side, sink: 0, frame: index * 12, length: 8, cause });
        assert_eq!((stream.shared().gap_count(), stream.shared().starved()), (index + 1, 8 * index + 8));
    }
    assert_eq!(stream.shared().events_lost(), 0);
    assert_eq!(device.block(400), Flow::Complete);
    assert!(stream.wait(None).unwrap());
}

#[test]
fn padding_runs_in_whole_blocks() {
    for ended in [false, true] {
        let device = Manual::default();
        let stream = device.open();
        let ring = Ring::new(2, 64).unwrap();
        ring.writer().unwrap().write(&[1; 20]);
        if ended {
            ring.end();
        }
        stream.set_source(Some(Source::Ring(ring))).unwrap();
        stream.set_sinks(vec![Sink::Buffer { frames: 100 }]).unwrap();
        stream.start(&Run { frames: Some(10), pad: Some(40), ..Run::default() }).unwrap();
        assert_eq!(device.run_free(16), [10, 16, 16, 16]);
        assert!(stream.wait(None).unwrap());
        assert_eq!(stream.shared().frame_count(), 50);
    }
}

/// A live source that has given all that is played is not what a full sink waits for.
#[test]
fn padding_waits_for_sinks_alone() {
    let device = Manual::default();
    let stream = device.open();
    let (source, sink) = (Ring::new(2, 64).unwrap(), Ring::new(2, 32).unwrap());
    source.writer().unwrap().write(&[1; 20]);
    stream.set_source(Some(Source::Ring(source))).unwrap();
    stream.set_sinks(vec![Sink::Ring { frames: Arc::clone(&sink), gaps: None }]).unwrap();
    stream.start(&Run { frames: Some(10), pad: Some(90), ..Run::default() }).unwrap();
    let reader = thread::spawn(move || {
        let (mut reader, mut read) = (sink.reader().unwrap(), 0);
        while read < 100 {
            read += sink.wait_readable(1, None, &|| false);
            reader.advance(usize::MAX);
        }
        read
    });
    device.run_free(16);
    assert_eq!(reader.join().unwrap(), 100);
    assert!(stream.wait(None).unwrap());
}

#[test]
fn a_stop_plays_out_what_the_device_holds_and_an_abort_does_not() {
    let device = Manual::default();
    let stream = device.open();
    for (abort, outcome) in [(false, Outcome::Stopped), (true, Outcome::Aborted)] {
        stream.start(&Run::default()).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| if abort { stream.abort() } else { stream.stop() }.unwrap());
            while device.block(4) == Flow::Continue {}
        });
        assert_eq!(stream.shared().outcome(), outcome);
    }
    stream.start(&Run { frames: Some(4), ..Run::default() }).unwrap();
    device.block(4);
    stream.wait(None).unwrap();
    assert_eq!(lock(&device.0).ends, ["finished", "stopped", "finished"]);
}

/// Who stops asks for what was recorded; who aborts doesn't.
#[test]
fn a_device_that_does_not_answer_a_stop_is_lost() {
    let device = Manual::default();
    let stream = device.open();
    stream.set_sinks(vec![Sink::Buffer { frames: 100 }]).unwrap();
    let told = listen(&stream);
    stream.start(&Run::default()).unwrap();
    device.block(4);
    let error = stream.stop().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeviceLost);
    assert!(
        error.message().starts_with(
            "device manual did not answer the stop for 1.0 s: nothing after frame 4 was played or recorded"
        ),
        "{error}"
    );
    assert_eq!(stream.take_recording().unwrap().len(), 2 * 4);
    let told: Vec<_> = told.try_iter().collect();
    let [StreamEvent::DeviceLost, StreamEvent::Finished { outcome: Outcome::DeviceLost, error: Some(_) }] =
        told[..]
    else {
        panic!("{told:?}");
    };
    stream.start(&Run::default()).unwrap();
    stream.abort().unwrap();
    assert_eq!(stream.shared().outcome(), Outcome::Aborted);
}

#[test]
fn a_source_that_goes_on_elsewhere_starves_nobody_until_it_has_come_there() {
    for on_starved in [OnStarved::Silence, OnStarved::Abort] {
        // With frames that are given up, and when all had been played.
        for stale in [2, 0] {
            let device = Manual::default();
            let stream = device.open_with(on_starved);
            let ring = Ring::new(2, 64).unwrap();
            stream.set_source(Some(Source::Ring(Arc::clone(&ring)))).unwrap();
            let run = Run {
                frames: Some(6 + ARRIVAL + 4),
                pad: Some(0),
                prebuffer: Prebuffer::None,
                ..Run::default()
            };
            stream.start(&run).unwrap();
            let mut writer = ring.writer().unwrap();
            let counts = || {
                let shared = stream.shared();
                (shared.frame_count(), shared.played(), shared.starved(), shared.gap_count())
            };
            writer.write(&vec![1; 2 * (6 + stale)]);
            device.block(if stale > 0 { 4 } else { 6 });
            writer.discard();
            if stale > 0 {
                device.block(2);
            }
            assert_eq!(device.block(8), Flow::Continue);
            assert_eq!(counts(), (14, 6, 0, 0));
            // The last of them comes whole, and the next is late.
            for frame in 0..ARRIVAL / 32 {
                writer.write(&[1; 2 * 32]);
                let silent = usize::from(frame + 1 < ARRIVAL / 32);
                assert_eq!(device.block(32 + silent), Flow::Continue);
            }
            let clocked = 14 + ARRIVAL + ARRIVAL / 32 - 1;
            assert_eq!((counts(), ring.flushed()), ((clocked, 6 + ARRIVAL, 0, 0), stale as u64));
            if on_starved == OnStarved::Abort {
                assert_eq!(device.block(4), Flow::Abort);
                assert_eq!(stream.wait(None).unwrap_err().kind(), ErrorKind::BufferEmpty);
                continue;
            }
            device.block(4);
            assert_eq!(counts(), (clocked + 4, 6 + ARRIVAL, 4, 1));
            writer.write(&[1; 2 * 4]);
            assert_eq!(device.block(4), Flow::Complete);
            assert!(stream.wait(None).unwrap());
        }
    }
}

#[test]
fn a_seek_to_the_end_is_an_end() {
    let device = Manual::default();
    let stream = device.open();
    let reader = Box::new(FileReader::from_bytes(vec![1; 400].into(), "memory", &raw()).unwrap());
    stream.set_source(Some(played(reader))).unwrap();
    stream.start(&Run { frames: Some(150), pad: Some(3), ..Run::default() }).unwrap();
    device.block(4);
    stream.seek(1_000).unwrap();
    device.run_free(16);
    assert!(stream.wait(None).unwrap());
    let shared = stream.shared();
    assert_eq!(shared.outcome(), Outcome::Finished);
    assert_eq!((shared.frame_count() - shared.played(), shared.gap_count()), (3, 0));
}

/// Gives one frame, or takes none, and panics then.
struct Broken(&'static [u8]);

impl Read for Broken {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        assert!(!self.0.is_empty(), "broken, as the test wants it");
        self.0.read(out)
    }
}

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        panic!("broken, as the test wants it")
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_thread_that_panics_ends_the_run() {
    let device = Manual::default();
    let stream = device.open();
    let reader = Box::new(FileReader::from_pipe(Box::new(Broken(&[1; 2])), "stdin", &raw()).unwrap());
    stream.set_source(Some(played(reader))).unwrap();
    let run = Run { pad: Some(0), prebuffer: Prebuffer::Frames(1), ..Run::default() };
    stream.start(&run).unwrap();
    device.run_out();
    let error = stream.wait(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().starts_with("stdin: the reader thread failed"), "{error}");
}

#[test]
fn a_writer_thread_that_panics_ends_the_run() {
    let device = Manual::default();
    let stream = device.open();
    let spec = Spec::for_stream(Container::Raw, SampleFormat::Int16, 1, 8_000, None, Endian::File).unwrap();
    let writer = Box::new(FileWriter::to_pipe(Box::new(Broken(&[])), "stdout", spec).unwrap());
    stream
        .set_sinks(vec![Sink::File {
            writer,
            buffer_size: 64,
            conversion: ConversionConfig::default(),
            cut: Cut::default(),
        }])
        .unwrap();
    stream.start(&Run::default()).unwrap();
    device.run_out();
    let error = stream.wait(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().starts_with("stdout: the writer thread failed"), "{error}");
}

#[test]
fn a_start_that_fails_takes_nothing() {
    let folder = std::env::temp_dir().join(format!("pastream-start-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (input, output) = (folder.join("in.wav"), folder.join("out.wav"));
    let spec = Spec::for_stream(Container::Wav, SampleFormat::Int16, 1, 8_000, None, Endian::File).unwrap();
    let mut writer = FileWriter::create(&input, spec.clone()).unwrap();
    writer.write(&[1; 200]).unwrap();
    writer.finish().unwrap();
    drop(writer);
    fs::write(&output, "precious").unwrap();

    let device = Manual::default();
    let stream = device.open();
    let reader = Box::new(FileReader::open(&input, &ReadHint::default()).unwrap());
    stream
        .set_source(Some(Source::File {
            reader,
            looped: false,
            buffer_size: 64,
            conversion: ConversionConfig::default(),
        }))
        .unwrap();
    let writer = Box::new(FileWriter::create(&output, spec).unwrap());
    let ring = Ring::new(2, 256).unwrap();
    stream
        .set_sinks(vec![
            Sink::Ring { frames: Arc::clone(&ring), gaps: None },
            Sink::File {
                writer,
                buffer_size: 256,
                conversion: ConversionConfig::default(),
                cut: Cut::default(),
            },
            Sink::Buffer { frames: 100 },
        ])
        .unwrap();
    let run = Run { pad: Some(0), ..Run::default() };
    for _again in 0..2 {
        lock(&device.0).busy = true;
        assert_eq!(stream.start(&run).unwrap_err().kind(), ErrorKind::DeviceBusy);
        assert!(!stream.is_active());
        assert!(ring.is_ended());
        assert_eq!(fs::read(&output).unwrap(), b"precious");
    }
    drop(stream.prepare(&run, Vec::new()).unwrap());
    stream.start(&run).unwrap();
    device.run_free(16);
    assert!(stream.wait(None).unwrap());
    assert_eq!(stream.shared().played(), 100);
    assert_eq!(ring.readable(), 100);
    assert_eq!(stream.take_recording().unwrap().len(), 200);
    let recorded = FileReader::open(&output, &ReadHint::default()).unwrap();
    assert_eq!(recorded.spec().frames, Some(100));
    // It is complete now, and no run that fails makes it new.
    assert_eq!(stream.start(&run).unwrap_err().kind(), ErrorKind::StreamState);
    // Windows may remove no file that is open.
    drop((recorded, stream));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_start_that_fails_closes_the_ring_that_is_played() {
    let device = Manual::default();
    let stream = device.open();
    let (source, sink) = (Ring::new(2, 64).unwrap(), Ring::new(2, 64).unwrap());
    stream.set_source(Some(Source::Ring(Arc::clone(&source)))).unwrap();
    // Another stream's.
    let taken = sink.writer().unwrap();
    stream.set_sinks(vec![Sink::Ring { frames: Arc::clone(&sink), gaps: None }]).unwrap();
    let run = Run { frames: Some(4), prebuffer: Prebuffer::None, ..Run::default() };
    assert_eq!(stream.start(&run).unwrap_err().kind(), ErrorKind::StreamState);
    assert!(source.is_closed());
    assert!(!sink.is_ended() && !sink.is_closed());
    drop(taken);
    stream.start(&run).unwrap();
    device.block(4);
    assert!(stream.wait(None).unwrap());
    assert_eq!(sink.readable(), 4);
}

#[test]
fn a_pipe_that_hangs_is_gone_and_is_not_played_as_silence() {
    let device = Manual::default();
    let stream = device.open();
    let (pipe, mut writer) = std::io::pipe().unwrap();
    // One frame, so that the reader thread is on its way to the next.
    writer.write_all(&[1, 2]).unwrap();
    let reader = Box::new(FileReader::from_pipe(Box::new(pipe), "stdin", &raw()).unwrap());
    stream.set_source(Some(played(reader))).unwrap();
    let run = Run { frames: Some(4), prebuffer: Prebuffer::Frames(1), ..Run::default() };
    stream.start(&run).unwrap();
    device.block(4);
    assert!(stream.wait(None).unwrap());
    for _again in 0..2 {
        let error = stream.start(&run).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StreamState);
        assert!(error.message().contains("stdin") && error.message().contains("pipe is gone"), "{error}");
    }
    stream.set_source(None).unwrap();
    stream.start(&run).unwrap();
    device.block(4);
    assert!(stream.wait(None).unwrap());
    drop(writer);
}

/// A paused stream plays silence and counts nothing, and then goes on where it was.
#[test]
fn a_pause_holds_the_run() {
    let device = Manual::default();
    let stream = device.open();
    let frames: Vec<i16> = (1..=8).collect();
    let source = Source::Buffer { frames: bytemuck::cast_slice(&frames).into(), looped: false };
    stream.set_source(Some(source)).unwrap();
    stream.set_sinks(vec![Sink::Buffer { frames: 8 }]).unwrap();
    stream.start(&Run { pad: Some(0), ..Run::default() }).unwrap();
    let play = |frames: usize| {
        let mut output = vec![-1_i16; frames];
        let input = vec![7_i16; frames];
        let flow = lock(&device.0).process.as_mut().unwrap().process(
            Block {
                output: bytemuck::cast_slice_mut(&mut output),
                input: bytemuck::cast_slice(&input),
                frames,
                xruns: Xruns::OUTPUT_UNDERFLOW,
                skipped: 0,
                missing: Missing::None,
                times: Times::default(),
            },
            None,
        );
        (output, flow)
    };
    assert_eq!(play(3).0, [1, 2, 3]);
    stream.pause();
    assert!(stream.is_paused());
    assert_eq!(play(4), (vec![0; 4], Flow::Continue));
    assert_eq!((stream.shared().frame_count(), stream.shared().xruns()), (3, 1));
    stream.resume();
    assert_eq!(play(5), (vec![4, 5, 6, 7, 8], Flow::Complete));
    assert!(stream.wait(None).unwrap());
    assert_eq!(stream.take_recording().unwrap(), bytemuck::cast_slice::<i16, u8>(&[7; 8]));

    // A stop ends what is held.
    stream.pause();
    stream.start(&Run::default()).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| stream.stop().unwrap());
        while play(4).1 == Flow::Continue {}
    });
    assert_eq!(stream.shared().outcome(), Outcome::Stopped);
}

/// What the device says of the round trip is dropped, and the run is as much longer.
#[test]
fn an_aligned_recording_begins_with_what_was_played_first() {
    use crate::backend::{Alignment, AlignmentMethod};
    for (limits, clocked) in [((None, Some(0)), 11), ((Some(6), None), 9), ((Some(5), Some(2)), 10)] {
        let device = Manual::default();
        let stream = device.open();
        let frames: Vec<i16> = (1..=8).collect();
        let source = Source::Buffer { frames: bytemuck::cast_slice(&frames).into(), looped: false };
        stream.set_source(Some(source)).unwrap();
        stream.set_sinks(vec![Sink::Buffer { frames: 100 }]).unwrap();
        let (frames, pad) = limits;
        stream.start(&Run { frames, pad, align: true, ..Run::default() }).unwrap();
        let method = AlignmentMethod::Timestamps;
        let alignment = Alignment { offset_frames: 3.2, jitter_frames: 1.0, drift_ppm: 0.0, method };
        lock(&device.0).process.as_mut().unwrap().aligned(&alignment);
        while device.block(1) == Flow::Continue {}
        assert!(stream.wait(None).unwrap());
        assert_eq!(stream.shared().frame_count(), clocked);
        assert_eq!(stream.take_recording().unwrap().len() as u64, 2 * (clocked - 3));
    }
}
