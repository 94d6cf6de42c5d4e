//! Reads a file in the format of a stream.

use std::{fs::File, io::Read, path::Path, sync::Arc};

use super::{Container, Decoder, Encoding, Endian, Spec, Tags, input::Input, probe};
use crate::{Error, ErrorKind, Result, SampleFormat, convert::convert};

/// What the user says of a file. Files with a header tell it themselves: of those only `container` is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadHint {
    /// The container; unset: told by the content, RAW by the name of the file.
    pub container: Option<Container>,
    /// The encoding of RAW.
    pub encoding: Option<Encoding>,
    /// The byte order of RAW.
    pub endian: Endian,
    /// The channels of RAW.
    pub channels: Option<usize>,
    /// The rate of RAW, in Hz.
    pub sample_rate: Option<u32>,
}

/// An open audio file or pipe, read as frames of a stream: interleaved, in a [`SampleFormat`].
pub struct FileReader {
    name: String,
    decoder: Box<dyn Decoder>,
    tags: Tags,
    format: SampleFormat,
    /// Frames on their way to another format; empty where nothing is converted.
    block: Box<[u8]>,
    position: u64,
}

impl FileReader {
    /// Frames that are converted at a time, at most so many bytes of the file; and those that [`Self::read_frames`] reads
    /// at a time, in bytes of memory.
    const BLOCK: usize = 1 << 16;

    /// Opens a file. What isn't a regular file (a named pipe, a terminal) is read as [`Self::from_pipe`] does.
    ///
    /// # Errors
    /// `Io` where it can't be opened or read; `UnsupportedFile` where it isn't audio that can be read; `CorruptFile` where its
    /// header is cut off or contradicts itself; `InvalidArgument` where RAW is asked for without what it needs.
    pub fn open(path: &Path, hint: &ReadHint) -> Result<Self> {
        Self::new(Input::open(path)?, hint)
    }

    /// Reads what is open, which `name` names in errors: as [`Self::open`], from where it stands, which of a file is to
    /// be its start.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_file(file: File, name: &str, hint: &ReadHint) -> Result<Self> {
        Self::new(Input::file(file, name.to_owned())?, hint)
    }

    /// Reads from a pipe, which `name` names in errors. Its length may be unknown, and it can't be sought.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_pipe(pipe: Box<dyn Read + Send>, name: &str, hint: &ReadHint) -> Result<Self> {
        Self::new(Input::pipe(pipe, name.to_owned()), hint)
    }

    /// Reads a file that lies in memory, which `name` names in errors.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_bytes(bytes: Arc<[u8]>, name: &str, hint: &ReadHint) -> Result<Self> {
        Self::new(Input::memory(bytes, name.to_owned()), hint)
    }

    fn new(input: Input, hint: &ReadHint) -> Result<Self> {
        let name = input.name().to_owned();
        let (decoder, tags) = probe::decoder(input, hint)?;
        let format = decoder.spec().encoding.stream_format();
        let mut reader = Self { name, decoder, tags, format, block: Box::default(), position: 0 };
        reader.set_format(format);
        Ok(reader)
    }

    /// What the file holds.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        self.decoder.spec()
    }

    /// What the file says of its audio; of a pipe what stands before it.
    #[must_use]
    pub const fn tags(&self) -> &Tags {
        &self.tags
    }

    /// The name of the compression; `None` where samples lie in the file as they are.
    #[must_use]
    pub fn codec(&self) -> Option<&'static str> {
        self.decoder.codec()
    }

    /// The path, or the name of the pipe.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The format that frames are read in; at first [`Encoding::stream_format`].
    #[must_use]
    pub const fn format(&self) -> SampleFormat {
        self.format
    }

    /// Reads what follows as `format`.
    pub fn set_format(&mut self, format: SampleFormat) {
        self.format = format;
        let spec = self.decoder.spec();
        let frame_size = spec.frame_size();
        let length = if spec.encoding == format.into() { 0 } else { Self::BLOCK / frame_size * frame_size };
        self.block = vec![0; length].into_boxed_slice();
    }

    /// Fills the front of `out`, which holds at least one frame, with whole frames. Returns how many, 0 at the end; a
    /// pipe gives what it has.
    /// Where nothing is to be converted they go from the file straight into `out`.
    ///
    /// Not realtime-safe: reads a file.
    ///
    /// # Errors
    /// `Io` where the file can't be read. A file that is cut off just ends there. Of a compressed one `CorruptFile` where nothing that
    /// follows can be decoded, `UnsupportedFile` where its channels, rate or codec change.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let frames = self.convert_into(out)?;
        self.position += frames as u64;
        Ok(frames)
    }

    fn convert_into(&mut self, out: &mut [u8]) -> Result<usize> {
        if self.block.is_empty() {
            return self.decoder.read(out);
        }
        let (encoding, channels) = (self.spec().encoding, self.spec().channels);
        let (from, to) = (channels * encoding.size(), channels * self.format.size());
        let wanted = out.len() / to;
        let mut done = 0;
        while done < wanted {
            let asked = (wanted - done).min(self.block.len() / from);
            let frames = self.decoder.read(&mut self.block[..asked * from])?;
            let part = &mut out[done * to..(done + frames) * to];
            convert(encoding, self.format.into(), &self.block[..frames * from], part);
            done += frames;
            // The end, or all that a pipe has by now.
            if frames < asked {
                break;
            }
        }
        Ok(done)
    }

    /// Reads `frames` frames, fewer only where the file or pipe ends before. Of a file memory is taken for what is there;
    /// of a pipe, whose header may promise anything, for twice what came. `cancelled` is asked before each block.
    ///
    /// Not realtime-safe: reads a file, allocates.
    ///
    /// # Errors
    /// As [`Self::read`]; `InvalidArgument` where there is no memory for so many frames; `StreamState` where `cancelled` says
    /// so. A file then stands where it stood before; what a pipe gave is lost.
    pub fn read_frames(&mut self, frames: u64, cancelled: &dyn Fn() -> bool) -> Result<Vec<u8>> {
        let start = self.position;
        let read = self.collect(frames, cancelled);
        if read.is_err() && self.seekable() {
            // The error that is told is the one that led here.
            let _ = self.seek(start);
        }
        read
    }

    fn collect(&mut self, frames: u64, cancelled: &dyn Fn() -> bool) -> Result<Vec<u8>> {
        let size = self.spec().channels * self.format.size();
        let there = self.spec().frames.filter(|_| self.seekable()).map(|there| there - self.position);
        let wanted = usize::try_from(frames.min(there.unwrap_or(u64::MAX))).unwrap_or(usize::MAX);
        let (mut bytes, mut done) = (Vec::new(), 0);
        while done < wanted {
            if cancelled() {
                let message = format!("{} was closed while it was read", self.name);
                return Err(Error::new(ErrorKind::StreamState, message));
            }
            let left = wanted - done;
            let block = left.min(Self::BLOCK / size);
            if bytes.capacity() < (done + block) * size {
                let more = if there.is_some() { left } else { left.min(done.max(block)) };
                bytes.try_reserve_exact(more.saturating_mul(size)).map_err(|_| {
                    let message =
                        format!("no memory for {more} more frames of {}: read fewer at a time", self.name);
                    Error::new(ErrorKind::InvalidArgument, message)
                })?;
            }
            bytes.resize((done + block) * size, 0);
            match self.read(&mut bytes[done * size..])? {
                0 => break,
                count => done += count,
            }
        }
        bytes.truncate(done * size);
        bytes.shrink_to_fit();
        Ok(bytes)
    }

    /// The frame that is read next, from 0.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Frames that the header promises and that were not there as the file was opened; 0 for a pipe, of which nobody knows.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.decoder.missing()
    }

    /// Frames read so far that were damaged, and came as silence; those that are heard again count again.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.decoder.damaged()
    }

    /// Whether [`Self::seek`] works: a file, not a pipe.
    #[must_use]
    pub fn seekable(&self) -> bool {
        self.decoder.seekable()
    }

    /// Goes on reading at `frame`, at most the end.
    ///
    /// Not realtime-safe: seeks in a file.
    ///
    /// # Errors
    /// `UnsupportedFile` for a pipe; `Io` where the file can't be sought.
    pub fn seek(&mut self, frame: u64) -> Result<()> {
        self.decoder.seek(frame)?;
        self.position = frame.min(self.spec().frames.unwrap_or(u64::MAX));
        Ok(())
    }
}
