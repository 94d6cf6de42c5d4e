//! The files that this process plays and records.
//!
//! Others are kept away by locks. But to ask by a lock whether there is one is to have it for a moment, in which another
//! that begins to record would be refused.

use std::{
    fs::{File, Metadata},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Device and number of each, as often as it is open.
static OPEN: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());

/// One that is open, until this is dropped.
pub(super) struct InUse((u64, u64));

fn open() -> MutexGuard<'static, Vec<(u64, u64)>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;

    Some((metadata.dev(), metadata.ino()))
}

/// Who can't tell files apart learns it from the lock.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

impl InUse {
    pub(super) fn new(file: &File) -> Option<Self> {
        let identity = identity(&file.metadata().ok()?)?;
        open().push(identity);
        Some(Self(identity))
    }

    /// Whether that file is open here.
    pub(super) fn contains(metadata: &Metadata) -> bool {
        identity(metadata).is_some_and(|identity| open().contains(&identity))
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
