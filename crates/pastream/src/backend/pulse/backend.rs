use std::{
    ffi::{CStr, CString},
    time::Instant,
};

use pulseaudio::protocol::{Command, SampleSpec, ServerInfo, SinkInfo, SourceInfo};

use super::{
    address::addresses,
    connection::{Connection, Failure, PATIENCE},
    device::PulseDevice,
    settings::{Settings, is_pipewire, known, nearest},
};
use crate::{
    Error, ErrorKind, Result, SampleFormat,
    backend::{Backend, Device, DeviceInfo, Latency, Opened, OpenedSide, Request, Side},
};

/// Seconds to the air that run safely on an ordinary desktop, and that outlast a busy machine.
const LOW: f64 = 0.02;
const HIGH: f64 = 0.2;
/// What a stream may ask for, in seconds: the server holds no more of the widest.
const LATENCIES: std::ops::RangeInclusive<f64> = 0.001..=2.0;
/// What the server resamples from and to, in Hz.
const RATES: std::ops::RangeInclusive<u32> = 1..=384_000;
const MAX_BLOCK: usize = 65_536;

/// The host of PulseAudio, `pulse`: its sinks for playback, its sources, and the monitors of its sinks, for recording.
///
/// The server is the one that libpulse would find: `PULSE_SERVER`, `PULSE_RUNTIME_PATH`, `XDG_RUNTIME_DIR`, and
/// `PULSE_COOKIE`. It converts rates, formats and channels: a device is listed with the format and the channels that it
/// runs with itself, and with every rate, its own being the default. A channel that is played alone goes to all channels of
/// the device; else channel i is channel i.
#[derive(Clone, Copy, Debug, Default)]
pub struct PulseBackend;

/// What there is.
struct Devices {
    sinks: Vec<SinkInfo>,
    sources: Vec<SourceInfo>,
    server: ServerInfo,
}

impl Devices {
    fn ask(connection: &mut Connection) -> Result<Self> {
        let mut ask = || {
            Ok(Self {
                sinks: connection.ask(&Command::GetSinkInfoList)?,
                sources: connection.ask(&Command::GetSourceInfoList)?,
                server: connection.ask(&Command::GetServerInfo)?,
            })
        };
        ask().map_err(|failure: Failure| failure.host())
    }

    fn infos(&self) -> Vec<DeviceInfo> {
        let mut infos: Vec<DeviceInfo> = Vec::new();
        for sink in &self.sinks {
            infos.push(DeviceInfo {
                max_output_channels: sink.sample_spec.channels.into(),
                default_low_output_latency: LOW,
                default_high_output_latency: HIGH,
                is_default_output: self.server.default_sink_name.as_ref() == Some(&sink.name),
                ..info(&sink.name, sink.description.as_deref(), sink.sample_spec)
            });
        }
        for source in &self.sources {
            let info = info(&source.name, source.description.as_deref(), source.sample_spec);
            // PipeWire lets a sink and a source have one name.
            let place = infos.iter().position(|other| other.id == info.id).unwrap_or_else(|| {
                infos.push(info);
                infos.len() - 1
            });
            let info = &mut infos[place];
            info.max_input_channels = source.sample_spec.channels.into();
            info.default_low_input_latency = LOW;
            info.default_high_input_latency = HIGH;
            info.is_default_input = self.server.default_source_name.as_ref() == Some(&source.name);
        }
        infos
    }
}

fn info(name: &CStr, description: Option<&CStr>, spec: SampleSpec) -> DeviceInfo {
    DeviceInfo {
        id: id_of(name),
        name: text(description.unwrap_or(name)),
        host: "pulse".to_owned(),
        default_sample_rate: spec.sample_rate,
        sample_rates: vec![RATES],
        formats: vec![nearest(spec.format)],
        ..DeviceInfo::default()
    }
}

fn text(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}

fn id_of(name: &CStr) -> String {
    format!("pulse:{}", name.to_string_lossy())
}

/// A sink or source, as far as a stream is concerned.
struct Found {
    name: CString,
    label: String,
    spec: SampleSpec,
    clock: String,
    pipewire: bool,
}

impl PulseBackend {
    fn connect() -> Result<Connection> {
        Connection::open().map_err(|reason| Error::new(ErrorKind::HostUnavailable, reason))
    }
}

/// The device that `request` names, in the direction that it wants.
fn find(devices: &Devices, request: &Request, playback: bool) -> Result<Found> {
    let server = &devices.server;
    let default = if playback { &server.default_sink_name } else { &server.default_source_name };
    let name = match request.id.split_once(':') {
        Some((_, name)) => name.to_owned(),
        None => default.as_deref().map(text).unwrap_or_default(),
    };
    let sink = devices.sinks.iter().find(|sink| text(&sink.name) == name);
    let source = devices.sources.iter().find(|source| text(&source.name) == name);
    match (sink, source, playback) {
        (Some(sink), _, true) => Ok(Found {
            name: sink.name.clone(),
            label: text(sink.description.as_deref().unwrap_or(&sink.name)),
            spec: sink.sample_spec,
            clock: id_of(&sink.name),
            pipewire: is_pipewire(server),
        }),
        (_, Some(source), false) => Ok(Found {
            name: source.name.clone(),
            label: text(source.description.as_deref().unwrap_or(&source.name)),
            spec: source.sample_spec,
            // A monitor runs with its sink; what card a source shares with a sink says nothing of its clock.
            clock: id_of(source.monitor_of_sink_name.as_deref().unwrap_or(&source.name)),
            pipewire: is_pipewire(server),
        }),
        (Some(sink), None, false) => {
            let monitor = sink.monitor_source_name.as_deref();
            let monitor = monitor.map(|name| format!("what it plays is recorded from `{}`, ", id_of(name)));
            Err(Error::new(
                ErrorKind::UnsupportedConfig,
                format!(
                    "device `{}` only plays: {}a microphone from a source",
                    request.id,
                    monitor.unwrap_or_default()
                ),
            ))
        }
        (None, Some(_), true) => Err(Error::new(
            ErrorKind::UnsupportedConfig,
            format!("device `{}` only records: play to a sink", request.id),
        )),
        (None, None, _) => {
            let listed: Vec<_> = devices.infos().into_iter().map(|info| info.id).collect();
            Err(Error::new(
                ErrorKind::DeviceNotFound,
                format!("there is no device `{}`: use one of {}", request.id, listed.join(", ")),
            ))
        }
    }
}

/// What the server is asked for, and the format of the stream.
fn settings(
    request: &Request,
    side: Side,
    playback: bool,
    found: &Found,
) -> Result<(Settings, SampleFormat)> {
    let invalid = |what: String| Error::new(ErrorKind::InvalidArgument, what);
    let unsupported = |what: String| {
        Error::new(ErrorKind::UnsupportedConfig, format!("device `{}` takes {what}", request.id))
    };
    let sample_rate = request.sample_rate.unwrap_or(found.spec.sample_rate);
    let channels = side.channels.unwrap_or(found.spec.channels.into());
    if sample_rate == 0 || channels == 0 {
        return Err(invalid(format!("{sample_rate} Hz and {channels} channels: both have to be 1 or more")));
    }
    if !RATES.contains(&sample_rate) {
        return Err(unsupported(format!("{} to {} Hz, not {sample_rate}", RATES.start(), RATES.end())));
    }
    // The server would take more, and throw away those that the device has not.
    let most = usize::from(found.spec.channels);
    if channels > most {
        return Err(unsupported(format!("1 to {most} channels, not {channels}")));
    }
    let block = request.block_size.filter(|&block| block > 0);
    if let Some(block) = block.filter(|&block| block > MAX_BLOCK) {
        return Err(unsupported(format!("blocks of 1 to {MAX_BLOCK} frames, not of {block}")));
    }
    let latency = match request.latency {
        Latency::Low => LOW,
        Latency::High => HIGH,
        Latency::Seconds(seconds) if seconds.is_finite() && seconds >= 0.0 => {
            seconds.clamp(*LATENCIES.start(), *LATENCIES.end())
        }
        Latency::Seconds(seconds) => {
            return Err(invalid(format!("a latency of {seconds} s: use 0 or more")));
        }
    };
    let format = side.format.unwrap_or_default();
    let settings = Settings {
        device: found.name.clone(),
        playback,
        sample_rate,
        channels,
        format: known(format, found.pipewire),
        latency,
        block,
    };
    Ok((settings, format))
}

impl Backend for PulseBackend {
    fn host(&self) -> &'static str {
        "pulse"
    }

    fn available(&self) -> Result<(), String> {
        Connection::open().map(|_| ())
    }

    fn fails(&self) -> Option<String> {
        let reason = Connection::open().err()?;
        // Where one is connected to there is a server.
        let deadline = Instant::now() + PATIENCE;
        addresses().iter().any(|address| address.connect(deadline).is_ok()).then_some(reason)
    }

    fn devices(&self) -> Result<Vec<DeviceInfo>> {
        Ok(Devices::ask(&mut Self::connect()?)?.infos())
    }

    fn open(&self, request: &Request) -> Result<Box<dyn Device>> {
        let (side, playback) = match (request.playback, request.recording) {
            (Some(side), None) => (side, true),
            (None, Some(side)) => (side, false),
            (None, None) => {
                return Err(Error::new(ErrorKind::InvalidArgument, "a stream plays, records or does both"));
            }
            (Some(_), Some(_)) => {
                return Err(Error::new(
                    ErrorKind::UnsupportedConfig,
                    format!(
                        "device `{}` plays or records: name one for playback and one for recording",
                        request.id
                    ),
                ));
            }
        };
        let mut connection = Self::connect()?;
        let found = find(&Devices::ask(&mut connection)?, request, playback)?;
        let (settings, format) = settings(request, side, playback, &found)?;
        // Made once to know that it can be, and how: a run makes its own.
        let made = settings.make(&mut connection)?;
        let opened_side = OpenedSide { channels: settings.channels, format, latency: made.latency };
        let opened = Opened {
            id: id_of(&found.name),
            name: found.label,
            sample_rate: settings.sample_rate,
            playback: playback.then_some(opened_side),
            recording: (!playback).then_some(opened_side),
            block_size: settings.block.unwrap_or(0),
            clock: Some(found.clock),
        };
        Ok(Box::new(PulseDevice::new(opened, settings, format)))
    }
}
