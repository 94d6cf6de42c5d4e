//! The files that this process plays and records.
//!
//! Others are kept away by locks. But to ask by a lock whether there is one is to have it for a moment, in which another
//! that begins to record would be refused.

use std::{
    fs::File,
    io::{self, ErrorKind as IoErrorKind},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Device and number of each, as often as it is open.
static OPEN: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());

/// One that is open, until this is dropped.
pub(super) struct InUse((u64, u64));

fn open() -> MutexGuard<'static, Vec<(u64, u64)>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether `path` leads to `file`.
///
/// # Errors
/// Where that can't be told, as in a folder that lost its rights.
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let opened = identity(file)?;
    match identity_at(path) {
        Err(error) if error.kind() == IoErrorKind::PermissionDenied => Err(error),
        there => Ok(there.is_ok_and(|there| there == opened)),
    }
}

#[cfg(unix)]
fn identity(file: &File) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;

    file.metadata().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(unix)]
fn identity_at(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;

    path.metadata().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(windows)]
fn identity(file: &File) -> io::Result<(u64, u64)> {
    use std::os::windows::io::AsRawHandle;

    use windows::Win32::{
        Foundation::HANDLE,
        Storage::FileSystem::{BY_HANDLE_FILE_INFORMATION, GetFileInformationByHandle},
    };

    let mut told = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open for as long as `file` is borrowed, and `told` is written to before the call returns.
    unsafe { GetFileInformationByHandle(HANDLE(file.as_raw_handle()), &raw mut told) }?;
    let number = u64::from(told.nFileIndexHigh) << 32 | u64::from(told.nFileIndexLow);
    Ok((u64::from(told.dwVolumeSerialNumber), number))
}

#[cfg(windows)]
fn identity_at(path: &Path) -> io::Result<(u64, u64)> {
    use std::{fs::OpenOptions, os::windows::fs::OpenOptionsExt};

    // Neither to read nor to write: what is asked for is there all the same.
    identity(&OpenOptions::new().access_mode(0).open(path)?)
}

impl InUse {
    pub(super) fn new(file: &File) -> Option<Self> {
        let identity = identity(file).ok()?;
        open().push(identity);
        Some(Self(identity))
    }

    /// Whether that file is open here.
    pub(super) fn contains(file: &File) -> bool {
        identity(file).is_ok_and(|identity| open().contains(&identity))
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let mut open = open();
        if let Some(index) = open.iter().position(|identity| *identity == self.0) {
            open.swap_remove(index);
        }
    }
}
