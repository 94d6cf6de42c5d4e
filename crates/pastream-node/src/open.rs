//! The streams that a JavaScript environment has open, which end with it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc},
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

/// Those that a thread of JavaScript shows to another, by number.
static SHARED: Mutex<BTreeMap<u32, Weak<Stream>>> = Mutex::new(BTreeMap::new());

fn all_shared() -> MutexGuard<'static, BTreeMap<u32, Weak<Stream>>> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number that [`shared`] finds `stream` by, as long as somebody has it.
pub(crate) fn share(stream: &Arc<Stream>) -> u32 {
    let mut all = all_shared();
    all.retain(|_, stream| stream.strong_count() > 0);
    if let Some((id, _)) = all.iter().find(|(_, other)| other.as_ptr() == Arc::as_ptr(stream)) {
        return *id;
    }
    let id = all.last_key_value().map_or(1, |(last, _)| last + 1);
    all.insert(id, Arc::downgrade(stream));
    id
}

/// What [`share`] gave a number to, where it is still there.
pub(crate) fn shared(id: u32) -> Option<Arc<Stream>> {
    all_shared().get(&id)?.upgrade()
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
