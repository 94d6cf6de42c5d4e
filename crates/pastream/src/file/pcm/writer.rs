//! Writes frames one after the other behind a header.

use crate::{
    Error, ErrorKind, Result,
    convert::swap_bytes,
    file::{Encoder, Spec, Tags, output::Output},
};

/// What stands around the frames.
pub(in crate::file) struct Layout {
    /// The header, always of one length, for so many bytes of data; `None`: not known.
    pub(in crate::file) header: fn(&Spec, &Tags, Option<u64>) -> Vec<u8>,
    /// The most bytes of data that the header can tell.
    pub(in crate::file) limit: u64,
    /// Data is padded to a multiple of so many bytes.
    pub(in crate::file) alignment: u64,
    /// Whether a file that grows says, as a pipe does, that its length isn't known: where other programs would take what
    /// lies behind a length for something else.
    pub(in crate::file) untold: bool,
}

/// Frames to where the output stands.
pub(in crate::file) struct PcmEncoder {
    output: Output,
    spec: Spec,
    tags: Tags,
    layout: Layout,
    start: u64,
    /// Bytes of data that are in the file; after an error perhaps not a whole number of frames.
    written: u64,
    failed: bool,
    finished: bool,
    swapped: Option<Box<[u8]>>,
}

impl PcmEncoder {
    /// Bytes of samples that are turned round at a time.
    const SWAP: usize = 1 << 16;

    pub(in crate::file) fn new(mut output: Output, spec: Spec, tags: Tags, layout: Layout) -> Result<Self> {
        let known = if output.is_pipe() || layout.untold { None } else { Some(0) };
        let mut start = 0;
        output.append(&(layout.header)(&spec, &tags, known), &mut start)?;
        // What was there stays until here.
        output.resize(start)?;
        output.keep();
        // Whole samples, so that none is cut in two.
        let swap = Self::SWAP / spec.encoding.size() * spec.encoding.size();
        let swapped = spec.is_swapped().then(|| vec![0; swap].into_boxed_slice());
        Ok(Self { output, spec, tags, layout, start, written: 0, failed: false, finished: false, swapped })
    }

    fn append(&mut self, frames: &[u8]) -> Result<()> {
        let Some(swapped) = &mut self.swapped else { return self.output.append(frames, &mut self.written) };
        for samples in frames.chunks(swapped.len()) {
            let swapped = &mut swapped[..samples.len()];
            swapped.copy_from_slice(samples);
            swap_bytes(swapped, self.spec.encoding.size());
            self.output.append(swapped, &mut self.written)?;
        }
        Ok(())
    }

    /// Makes it as long as if so many bytes of silence had been written, of which the disk holds none.
    #[cfg(test)]
    pub(in crate::file) fn leap(&mut self, bytes: u64) {
        self.written += bytes;
        self.output.resize(self.start + self.written).unwrap();
        self.update().unwrap();
    }

    /// Corrects the header.
    fn rewrite(&mut self, length: Option<u64>) -> Result<()> {
        let header = (self.layout.header)(&self.spec, &self.tags, length);
        self.output.rewrite(&header, self.start + self.written)
    }

    /// Bytes of whole frames that are in the file.
    fn whole(&self) -> u64 {
        self.written - self.written % self.spec.frame_size() as u64
    }
}

impl Encoder for PcmEncoder {
    fn write(&mut self, frames: &[u8]) -> Result<()> {
        self.output.check_open(self.finished, self.failed)?;
        let frame_size = self.spec.frame_size();
        let limit = if self.output.is_pipe() { u64::MAX } else { self.layout.limit };
        let room = (limit - limit % frame_size as u64).saturating_sub(self.written);
        let fits = room.min(frames.len() as u64) as usize;
        let result = self.append(&frames[..fits]);
        self.failed = result.is_err() || fits < frames.len();
        result?;
        if self.failed {
            self.update()?;
            let message = format!(
                "{} is full: a {} file of this kind ends at 4 GiB; use rf64, w64 or caf for more",
                self.output.name(),
                self.spec.container,
            );
            return Err(Error::new(ErrorKind::UnsupportedFile, message));
        }
        Ok(())
    }

    fn update(&mut self) -> Result<()> {
        if self.output.is_pipe() || self.finished {
            return self.output.flush();
        }
        self.rewrite((!self.layout.untold).then(|| self.whole()))
    }

    fn finish(&mut self) -> Result<()> {
        if self.finished {
            return Ok(());
        }
        let whole = self.whole();
        let padded = whole.next_multiple_of(self.layout.alignment);
        // The header first: where the disk is full it still fits, because its place is taken already.
        let updated = if self.output.is_pipe() { self.output.flush() } else { self.rewrite(Some(whole)) };
        self.finished = true;
        if self.written != padded {
            self.output.resize(self.start + padded)?;
        }
        updated.and_then(|()| self.output.complete())
    }

    fn frames(&self) -> u64 {
        self.written / self.spec.frame_size() as u64
    }
}

impl Drop for PcmEncoder {
    fn drop(&mut self) {
        // Nobody is left to tell; whoever cares has called it.
        let _ = self.finish();
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::file::{Container, Encoding, Endian};

    #[test]
    fn past_its_limit_a_file_is_whole_and_says_so() {
        let path = std::env::temp_dir().join(format!("pastream-limit-{}.wav", std::process::id()));
        let encode = |path: &Path| {
            let spec = Spec {
                container: Container::Wav,
                encoding: Encoding::Pcm16,
                endian: Endian::File,
                channels: 1,
                sample_rate: 8_000,
                frames: None,
            };
            let header =
                |_: &Spec, _: &Tags, data: Option<u64>| data.map_or(vec![0xFF], |data| vec![data as u8]);
            PcmEncoder::new(
                Output::create(path)?,
                spec,
                Tags::default(),
                Layout { header, limit: 7, alignment: 2, untold: false },
            )
        };
        let mut encoder = encode(&path).unwrap();
        encoder.write(&[1, 2]).unwrap();
        let error = encoder.write(&[3, 4, 5, 6, 7, 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedFile);
        assert!(error.message().contains("is full"), "{error}");
        assert_eq!(encoder.frames(), 3);
        assert_eq!(fs::read(&path).unwrap(), [6, 1, 2, 3, 4, 5, 6]);
        assert_eq!(encoder.write(&[7, 8]).unwrap_err().kind(), ErrorKind::Io);
        encoder.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), [6, 1, 2, 3, 4, 5, 6]);
        fs::remove_file(path).unwrap();
    }
}
