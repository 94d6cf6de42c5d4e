//! The writer thread: whole blocks from the ring into a file, and silence where frames were lost.

use std::time::{Duration, Instant};

use pastream_rt::Gap;
use ringbuf::traits::Consumer;

use crate::{
    Result,
    file::FileWriter,
    ring::{FrameConsumer, Reader},
};

/// How often the file is made true on disk, at least.
const UPDATE: Duration = Duration::from_millis(500);
/// Silence is written so many bytes at a time.
const SILENCE: usize = 1 << 16;

/// Writes what `reader` gives to `writer` until the ring has ended, then finishes the file. Where nothing came the file
/// is begun only if the run is `complete`: else what is there stays as it is, and `writer` can be used again.
///
/// # Errors
/// What writing the file gives. The ring is closed and the file finished then too.
pub(crate) fn drain(
    writer: &mut FileWriter,
    mut reader: Reader,
    mut gaps: FrameConsumer<Gap>,
    silence: u8,
    complete: &dyn Fn() -> bool,
) -> Result<()> {
    let mut written = write_all(writer, &mut reader, &mut gaps, silence);
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

fn write_all(
    writer: &mut FileWriter,
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
                writer.write(part)?;
            }
        }
        reader.advance(frames);
        read += frames as u64;
        if let Some(lost) = gap.take_if(|gap| gap.position == read) {
            let mut left = lost.length;
            while left > 0 {
                let part = left.min((silent.len() / size) as u64);
                writer.write(&silent[..part as usize * size])?;
                left -= part;
            }
            continue;
        }
        if updated.elapsed() >= UPDATE {
            writer.update()?;
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
    use super::*;
    use crate::{
        SampleFormat,
        file::{Container, Endian, Spec},
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
            drain(&mut writer, frames.reader().unwrap(), gaps.consumer().unwrap(), 0, &|| complete).unwrap();
            assert_eq!(path.exists(), complete);
        }
        std::fs::remove_file(path).unwrap();
    }
}
