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
/// its default device; `default` or nothing at all, for the system's; digits alone, for the device that is there in the
/// list of [`devices`], from 0 on; the name of a device; else words that all occur in one device's name or host (or, where
/// there is none, its id), in any case, where a last word that is a host's name leaves no other host. The device's `id` is
/// the one to open, keys included; the keys are checked by [`open`]. Of the two devices that [`pair`] finds in `text`, it
/// is that of `side`.
///
/// Never answers a virtual device that was not named.
///
/// Not realtime-safe: asks the audio systems.
///
/// # Errors
/// [`DeviceNotFound`](ErrorKind::DeviceNotFound), [`DeviceAmbiguous`](ErrorKind::DeviceAmbiguous) with the devices
/// that match, [`HostUnavailable`](ErrorKind::HostUnavailable) where the host isn't there or there is no real one, and
/// where the default would be of a host that hangs.
pub fn find(text: &str, side: Side) -> Result<DeviceInfo> {
    let (playback, recording) = pair(text);
    let text = if side == Side::Playback { playback } else { recording };
    if text.is_empty() || text.eq_ignore_ascii_case("default") {
        return default_device(side);
    }
    let host = text.split(':').next().unwrap_or(text);
    if let Some(backend) = backend(host) {
        return of_host(backend, text, side);
    }
    if REAL_HOSTS.iter().any(|real| real.eq_ignore_ascii_case(host)) {
        return Err(without(
            ErrorKind::HostUnavailable,
            &format!("this build has no `{host}` host"),
            side,
            None,
        ));
    }
    let last =
        text.rsplit_once(char::is_whitespace).and_then(|(name, host)| Some((name.trim(), backend(host)?)));
    let (name, only) = last.map_or((text, None), |(name, backend)| (name, Some(backend)));
    if let Some(backend) = only {
        usable(backend, side)?;
    }
    let (devices, host) = (devices(), only.map(Backend::host));
    if name.bytes().all(|letter| letter.is_ascii_digit()) {
        let device = by_index(&devices, name, host, side)?;
        return of_host(host_of(device)?, &device.id, side);
    }
    by_name(&devices, name, host, side)
}

/// The one of `devices` that the digits `index` count, from 0 on.
fn by_index<'a>(
    devices: &'a [DeviceInfo],
    index: &str,
    host: Option<&str>,
    side: Side,
) -> Result<&'a DeviceInfo> {
    let device = index.parse().ok().and_then(|index: usize| devices.get(index));
    let problem = match device {
        Some(device) if host.is_none_or(|host| device.host == host) => return Ok(device),
        Some(device) => format!("device {index} is {}, of the host `{}`", device.id, device.host),
        None => format!("there is no device {index}: there are {}, counted from 0", devices.len()),
    };
    Err(without(ErrorKind::DeviceNotFound, &problem, side, host))
}

/// The one of `devices` that is called `name`, on any host or on one.
fn by_name(devices: &[DeviceInfo], name: &str, host: Option<&str>, side: Side) -> Result<DeviceInfo> {
    let words: Vec<_> = name.split_whitespace().map(str::to_lowercase).collect();
    let called = |label: fn(&DeviceInfo) -> String| -> Vec<_> {
        devices
            .iter()
            .filter(|device| has(device, side) && host.is_none_or(|host| device.host == host))
            .filter(|device| {
                let label = label(device).to_lowercase();
                words.iter().all(|word| label.contains(word))
            })
            .collect()
    };
    let mut matches = called(|device| format!("{} {}", device.name, device.host));
    if matches.is_empty() {
        matches = called(|device| format!("{} {}", device.name, device.id));
    }
    let mut exact = matches.iter().filter(|device| device.name.eq_ignore_ascii_case(name));
    match (&matches[..], exact.next(), exact.next()) {
        ([device], ..) | (_, Some(device), None) => Ok((*device).clone()),
        ([], ..) => {
            let on = host.map(|host| format!(" of the host `{host}`")).unwrap_or_default();
            let problem = format!("no device{on} that {} is called `{name}`", verb(side));
            Err(without(ErrorKind::DeviceNotFound, &problem, side, host))
        }
        _ => Err(Error::new(
            ErrorKind::DeviceAmbiguous,
            format!("`{name}` could be {}: use an id, or more of the name", listed(matches)),
        )),
    }
}

/// The names of the devices that `text` means, the one that plays and the one that records: what a comma parts, or all of
/// it for both. A device's id or name is one device whatever commas it holds; in what begins with a host, the comma is the
/// first that another host follows. Nothing and `^` mean the default, which has an empty name here.
///
/// Not realtime-safe: asks the audio systems where there is a comma.
#[must_use]
pub fn pair(text: &str) -> (&str, &str) {
    let begins = |text: &str| {
        let host = text.trim_start().split(':').next().unwrap_or_default().trim_end();
        backend(host).is_some() || REAL_HOSTS.iter().any(|real| real.eq_ignore_ascii_case(host))
    };
    let text = text.trim();
    let mut commas = text.match_indices(',').map(|(at, _)| at);
    let comma = if begins(text) { commas.find(|at| begins(&text[at + 1..])) } else { commas.next() };
    let (playback, recording) = match comma {
        Some(comma) if !devices().iter().any(|device| device.id == text || device.name == text) => {
            (text[..comma].trim(), text[comma + 1..].trim())
        }
        _ => (text, text),
    };
    let name = |text| if text == "^" { "" } else { text };
    (name(playback), name(recording))
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

/// Opens what `playback` and `recording` mean, as [`find`] reads them, for the sides that `request` asks for; its ids mean
/// nothing here. Where the host has one callback for both, it is used; else they are joined: the playback's clock paces
/// both.
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
            if playback.host == recording.host && host_of(&playback)?.duplex(&playback.id, &recording.id) {
                let recording_id = Some(recording.id).filter(|id| *id != playback.id);
                return open_one(playback, Side::Playback, &Request { recording_id, ..request.clone() });
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
        ErrorKind::DeviceNotFound => without(error.kind(), error.message(), side, None).with_source(error),
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
    usable(backend, side)?;
    let host = backend.host();
    let rest = &text[host.len()..];
    let id = format!("{host}{rest}");
    // Before its devices are listed, which may take their while.
    if let Some(device) = backend.find(&id).filter(|_| !rest.is_empty()) {
        return Ok(device);
    }
    let devices = backend.devices().map_err(|error| without(error.kind(), error.message(), side, None))?;
    if rest.is_empty() {
        let mut able = devices.iter().filter(|device| has(device, side));
        let default = able.clone().find(|device| is_default(device, side));
        return default.or(able.next()).cloned().ok_or_else(|| {
            without(ErrorKind::DeviceNotFound, &format!("no device of `{host}` {}", verb(side)), side, None)
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
            Err(without(ErrorKind::UnsupportedConfig, &problem, side, Some(host)))
        }
        None => {
            Err(without(ErrorKind::DeviceNotFound, &format!("there is no device `{id}`"), side, Some(host)))
        }
    }
}

fn usable(backend: &dyn Backend, side: Side) -> Result<()> {
    backend.available().map_err(|reason| {
        let problem = format!("the `{}` host can't be used: {reason}", backend.host());
        without(ErrorKind::HostUnavailable, &problem, side, None)
    })
}

/// The system's default among `devices`, which are in the order of their hosts.
pub(super) fn default_of(devices: &[DeviceInfo], side: Side) -> Option<&DeviceInfo> {
    devices.iter().find(|device| is_default(device, side))
}

/// The first default device of a real host. A host that is not there is passed over; one that is there and fails is not:
/// what it would have played should not be heard elsewhere.
fn default_device(side: Side) -> Result<DeviceInfo> {
    first_default(BACKENDS.iter().copied().filter(|backend| is_real(backend.host())), side)
}

fn first_default<'a>(backends: impl Iterator<Item = &'a dyn Backend>, side: Side) -> Result<DeviceInfo> {
    let mut reasons = Vec::new();
    for backend in backends {
        let host = backend.host();
        let listed = || backend.devices().map_err(|error| error.message().to_owned());
        let devices = match backend.available().and_then(|()| listed()) {
            Ok(devices) => devices,
            Err(absent) => {
                let Some(reason) = backend.fails() else {
                    reasons.push(format!("{host}: {absent}"));
                    continue;
                };
                let problem = format!("the default device is that of `{host}`, which fails: {reason}");
                return Err(without(ErrorKind::HostUnavailable, &problem, side, None));
            }
        };
        if let Some(device) = default_of(&devices, side) {
            return Ok(device.clone());
        }
        reasons.push(format!("{host}: no device that {}", verb(side)));
    }
    let why =
        if reasons.is_empty() { "this build has no host for them".to_owned() } else { reasons.join("; ") };
    let problem = format!("there is no real sound card here ({why})");
    Err(without(ErrorKind::HostUnavailable, &problem, side, None))
}

fn is_real(host: &str) -> bool {
    REAL_HOSTS.contains(&host)
}

/// An error that says which devices could be had instead: of `host` alone, where it has any.
fn without(kind: ErrorKind, problem: &str, side: Side, host: Option<&str>) -> Error {
    let mut devices = devices();
    devices.retain(|device| has(device, side));
    if devices.iter().any(|device| Some(&device.host[..]) == host) {
        devices.retain(|device| Some(&device.host[..]) == host);
    }
    let advice = if devices.iter().any(|device| is_real(&device.host)) {
        ": name one of them (`-D virtual` needs no sound card)"
    } else {
        ". Without a sound card, use the device `virtual` (`-D virtual`)"
    };
    Error::new(kind, format!("{problem}; the devices here are {}{advice}", listed(&devices)))
}

fn listed<'a>(devices: impl IntoIterator<Item = &'a DeviceInfo>) -> String {
    let label = |device: &DeviceInfo| format!("{} ({})", device.id, device.name);
    devices.into_iter().map(label).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sound system with two cards, or none at all, because it is not there or hangs.
    struct Cards(Result<(), &'static str>);

    impl Backend for Cards {
        fn host(&self) -> &'static str {
            "cards"
        }

        fn available(&self) -> Result<(), String> {
            self.0.map_err(str::to_owned)
        }

        fn fails(&self) -> Option<String> {
            self.0.err().filter(|reason| reason.contains("hangs")).map(str::to_owned)
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

    #[test]
    fn the_default_is_no_other_hosts_where_one_hangs() {
        let first = |hosts: [&Cards; 2]| {
            first_default(hosts.into_iter().map(|host| host as &dyn Backend), Side::Playback)
        };
        let (there, absent) = (Cards(Ok(())), Cards(Err("no server runs")));
        let hangs = Cards(Err("the server hangs: restart it"));
        assert_eq!(first([&absent, &there]).unwrap().id, "cards:hw:1");
        assert_eq!(first([&there, &hangs]).unwrap().id, "cards:hw:1");
        let error = first([&hangs, &there]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostUnavailable);
        let message = error.message();
        for words in ["`cards`, which fails: the server hangs: restart it", "-D virtual"] {
            assert!(message.contains(words), "{message}");
        }
        let error = first([&absent, &absent]).unwrap_err();
        assert!(error.message().contains("(cards: no server runs; cards: no server runs)"), "{error}");
    }

    #[test]
    fn an_exact_name_wins_and_an_id_comes_last() {
        let device = |host: &str, name: &str| DeviceInfo {
            id: format!("{host}:{name}"),
            name: name.to_owned(),
            host: host.to_owned(),
            max_output_channels: 2,
            ..DeviceInfo::default()
        };
        let devices =
            [("jack", "system"), ("jack", "system monitor"), ("alsa", "System bell"), ("alsa", "Bell")];
        let devices = devices.map(|(host, name)| device(host, name));
        let found = |name, host| by_name(&devices, name, host, Side::Playback).map(|device| device.id);
        assert_eq!(found("SYSTEM", None).unwrap(), "jack:system");
        assert_eq!(found("system", Some("jack")).unwrap(), "jack:system");
        assert_eq!(found("system", Some("alsa")).unwrap(), "alsa:System bell");
        assert_eq!(found("sys bell", None).unwrap(), "alsa:System bell");
        assert_eq!(found("jack:sys monitor", None).unwrap(), "jack:system monitor");
        let error = found("sys", None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeviceAmbiguous);
        assert!(error.message().starts_with("`sys` could be jack:system (system), jack:"), "{error}");
        let error = found("monitor", Some("alsa")).unwrap_err();
        assert!(error.message().starts_with("no device of the host `alsa` that plays is called `monitor`;"));
    }

    #[test]
    fn digits_count_the_devices() {
        let devices = Cards(Ok(())).devices().unwrap();
        let devices: Vec<_> =
            devices.into_iter().map(|device| DeviceInfo { host: "cards".to_owned(), ..device }).collect();
        let found =
            |index, host| by_index(&devices, index, host, Side::Playback).map(|device| &device.id[..]);
        assert_eq!(found("0", None).unwrap(), "cards:hw");
        assert_eq!(found("04", Some("cards")).unwrap(), "cards:hdmi.monitor");
        for (index, host, expected) in [
            ("5", None, "there is no device 5: there are 5, counted from 0; the devices here are "),
            ("99999999999999999999", None, "there is no device 99999999999999999999: there are 5,"),
            (
                "1",
                Some("null"),
                "device 1 is cards:hw:1, of the host `cards`; the devices here are null (Null",
            ),
        ] {
            let error = found(index, host).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::DeviceNotFound);
            assert!(error.message().starts_with(expected), "{error}");
        }
    }

    #[test]
    fn a_comma_parts_two_devices() {
        for (text, playing, recording) in [
            ("one", "one", "one"),
            (" one , two ", "one", "two"),
            ("one,two,three", "one", "two,three"),
            ("3,5", "3", "5"),
            ("alsa:hw:CARD=PCH,DEV=0", "alsa:hw:CARD=PCH,DEV=0", "alsa:hw:CARD=PCH,DEV=0"),
            ("alsa:hw:0,0,Pulse:mic,1", "alsa:hw:0,0", "Pulse:mic,1"),
            ("virtual, null", "virtual", "null"),
            ("virtual:block=1..9:seed=2,NULL", "virtual:block=1..9:seed=2", "NULL"),
            ("one,", "one", ""),
            (",two", "", "two"),
            ("^,two", "", "two"),
            ("one,^", "one", ""),
            (",", "", ""),
            ("^", "", ""),
        ] {
            assert_eq!(pair(text), (playing, recording), "{text}");
        }
    }
}
