//! Audio files, held to the byte.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod aiff;
mod bad_input;
mod caf;
mod compressed;
mod dither;
mod flac;
mod frames;
mod headers;
mod laws;
mod matrix;
mod repair;
mod rf64;
mod round_trip;
mod support;
mod tags;
mod tools;
mod w64;
mod writing;
