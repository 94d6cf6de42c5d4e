//! Audio files.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use napi::{Env, bindgen_prelude::Object};
use napi_derive::napi;
use pastream::{
    Error, ErrorKind, SampleFormat,
    file::{Container, Endian, FileReader, FileWriter, ReadHint, Spec},
};

use crate::{
    descriptor::{self, Descriptor},
    error::{Result, later, thrown},
};

/// A file, and what there is to say of it.
#[napi(object)]
#[derive(Clone, Default)]
pub struct FileOptions {
    /// Where it is; or `fd`.
    pub path: Option<String>,
    /// An open descriptor.
    pub fd: Option<i32>,
    /// The container's name.
    pub r#type: Option<String>,
    /// The encoding's name.
    pub encoding: Option<String>,
    /// `file`, `little` or `big`.
    pub endian: Option<String>,
    /// Of RAW.
    pub channels: Option<u32>,
    /// Of RAW, in Hz.
    pub sample_rate: Option<u32>,
}

/// What a file holds.
#[napi(object)]
#[derive(Clone)]
pub struct FileInfo {
    /// The container's name.
    pub container: String,
    /// The encoding's name.
    pub encoding: String,
    /// Samples in a frame.
    pub channels: u32,
    /// In Hz.
    pub sample_rate: u32,
    /// The length, where it is known.
    pub frames: Option<f64>,
    /// Frames that the header promises and that are not there.
    pub missing: f64,
    /// The stream format that fits.
    pub format: String,
}

impl FileInfo {
    fn of(reader: &FileReader) -> Self {
        let spec = reader.spec();
        Self {
            container: spec.container.name().to_owned(),
            encoding: spec.encoding.name().to_owned(),
            channels: spec.channels as u32,
            sample_rate: spec.sample_rate,
            frames: spec.frames.map(|frames| frames as f64),
            missing: reader.missing() as f64,
            format: spec.encoding.stream_format().name().to_owned(),
        }
    }
}

fn parse<T: std::str::FromStr<Err = Error>>(text: Option<&String>) -> pastream::Result<Option<T>> {
    text.map(|text| text.parse()).transpose()
}

impl FileOptions {
    fn open(&self) -> pastream::Result<FileReader> {
        let hint = ReadHint {
            container: parse(self.r#type.as_ref())?,
            encoding: parse(self.encoding.as_ref())?,
            endian: parse::<Endian>(self.endian.as_ref())?.unwrap_or_default(),
            channels: self.channels.map(|channels| channels as usize),
            sample_rate: self.sample_rate,
        };
        match (&self.path, self.fd) {
            (Some(path), None) => FileReader::open(Path::new(path), &hint),
            (None, Some(fd)) => match descriptor::open(fd)? {
                Descriptor::File(file) => FileReader::from_file(file, &descriptor::name(fd), &hint),
                Descriptor::Pipe(pipe) => FileReader::from_pipe(Box::new(pipe), &descriptor::name(fd), &hint),
            },
            _ => Err(Error::new(ErrorKind::InvalidArgument, "a file has either a path or an fd")),
        }
    }

    pub(crate) fn create(
        &self,
        format: SampleFormat,
        channels: usize,
        sample_rate: u32,
    ) -> pastream::Result<FileWriter> {
        let container = match (parse(self.r#type.as_ref())?, &self.path) {
            (Some(container), _) => container,
            (None, Some(path)) => Container::from_path(Path::new(path))?,
            (None, None) => Container::Au,
        };
        let endian = parse::<Endian>(self.endian.as_ref())?.unwrap_or_default();
        let encoding = parse(self.encoding.as_ref())?;
        let spec = Spec::for_stream(container, format, channels, sample_rate, encoding, endian)?;
        let mut writer = match (&self.path, self.fd) {
            (Some(path), None) => FileWriter::create(Path::new(path), spec)?,
            (None, Some(fd)) => match descriptor::open(fd)? {
                Descriptor::File(file) => FileWriter::to_file(file, &descriptor::name(fd), spec)?,
                Descriptor::Pipe(pipe) => FileWriter::to_pipe(Box::new(pipe), &descriptor::name(fd), spec)?,
            },
            _ => return Err(Error::new(ErrorKind::InvalidArgument, "a file has either a path or an fd")),
        };
        writer.set_format(format);
        Ok(writer)
    }
}

/// A file that is read.
#[napi]
pub struct BindingFile {
    options: FileOptions,
    opened: Arc<Mutex<Option<FileReader>>>,
    info: Arc<Mutex<Option<FileInfo>>>,
}

#[napi]
impl BindingFile {
    /// Names the file; [`open`](Self::open) opens it.
    #[napi(constructor)]
    #[must_use]
    pub fn new(options: FileOptions) -> Self {
        Self { options, opened: Arc::default(), info: Arc::default() }
    }

    /// Opens the file and reads its header.
    ///
    /// # Errors
    /// Through the promise: what opening gives.
    #[napi(ts_return_type = "Promise<Settled>")]
    pub fn open(&self, env: &Env) -> napi::Result<Object<'static>> {
        let (options, opened, info) =
            (self.options.clone(), Arc::clone(&self.opened), Arc::clone(&self.info));
        later(env, move || {
            let reader = options.open()?;
            *info.lock().unwrap_or_else(PoisonError::into_inner) = Some(FileInfo::of(&reader));
            *opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader);
            Ok(None)
        })
    }

    /// What it holds; nothing before it was opened.
    #[napi(getter)]
    #[must_use]
    pub fn info(&self) -> Option<FileInfo> {
        self.info.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes it.
    #[napi]
    pub fn close(&self) {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The open reader, or another of the same file.
    pub(crate) fn take(&self) -> Result<Box<FileReader>> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner).take();
        let reader = match opened {
            Some(reader) => reader,
            None if self.options.fd.is_some() => {
                let message = "a pipe can be played once: it can't be rewound";
                return Err(thrown(&Error::new(ErrorKind::UnsupportedFile, message)));
            }
            None => self.options.open().map_err(|error| thrown(&error))?,
        };
        Ok(Box::new(reader))
    }
}
