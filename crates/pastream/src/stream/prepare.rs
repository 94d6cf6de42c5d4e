//! Turns sources and sinks into what the callback plays and records.

use std::sync::Arc;

use pastream_rt::{
    BufferSource, Gap, Mapping, OnFull, OnStarved, Play, Playback, Record, Recording, RingSource, Route,
    Sample, Sink, SinkCounts,
};

use super::SideConfig;
use crate::{
    Error, ErrorKind, Result, SampleFormat, format::with_sample, ring::Ring, sink::Control, source::Samples,
};

/// Where the frames to play are.
pub(super) enum Feed {
    Buffer { frames: Arc<[u8]>, looped: bool },
    Ring(Arc<Ring>),
}

/// Where recorded frames go.
pub(super) struct Target {
    pub(super) frames: Arc<Ring>,
    pub(super) gaps: Arc<Ring>,
    pub(super) counts: Arc<SinkCounts>,
    pub(super) on_full: OnFull,
    /// Of a file.
    pub(super) control: Option<Arc<Control>>,
}

/// The mapping of a side, which `what` names in errors: as `config` has it, or each channel to itself.
pub(super) fn mapping(
    what: &str,
    config: Option<&SideConfig>,
    channels: usize,
) -> Result<Mapping<Box<[Route]>>> {
    let mapping = match config.and_then(|side| side.routes.as_deref()) {
        Some(routes) => Mapping::new(routes.into(), channels, channels),
        None => Mapping::identity(channels),
    };
    mapping.map_err(|error| {
        let message = format!("the map of the {what}: {error}, its channels are 1 to {channels}");
        Error::new(ErrorKind::InvalidArgument, message).with_source(error)
    })
}

/// What plays `feed`.
pub(super) fn play(
    feed: Feed,
    format: SampleFormat,
    mapping: Mapping<Box<[Route]>>,
    on_starved: OnStarved,
) -> Result<Box<dyn Play + Send>> {
    with_sample!(format, S => match feed {
        Feed::Buffer { frames, looped } => {
            let source = BufferSource::new(Samples::<S>::new(frames), looped);
            Ok(Box::new(Playback::new(source, mapping, on_starved)))
        }
        Feed::Ring(ring) => {
            let source = RingSource::new(ring.consumer::<S>()?);
            Ok(Box::new(Playback::<S, _, _>::new(source, mapping, on_starved)))
        }
    })
}

/// What records to `targets`.
pub(super) fn record(
    targets: &[Target],
    format: SampleFormat,
    mapping: Mapping<Box<[Route]>>,
    offset: u64,
) -> Result<Box<dyn Record + Send>> {
    fn sinks<S: Sample>(
        targets: &[Target],
        mapping: Mapping<Box<[Route]>>,
        offset: u64,
    ) -> Result<Box<dyn Record + Send>> {
        let sinks = targets
            .iter()
            .map(|target| {
                let (frames, gaps) = (target.frames.producer::<S>()?, target.gaps.producer::<Gap>()?);
                Ok(Sink::new(frames, gaps, Arc::clone(&target.counts), target.on_full))
            })
            .collect::<Result<Box<[_]>>>()?;
        Ok(Box::new(Recording::new(sinks, mapping, offset)))
    }
    with_sample!(format, S => sinks::<S>(targets, mapping, offset))
}
