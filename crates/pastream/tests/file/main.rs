//! Audio files, held to the byte.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod bad_input;
mod compressed;
mod frames;
mod headers;
mod round_trip;
mod support;
mod tools;
mod writing;
