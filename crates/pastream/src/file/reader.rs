//! Reads a file in the format of a stream.

use std::{fs::File, io::Read, path::Path};

use super::{Container, Decoder, Encoding, Endian, Spec, input::Input, probe};
use crate::{Result, SampleFormat, convert::convert};

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
    format: SampleFormat,
    /// Frames on their way to another format; empty where nothing is converted.
    block: Box<[u8]>,
}

impl FileReader {
    /// Frames that are converted at a time, at most so many bytes of the file.
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

    fn new(input: Input, hint: &ReadHint) -> Result<Self> {
        let name = input.name().to_owned();
        let decoder = probe::decoder(input, hint)?;
        let format = decoder.spec().encoding.stream_format();
        let mut reader = Self { name, decoder, format, block: Box::default() };
        reader.set_format(format);
        Ok(reader)
    }

    /// What the file holds.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        self.decoder.spec()
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
    /// `Io` where the file can't be read. A file that is cut off just ends there.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize> {
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

    /// Frames that the header promises and that were not there as the file was opened; 0 for a pipe, of which nobody knows.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.decoder.missing()
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
        self.decoder.seek(frame)
    }
}
