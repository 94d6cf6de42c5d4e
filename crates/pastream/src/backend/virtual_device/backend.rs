use super::{device::VirtualDevice, keys::Keys};
use crate::{
    Result,
    backend::{Backend, Device, DeviceInfo, Request},
};

/// The host of the virtual device, `virtual[:key=value]…`.
///
/// | key | meaning | default |
/// |---|---|---|
/// | `loop=on\|off` | what is played is captured: channel i to i, silence where nothing is played | on |
/// | `delay=N` | frames between playback and its capture | 0 |
/// | `clock=real\|free` | paced by the wall clock, or by the slowest source or sink | real |
/// | `rate=R` | in Hz, alone; unset: what is asked, 1 to 768000, else 48000 | any |
/// | `channels=N` | in both directions, alone; unset: what is asked, 1 to 256, else 2 | any |
/// | `format=F` | alone; unset: what is asked, else float32 | any |
/// | `block=N` or `block=N..M` | the callback's block in frames; each drawn from the range, both ends included | 512 |
/// | `drift=PPM` | how much faster the capture's clock runs than the playback's, −10000 to 10000 | 0 |
/// | `seed=N` | of everything random | 1 |
/// | `fault=KIND@SECONDS[+SECONDS]` | what goes wrong, when and how long; may be given several times | none |
///
/// A block of the stream's own choosing is had where `block` is unset or is that one.
///
/// Faults begin with the first block at or after their time:
/// - `xrun@S`: that block is told of an xrun; no frame is missing. `xrun@S+L`: so is each block within L.
/// - `stall@S+L`: no callback for L. The next one is told of the frames that were lost and of an xrun. Silence was
///   played in the meantime, and the capture of that time is gone.
/// - `lost@S`: exactly `S` seconds of frames are clocked, then the device is gone.
/// - `jitter@S[+L]`: callbacks come late by up to their block's time, for L or to the end.
///
/// [`Times`](pastream_rt::Times) of a block whose first frame is `n`: `input` is n / rate, `current` is that
/// plus the jitter, `output` is `input` plus the round trip. The round trip is `delay` frames; under a drift it
/// begins with one (the largest) block and the resampler's delay more, and changes from there.
#[derive(Clone, Copy, Debug, Default)]
pub struct VirtualBackend;

impl Backend for VirtualBackend {
    fn host(&self) -> &'static str {
        "virtual"
    }

    fn available(&self) -> Result<(), String> {
        Ok(())
    }

    fn devices(&self) -> Result<Vec<DeviceInfo>> {
        Ok(vec![DeviceInfo::of_software("virtual", "Virtual device")])
    }

    fn duplex(&self, playback: &str, recording: &str) -> bool {
        playback == recording
    }

    fn open(&self, request: &Request) -> Result<Box<dyn Device>> {
        let keys = match request.id.split_once(':') {
            Some((_, keys)) => keys.parse()?,
            None => Keys::default(),
        };
        Ok(Box::new(VirtualDevice::open("Virtual device", keys, request)?))
    }
}
