//! Where a file goes on playing: wished for by the handle, done by the reader thread.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
    mpsc::{self, Receiver, Sender},
};

use crate::{
    Error, ErrorKind, Result,
    file::FileReader,
    resample::resampled_frames,
    ring::{Ring, Writer},
};

/// What handle and reader thread share of one run.
pub(crate) struct Seek {
    ring: Arc<Ring>,
    name: String,
    seekable: bool,
    /// In Hz: the file's, and the stream's.
    rates: (u32, u32),
    /// In frames of the file, where it is known; of a looped one the turn.
    length: Option<u64>,
    looped: bool,
    wanted: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The frame to go on at. The last wish counts; all who wait get its answer.
    wish: Option<u64>,
    waiting: Vec<Sender<Result<()>>>,
    /// Frame `.0` of the file, at the stream's rate as the wish, is what was written to the ring after `.1` frames.
    origin: (u64, u64),
    over: bool,
}

impl Seek {
    pub(crate) fn new(ring: &Arc<Ring>, reader: &FileReader, sample_rate: u32, looped: bool) -> Self {
        Self {
            ring: Arc::clone(ring),
            name: reader.name().to_owned(),
            seekable: reader.seekable(),
            rates: (reader.spec().sample_rate, sample_rate),
            length: reader.spec().frames,
            looped,
            wanted: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the file ends, at the stream's rate.
    fn end_frame(&self) -> u64 {
        let (from, to) = self.rates;
        self.length.map_or(u64::MAX, |length| resampled_frames(length, from, to))
    }

    /// Wishes that the file goes on at `frame`. The answer comes when that is read next; none where it is over.
    ///
    /// # Errors
    /// `UnsupportedFile` for a pipe.
    pub(crate) fn ask(&self, frame: u64) -> Result<Receiver<Result<()>>> {
        if !self.seekable {
            let message = format!("{} can't be sought: it is a pipe", self.name);
            return Err(Error::new(ErrorKind::UnsupportedFile, message));
        }
        let (tell, answer) = mpsc::channel();
        let mut state = self.state();
        if !state.over {
            state.wish = Some(frame.min(self.end_frame()));
            state.waiting.push(tell);
            // Relaxed: what it tells of is behind the lock.
            self.wanted.store(true, Ordering::Relaxed);
            drop(state);
            self.ring.notify();
        }
        Ok(answer)
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Does what was wished for, by way of `seek`.
    pub(super) fn serve(&self, writer: &mut Writer, seek: impl FnOnce(u64) -> Result<()>) {
        if !self.is_wanted() {
            return;
        }
        let (wish, asked) = {
            let mut state = self.state();
            self.wanted.store(false, Ordering::Relaxed);
            (state.wish.take(), state.waiting.len())
        };
        let Some(frame) = wish else { return };
        let sought = seek(frame);
        if sought.is_ok() {
            self.ring.unend();
            writer.discard();
        }
        let mut state = self.state();
        if sought.is_ok() {
            state.origin = (frame, writer.written());
        }
        // Nobody waits any more where the run has ended meanwhile.
        let asked = asked.min(state.waiting.len());
        for waiting in state.waiting.drain(..asked) {
            // Who asked may be gone.
            let _ = waiting.send(sought.clone());
        }
    }

    /// Nothing is read any more: who waits or asks from now on gets no answer.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.over = true;
        state.waiting.clear();
    }

    /// The frame of the file that is played next, where `played` were played.
    pub(crate) fn position(&self, played: u64) -> u64 {
        let (frame, written) = self.state().origin;
        let position = frame + (played + self.ring.flushed()).saturating_sub(written);
        match self.length {
            Some(length) if self.looped => {
                // A turn need not be a whole number of frames of the stream.
                let (from, to) = (u128::from(self.rates.0), u128::from(self.rates.1));
                let turn = u128::from(length.max(1)) * to;
                (u128::from(position) * from % turn / from) as u64
            }
            _ => position.min(self.end_frame()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::TryRecvError;

    use super::*;
    use crate::file::{Container, Encoding, ReadHint};

    #[test]
    fn who_waits_for_a_file_that_hangs_waits_no_longer_than_the_run() {
        let hint = ReadHint {
            container: Some(Container::Raw),
            encoding: Some(Encoding::Pcm16),
            channels: Some(1),
            sample_rate: Some(8_000),
            ..ReadHint::default()
        };
        let reader = FileReader::from_bytes(vec![0; 200].into(), "memory", &hint).unwrap();
        let ring = Ring::new(2, 8).unwrap();
        let seek = Seek::new(&ring, &reader, 8_000, false);
        let mut writer = ring.writer().unwrap();
        let (first, mut second) = (seek.ask(10).unwrap(), None);
        seek.serve(&mut writer, |frame| {
            assert_eq!(frame, 10);
            // Asked meanwhile: it is no answer to this one.
            second = Some(seek.ask(20).unwrap());
            Ok(())
        });
        assert!(first.recv().unwrap().is_ok());
        let second = second.unwrap();
        assert_eq!(second.try_recv().unwrap_err(), TryRecvError::Empty);
        seek.serve(&mut writer, |frame| {
            assert_eq!(frame, 20);
            // As the conductor does while this hangs.
            seek.end();
            assert_eq!(second.try_recv().unwrap_err(), TryRecvError::Disconnected);
            Ok(())
        });
        assert!(seek.ask(30).unwrap().recv().is_err());
    }
}
