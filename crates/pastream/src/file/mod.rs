//! Audio files, one module a container; compressed ones together, in `codec`.
//!
//! [`FileReader`] and [`FileWriter`] are what streams use: they convert between a file's encoding and a stream's format.
//! Beneath them each container is a [`Decoder`] and an [`Encoder`], which move samples as the file has them.

mod aiff;
mod au;
mod caf;
mod codec;
mod encoding;
mod flac;
mod in_use;
mod input;
pub(crate) mod law;
mod output;
mod pcm;
mod probe;
mod raw;
mod reader;
mod repair;
mod series;
mod spec;
mod tags;
mod w64;
mod wav;
mod writer;

pub use encoding::{Encoding, Endian};
pub use output::Memory;
pub use reader::{FileReader, ReadHint};
pub use repair::{Repair, repair};
pub use spec::{Container, MAX_CHANNELS, MAX_SAMPLE_RATE, Spec};
pub use tags::{Tag, Tags};
pub use writer::FileWriter;

use crate::Result;

/// What is opened: the reader of its frames, and what it says of them.
type Opened = (Box<dyn Decoder>, Tags);

/// Reads one container.
pub trait Decoder: Send {
    /// What the file holds.
    fn spec(&self) -> &Spec;

    /// The name of the compression; `None` where samples lie in the file as they are.
    fn codec(&self) -> Option<&'static str> {
        None
    }

    /// Fills the front of `out`, which holds at least one frame, with whole frames in the file's encoding and the machine's byte order. Returns how many,
    /// 0 at the end. A pipe gives what it has, without waiting for more than one frame.
    ///
    /// # Errors
    /// `Io` where the file can't be read; `CorruptFile` where it contradicts itself.
    fn read(&mut self, out: &mut [u8]) -> Result<usize>;

    /// Whether [`Self::seek`] works: a file, not a pipe.
    fn seekable(&self) -> bool;

    /// Goes on reading at `frame`, at most the end.
    ///
    /// # Errors
    /// `UnsupportedFile` for a pipe; `Io` where the file can't be sought.
    fn seek(&mut self, frame: u64) -> Result<()>;

    /// Frames that the header promises and that are not there, one that is cut included; 0 for a pipe, of which nobody knows.
    fn missing(&self) -> u64;

    /// Frames read so far that were damaged, and came as silence.
    fn damaged(&self) -> u64 {
        0
    }
}

/// Writes one container. Dropping it finishes the file as well as can be.
pub trait Encoder: Send {
    /// Appends whole frames, given in the file's encoding and the machine's byte order.
    ///
    /// # Errors
    /// `Io` where not all of it was written, `UnsupportedFile` where the container is full. The frames that fitted are
    /// kept, and [`Self::finish`] is still to be called.
    fn write(&mut self, frames: &[u8]) -> Result<()>;

    /// Makes the header on disk true for what was written so far. Nothing to do for a pipe.
    ///
    /// # Errors
    /// `Io` where the header can't be written.
    fn update(&mut self) -> Result<()>;

    /// Completes the file: a header for exactly the whole frames that were written, and padding. Does nothing when called again.
    ///
    /// # Errors
    /// `Io` where the header can't be written.
    fn finish(&mut self) -> Result<()>;

    /// Whole frames that were written.
    fn frames(&self) -> u64;
}
