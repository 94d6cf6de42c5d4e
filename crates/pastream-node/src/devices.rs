//! Hosts and devices.

use std::{
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError},
};

use napi::{
    Env,
    bindgen_prelude::{Function, Object},
    threadsafe_function::ThreadsafeFunctionCallMode,
};
use napi_derive::napi;
use pastream::{
    backend::DeviceInfo,
    device::{self, DeviceChange, DeviceWatch},
};

use crate::error::{Result, failed, later, thrown};

/// The version of the library.
#[napi]
#[must_use]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Rates from one to another, in Hz.
#[napi(object)]
pub struct RateRange {
    /// The lowest.
    pub min: u32,
    /// The highest.
    pub max: u32,
}

/// A device, as it is listed.
#[napi(object)]
pub struct DeviceObject {
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
    /// Empty where the host doesn't tell.
    pub sample_rates: Vec<RateRange>,
    /// Empty where the host doesn't tell.
    pub formats: Vec<String>,
    /// Seconds.
    pub default_low_input_latency: f64,
    /// Seconds.
    pub default_low_output_latency: f64,
    /// Seconds.
    pub default_high_input_latency: f64,
    /// Seconds.
    pub default_high_output_latency: f64,
    /// Whether its host records from it by default.
    pub is_default_input: bool,
    /// Whether its host plays to it by default.
    pub is_default_output: bool,
}

impl From<&DeviceInfo> for DeviceObject {
    fn from(device: &DeviceInfo) -> Self {
        let range = |range: &RangeInclusive<u32>| RateRange { min: *range.start(), max: *range.end() };
        Self {
            id: device.id.clone(),
            name: device.name.clone(),
            host: device.host.clone(),
            max_input_channels: device.max_input_channels as u32,
            max_output_channels: device.max_output_channels as u32,
            default_sample_rate: device.default_sample_rate,
            sample_rates: device.sample_rates.iter().map(range).collect(),
            formats: device.formats.iter().map(|format| format.name().to_owned()).collect(),
            default_low_input_latency: device.default_low_input_latency,
            default_low_output_latency: device.default_low_output_latency,
            default_high_input_latency: device.default_high_input_latency,
            default_high_output_latency: device.default_high_output_latency,
            is_default_input: device.is_default_input,
            is_default_output: device.is_default_output,
        }
    }
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
#[napi]
#[must_use]
pub fn devices() -> Vec<DeviceObject> {
    device::devices().iter().map(DeviceObject::from).collect()
}

/// The names of the devices that `text` means: the one that plays, the one that records.
#[napi]
#[must_use]
pub fn device_pair(text: String) -> Vec<String> {
    let (playback, recording) = device::pair(&text);
    vec![playback.to_owned(), recording.to_owned()]
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

/// A change among the devices.
#[napi(object)]
pub struct DeviceChangeObject {
    /// `added`, `removed`, `defaultOutput` or `defaultInput`.
    pub kind: String,
    /// Which; none where there is no default any more.
    pub device: Option<DeviceObject>,
}

impl From<&DeviceChange> for DeviceChangeObject {
    fn from(change: &DeviceChange) -> Self {
        let (kind, device) = match change {
            DeviceChange::Added(device) => ("added", Some(device)),
            DeviceChange::Removed(device) => ("removed", Some(device)),
            DeviceChange::DefaultOutput(device) => ("defaultOutput", device.as_ref()),
            DeviceChange::DefaultInput(device) => ("defaultInput", device.as_ref()),
        };
        Self { kind: kind.to_owned(), device: device.map(DeviceObject::from) }
    }
}

/// Watches the devices, and holds the process open, until it is closed.
#[napi]
pub struct BindingWatch {
    watch: Arc<Mutex<Option<DeviceWatch>>>,
}

#[napi]
impl BindingWatch {
    /// Calls `listener` with each change.
    ///
    /// # Errors
    /// `Io` where no thread can be had.
    #[napi(constructor, ts_args_type = "listener: (change: DeviceChangeObject) => void")]
    pub fn new(env: &Env, listener: Function<'_, DeviceChangeObject, ()>) -> Result<Self> {
        let call = listener
            .build_threadsafe_function::<DeviceChangeObject>()
            .callee_handled::<false>()
            .build()
            .map_err(|error| failed(&error))?;
        let watch = DeviceWatch::start(move |change| {
            call.call(DeviceChangeObject::from(change), ThreadsafeFunctionCallMode::NonBlocking);
        });
        let watch = Arc::new(Mutex::new(Some(watch.map_err(|error| thrown(&error))?)));
        // A worker that is terminated closes nothing by itself.
        let left = Arc::downgrade(&watch);
        env.add_env_cleanup_hook(left, |left| drop(left.upgrade().and_then(|watch| taken(&watch))))
            .map_err(|error| failed(&error))?;
        Ok(Self { watch })
    }

    /// Watches no more.
    ///
    /// # Errors
    /// What Node-API gives.
    #[napi(ts_return_type = "Promise<Settled>")]
    pub fn close(&self, env: &Env) -> napi::Result<Object<'static>> {
        let watch = taken(&self.watch);
        later(env, move || {
            drop(watch);
            Ok(())
        })
    }
}

fn taken(watch: &Mutex<Option<DeviceWatch>>) -> Option<DeviceWatch> {
    watch.lock().unwrap_or_else(PoisonError::into_inner).take()
}
