use pastream_rt::Side;

use super::HostInfo;
use crate::{
    Error, ErrorKind, Result,
    backend::{BACKENDS, Backend, Device, DeviceInfo, Request, bridge},
};

/// The hosts of real devices, on any platform and in any build.
const REAL_HOSTS: [&str; 5] = ["alsa", "jack", "pulse", "wasapi", "coreaudio"];

/// The audio systems of this build, whether they can be used or not.
///
/// Not realtime-safe: asks the audio systems.
#[must_use]
pub fn hosts() -> Vec<HostInfo> {
    BACKENDS
        .iter()
        .map(|backend| HostInfo { name: backend.host(), unavailable: backend.available().err() })
        .collect()
}

/// The devices of every host that can be used. A host that fails meanwhile has none: [`hosts`] tells why.
///
/// Not realtime-safe: asks the audio systems.
#[must_use]
pub fn devices() -> Vec<DeviceInfo> {
    BACKENDS
        .iter()
        .filter(|backend| backend.available().is_ok())
        .flat_map(|backend| backend.devices().unwrap_or_default())
        .collect()
}

/// The device that `text` means for `side`: a device's id, with keys or without (`virtual:clock=free`); a host alone, for
/// its default device; `default` or nothing at all, for the system's; else words that all occur in one device's name or
/// host, in any case. The device's `id` is the one to open, keys included; the keys are checked by [`open`].
///
/// Never answers a virtual device that was not named.
///
/// Not realtime-safe: asks the audio systems.
///
/// # Errors
/// [`DeviceNotFound`](ErrorKind::DeviceNotFound), [`DeviceAmbiguous`](ErrorKind::DeviceAmbiguous) with the devices
/// that match, [`HostUnavailable`](ErrorKind::HostUnavailable) where the host isn't there or there is no real one.
pub fn find(text: &str, side: Side) -> Result<DeviceInfo> {
    let text = text.trim();
    if text.is_empty() || text.eq_ignore_ascii_case("default") {
        return default_device(side);
    }
    let host = text.split(':').next().unwrap_or(text);
    if let Some(backend) = backend(host) {
        return of_host(backend, text, side);
    }
    if REAL_HOSTS.iter().any(|real| real.eq_ignore_ascii_case(host)) {
        return Err(without(ErrorKind::HostUnavailable, &format!("this build has no `{host}` host"), side));
    }
    let words: Vec<_> = text.split_whitespace().map(str::to_lowercase).collect();
    let mut matches = devices();
    matches.retain(|device| {
        let label = format!("{} {}", device.name, device.host).to_lowercase();
        has(device, side) && words.iter().all(|word| label.contains(word))
    });
    match &matches[..] {
        [_] => Ok(matches.remove(0)),
        [] => Err(without(
            ErrorKind::DeviceNotFound,
            &format!("no device that {} is called `{text}`", verb(side)),
            side,
        )),
        _ => Err(Error::new(
            ErrorKind::DeviceAmbiguous,
            format!("`{text}` could be {}: use an id, or more of the name", listed(&matches)),
        )),
    }
}

/// Opens the device that `request.id` means, as [`find`] reads it, for the sides that are asked for.
///
/// Not realtime-safe: asks the audio systems, allocates.
///
/// # Errors
/// Those of [`find`] and [`Backend::open`].
pub fn open(request: &Request) -> Result<Box<dyn Device>> {
    open_pair(&request.id, &request.id, request)
}

/// Opens what `playback` and `recording` mean, as [`find`] reads them, for the sides that `request` asks for; its `id` means
/// nothing here. Two devices, and one whose host has no callback for both directions, are joined: the playback's clock
/// paces both.
///
/// Not realtime-safe: asks the audio systems, allocates.
///
/// # Errors
/// Those of [`find`] and [`Backend::open`].
pub fn open_pair(playback: &str, recording: &str, request: &Request) -> Result<Box<dyn Device>> {
    let (plays, records) = (request.playback.is_some(), request.recording.is_some());
    let playback = plays.then(|| find(playback, Side::Playback)).transpose()?;
    let recording = records.then(|| find(recording, Side::Recording)).transpose()?;
    match (playback, recording) {
        (Some(playback), Some(recording)) => {
            if playback.id == recording.id && host_of(&playback)?.duplex() {
                return open_one(playback, Side::Playback, request);
            }
            // The playback's blocks are the stream's.
            let out = open_one(playback, Side::Playback, &Request { recording: None, ..request.clone() })?;
            let asked = Request {
                playback: None,
                sample_rate: Some(out.opened().sample_rate),
                block_size: None,
                ..request.clone()
            };
            let into = open_one(recording, Side::Recording, &asked)?;
            bridge(out, into, request)
        }
        (Some(device), None) => open_one(device, Side::Playback, request),
        (None, Some(device)) => open_one(device, Side::Recording, request),
        (None, None) => Err(Error::new(ErrorKind::InvalidArgument, "neither direction is asked for")),
    }
}

fn open_one(device: DeviceInfo, side: Side, request: &Request) -> Result<Box<dyn Device>> {
    let opened = host_of(&device)?.open(&Request { id: device.id, ..request.clone() });
    opened.map_err(|error| match error.kind() {
        // Gone since it was listed, or one of those that are not.
        ErrorKind::DeviceNotFound => without(error.kind(), error.message(), side).with_source(error),
        _ => error,
    })
}

fn host_of(device: &DeviceInfo) -> Result<&'static dyn Backend> {
    backend(&device.host)
        .ok_or_else(|| Error::new(ErrorKind::HostUnavailable, format!("there is no `{}` host", device.host)))
}

fn backend(host: &str) -> Option<&'static dyn Backend> {
    BACKENDS.iter().copied().find(|backend| backend.host().eq_ignore_ascii_case(host))
}

fn has(device: &DeviceInfo, side: Side) -> bool {
    0 < match side {
        Side::Playback => device.max_output_channels,
        Side::Recording => device.max_input_channels,
    }
}

fn is_default(device: &DeviceInfo, side: Side) -> bool {
    match side {
        Side::Playback => device.is_default_output,
        Side::Recording => device.is_default_input,
    }
}

const fn verb(side: Side) -> &'static str {
    match side {
        Side::Playback => "plays",
        Side::Recording => "records",
    }
}

/// The device of one host whose id, with keys or without, is `text`.
fn of_host(backend: &dyn Backend, text: &str, side: Side) -> Result<DeviceInfo> {
    let host = backend.host();
    if let Err(reason) = backend.available() {
        let problem = format!("the `{host}` host can't be used: {reason}");
        return Err(without(ErrorKind::HostUnavailable, &problem, side));
    }
    let rest = &text[host.len()..];
    let id = format!("{host}{rest}");
    // Before its devices are listed, which may take their while.
    if let Some(device) = backend.find(&id).filter(|_| !rest.is_empty()) {
        return Ok(device);
    }
    let devices = backend.devices().map_err(|error| without(error.kind(), error.message(), side))?;
    if rest.is_empty() {
        let mut able = devices.iter().filter(|device| has(device, side));
        let default = able.clone().find(|device| is_default(device, side));
        return default.or(able.next()).cloned().ok_or_else(|| {
            without(ErrorKind::DeviceNotFound, &format!("no device of `{host}` {}", verb(side)), side)
        });
    }
    let named = devices.iter().filter(|device| {
        id.strip_prefix(&device.id).is_some_and(|keys| keys.is_empty() || keys.starts_with(':'))
    });
    match named.max_by_key(|device| device.id.len()) {
        Some(device) if has(device, side) => Ok(DeviceInfo { id, ..device.clone() }),
        Some(device) => {
            // What PulseAudio's sinks play is recorded from another device.
            let monitor = format!("{}.monitor", device.id);
            let pair = devices.iter().find(|other| other.id == monitor && has(other, side));
            let pair = pair
                .map(|monitor| format!(": to play and record at once, give the pair `{id},{}`", monitor.id));
            let problem = format!("`{id}` never {}{}", verb(side), pair.unwrap_or_default());
            Err(without(ErrorKind::UnsupportedConfig, &problem, side))
        }
        None => Err(without(ErrorKind::DeviceNotFound, &format!("there is no device `{id}`"), side)),
    }
}

/// The system's default among `devices`, which are in the order of their hosts.
pub(super) fn default_of(devices: &[DeviceInfo], side: Side) -> Option<&DeviceInfo> {
    devices.iter().find(|device| is_default(device, side))
}

fn default_device(side: Side) -> Result<DeviceInfo> {
    default_of(&devices(), side).cloned().ok_or_else(|| {
        let reason = |backend: &&dyn Backend| {
            let host = backend.host();
            let reason =
                backend.available().err().or_else(|| Some(backend.devices().err()?.message().to_owned()));
            let reason = reason.unwrap_or_else(|| format!("no device that {}", verb(side)));
            format!("{host}: {reason}")
        };
        let reasons: Vec<_> = BACKENDS.iter().filter(|backend| is_real(backend.host())).map(reason).collect();
        let why = if reasons.is_empty() {
            "this build has no host for them".to_owned()
        } else {
            reasons.join("; ")
        };
        without(ErrorKind::HostUnavailable, &format!("there is no real sound card here ({why})"), side)
    })
}

fn is_real(host: &str) -> bool {
    REAL_HOSTS.contains(&host)
}

/// An error that says which devices could be had instead.
fn without(kind: ErrorKind, problem: &str, side: Side) -> Error {
    let mut devices = devices();
    devices.retain(|device| has(device, side));
    Error::new(
        kind,
        format!(
            "{problem}; the devices here are {}. Without a sound card, use the device `virtual` (`-D virtual`)",
            listed(&devices)
        ),
    )
}

fn listed(devices: &[DeviceInfo]) -> String {
    let labels: Vec<_> = devices.iter().map(|device| format!("{} ({})", device.id, device.name)).collect();
    labels.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sound system with two cards, or none at all.
    struct Cards(Result<(), &'static str>);

    impl Backend for Cards {
        fn host(&self) -> &'static str {
            "cards"
        }

        fn available(&self) -> Result<(), String> {
            self.0.map_err(str::to_owned)
        }

        fn devices(&self) -> Result<Vec<DeviceInfo>> {
            let card = |id: &str, inputs, outputs, default| DeviceInfo {
                id: id.to_owned(),
                max_input_channels: inputs,
                max_output_channels: outputs,
                is_default_output: default,
                ..DeviceInfo::default()
            };
            Ok(vec![
                card("cards:hw", 1, 2, false),
                card("cards:hw:1", 0, 2, true),
                card("cards:mic", 1, 0, false),
                card("cards:hdmi", 0, 2, false),
                card("cards:hdmi.monitor", 2, 0, false),
            ])
        }

        fn find(&self, id: &str) -> Option<DeviceInfo> {
            (id == "cards:unlisted").then(|| DeviceInfo { id: id.to_owned(), ..DeviceInfo::default() })
        }

        fn open(&self, _: &Request) -> Result<Box<dyn Device>> {
            unreachable!("nothing is opened by its name alone")
        }
    }

    #[test]
    fn a_host_has_a_default_for_each_side_and_no_device_but_its_own() {
        let found = |text, side| of_host(&Cards(Ok(())), text, side).map(|device| device.id);
        for (text, playing, recording) in [
            ("Cards", "cards:hw:1", "cards:hw"),
            ("cards:hw", "cards:hw", "cards:hw"),
            ("CARDS:hw:1", "cards:hw:1", "never records"),
            ("cards:hw:1:key=1", "cards:hw:1:key=1", "never records"),
            ("cards:hw:2", "cards:hw:2", "cards:hw:2"),
            ("cards:mic", "never plays", "cards:mic"),
            ("cards:hdmi", "cards:hdmi", "give the pair `cards:hdmi,cards:hdmi.monitor`"),
            ("Cards:unlisted", "cards:unlisted", "cards:unlisted"),
            ("cards:usb", "no device `cards:usb`", "no device `cards:usb`"),
        ] {
            for (side, expected) in [(Side::Playback, playing), (Side::Recording, recording)] {
                match found(text, side) {
                    Ok(id) => assert_eq!(id, expected, "{text}"),
                    Err(error) => assert!(error.message().contains(expected), "{text}: {error}"),
                }
            }
        }
        assert_eq!(found("cards:usb", Side::Playback).unwrap_err().kind(), ErrorKind::DeviceNotFound);
        assert_eq!(found("cards:mic", Side::Playback).unwrap_err().kind(), ErrorKind::UnsupportedConfig);
        let error = of_host(&Cards(Err("no server runs")), "cards", Side::Playback).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostUnavailable);
        assert!(error.message().contains("no server runs"));
    }
}
