//! Where a stream records to: memory, a file that a writer thread fills from a ring, or a ring that the user reads.

mod buffer;
mod file;

use std::sync::Arc;

use crate::{file::FileWriter, resample::ConversionConfig, ring::Ring};

pub(crate) use buffer::assemble;
pub(crate) use file::{Control, Drain, drain};

/// Where a stream records to, in the stream's format and channels.
pub enum Sink {
    /// Memory for so many frames; what comes after it is full is no loss. See
    /// [`Stream::take_recording`](crate::stream::Stream::take_recording).
    Buffer {
        /// How many frames fit.
        frames: usize,
    },
    /// A file, written by its writer thread, with silence where frames were lost. Created once the stream runs.
    File {
        /// The file, of any rate and channels.
        writer: Box<FileWriter>,
        /// Frames of the ring between callback and writer thread, besides those of a preroll.
        buffer_size: usize,
        /// How the stream is fitted to it, with silence in its gaps.
        conversion: ConversionConfig,
        /// When it begins, and when the next one does.
        cut: Cut,
    },
    /// A ring that the user reads.
    Ring {
        /// The frames that were delivered.
        frames: Arc<Ring>,
        /// Where frames are missing between them: [`Gap`](pastream_rt::Gap)s of 16 bytes. `None`: nobody asks.
        gaps: Option<Arc<Ring>>,
    },
}

/// Which part of a recording a file gets: without any of these, all of it. Counts are frames of the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Frames of each file, after which the next one of a [series](FileWriter::create_series) begins: not one is lost in between.
    /// At another rate the files are the one recording in parts all the same, bit for bit: each begins with its first frame at or
    /// after the border. So many have to last for a frame of the file, at least.
    /// `None`: only [`Stream::split`](crate::stream::Stream::split) begins another.
    pub split: Option<u64>,
    /// Waits for [`Stream::trigger`](crate::stream::Stream::trigger) and begins with so many frames from before it, which
    /// are kept in memory until then.
    pub preroll: Option<u64>,
}

/// A file that a run wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFile {
    /// Its path, or the name of the pipe.
    pub name: String,
    /// The frame of the recording that it begins with, at the stream's rate: after the run's offset, gaps included.
    pub frame: u64,
    /// Its frames, at its own rate.
    pub frames: u64,
    /// Whether it is finished and in its place. Where not, the error of the run says why; what it holds is valid.
    pub complete: bool,
}

impl Sink {
    /// All of a recording in a file.
    #[must_use]
    pub fn file(writer: FileWriter, buffer_size: usize) -> Self {
        let (writer, conversion) = (Box::new(writer), ConversionConfig::default());
        Self::File { writer, buffer_size, conversion, cut: Cut::default() }
    }

    /// The same for a further run: a ring. Memory is taken by one run, a file complete after it.
    pub(crate) fn again(&self) -> Option<Self> {
        match self {
            Self::Ring { frames, gaps } => {
                Some(Self::Ring { frames: Arc::clone(frames), gaps: gaps.clone() })
            }
            Self::Buffer { .. } | Self::File { .. } => None,
        }
    }

    pub(crate) fn file_name(&self) -> Option<&str> {
        match self {
            Self::File { writer, .. } => Some(writer.name()),
            Self::Buffer { .. } | Self::Ring { .. } => None,
        }
    }
}
