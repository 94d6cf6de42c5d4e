//! Where what is played lies in what is recorded, as the times say and as it is.

use std::{
    sync::{Arc, Mutex, mpsc},
    time::Instant,
};

use pastream::{
    SampleFormat,
    backend::{Backend, Device, Latency, Process, PulseBackend, Request, Side},
};
use pastream_rt::{Block, Flow, Wire};

use crate::server::{PATIENCE, Server, folder, inside};

const RATE: f64 = 48_000.0;
/// A short period of a sink, in frames.
const PERIOD: f64 = 240.0;
const RUNS: usize = 4;
/// Where what is no silence begins, in frames: each tells how many were before it, so that one that is lost does no harm.
const MARKER: usize = 24_000;

/// What a direction saw of a block: its first frame, and when that was on the air, by the wall clock.
type Seen = Arc<Mutex<Vec<(usize, Instant, f64)>>>;

/// Plays frames that count.
struct Play(Seen, usize);

impl Process for Play {
    fn process(&mut self, block: Block<'_>, _: Option<&mut dyn Wire>) -> Flow {
        // A busy machine may let it run dry, which the next block tells.
        self.1 += block.skipped as usize;
        let lag = block.times.output - block.times.current;
        self.0.lock().unwrap().push((self.1, Instant::now(), lag));
        for (index, frame) in block.output.chunks_exact_mut(4).enumerate() {
            let value = (self.1 + index + 1).checked_sub(MARKER).map_or(0, |count| count as i16);
            frame[..2].copy_from_slice(&value.to_ne_bytes());
            frame[2..].copy_from_slice(&value.to_ne_bytes());
        }
        self.1 += block.frames;
        Flow::Continue
    }

    fn wait_ready(&mut self, frames: usize) -> usize {
        frames
    }

    fn device_lost(&mut self) {}
}

/// Looks for the first of them.
struct Record(Seen, usize, mpsc::Sender<usize>);

impl Process for Record {
    fn process(&mut self, block: Block<'_>, _: Option<&mut dyn Wire>) -> Flow {
        let lag = block.times.input - block.times.current;
        self.0.lock().unwrap().push((self.1, Instant::now(), lag));
        let mut values = block.input.chunks_exact(4).map(|frame| i16::from_ne_bytes([frame[0], frame[1]]));
        if let Some((at, value)) = values.by_ref().enumerate().find(|&(_, value)| value > 0) {
            let _ = self.2.send(self.1 + at + 1 - value as usize);
            return Flow::Abort;
        }
        self.1 += block.frames;
        Flow::Continue
    }

    fn wait_ready(&mut self, frames: usize) -> usize {
        frames
    }

    fn device_lost(&mut self) {}
}

fn open(id: &str, playback: bool, latency: Latency) -> Box<dyn Device> {
    let side = Some(Side { channels: Some(2), format: Some(SampleFormat::Int16) });
    PulseBackend
        .open(&Request {
            recording_id: None,
            id: id.to_owned(),
            sample_rate: Some(48_000),
            playback: side.filter(|_| playback),
            recording: side.filter(|_| !playback),
            block_size: None,
            latency,
        })
        .unwrap()
}

/// The frame 0 of a direction on the wall clock, by its block number `index`.
fn origin(seen: &Seen, index: usize, start: Instant) -> f64 {
    let seen = seen.lock().unwrap();
    let (frame, at, lag) = seen[index.min(seen.len() - 1)];
    at.duration_since(start).as_secs_f64() + lag - frame as f64 / RATE
}

/// By how many frames the times are wrong, at a block number.
fn error(sink: &str, latency: Latency, index: usize) -> f64 {
    let start = Instant::now();
    let (played, recorded) = (Seen::default(), Seen::default());
    let (found, marker) = mpsc::channel();
    let (mut device, mut monitor) =
        (open(sink, true, latency), open(&format!("{sink}.monitor"), false, latency));
    monitor.start(Box::new(Record(Arc::clone(&recorded), 0, found))).unwrap();
    device.start(Box::new(Play(Arc::clone(&played), 0))).unwrap();
    let marker = marker.recv_timeout(PATIENCE).unwrap();
    monitor.finish();
    device.stop();
    // A frame that is played as number n is recorded as number n + offset.
    let offset = (origin(&played, index, start) - origin(&recorded, index, start)) * RATE;
    offset - (marker as f64 - MARKER as f64)
}

#[test]
fn the_times_say_where_the_recording_lies() {
    if !inside("alignment::the_times_say_where_the_recording_lies") {
        return;
    }
    let _server = Server::start(&folder());
    // From the first block on, and where they have been looked at for a second.
    for (sink, latency, index) in [
        ("pulse:loop", Latency::Low, 0),
        ("pulse:loop", Latency::Low, 100),
        ("pulse:loop", Latency::High, 0),
        ("pulse:loop", Latency::High, 10),
        ("pulse:rewinds", Latency::Low, 100),
        ("pulse:rewinds", Latency::High, 0),
    ] {
        let errors: Vec<f64> = (0..RUNS).map(|_| error(sink, latency, index)).collect();
        let mean = errors.iter().sum::<f64>() / RUNS as f64;
        let variance = errors.iter().map(|error| (error - mean).powi(2)).sum::<f64>() / RUNS as f64;
        eprintln!(
            "{sink}, {latency:?}, block {index}: mean {mean:.1}, deviation {:.1} frames",
            variance.sqrt()
        );
        assert!(mean.abs() < PERIOD && variance.sqrt() < PERIOD / 4.0, "{errors:.1?}");
    }
}
