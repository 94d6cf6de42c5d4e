//! How samples lie in a file.

use std::{fmt, str::FromStr};

use crate::{Error, ErrorKind, SampleFormat};

/// How one sample lies in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// 8-bit signed integer.
    PcmS8,
    /// 8-bit unsigned integer; silence is 128.
    PcmU8,
    /// 16-bit signed integer.
    Pcm16,
    /// 24-bit signed integer in three bytes.
    Pcm24,
    /// 32-bit signed integer.
    Pcm32,
    /// 32-bit IEEE float, full scale ±1.0.
    Float,
    /// 64-bit IEEE float, full scale ±1.0.
    Double,
    /// 8-bit µ-law (ITU-T G.711), which holds some 14 bits.
    Ulaw,
    /// 8-bit A-law (ITU-T G.711), which holds some 13 bits.
    Alaw,
}

impl Encoding {
    /// Every encoding, as `-e` lists them.
    pub const ALL: [Self; 9] = [
        Self::PcmS8,
        Self::PcmU8,
        Self::Pcm16,
        Self::Pcm24,
        Self::Pcm32,
        Self::Float,
        Self::Double,
        Self::Ulaw,
        Self::Alaw,
    ];

    /// Bytes of one sample of one channel.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::PcmS8 | Self::PcmU8 | Self::Ulaw | Self::Alaw => 1,
            Self::Pcm16 => 2,
            Self::Pcm24 => 3,
            Self::Pcm32 | Self::Float => 4,
            Self::Double => 8,
        }
    }

    /// Whether samples are floats.
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self, Self::Float | Self::Double)
    }

    /// Whether samples are companded, by the rules of G.711.
    #[must_use]
    pub const fn is_law(self) -> bool {
        matches!(self, Self::Ulaw | Self::Alaw)
    }

    /// The name that users give and see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PcmS8 => "pcm_s8",
            Self::PcmU8 => "pcm_u8",
            Self::Pcm16 => "pcm_16",
            Self::Pcm24 => "pcm_24",
            Self::Pcm32 => "pcm_32",
            Self::Float => "float",
            Self::Double => "double",
            Self::Ulaw => "ulaw",
            Self::Alaw => "alaw",
        }
    }

    /// The format of a stream that carries this encoding unaltered; `float32` for doubles, which none does.
    #[must_use]
    pub const fn stream_format(self) -> SampleFormat {
        match self {
            Self::PcmS8 => SampleFormat::Int8,
            Self::PcmU8 => SampleFormat::Uint8,
            Self::Pcm16 | Self::Ulaw | Self::Alaw => SampleFormat::Int16,
            Self::Pcm24 => SampleFormat::Int24,
            Self::Pcm32 => SampleFormat::Int32,
            Self::Float | Self::Double => SampleFormat::Float32,
        }
    }
}

impl From<SampleFormat> for Encoding {
    /// The encoding whose bytes, in the machine's order, are the format's.
    fn from(format: SampleFormat) -> Self {
        match format {
            SampleFormat::Float32 => Self::Float,
            SampleFormat::Int32 => Self::Pcm32,
            SampleFormat::Int24 => Self::Pcm24,
            SampleFormat::Int16 => Self::Pcm16,
            SampleFormat::Int8 => Self::PcmS8,
            SampleFormat::Uint8 => Self::PcmU8,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Encoding {
    type Err = Error;

    /// The encoding of that name, in any case.
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|encoding| encoding.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::new(ErrorKind::InvalidArgument, format!("unknown encoding `{name}`: use one of {names}"))
        })
    }
}

/// The byte order of samples in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Endian {
    /// What is usual for the container: big for AIFF, AU and CAF, else little.
    #[default]
    File,
    /// The lowest byte first.
    Little,
    /// The highest byte first.
    Big,
}

impl Endian {
    /// Every byte order.
    pub const ALL: [Self; 3] = [Self::File, Self::Little, Self::Big];

    /// The name that users give and see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Little => "little",
            Self::Big => "big",
        }
    }
}

impl fmt::Display for Endian {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Endian {
    type Err = Error;

    /// The byte order of that name, in any case.
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|endian| endian.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("unknown byte order `{name}`: use file, little or big"),
            )
        })
    }
}
