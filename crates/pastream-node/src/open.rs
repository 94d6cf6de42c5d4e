//! The streams that a JavaScript environment has open, which end with it.

use std::{
    cell::RefCell,
    convert::Infallible,
    sync::{Arc, Weak, mpsc},
    thread,
    time::Duration,
};

use napi::Env;
use napi_derive::napi;
use pastream::stream::Stream;

/// How long a stream may take to close: one that hangs in a pipe nobody reads must not hold a process that ends.
const PATIENCE: Duration = Duration::from_secs(2);

thread_local! {
    /// Of the one environment of this thread, once it has opened any.
    static OPEN: RefCell<Option<Vec<Weak<Stream>>>> = const { RefCell::new(None) };
}

/// Sees to it that `stream` is closed where the environment ends before the program closes it, as a terminated worker's.
pub(crate) fn register(env: &Env, stream: &Arc<Stream>) -> napi::Result<()> {
    OPEN.with_borrow_mut(|open| {
        if open.is_none() {
            env.add_env_cleanup_hook((), |()| close_all())?;
        }
        let open = open.get_or_insert_default();
        open.retain(|stream| stream.strong_count() > 0);
        open.push(Arc::downgrade(stream));
        Ok(())
    })
}

/// Closes every stream of this environment: threads joined, files finished. For the end of a process, which runs
/// no clean-up hook.
#[napi]
pub fn close_all() {
    let open = OPEN.with_borrow(|open| open.clone().unwrap_or_default());
    let (closing, closed) = mpsc::channel::<Infallible>();
    for stream in open.iter().filter_map(Weak::upgrade) {
        let closing = closing.clone();
        // Nobody is left to be told of an error.
        let _ = thread::Builder::new().spawn(move || {
            let _ = stream.close();
            drop(closing);
        });
    }
    drop(closing);
    // Ends when the last one is closed.
    let _ = closed.recv_timeout(PATIENCE);
}
