//! What was not played in time is silence, and what was not fetched in time is lost, of a length that is told.

use std::{sync::mpsc, thread, time::Duration};

use pastream::{
    SampleFormat,
    backend::{Backend, Device, Latency, Process, PulseBackend, Request, Side},
};
use pastream_rt::{Block, Flow, Wire, Xruns};

use crate::server::{PATIENCE, Server, folder, inside};

/// Counts from 1 on, and sleeps once.
struct Play {
    next: i16,
    sleeps: bool,
    told: mpsc::Sender<(Xruns, u64)>,
}

impl Process for Play {
    fn process(&mut self, block: Block<'_>, _: Option<&mut dyn Wire>) -> Flow {
        if self.sleeps && self.next > 12_000 {
            thread::sleep(Duration::from_millis(300));
            self.sleeps = false;
        }
        for frame in block.output.chunks_exact_mut(2) {
            frame.copy_from_slice(&self.next.to_ne_bytes());
            self.next += 1;
        }
        if block.skipped > 0 || !block.xruns.is_empty() {
            let _ = self.told.send((block.xruns, block.skipped));
        }
        if self.next > 24_000 { Flow::Complete } else { Flow::Continue }
    }

    fn wait_ready(&mut self, frames: usize) -> usize {
        frames
    }

    fn device_lost(&mut self) {}
}

/// Keeps what is not silence, and how long a silence lies before it.
struct Record {
    silence: usize,
    last: i16,
    gaps: mpsc::Sender<usize>,
    ended: mpsc::Sender<()>,
}

impl Process for Record {
    fn process(&mut self, block: Block<'_>, _: Option<&mut dyn Wire>) -> Flow {
        for frame in block.input.chunks_exact(4) {
            let value = i16::from_ne_bytes([frame[0], frame[1]]);
            if value == 0 {
                self.silence += 1;
                continue;
            }
            assert_eq!(value, self.last + 1);
            if self.silence > 0 && self.last > 0 {
                let _ = self.gaps.send(self.silence);
            }
            (self.silence, self.last) = (0, value);
        }
        if self.last < 24_000 {
            return Flow::Continue;
        }
        let _ = self.ended.send(());
        Flow::Abort
    }

    fn wait_ready(&mut self, frames: usize) -> usize {
        frames
    }

    fn device_lost(&mut self) {}
}

fn open(id: &str, playback: bool, channels: usize) -> Box<dyn Device> {
    let side = Some(Side { channels: Some(channels), format: Some(SampleFormat::Int16) });
    let request = Request {
        recording_id: None,
        id: id.to_owned(),
        sample_rate: Some(48_000),
        playback: side.filter(|_| playback),
        recording: side.filter(|_| !playback),
        block_size: None,
        latency: Latency::Low,
    };
    PulseBackend.open(&request).unwrap()
}

#[test]
fn an_underflow_is_told_with_its_length_and_nothing_is_lost() {
    if !inside("underflow::an_underflow_is_told_with_its_length_and_nothing_is_lost") {
        return;
    }
    let _server = Server::start(&folder());
    for sink in ["pulse:loop", "pulse:rewinds"] {
        underflow(sink);
    }
}

fn underflow(sink: &str) {
    let (told, tells) = mpsc::channel();
    let (gaps, gap) = mpsc::channel();
    let (ended, end) = mpsc::channel();
    let mut monitor = open(&format!("{sink}.monitor"), false, 2);
    monitor.start(Box::new(Record { silence: 0, last: 0, gaps, ended })).unwrap();
    let mut player = open(sink, true, 1);
    player.start(Box::new(Play { next: 1, sleeps: true, told })).unwrap();
    player.finish();
    end.recv_timeout(PATIENCE).expect("the last frame");
    monitor.finish();
    let (xruns, skipped) = tells.recv_timeout(PATIENCE).unwrap();
    assert_eq!(xruns, Xruns::OUTPUT_UNDERFLOW);
    // It slept for 300 ms, of which 20 were played.
    assert!((9_600..19_200).contains(&skipped), "{skipped}");
    assert_eq!(gap.recv_timeout(PATIENCE).unwrap() as u64, skipped);
    assert_eq!(gap.try_recv().ok(), None);
    assert_eq!(tells.try_recv().ok(), None);
}

/// Counts frames, and sleeps once.
struct Late {
    sleeps: bool,
    frames: u64,
    /// Xruns, frames lost, frames until now, and seconds.
    told: mpsc::Sender<(Xruns, u64, u64, f64)>,
}

impl Process for Late {
    fn process(&mut self, block: Block<'_>, _: Option<&mut dyn Wire>) -> Flow {
        if self.sleeps && self.frames > 24_000 {
            thread::sleep(Duration::from_secs(2));
            self.sleeps = false;
        }
        self.frames += block.skipped + block.frames as u64;
        let _ = self.told.send((block.xruns, block.skipped, self.frames, block.times.current));
        if block.times.current < 4.0 { Flow::Continue } else { Flow::Abort }
    }

    fn wait_ready(&mut self, frames: usize) -> usize {
        frames
    }

    fn device_lost(&mut self) {}
}

#[test]
fn what_a_late_reader_loses_is_told() {
    if !inside("underflow::what_a_late_reader_loses_is_told") {
        return;
    }
    let server = Server::start(&folder());
    // The server holds 4 MiB, which are 0.7 s of so many channels.
    let sink = ["module-null-sink", "sink_name=wide", "rate=48000", "channels=32", "format=float32le"];
    server.control(&[&["load-module"], &sink[..], &["norewinds=1"]].concat());
    let side = Some(Side { channels: Some(32), format: Some(SampleFormat::Float32) });
    let request = Request { id: "pulse:wide.monitor".to_owned(), recording: side, ..Request::default() };
    let mut device = PulseBackend.open(&request).unwrap();
    let (told, tells) = mpsc::channel();
    device.start(Box::new(Late { sleeps: true, frames: 0, told })).unwrap();
    device.finish();
    let told: Vec<_> = tells.try_iter().collect();
    let (.., before, start) = told[0];
    let (.., after, end) = told[told.len() - 1];
    let lost: u64 = told.iter().map(|told| told.1).sum();
    let xruns = told.iter().fold(Xruns::NONE, |all, told| all | told.0);
    assert_eq!(xruns, Xruns::INPUT_OVERFLOW);
    // It slept for 2 s, of which the server and the socket held some.
    assert!((24_000..90_000).contains(&lost), "{lost}");
    let clocked = (end - start) * 48_000.0;
    eprintln!("{lost} frames lost, {} told of {clocked}", after - before);
    assert!(((after - before) as f64 - clocked).abs() < 9_600.0, "{} of {clocked}", after - before);
}
