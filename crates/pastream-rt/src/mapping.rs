//! Which channel goes where.
//!
//! Routes are sorted and sorted out once, so that moving a block branches on them per channel at most, never
//! per sample.

use core::{fmt, num::NonZeroUsize, ops::DerefMut};

use crate::Sample;

/// The most channels on either side of a stream.
pub const MAX_CHANNELS: usize = 256;

/// One channel's way. Routes to the same channel are summed; a channel that no route leads to is silent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Route {
    /// The channel that is read, from 0.
    pub from: u16,
    /// The channel that is written, from 0.
    pub to: u16,
    /// What the samples are multiplied by. Alone on its channel, a route with 1.0 copies bits.
    pub gain: f32,
}

/// Why there is no such mapping. The caller's to correct; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum MappingError {
    /// A channel count is 0 or above [`MAX_CHANNELS`].
    Channels(usize),
    /// The route reads a channel that is not there.
    From(Route),
    /// The route writes a channel that is not there.
    To(Route),
    /// The route's gain is infinite or not a number.
    Gain(Route),
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channels(count) => write!(f, "{count} channels: must be 1 to {MAX_CHANNELS}"),
            Self::From(route) => write!(f, "there is no channel {} to read", u32::from(route.from) + 1),
            Self::To(route) => write!(f, "there is no channel {} to write", u32::from(route.to) + 1),
            Self::Gain(route) => write!(f, "a gain must be a number, not {}", route.gain),
        }
    }
}

impl core::error::Error for MappingError {}

#[derive(Clone, Copy, Debug)]
enum Plan {
    Identity,
    /// Mono or stereo on both sides, plain copies, every channel written.
    Small(Small),
    /// `silent`: some channel has no route.
    Routes {
        silent: bool,
    },
}

/// Named by what the first and the second written channel read.
#[derive(Clone, Copy, Debug)]
enum Small {
    Spread,
    First,
    Second,
    FirstFirst,
    SecondFirst,
    SecondSecond,
}

/// A validated set of routes between two channel counts.
#[derive(Debug)]
pub struct Mapping<R> {
    routes: Option<R>,
    from: NonZeroUsize,
    to: NonZeroUsize,
    plan: Plan,
}

impl<R: DerefMut<Target = [Route]>> Mapping<R> {
    /// Leads `from` channels to `to` channels along `routes`, whose order does not matter.
    ///
    /// # Errors
    /// [`MappingError`] names what is out of range.
    pub fn new(mut routes: R, from: usize, to: usize) -> Result<Self, MappingError> {
        let (from, to) = (channels(from)?, channels(to)?);
        for &route in routes.iter() {
            if usize::from(route.from) >= from.get() {
                return Err(MappingError::From(route));
            }
            if usize::from(route.to) >= to.get() {
                return Err(MappingError::To(route));
            }
            if !route.gain.is_finite() {
                return Err(MappingError::Gain(route));
            }
        }
        routes.sort_unstable_by_key(|route| (route.to, route.from));
        let plan = plan(&routes, from.get(), to.get());
        Ok(Self { routes: Some(routes), from, to, plan })
    }

    /// Every channel to itself.
    ///
    /// # Errors
    /// [`MappingError::Channels`].
    pub fn identity(channels: usize) -> Result<Self, MappingError> {
        let channels = self::channels(channels)?;
        Ok(Self { routes: None, from: channels, to: channels, plan: Plan::Identity })
    }

    /// How many channels it reads.
    #[must_use]
    pub fn from_channels(&self) -> NonZeroUsize {
        self.from
    }

    /// How many channels it writes.
    #[must_use]
    pub fn to_channels(&self) -> NonZeroUsize {
        self.to
    }

    /// Whether moving a block is a straight copy.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        matches!(self.plan, Plan::Identity)
    }

    /// Moves as many whole frames as both sides have, and answers how many.
    ///
    /// Realtime-safe.
    pub(crate) fn apply<S: Sample>(&self, input: &[S], output: &mut [S]) -> usize {
        let frames = (input.len() / self.from).min(output.len() / self.to);
        let (Some(input), Some(output)) =
            (input.get(..frames * self.from.get()), output.get_mut(..frames * self.to.get()))
        else {
            return 0;
        };
        match self.plan {
            Plan::Identity => {
                // All of it: the channels are as many. Said so that the copy can't panic.
                if let Some(input) = input.get(..output.len()) {
                    output.copy_from_slice(input);
                }
            }
            Plan::Small(Small::Spread) => each(input, output, |&[a]| [a, a]),
            Plan::Small(Small::First) => each(input, output, |&[a, _]| [a]),
            Plan::Small(Small::Second) => each(input, output, |&[_, b]| [b]),
            Plan::Small(Small::FirstFirst) => each(input, output, |&[a, _]| [a, a]),
            Plan::Small(Small::SecondFirst) => each(input, output, |&[a, b]| [b, a]),
            Plan::Small(Small::SecondSecond) => each(input, output, |&[_, b]| [b, b]),
            Plan::Routes { silent } => {
                if silent {
                    output.fill(S::EQUILIBRIUM);
                }
                self.follow(input, output);
            }
        }
        frames
    }

    fn follow<S: Sample>(&self, input: &[S], output: &mut [S]) {
        let mut routes = self.routes.as_deref().unwrap_or_default();
        while let Some(&first) = routes.first() {
            // `chunk_by` would do, but for a panic in it that the compiler can't rule out.
            let length = routes.iter().take_while(|route| route.to == first.to).count();
            let Some((group, others)) = routes.split_at_checked(length) else { break };
            routes = others;
            let frames =
                output.chunks_exact_mut(self.to.get()).zip(input.chunks_exact(self.from.get())).filter_map(
                    |(output, input)| output.get_mut(usize::from(first.to)).map(|output| (output, input)),
                );
            if is_copy(group) {
                for (output, input) in frames {
                    *output = pick(input, first);
                }
            } else {
                for (output, input) in frames {
                    let sum = group.iter().map(|&route| pick(input, route).to_f64() * f64::from(route.gain));
                    *output = S::from_f64(sum.sum());
                }
            }
        }
    }
}

fn channels(count: usize) -> Result<NonZeroUsize, MappingError> {
    NonZeroUsize::new(count).filter(|count| count.get() <= MAX_CHANNELS).ok_or(MappingError::Channels(count))
}

fn is_copy(group: &[Route]) -> bool {
    matches!(group, [Route { gain: 1.0, .. }])
}

/// `routes` are sorted by `to`.
fn plan(routes: &[Route], from: usize, to: usize) -> Plan {
    let mut groups = routes.chunk_by(|a, b| a.to == b.to);
    let complete = groups.clone().count() == to;
    if complete && groups.all(is_copy) {
        let straight = |(index, route): (usize, &Route)| usize::from(route.from) == index;
        if from == to && routes.iter().enumerate().all(straight) {
            return Plan::Identity;
        }
        let small = match (from, routes) {
            (1, [_, _]) => Some(Small::Spread),
            (2, [Route { from: 0, .. }]) => Some(Small::First),
            (2, [Route { from: 1, .. }]) => Some(Small::Second),
            (2, [Route { from: 0, .. }, Route { from: 0, .. }]) => Some(Small::FirstFirst),
            (2, [Route { from: 1, .. }, Route { from: 0, .. }]) => Some(Small::SecondFirst),
            (2, [Route { from: 1, .. }, Route { from: 1, .. }]) => Some(Small::SecondSecond),
            _ => None,
        };
        if let Some(small) = small {
            return Plan::Small(small);
        }
    }
    Plan::Routes { silent: !complete }
}

fn each<S: Sample, const F: usize, const T: usize>(
    input: &[S],
    output: &mut [S],
    frame: impl Fn(&[S; F]) -> [S; T],
) {
    for (output, input) in output.as_chunks_mut().0.iter_mut().zip(input.as_chunks().0) {
        *output = frame(input);
    }
}

fn pick<S: Sample>(frame: &[S], route: Route) -> S {
    // The constructor has checked the index.
    frame.get(usize::from(route.from)).copied().unwrap_or(S::EQUILIBRIUM)
}
