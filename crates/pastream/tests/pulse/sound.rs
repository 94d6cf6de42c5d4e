//! What is played is what is recorded, bit for bit.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pastream::{
    SampleFormat,
    backend::Latency,
    sink::Sink,
    source::Source,
    stream::{Outcome, Prebuffer, Run, SideConfig, Stream, StreamConfig},
};

use crate::server::{PATIENCE, Server, folder, inside, until};

/// A stream of one direction.
pub(crate) fn open(id: &str, playback: bool, channels: usize, format: SampleFormat) -> StreamConfig {
    let side = Some(SideConfig { channels: Some(channels), format: Some(format), ..SideConfig::default() });
    StreamConfig {
        device: id.to_owned(),
        playback: side.clone().filter(|_| playback),
        recording: side.filter(|_| !playback),
        ..StreamConfig::default()
    }
}

/// Bytes of which no sample is silent.
fn noise(bytes: usize, seed: u32) -> Arc<[u8]> {
    let mut random = seed;
    (0..bytes)
        .map(|_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((random >> 24) as u8).clamp(1, 63)
        })
        .collect()
}

/// How often `part` lies in `whole`, and where first.
fn occurrences(whole: &[u8], part: &[u8], frame: usize) -> Vec<usize> {
    let frames = part.len().min(frame * 64);
    let begins = whole.chunks_exact(frame).enumerate().filter(|(_, bytes)| **bytes == part[..frame]);
    begins
        .map(|(index, _)| index * frame)
        .filter(|&at| whole.get(at..at + frames) == Some(&part[..frames]))
        .collect()
}

/// Plays `frames` while the monitor is recorded, and answers the recording.
fn round_trip(player: &Stream, recorder: &Stream, frames: &Arc<[u8]>) -> Vec<u8> {
    recorder.set_sinks(vec![Sink::Buffer { frames: 480_000 }]).unwrap();
    recorder.start(&Run::default()).unwrap();
    until("the recording runs", || recorder.shared().frame_count() > 0);
    player.set_source(Some(Source::Buffer { frames: Arc::clone(frames), looped: false })).unwrap();
    player.start(&Run { pad: Some(0), prebuffer: Prebuffer::Full, ..Run::default() }).unwrap();
    assert!(player.wait(Some(PATIENCE)).unwrap());
    assert_eq!(player.shared().outcome(), Outcome::Finished);
    // What has left the sink has been captured, but not sent yet.
    let rest = recorder.shared().frame_count() + 24_000;
    until("the rest is recorded", || recorder.shared().frame_count() >= rest);
    recorder.stop().unwrap();
    recorder.take_recording().unwrap()
}

#[test]
fn every_format_comes_back_bit_for_bit() {
    use SampleFormat::{Float32, Int8, Int16, Int24, Int32, Uint8};
    if !inside("sound::every_format_comes_back_bit_for_bit") {
        return;
    }
    let server = Server::start(&folder());
    server.control(&[
        "load-module",
        "module-null-sink",
        "sink_name=wide",
        "rate=48000",
        "channels=6",
        "format=s32le",
        "norewinds=1",
    ]);
    for (sink, channels, format, latency, block) in [
        ("loop", 2, Int16, Latency::Low, None),
        ("loop", 2, Int16, Latency::High, None),
        ("loop", 2, Int16, Latency::Seconds(0.1), Some(441)),
        ("rewinds", 2, Int16, Latency::Low, None),
        ("rewinds", 2, Int16, Latency::High, Some(441)),
        ("loop", 2, Uint8, Latency::Low, None),
        ("loop", 2, Int8, Latency::Low, None),
        ("spare", 2, Float32, Latency::High, Some(4096)),
        ("wide", 6, Int24, Latency::High, None),
        ("wide", 6, Int32, Latency::Low, None),
    ] {
        let config = |id: &str, playback| StreamConfig {
            latency,
            block_size: block,
            ..open(id, playback, channels, format)
        };
        let player = Stream::open(config(&format!("pulse:{sink}"), true)).unwrap();
        let recorder = Stream::open(config(&format!("pulse:{sink}.monitor"), false)).unwrap();
        assert_eq!(player.opened().playback.unwrap().format, format);
        let frame = channels * format.size();
        // Twice: nothing of the first run is in the second.
        let first = noise(30_001 * frame, 1);
        for seed in [1, 2] {
            let frames = noise(30_001 * frame, seed);
            // A machine that is busy lets one run dry, and it says so.
            let take = (0..5).find_map(|_| {
                let take = round_trip(&player, &recorder, &frames);
                (player.shared().xruns() == 0).then_some(take)
            });
            let take = take.expect("a run without an underflow");
            assert_eq!(recorder.shared().xruns(), 0);
            let found = occurrences(&take, &frames, frame);
            assert_eq!(found.len(), 1, "{sink} {format} {latency:?} {block:?}");
            let (before, rest) = take.split_at(found[0]);
            let (heard, after) = rest.split_at(frames.len());
            assert!(heard == &*frames, "{sink} {format} {latency:?} {block:?}");
            let silent = |bytes: &[u8]| bytes.iter().all(|&byte| byte == format.silence());
            assert!(silent(before) && silent(after), "{sink} {format} {latency:?} {block:?}");
            assert_eq!(occurrences(&take, &first, frame).len(), usize::from(seed == 1));
            assert_eq!(player.shared().frame_count(), 30_001);
            assert_eq!(player.shared().starved(), 0);
        }
    }
}

#[test]
fn a_run_ends_when_the_last_frame_has_left_and_a_stop_at_once() {
    if !inside("sound::a_run_ends_when_the_last_frame_has_left_and_a_stop_at_once") {
        return;
    }
    let _server = Server::start(&folder());
    for sink in ["pulse:loop", "pulse:rewinds"] {
        ends(&Stream::open(open(sink, true, 2, SampleFormat::Int16)).unwrap());
    }
}

fn ends(player: &Stream) {
    let play = || {
        let frames = noise(24_000 * 4, 1);
        player.set_source(Some(Source::Buffer { frames, looped: false })).unwrap();
        player.start(&Run { pad: Some(0), ..Run::default() }).unwrap();
    };
    let begin = Instant::now();
    play();
    assert!(player.wait(Some(PATIENCE)).unwrap());
    let taken = begin.elapsed();
    eprintln!("{}: 0.5 s took {taken:?}", player.opened().id);
    assert!(taken >= Duration::from_millis(500), "{taken:?}");
    assert!(taken < Duration::from_millis(900), "{taken:?}");
    for _ in 0..20 {
        play();
        until("it plays", || player.shared().frame_count() > 0);
        let begin = Instant::now();
        player.abort().unwrap();
        assert!(begin.elapsed() < Duration::from_millis(150), "{:?}", begin.elapsed());
        assert_eq!(player.shared().outcome(), Outcome::Aborted);
    }
}
