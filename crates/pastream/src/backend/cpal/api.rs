//! cpal 0.18, and nothing else that names it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ::cpal::{
    BufferSize, Device, ErrorKind as Kind, HostId, SampleFormat as Format, Stream, StreamConfig,
    StreamInstant, SupportedBufferSize, SupportedStreamConfig, SupportedStreamConfigRange, host_from_id,
    traits::{DeviceTrait, HostTrait, StreamTrait},
};

use super::{
    device::Driver,
    found::{Buffer, Caps, Found},
    run::{Fault, Faults, Moment, Run},
    settings::Settings,
};
use crate::{Error, ErrorKind, Result, SampleFormat};

#[cfg(windows)]
const ID: HostId = HostId::Wasapi;
#[cfg(target_os = "macos")]
const ID: HostId = HostId::CoreAudio;

/// The audio system of this platform.
#[derive(Clone, Copy)]
pub(super) struct Host;

impl Host {
    /// As it begins a device's id.
    pub(super) const NAME: &str = if cfg!(windows) { "wasapi" } else { "coreaudio" };
    /// On macOS the system's own thread calls.
    pub(super) const PROMOTES: bool = cfg!(windows);

    /// Every device: the default ones, the others by name, then those that capture what another plays.
    pub(super) fn devices() -> Result<Vec<Found>> {
        guarded(|host| {
            let key = |device: Option<Device>| Some(device?.id().ok()?.id().to_owned());
            let default_output = key(host.default_output_device());
            let default_input = key(host.default_input_device());
            let mut devices = Vec::new();
            for device in host.devices().map_err(unavailable)? {
                // One that went away meanwhile, or that can't say what it is.
                let (Ok(id), Ok(description)) = (device.id(), device.description()) else { continue };
                let key = id.id().to_owned();
                let playback = playback(&device);
                let recording = recording(&device);
                if playback.is_none() && recording.is_none() {
                    continue;
                }
                let name = description.name().to_owned();
                if let (Some(caps), None) = (loopback(&device), &recording) {
                    devices.push(Found {
                        key: key.clone(),
                        name: format!("{name} (loopback)"),
                        loopback: true,
                        playback: None,
                        recording: Some(caps),
                        is_default_output: false,
                        is_default_input: false,
                    });
                }
                devices.push(Found {
                    is_default_output: default_output.as_ref() == Some(&key),
                    is_default_input: default_input.as_ref() == Some(&key),
                    key,
                    name,
                    loopback: false,
                    playback,
                    recording,
                });
            }
            // Not every system lists them in the same order each time.
            devices.sort_by(|a: &Found, b| a.rank().cmp(&b.rank()));
            Ok(devices)
        })
    }
}

impl Driver for Host {
    type Stream = Stream;

    fn start(&self, settings: &Settings, run: Run) -> Result<Stream> {
        guarded(|host| {
            let device = device(host, &settings.key)?;
            let stream = build(&device, settings, run);
            stream.and_then(|stream| stream.play().map(|()| stream)).map_err(|error| {
                let kind = match error.kind() {
                    Kind::DeviceBusy => ErrorKind::DeviceBusy,
                    Kind::DeviceNotAvailable => ErrorKind::DeviceNotFound,
                    Kind::UnsupportedConfig | Kind::UnsupportedOperation | Kind::InvalidInput => {
                        ErrorKind::UnsupportedConfig
                    }
                    _ => ErrorKind::HostUnavailable,
                };
                let advice = match error.kind() {
                    Kind::DeviceBusy => ": close what holds it",
                    Kind::PermissionDenied => ": allow it in the system's privacy settings",
                    _ => "",
                };
                let message =
                    format!("device `{}` can't be opened: {error}{advice}", settings.id(Self::NAME));
                Error::new(kind, message).with_source(error)
            })
        })
    }

    fn present(&self, settings: &Settings) -> bool {
        guarded(|host| device(host, &settings.key).map(drop)).is_ok()
    }
}

fn device(host: &::cpal::Host, key: &str) -> Result<Device> {
    let mut devices = host.devices().map_err(unavailable)?;
    // Not the default device, which would follow the system's choice.
    devices.find(|device| device.id().is_ok_and(|id| id.id() == key)).ok_or_else(|| {
        let message = format!("there is no device `{}:{key}`, or not any more", Host::NAME);
        Error::new(ErrorKind::DeviceNotFound, message)
    })
}

fn build(device: &Device, settings: &Settings, mut run: Run) -> Result<Stream, ::cpal::Error> {
    let config = StreamConfig {
        channels: u16::try_from(settings.device_channels).unwrap_or(u16::MAX),
        sample_rate: settings.sample_rate,
        buffer_size: settings.buffer.map_or(BufferSize::Default, BufferSize::Fixed),
    };
    let format = match settings.device_format {
        SampleFormat::Float32 => Format::F32,
        SampleFormat::Int32 => Format::I32,
        SampleFormat::Int24 => Format::I24,
        SampleFormat::Int16 => Format::I16,
        SampleFormat::Int8 => Format::I8,
        SampleFormat::Uint8 => Format::U8,
    };
    let faults = run.faults.clone();
    let fault = move |error: ::cpal::Error| tell(&faults, error.kind());
    if settings.plays {
        let play = move |data: &mut ::cpal::Data, info: &::cpal::OutputCallbackInfo| {
            let at = info.timestamp();
            run.play(data.bytes_mut(), moment(at.callback, at.playback));
        };
        device.build_output_stream_raw(config, format, play, fault, None)
    } else {
        let record = move |data: &::cpal::Data, info: &::cpal::InputCallbackInfo| {
            let at = info.timestamp();
            run.record(data.bytes(), moment(at.callback, at.capture));
        };
        device.build_input_stream_raw(config, format, record, fault, None)
    }
}

fn moment(callback: StreamInstant, device: StreamInstant) -> Moment {
    Moment { callback: callback.as_nanos(), device: device.as_nanos() }
}

fn tell(faults: &Faults, kind: Kind) {
    match kind {
        Kind::Xrun => faults.tell(Fault::Xrun),
        Kind::RealtimeDenied => faults.tell(Fault::Denied),
        // It goes on.
        Kind::DeviceChanged => {}
        // WASAPI's thread ends with whatever it tells.
        _ => faults.tell(Fault::Lost),
    }
}

fn playback(device: &Device) -> Option<Caps> {
    let default = device.default_output_config().ok()?;
    let ranges: Vec<_> = device.supported_output_configs().map(Iterator::collect).unwrap_or_default();
    Some(caps(&default, &ranges))
}

fn recording(device: &Device) -> Option<Caps> {
    let default = device.default_input_config().ok().filter(|_| device.supports_input())?;
    let ranges: Vec<_> = device.supported_input_configs().map(Iterator::collect).unwrap_or_default();
    Some(caps(&default, &ranges))
}

/// What is captured of an output has the output's own rate, channels and format alone.
fn loopback(device: &Device) -> Option<Caps> {
    let default = device.default_output_config().ok()?;
    Some(caps(&default, &[]))
}

fn caps(default: &SupportedStreamConfig, ranges: &[SupportedStreamConfigRange]) -> Caps {
    let mut configs = Vec::new();
    let mut add = |low, high, format| {
        if let Some(format) = sample_format(format) {
            configs.push((low..=high, format));
        }
    };
    add(default.sample_rate(), default.sample_rate(), default.sample_format());
    for range in ranges.iter().filter(|range| range.channels() == default.channels()) {
        add(range.min_sample_rate(), range.max_sample_rate(), range.sample_format());
    }
    let buffer = match *default.buffer_size() {
        SupportedBufferSize::Range { min, max } if cfg!(target_os = "macos") && min <= max => {
            Buffer::Block(min.max(1)..=max.max(1))
        }
        SupportedBufferSize::Range { min, .. } if min > 0 => Buffer::Period(min),
        _ => Buffer::Period(default.sample_rate() / 100),
    };
    Caps { channels: usize::from(default.channels()), default_rate: default.sample_rate(), configs, buffer }
}

fn sample_format(format: Format) -> Option<SampleFormat> {
    Some(match format {
        Format::F32 => SampleFormat::Float32,
        Format::I32 => SampleFormat::Int32,
        Format::I24 => SampleFormat::Int24,
        Format::I16 => SampleFormat::Int16,
        Format::I8 => SampleFormat::Int8,
        Format::U8 => SampleFormat::Uint8,
        _ => return None,
    })
}

fn unavailable(error: ::cpal::Error) -> Error {
    Error::new(ErrorKind::HostUnavailable, format!("the audio system does not answer: {error}"))
        .with_source(error)
}

/// Asks the host. cpal panics where the system does what it must not.
fn guarded<T>(call: impl FnOnce(&::cpal::Host) -> Result<T>) -> Result<T> {
    #[cfg(windows)]
    super::com::keep();
    let call = || call(&host_from_id(ID).map_err(unavailable)?);
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::HostUnavailable, "the audio system failed in a way that is not foreseen"))
    })
}
