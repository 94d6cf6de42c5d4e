//! What a file holds.

use std::{fmt, path::Path, str::FromStr};

use super::{Encoding, Endian, Tag, flac};
use crate::{Error, ErrorKind, Result, SampleFormat};

/// The most channels that a file is read or written with.
pub const MAX_CHANNELS: usize = 256;

/// The highest rate that a file is read or written with, in Hz.
pub const MAX_SAMPLE_RATE: u32 = 768_000;

/// What frames a file is wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Container {
    /// RIFF WAVE, little-endian unless asked otherwise (RIFX then). One that grows past 4 GiB becomes RF64.
    Wav,
    /// RIFF WAVE with lengths of 64 bits; BW64 is read as it, too.
    Rf64,
    /// Sony Wave64.
    W64,
    /// AIFF, big-endian; or AIFF-C where samples are floats, companded or little-endian.
    Aiff,
    /// Sun/NeXT audio, big-endian unless asked otherwise.
    Au,
    /// Apple's Core Audio Format, big-endian unless asked otherwise.
    Caf,
    /// Samples with no header.
    Raw,
    /// FLAC in its own container.
    Flac,
    /// MPEG audio layer III, frame after frame.
    Mp3,
    /// Ogg, with Vorbis, Opus or FLAC in it.
    Ogg,
    /// MPEG-4, with AAC or ALAC in it.
    M4a,
    /// Matroska and `WebM`.
    Mkv,
    /// AAC, frame after frame.
    Adts,
}

impl Container {
    /// Every container, as `-t` lists them.
    pub const ALL: [Self; 13] = [
        Self::Wav,
        Self::Rf64,
        Self::W64,
        Self::Aiff,
        Self::Au,
        Self::Caf,
        Self::Raw,
        Self::Flac,
        Self::Mp3,
        Self::Ogg,
        Self::M4a,
        Self::Mkv,
        Self::Adts,
    ];

    /// The name that users give and see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Rf64 => "rf64",
            Self::W64 => "w64",
            Self::Aiff => "aiff",
            Self::Au => "au",
            Self::Caf => "caf",
            Self::Raw => "raw",
            Self::Flac => "flac",
            Self::Mp3 => "mp3",
            Self::Ogg => "ogg",
            Self::M4a => "m4a",
            Self::Mkv => "mkv",
            Self::Adts => "adts",
        }
    }

    /// The file name extensions that mean this container, the usual one first.
    #[must_use]
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Wav => &["wav", "wave"],
            Self::Rf64 => &["rf64"],
            Self::W64 => &["w64"],
            Self::Aiff => &["aiff", "aif", "aifc"],
            Self::Au => &["au", "snd"],
            Self::Caf => &["caf"],
            Self::Raw => &["raw", "pcm"],
            Self::Flac => &["flac"],
            Self::Mp3 => &["mp3"],
            Self::Ogg => &["ogg", "oga", "opus"],
            Self::M4a => &["m4a", "mp4", "m4b"],
            Self::Mkv => &["mkv", "mka", "webm"],
            Self::Adts => &["aac", "adts"],
        }
    }

    /// The container that the extension of `path` means, in any case.
    ///
    /// # Errors
    /// `UnsupportedFile` where it means none, `Io` where that is because it is a directory.
    pub fn from_path(path: &Path) -> Result<Self> {
        let extension = path.extension().unwrap_or_default();
        let means = |container: &Self| {
            container.extensions().iter().any(|known| extension.eq_ignore_ascii_case(known))
        };
        Self::ALL.into_iter().find(means).ok_or_else(|| {
            if path.is_dir() {
                let message = format!("{} is a directory: name a file in it", path.display());
                return Error::new(ErrorKind::Io, message);
            }
            let written = || Self::ALL.into_iter().filter(|known| known.is_written());
            let extensions = |known: Self| format!(".{}", known.extensions().join(", ."));
            let known = written().map(extensions).collect::<Vec<_>>().join(", ");
            let names = written().map(Self::name).collect::<Vec<_>>().join(", ");
            let message = format!(
                "{}: the name doesn't tell the kind of file: use {known}, or -t with {names}",
                path.display()
            );
            Error::new(ErrorKind::UnsupportedFile, message)
        })
    }

    /// Whether files of this kind can be written; the others are read alone.
    #[must_use]
    pub const fn is_written(self) -> bool {
        !self.encodings().is_empty()
    }

    pub(super) fn unwritten(self) -> Error {
        let written: Vec<_> =
            Self::ALL.into_iter().filter(|known| known.is_written()).map(Self::name).collect();
        let message = format!("{self} is read, not written yet: use one of {}", written.join(", "));
        Error::new(ErrorKind::UnsupportedFile, message)
    }

    /// The encodings that the container is written with.
    #[must_use]
    pub const fn encodings(self) -> &'static [Encoding] {
        use Encoding::{Alaw, Double, Float, Pcm16, Pcm24, Pcm32, PcmS8, PcmU8, Ulaw};
        match self {
            Self::Wav | Self::Rf64 | Self::W64 => &[PcmU8, Pcm16, Pcm24, Pcm32, Float, Double, Ulaw, Alaw],
            Self::Aiff | Self::Au | Self::Caf => &[PcmS8, Pcm16, Pcm24, Pcm32, Float, Double, Ulaw, Alaw],
            Self::Raw => &Encoding::ALL,
            // Of 32 bits few programs read it.
            Self::Flac => &[PcmS8, Pcm16, Pcm24],
            Self::Mp3 | Self::Ogg | Self::M4a | Self::Mkv | Self::Adts => &[],
        }
    }
}

impl Container {
    /// The tags that files of this kind are written with; all are read wherever they are found.
    #[must_use]
    pub const fn tags(self) -> &'static [Tag] {
        match self {
            Self::Wav | Self::Rf64 | Self::Au | Self::Caf | Self::Flac => &Tag::ALL,
            Self::Aiff => &[Tag::Title, Tag::Artist, Tag::Comment],
            _ => &[],
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Container {
    type Err = Error;

    /// The container of that name, in any case.
    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|container| container.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::new(
                ErrorKind::InvalidArgument,
                format!("unknown kind of file `{name}`: use one of {names}"),
            )
        })
    }
}

/// What a file holds: frames of `channels` samples in `encoding`, interleaved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// What the frames are wrapped in.
    pub container: Container,
    /// How one sample lies in the file; of a compressed file, what it is decoded to.
    pub encoding: Encoding,
    /// The byte order of the samples. A reader tells `Little` or `Big`.
    pub endian: Endian,
    /// Samples in a frame, 1 to [`MAX_CHANNELS`].
    pub channels: usize,
    /// Frames a second, 1 to [`MAX_SAMPLE_RATE`].
    pub sample_rate: u32,
    /// The length. `None`: unknown, as a pipe's. A pipe that tells its length may still end before it. Writers don't need it.
    pub frames: Option<u64>,
}

impl Spec {
    /// What to write a stream's frames as. An encoding that isn't given follows the stream's format; in FLAC, which holds
    /// neither, `pcm_24` stands for floats, and `pcm_s8` for what is unsigned.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn for_stream(
        container: Container,
        format: SampleFormat,
        channels: usize,
        sample_rate: u32,
        encoding: Option<Encoding>,
        endian: Endian,
    ) -> Result<Self> {
        let encoding = encoding.unwrap_or_else(|| match (container, format) {
            (Container::Flac, SampleFormat::Float32) => Encoding::Pcm24,
            (Container::Flac, SampleFormat::Uint8) => Encoding::PcmS8,
            (_, format) => format.into(),
        });
        let spec = Self { container, encoding, endian, channels, sample_rate, frames: None };
        spec.check()?;
        Ok(spec)
    }

    /// Bytes of one frame in the file.
    #[must_use]
    pub const fn frame_size(&self) -> usize {
        self.channels * self.encoding.size()
    }

    /// Whether the container can hold this.
    ///
    /// # Errors
    /// `InvalidArgument` for channels or a rate out of range; `UnsupportedFile` for an encoding or byte order that the
    /// container doesn't have, and for a container that is read alone.
    pub fn check(&self) -> Result<()> {
        let Self { container, encoding, .. } = self;
        if let Some(wrong) = self.out_of_range() {
            return Err(Error::new(ErrorKind::InvalidArgument, format!("{wrong} can't be written")));
        }
        if !container.is_written() {
            return Err(container.unwritten());
        }
        if !container.encodings().contains(encoding) {
            let names: Vec<_> = container.encodings().iter().map(|encoding| encoding.name()).collect();
            let message =
                format!("{container} can't hold {encoding}: choose with -e one of {}", names.join(", "));
            return Err(Error::new(ErrorKind::UnsupportedFile, message));
        }
        if *container == Container::Flac && self.channels > flac::MAX_CHANNELS {
            let message = format!("flac can't hold {} channels, at most 8: use wav or caf", self.channels);
            return Err(Error::new(ErrorKind::UnsupportedFile, message));
        }
        if *container == Container::Flac && !flac::holds_rate(self.sample_rate) {
            let message = format!("flac can't hold a rate of {} Hz: use wav or caf", self.sample_rate);
            return Err(Error::new(ErrorKind::UnsupportedFile, message));
        }
        if let Some(message) = self.byte_order_error() {
            return Err(Error::new(ErrorKind::UnsupportedFile, message));
        }
        Ok(())
    }

    /// Why the container can't hold the encoding in that byte order.
    fn byte_order_error(&self) -> Option<String> {
        let Self { container, encoding, endian, .. } = self;
        let held = match (container, endian) {
            (Container::Rf64 | Container::W64, Endian::Big) => false,
            (Container::Flac, endian) => *endian == Endian::File,
            // More than 16 bits of `sowt` are noise to ffmpeg.
            (Container::Aiff, Endian::Little) => !encoding.is_float() && encoding.size() <= 2,
            _ => true,
        };
        (!held).then(|| {
            format!("{container} can't hold {encoding} in {endian}-endian order: leave out --endian")
        })
    }

    /// What of it is outside the limits, and what they are.
    pub(super) fn out_of_range(&self) -> Option<String> {
        if !(1..=MAX_CHANNELS).contains(&self.channels) {
            Some(format!("{} channels (1 to {MAX_CHANNELS})", self.channels))
        } else if !(1..=MAX_SAMPLE_RATE).contains(&self.sample_rate) {
            Some(format!("a rate of {} Hz (1 to {MAX_SAMPLE_RATE})", self.sample_rate))
        } else {
            None
        }
    }

    /// Whether samples lie in the file in the other byte order than in memory.
    pub(super) fn is_swapped(&self) -> bool {
        let big = match self.endian {
            Endian::File => matches!(self.container, Container::Aiff | Container::Au | Container::Caf),
            Endian::Little => false,
            Endian::Big => true,
        };
        big != cfg!(target_endian = "big") && self.encoding.size() > 1
    }
}
