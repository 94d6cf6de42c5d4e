//! The virtual and the null device, through the traits that streams use.

mod clock;
mod config;
mod drift;
mod faults;
mod lifecycle;
mod loop_line;
mod player;
