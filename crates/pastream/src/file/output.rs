//! Where an encoder's bytes go: a file that can be corrected, or a pipe that can't.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind as IoErrorKind, Seek, SeekFrom, Write},
    path::Path,
};

use crate::{Error, ErrorKind, Result};

/// Bytes to a file or a pipe, with a name for errors.
pub(super) struct Output {
    name: String,
    stream: Stream,
}

enum Stream {
    File(File),
    Pipe(Box<dyn Write + Send>),
}

impl Output {
    /// Whether [`Self::create`] is likely to work. Leaves what is there untouched.
    pub(super) fn check(path: &Path) -> Result<()> {
        let cannot = |error| cannot_create(path, error);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                let message = format!("cannot write {}: it is a directory", path.display());
                Err(Error::new(ErrorKind::Io, message))
            }
            // Opening anything but a file may block, or mean something to who is at the other end.
            Ok(metadata) if !metadata.is_file() => Ok(()),
            Ok(_) => OpenOptions::new().write(true).open(path).map(drop).map_err(cannot),
            Err(error) if error.kind() == IoErrorKind::NotFound => {
                OpenOptions::new().write(true).create_new(true).open(path).map(drop).map_err(cannot)?;
                fs::remove_file(path).map_err(cannot)
            }
            Err(error) => Err(cannot(error)),
        }
    }

    /// Creates the file, or empties the one that is there.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let cannot = |error| cannot_create(path, error);
        let file = File::create(path).map_err(cannot)?;
        let seekable = file.metadata().map_err(cannot)?.is_file();
        let stream = if seekable { Stream::File(file) } else { Stream::Pipe(Box::new(file)) };
        Ok(Self { name: path.display().to_string(), stream })
    }

    pub(super) fn pipe(pipe: Box<dyn Write + Send>, name: String) -> Self {
        Self { name, stream: Stream::Pipe(pipe) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_pipe(&self) -> bool {
        matches!(self.stream, Stream::Pipe(_))
    }

    /// Appends `bytes`, adding to `written` what really went out.
    pub(super) fn append(&mut self, mut bytes: &[u8], written: &mut u64) -> Result<()> {
        while !bytes.is_empty() {
            let result = match &mut self.stream {
                Stream::File(file) => file.write(bytes),
                Stream::Pipe(pipe) => pipe.write(bytes),
            };
            match result {
                Ok(0) => return Err(self.io(IoErrorKind::WriteZero.into())),
                Ok(count) => {
                    *written += count as u64;
                    bytes = &bytes[count..];
                }
                Err(error) if error.kind() == IoErrorKind::Interrupted => {}
                Err(error) => return Err(self.io(error)),
            }
        }
        Ok(())
    }

    /// Writes `header` over the start of a file and goes back to `end`.
    pub(super) fn rewrite(&mut self, header: &[u8], end: u64) -> Result<()> {
        let Stream::File(file) = &mut self.stream else { return Ok(()) };
        let done = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(header))
            .and_then(|()| file.seek(SeekFrom::Start(end)));
        done.map(drop).map_err(|error| self.io(error))
    }

    /// Cuts or lengthens a file to `length` bytes.
    pub(super) fn resize(&mut self, length: u64) -> Result<()> {
        let Stream::File(file) = &mut self.stream else { return Ok(()) };
        file.set_len(length).map_err(|error| self.io(error))
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        let result = match &mut self.stream {
            Stream::File(file) => file.flush(),
            Stream::Pipe(pipe) => pipe.flush(),
        };
        result.map_err(|error| self.io(error))
    }

    fn io(&self, error: std::io::Error) -> Error {
        Error::io(format_args!("cannot write {}", self.name), error)
    }
}

fn cannot_create(path: &Path, error: std::io::Error) -> Error {
    Error::io(format_args!("cannot write {}", path.display()), error)
}
