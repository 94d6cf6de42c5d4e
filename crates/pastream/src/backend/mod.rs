//! Audio systems and their devices, behind one narrow trait.

mod adapter;
#[cfg(target_os = "linux")]
mod alsa;
#[cfg(target_os = "linux")]
mod audio_thread;
pub(crate) mod convert;
#[cfg(any(windows, target_os = "macos", test))]
mod cpal;
mod device_info;
mod duplex;
#[cfg(target_os = "linux")]
mod jack;
mod load;
mod memory;
mod null;
mod opened;
#[cfg(target_os = "linux")]
mod pulse;
mod request;
mod virtual_device;

use pastream_rt::{Block, Flow, Wire};

use crate::Result;

#[cfg(any(windows, target_os = "macos"))]
pub use self::cpal::CpalBackend;
#[cfg(target_os = "linux")]
pub use alsa::AlsaBackend;
pub use device_info::DeviceInfo;
pub(crate) use duplex::bridge;
#[cfg(target_os = "linux")]
pub use jack::JackBackend;
pub use null::NullBackend;
pub use opened::{Alignment, AlignmentMethod, Opened, OpenedSide};
#[cfg(target_os = "linux")]
pub use pulse::PulseBackend;
pub use request::{Latency, Request, Side};
pub use virtual_device::VirtualBackend;

/// Every backend of this build, the preferred first.
pub static BACKENDS: &[&dyn Backend] = &[
    #[cfg(any(windows, target_os = "macos"))]
    &CpalBackend,
    #[cfg(target_os = "linux")]
    &PulseBackend,
    #[cfg(target_os = "linux")]
    &JackBackend,
    #[cfg(target_os = "linux")]
    &AlsaBackend,
    &VirtualBackend,
    &NullBackend,
];

/// What a device calls for each of its blocks.
pub trait Process: Send {
    /// Says how recording and playback lie to each other, before the first block of a run that has both.
    ///
    /// Realtime-safe.
    fn aligned(&mut self, _alignment: &Alignment) {}

    /// Plays and records one block.
    ///
    /// With a `wire`, `block.input` is empty: what is recorded is what the wire answers to the block's output,
    /// asked for after playback and before recording. After anything but [`Flow::Continue`] the device calls
    /// no more.
    ///
    /// Realtime-safe.
    fn process(&mut self, block: Block<'_>, wire: Option<&mut dyn Wire>) -> Flow;

    /// Waits until a block of up to `frames` (at least 1) can run with nothing starved and nothing full, and
    /// returns its length, 1 to `frames`. Returns `frames` when the stream was asked to stop or has ended, so
    /// that the next [`process`](Self::process) can tell. Called by free-running devices only.
    ///
    /// Not realtime-safe: blocks.
    fn wait_ready(&mut self, frames: usize) -> usize;

    /// The device is gone, [`process`](Self::process) will not be called again.
    ///
    /// Realtime-safe.
    fn device_lost(&mut self);
}

/// An audio system: what it is called, whether it is there, what devices it has.
pub trait Backend: Send + Sync {
    /// The host's name as it begins a device's id: lower case, no colon.
    fn host(&self) -> &'static str;

    /// Whether the host can be used.
    ///
    /// # Errors
    /// A sentence that says why not.
    fn available(&self) -> Result<(), String>;

    /// Why the host can't be used although it is there: it hangs, or lets nobody in. Then no other host's default device
    /// takes the place of its own. Asked where it is not [`available`](Self::available).
    fn fails(&self) -> Option<String> {
        None
    }

    /// The host's devices.
    ///
    /// # Errors
    /// [`HostUnavailable`](crate::ErrorKind::HostUnavailable).
    fn devices(&self) -> Result<Vec<DeviceInfo>>;

    /// The device of this id where the host can open others than those that it lists; it need not exist. Opens nothing.
    fn find(&self, _id: &str) -> Option<DeviceInfo> {
        None
    }

    /// Whether one callback serves the device `playback`, which plays, and `recording`, which records and may be the same.
    /// Where not, each opens for its direction alone, and the two are bridged.
    fn duplex(&self, _playback: &str, _recording: &str) -> bool {
        false
    }

    /// Opens the device that `request` names, or two, with the settings that it asks for. Asked for both directions only
    /// where [`duplex`](Self::duplex).
    ///
    /// # Errors
    /// [`HostUnavailable`](crate::ErrorKind::HostUnavailable),
    /// [`DeviceNotFound`](crate::ErrorKind::DeviceNotFound), [`DeviceBusy`](crate::ErrorKind::DeviceBusy),
    /// [`UnsupportedConfig`](crate::ErrorKind::UnsupportedConfig) when the device can't run with these settings,
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) when no device could.
    fn open(&self, request: &Request) -> Result<Box<dyn Device>>;
}

/// Cuts short what a device plays out, from any thread, also where that is over.
pub type Cutter = Box<dyn Fn() + Send + Sync>;

/// An open device. Stops when it is dropped.
pub trait Device: Send {
    /// What was really opened.
    fn opened(&self) -> &Opened;

    /// Starts calling `process`, on a new timeline: frame 0 at time 0.
    ///
    /// The device stops calling by itself after [`Flow::Complete`] or [`Flow::Abort`]; it can be started again
    /// after [`stop`](Self::stop).
    ///
    /// # Errors
    /// [`StreamState`](crate::ErrorKind::StreamState) when it was started and not stopped.
    fn start(&mut self, process: Box<dyn Process>) -> Result<()>;

    /// Stops calling, waits until the last call has returned, and drops the [`Process`] on this thread.
    /// Does nothing when there is nothing to stop.
    ///
    /// A [`wait_ready`](Process::wait_ready) that is blocked must be made to return by the stream, before.
    fn stop(&mut self);

    /// Waits until the device stopped by itself, which it does after [`Flow::Complete`] once the last block has
    /// left it, and after [`Flow::Abort`] and a loss at once. Then as [`stop`](Self::stop).
    ///
    /// False where the device was lost, perhaps with a part of what was played.
    fn finish(&mut self) -> bool;

    /// What has a [`finish`](Self::finish) of this run return at once, with the device silent.
    fn cutter(&self) -> Cutter;

    /// Seconds of the device's clock since the start, 0 before the first. May move in blocks; stands still once the
    /// device stopped.
    fn time(&self) -> f64;

    /// Whether [`alignment`](Self::alignment) is known by the first block, of a device with both directions.
    fn alignable(&self) -> bool {
        true
    }

    /// Frames to play that it may ask for at once, as it does at its start; 0 where it asks for what there is.
    fn burst(&self) -> usize {
        let opened = self.opened();
        let held = opened.playback.map_or(0.0, |side| side.latency * f64::from(opened.sample_rate));
        opened.block_size.max(held.round() as usize)
    }

    /// How recording and playback lie to each other; `None` in one direction, and where it is not known yet.
    fn alignment(&self) -> Option<Alignment> {
        None
    }

    /// Whether the system granted the audio thread realtime priority; `None` where that is not asked for, or not known
    /// yet.
    fn realtime(&self) -> Option<bool> {
        None
    }

    /// Whether no clock paces it: it runs as fast as its [`Process`] is ready.
    fn free_running(&self) -> bool {
        false
    }

    /// The share of a block's time that its [`Process`] takes, smoothed; 1 is all of it.
    fn cpu_load(&self) -> f64;
}
