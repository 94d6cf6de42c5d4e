//! The sample formats of a stream.

use std::{fmt, str::FromStr};

use crate::{Error, ErrorKind};

/// How one sample of a stream lies in memory: native endianness, interleaved, packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SampleFormat {
    /// 32-bit IEEE float, full scale ±1.0.
    #[default]
    Float32,
    /// 32-bit signed integer.
    Int32,
    /// 24-bit signed integer in three bytes.
    Int24,
    /// 16-bit signed integer.
    Int16,
    /// 8-bit signed integer.
    Int8,
    /// 8-bit unsigned integer; silence is 128.
    Uint8,
}

impl SampleFormat {
    /// Every format, widest first.
    pub const ALL: [Self; 6] =
        [Self::Float32, Self::Int32, Self::Int24, Self::Int16, Self::Int8, Self::Uint8];

    /// Bytes of one sample of one channel.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Float32 | Self::Int32 => 4,
            Self::Int24 => 3,
            Self::Int16 => 2,
            Self::Int8 | Self::Uint8 => 1,
        }
    }

    /// The byte that silence is made of.
    #[must_use]
    pub const fn silence(self) -> u8 {
        match self {
            Self::Uint8 => 128,
            _ => 0,
        }
    }

    /// The name that users give and see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Int32 => "int32",
            Self::Int24 => "int24",
            Self::Int16 => "int16",
            Self::Int8 => "int8",
            Self::Uint8 => "uint8",
        }
    }
}

impl fmt::Display for SampleFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SampleFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("unknown sample format `{name}`: use float32, int32, int24, int16, int8 or uint8"),
            )
        })
    }
}

/// Runs `$body` with `$sample` naming the type that a [`SampleFormat`] stands for.
macro_rules! with_sample {
    ($format:expr, $sample:ident => $body:expr) => {
        match $format {
            $crate::SampleFormat::Float32 => {
                type $sample = f32;
                $body
            }
            $crate::SampleFormat::Int32 => {
                type $sample = i32;
                $body
            }
            $crate::SampleFormat::Int24 => {
                type $sample = pastream_rt::I24;
                $body
            }
            $crate::SampleFormat::Int16 => {
                type $sample = i16;
                $body
            }
            $crate::SampleFormat::Int8 => {
                type $sample = i8;
                $body
            }
            $crate::SampleFormat::Uint8 => {
                type $sample = u8;
                $body
            }
        }
    };
}
pub(crate) use with_sample;
