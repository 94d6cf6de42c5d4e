use super::{api::Host, device::HostDevice, found::Found, settings::Settings};
use crate::{
    Error, ErrorKind, Result,
    backend::{Backend, Device, DeviceInfo, Request},
};

/// The devices of Windows (`wasapi:<id>`) or macOS (`coreaudio:<uid>`), each in one direction at a time.
///
/// What a device plays can be recorded, where the system has that: from its loopback device, `wasapi:loopback:<id>`. Its
/// time stands still before anything is played, on Windows also while nothing is: then frames are skipped.
///
/// The device runs with all of its channels. A stream may have fewer: its channel i is the device's channel i, a single
/// one is played on the first two, and the others are silent.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpalBackend;

impl Backend for CpalBackend {
    fn host(&self) -> &'static str {
        Host::NAME
    }

    fn available(&self) -> Result<(), String> {
        Host::devices().map(drop).map_err(|error| error.message().to_owned())
    }

    fn devices(&self) -> Result<Vec<DeviceInfo>> {
        Ok(Host::devices()?.iter().map(|found| found.info(Host::NAME)).collect())
    }

    fn open(&self, request: &Request) -> Result<Box<dyn Device>> {
        let found = find(Host::devices()?, &request.id)?;
        let settings = Settings::new(&found, request)?;
        let opened = settings.opened(&found, Host::NAME);
        Ok(Box::new(HostDevice::new(Host, settings, opened, Host::PROMOTES)))
    }
}

fn find(devices: Vec<Found>, id: &str) -> Result<Found> {
    devices.into_iter().find(|found| found.id(Host::NAME) == id).ok_or_else(|| {
        Error::new(ErrorKind::DeviceNotFound, format!("there is no device `{id}`, or not any more"))
    })
}
