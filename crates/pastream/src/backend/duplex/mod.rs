//! Two devices of one direction each as one device of both.
//!
//! The callback of the playback device is the clock. What the other device records waits in a [`queue`] and is
//! delivered at the frame that the air times of both say ([`line`](mod@line), [`start`]): as it came where both have the
//! same clock ([`direct`]), resampled to the clock of the playback where not ([`resampled`]).

mod clock;
mod device;
mod direct;
mod feed;
mod line;
mod player;
mod queue;
mod recorder;
mod resampled;
mod shared;
mod start;
mod steering;
#[cfg(test)]
mod tests;

pub(crate) use device::bridge;
