//! What a stream plays: a buffer, a file that a reader thread feeds through a ring, or a ring that the user fills.

mod buffer;
mod file;
mod seek;

use std::sync::Arc;

use crate::{file::FileReader, resample::ConversionConfig, ring::Ring};

pub(crate) use buffer::Samples;
pub(crate) use file::feed;
pub(crate) use seek::Seek;

/// What a stream plays, in the stream's format and channels.
pub enum Source {
    /// Frames in memory, interleaved. A looped one rewinds in place, with no gap.
    Buffer {
        /// Frames × channels samples of the stream's format.
        frames: Arc<[u8]>,
        /// Whether it begins again at its end.
        looped: bool,
    },
    /// A file, converted to the stream's rate, channels and format by its reader thread. Played from its beginning at each
    /// start. Looped, it is resampled over the seam as if it went on for ever.
    File {
        /// The file.
        reader: Box<FileReader>,
        /// Whether it begins again at its end; it must be seekable.
        looped: bool,
        /// Frames of the ring between reader thread and callback, at least what the device asks for at once; 0: 65,536, or
        /// more where the device asks for more at its start.
        buffer_size: usize,
        /// How it is fitted to the stream.
        conversion: ConversionConfig,
    },
    /// A ring that the user writes, and ends when there is no more.
    Ring(Arc<Ring>),
}
