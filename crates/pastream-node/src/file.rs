//! Audio files.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use napi::{
    Env,
    bindgen_prelude::{Either, Object, Uint8Array},
};
use napi_derive::napi;
use pastream::{
    Error, ErrorKind, SampleFormat,
    file::{self, Container, Endian, FileReader, FileWriter, Memory, ReadHint, Spec, Tags},
    sink::Cut,
};

use crate::{
    descriptor::{self, Descriptor},
    error::{Failure, Result, Settled, later, later_as, thrown},
    stream::whole,
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
    /// Of RAW, or of what is recorded where it differs from the stream.
    pub channels: Option<u32>,
    /// As `channels`, in Hz.
    pub sample_rate: Option<u32>,
    /// Of one that is written: values by the tags' names.
    pub tags: Option<HashMap<String, String>>,
    /// Of one that is written: the seed of the noise that is added where bits are cut.
    pub dither: Option<f64>,
    /// Whether each header waits for the disk.
    pub sync: Option<bool>,
    /// Whether one that is there may be written over.
    pub overwrite: Option<bool>,
    /// Of a series of files, the frames of each; infinite: only those that are asked for.
    pub split: Option<f64>,
    /// Frames to keep before the trigger.
    pub preroll: Option<f64>,
}

/// What errors call a file in memory.
const MEMORY: &str = "the file in memory";

/// What a file holds.
#[napi(object)]
#[derive(Clone)]
pub struct FileInfo {
    /// The container's name.
    pub container: String,
    /// The encoding's name; of a compressed file, of what it is decoded to.
    pub encoding: String,
    /// The compression's name, where there is one.
    pub codec: Option<String>,
    /// Samples in a frame.
    pub channels: u32,
    /// In Hz.
    pub sample_rate: u32,
    /// The length, where it is known.
    pub frames: Option<f64>,
    /// Frames that the header promises and that are not there, and those read so far that were damaged.
    pub missing: f64,
    /// The stream format that fits.
    pub format: String,
    /// Values by the tags' names.
    pub tags: HashMap<String, String>,
}

impl FileInfo {
    fn read(reader: &FileReader) -> Self {
        let codec = reader.codec().map(str::to_owned);
        Self { codec, ..Self::of(reader.spec(), reader.tags(), reader.missing() + reader.damaged()) }
    }

    fn of(spec: &Spec, tags: &Tags, missing: u64) -> Self {
        Self {
            codec: None,
            container: spec.container.name().to_owned(),
            encoding: spec.encoding.name().to_owned(),
            channels: spec.channels as u32,
            sample_rate: spec.sample_rate,
            frames: spec.frames.map(|frames| frames as f64),
            missing: missing as f64,
            format: spec.encoding.stream_format().name().to_owned(),
            tags: tags.iter().map(|(tag, value)| (tag.name().to_owned(), value.to_owned())).collect(),
        }
    }
}

impl FileInfo {
    /// Whether samples of both mean the same; they may differ in length.
    fn is_like(&self, other: &Self) -> bool {
        let kind = |info: &Self| (info.encoding.clone(), info.channels, info.sample_rate);
        kind(self) == kind(other)
    }
}

fn parse<T: std::str::FromStr<Err = Error>>(text: Option<&String>) -> pastream::Result<Option<T>> {
    text.map(|text| text.parse()).transpose()
}

impl FileOptions {
    fn open(&self, bytes: Option<&Arc<[u8]>>) -> pastream::Result<FileReader> {
        let hint = ReadHint {
            container: parse(self.r#type.as_ref())?,
            encoding: parse(self.encoding.as_ref())?,
            endian: parse::<Endian>(self.endian.as_ref())?.unwrap_or_default(),
            channels: self.channels.map(|channels| channels as usize),
            sample_rate: self.sample_rate,
        };
        if let Some(bytes) = bytes {
            return FileReader::from_bytes(Arc::clone(bytes), MEMORY, &hint);
        }
        match (&self.path, self.fd) {
            (Some(path), None) => FileReader::open(Path::new(path), &hint),
            (None, Some(fd)) => match descriptor::open(fd)? {
                Descriptor::File(file) => FileReader::from_file(file, &descriptor::name(fd), &hint),
                Descriptor::Pipe(pipe) => FileReader::from_pipe(Box::new(pipe), &descriptor::name(fd), &hint),
            },
            _ => Err(Error::new(ErrorKind::InvalidArgument, "a file has either a path or an fd")),
        }
    }

    /// Opens once more what was opened before, and held `info`.
    fn open_again(
        &self,
        bytes: Option<&Arc<[u8]>>,
        seekable: bool,
        info: Option<&FileInfo>,
    ) -> pastream::Result<FileReader> {
        if self.fd.is_some() || !seekable {
            let message = "a pipe, or what is given as fd, is read or played once: give the path of a file";
            return Err(Error::new(ErrorKind::UnsupportedFile, message));
        }
        let reader = self.open(bytes)?;
        let frames = FileInfo::read(&reader);
        if info.is_some_and(|info| !info.is_like(&frames)) {
            let message = format!(
                "{} was replaced by another kind of file since it was opened: open it anew",
                reader.name()
            );
            return Err(Error::new(ErrorKind::Io, message));
        }
        Ok(reader)
    }

    /// Which part of a recording it gets.
    pub(crate) fn cut(&self) -> pastream::Result<Cut> {
        let split = self.split.filter(|split| split.is_finite());
        Ok(Cut {
            split: split.map(|split| whole("split", split)).transpose()?,
            preroll: self.preroll.map(|preroll| whole("preroll", preroll)).transpose()?,
        })
    }

    pub(crate) fn create(
        &self,
        format: SampleFormat,
        channels: usize,
        sample_rate: u32,
        memory: Option<&Memory>,
    ) -> pastream::Result<FileWriter> {
        let container = match (parse(self.r#type.as_ref())?, &self.path) {
            (Some(container), _) => container,
            (None, Some(path)) => Container::from_path(Path::new(path))?,
            (None, None) => Container::Au,
        };
        let endian = parse::<Endian>(self.endian.as_ref())?.unwrap_or_default();
        let encoding = parse(self.encoding.as_ref())?;
        let spec = Spec::for_stream(container, format, channels, sample_rate, encoding, endian)?;
        let mut writer = match (&self.path, self.fd, memory) {
            (None, None, Some(memory)) => FileWriter::to_memory(memory.clone(), MEMORY, spec)?,
            (Some(path), None, _) if self.split.is_some() => {
                FileWriter::create_series(Path::new(path), spec)?
            }
            (Some(path), None, _) => FileWriter::create(Path::new(path), spec)?,
            (None, Some(fd), _) if self.split.is_none() => match descriptor::open(fd)? {
                Descriptor::File(file) => FileWriter::to_file(file, &descriptor::name(fd), spec)?,
                Descriptor::Pipe(pipe) => FileWriter::to_pipe(Box::new(pipe), &descriptor::name(fd), spec)?,
            },
            _ => {
                let message = "a file has either a path or an fd, and files that are split a path";
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
        };
        let mut tags = Tags::default();
        for (name, value) in self.tags.iter().flatten() {
            tags.set(name.parse()?, value)?;
        }
        writer.set_tags(tags)?;
        writer.set_dither(self.dither.map(|seed| seed as u64));
        writer.set_format(format);
        writer.set_sync(self.sync.unwrap_or_default());
        writer.set_overwrite(self.overwrite.unwrap_or(true))?;
        Ok(writer)
    }
}

/// What was found and done to a file whose header was to be mended.
#[napi(object)]
pub struct RepairObject {
    /// The container's name.
    pub container: String,
    /// Whether the header was changed.
    pub changed: bool,
    /// Frames that it tells now.
    pub frames: f64,
    /// Bytes behind the audio.
    pub leftover: f64,
}

/// Makes the header of a file true.
///
/// # Errors
/// Through the promise: what repairing gives.
#[napi(ts_return_type = "Promise<RepairObject | Failure>")]
pub fn repair(env: &Env, path: String) -> napi::Result<Object<'static>> {
    let work = move || file::repair(Path::new(&path));
    later_as(env, work, |_, repaired| {
        Ok(match repaired {
            Ok(repair) => Either::A(RepairObject {
                container: repair.container.name().to_owned(),
                changed: repair.changed,
                frames: repair.frames as f64,
                leftover: repair.leftover as f64,
            }),
            Err(error) => Either::B(Failure::from(error)),
        })
    })
}

/// An open file, while neither a thread nor a stream has it.
#[derive(Default)]
struct Opened {
    reader: Option<FileReader>,
    info: Option<FileInfo>,
    seekable: bool,
    /// The frame that is read next.
    position: u64,
    /// Another reader of the same file, for a stream.
    spare: Option<FileReader>,
    /// Whether it was read here, and so is no stream's any more.
    used: bool,
    closed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file that is read. No lock is held while a thread reads: JavaScript's never waits for one.
#[napi]
pub struct BindingFile {
    options: FileOptions,
    /// The file, where it lies in memory.
    bytes: Option<Arc<[u8]>>,
    opened: Arc<Mutex<Opened>>,
}

#[napi]
impl BindingFile {
    /// Names the file, or copies its bytes; [`open`](Self::open) opens it.
    #[napi(constructor)]
    #[must_use]
    pub fn new(options: FileOptions, bytes: Option<Uint8Array>) -> Self {
        Self { options, bytes: bytes.map(|bytes| Arc::from(&*bytes)), opened: Arc::default() }
    }

    /// Opens the file and reads its header.
    ///
    /// # Errors
    /// Through the promise: what opening gives.
    #[napi(ts_return_type = "Promise<Settled>")]
    pub fn open(&self, env: &Env) -> napi::Result<Object<'static>> {
        let (options, bytes) = (self.options.clone(), self.bytes.clone());
        let opened = Arc::clone(&self.opened);
        later(env, move || {
            let reader = options.open(bytes.as_ref())?;
            let mut opened = lock(&opened);
            opened.info = Some(FileInfo::read(&reader));
            opened.seekable = reader.seekable();
            opened.reader = Some(reader).filter(|_| !opened.closed);
            Ok(())
        })
    }

    /// What it holds; nothing before it was opened.
    #[napi(getter)]
    #[must_use]
    pub fn info(&self) -> Option<FileInfo> {
        lock(&self.opened).info.clone()
    }

    /// The frame that is read next.
    #[napi(getter)]
    #[must_use]
    pub fn position(&self) -> f64 {
        lock(&self.opened).position as f64
    }

    /// Reads up to `frames` frames as bytes of `format`; fewer only at the end.
    ///
    /// # Errors
    /// Through the promise: what reading gives.
    #[napi(ts_return_type = "Promise<Settled>")]
    pub fn read(&self, env: &Env, frames: f64, format: String) -> napi::Result<Object<'static>> {
        self.with_reader(env, move |reader, closed| {
            let format = format.parse()?;
            if reader.format() != format {
                reader.set_format(format);
            }
            reader.read_frames(frames as u64, closed)
        })
    }

    /// Goes on reading at `frame`, at most the end.
    ///
    /// # Errors
    /// Through the promise: what seeking gives.
    #[napi(ts_return_type = "Promise<Settled>")]
    pub fn seek(&self, env: &Env, frame: f64) -> napi::Result<Object<'static>> {
        self.with_reader(env, move |reader, _| reader.seek(frame as u64))
    }

    /// Closes it; a thread that reads stops at its next block.
    #[napi]
    pub fn close(&self) {
        let mut opened = lock(&self.opened);
        opened.closed = true;
        opened.reader = None;
        opened.spare = None;
    }

    /// Lends the reader to `work`, on a thread of its own. One call at a time.
    fn with_reader<T>(
        &self,
        env: &Env,
        work: impl FnOnce(&mut FileReader, &dyn Fn() -> bool) -> pastream::Result<T> + Send + 'static,
    ) -> napi::Result<Object<'static>>
    where
        Settled: From<pastream::Result<T>>,
    {
        let (options, bytes) = (self.options.clone(), self.bytes.clone());
        let opened = Arc::clone(&self.opened);
        later(env, move || {
            let mut state = lock(&opened);
            state.used = true;
            let (here, info, seekable) = (state.reader.take(), state.info.clone(), state.seekable);
            drop(state);
            let mut reader = match here {
                Some(reader) => reader,
                None => options.open_again(bytes.as_ref(), seekable, info.as_ref())?,
            };
            let result = work(&mut reader, &|| lock(&opened).closed);
            let mut state = lock(&opened);
            state.position = reader.position();
            state.info = Some(FileInfo::read(&reader));
            state.reader = Some(reader).filter(|_| !state.closed);
            result
        })
    }

    /// Opens the file once more, where [`take`](Self::take) would have to.
    ///
    /// # Errors
    /// Through the promise: what opening gives.
    #[napi(ts_return_type = "Promise<Settled>")]
    pub fn prepare(&self, env: &Env) -> napi::Result<Object<'static>> {
        let (options, bytes) = (self.options.clone(), self.bytes.clone());
        let opened = Arc::clone(&self.opened);
        later(env, move || {
            let state = lock(&opened);
            if state.spare.is_some() || (!state.used && state.reader.is_some()) {
                return Ok(());
            }
            let (info, seekable) = (state.info.clone(), state.seekable);
            drop(state);
            let spare = options.open_again(bytes.as_ref(), seekable, info.as_ref())?;
            let mut state = lock(&opened);
            state.spare = Some(spare).filter(|_| !state.closed);
            Ok(())
        })
    }

    /// What a stream plays: the open reader where nothing was read, else another of the same file.
    pub(crate) fn take(&self) -> Result<Box<FileReader>> {
        let mut opened = lock(&self.opened);
        let here = if opened.used { None } else { opened.reader.take() };
        let reader = match here.or_else(|| opened.spare.take()) {
            Some(reader) => reader,
            None => self
                .options
                .open_again(self.bytes.as_ref(), opened.seekable, opened.info.as_ref())
                .map_err(|error| thrown(&error))?,
        };
        Ok(Box::new(reader))
    }
}

/// A file that is written. Only its threads lock the writer, one at a time.
#[napi]
pub struct BindingWriter {
    options: FileOptions,
    format: String,
    channels: u32,
    sample_rate: u32,
    /// The file, where it has neither path nor descriptor.
    memory: Memory,
    writer: Arc<Mutex<Option<FileWriter>>>,
    info: Arc<Mutex<Option<FileInfo>>>,
}

#[napi]
impl BindingWriter {
    /// Names the file and what it will hold; [`open`](Self::open) checks whether it can be written.
    #[napi(constructor)]
    #[must_use]
    pub fn new(options: FileOptions, format: String, channels: u32, sample_rate: u32) -> Self {
        let memory = Memory::default();
        Self { options, format, channels, sample_rate, memory, writer: Arc::default(), info: Arc::default() }
    }

    /// Prepares to write; what is there stays as it is.
    ///
    /// # Errors
    /// Through the promise: what creating a file gives.
    #[napi(ts_return_type = "Promise<Settled>")]
    pub fn open(&self, env: &Env) -> napi::Result<Object<'static>> {
        let (options, format) = (self.options.clone(), self.format.clone());
        let (channels, rate) = (self.channels as usize, self.sample_rate);
        let (writer, info, memory) = (Arc::clone(&self.writer), Arc::clone(&self.info), self.memory.clone());
        later(env, move || {
            let opened = options.create(format.parse()?, channels, rate, Some(&memory))?;
            let held = FileInfo::of(opened.spec(), opened.tags(), 0);
            *lock(&info) = Some(FileInfo { frames: Some(0.0), ..held });
            *lock(&writer) = Some(opened);
            Ok(())
        })
    }

    /// What it holds so far; nothing before it was opened.
    #[napi(getter)]
    #[must_use]
    pub fn info(&self) -> Option<FileInfo> {
        lock(&self.info).clone()
    }

    /// Appends whole frames, which are copied, and makes the file whole.
    ///
    /// # Errors
    /// Through the promise: what writing gives.
    #[napi(ts_return_type = "Promise<Settled>")]
    pub fn write(&self, env: &Env, frames: Uint8Array) -> napi::Result<Object<'static>> {
        let frames = frames.to_vec();
        self.with_writer(env, move |writer| writer.write(&frames).and_then(|()| writer.update()))
    }

    /// Completes and closes the file.
    ///
    /// # Errors
    /// Through the promise: what finishing gives.
    #[napi(ts_return_type = "Promise<Settled>")]
    pub fn close(&self, env: &Env) -> napi::Result<Object<'static>> {
        self.with_writer(env, FileWriter::complete)
    }

    /// The bytes of a file in memory, once it is closed.
    #[napi]
    #[must_use]
    pub fn take(&self) -> Uint8Array {
        self.memory.take().into()
    }

    fn with_writer(
        &self,
        env: &Env,
        work: impl FnOnce(&mut FileWriter) -> pastream::Result<()> + Send + 'static,
    ) -> napi::Result<Object<'static>> {
        let (writer, info) = (Arc::clone(&self.writer), Arc::clone(&self.info));
        later(env, move || {
            let mut writer = lock(&writer);
            let Some(writer) = writer.as_mut() else {
                return Err(Error::new(ErrorKind::StreamState, "the file was not opened"));
            };
            let result = work(writer);
            if let Some(info) = lock(&info).as_mut() {
                info.frames = Some(writer.frames() as f64);
            }
            result
        })
    }
}
