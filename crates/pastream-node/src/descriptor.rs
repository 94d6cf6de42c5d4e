//! What is behind a file descriptor: a file from its start, or what flows like a pipe.

use std::{fs::File, io};

use pastream::{Error, ErrorKind, Result};

#[cfg(unix)]
pub(crate) use unix::Pipe;

/// What a descriptor leads to.
pub(crate) enum Descriptor {
    /// A file that stands at its start and can be sought.
    File(File),
    /// Everything else.
    Pipe(Pipe),
}

/// What stands behind a descriptor, for errors.
pub(crate) fn name(fd: i32) -> String {
    match fd {
        0 => "stdin".to_owned(),
        1 => "stdout".to_owned(),
        other => format!("descriptor {other}"),
    }
}

#[cfg(not(unix))]
pub(crate) type Pipe = File;

/// Opens `fd` once more.
pub(crate) fn open(fd: i32) -> Result<Descriptor> {
    if fd < 0 {
        return Err(Error::new(ErrorKind::InvalidArgument, format!("{fd} is no file descriptor")));
    }
    of(fd).map_err(|error| Error::io(format!("cannot open {}", name(fd)), error))
}

#[cfg(unix)]
fn of(fd: i32) -> io::Result<Descriptor> {
    use std::{io::Seek, os::fd::BorrowedFd};

    use rustix::fs::{OFlags, fcntl_getfl};

    // SAFETY: not -1, and used only to be duplicated, which fails where it isn't open.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    let mut file = File::from(fd.try_clone_to_owned()?);
    let seekable = file.metadata()?.is_file()
        && file.stream_position()? == 0
        // What is only appended can't be corrected.
        && !fcntl_getfl(&file)?.contains(OFlags::APPEND);
    Ok(if seekable { Descriptor::File(file) } else { Descriptor::Pipe(Pipe(file)) })
}

/// The table that other descriptors are in is Node's own.
#[cfg(windows)]
fn of(fd: i32) -> io::Result<Descriptor> {
    use std::{io::Seek, os::windows::io::AsHandle};

    let handle = match fd {
        0 => io::stdin().as_handle().try_clone_to_owned(),
        1 => io::stdout().as_handle().try_clone_to_owned(),
        2 => io::stderr().as_handle().try_clone_to_owned(),
        _ => {
            let advice = "on Windows stdin, stdout and stderr alone can be had: give a path";
            return Err(io::Error::new(io::ErrorKind::Unsupported, advice));
        }
    };
    let mut file = File::from(handle?);
    // What is no file has no metadata.
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    let seekable = is_file && file.stream_position()? == 0;
    Ok(if seekable { Descriptor::File(file) } else { Descriptor::Pipe(file) })
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::File,
        io::{self, ErrorKind, Read, Write},
    };

    use rustix::event::{PollFd, PollFlags, poll};

    /// A descriptor of its own that blocks, though Node may have made what it stands for non-blocking.
    pub(crate) struct Pipe(pub(super) File);

    impl Pipe {
        fn blocking<T>(
            &mut self,
            flags: PollFlags,
            mut call: impl FnMut(&mut File) -> io::Result<T>,
        ) -> io::Result<T> {
            loop {
                match call(&mut self.0) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        poll(&mut [PollFd::new(&self.0, flags)], None)?;
                    }
                    result => return result,
                }
            }
        }
    }

    impl Read for Pipe {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.blocking(PollFlags::IN, |file| file.read(bytes))
        }
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.blocking(PollFlags::OUT, |file| file.write(bytes))
        }

        fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }
}
