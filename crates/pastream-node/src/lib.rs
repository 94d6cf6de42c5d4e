//! The Node-API binding of pastream: converts and forwards, decides nothing.
#![expect(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]
#![expect(clippy::trivially_copy_pass_by_ref, reason = "napi hands the environment over by reference")]

mod descriptor;
pub mod devices;
pub mod error;
pub mod file;
pub mod open;
pub mod ring;
pub mod stream;
