//! Recordings in several files, and those that begin before they are asked for, bit for bit.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use pastream::{
    ErrorKind, SampleFormat,
    file::{Container, Endian, FileWriter, Spec},
    resample::{ConversionConfig, resampled_frames},
    ring::{Ring, Writer},
    sink::{Cut, Sink, WrittenFile},
    source::Source,
    stream::{Prebuffer, Run, SideConfig, Stream, StreamConfig, StreamEvent},
};

const FORMAT: SampleFormat = SampleFormat::Int16;

fn duplex(device: &str) -> Stream {
    let side = || Some(SideConfig { channels: Some(1), format: Some(FORMAT), ..SideConfig::default() });
    Stream::open(StreamConfig {
        device: device.to_owned(),
        sample_rate: Some(48_000),
        playback: side(),
        recording: side(),
        ..StreamConfig::default()
    })
    .expect("the virtual device opens")
}

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

fn ramp(frames: usize) -> Vec<i16> {
    (1..=frames).map(|frame| frame as i16).collect()
}

fn bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect()
}

fn read(path: &Path) -> Vec<i16> {
    hound::WavReader::open(path).unwrap().samples::<i16>().map(Result::unwrap).collect()
}

fn spec() -> Spec {
    Spec::for_stream(Container::Wav, FORMAT, 1, 48_000, None, Endian::File).unwrap()
}

fn sink(writer: FileWriter, cut: Cut) -> Sink {
    Sink::File { writer: Box::new(writer), buffer_size: 480, conversion: ConversionConfig::default(), cut }
}

fn series(pattern: &Path, cut: Cut) -> Sink {
    sink(FileWriter::create_series(pattern, spec()).unwrap(), cut)
}

fn single(path: &Path, cut: Cut) -> Sink {
    sink(FileWriter::create(path, spec()).unwrap(), cut)
}

fn written(path: &Path, frame: u64, frames: u64) -> WrittenFile {
    WrittenFile { name: path.display().to_string(), frame, frames, complete: true }
}

fn play(stream: &Stream, samples: &[i16]) {
    let frames = Arc::from(bytes(samples));
    stream.set_source(Some(Source::Buffer { frames, looped: false })).unwrap();
}

/// A run that clocks what is written to its ring, and no frame more.
fn start(stream: &Stream) -> Writer {
    let ring = Ring::new(2, 64).unwrap();
    stream.set_source(Some(Source::Ring(Arc::clone(&ring)))).unwrap();
    stream.start(&Run { pad: Some(0), prebuffer: Prebuffer::None, ..Run::default() }).unwrap();
    ring.writer().unwrap()
}

/// Plays `samples`, of which there is a multiple of 32, and waits until they are recorded: `total` by then.
fn feed(stream: &Stream, writer: &mut Writer, samples: &[i16], total: u64) {
    for part in bytes(samples).chunks(64) {
        writer.ring().wait_writable(32, None, &|| false);
        assert_eq!(writer.write(part), 32);
    }
    // A wish for all of its room, so that the device takes the last frames though they are no whole block.
    writer.ring().wait_writable(64, None, &|| false);
    while stream.shared().frame_count() < total {
        assert!(!stream.wait(Some(Duration::from_millis(1))).unwrap());
    }
}

#[test]
fn a_split_recording_is_the_recording_in_parts() {
    let stream = duplex("virtual:clock=free");
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    stream.listen(Some(Box::new(move |event| {
        if let StreamEvent::File(file) = event {
            listener.lock().unwrap().push(file.clone());
        }
    })));
    for (total, split, parts) in
        [(1000, 300, vec![300, 300, 300, 100]), (900, 300, vec![300; 3]), (5, 1, vec![1; 5])]
    {
        let folder = folder("split");
        let samples = ramp(total);
        play(&stream, &samples);
        let cut = Cut { split: Some(split), preroll: None };
        stream.set_sinks(vec![series(&folder.join("take.wav"), cut)]).unwrap();
        stream.start(&Run { pad: Some(0), ..Run::default() }).unwrap();
        stream.wait(None).unwrap();
        let mut at = 0;
        let mut files = Vec::new();
        for (index, frames) in parts.into_iter().enumerate() {
            let path = folder.join(format!("take-{:04}.wav", index + 1));
            assert_eq!(read(&path), samples[at..at + frames]);
            files.push(written(&path, at as u64, frames as u64));
            at += frames;
        }
        assert_eq!(stream.files(), files);
        assert_eq!(std::mem::take(&mut *told.lock().unwrap()), files);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), files.len());
    }
}

#[test]
fn a_gap_is_filled_over_the_borders_of_files() {
    let folder = folder("split_gap");
    let stream = duplex("virtual:clock=free:fault=stall@0.01+0.01");
    let samples = ramp(1000);
    play(&stream, &samples);
    let cut = Cut { split: Some(100), preroll: None };
    stream.set_sinks(vec![series(&folder.join("take.wav"), cut)]).unwrap();
    stream.start(&Run { pad: Some(0), ..Run::default() }).unwrap();
    stream.wait(None).unwrap();
    let gap = stream.sink_counts()[0].gaps() as usize;
    assert_eq!(gap, 480);
    let all: Vec<i16> = stream.files().iter().flat_map(|file| read(Path::new(&file.name))).collect();
    assert_eq!(all.len(), 1480);
    let silent = all.iter().position(|&sample| sample == 0).unwrap();
    assert_eq!(all[..silent], samples[..silent]);
    assert!(all[silent..silent + gap].iter().all(|&sample| sample == 0));
    assert_eq!(all[silent + gap..], samples[silent..]);
    for (index, file) in stream.files().iter().enumerate() {
        assert_eq!((file.frame, file.frames), (100 * index as u64, if index < 14 { 100 } else { 80 }));
    }
}

/// A whole file, and a series, at another rate, with another channel and another level than the stream's.
fn converted(folder: &Path, rate: u32, cut: Cut) -> [Sink; 2] {
    let spec = Spec::for_stream(Container::Wav, FORMAT, 2, rate, None, Endian::File).unwrap();
    let conversion = ConversionConfig { gain: 6.0, ..ConversionConfig::default() };
    let sink = |mut writer: FileWriter, cut| {
        writer.set_dither(Some(1));
        Sink::File { writer: Box::new(writer), buffer_size: 480, conversion, cut }
    };
    let name = folder.join(format!("{rate}.wav"));
    [
        sink(FileWriter::create(&name, spec.clone()).unwrap(), Cut { split: None, ..cut }),
        sink(FileWriter::create_series(&name, spec).unwrap(), cut),
    ]
}

/// Holds the parts of `files` that have this rate against the whole, and tells what each begins with and its frames.
fn parts(folder: &Path, rate: u32, files: &[WrittenFile]) -> Vec<(u64, u64)> {
    let whole = folder.join(format!("{rate}.wav"));
    let part = folder.join(format!("{rate}-")).display().to_string();
    let parts: Vec<_> = files.iter().filter(|file| file.name.starts_with(&part)).collect();
    let read_parts: Vec<_> = parts.iter().map(|file| read(Path::new(&file.name))).collect();
    assert!(read_parts.concat() == read(&whole), "{rate}");
    for (part, read) in parts.iter().zip(read_parts) {
        assert_eq!(read.len() as u64, 2 * part.frames, "{part:?}");
    }
    parts.iter().map(|part| (part.frame, part.frames)).collect()
}

#[test]
fn what_is_resampled_is_the_whole_in_parts_gaps_and_all() {
    // The last of them ends with a border that no frame follows at 8,000 Hz.
    for (rate, split) in [(44_100, 300), (96_000, 70), (47_999, 250), (8_000, 6), (8_000, 211)] {
        let folder = folder("split_resampled");
        let stream = duplex("virtual:clock=free:fault=stall@0.01+0.01");
        play(&stream, &ramp(1000).iter().map(|x| x.wrapping_mul(7919) / 4).collect::<Vec<_>>());
        let cut = Cut { split: Some(split), preroll: None };
        stream.set_sinks(converted(&folder, rate, cut).into()).unwrap();
        stream.start(&Run { pad: Some(0), ..Run::default() }).unwrap();
        stream.wait(None).unwrap();
        let all = 1000 + stream.sink_counts()[1].gaps();
        assert_eq!(all, 1480);
        let place = |frame: u64| resampled_frames(frame.min(all), 48_000, rate);
        let expected: Vec<_> = (0..all)
            .step_by(split as usize)
            .map(|frame| (frame, place(frame + split) - place(frame)))
            .filter(|(_, frames)| *frames > 0)
            .collect();
        assert_eq!(parts(&folder, rate, &stream.files()), expected, "{rate} {split}");
    }
}

#[test]
fn what_is_resampled_is_split_where_that_is_asked_and_begins_before_its_trigger() {
    let folder = folder("asked_resampled");
    let stream = duplex("virtual:clock=free");
    let cut = Cut { split: None, preroll: Some(150) };
    stream
        .set_sinks([44_100, 188].map(|rate| converted(&folder, rate, cut)).into_iter().flatten().collect())
        .unwrap();
    let mut writer = start(&stream);
    let samples = ramp(1024);
    feed(&stream, &mut writer, &samples[..192], 192);
    stream.trigger().unwrap();
    for (from, to) in [(192, 256), (256, 288), (288, 320), (320, 1024)] {
        feed(&stream, &mut writer, &samples[from..to], to as u64);
        stream.split().unwrap();
    }
    writer.ring().end();
    stream.wait(None).unwrap();
    let expected = |rate: u32, frames: &[u64]| -> Vec<_> {
        let place = |frame: u64| resampled_frames(frame - 42, 48_000, rate);
        frames.windows(2).map(|pair| (pair[0], place(pair[1]) - place(pair[0]))).collect()
    };
    let files = stream.files();
    assert_eq!(parts(&folder, 44_100, &files), expected(44_100, &[42, 256, 288, 320, 1024]));
    // From 256 to 288 there is not one.
    assert_eq!(parts(&folder, 188, &files), expected(188, &[42, 256, 320, 1024]));
}

#[test]
fn a_file_is_split_where_that_is_asked() {
    let folder = folder("split_now");
    let stream = duplex("virtual:clock=free");
    assert_eq!(stream.split().unwrap_err().kind(), ErrorKind::StreamState);
    let cut = Cut { split: Some(96), preroll: None };
    let sinks = vec![
        single(&folder.join("whole.wav"), Cut::default()),
        series(&folder.join("asked.wav"), Cut::default()),
        series(&folder.join("both.wav"), cut),
    ];
    stream.set_sinks(sinks).unwrap();
    let mut writer = start(&stream);
    // Before the first frame there is nothing to part.
    stream.split().unwrap();
    let samples = ramp(288);
    feed(&stream, &mut writer, &samples[..64], 64);
    stream.split().unwrap();
    stream.split().unwrap();
    feed(&stream, &mut writer, &samples[64..], 288);
    writer.ring().end();
    stream.wait(None).unwrap();
    let file = |name: &str, from: usize, to: usize| {
        let path = folder.join(name);
        assert_eq!(read(&path), samples[from..to], "{name}");
        written(&path, from as u64, (to - from) as u64)
    };
    let expected = [
        file("whole.wav", 0, 288),
        file("asked-0001.wav", 0, 64),
        file("asked-0002.wav", 64, 288),
        file("both-0001.wav", 0, 64),
        file("both-0002.wav", 64, 160),
        file("both-0003.wav", 160, 256),
        file("both-0004.wav", 256, 288),
    ];
    assert_eq!(stream.files(), expected);
}

#[test]
fn a_preroll_is_what_came_before_the_trigger() {
    let folder = folder("preroll");
    for (preroll, begin) in [(0_u64, 2048_usize), (100, 1948), (2048, 0), (5000, 0)] {
        let stream = duplex("virtual:clock=free");
        let cut = Cut { split: None, preroll: Some(preroll) };
        let path = folder.join("take.wav");
        stream.set_sinks(vec![single(&path, cut), single(&folder.join("all.wav"), Cut::default())]).unwrap();
        let _ = fs::remove_file(&path);
        assert_eq!(stream.trigger().unwrap_err().kind(), ErrorKind::StreamState);
        let mut writer = start(&stream);
        assert_eq!(stream.split().unwrap_err().kind(), ErrorKind::InvalidArgument);
        let samples = ramp(4096);
        feed(&stream, &mut writer, &samples[..2048], 2048);
        assert!(!path.exists());
        stream.trigger().unwrap();
        feed(&stream, &mut writer, &samples[2048..], 4096);
        // Once is enough.
        stream.trigger().unwrap();
        writer.ring().end();
        stream.wait(None).unwrap();
        assert_eq!(read(&path), samples[begin..]);
        assert_eq!(stream.files()[0], written(&path, begin as u64, (4096 - begin) as u64));
        assert_eq!(stream.sink_counts()[0].gaps(), 0);
    }
}

#[test]
fn a_run_that_was_not_triggered_touches_no_file() {
    let folder = folder("untriggered");
    let path = folder.join("take.wav");
    fs::write(&path, "old").unwrap();
    let stream = duplex("virtual:clock=free");
    play(&stream, &ramp(5000));
    stream.set_sinks(vec![single(&path, Cut { split: None, preroll: Some(100) })]).unwrap();
    stream.start(&Run { pad: Some(0), ..Run::default() }).unwrap();
    stream.wait(None).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(stream.files(), []);
}

#[test]
fn a_preroll_is_split_like_the_rest() {
    let folder = folder("preroll_split");
    let stream = duplex("virtual:clock=free");
    let cut = Cut { split: Some(100), preroll: Some(150) };
    stream.set_sinks(vec![series(&folder.join("take.wav"), cut)]).unwrap();
    let mut writer = start(&stream);
    let samples = ramp(256);
    feed(&stream, &mut writer, &samples[..192], 192);
    stream.trigger().unwrap();
    feed(&stream, &mut writer, &samples[192..], 256);
    writer.ring().end();
    stream.wait(None).unwrap();
    let files: Vec<_> = stream.files().iter().map(|file| (file.frame, file.frames)).collect();
    assert_eq!(files, [(42, 100), (142, 100), (242, 14)]);
    let all: Vec<i16> = stream.files().iter().flat_map(|file| read(Path::new(&file.name))).collect();
    assert_eq!(all, samples[42..]);
}

#[test]
fn names_carry_the_time_and_none_is_given_twice() {
    let folder = folder("dated");
    let stream = duplex("virtual:clock=free");
    play(&stream, &ramp(50));
    let cut = Cut { split: Some(10), preroll: None };
    stream.set_sinks(vec![series(&folder.join("a%%b-%Y.wav"), cut)]).unwrap();
    stream.start(&Run { pad: Some(0), ..Run::default() }).unwrap();
    stream.wait(None).unwrap();
    let names: Vec<_> = stream
        .files()
        .iter()
        .map(|file| PathBuf::from(&file.name).file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let first = &names[0];
    let year = first.strip_prefix("a%b-").and_then(|rest| rest.strip_suffix(".wav")).unwrap();
    assert!(year.len() == 4 && year.parse::<u32>().unwrap() > 2024, "{first}");
    let expected: Vec<_> = (2..6).map(|number| format!("a%b-{year}-{number}.wav")).collect();
    assert_eq!(names[1..], expected);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 5);

    for (wrong, why) in
        [("%D.wav", "is in a folder"), ("%!.wav", "makes no file name"), ("x%", "makes no file name")]
    {
        let error = FileWriter::create_series(&folder.join(wrong), spec()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains(why) && error.message().contains("strftime"), "{error}");
    }
}

#[test]
fn what_can_not_be_split() {
    let path = folder("no_split").join("take.wav");
    let stream = duplex("virtual:clock=free");
    let cut = |split| Cut { split: Some(split), preroll: None };
    let [_, short] = converted(path.parent().unwrap(), 8_000, cut(5));
    for (sink, least) in [(single(&path, cut(10)), 1), (series(&path, cut(0)), 1), (short, 6)] {
        let error = stream.set_sinks(vec![sink]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let hint = format!("give {least} or more, and a series of files");
        assert!(error.message().contains("can't be split") && error.message().ends_with(&hint), "{error}");
    }
}

#[test]
fn a_folder_that_vanishes_ends_the_run_with_the_files_before_it_whole() {
    let folder = folder("split_vanishes");
    let inner = folder.join("inner");
    fs::create_dir(&inner).unwrap();
    let stream = duplex("virtual:clock=free");
    stream.set_sinks(vec![series(&inner.join("take.wav"), Cut::default())]).unwrap();
    let mut writer = start(&stream);
    let samples = ramp(64);
    feed(&stream, &mut writer, &samples, 64);
    stream.split().unwrap();
    while stream.files().is_empty() {
        assert!(!stream.wait(Some(Duration::from_millis(1))).unwrap());
    }
    fs::rename(&inner, folder.join("moved")).unwrap();
    for part in bytes(&samples).chunks(64) {
        writer.ring().wait_writable(32, None, &|| false);
        writer.write(part);
    }
    let error = stream.wait(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains("take-0002.wav"), "{error}");
    assert_eq!(stream.files(), [written(&inner.join("take-0001.wav"), 0, 64)]);
    assert_eq!(read(&folder.join("moved/take-0001.wav")), samples);
}

#[test]
fn no_file_that_is_there_is_written_over() {
    let folder = folder("twice");
    let stream = duplex("virtual:clock=free");
    let samples = ramp(500);
    fs::write(folder.join("take-0002.wav"), "another's").unwrap();
    for names in [["take-0001.wav", "take-0003.wav"], ["take-0004.wav", "take-0005.wav"]] {
        play(&stream, &samples);
        let cut = Cut { split: Some(300), preroll: None };
        stream.set_sinks(vec![series(&folder.join("take.wav"), cut)]).unwrap();
        stream.start(&Run { pad: Some(0), ..Run::default() }).unwrap();
        stream.wait(None).unwrap();
        let [first, second] = names.map(|name| folder.join(name));
        assert_eq!(stream.files(), [written(&first, 0, 300), written(&second, 300, 200)]);
        assert_eq!([read(&first), read(&second)].concat(), samples);
    }
    assert_eq!(fs::read(folder.join("take-0002.wav")).unwrap(), b"another's");
}

#[test]
fn a_file_that_is_moved_away_ends_no_recording_and_is_told_at_its_end() {
    let folder = folder("moved");
    let stream = duplex("virtual:clock=free");
    let cut = Cut { split: Some(320), preroll: None };
    stream.set_sinks(vec![series(&folder.join("take.wav"), cut)]).unwrap();
    let mut writer = start(&stream);
    let samples = ramp(960);
    feed(&stream, &mut writer, &samples[..160], 160);
    let (first, moved) = (folder.join("take-0001.wav"), folder.join("done.wav"));
    while !first.exists() {
        assert!(!stream.wait(Some(Duration::from_millis(1))).unwrap());
    }
    fs::rename(&first, &moved).unwrap();
    feed(&stream, &mut writer, &samples[160..], 960);
    writer.ring().end();
    let error = stream.wait(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains("take-0001.wav"), "{error}");
    let [second, third] = ["take-0002.wav", "take-0003.wav"].map(|name| folder.join(name));
    let files = [
        WrittenFile { complete: false, ..written(&first, 0, 320) },
        written(&second, 320, 320),
        written(&third, 640, 320),
    ];
    assert_eq!(stream.files(), files);
    assert_eq!([read(&moved), read(&second), read(&third)].concat(), samples);
}
