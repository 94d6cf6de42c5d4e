//! What may be changed between a file and a stream, and how well.

use std::{fmt, str::FromStr};

use crate::{Error, ErrorKind, Result};

/// How a file is fitted to a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConversionConfig {
    /// Whether a file of another rate is resampled; else it is an error.
    pub resample: bool,
    /// How well it is resampled.
    pub quality: Quality,
    /// In dB, −200 to 200; 0 changes nothing. What comes out beyond full scale is clipped, but for floats.
    pub gain: f64,
}

impl Default for ConversionConfig {
    fn default() -> Self {
        Self { resample: true, quality: Quality::Best, gain: 0.0 }
    }
}

impl ConversionConfig {
    /// # Errors
    /// `InvalidArgument` where the gain is out of range.
    pub(super) fn check(&self) -> Result<()> {
        if (-200.0..=200.0).contains(&self.gain) {
            return Ok(());
        }
        let message = format!("a gain of {} dB is out of range: give -200 to 200", self.gain);
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }
}

/// How well a rate is converted; `docs/decisions/resampling.md` has what each was measured to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Quality {
    /// For previews.
    Fast,
    /// For 16 bits.
    Good,
    /// For 24 bits.
    #[default]
    Best,
}

impl Quality {
    /// Every quality, the cheapest first.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Good, Self::Best];

    /// The name that users give and see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Good => "good",
            Self::Best => "best",
        }
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Quality {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|quality| quality.name() == name).ok_or_else(|| {
            let message = format!("unknown quality `{name}`: use fast, good or best");
            Error::new(ErrorKind::InvalidArgument, message)
        })
    }
}
