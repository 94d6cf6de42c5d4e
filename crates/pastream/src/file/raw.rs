//! RAW: samples with nothing around them.

use super::{
    Container, Encoder, Opened, ReadHint, Spec, Tags,
    input::Input,
    output::Output,
    pcm::{Layout, PcmDecoder, PcmEncoder},
};
use crate::{Error, ErrorKind, Result};

/// What isn't a whole frame at the end is left out.
pub(super) fn decoder(input: Input, hint: &ReadHint) -> Result<Opened> {
    let (Some(channels), Some(sample_rate), Some(encoding)) =
        (hint.channels, hint.sample_rate, hint.encoding)
    else {
        let missing = [
            (hint.channels.is_none(), "channels (-c)"),
            (hint.sample_rate.is_none(), "sample rate (-r)"),
            (hint.encoding.is_none(), "encoding (-e)"),
        ];
        let missing: Vec<_> = missing.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect();
        let message = format!("{}: raw has no header: give its {}", input.name(), missing.join(", "));
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    };
    let spec = Spec {
        container: Container::Raw,
        encoding,
        endian: hint.endian,
        channels,
        sample_rate,
        frames: None,
    };
    if let Some(wrong) = spec.out_of_range() {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("{}: {wrong} can't be read", input.name()),
        ));
    }
    Ok((Box::new(PcmDecoder::new(input, spec, None)?), Tags::default()))
}

pub(super) fn encoder(output: Output, spec: Spec, tags: Tags) -> Result<Box<dyn Encoder>> {
    let layout = Layout { header: |_, _, _| Vec::new(), limit: u64::MAX, alignment: 1, untold: false };
    Ok(Box::new(PcmEncoder::new(output, spec, tags, layout)?))
}
