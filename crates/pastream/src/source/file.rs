//! The reader thread: whole blocks from a file into the ring.

use super::Seek;
use crate::{Error, ErrorKind, Result, file::FileReader, ring::Writer};

/// What [`step`] wants next.
enum Step {
    Continue,
    Wait,
    End,
}

/// Reads `reader` into `writer` until its end, over and over where it is `looped`, and ends the ring. Returns early
/// when the ring is closed or `cancelled` says so. Goes on elsewhere where `seek` says so, until all was played.
///
/// # Errors
/// What reading the file gives; `CorruptFile` at the end of one that was damaged. The ring is ended then too.
pub(crate) fn feed(
    reader: &mut FileReader,
    mut writer: Writer,
    looped: bool,
    seek: &Seek,
    cancelled: &dyn Fn() -> bool,
) -> Result<()> {
    // Half a ring at a time: few wake-ups, and never a starved callback in between.
    let half = writer.ring().capacity().div_ceil(2);
    let mut heard = false;
    let roused = || cancelled() || seek.is_wanted();
    let outcome = loop {
        seek.serve(reader, &mut writer);
        match step(reader, &mut writer, looped, &mut heard) {
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
    writer.ring().end();
    seek.end();
    outcome
}

fn step(reader: &mut FileReader, writer: &mut Writer, looped: bool, heard: &mut bool) -> Result<Step> {
    let frame_size = writer.ring().frame_size();
    let (room, _) = writer.slices(usize::MAX);
    if room.is_empty() {
        return Ok(Step::Wait);
    }
    let frames = reader.read(room)?;
    debug_assert!(frames * frame_size <= room.len());
    writer.advance(frames);
    *heard |= frames > 0;
    match (frames, looped, *heard) {
        (0, true, true) => reader.seek(0).map(|()| Step::Continue),
        (0, true, false) => {
            let message = format!("{} holds no frames to loop", reader.name());
            Err(Error::new(ErrorKind::UnsupportedFile, message))
        }
        (0, false, _) if reader.damaged() > 0 => {
            let (name, damaged) = (reader.name(), reader.damaged());
            let message = format!("{name} is damaged: {damaged} frames of it were played as silence");
            Err(Error::new(ErrorKind::CorruptFile, message))
        }
        (0, false, _) => Ok(Step::End),
        _ => Ok(Step::Continue),
    }
}
