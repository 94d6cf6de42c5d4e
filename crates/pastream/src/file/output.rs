//! Where an encoder's bytes go: a file that can be corrected, or a pipe that can't.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Cursor, ErrorKind as IoErrorKind, Seek, SeekFrom, Write},
    path::{self, Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use super::in_use::{InUse, is_at};
use crate::{Error, ErrorKind, Result};

/// How often a file that is replaced while it is opened is opened again.
const ATTEMPTS: u32 = 16;

/// Bytes to a file or a pipe, with a name for errors.
pub(super) struct Output {
    name: String,
    /// Where the file is to be found when it is complete.
    path: Option<PathBuf>,
    stream: Stream,
    /// Whether it was created here and has no header yet: it is removed then.
    new: bool,
    /// Whether each header waits until the disk has what is before it.
    sync: bool,
    /// Who waits in place of [`Self::complete`] until the disk has the file.
    syncing: Option<Syncing>,
    _in_use: Option<InUse>,
}

/// Threads that wait until the disk has files, so that the next one need not.
#[derive(Clone, Default)]
pub(super) struct Syncing(Arc<Mutex<Vec<JoinHandle<Result<()>>>>>);

impl Syncing {
    fn lock(&self) -> MutexGuard<'_, Vec<JoinHandle<Result<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, wait: impl FnOnce() -> Result<()> + Send + 'static) -> io::Result<()> {
        let thread = thread::Builder::new().name("pastream-sync".to_owned()).spawn(wait)?;
        self.lock().push(thread);
        Ok(())
    }

    /// Waits until the disk has all of them.
    ///
    /// # Errors
    /// `Io` of the first that it could not store.
    pub(super) fn end(&self) -> Result<()> {
        let threads = std::mem::take(&mut *self.lock());
        // None panics.
        let ended: Vec<_> = threads.into_iter().filter_map(|thread| thread.join().ok()).collect();
        ended.into_iter().collect()
    }
}

/// A file in memory, which its clones share.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Cursor<Vec<u8>>>>);

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Cursor<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes of the file, of which nothing is left here.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.lock()).into_inner()
    }
}

enum Stream {
    File(File),
    Memory(Memory),
    Pipe(Box<dyn Write + Send>),
}

impl Output {
    /// Whether [`Self::create`] is likely to work. Touches nothing that is there or that another may be about to create,
    /// and locks nothing.
    pub(super) fn check(path: &Path) -> Result<()> {
        let cannot = |error| cannot_create(path, error);
        let refuse = |why: &str| {
            let message = format!("cannot write {}: {why}", path.display());
            Err(Error::new(ErrorKind::Io, message))
        };
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => refuse("it is a directory"),
            // Opening anything but a file may block, or mean something to who is at the other end.
            Ok(metadata) if !metadata.is_file() => Ok(()),
            Ok(_) => match OpenOptions::new().write(true).open(path) {
                Ok(file) if InUse::contains(&file) => Err(in_use(&path.display().to_string())),
                // Removed by now, as by another that created it and could not go on.
                Err(error) if error.kind() != IoErrorKind::NotFound => Err(cannot(error)),
                _ => Ok(()),
            },
            Err(error) if error.kind() == IoErrorKind::NotFound => {
                if path.to_string_lossy().ends_with(path::is_separator) {
                    return refuse("it is a directory");
                }
                if path.is_symlink() {
                    return refuse("it is a link to a file that isn't there: choose another file");
                }
                try_folder(path).map_err(cannot)
            }
            Err(error) => Err(cannot(error)),
        }
    }

    /// Whether nothing is there that [`Self::create_new`] would keep.
    pub(super) fn check_new(path: &Path) -> Result<()> {
        match path.symlink_metadata() {
            Ok(_) => Err(cannot_create(path, IoErrorKind::AlreadyExists.into())),
            Err(_) => Ok(()),
        }
    }

    /// Creates the file, or opens the one that is there, which keeps what it holds for now. One that was created is
    /// removed when this is dropped, until [`Self::keep`] is called.
    pub(super) fn create(path: &Path) -> Result<Self> {
        Self::open(path, open_or_create)
    }

    /// As [`Self::create`], but writes over nothing that is there, nor through a link.
    pub(super) fn create_new(path: &Path) -> Result<Self> {
        Self::open(path, create_new)
    }

    fn open(path: &Path, open: impl Fn(&Path) -> io::Result<(File, bool)>) -> Result<Self> {
        let cannot = |error| cannot_create(path, error);
        let there = path::absolute(path).map_err(cannot)?;
        let mut attempts = 1..=ATTEMPTS;
        loop {
            let last = attempts.next().is_none_or(|attempt| attempt == ATTEMPTS);
            let (file, new) = match open(path) {
                // Another created it in between.
                Err(error) if error.kind() == IoErrorKind::AlreadyExists && !last => continue,
                opened => opened.map_err(cannot)?,
            };
            // Not removed where this fails: it is another's by then.
            let mut output = Self::file(file, path.display().to_string())?;
            output.path = Some(there.clone());
            match output.check_place() {
                Ok(()) => {
                    output.new = new;
                    return Ok(output);
                }
                Err(error) if last => return Err(error),
                // It was removed or replaced before it was locked. Nobody of us does that to one that is.
                Err(_) => {}
            }
        }
    }

    /// Lets the file stay where it was created here.
    pub(super) fn keep(&mut self) {
        self.new = false;
    }

    /// What is open for writing, and stands at its start where it is a file. No other writes to it from now on.
    pub(super) fn file(file: File, name: String) -> Result<Self> {
        let regular =
            file.metadata().map_err(|error| Error::io(format_args!("cannot write {name}"), error))?.is_file();
        if !regular {
            return Ok(Self::pipe(Box::new(file), name));
        }
        lock(&file, &name)?;
        let in_use = InUse::new(&file);
        Ok(Self {
            name,
            path: None,
            stream: Stream::File(file),
            new: false,
            sync: false,
            syncing: None,
            _in_use: in_use,
        })
    }

    pub(super) fn pipe(pipe: Box<dyn Write + Send>, name: String) -> Self {
        Self {
            name,
            path: None,
            stream: Stream::Pipe(pipe),
            new: false,
            sync: false,
            syncing: None,
            _in_use: None,
        }
    }

    /// Whether [`Self::rewrite`] returns only when the disk has all that was written.
    pub(super) fn set_sync(&mut self, sync: bool) {
        self.sync = sync;
    }

    /// Has [`Self::complete`] leave it to `syncing` to wait for the disk.
    pub(super) fn set_syncing(&mut self, syncing: Syncing) {
        self.syncing = Some(syncing);
    }

    pub(super) fn memory(memory: Memory, name: String) -> Self {
        Self {
            name,
            path: None,
            stream: Stream::Memory(memory),
            new: false,
            sync: false,
            syncing: None,
            _in_use: None,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether more can be written to it.
    pub(super) fn check_open(&self, finished: bool, failed: bool) -> Result<()> {
        let name = &self.name;
        let (kind, message) = if finished {
            (ErrorKind::StreamState, format!("{name} is finished: nothing can be added to it"))
        } else if failed {
            let wrong = "an earlier write failed, and nothing after it is stored";
            (ErrorKind::Io, format!("cannot write {name}: {wrong}"))
        } else {
            return Ok(());
        };
        Err(Error::new(kind, message))
    }

    pub(super) fn is_pipe(&self) -> bool {
        matches!(self.stream, Stream::Pipe(_))
    }

    /// Appends `bytes`, adding to `written` what really went out.
    pub(super) fn append(&mut self, mut bytes: &[u8], written: &mut u64) -> Result<()> {
        while !bytes.is_empty() {
            let result = match &mut self.stream {
                Stream::File(file) => file.write(bytes),
                Stream::Memory(memory) => memory.lock().write(bytes),
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
        fn over(mut file: impl Write + Seek, header: &[u8], end: u64) -> io::Result<()> {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(header)?;
            file.seek(SeekFrom::Start(end)).map(drop)
        }
        let done = match &self.stream {
            Stream::File(file) => {
                over(file, header, end).and_then(|()| if self.sync { file.sync_data() } else { Ok(()) })
            }
            Stream::Memory(memory) => over(&mut *memory.lock(), header, end),
            Stream::Pipe(_) => Ok(()),
        };
        done.map_err(|error| self.io(error))
    }

    /// Cuts or lengthens a file to `length` bytes.
    pub(super) fn resize(&mut self, length: u64) -> Result<()> {
        match &self.stream {
            Stream::File(file) => file.set_len(length).map_err(|error| self.io(error)),
            Stream::Memory(memory) => {
                memory.lock().get_mut().resize(length as usize, 0);
                Ok(())
            }
            Stream::Pipe(_) => Ok(()),
        }
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        let result = match &mut self.stream {
            Stream::File(file) => file.flush(),
            Stream::Memory(_) => Ok(()),
            Stream::Pipe(pipe) => pipe.flush(),
        };
        result.map_err(|error| self.io(error))
    }

    /// Waits until the disk has the file, and checks that it is in its place.
    ///
    /// # Errors
    /// `Io` where the disk could not store it, and as [`Self::check_place`].
    pub(super) fn complete(&self) -> Result<()> {
        if let Stream::File(file) = &self.stream {
            let name = self.name.clone();
            let later = |syncing: &Syncing| {
                let file = file.try_clone()?;
                let failed = move |error| Error::io(format_args!("cannot write {name}"), error);
                syncing.begin(move || file.sync_all().map_err(failed))
            };
            if self.syncing.as_ref().is_none_or(|syncing| later(syncing).is_err()) {
                file.sync_all().map_err(|error| self.io(error))?;
            }
        }
        self.check_place()
    }

    /// Whether who looks for the file finds it.
    ///
    /// # Errors
    /// `Io` where it is not in its place any more, or nobody may look.
    pub(super) fn check_place(&self) -> Result<()> {
        let (Some(path), Stream::File(file)) = (&self.path, &self.stream) else { return Ok(()) };
        if is_at(file, path)
            .map_err(|error| Error::io(format_args!("cannot find {} again", self.name), error))?
        {
            return Ok(());
        }
        let message =
            format!("{} was moved, removed or replaced while it was recorded: it is not there", self.name);
        Err(Error::new(ErrorKind::Io, message))
    }

    fn io(&self, error: std::io::Error) -> Error {
        Error::io(format_args!("cannot write {}", self.name), error)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Still locked, so that it is nobody else's.
        if let (true, Some(path), Ok(())) = (self.new, &self.path, self.check_place()) {
            // The error that is told is the one that led here.
            let _ = fs::remove_file(path);
        }
        if let Stream::File(file) = &self.stream {
            // Closing would not do: a process that is just being started may have it open, too, for a moment.
            let _ = file.unlock();
        }
    }
}

/// The file, and whether it was created.
fn open_or_create(path: &Path) -> io::Result<(File, bool)> {
    match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == IoErrorKind::NotFound => create_new(path),
        opened => opened.map(|file| (file, false)),
    }
}

fn create_new(path: &Path) -> io::Result<(File, bool)> {
    OpenOptions::new().write(true).create_new(true).open(path).map(|file| (file, true))
}

/// Whether a file can be created in the folder of `path`, by a name that nobody else uses.
fn try_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unused = folder.join(format!(".pastream-{:016x}", fastrand::u64(..)));
    OpenOptions::new().write(true).create_new(true).open(&unused)?;
    fs::remove_file(unused)
}

/// Keeps every other away from a file that is written, for as long as it is open: two recordings would destroy each
/// other, and who records over what is played destroys that.
pub(super) fn lock(file: &File, name: &str) -> Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(in_use(name)),
        // Where there are no locks nobody can tell.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

pub(super) fn in_use(name: &str) -> Error {
    let message = format!(
        "cannot write {name}: it is open to be played or recorded, here or in another program; choose another file"
    );
    Error::new(ErrorKind::Io, message)
}

fn cannot_create(path: &Path, error: std::io::Error) -> Error {
    if error.kind() == IoErrorKind::AlreadyExists {
        let message = format!(
            "{} is there already, and is not to be written over: choose another file",
            path.display()
        );
        return Error::new(ErrorKind::Io, message).with_source(error);
    }
    Error::io(format_args!("cannot write {}", path.display()), error)
}
