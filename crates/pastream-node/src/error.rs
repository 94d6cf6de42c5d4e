//! Errors as JavaScript gets them: code, message and cause, apart.

use std::{
    error::{self, Error as _},
    io, thread,
};

use napi::{
    Env,
    bindgen_prelude::{Buffer, Object, ToNapiValue},
};
use napi_derive::napi;
use pastream::Error;

/// An error on its way to JavaScript. Its code is the error's `code`.
pub(crate) type Result<T> = std::result::Result<T, napi::Error<String>>;

/// The error of a call that returns at once.
pub(crate) fn thrown(error: &Error) -> napi::Error<String> {
    napi::Error::new(error.kind().code().to_owned(), error.message().to_owned())
}

/// An error of Node-API itself.
pub(crate) fn failed(error: &napi::Error) -> napi::Error<String> {
    napi::Error::new(pastream::ErrorKind::Io.code().to_owned(), error.reason.clone())
}

/// An error whose code, message and cause stay apart.
#[napi(object)]
pub struct Failure {
    /// The error's code.
    pub code: String,
    /// The error's sentence.
    pub message: String,
    /// What caused it.
    pub cause: Option<String>,
    /// The cause's name in POSIX, where it is the operating system's.
    pub cause_code: Option<String>,
}

fn posix(error: &(dyn error::Error + 'static)) -> Option<&'static str> {
    match error.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::BrokenPipe => Some("EPIPE"),
        io::ErrorKind::NotFound => Some("ENOENT"),
        io::ErrorKind::PermissionDenied => Some("EACCES"),
        io::ErrorKind::StorageFull => Some("ENOSPC"),
        _ => None,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            code: error.kind().code().to_owned(),
            message: error.message().to_owned(),
            cause: error.source().map(ToString::to_string),
            cause_code: error.source().and_then(posix).map(str::to_owned),
        }
    }
}

/// How a call ended that took its time.
#[napi(object)]
#[derive(Default)]
pub struct Settled {
    /// Why it failed, where it did.
    pub failure: Option<Failure>,
    /// What the call read, where it reads something.
    pub bytes: Option<Buffer>,
}

impl From<pastream::Result<()>> for Settled {
    fn from(result: pastream::Result<()>) -> Self {
        match result {
            Ok(()) => Self::default(),
            Err(error) => Self { failure: Some(error.into()), ..Self::default() },
        }
    }
}

impl From<pastream::Result<Vec<u8>>> for Settled {
    fn from(result: pastream::Result<Vec<u8>>) -> Self {
        match result {
            Ok(bytes) => Self { bytes: Some(bytes.into()), ..Self::default() },
            Err(error) => Self { failure: Some(error.into()), ..Self::default() },
        }
    }
}

/// Does `work` on a thread of its own and answers a promise of a [`Settled`]. Never on libuv's few threads: a wait
/// may last as long as a recording.
pub(crate) fn later<T>(
    env: &Env,
    work: impl FnOnce() -> pastream::Result<T> + Send + 'static,
) -> napi::Result<Object<'static>>
where
    Settled: From<pastream::Result<T>>,
{
    later_as(env, move || Settled::from(work()), |_, settled| Ok(settled))
}

/// Does `work` on a thread of its own and answers a promise of what `make` makes of it, which runs on JavaScript's.
pub(crate) fn later_as<T: Send + 'static, R: ToNapiValue + 'static>(
    env: &Env,
    work: impl FnOnce() -> T + Send + 'static,
    make: impl FnOnce(Env, T) -> napi::Result<R> + Send + 'static,
) -> napi::Result<Object<'static>> {
    let (deferred, promise) = env.create_deferred()?;
    // SAFETY: the promise is handed to JavaScript before the call that made it returns; the lifetime only says so less
    // exactly.
    let promise = unsafe { std::mem::transmute::<Object<'_>, Object<'static>>(promise) };
    thread::Builder::new()
        .name("pastream-call".to_owned())
        .spawn(move || {
            let done = work();
            deferred.resolve(move |env| make(env, done));
        })
        .map_err(|error| napi::Error::from_reason(format!("cannot start a thread: {error}")))?;
    Ok(promise)
}
