use super::HostInfo;
use crate::{
    Error, ErrorKind, Result,
    backend::{BACKENDS, Backend, Device, DeviceInfo, Request},
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

/// The devices of every host that can be used.
///
/// Not realtime-safe: asks the audio systems.
///
/// # Errors
/// What a host that says it can be used answers instead of its devices.
pub fn devices() -> Result<Vec<DeviceInfo>> {
    let mut devices = Vec::new();
    for backend in BACKENDS.iter().filter(|backend| backend.available().is_ok()) {
        devices.extend(backend.devices()?);
    }
    Ok(devices)
}

/// The device that `text` means: a device's id, with keys or without (`virtual:clock=free`); a host alone, for its
/// default device; `default` or nothing at all, for the system's; else words that all occur in one device's name
/// or host, in any case. The device's `id` is the one to open, keys included; the keys are checked by [`open`].
///
/// Never answers a virtual device that was not named.
///
/// Not realtime-safe: asks the audio systems.
///
/// # Errors
/// [`DeviceNotFound`](ErrorKind::DeviceNotFound), [`DeviceAmbiguous`](ErrorKind::DeviceAmbiguous) with the devices
/// that match, [`HostUnavailable`](ErrorKind::HostUnavailable) where the host isn't there or there is no real one.
pub fn find(text: &str) -> Result<DeviceInfo> {
    let text = text.trim();
    if text.is_empty() || text.eq_ignore_ascii_case("default") {
        return default_device();
    }
    let host = text.split(':').next().unwrap_or(text);
    if let Some(backend) = backend(host) {
        return of_host(backend, text);
    }
    if REAL_HOSTS.iter().any(|real| real.eq_ignore_ascii_case(host)) {
        return Err(without(ErrorKind::HostUnavailable, &format!("this build has no `{host}` host")));
    }
    let words: Vec<_> = text.split_whitespace().map(str::to_lowercase).collect();
    let mut matches = devices()?;
    matches.retain(|device| {
        let label = format!("{} {}", device.name, device.host).to_lowercase();
        words.iter().all(|word| label.contains(word))
    });
    match &matches[..] {
        [_] => Ok(matches.remove(0)),
        [] => Err(without(ErrorKind::DeviceNotFound, &format!("no device is called `{text}`"))),
        _ => Err(Error::new(
            ErrorKind::DeviceAmbiguous,
            format!("`{text}` could be {}: use an id, or more of the name", listed(&matches)),
        )),
    }
}

/// Opens the device that `request.id` means, as [`find`] reads it.
///
/// Not realtime-safe: asks the audio systems, allocates.
///
/// # Errors
/// Those of [`find`] and [`Backend::open`].
pub fn open(request: &Request) -> Result<Box<dyn Device>> {
    let device = find(&request.id)?;
    let Some(backend) = backend(&device.host) else {
        return Err(without(ErrorKind::HostUnavailable, &format!("there is no `{}` host", device.host)));
    };
    let opened = backend.open(&Request { id: device.id, ..request.clone() });
    opened.map_err(|error| match error.kind() {
        ErrorKind::DeviceNotFound => without(error.kind(), error.message()).with_source(error),
        _ => error,
    })
}

fn backend(host: &str) -> Option<&'static dyn Backend> {
    BACKENDS.iter().copied().find(|backend| backend.host().eq_ignore_ascii_case(host))
}

/// The device of one host whose id, with keys or without, is `text`.
fn of_host(backend: &dyn Backend, text: &str) -> Result<DeviceInfo> {
    let host = backend.host();
    if let Err(reason) = backend.available() {
        return Err(without(
            ErrorKind::HostUnavailable,
            &format!("the `{host}` host can't be used: {reason}"),
        ));
    }
    let rest = &text[host.len()..];
    let id = format!("{host}{rest}");
    // Before its devices are listed, which may take their while.
    if let Some(device) = backend.find(&id).filter(|_| !rest.is_empty()) {
        return Ok(device);
    }
    let devices = backend.devices()?;
    let named = devices.iter().filter(|device| {
        id.strip_prefix(&device.id).is_some_and(|keys| keys.is_empty() || keys.starts_with(':'))
    });
    if let Some(device) = named.max_by_key(|device| device.id.len()) {
        return Ok(DeviceInfo { id, ..device.clone() });
    }
    let default = devices.iter().find(|device| device.is_default_output || device.is_default_input);
    default
        .or(devices.first())
        .filter(|_| rest.is_empty())
        .cloned()
        .ok_or_else(|| without(ErrorKind::DeviceNotFound, &format!("there is no device `{id}`")))
}

fn default_device() -> Result<DeviceInfo> {
    devices()?
        .into_iter()
        .find(|device| device.is_default_output || device.is_default_input)
        .ok_or_else(|| without(ErrorKind::HostUnavailable, "this build has no host for real sound cards"))
}

/// An error that says which devices could be had instead.
fn without(kind: ErrorKind, problem: &str) -> Error {
    // A host that fails here has nothing to offer.
    let devices = devices().unwrap_or_default();
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
            let card = |id: &str, default| DeviceInfo {
                id: id.to_owned(),
                is_default_output: default,
                ..DeviceInfo::default()
            };
            Ok(vec![card("cards:hw", false), card("cards:hw:1", true)])
        }

        fn find(&self, id: &str) -> Option<DeviceInfo> {
            (id == "cards:unlisted").then(|| DeviceInfo { id: id.to_owned(), ..DeviceInfo::default() })
        }

        fn open(&self, _: &Request) -> Result<Box<dyn Device>> {
            unreachable!("nothing is opened by its name alone")
        }
    }

    #[test]
    fn a_host_has_a_default_and_no_device_but_its_own() {
        let found = |text| of_host(&Cards(Ok(())), text).map(|device| (device.id, device.is_default_output));
        for (text, id, default) in [
            ("Cards", "cards:hw:1", true),
            ("cards:hw", "cards:hw", false),
            ("CARDS:hw:1", "cards:hw:1", true),
            ("cards:hw:1:key=1", "cards:hw:1:key=1", true),
            ("cards:hw:2", "cards:hw:2", false),
            ("Cards:unlisted", "cards:unlisted", false),
        ] {
            assert_eq!(found(text).unwrap(), (id.to_owned(), default), "{text}");
        }
        assert_eq!(found("cards:usb").unwrap_err().kind(), ErrorKind::DeviceNotFound);
        let error = of_host(&Cards(Err("no server runs")), "cards").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostUnavailable);
        assert!(error.message().contains("no server runs"));
    }
}
