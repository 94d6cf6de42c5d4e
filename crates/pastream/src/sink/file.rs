//! The writer thread: whole blocks from the ring into a file, and silence where frames were lost.

use std::time::{Duration, Instant};

use pastream_rt::Gap;
use ringbuf::traits::Consumer;

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

/// Writes what `reader` gives by way of `converter` to `writer` until the ring has ended, then finishes the file. Where
/// nothing came the file is begun only if the run is `complete`: else what is there stays as it is, and `writer` can be used again.
///
/// # Errors
/// What writing the file gives. The ring is closed and the file finished then too.
pub(crate) fn drain(
    writer: &mut FileWriter,
    converter: Option<Converter>,
    mut reader: Reader,
    mut gaps: FrameConsumer<Gap>,
    silence: u8,
    complete: &dyn Fn() -> bool,
) -> Result<()> {
    let mut file = Frames { writer, converter };
    let mut written = write_all(&mut file, &mut reader, &mut gaps, silence).and_then(|()| file.finish());
    if let Err(error) = written {
        reader.ring().close();
        written = Err(error.and(format_args!("{} frames of it are written", writer.frames())));
    } else if complete() {
        written = writer.begin();
    }
    if writer.is_unused() {
        return written;
    }
    let finished = writer.finish();
    if written.is_ok() {
        written = finished;
    }
    written
}

/// A file that takes the frames of the stream.
struct Frames<'a> {
    writer: &'a mut FileWriter,
    converter: Option<Converter>,
}

impl Frames<'_> {
    fn write(&mut self, frames: &[u8]) -> Result<()> {
        let Some(converter) = &mut self.converter else { return self.writer.write(frames) };
        // A converter may give nothing yet.
        self.writer.begin()?;
        for part in frames.chunks(Converter::BLOCK * converter.frame_size()) {
            converter.put(part);
            self.writer.write(converter.take_all())?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        let Some(converter) = &mut self.converter else { return Ok(()) };
        converter.finish();
        match converter.take_all() {
            [] => Ok(()),
            rest => self.writer.write(rest),
        }
    }
}

fn write_all(
    file: &mut Frames<'_>,
    reader: &mut Reader,
    gaps: &mut FrameConsumer<Gap>,
    silence: u8,
) -> Result<()> {
    let size = reader.ring().frame_size();
    let quarter = reader.ring().capacity().div_ceil(4);
    let silent = vec![silence; SILENCE.div_ceil(size) * size];
    let mut read = 0_u64;
    let mut gap: Option<Gap> = None;
    let mut updated = Instant::now();
    loop {
        // First whether it has ended, then what there is, then its gaps: each is published before the one asked for ahead of it.
        let ended = reader.ring().is_ended();
        let available = reader.readable();
        gap = gap.or_else(|| gaps.try_pop());
        let before = gap.map_or(u64::MAX, |gap| gap.position - read);
        let frames = available.min(usize::try_from(before).unwrap_or(usize::MAX));
        let (left, right) = reader.slices(frames);
        for part in [left, right] {
            // Nothing would begin the file.
            if !part.is_empty() {
                file.write(part)?;
            }
        }
        reader.advance(frames);
        read += frames as u64;
        if let Some(lost) = gap.take_if(|gap| gap.position == read) {
            let mut left = lost.length;
            while left > 0 {
                let part = left.min((silent.len() / size) as u64);
                file.write(&silent[..part as usize * size])?;
                left -= part;
            }
            continue;
        }
        if updated.elapsed() >= UPDATE {
            file.writer.update()?;
            updated = Instant::now();
        }
        if frames == 0 {
            if ended {
                return Ok(());
            }
            reader.ring().wait_readable(quarter, Some(UPDATE / 2), &|| false);
        }
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
            drain(&mut writer, None, frames.reader().unwrap(), gaps.consumer().unwrap(), 0, &|| complete)
                .unwrap();
            assert_eq!(path.exists(), complete);
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_gap_is_as_long_at_another_rate() {
        let path = std::env::temp_dir().join(format!("pastream-gap-{}.wav", std::process::id()));
        let spec = |rate| Spec::for_stream(Container::Wav, SampleFormat::Int16, 1, rate, None, Endian::File);
        let side = OpenedSide { channels: 1, format: SampleFormat::Int16, latency: 0.0 };
        let (file, config) = (spec(24_000).unwrap(), ConversionConfig::default());
        let plan = Conversion::plan("x", &file, (48_000, &side), &config).unwrap().unwrap();
        let mut writer = FileWriter::create(&path, file).unwrap();
        let converter = plan.writing(false).unwrap().unwrap();
        writer.set_format(converter.to());
        let (frames, gaps) = (Ring::new(2, 4_000).unwrap(), Ring::new(size_of::<Gap>(), 8).unwrap());
        let loud = 8_192_i16.to_ne_bytes().repeat(4_000);
        assert_eq!(frames.writer().unwrap().write(&loud), 4_000);
        gaps.producer::<Gap>().unwrap().try_push(Gap { position: 2_000, length: 70_000 }).unwrap();
        frames.end();
        let (reader, gaps) = (frames.reader().unwrap(), gaps.consumer().unwrap());
        drain(&mut writer, Some(converter), reader, gaps, 0, &|| true).unwrap();
        let mut wav = hound::WavReader::open(&path).unwrap();
        let got: Vec<i16> = wav.samples().map(Result::unwrap).collect();
        assert_eq!(got.len(), 37_000);
        assert!(got[300..700].iter().chain(&got[36_300..36_700]).all(|&sample| sample == 8_192));
        assert!(got[1_300..35_700].iter().all(|&sample| sample == 0));
        std::fs::remove_file(path).unwrap();
    }
}
