//! JACK: one client of our own for each open device, both directions in one callback.
//!
//! A device is another client that has audio ports; our ports are connected to its, in their order.
//!
//! | id | plays into | records from |
//! |---|---|---|
//! | `jack:<client>` | its ports that take audio | its ports that give audio, monitors aside |
//! | `jack:<client>:<prefix>` | those whose name begins with `prefix`; all, where none does | likewise |
//! | `jack:<client>:monitor` | as `jack:<client>` | its monitors: what it plays |
//!
//! Monitors are what ports are called by servers that can tell what is played: `jackd -d … -m` has
//! `system:monitor_1`, `PipeWire` has them at every sink. There `jack:system:monitor` loops playback to capture.
//!
//! Rate and period are the server's. No server is ever started.

mod backend;
mod device;
mod handler;
mod ports;
mod run;
mod server;
mod state;

pub use backend::JackBackend;
