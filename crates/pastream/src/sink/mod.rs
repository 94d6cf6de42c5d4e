//! Where a stream records to: memory, a file that a writer thread fills from a ring, or a ring that the user reads.

mod buffer;
mod file;

use std::sync::Arc;

use crate::{file::FileWriter, resample::ConversionConfig, ring::Ring};

pub(crate) use buffer::assemble;
pub(crate) use file::drain;

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
        /// Frames of the ring between callback and writer thread.
        buffer_size: usize,
        /// How the stream is fitted to it, with silence in its gaps.
        conversion: ConversionConfig,
    },
    /// A ring that the user reads.
    Ring {
        /// The frames that were delivered.
        frames: Arc<Ring>,
        /// Where frames are missing between them: [`Gap`](pastream_rt::Gap)s of 16 bytes. `None`: nobody asks.
        gaps: Option<Arc<Ring>>,
    },
}

impl Sink {
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
