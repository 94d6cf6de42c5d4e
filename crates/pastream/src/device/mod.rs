//! Which devices there are, and which one a name means.

mod host_info;
mod registry;
mod watch;

pub use host_info::HostInfo;
pub use registry::{devices, find, hosts, open, open_pair, pair};
pub use watch::{DeviceChange, DeviceWatch};
