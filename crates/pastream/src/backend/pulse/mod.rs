//! The devices of a PulseAudio server, or of PipeWire's stand-in for one: a client of the protocol, on a socket of its
//! own for each run. Nothing of libpulse is needed, and no server is ever started.

mod address;
mod backend;
mod connection;
mod device;
mod line;
mod player;
mod recorder;
mod run;
mod settings;
mod timing;

pub use backend::PulseBackend;
