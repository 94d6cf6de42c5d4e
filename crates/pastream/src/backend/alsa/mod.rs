//! ALSA, by way of libasound where it is installed.

mod backend;
mod capture;
mod device;
mod library;
mod limit;
mod line;
mod listing;
mod playback;
mod run;
mod setup;
mod timeline;

pub use backend::AlsaBackend;
