//! Which device a name means.

use pastream::{
    ErrorKind,
    backend::{self, Request},
    device,
    stream::Side,
};

fn is_software(host: &str) -> bool {
    ["virtual", "null"].contains(&host)
}

#[test]
fn hosts_and_devices_are_listed() {
    let hosts = device::hosts();
    let names: Vec<_> = hosts.iter().map(|host| host.name).collect();
    let expected: &[&str] = if cfg!(target_os = "linux") {
        &["pulse", "jack", "alsa", "virtual", "null"]
    } else if cfg!(windows) {
        &["wasapi", "virtual", "null"]
    } else {
        &["coreaudio", "virtual", "null"]
    };
    assert_eq!(names, expected);
    assert!(hosts.iter().filter(|host| is_software(host.name)).all(device::HostInfo::is_available));
    let mut devices = device::devices();
    devices.retain(|device| is_software(&device.host));
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
        assert_eq!(device::find(text, Side::Playback).unwrap().id, id, "{text}");
    }
}

#[test]
fn what_means_none_or_several_is_told() {
    use ErrorKind::{DeviceAmbiguous, DeviceNotFound, HostUnavailable};
    let other = if cfg!(windows) { "coreaudio" } else { "wasapi" };
    for (text, kind, words) in [
        ("null virtual device", DeviceNotFound, "no device that plays is called `null virtual device`"),
        ("l device", DeviceAmbiguous, "virtual (Virtual device), null (Null device)"),
        ("l device", DeviceAmbiguous, "`l device` could be"),
        ("scarlett", DeviceNotFound, "no device that plays is called `scarlett`"),
        ("virtual scarlett", DeviceNotFound, "`virtual scarlett`"),
        ("scarlett:2", DeviceNotFound, "`scarlett:2`"),
        (other, HostUnavailable, "this build has no"),
    ] {
        let error = device::find(text, Side::Playback).unwrap_err();
        assert_eq!(error.kind(), kind, "{text}: {error}");
        assert!(error.to_string().contains(words), "{text}: {error}");
        if kind != DeviceAmbiguous {
            assert!(error.to_string().contains("virtual (Virtual device), null (Null device)"), "{error}");
            assert!(error.to_string().contains("-D virtual"), "{error}");
        }
    }
}

#[test]
fn a_last_word_that_is_a_host_leaves_no_other() {
    assert_eq!(device::find("device null", Side::Playback).unwrap().id, "null");
    let message = device::find("scarlett null", Side::Playback).unwrap_err().to_string();
    let expected = "no device of the host `null` that plays is called `scarlett`; the devices here are null (Null device).";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn what_a_pair_is_called_opens_it_again() {
    let both = Some(backend::Side::default());
    let request = Request { playback: both, recording: both, ..Request::default() };
    let pair = device::open_pair("virtual:seed=2", "null", &request).unwrap().opened().id.clone();
    assert_eq!(pair, "virtual:seed=2,null");
    assert_eq!(device::open_pair(&pair, &pair, &request).unwrap().opened().id, pair);
    let recording = Request { playback: None, ..request };
    assert_eq!(device::open_pair(&pair, &pair, &recording).unwrap().opened().id, "null");
}

#[test]
fn a_device_is_opened_by_what_it_is_called() {
    let playback = Some(backend::Side::default());
    let request = Request { id: "DEVICE null".to_owned(), playback, ..Request::default() };
    assert_eq!(device::open(&request).unwrap().opened().id, "null");
    let request = Request { id: "nobody".to_owned(), ..request };
    let error = device::open(&request).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeviceNotFound);
}

#[test]
fn each_side_may_have_a_device_of_its_own() {
    let recording = Some(backend::Side::default());
    let request = Request { recording, ..Request::default() };
    assert_eq!(device::open_pair("nobody", "null", &request).unwrap().opened().id, "null");
}
