//! Pipes by file descriptor.

use std::io::{Read, Write};

use pastream::{Error, ErrorKind, Result};

/// What stands behind a descriptor, for errors.
pub(crate) fn name(fd: i32) -> String {
    match fd {
        0 => "stdin".to_owned(),
        1 => "stdout".to_owned(),
        other => format!("descriptor {other}"),
    }
}

/// A reader of what comes through `fd`.
pub(crate) fn reader(fd: i32) -> Result<Box<dyn Read + Send>> {
    Ok(Box::new(open(fd)?))
}

/// A writer to what goes through `fd`.
pub(crate) fn writer(fd: i32) -> Result<Box<dyn Write + Send>> {
    Ok(Box::new(open(fd)?))
}

#[cfg(not(unix))]
fn open(fd: i32) -> Result<std::fs::File> {
    let message = format!("{} can't be used as a pipe on this system", name(fd));
    Err(Error::new(ErrorKind::InvalidArgument, message))
}

#[cfg(unix)]
fn open(fd: i32) -> Result<unix::Pipe> {
    if fd < 0 {
        return Err(Error::new(ErrorKind::InvalidArgument, format!("{fd} is no file descriptor")));
    }
    unix::Pipe::open(fd).map_err(|error| Error::io(format!("cannot open {}", name(fd)), error))
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::File,
        io::{self, ErrorKind, Read, Write},
        os::fd::BorrowedFd,
    };

    use rustix::event::{PollFd, PollFlags, poll};

    /// A descriptor of its own that blocks, though Node may have made what it stands for non-blocking.
    pub(super) struct Pipe(File);

    impl Pipe {
        pub(super) fn open(fd: i32) -> io::Result<Self> {
            // SAFETY: not -1, and used only to be duplicated, which fails where it isn't open.
            let fd = unsafe { BorrowedFd::borrow_raw(fd) };
            fd.try_clone_to_owned().map(|fd| Self(fd.into()))
        }

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
