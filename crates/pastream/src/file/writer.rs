//! Writes the frames of a stream to a file.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use super::{
    Container, Encoder, Spec, Tag, Tags, aiff, au, caf, flac,
    output::{Memory, Output, Syncing},
    raw,
    series::Series,
    w64, wav,
};
use crate::{
    Error, ErrorKind, Result, SampleFormat,
    convert::{Dither, convert},
};

/// An audio file or pipe, written as frames of a stream: interleaved, in a [`SampleFormat`].
///
/// It is true on the disk after each [`Self::update`], as far as the operating system is concerned: a process that is killed
/// loses what came after the last one. A machine that loses its power may lose more, unless [`Self::set_sync`] is on. A file
/// that is finished is on the disk in any case.
///
/// Nothing is created or emptied before [`Self::begin`]. Dropping it finishes the file as well as can be; call
/// [`Self::finish`] to learn whether that worked.
pub struct FileWriter {
    name: String,
    spec: Spec,
    tags: Tags,
    state: State,
    format: SampleFormat,
    /// Samples on their way to another encoding; empty where nothing is converted.
    block: Box<[u8]>,
    dither: Option<Dither>,
    /// What a finished file holds.
    frames: u64,
    sync: bool,
    /// Whether a file that is there may be written over.
    overwrite: bool,
    /// The names of the files that it writes one after the other.
    series: Option<Series>,
    /// Who waits until the disk has those of a series.
    syncing: Syncing,
    /// What was wrong with an earlier one of a series: told at the end.
    kept: Option<Error>,
    whole: bool,
}

enum State {
    Path(PathBuf),
    File(File),
    Memory(Memory),
    Pipe(Box<dyn Write + Send>),
    Begun(Box<dyn Encoder>),
    Finished,
}

impl FileWriter {
    /// Samples that are converted at a time.
    const BLOCK: usize = 1 << 14;

    /// Whether a file can hold `spec`; touches nothing.
    ///
    /// # Errors
    /// As [`Spec::check`].
    pub fn check(spec: &Spec) -> Result<()> {
        spec.check()
    }

    /// Prepares to write the file at `path`. A file that is there stays as it is until [`Self::begin`], and none is left
    /// where there was none.
    ///
    /// # Errors
    /// As [`Self::check`]; `Io` where `path` is a directory, in none, can't be written, or is being read or written by this
    /// program.
    pub fn create(path: &Path, spec: Spec) -> Result<Self> {
        Self::check(&spec)?;
        Output::check(path)?;
        Ok(Self::new(path.display().to_string(), spec, State::Path(path.to_owned())))
    }

    /// Prepares to write files that follow one another, each until [`Self::next_file`]. Their names are `pattern` with fields of
    /// strftime in its last part, as in `take-%Y%m%d-%H%M%S.wav`, filled with the local time at which a file begins; where it
    /// has none, with a number: `take-0001.wav`. A name that was given before, or that is on disk, is passed over for the next number: no
    /// file is written over. `%%` is a percent sign.
    ///
    /// # Errors
    /// As [`Self::create`]; `InvalidArgument` where `pattern` makes no file name.
    pub fn create_series(pattern: &Path, spec: Spec) -> Result<Self> {
        Self::check(&spec)?;
        let series = Series::new(pattern);
        Output::check(&series.peek()?)?;
        let mut writer = Self::new(pattern.display().to_string(), spec, State::Path(pattern.to_owned()));
        writer.series = Some(series);
        Ok(writer)
    }

    /// Prepares to write to what is open, which `name` names in errors; a file stands at its start, and is emptied by
    /// [`Self::begin`].
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn to_file(file: File, name: &str, spec: Spec) -> Result<Self> {
        Self::check(&spec)?;
        Ok(Self::new(name.to_owned(), spec, State::File(file)))
    }

    /// Prepares to write to a pipe, which `name` names in errors. Its header says that the length is unknown.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn to_pipe(pipe: Box<dyn Write + Send>, name: &str, spec: Spec) -> Result<Self> {
        Self::check(&spec)?;
        Ok(Self::new(name.to_owned(), spec, State::Pipe(pipe)))
    }

    /// Prepares to write a file in memory, which `name` names in errors.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn to_memory(memory: Memory, name: &str, spec: Spec) -> Result<Self> {
        Self::check(&spec)?;
        Ok(Self::new(name.to_owned(), spec, State::Memory(memory)))
    }

    fn new(name: String, spec: Spec, state: State) -> Self {
        let format = spec.encoding.stream_format();
        let tags = Tags::default();
        let mut writer = Self {
            name,
            spec,
            tags,
            state,
            format,
            block: Box::default(),
            dither: None,
            frames: 0,
            sync: false,
            overwrite: true,
            series: None,
            syncing: Syncing::default(),
            kept: None,
            whole: true,
        };
        writer.set_format(format);
        writer
    }

    /// Whether it was neither begun nor finished.
    pub(crate) fn is_unused(&self) -> bool {
        !matches!(self.state, State::Begun(_) | State::Finished)
    }

    /// Whether so many frames fit. A pipe has no end, and neither has a file whose header may leave its length open.
    ///
    /// # Errors
    /// `UnsupportedFile`.
    pub(crate) fn check_frames(&self, frames: u64) -> Result<()> {
        let regular = match &self.state {
            // One that isn't there will be a file.
            State::Path(path) => fs::metadata(path).map_or(true, |metadata| metadata.is_file()),
            State::File(file) => file.metadata().is_ok_and(|metadata| metadata.is_file()),
            _ => false,
        };
        let limit = match self.spec.container {
            Container::Wav => wav::limit(&self.spec, &self.tags),
            Container::Aiff => aiff::limit(&self.spec, &self.tags),
            _ => u64::MAX,
        };
        if !regular || frames <= limit / self.spec.frame_size() as u64 {
            return Ok(());
        }
        let message = format!(
            "{} would get {frames} frames of {} bytes, but a {} file of this kind ends at 4 GiB: use rf64, w64 or caf, or less time",
            self.name,
            self.spec.frame_size(),
            self.spec.container
        );
        Err(Error::new(ErrorKind::UnsupportedFile, message))
    }

    /// What the file is to hold.
    #[must_use]
    pub const fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What the file is to say of its audio. To be called before [`Self::begin`].
    ///
    /// # Errors
    /// As [`Tags::check`].
    pub fn set_tags(&mut self, tags: Tags) -> Result<()> {
        tags.check(self.spec.container)?;
        self.tags = tags;
        Ok(())
    }

    /// What the file says of its audio.
    #[must_use]
    pub const fn tags(&self) -> &Tags {
        &self.tags
    }

    /// The path, or the name of the pipe.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The format that frames are given in; at first [`stream_format`](super::Encoding::stream_format).
    #[must_use]
    pub const fn format(&self) -> SampleFormat {
        self.format
    }

    /// Takes what follows as `format`.
    pub fn set_format(&mut self, format: SampleFormat) {
        self.format = format;
        let encoding = self.spec.encoding;
        let length = if encoding == format.into() { 0 } else { Self::BLOCK * encoding.size() };
        self.block = vec![0; length].into_boxed_slice();
    }

    /// From now on adds noise to samples that lose bits on their way into the file, always the same with the same
    /// `seed`; `None`, as it is at first: plain rounding.
    ///
    /// The noise is of a triangle's distribution, two steps of the encoding wide. It applies where the encoding is PCM and has fewer bits than
    /// [`Self::format`], or that is float; companded samples have none.
    pub fn set_dither(&mut self, seed: Option<u64>) {
        self.dither = seed.map(Dither::new);
    }

    /// Has each [`Self::update`] wait until the disk has the file. Before it is begun.
    pub fn set_sync(&mut self, sync: bool) {
        self.sync = sync;
    }

    /// Whether a file that is there may be written over, as it is at first. Otherwise [`Self::begin`] fails where anything has come
    /// to be there by then, a link to nowhere included. Files of a series never are.
    ///
    /// # Errors
    /// `Io` where a file is there that must not be; `InvalidArgument` for one that was given open.
    pub fn set_overwrite(&mut self, overwrite: bool) -> Result<()> {
        match &self.state {
            State::Path(path) if !overwrite && self.series.is_none() => Output::check_new(path)?,
            State::File(_) if !overwrite => {
                let message = format!(
                    "{} is open already, and would be written over: name it by its path, or allow that",
                    self.name
                );
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
            _ => {}
        }
        self.overwrite = overwrite;
        Ok(())
    }

    /// Whether it writes files that follow one another.
    #[must_use]
    pub fn is_series(&self) -> bool {
        self.series.is_some()
    }

    /// Creates the file, or empties the one that is there, and writes its header. Does nothing when called again.
    ///
    /// Not realtime-safe: opens a file.
    ///
    /// # Errors
    /// `Io` where the file can't be created, is there though it must not be written over, is being read or written here or by another
    /// program, or its header can't be written: none is left then where there was none; `StreamState` after [`Self::finish`].
    pub fn begin(&mut self) -> Result<()> {
        let mut output = match std::mem::replace(&mut self.state, State::Finished) {
            State::Path(path) => match &mut self.series {
                None if self.overwrite => Output::create(&path)?,
                None => Output::create_new(&path)?,
                Some(series) => loop {
                    let path = series.next()?;
                    match Output::create_new(&path) {
                        Ok(mut output) => {
                            self.name = path.display().to_string();
                            output.set_syncing(self.syncing.clone());
                            break output;
                        }
                        // Another made it in between.
                        Err(error) if path.symlink_metadata().is_err() => return Err(error),
                        Err(_) => {}
                    }
                },
            },
            State::File(file) => Output::file(file, self.name.clone())?,
            State::Memory(memory) => Output::memory(memory, self.name.clone()),
            State::Pipe(pipe) => Output::pipe(pipe, self.name.clone()),
            State::Begun(encoder) => {
                self.state = State::Begun(encoder);
                return Ok(());
            }
            State::Finished => return Err(self.finished()),
        };
        output.set_sync(self.sync);
        self.state = State::Begun(encoder(output, self.spec.clone(), self.tags.clone())?);
        Ok(())
    }

    /// Appends whole frames: frames × channels samples of [`Self::format`]. Begins the file where that wasn't done.
    /// Where nothing is to be converted they go straight to the file.
    ///
    /// Not realtime-safe: writes a file.
    ///
    /// # Errors
    /// `InvalidArgument` where `frames` isn't a whole number of frames; `Io` where not all of it was written (disk full, closed
    /// pipe); `UnsupportedFile` where the container is full; `StreamState` after [`Self::finish`]. The frames that fitted are
    /// kept; nothing is stored after them, and [`Self::finish`] makes the file whole.
    pub fn write(&mut self, frames: &[u8]) -> Result<()> {
        let format = self.format;
        if !frames.len().is_multiple_of(self.spec.channels * format.size()) {
            let message = format!(
                "{} bytes are no whole number of frames of {} × {format}",
                frames.len(),
                self.spec.channels
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        self.begin()?;
        let State::Begun(encoder) = &mut self.state else { return Err(self.finished()) };
        if self.block.is_empty() {
            return encoder.write(frames);
        }
        let (encoding, channels) = (self.spec.encoding, self.spec.channels);
        for part in frames.chunks(Self::BLOCK / channels * channels * format.size()) {
            let block = &mut self.block[..part.len() / format.size() * encoding.size()];
            match &mut self.dither {
                Some(dither) => dither.convert(format.into(), encoding, part, block),
                None => convert(format.into(), encoding, part, block),
            }
            encoder.write(block)?;
        }
        Ok(())
    }

    /// Makes the header on disk true for what was written so far, so that the file is whole whatever happens next.
    /// Nothing to do for a pipe, or before [`Self::begin`].
    ///
    /// Not realtime-safe: writes a file.
    ///
    /// # Errors
    /// `Io` where the header can't be written.
    pub fn update(&mut self) -> Result<()> {
        match &mut self.state {
            State::Begun(encoder) => encoder.update(),
            _ => Ok(()),
        }
    }

    /// Completes and closes the file. Touches nothing where it wasn't begun, and does nothing when called again.
    ///
    /// Not realtime-safe: writes a file.
    ///
    /// # Errors
    /// `Io` where the header can't be written, or the file isn't in its place any more.
    pub fn finish(&mut self) -> Result<()> {
        let finished = self.end();
        self.settle().and(finished)
    }

    /// Waits until the disk has the files of a series that are finished, and tells what was wrong with one.
    pub(crate) fn settle(&mut self) -> Result<()> {
        let synced = self.syncing.end();
        self.kept.take().map_or(synced, Err)
    }

    fn end(&mut self) -> Result<()> {
        let State::Begun(mut encoder) = std::mem::replace(&mut self.state, State::Finished) else {
            return Ok(());
        };
        let finished = encoder.finish();
        self.frames = encoder.frames();
        self.whole = finished.is_ok();
        finished
    }

    /// Whether the file that was finished last is whole and in its place, as far as that is known by then.
    pub(crate) const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Finishes the file, and has what follows go into the next one of the series, which [`Self::begin`] or [`Self::write`]
    /// begins. Returns the frames of the finished one, by which a time reference among the tags goes on. Does not wait for the disk to have it, and what is wrong with it stops no recording: both are
    /// left to [`Self::finish`].
    ///
    /// Not realtime-safe: writes a file.
    ///
    /// # Errors
    /// `InvalidArgument` where there is no series.
    pub fn next_file(&mut self) -> Result<u64> {
        let Some(series) = &self.series else {
            let message = format!("{} is one file: nothing follows it", self.name);
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        };
        let pattern = series.pattern().to_owned();
        if let Err(error) = self.end() {
            self.kept.get_or_insert(error);
        }
        self.state = State::Path(pattern);
        let frames = std::mem::take(&mut self.frames);
        if let Some(reference) = self.tags.time_reference() {
            self.tags.set(Tag::TimeReference, &reference.saturating_add(frames).to_string())?;
        }
        Ok(frames)
    }

    /// As [`Self::finish`], but a file that nothing was written to is made too, empty.
    ///
    /// Not realtime-safe: writes a file.
    ///
    /// # Errors
    /// As [`Self::begin`] and [`Self::finish`]. None where an earlier [`Self::begin`] or [`Self::write`] could not begin the file:
    /// that call told.
    pub fn complete(&mut self) -> Result<()> {
        if !matches!(self.state, State::Finished) {
            self.begin()?;
        }
        self.finish()
    }

    /// Whole frames that were written.
    #[must_use]
    pub fn frames(&self) -> u64 {
        if let State::Begun(encoder) = &self.state { encoder.frames() } else { self.frames }
    }

    fn finished(&self) -> Error {
        Error::new(ErrorKind::StreamState, format!("{} is finished: nothing can be added to it", self.name))
    }
}

fn encoder(output: Output, spec: Spec, tags: Tags) -> Result<Box<dyn Encoder>> {
    match spec.container {
        Container::Wav | Container::Rf64 => wav::encoder(output, spec, tags),
        Container::Aiff => aiff::encoder(output, spec, tags),
        Container::Au => au::encoder(output, spec, tags),
        Container::Caf => caf::encoder(output, spec, tags),
        Container::W64 => w64::encoder(output, spec, tags),
        Container::Raw => raw::encoder(output, spec, tags),
        Container::Flac => flac::encoder(output, spec, tags),
        _ => Err(spec.container.unwritten()),
    }
}
