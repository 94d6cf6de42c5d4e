//! The one error of the library: what went wrong, in a word for programs and a sentence for people.

use std::{error, fmt, io::ErrorKind as IoErrorKind, sync::Arc};

/// What went wrong, and so what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The source ended before `frames` were played. The stream stopped there; what was recorded is complete.
    BufferEmpty,
    /// A recording ring was full and the stream was asked to abort then. What was stored is complete.
    BufferFull,
    /// No device has that id or name. Nothing was opened.
    DeviceNotFound,
    /// Several devices match that name. Nothing was opened; the message lists them.
    DeviceAmbiguous,
    /// The device went away. What was recorded is complete up to that frame; open a new stream.
    DeviceLost,
    /// Another program holds the device. Nothing was opened; try again later.
    DeviceBusy,
    /// The audio system is not installed, not running or not supported here. Nothing was opened.
    HostUnavailable,
    /// The device can't run with these settings. Nothing was opened; the message says what it takes.
    UnsupportedConfig,
    /// The file is not audio that can be read, or the container can't hold what was asked. Nothing was written.
    UnsupportedFile,
    /// The file says it is audio but contradicts itself. Retrying will not help.
    CorruptFile,
    /// The operating system refused a read or a write. What was written before is complete.
    Io,
    /// An xrun, where xruns were asked to be errors.
    Xrun,
    /// A value is out of its range. Nothing was done.
    InvalidArgument,
    /// The call doesn't fit the stream's state (started twice, used after `close`). Nothing was done.
    StreamState,
}

impl ErrorKind {
    /// The stable name of the kind, as JavaScript sees it in `error.code`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BufferEmpty => "ERR_PASTREAM_BUFFER_EMPTY",
            Self::BufferFull => "ERR_PASTREAM_BUFFER_FULL",
            Self::DeviceNotFound => "ERR_PASTREAM_DEVICE_NOT_FOUND",
            Self::DeviceAmbiguous => "ERR_PASTREAM_DEVICE_AMBIGUOUS",
            Self::DeviceLost => "ERR_PASTREAM_DEVICE_LOST",
            Self::DeviceBusy => "ERR_PASTREAM_DEVICE_BUSY",
            Self::HostUnavailable => "ERR_PASTREAM_HOST_UNAVAILABLE",
            Self::UnsupportedConfig => "ERR_PASTREAM_UNSUPPORTED_CONFIG",
            Self::UnsupportedFile => "ERR_PASTREAM_UNSUPPORTED_FILE",
            Self::CorruptFile => "ERR_PASTREAM_CORRUPT_FILE",
            Self::Io => "ERR_PASTREAM_IO",
            Self::Xrun => "ERR_PASTREAM_XRUN",
            Self::InvalidArgument => "ERR_PASTREAM_INVALID_ARGUMENT",
            Self::StreamState => "ERR_PASTREAM_STREAM_STATE",
        }
    }
}

/// An error with its [`ErrorKind`], a sentence that says what to do, and the error beneath it where there is one.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Arc<dyn error::Error + Send + Sync>>,
}

/// The result of everything in this library that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` with a sentence for people.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// An error of the operating system: `doing` says what was tried, on what (`"cannot open take.wav"`).
    #[must_use]
    pub fn io(doing: impl fmt::Display, error: std::io::Error) -> Self {
        let mut reason = error.to_string();
        if let Some(end) = reason.find(" (os error ") {
            reason.truncate(end);
        }
        let advice = match error.kind() {
            IoErrorKind::NotFound | IoErrorKind::NotADirectory => ": check the path",
            IoErrorKind::PermissionDenied | IoErrorKind::ReadOnlyFilesystem => {
                ": choose another, or change its rights"
            }
            IoErrorKind::StorageFull | IoErrorKind::QuotaExceeded => ": make room, or write elsewhere",
            _ => "",
        };
        Self::new(ErrorKind::Io, format!("{doing}: {reason}{advice}")).with_source(error)
    }

    /// A thread of ours panicked at `name`.
    pub(crate) fn panicked(name: &str, thread: &str) -> Self {
        let message = format!("{name}: the {thread} failed, which is a bug: report it with what it printed");
        Self::new(ErrorKind::Io, message)
    }

    /// The same error with the one that caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// The same error, with more to say.
    pub(crate) fn and(mut self, more: impl fmt::Display) -> Self {
        self.message = format!("{}; {more}", self.message);
        self
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence alone, without the cause.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
