//! Where an encoder's bytes go: a file that can be corrected, or a pipe that can't.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind as IoErrorKind, Seek, SeekFrom, Write},
    path::{self, Path, PathBuf},
};

use crate::{Error, ErrorKind, Result};

/// Bytes to a file or a pipe, with a name for errors.
pub(super) struct Output {
    name: String,
    /// Where the file is to be found when it is complete.
    path: Option<PathBuf>,
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
            Ok(_) => {
                let file = OpenOptions::new().write(true).open(path).map_err(cannot)?;
                lock(&file, &path.display().to_string())
            }
            Err(error) if error.kind() == IoErrorKind::NotFound => {
                OpenOptions::new().write(true).create_new(true).open(path).map(drop).map_err(cannot)?;
                fs::remove_file(path).map_err(cannot)
            }
            Err(error) => Err(cannot(error)),
        }
    }

    /// Creates the file, or opens the one that is there, which keeps what it holds for now.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let cannot = |error| cannot_create(path, error);
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(cannot)?;
        let there = path::absolute(path).map_err(cannot)?;
        Ok(Self { path: Some(there), ..Self::file(file, path.display().to_string())? })
    }

    /// What is open for writing, and stands at its start where it is a file. No other writes to it from now on.
    pub(super) fn file(file: File, name: String) -> Result<Self> {
        let regular =
            file.metadata().map_err(|error| Error::io(format_args!("cannot write {name}"), error))?.is_file();
        let stream = if regular {
            lock(&file, &name)?;
            Stream::File(file)
        } else {
            Stream::Pipe(Box::new(file))
        };
        Ok(Self { name, path: None, stream })
    }

    pub(super) fn pipe(pipe: Box<dyn Write + Send>, name: String) -> Self {
        Self { name, path: None, stream: Stream::Pipe(pipe) }
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

    /// Whether who looks for the file finds it.
    ///
    /// # Errors
    /// `Io` where it is not in its place any more.
    #[cfg(unix)]
    pub(super) fn check_place(&self) -> Result<()> {
        use std::os::unix::fs::MetadataExt;

        let (Some(path), Stream::File(file)) = (&self.path, &self.stream) else { return Ok(()) };
        let written = file.metadata().map_err(|error| self.io(error))?;
        let same = |there: fs::Metadata| (there.dev(), there.ino()) == (written.dev(), written.ino());
        if fs::metadata(path).is_ok_and(same) {
            return Ok(());
        }
        let message =
            format!("{} was moved, removed or replaced while it was recorded: it is not there", self.name);
        Err(Error::new(ErrorKind::Io, message))
    }

    /// Nobody can move a file that is open.
    #[cfg(not(unix))]
    pub(super) fn check_place(&self) -> Result<()> {
        let _ = &self.path;
        Ok(())
    }

    fn io(&self, error: std::io::Error) -> Error {
        Error::io(format_args!("cannot write {}", self.name), error)
    }
}

/// Keeps every other away from a file that is written, for as long as it is open: two recordings would destroy each
/// other, and who records over what is played destroys that.
fn lock(file: &File, name: &str) -> Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let message = format!(
                "cannot write {name}: it is open to be played or recorded, here or in another program; choose another file"
            );
            Err(Error::new(ErrorKind::Io, message))
        }
        // Where there are no locks nobody can tell.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

fn cannot_create(path: &Path, error: std::io::Error) -> Error {
    Error::io(format_args!("cannot write {}", path.display()), error)
}
