//! Where a decoder's bytes come from: a file that can be sought, or a pipe that can't.

use std::{
    fs::File,
    io::{Cursor, ErrorKind as IoErrorKind, Read, Seek, SeekFrom},
    path::Path,
    sync::Arc,
};

use super::in_use::InUse;
use crate::{Error, ErrorKind, Result};

/// Bytes from a file or a pipe, with a name for errors.
pub(super) struct Input {
    name: String,
    stream: Stream,
    /// Bytes that were looked at before they were read, and from where on they are still to be read.
    peeked: Vec<u8>,
    peeked_from: usize,
    position: u64,
}

enum Stream {
    File { file: File, length: u64, _in_use: Option<InUse> },
    Memory(Cursor<Arc<[u8]>>),
    Pipe(Box<dyn Read + Send>),
}

impl Input {
    /// How many bytes [`Self::peek`] looks ahead: enough to tell containers apart.
    pub(super) const PEEK: usize = 12;

    pub(super) fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Self::file(file, name),
            // Windows opens none, and says that it may not.
            Err(_) if path.is_dir() => Err(directory(&name)),
            Err(error) => Err(Error::io(format_args!("cannot open {name}"), error)),
        }
    }

    /// What is open for reading, and stands at its start where it is a file.
    pub(super) fn file(file: File, name: String) -> Result<Self> {
        let metadata =
            file.metadata().map_err(|error| Error::io(format_args!("cannot read {name}"), error))?;
        if metadata.is_dir() {
            return Err(directory(&name));
        }
        if !metadata.is_file() {
            return Ok(Self::pipe(Box::new(file), name));
        }
        // So that nobody records over it meanwhile. One that is being recorded can be read all the same.
        let _ = file.try_lock_shared();
        let in_use = InUse::new(&file);
        Ok(Self::new(name, Stream::File { file, length: metadata.len(), _in_use: in_use }))
    }

    pub(super) fn pipe(pipe: Box<dyn Read + Send>, name: String) -> Self {
        Self::new(name, Stream::Pipe(pipe))
    }

    pub(super) fn memory(bytes: Arc<[u8]>, name: String) -> Self {
        Self::new(name, Stream::Memory(Cursor::new(bytes)))
    }

    fn new(name: String, stream: Stream) -> Self {
        Self { name, stream, peeked: Vec::new(), peeked_from: 0, position: 0 }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes in the file when it was opened; `None` for a pipe.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.stream {
            Stream::File { length, .. } => Some(*length),
            Stream::Memory(bytes) => Some(bytes.get_ref().len() as u64),
            Stream::Pipe(_) => None,
        }
    }

    /// Bytes read or skipped so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The first bytes, fewer where there are no more. To be called before anything is read.
    pub(super) fn peek(&mut self) -> Result<&[u8]> {
        self.look_ahead(Self::PEEK)
    }

    /// At least `count` of the bytes that are read next, fewer where there are no more.
    pub(super) fn look_ahead(&mut self, count: usize) -> Result<&[u8]> {
        let mut block = [0; 4096];
        while self.peeked.len() - self.peeked_from < count {
            let missing = count - (self.peeked.len() - self.peeked_from);
            match self.read_stream(&mut block[..missing.min(4096)])? {
                0 => break,
                read => self.peeked.extend(&block[..read]),
            }
        }
        Ok(&self.peeked[self.peeked_from..])
    }

    /// Reads what is there at once, 0 bytes at the end.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let peeked = &self.peeked[self.peeked_from..];
        let count = if peeked.is_empty() {
            self.peeked = Vec::new();
            self.peeked_from = 0;
            self.read_stream(out)?
        } else {
            let count = peeked.len().min(out.len());
            out[..count].copy_from_slice(&peeked[..count]);
            self.peeked_from += count;
            count
        };
        self.position += count as u64;
        Ok(count)
    }

    fn read_stream(&mut self, out: &mut [u8]) -> Result<usize> {
        loop {
            let result = match &mut self.stream {
                Stream::File { file, .. } => file.read(out),
                Stream::Memory(bytes) => bytes.read(out),
                Stream::Pipe(pipe) => pipe.read(out),
            };
            match result {
                Err(error) if error.kind() == IoErrorKind::Interrupted => {}
                result => return result.map_err(|error| self.io(error)),
            }
        }
    }

    /// Reads until `out` is full or the end is reached.
    pub(super) fn read_full(&mut self, out: &mut [u8]) -> Result<usize> {
        let mut count = 0;
        while count < out.len() {
            match self.read(&mut out[count..])? {
                0 => break,
                more => count += more,
            }
        }
        Ok(count)
    }

    /// Reads a part of a header.
    pub(super) fn read_header(&mut self, out: &mut [u8]) -> Result<()> {
        if self.read_full(out)? < out.len() {
            return Err(self.corrupt("it is cut off inside its header"));
        }
        Ok(())
    }

    /// The text that follows, of `length` bytes, as much of it as anybody writes.
    pub(super) fn read_text(&mut self, length: u64) -> Result<Vec<u8>> {
        const LONGEST: u64 = 1 << 20;
        let mut text = vec![0; length.min(LONGEST) as usize];
        let count = self.read_full(&mut text)?;
        text.truncate(count);
        Ok(text)
    }

    /// Goes `count` bytes ahead, at most to the end.
    pub(super) fn skip(&mut self, mut count: u64) -> Result<()> {
        if let Some(length) = self.length() {
            // No further: there are places that no file system can go to.
            let end = length.max(self.position);
            return self.seek(self.position.saturating_add(count).min(end));
        }
        let mut skipped = [0; 4096];
        while count > 0 {
            let now = count.min(skipped.len() as u64) as usize;
            match self.read(&mut skipped[..now])? {
                0 => break,
                read => count -= read as u64,
            }
        }
        Ok(())
    }

    /// Goes to a place in a file.
    pub(super) fn seek(&mut self, position: u64) -> Result<()> {
        let sought = match &mut self.stream {
            Stream::File { file, .. } => file.seek(SeekFrom::Start(position)),
            Stream::Memory(bytes) => bytes.seek(SeekFrom::Start(position)),
            Stream::Pipe(_) => {
                let message =
                    format!("{} is a pipe: it can be read only once, from its start to its end", self.name);
                return Err(Error::new(ErrorKind::UnsupportedFile, message));
            }
        };
        sought.map_err(|error| self.io(error))?;
        self.peeked = Vec::new();
        self.peeked_from = 0;
        self.position = position;
        Ok(())
    }

    fn io(&self, error: std::io::Error) -> Error {
        Error::io(format_args!("cannot read {}", self.name), error)
    }

    pub(super) fn corrupt(&self, wrong: impl std::fmt::Display) -> Error {
        corrupt(&self.name, wrong)
    }

    pub(super) fn unsupported(&self, wrong: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::UnsupportedFile, format!("{}: {wrong}", self.name))
    }
}

/// What is told of a file, named `name`, that contradicts itself.
pub(super) fn corrupt(name: &str, wrong: impl std::fmt::Display) -> Error {
    let advice = "make it again, or have its bytes read as samples with -t raw -c -r -e";
    Error::new(ErrorKind::CorruptFile, format!("{name}: {wrong}; {advice}"))
}

impl Drop for Input {
    fn drop(&mut self) {
        if let Stream::File { file, .. } = &self.stream {
            // As an output does: closing would not do while another process is being started.
            let _ = file.unlock();
        }
    }
}

fn directory(name: &str) -> Error {
    Error::new(ErrorKind::Io, format!("cannot read {name}: it is a directory, not a file"))
}
