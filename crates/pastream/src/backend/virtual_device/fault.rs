use std::str::FromStr;

/// Something that goes wrong on purpose.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    /// Seconds of the device's clock.
    pub(super) at: f64,
    /// Seconds.
    pub(super) length: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// A block is marked as an xrun though no frame is missing; with a length, every block of that time.
    Xrun,
    /// No callback for the length.
    Stall,
    /// The device is unplugged.
    Lost,
    /// Callbacks come late by a random part of their block.
    Jitter,
}

impl FromStr for Fault {
    type Err = ();

    /// Reads `KIND@SECONDS[+SECONDS]`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (kind, when) = text.split_once('@').ok_or(())?;
        let (at, length) = match when.split_once('+') {
            Some((at, length)) => (at, Some(seconds(length)?)),
            None => (when, None),
        };
        let kind = match (kind, length) {
            ("xrun", _) => FaultKind::Xrun,
            ("stall", Some(_)) => FaultKind::Stall,
            ("lost", None) => FaultKind::Lost,
            ("jitter", _) => FaultKind::Jitter,
            _ => return Err(()),
        };
        Ok(Self { kind, at: seconds(at)?, length })
    }
}

fn seconds(text: &str) -> Result<f64, ()> {
    text.parse().ok().filter(|seconds| (0.0..=1e6).contains(seconds)).ok_or(())
}

/// A fault on the timeline of one run.
pub(super) struct Scheduled {
    pub(super) kind: FaultKind,
    /// The frame where it begins.
    pub(super) at: u64,
    /// In frames; of a jitter without one, all that is left.
    pub(super) length: u64,
    fired: bool,
}

impl Scheduled {
    pub(super) fn new(fault: &Fault, rate: f64) -> Self {
        let frames = |seconds: f64| (seconds * rate).round() as u64;
        let length = match (fault.kind, fault.length) {
            (_, Some(length)) => frames(length),
            (FaultKind::Jitter, None) => u64::MAX,
            (_, None) => 0,
        };
        Self { kind: fault.kind, at: frames(fault.at), length, fired: false }
    }

    /// Whether a block at `position` is the first at or after the fault's begin, or lies within its length.
    pub(super) fn holds(&mut self, position: u64) -> bool {
        let begins = position >= self.at && !self.fired;
        self.fired |= begins;
        begins || (self.fired && position < self.at.saturating_add(self.length))
    }
}
