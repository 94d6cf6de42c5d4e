//! The reader thread: whole blocks from a file into the ring.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Seek;
use crate::{Error, ErrorKind, Result, file::FileReader, resample::Converter, ring::Writer};

/// What [`step`] wants next.
enum Step {
    Continue,
    Wait,
    End,
}

/// Reads `reader` by way of `converter` into `writer` until its end, over and over where it is `looped`, and ends the ring.
/// Returns early when the ring is closed or `cancelled` says so. Goes on elsewhere where `seek` says so, until all was
/// played.
///
/// # Errors
/// What reading the file gives; `CorruptFile` at the end of one that was damaged; `Io` where it panics. The ring is ended
/// then too.
pub(crate) fn feed(
    reader: &mut FileReader,
    converter: Option<Converter>,
    mut writer: Writer,
    looped: bool,
    seek: &Seek,
    cancelled: &dyn Fn() -> bool,
) -> Result<()> {
    // Half a ring at a time: few wake-ups, and never a starved callback in between.
    let half = writer.ring().capacity().div_ceil(2);
    let mut frames = Frames { reader, looped, converter, block: Vec::new() };
    let roused = || cancelled() || seek.is_wanted();
    let read = || loop {
        seek.serve(&mut writer, |frame| frames.seek(frame));
        match step(&mut frames, &mut writer) {
            Ok(Step::Continue) => {}
            Ok(Step::Wait) => drop(writer.ring().wait_writable(half, None, &roused)),
            Ok(Step::End) => {
                writer.ring().end();
                // As long as it is heard there is a way back.
                writer.ring().wait_writable(usize::MAX, None, &roused);
                if !seek.is_wanted() {
                    break Ok(());
                }
            }
            Err(error) => break Err(error),
        }
        if cancelled() || writer.ring().is_closed() {
            break Ok(());
        }
    };
    // What panicked is not read again in this run.
    let outcome = catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(Error::panicked(frames.reader.name(), "reader thread")));
    writer.ring().end();
    seek.end();
    outcome
}

fn step(frames: &mut Frames<'_>, writer: &mut Writer) -> Result<Step> {
    let frame_size = writer.ring().frame_size();
    let (room, _) = writer.slices(usize::MAX);
    if room.is_empty() {
        return Ok(Step::Wait);
    }
    let read = frames.read(room)?;
    debug_assert!(read * frame_size <= room.len());
    writer.advance(read);
    if read > 0 {
        return Ok(Step::Continue);
    }
    if frames.reader.damaged() > 0 {
        let (name, damaged) = (frames.reader.name(), frames.reader.damaged());
        let message = format!("{name} is damaged: {damaged} frames of it were played as silence");
        return Err(Error::new(ErrorKind::CorruptFile, message));
    }
    Ok(Step::End)
}

/// The frames of a file as the stream's.
struct Frames<'a> {
    reader: &'a mut FileReader,
    looped: bool,
    converter: Option<Converter>,
    /// Frames on their way to the converter.
    block: Vec<u8>,
}

impl Frames<'_> {
    /// Goes on at a frame of the stream's rate. After an error it goes on as it was.
    fn seek(&mut self, frame: u64) -> Result<()> {
        let own = self.converter.as_ref().map_or(frame, |converter| converter.origin(frame));
        self.reader.seek(own)?;
        if let Some(converter) = &mut self.converter {
            converter.restart(frame);
        }
        Ok(())
    }

    /// Fills the front of `out`, which holds at least one frame. Returns how many frames, 0 at the end.
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let Self { reader, looped, converter, block } = self;
        let Some(converter) = converter else { return next(reader, *looped, out) };
        loop {
            let taken = converter.take(out);
            if taken > 0 {
                return Ok(taken);
            }
            let size = converter.frame_size();
            block.resize(Converter::BLOCK * size, 0);
            match next(reader, *looped, block)? {
                0 => {
                    converter.finish();
                    return Ok(converter.take(out));
                }
                frames => converter.put(&block[..frames * size]),
            }
        }
    }
}

/// What follows in a file, at its end from the beginning where it is looped; so a converter never sees the seam.
fn next(reader: &mut FileReader, looped: bool, out: &mut [u8]) -> Result<usize> {
    let frames = reader.read(out)?;
    if frames > 0 || !looped {
        return Ok(frames);
    }
    reader.seek(0)?;
    match reader.read(out)? {
        0 => {
            let message = format!("{} holds no frames to loop", reader.name());
            Err(Error::new(ErrorKind::UnsupportedFile, message))
        }
        frames => Ok(frames),
    }
}
