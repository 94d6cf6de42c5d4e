use std::fs;

use alsa::Direction;

use super::{
    device::AlsaDevice,
    library::{Quiet, load},
    limit::{OPEN, within},
    listing, setup,
};
use crate::{
    Error, ErrorKind, Result,
    backend::{Backend, Device, DeviceInfo, Opened, OpenedSide, Request, adapter::Ends},
};

/// The host of ALSA, `alsa:<pcm>`: any PCM that libasound's configuration knows, listed or not (`alsa:default`,
/// `alsa:hw:CARD=PCH,DEV=0`, what the user's asoundrc defines). A device opens in one direction at a time.
///
/// libasound is neither linked nor needed: without it the host is not available.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlsaBackend;

impl AlsaBackend {
    fn loaded(self) -> Result<()> {
        self.available().map_err(|reason| {
            Error::new(ErrorKind::HostUnavailable, format!("the `alsa` host can't be used: {reason}"))
        })
    }
}

impl Backend for AlsaBackend {
    fn host(&self) -> &'static str {
        "alsa"
    }

    fn available(&self) -> Result<(), String> {
        load()
    }

    fn devices(&self) -> Result<Vec<DeviceInfo>> {
        self.loaded()?;
        let _quiet = Quiet::new();
        let devices = listing::list();
        if devices.is_empty() && !has_card() {
            let message =
                format!("ALSA has no device that opens{NO_CARD}, and no sound server stands in for one");
            return Err(Error::new(ErrorKind::HostUnavailable, message));
        }
        Ok(devices)
    }

    fn find(&self, id: &str) -> Option<DeviceInfo> {
        let pcm = pcm(id).filter(|_| load().is_ok())?;
        let _quiet = Quiet::new();
        Some(listing::known(pcm))
    }

    fn open(&self, request: &Request) -> Result<Box<dyn Device>> {
        let direction = match (request.playback, request.recording) {
            (Some(_), None) => Direction::Playback,
            (None, Some(_)) => Direction::Capture,
            _ => {
                let message = "an ALSA device plays or records: ask for one of them";
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
        };
        self.loaded()?;
        let pcm = pcm(&request.id).ok_or_else(|| {
            let message = format!("`{}` names no PCM: use `alsa:default`", request.id);
            Error::new(ErrorKind::DeviceNotFound, message)
        })?;
        let (name, asked) = (pcm.to_owned(), request.clone());
        let setup = within(OPEN, move || {
            let opened = setup::open(&name, direction).map_err(|error| refused(error, &asked, direction))?;
            setup::set_up(opened, direction, &asked)
        });
        let setup = setup.unwrap_or_else(|| {
            let hung = alsa::Error::new("snd_pcm_open", libc::ETIMEDOUT);
            Err(refused(hung, request, direction))
        })?;
        let settings = setup.line.settings();
        let asked = request.block_size.filter(|&size| size > 0);
        let block = asked.filter(|&size| size != settings.period);
        // A period leaves once all before it has; with blocks of another size some frames wait for their block.
        let held = match direction {
            Direction::Playback => {
                settings.buffer - settings.period.min(settings.buffer) + block.unwrap_or(0)
            }
            Direction::Capture => settings.period.max(block.unwrap_or(0)),
        };
        let side = OpenedSide {
            channels: setup.channels,
            format: setup.format,
            latency: held as f64 / f64::from(setup.sample_rate),
        };
        let one = |which| Some(side).filter(|_| direction == which);
        let opened = Opened {
            id: format!("alsa:{pcm}"),
            name: listing::known(pcm).name,
            sample_rate: setup.sample_rate,
            playback: one(Direction::Playback),
            recording: one(Direction::Capture),
            block_size: asked.unwrap_or(settings.period),
            // What a server plays to and records from may be two cards: nothing is said of those.
            clock: setup.card.map(|card| format!("alsa:card{card}")),
        };
        let ends = Ends { channels: setup.channels, device: setup.device, stream: setup.format };
        Ok(Box::new(AlsaDevice::new(opened, ends, block, setup.line)))
    }
}

/// The PCM of a device's id.
fn pcm(id: &str) -> Option<&str> {
    id.split_once(':').map(|(_, pcm)| pcm).filter(|pcm| !pcm.is_empty())
}

/// Why there is nothing on many a machine.
const NO_CARD: &str = ": this machine has no sound card (/proc/asound/cards lists none)";

/// Whether the kernel has a card.
fn has_card() -> bool {
    fs::read_to_string("/proc/asound/cards").is_ok_and(|cards| cards.contains('['))
}

/// Why a PCM could not be opened.
fn refused(error: alsa::Error, request: &Request, direction: Direction) -> Error {
    let id = &request.id;
    let verb = if direction == Direction::Playback { "play" } else { "record" };
    let (kind, message) = match error.errno() {
        libc::EBUSY | libc::EAGAIN => (
            ErrorKind::DeviceBusy,
            format!("device `{id}` is busy: another program has it; end that, or use `alsa:default`"),
        ),
        libc::ENOENT | libc::ENODEV | libc::ENXIO | libc::EINVAL => (
            ErrorKind::DeviceNotFound,
            format!("there is no device `{id}` that can {verb}{}", if has_card() { "" } else { NO_CARD }),
        ),
        libc::ECONNREFUSED | libc::ECONNRESET | libc::ETIMEDOUT | libc::EHOSTDOWN => (
            ErrorKind::HostUnavailable,
            format!(
                "the sound server behind device `{id}` does not answer: start it, or end it where it hangs"
            ),
        ),
        libc::EACCES | libc::EPERM => (
            ErrorKind::HostUnavailable,
            format!(
                "device `{id}` may not be opened: its files in /dev/snd belong to the group `audio`, join that"
            ),
        ),
        _ => (ErrorKind::HostUnavailable, format!("device `{id}` can't be opened to {verb}: {error}")),
    };
    Error::new(kind, message).with_source(error)
}
