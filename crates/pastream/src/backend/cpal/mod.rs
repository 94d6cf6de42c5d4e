//! The devices of Windows and macOS, by way of cpal.
//!
//! `api.rs` alone names cpal: what another release of it changes is there. The rest is compiled for the tests of other
//! systems too, which put a device of their own in its place.

#[cfg(any(windows, target_os = "macos"))]
mod api;
#[cfg(any(windows, target_os = "macos"))]
mod backend;
#[cfg(windows)]
mod com;
mod device;
mod found;
mod layout;
mod run;
mod settings;
mod shared;
#[cfg(test)]
mod tests;
mod timeline;

#[cfg(any(windows, target_os = "macos"))]
pub use backend::CpalBackend;
