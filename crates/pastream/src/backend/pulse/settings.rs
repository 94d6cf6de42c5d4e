use std::{ffi::CString, time::SystemTime};

use pulseaudio::protocol::{
    ChannelMap, ChannelPosition, Command, CorkStreamParams, CreatePlaybackStreamReply,
    CreateRecordStreamReply, LatencyParams, LookupReply, MAX_MEMBLOCKQ_LENGTH, PlaybackLatency,
    PlaybackStreamParams, Prop, Props, PulseError, RecordStreamParams, SampleFormat as Wire, SampleSpec,
    ServerInfo, SourceInfo, SourceOutputInfo,
    stream::{BufferAttr, StreamFlags},
};

use super::connection::{Connection, Failure};
use crate::{Error, ErrorKind, Result, SampleFormat};

/// What the name of a sink's monitor ends with.
const MONITOR: &[u8] = b".monitor";
/// Corkings at once.
const MOST_STEPS: f64 = 500.0;

/// What the server makes a stream of.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// The sink or source.
    pub(super) device: CString,
    pub(super) playback: bool,
    pub(super) sample_rate: u32,
    pub(super) channels: usize,
    /// What the server gets: what the stream has, where the server knows that.
    pub(super) format: SampleFormat,
    /// Seconds.
    pub(super) latency: f64,
    /// Frames of a block, where it is fixed.
    pub(super) block: Option<usize>,
}

/// A stream that the server made, corked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    pub(super) channel: u32,
    /// Bytes that it waits for; 0 when recording.
    pub(super) wanted: usize,
    /// Bytes that move at once, at least.
    pub(super) portion: usize,
    /// Seconds that the server holds of what it records until it throws away what comes.
    pub(super) held: f64,
    /// Seconds from the server to the air.
    pub(super) device_latency: f64,
    /// Seconds from the client to the air.
    pub(super) latency: f64,
    /// Whether the device is suspended, and not for want of streams alone: this one would have ended that.
    suspended: bool,
    /// Whether the server is PipeWire.
    pub(super) pipewire: bool,
}

/// The format nearest to what a device has.
pub(super) fn nearest(wire: Wire) -> SampleFormat {
    match wire {
        Wire::U8 => SampleFormat::Uint8,
        Wire::S16Le | Wire::S16Be | Wire::Alaw | Wire::Ulaw => SampleFormat::Int16,
        Wire::S24Le | Wire::S24Be => SampleFormat::Int24,
        Wire::S32Le | Wire::S32Be | Wire::S24In32Le | Wire::S24In32Be => SampleFormat::Int32,
        Wire::Float32Le | Wire::Float32Be | Wire::Invalid => SampleFormat::Float32,
    }
}

/// Whether it is PipeWire that speaks.
pub(super) fn is_pipewire(server: &ServerInfo) -> bool {
    server.server_name.as_ref().is_some_and(|name| name.to_string_lossy().contains("PipeWire"))
}

/// What the server knows of a format of ours. It has no signed 8-bit samples: unsigned ones hold the same. Where those are
/// missing, old versions of `PipeWire` play zeros, which are their lowest value and no silence: there 16 bits hold the same.
pub(super) fn known(format: SampleFormat, pipewire: bool) -> SampleFormat {
    match format {
        SampleFormat::Int8 | SampleFormat::Uint8 if pipewire => SampleFormat::Int16,
        SampleFormat::Int8 => SampleFormat::Uint8,
        format => format,
    }
}

fn wire(format: SampleFormat) -> Wire {
    let little = cfg!(target_endian = "little");
    let (le, be) = match format {
        SampleFormat::Float32 => (Wire::Float32Le, Wire::Float32Be),
        SampleFormat::Int32 => (Wire::S32Le, Wire::S32Be),
        SampleFormat::Int24 => (Wire::S24Le, Wire::S24Be),
        SampleFormat::Int16 => (Wire::S16Le, Wire::S16Be),
        SampleFormat::Int8 | SampleFormat::Uint8 => (Wire::U8, Wire::U8),
    };
    if little { le } else { be }
}

impl Settings {
    pub(super) fn frame(&self) -> usize {
        self.channels * self.format.size()
    }

    /// Whether what a sink plays is recorded.
    pub(super) fn is_monitor(&self) -> bool {
        self.device.to_bytes().ends_with(MONITOR)
    }

    /// Bytes that so many seconds take, whole frames.
    fn bytes(&self, seconds: f64) -> u32 {
        let frames = (seconds * f64::from(self.sample_rate)).ceil().max(1.0);
        (frames as usize)
            .saturating_mul(self.frame())
            .min(MAX_MEMBLOCKQ_LENGTH / 4 / self.frame() * self.frame()) as u32
    }

    fn spec(&self) -> SampleSpec {
        SampleSpec { format: wire(self.format), channels: self.channels as u8, sample_rate: self.sample_rate }
    }

    fn map(&self) -> ChannelMap {
        match self.channels {
            1 => ChannelMap::mono(),
            2 => ChannelMap::stereo(),
            channels => ChannelMap::new(AUX.into_iter().cycle().take(channels)),
        }
    }

    /// Channel i is channel i, but for one that is played alone: it goes to all.
    fn flags(&self) -> StreamFlags {
        StreamFlags {
            start_corked: true,
            no_remap_channels: !self.playback || self.channels > 1,
            adjust_latency: true,
            ..StreamFlags::default()
        }
    }

    /// The question whether the device is there.
    pub(super) fn look_up(&self) -> Command {
        let name = self.device.clone();
        if self.playback { Command::LookupSink(name) } else { Command::LookupSource(name) }
    }

    /// Has the server make a stream, corked.
    ///
    /// # Errors
    /// `DeviceNotFound`, `DeviceBusy`, `UnsupportedConfig`, `HostUnavailable`.
    pub(super) fn make(&self, connection: &mut Connection) -> Result<Made> {
        let mut ask = || {
            let server: ServerInfo = connection.ask(&Command::GetServerInfo)?;
            // PipeWire would take another device for one that is gone.
            let _: LookupReply = connection.ask(&self.look_up())?;
            let (mut made, spec) = if self.playback {
                self.make_playback(connection)?
            } else {
                self.make_recording(connection)?
            };
            made.pipewire = is_pipewire(&server);
            Ok((made, spec))
        };
        let (made, spec) = ask().map_err(|failure: Failure| self.refused(&failure))?;
        if spec != self.spec() {
            return Err(self.unsupported("the server changes the format"));
        }
        // PipeWire suspends what is idle until a stream runs.
        if made.suspended && !made.pipewire {
            return Err(self.suspended());
        }
        Ok(made)
    }

    fn make_playback(&self, connection: &mut Connection) -> Result<(Made, SampleSpec), Failure> {
        let block = self.block.unwrap_or(0) as f64 / f64::from(self.sample_rate);
        let target = self.bytes(self.latency.max(2.0 * block));
        let frame = self.frame() as u32;
        let params = PlaybackStreamParams {
            sample_spec: self.spec(),
            channel_map: self.map(),
            sink_name: Some(self.device.clone()),
            buffer_attr: BufferAttr {
                // What is asked for, and what a start or an underflow is put ahead by.
                max_length: 2 * target + self.bytes(0.5),
                target_length: target,
                // The server's clock runs on where there is nothing to play, so that a gap is as long as its indices say.
                pre_buffering: 0,
                minimum_request_length: (target / 4 / frame).max(1) * frame,
                ..BufferAttr::default()
            },
            props: props(),
            flags: self.flags(),
            ..PlaybackStreamParams::default()
        };
        let made: CreatePlaybackStreamReply = connection.ask(&Command::CreatePlaybackStream(params))?;
        let device_latency = made.stream_latency as f64 / 1e6;
        let held = made.buffer_attr.target_length as usize / self.frame();
        let stream = Made {
            channel: made.channel,
            wanted: made.requested_bytes as usize,
            portion: made.buffer_attr.minimum_request_length as usize,
            held: f64::INFINITY,
            device_latency,
            latency: device_latency + held as f64 / f64::from(self.sample_rate),
            suspended: made.suspended,
            pipewire: false,
        };
        Ok((stream, made.sample_spec))
    }

    /// Has the sink of `made` come to it soon. One that can rewind has rendered silence as far ahead as the streams before let
    /// it, up to two seconds, and each corking takes it back by no more than the latency that it has now. Another stream is
    /// corked, so that nothing of this is in `made`. What is recorded of the sink would lose what it is taken back by, so
    /// that then it isn't.
    ///
    /// # Errors
    /// `HostUnavailable`.
    pub(super) fn call_sink(&self, connection: &mut Connection, made: &Made) -> Result<()> {
        self.rewind(connection, made).map_err(|failure| failure.host())
    }

    fn rewind(&self, connection: &mut Connection, made: &Made) -> Result<(), Failure> {
        let mut before = f64::INFINITY;
        let mut other = None;
        loop {
            let question = LatencyParams { channel: made.channel, now: SystemTime::now() };
            let timing: PlaybackLatency = connection.ask(&Command::GetPlaybackLatency(question))?;
            let ahead = timing.sink_usec as f64 / 1e6;
            let steps = (ahead / made.device_latency.max(0.001) - 2.0).min(MOST_STEPS) as usize;
            // It is here, or can't be moved.
            if steps == 0 || ahead > 0.9 * before {
                break;
            }
            before = ahead;
            let channel = match other {
                Some(channel) => channel,
                None if self.is_recorded(connection)? => break,
                None => self.make_playback(connection)?.0.channel,
            };
            other = Some(channel);
            for cork in [false, true].repeat(steps) {
                connection.outbox.send(&Command::CorkPlaybackStream(CorkStreamParams { channel, cork }))?;
            }
        }
        if let Some(channel) = other {
            connection.outbox.send(&Command::DeletePlaybackStream(channel))?;
        }
        Ok(())
    }

    /// Whether someone records what the sink plays.
    fn is_recorded(&self, connection: &mut Connection) -> Result<bool, Failure> {
        let monitor = [self.device.as_bytes(), MONITOR].concat();
        let sources: Vec<SourceInfo> = connection.ask(&Command::GetSourceInfoList)?;
        let recorders: Vec<SourceOutputInfo> = connection.ask(&Command::GetSourceOutputInfoList)?;
        let monitor = sources.iter().find(|source| source.name.as_bytes() == monitor);
        Ok(monitor.is_some_and(|monitor| recorders.iter().any(|each| each.source_index == monitor.index)))
    }

    fn make_recording(&self, connection: &mut Connection) -> Result<(Made, SampleSpec), Failure> {
        let params = RecordStreamParams {
            sample_spec: self.spec(),
            channel_map: self.map(),
            source_name: Some(self.device.clone()),
            // As much as the server holds: a late reader loses nothing.
            buffer_attr: BufferAttr { fragment_size: self.bytes(self.latency), ..BufferAttr::default() },
            props: props(),
            flags: self.flags(),
            ..RecordStreamParams::default()
        };
        let made: CreateRecordStreamReply = connection.ask(&Command::CreateRecordStream(params))?;
        let device_latency = made.stream_latency as f64 / 1e6;
        let fragment = made.buffer_attr.fragment_size as usize;
        let stream = Made {
            channel: made.channel,
            wanted: 0,
            portion: fragment,
            held: (made.buffer_attr.max_length as usize / self.frame()) as f64 / f64::from(self.sample_rate),
            device_latency,
            latency: device_latency + (fragment / self.frame()) as f64 / f64::from(self.sample_rate),
            suspended: made.suspended,
            pipewire: false,
        };
        Ok((stream, made.sample_spec))
    }

    fn refused(&self, failure: &Failure) -> Error {
        match failure {
            Failure::Refused(PulseError::NoEntity) => Error::new(
                ErrorKind::DeviceNotFound,
                format!("there is no device `pulse:{}` any more: list the devices", self.name()),
            ),
            Failure::Refused(error) => self.unsupported(&error.to_string().to_lowercase()),
            failure => failure.host(),
        }
    }

    fn suspended(&self) -> Error {
        let name = self.name();
        // A monitor is what its sink is.
        let (kind, device) = match name.strip_suffix(".monitor") {
            Some(sink) => ("sink", sink),
            None if self.playback => ("sink", &*name),
            None => ("source", &*name),
        };
        Error::new(
            ErrorKind::DeviceBusy,
            format!(
                "device `pulse:{name}` is suspended and moves no frames: end what holds it, or have it go on with `pactl suspend-{kind} {device} 0`"
            ),
        )
    }

    fn unsupported(&self, why: &str) -> Error {
        Error::new(
            ErrorKind::UnsupportedConfig,
            format!(
                "device `pulse:{}` can't run with {} channels of {} at {} Hz ({why}): try its own format",
                self.name(),
                self.channels,
                self.format,
                self.sample_rate
            ),
        )
    }

    fn name(&self) -> std::borrow::Cow<'_, str> {
        self.device.to_string_lossy()
    }
}

fn props() -> Props {
    let mut props = Props::new();
    props.set(Prop::MediaName, c"pastream");
    props
}

/// Positions without a meaning: the channels are told apart by their order.
const AUX: [ChannelPosition; 32] = [
    ChannelPosition::Aux0,
    ChannelPosition::Aux1,
    ChannelPosition::Aux2,
    ChannelPosition::Aux3,
    ChannelPosition::Aux4,
    ChannelPosition::Aux5,
    ChannelPosition::Aux6,
    ChannelPosition::Aux7,
    ChannelPosition::Aux8,
    ChannelPosition::Aux9,
    ChannelPosition::Aux10,
    ChannelPosition::Aux11,
    ChannelPosition::Aux12,
    ChannelPosition::Aux13,
    ChannelPosition::Aux14,
    ChannelPosition::Aux15,
    ChannelPosition::Aux16,
    ChannelPosition::Aux17,
    ChannelPosition::Aux18,
    ChannelPosition::Aux19,
    ChannelPosition::Aux20,
    ChannelPosition::Aux21,
    ChannelPosition::Aux22,
    ChannelPosition::Aux23,
    ChannelPosition::Aux24,
    ChannelPosition::Aux25,
    ChannelPosition::Aux26,
    ChannelPosition::Aux27,
    ChannelPosition::Aux28,
    ChannelPosition::Aux29,
    ChannelPosition::Aux30,
    ChannelPosition::Aux31,
];
