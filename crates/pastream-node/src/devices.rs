//! Hosts and devices.

use napi_derive::napi;
use pastream::device;

use crate::error::{Result, thrown};

/// The version of the library.
#[napi]
#[must_use]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// A device, as it is listed.
#[napi(object)]
pub struct Device {
    /// What opens it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The host it belongs to.
    pub host: String,
    /// Channels that can be recorded, at most.
    pub max_input_channels: u32,
    /// Channels that can be played, at most.
    pub max_output_channels: u32,
    /// In Hz.
    pub default_sample_rate: u32,
}

/// A host, and why it is not available where it isn't.
#[napi(object)]
pub struct Host {
    /// As device ids begin.
    pub name: String,
    /// Whether it can be used.
    pub available: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// Every device of every available host.
///
/// # Errors
/// What a host gives.
#[napi]
pub fn devices() -> Result<Vec<Device>> {
    let devices = device::devices().map_err(|error| thrown(&error))?;
    Ok(devices
        .into_iter()
        .map(|device| Device {
            id: device.id,
            name: device.name,
            host: device.host,
            max_input_channels: device.max_input_channels as u32,
            max_output_channels: device.max_output_channels as u32,
            default_sample_rate: device.default_sample_rate,
        })
        .collect())
}

/// Every host of this build.
#[napi]
#[must_use]
pub fn hosts() -> Vec<Host> {
    device::hosts()
        .into_iter()
        .map(|host| Host {
            name: host.name.to_owned(),
            available: host.is_available(),
            reason: host.unavailable,
        })
        .collect()
}
