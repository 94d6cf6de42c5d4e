//! What comes, what goes, and what becomes the default.

use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::registry::{default_of, devices};
use crate::{Error, Result, backend::DeviceInfo};
use pastream_rt::Side;

/// How often the audio systems are asked. One that came back after a restart has no connection left to tell it by.
const INTERVAL: Duration = Duration::from_secs(1);

/// A change among the devices.
#[derive(Clone, Debug, PartialEq)]
pub enum DeviceChange {
    /// A device is there that was not.
    Added(DeviceInfo),
    /// A device is gone.
    Removed(DeviceInfo),
    /// The system plays to another device by default, or to none.
    DefaultOutput(Option<DeviceInfo>),
    /// The system records from another device by default, or from none.
    DefaultInput(Option<DeviceInfo>),
}

/// Watches the devices until it is dropped.
#[derive(Debug)]
pub struct DeviceWatch {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl DeviceWatch {
    /// Calls `listener`, on a thread of its own, with each change from now on: within about a second, also of audio systems
    /// that were not there before.
    ///
    /// Not realtime-safe: asks the audio systems.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) where no thread can be had.
    pub fn start(listener: impl Fn(&DeviceChange) + Send + 'static) -> Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let mut before = devices();
        let watch = move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                let now = devices();
                for change in changes(&before, &now) {
                    listener(&change);
                }
                before = now;
            }
        };
        let thread = thread::Builder::new()
            .name("pastream-watch".to_owned())
            .spawn(watch)
            .map_err(|error| Error::io("cannot start the thread that watches the devices", error))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for DeviceWatch {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            // A listener that panicked has been told of by the hook.
            let _ = thread.join();
        }
    }
}

/// What became of `before`.
fn changes(before: &[DeviceInfo], now: &[DeviceInfo]) -> Vec<DeviceChange> {
    let missing = |from: &[DeviceInfo], of: &[DeviceInfo]| -> Vec<DeviceInfo> {
        of.iter().filter(|device| from.iter().all(|other| other.id != device.id)).cloned().collect()
    };
    let mut changes: Vec<_> = missing(now, before).into_iter().map(DeviceChange::Removed).collect();
    changes.extend(missing(before, now).into_iter().map(DeviceChange::Added));
    let moved = |side| {
        let (old, new) = (default_of(before, side), default_of(now, side));
        (old.map(|device| &device.id) != new.map(|device| &device.id)).then(|| new.cloned())
    };
    changes.extend(moved(Side::Playback).map(DeviceChange::DefaultOutput));
    changes.extend(moved(Side::Recording).map(DeviceChange::DefaultInput));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_once() {
        let device = |id: &str, output, input| DeviceInfo {
            id: id.to_owned(),
            is_default_output: output,
            is_default_input: input,
            ..DeviceInfo::default()
        };
        let [card, usb] = [device("pulse:card", true, true), device("pulse:usb", false, false)];
        let one = std::slice::from_ref(&card);
        assert_eq!(changes(one, one), []);
        assert_eq!(changes(one, &[card.clone(), usb.clone()]), [DeviceChange::Added(usb.clone())]);
        let [old, new] = [device("pulse:card", false, true), device("pulse:usb", true, false)];
        assert_eq!(
            changes(&[card.clone(), usb.clone()], &[old, new.clone()]),
            [DeviceChange::DefaultOutput(Some(new.clone()))]
        );
        let gone = DeviceChange::Removed(card.clone());
        assert_eq!(
            changes(&[card, usb], std::slice::from_ref(&new)),
            [gone, DeviceChange::DefaultOutput(Some(new)), DeviceChange::DefaultInput(None)]
        );
    }
}
