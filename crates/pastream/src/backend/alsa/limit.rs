//! Calls that may hang: what is behind a plug-in, a sound server say, may answer no more.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::Duration,
};

use super::library::Quiet;

/// How long a device may take to stop, to close, and to be readied.
pub(super) const STOP: Duration = Duration::from_secs(1);
/// The same to be opened.
pub(super) const OPEN: Duration = Duration::from_secs(5);

/// Begins `work` on a thread of its own, which goes on however long it takes, and drops what nobody waits for any more.
///
/// Not realtime-safe: starts a thread.
pub(super) fn begin<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (done, answer) = sync_channel(1);
    let body = move || {
        let _quiet = Quiet::new();
        // Nobody may wait for it any more.
        let _ = done.send(work());
    };
    // Without a thread there is no answer either.
    let _ = thread::Builder::new().name("pastream-alsa-ask".to_owned()).spawn(body);
    answer
}

/// What `work` answers within `limit`.
///
/// Not realtime-safe: starts a thread, and waits.
pub(super) fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    begin(work).recv_timeout(limit).ok()
}
