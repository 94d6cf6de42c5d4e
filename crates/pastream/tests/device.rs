//! Which device a name means.

use pastream::{
    ErrorKind,
    backend::{Request, Side},
    device,
};

fn has_real_host() -> bool {
    device::hosts().iter().any(|host| host.name == "pulse" && host.is_available())
}

#[test]
fn hosts_and_devices_are_listed() {
    // What of real hosts there is depends on the machine.
    let mut hosts = device::hosts();
    hosts.retain(|host| host.name != "pulse");
    assert_eq!(hosts.iter().map(|host| host.name).collect::<Vec<_>>(), ["virtual", "null"]);
    assert!(hosts.iter().all(device::HostInfo::is_available));
    let mut devices = device::devices().unwrap();
    devices.retain(|device| device.host != "pulse");
    let ids: Vec<_> = devices.iter().map(|device| (&device.id[..], &device.host[..])).collect();
    assert_eq!(ids, [("virtual", "virtual"), ("null", "null")]);
    for device in devices {
        assert_eq!((device.max_input_channels, device.max_output_channels), (256, 256));
        assert!(!device.is_default_input && !device.is_default_output);
    }
}

#[test]
fn a_name_means_one_device() {
    for (text, id) in [
        ("virtual", "virtual"),
        ("null", "null"),
        (" Virtual ", "virtual"),
        ("NULL", "null"),
        ("virtual:clock=free", "virtual:clock=free"),
        ("VIRTUAL:clock=free", "virtual:clock=free"),
        ("virt", "virtual"),
        ("DEVICE virt", "virtual"),
        ("null device", "null"),
    ] {
        assert_eq!(device::find(text).unwrap().id, id, "{text}");
    }
}

#[test]
fn what_means_none_or_several_is_told() {
    use ErrorKind::{DeviceAmbiguous, DeviceNotFound, HostUnavailable};
    if has_real_host() {
        return eprintln!("skipped what_means_none_or_several_is_told: this machine has an audio server");
    }
    for (text, kind, words) in [
        ("device", DeviceAmbiguous, "virtual (Virtual device), null (Null device)"),
        ("u", DeviceAmbiguous, "`u` could be"),
        ("scarlett", DeviceNotFound, "no device is called `scarlett`"),
        ("virtual scarlett", DeviceNotFound, "`virtual scarlett`"),
        ("scarlett:2", DeviceNotFound, "`scarlett:2`"),
        ("alsa", HostUnavailable, "no `alsa` host"),
        ("alsa:hw:CARD=PCH,DEV=0", HostUnavailable, "no `alsa` host"),
        ("jack", HostUnavailable, "no `jack` host"),
        ("wasapi:1", HostUnavailable, "no `wasapi` host"),
        ("coreaudio", HostUnavailable, "no `coreaudio` host"),
        ("default", HostUnavailable, "no host for real sound cards"),
        ("Default", HostUnavailable, "no host for real sound cards"),
        ("", HostUnavailable, "no host for real sound cards"),
    ] {
        let error = device::find(text).unwrap_err();
        assert_eq!(error.kind(), kind, "{text}: {error}");
        assert!(error.to_string().contains(words), "{text}: {error}");
        if kind != DeviceAmbiguous {
            assert!(error.to_string().contains("virtual (Virtual device), null (Null device)"), "{error}");
            assert!(error.to_string().contains("-D virtual"), "{error}");
        }
    }
}

#[test]
fn a_device_is_opened_by_what_it_is_called() {
    if has_real_host() {
        return eprintln!(
            "skipped a_device_is_opened_by_what_it_is_called: this machine has an audio server"
        );
    }
    let request =
        Request { id: "DEVICE null".to_owned(), playback: Some(Side::default()), ..Request::default() };
    assert_eq!(device::open(&request).unwrap().opened().id, "null");
    let request = Request { id: "default".to_owned(), ..request };
    let error = device::open(&request).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostUnavailable);
}
