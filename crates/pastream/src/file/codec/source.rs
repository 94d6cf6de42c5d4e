//! A part of an input, as symphonia's readers take their bytes.

use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use symphonia::core::io::MediaSource;

use crate::file::input::Input;

/// The bytes of `input` from `from` to `to`, counted from 0. Several may share an input that can be sought: each knows where it stands.
pub(super) struct Source {
    input: Arc<Mutex<Input>>,
    from: u64,
    to: Option<u64>,
    position: u64,
}

impl Source {
    /// `to`: the end of what can be sought; `None` for a pipe, which stands at `from`.
    pub(super) fn new(input: &Arc<Mutex<Input>>, from: u64, to: Option<u64>) -> Self {
        Self { input: Arc::clone(input), from, to, position: from }
    }
}

pub(super) fn lock(input: &Mutex<Input>) -> MutexGuard<'_, Input> {
    input.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.to.map_or(u64::MAX, |to| to.saturating_sub(self.position));
        let wanted = left.min(out.len() as u64) as usize;
        if wanted == 0 {
            // A damaged index leads where no system would go.
            return Ok(0);
        }
        let mut input = lock(&self.input);
        if self.to.is_some() && input.position() != self.position {
            input.seek(self.position).map_err(io::Error::other)?;
        }
        let count = input.read(&mut out[..wanted]).map_err(io::Error::other)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = self.to.ok_or(io::ErrorKind::NotSeekable)?;
        let position = match to {
            SeekFrom::Start(offset) => self.from.checked_add(offset),
            SeekFrom::End(offset) => end.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position =
            position.filter(|&position| position >= self.from).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position - self.from)
    }
}

impl MediaSource for Source {
    fn is_seekable(&self) -> bool {
        self.to.is_some()
    }

    fn byte_len(&self) -> Option<u64> {
        self.to.map(|to| to.saturating_sub(self.from))
    }
}
