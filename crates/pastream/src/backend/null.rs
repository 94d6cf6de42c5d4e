use super::{
    Backend, Device, DeviceInfo, Request,
    virtual_device::{Keys, VirtualDevice},
};
use crate::{Error, ErrorKind, Result};

/// The host of the null device, `null`: plays into nothing and captures silence, paced by the wall clock. Takes
/// every rate, format and number of channels that the virtual device takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullBackend;

impl Backend for NullBackend {
    fn host(&self) -> &'static str {
        "null"
    }

    fn available(&self) -> Result<(), String> {
        Ok(())
    }

    fn devices(&self) -> Result<Vec<DeviceInfo>> {
        Ok(vec![DeviceInfo::of_software("null", "Null device")])
    }

    fn duplex(&self, playback: &str, recording: &str) -> bool {
        playback == recording
    }

    fn open(&self, request: &Request) -> Result<Box<dyn Device>> {
        if let Some((_, keys)) = request.id.split_once(':') {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "the null device has no keys, but was given `{keys}`: use `null`, or `virtual:loop=off:{keys}`"
                ),
            ));
        }
        Ok(Box::new(VirtualDevice::open("Null device", Keys::without_loop(), request)?))
    }
}
