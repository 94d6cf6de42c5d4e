//! The writer thread: whole blocks from the ring into a file, or one file after the other, and silence where frames were lost.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use pastream_rt::{Gap, SinkCounts};
use ringbuf::traits::Consumer;

use super::{Cut, WrittenFile};
use crate::{
    Result,
    file::FileWriter,
    resample::Converter,
    ring::{FrameConsumer, Reader},
};

/// How often the file is made true on disk, at least.
const UPDATE: Duration = Duration::from_millis(500);
/// Silence is written so many bytes at a time.
const SILENCE: usize = 1 << 16;

/// What the writer thread is asked, and what it has done. Positions are frames of the recording, gaps included.
#[derive(Debug)]
pub(crate) struct Control {
    counts: Arc<SinkCounts>,
    cut: Cut,
    series: bool,
    asked: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Where the trigger came.
    trigger: Option<u64>,
    /// Where new files are to begin.
    splits: Vec<u64>,
    files: Vec<WrittenFile>,
}

impl Control {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn new(writer: &FileWriter, cut: Cut, counts: Arc<SinkCounts>) -> Self {
        let series = writer.is_series();
        Self { counts, cut, series, asked: AtomicBool::new(false), state: Mutex::default() }
    }

    /// Frames that came or are missing.
    fn now(&self) -> u64 {
        self.counts.delivered() + self.counts.gaps()
    }

    /// Lets the file begin that waits for it; the first time counts. Whether it is one that does.
    pub(crate) fn trigger(&self) -> bool {
        if self.cut.preroll.is_some() {
            self.state().trigger.get_or_insert(self.now());
            // Release: pairs with the Acquire of the wait in `write_all`.
            self.asked.store(true, Ordering::Release);
        }
        self.cut.preroll.is_some()
    }

    /// Lets the next file begin. Whether there can be one.
    pub(crate) fn split(&self) -> bool {
        if self.series {
            self.state().splits.push(self.now());
            // Release: pairs with the Acquire of the wait in `write_all`.
            self.asked.store(true, Ordering::Release);
        }
        self.series
    }

    /// The files that are complete.
    pub(crate) fn files(&self) -> Vec<WrittenFile> {
        self.state().files.clone()
    }
}

/// What the writer thread works on.
pub(crate) struct Drain<'a> {
    pub(crate) writer: &'a mut FileWriter,
    pub(crate) converter: Option<Converter>,
    pub(crate) reader: Reader,
    pub(crate) gaps: FrameConsumer<Gap>,
    pub(crate) silence: u8,
    pub(crate) control: &'a Control,
    /// Takes each file that is complete.
    pub(crate) told: &'a dyn Fn(&WrittenFile),
}

/// Writes what the ring of `drain` gives by way of its converter to its file until the ring has ended, then finishes the file. Where nothing came the file
/// is begun only if the run is `complete`: else what is there stays as it is, and the writer can be used again.
///
/// # Errors
/// What writing the file gives. The ring is closed and the file finished then too.
pub(crate) fn drain(drain: Drain<'_>, complete: &dyn Fn() -> bool) -> Result<()> {
    let Drain { writer, converter, reader, gaps, silence, control, told } = drain;
    let size = reader.ring().frame_size();
    let line = Line { reader, gaps, gap: None, read: 0, at: 0 };
    let silent = vec![silence; SILENCE.div_ceil(size) * size];
    let files = Files { writer, control, told, begins: VecDeque::new(), made: 0 };
    let mut recording = Recording { files, converter, origin: 0, line, silent, control };
    let mut written = recording.write_all().and_then(|()| recording.finish());
    let begins = recording.begins().is_some();
    let Recording { files, line, .. } = recording;
    if let Err(error) = written {
        line.reader.ring().close();
        written = Err(error.and(format_args!("{} frames of it are written", files.writer.frames())));
    } else if begins && control.files().is_empty() && complete() {
        written = files.writer.begin();
    }
    if files.writer.is_unused() {
        return written.and(files.writer.settle());
    }
    let finished = files.writer.finish();
    let frames = files.writer.frames();
    // What could not be begun is no file.
    if frames > 0 || written.is_ok() {
        files.tell(files.writer.name().to_owned(), frames, written.is_ok());
    }
    written.and(finished)
}

/// What is recorded, in its order: frames, and how many are missing.
struct Line {
    reader: Reader,
    gaps: FrameConsumer<Gap>,
    gap: Option<Gap>,
    /// Frames taken from the ring.
    read: u64,
    /// Frames that came or are missing.
    at: u64,
}

enum Part<'a> {
    Frames(&'a [u8]),
    Lost(u64),
}

impl Line {
    /// Gives `to` what comes next, at most `most` frames. Returns how many: 0 where nothing is there yet.
    fn next(&mut self, most: u64, to: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<u64> {
        // First what there is, then its gaps: each is published before the one asked for ahead of it.
        let available = self.reader.readable() as u64;
        self.gap = self.gap.or_else(|| self.gaps.try_pop());
        let before = self.gap.map_or(u64::MAX, |gap| gap.position - self.read);
        let mut moved = available.min(before).min(most);
        if moved > 0 {
            let (left, right) = self.reader.slices(usize::try_from(moved).unwrap_or(usize::MAX));
            for part in [left, right] {
                // Nothing would begin the file.
                if !part.is_empty() {
                    to(Part::Frames(part))?;
                }
            }
            self.reader.advance(moved as usize);
            self.read += moved;
        } else if let Some(gap) = self.gap.as_mut().filter(|gap| gap.position == self.read) {
            moved = gap.length.min(most);
            to(Part::Lost(moved))?;
            gap.length -= moved;
            self.gap.take_if(|gap| gap.length == 0);
        }
        self.at += moved;
        Ok(moved)
    }
}

/// The file that is written, and those that follow it.
struct Files<'a> {
    writer: &'a mut FileWriter,
    control: &'a Control,
    told: &'a dyn Fn(&WrittenFile),
    /// What this file begins with, and those after it, whose first frames a resampler may still hold back: a frame of the
    /// recording, and which one that is of all that the files get.
    begins: VecDeque<(u64, u64)>,
    /// Frames that the files got.
    made: u64,
}

impl Files<'_> {
    fn write(&mut self, mut frames: &[u8]) -> Result<()> {
        let size = self.writer.spec().channels * self.writer.format().size();
        while !frames.is_empty() {
            let all = (frames.len() / size) as u64;
            let now = self.begins.get(1).map_or(all, |(_, next)| all.min(next - self.made));
            let (now, later) = frames.split_at(now as usize * size);
            self.writer.write(now)?;
            self.made += (now.len() / size) as u64;
            frames = later;
            self.turn()?;
        }
        Ok(())
    }

    /// Has a file begin with frame `begin` once the one before it has all of its frames.
    fn split(&mut self, begin: (u64, u64)) -> Result<()> {
        self.begins.push_back(begin);
        self.turn()
    }

    fn turn(&mut self) -> Result<()> {
        while self.begins.get(1).is_some_and(|(_, next)| *next == self.made) {
            let name = self.writer.name().to_owned();
            let frames = self.writer.next_file()?;
            self.tell(name, frames, true);
            self.begins.pop_front();
        }
        Ok(())
    }

    fn tell(&self, name: String, frames: u64, complete: bool) {
        let frame = self.begins.front().map_or(0, |(frame, _)| *frame);
        let file = WrittenFile { name, frame, frames, complete: complete && self.writer.is_whole() };
        (self.told)(&file);
        self.control.state().files.push(file);
    }
}

struct Recording<'a> {
    files: Files<'a>,
    converter: Option<Converter>,
    /// The frame that the first file begins with.
    origin: u64,
    line: Line,
    silent: Vec<u8>,
    control: &'a Control,
}

impl Recording<'_> {
    fn write_all(&mut self) -> Result<()> {
        let quarter = self.quarter();
        let mut updated = Instant::now();
        loop {
            // Before what there is, which is published ahead of it.
            let ended = self.line.reader.ring().is_ended();
            let moved = self.step()?;
            if updated.elapsed() >= UPDATE {
                self.files.writer.update()?;
                updated = Instant::now();
            }
            if moved {
                continue;
            }
            if ended {
                return Ok(());
            }
            let control = self.control;
            // Acquire: pairs with the Release of the request.
            let asked = || control.asked.swap(false, Ordering::Acquire);
            // What is kept for the trigger is there already.
            let wanted = self.line.reader.readable() + quarter;
            let rest = UPDATE.saturating_sub(updated.elapsed());
            self.line.reader.ring().wait_readable(wanted, Some(rest), &asked);
        }
    }

    /// Moves what there is, up to the next border. Returns whether there was anything to do.
    fn step(&mut self) -> Result<bool> {
        let at = self.line.at;
        let drop = &mut |_: Part<'_>| Ok(());
        match self.begins() {
            None => {
                // More than is asked: whoever triggers may not have seen the last block.
                let kept = self.preroll().saturating_add(self.quarter() as u64);
                let end = self.control.now();
                Ok(self.line.next(end.saturating_sub(kept).saturating_sub(at), drop)? > 0)
            }
            Some(begin) if at < begin => Ok(self.line.next(begin - at, drop)? > 0),
            Some(_) => self.write(),
        }
    }

    /// Frames that the file begins with before the trigger.
    fn preroll(&self) -> u64 {
        self.control.cut.preroll.unwrap_or(0)
    }

    /// A quarter of what the ring holds besides the preroll.
    fn quarter(&self) -> usize {
        let capacity = self.line.reader.ring().capacity() as u64;
        (capacity.saturating_sub(self.preroll()) as usize).div_ceil(4)
    }

    /// Where the recording begins; `None` before the trigger.
    fn begins(&self) -> Option<u64> {
        match self.control.cut.preroll {
            None => Some(0),
            Some(preroll) => self.control.state().trigger.map(|at| at.saturating_sub(preroll)),
        }
    }

    /// The first frame at or after `frame` of all that the files get.
    fn place(&self, frame: u64) -> u64 {
        let frames = frame.saturating_sub(self.origin);
        self.converter.as_ref().map_or(frames, |converter| converter.made_of(frames))
    }

    /// Where the file that begins with frame `file` is to end.
    fn border(&self, file: u64) -> Option<u64> {
        let mut state = self.control.state();
        // No file is empty.
        state.splits.retain(|at| self.place(*at) > self.place(file));
        let regular = self.control.cut.split.and_then(|split| file.checked_add(split));
        state.splits.first().copied().into_iter().chain(regular).min()
    }

    fn write(&mut self) -> Result<bool> {
        let at = self.line.at;
        if self.files.begins.is_empty() {
            self.origin = at;
            self.files.begins.push_back((at, 0));
        }
        let newest = self.files.begins.back().map_or(at, |(frame, _)| *frame);
        let border = self.border(newest).unwrap_or(u64::MAX);
        if at >= border {
            self.files.split((at, self.place(at)))?;
            return Ok(true);
        }
        let size = self.line.reader.ring().frame_size();
        let Self { files, converter, line, silent, .. } = self;
        let mut write = |frames: &[u8]| match converter {
            None => files.write(frames),
            Some(converter) => frames.chunks(Converter::BLOCK * size).try_for_each(|part| {
                converter.put(part);
                files.write(converter.take_all())
            }),
        };
        let moved = line.next(border - at, &mut |part| match part {
            Part::Frames(frames) => write(frames),
            Part::Lost(mut left) => {
                while left > 0 {
                    let part = left.min((silent.len() / size) as u64);
                    write(&silent[..part as usize * size])?;
                    left -= part;
                }
                Ok(())
            }
        })?;
        Ok(moved > 0)
    }

    fn finish(&mut self) -> Result<()> {
        let Some(converter) = &mut self.converter else { return Ok(()) };
        converter.finish();
        self.files.write(converter.take_all())
    }
}

#[cfg(test)]
mod tests {
    use ringbuf::traits::Producer;

    use super::*;
    use crate::{
        SampleFormat,
        backend::OpenedSide,
        file::{Container, Endian, Spec},
        resample::{Conversion, ConversionConfig},
        ring::Ring,
    };

    #[test]
    fn a_run_that_gave_nothing_is_a_file_only_where_it_was_complete() {
        let path = std::env::temp_dir().join(format!("pastream-drain-{}.wav", std::process::id()));
        for complete in [false, true] {
            let spec =
                Spec::for_stream(Container::Wav, SampleFormat::Int16, 1, 8_000, None, Endian::File).unwrap();
            let mut writer = FileWriter::create(&path, spec).unwrap();
            let (frames, gaps) = (Ring::new(2, 8).unwrap(), Ring::new(size_of::<Gap>(), 8).unwrap());
            frames.end();
            let control = Control::new(&writer, Cut::default(), Arc::default());
            let work = Drain {
                writer: &mut writer,
                converter: None,
                reader: frames.reader().unwrap(),
                gaps: gaps.consumer().unwrap(),
                silence: 0,
                control: &control,
                told: &|_| {},
            };
            drain(work, &|| complete).unwrap();
            assert_eq!(path.exists(), complete);
            assert_eq!(control.files().len(), usize::from(complete));
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_gap_is_as_long_at_another_rate() {
        let path = std::env::temp_dir().join(format!("pastream-gap-{}.wav", std::process::id()));
        let spec =
            Spec::for_stream(Container::Wav, SampleFormat::Int16, 1, 24_000, None, Endian::File).unwrap();
        let side = OpenedSide { channels: 1, format: SampleFormat::Int16, latency: 0.0 };
        let config = ConversionConfig::default();
        let plan = Conversion::plan("x", &spec, (48_000, &side), &config).unwrap().unwrap();
        let mut writer = FileWriter::create(&path, spec).unwrap();
        let converter = plan.writing(false).unwrap().unwrap();
        writer.set_format(converter.to());
        let (frames, gaps) = (Ring::new(2, 4_000).unwrap(), Ring::new(size_of::<Gap>(), 8).unwrap());
        let loud = 8_192_i16.to_ne_bytes().repeat(4_000);
        assert_eq!(frames.writer().unwrap().write(&loud), 4_000);
        gaps.producer::<Gap>().unwrap().try_push(Gap { position: 2_000, length: 70_000 }).unwrap();
        frames.end();
        let control = Control::new(&writer, Cut::default(), Arc::default());
        let work = Drain {
            writer: &mut writer,
            converter: Some(converter),
            reader: frames.reader().unwrap(),
            gaps: gaps.consumer().unwrap(),
            silence: 0,
            control: &control,
            told: &|_| {},
        };
        drain(work, &|| true).unwrap();
        let mut wav = hound::WavReader::open(&path).unwrap();
        let got: Vec<i16> = wav.samples().map(Result::unwrap).collect();
        assert_eq!(got.len(), 37_000);
        assert!(got[300..700].iter().chain(&got[36_300..36_700]).all(|&sample| sample == 8_192));
        assert!(got[1_300..35_700].iter().all(|&sample| sample == 0));
        std::fs::remove_file(path).unwrap();
    }
}
