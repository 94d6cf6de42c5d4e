//! What is changed between a file and a stream.

use super::{
    ConversionConfig, Converter, MAX_RATIO, Quality, converter::Frames, mix::Mix, resampler::in_reach,
};
use crate::{
    Error, ErrorKind, Result, SampleFormat,
    backend::OpenedSide,
    file::{Encoding, Spec},
};

/// What is changed between a file and a stream. There is none where bytes pass unaltered.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversion {
    /// What the file holds.
    pub file: FileSide,
    /// What the stream moves.
    pub stream: StreamSide,
    /// How well the rate is converted; `None` where it is the same.
    pub quality: Option<Quality>,
    /// In dB.
    pub gain: f64,
}

/// The frames of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSide {
    /// In Hz.
    pub sample_rate: u32,
    /// Samples in a frame.
    pub channels: usize,
    /// Of a compressed file, what it is decoded to.
    pub encoding: Encoding,
}

/// The frames of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamSide {
    /// In Hz.
    pub sample_rate: u32,
    /// Samples in a frame.
    pub channels: usize,
    /// How a sample lies in memory.
    pub format: SampleFormat,
}

impl Conversion {
    /// What fits the file that `name` names to a stream, or the stream to it.
    ///
    /// # Errors
    /// `InvalidArgument` for a gain out of range; `UnsupportedConfig` for another rate, where it can't or mustn't be converted.
    pub(crate) fn plan(
        name: &str,
        spec: &Spec,
        (sample_rate, side): (u32, &OpenedSide),
        config: &ConversionConfig,
    ) -> Result<Option<Self>> {
        let file =
            FileSide { sample_rate: spec.sample_rate, channels: spec.channels, encoding: spec.encoding };
        let stream = StreamSide { sample_rate, channels: side.channels, format: side.format };
        config.check()?;
        let quality = (file.sample_rate != sample_rate).then_some(config.quality);
        if quality.is_some() {
            let hint = if !config.resample {
                Some("open the stream with what the file has, or have it resampled".to_owned())
            } else if !in_reach(file.sample_rate, sample_rate) {
                Some(format!("one may be at most {MAX_RATIO} times the other"))
            } else {
                None
            };
            if let Some(hint) = hint {
                let message =
                    format!("{name} has {} Hz, the stream {sample_rate} Hz: {hint}", file.sample_rate);
                return Err(Error::new(ErrorKind::UnsupportedConfig, message));
            }
        }
        let same = file.channels == stream.channels && quality.is_none() && config.gain == 0.0;
        if same && file.encoding == side.format.into() {
            return Ok(None);
        }
        Ok(Some(Self { file, stream, quality, gain: config.gain }))
    }

    /// Whether more is changed than samples, which readers and writers of files do by themselves.
    fn is_more(&self) -> bool {
        self.quality.is_some() || self.file.channels != self.stream.channels || self.gain != 0.0
    }

    /// The frames of the file on their way: as wide as it can be, and as floats where that is wide enough, so that
    /// the last step to fewer bits is the writer's.
    fn passed(&self) -> Frames {
        let format = match self.file.encoding {
            Encoding::Pcm24 => SampleFormat::Int24,
            Encoding::Pcm32 => SampleFormat::Int32,
            _ => SampleFormat::Float32,
        };
        Frames { format, channels: self.file.channels, sample_rate: self.file.sample_rate }
    }

    fn streamed(&self) -> Frames {
        let StreamSide { sample_rate, channels, format } = self.stream;
        Frames { format, channels, sample_rate }
    }

    /// What makes frames of the stream from what is read in the format that it says, where more than samples is changed.
    /// `mapped`: the stream's map tells the channels.
    ///
    /// # Errors
    /// `UnsupportedConfig`.
    pub(crate) fn reading(&self, mapped: bool) -> Result<Option<Converter>> {
        self.is_more().then(|| self.converter(self.passed(), self.streamed(), mapped)).transpose()
    }

    /// What makes frames to write, in the format that it says, from those of the stream.
    ///
    /// # Errors
    /// `UnsupportedConfig`.
    pub(crate) fn writing(&self, mapped: bool) -> Result<Option<Converter>> {
        self.is_more().then(|| self.converter(self.streamed(), self.passed(), mapped)).transpose()
    }

    fn converter(&self, from: Frames, to: Frames, mapped: bool) -> Result<Converter> {
        let mix = Mix::new(from.channels, to.channels, mapped, 10_f64.powf(self.gain / 20.0));
        Converter::new(from, to, mix, self.quality)
    }
}
