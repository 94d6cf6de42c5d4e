use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    thread::{self, JoinHandle},
    time::Duration,
};

use jack::{AsyncClient, AudioIn, AudioOut, Client, Port, PortSpec};

use super::{
    handler::{Handler, Notifier},
    ports::{self, Ports, Target},
    run::{MAX_PERIOD, Run},
    server::{self, Link},
    state::{Refused, State},
};
use crate::{
    Error, ErrorKind, Result, SampleFormat,
    backend::{
        Alignment, AlignmentMethod, Cutter, Device, Opened, OpenedSide, Process, Request, Side,
        adapter::{Ends, adapt},
        opened::joined,
    },
};

/// The most frames of a block that the stream chose itself.
const MAX_BLOCK: usize = 65_536;
/// Cycles until connections hold in the whole graph: the one under way, and the one that they begin with.
const SETTLED: u64 = 3;
/// What a cycle of the server may take longer than its period.
const PATIENCE: Duration = Duration::from_secs(2);

/// A client of ours, active from the opening on: silent and deaf but in a run.
pub(super) struct JackDevice {
    opened: Opened,
    link: Arc<Link>,
    /// Frames between callback and air, of playback and recording.
    lag: [u32; 2],
    /// Frames from playback to recording, where they are known.
    round_trip: Option<u32>,
    /// The server's period at the opening.
    period: usize,
    /// The stream's block, where it isn't the period.
    block: Option<usize>,
    /// Looks after the run under way.
    watch: Option<JoinHandle<()>>,
}

/// What came of an opening.
struct Made {
    target: Target,
    opened: Opened,
    period: usize,
    block: Option<usize>,
}

impl JackDevice {
    pub(super) fn open(request: &Request) -> Result<Self> {
        let state = Arc::new(State::default());
        let (shared, request) = (Arc::clone(&state), request.clone());
        let made = server::link(Arc::clone(&state), move |client| make(&shared, &request, client));
        let (link, Made { target, opened, period, block }) = made?;
        let latency = |ports: &Ports, open: bool| if open { ports.latency } else { 0 };
        let lag = [
            latency(&target.sinks, opened.playback.is_some()),
            latency(&target.sources, opened.recording.is_some()),
        ];
        let duplex = opened.playback.is_some() && opened.recording.is_some();
        let round_trip = target.round_trip().filter(|_| duplex);
        let seconds = period as f64 / f64::from(opened.sample_rate);
        let device = Self { opened, link, lag, round_trip, period, block, watch: None };
        let patience = PATIENCE + Duration::from_secs_f64(seconds * (SETTLED + 1) as f64);
        if state.wait_for_cycles(SETTLED, patience) {
            Ok(device)
        } else if state.is_lost() {
            let message =
                format!("device `{}` went away while it was opened: open it again", device.opened.id);
            Err(Error::new(ErrorKind::DeviceLost, message))
        } else {
            Err(Error::new(ErrorKind::HostUnavailable, "the JACK server hangs: restart it"))
        }
    }
}

/// Makes ports of `client` as `request` wants them, activates it and connects them.
fn make(
    state: &Arc<State>,
    request: &Request,
    client: Client,
) -> Result<(AsyncClient<Notifier, Handler>, Made)> {
    let (id, other) = (&request.id, request.recording_id.as_ref());
    let refused = |what: String| refusal(id, &what);
    let rate = client.sample_rate();
    match request.sample_rate {
        Some(0) => return Err(too_few("rate")),
        Some(asked) if asked != rate => {
            return Err(refused(format!(
                "runs at the JACK server's rate, {rate} Hz, not at {asked}: ask for {rate} Hz, or start the server at {asked}"
            )));
        }
        _ => {}
    }
    let named = |id: &String| {
        let pattern = id.split_once(':').map(|(_, pattern)| pattern);
        let target = ports::target(&client, pattern).ok_or_else(|| {
            Error::new(ErrorKind::DeviceNotFound, format!("no JACK client has audio ports for `{id}`"))
        })?;
        Ok((pattern.map_or_else(|| target.id(), |_| id.clone()), target))
    };
    let (mut own_id, mut target) = named(id)?;
    let mut name = target.name();
    if let Some(other) = other {
        let (id, recorded) = named(other)?;
        (own_id, name) = (joined(&own_id, &id, ","), joined(&name, &recorded.name(), " and "));
        target = target.recording(recorded);
    }
    let side = |id: &str, side: Option<Side>, ports: &Ports, latency: u32, verb: &str| {
        let Some(side) = side else { return Ok(None) };
        let most = ports.names.len();
        let channels = side.channels.unwrap_or(most.clamp(1, 2));
        if channels == 0 {
            return Err(too_few("channels"));
        }
        if channels > most {
            return Err(refusal(
                id,
                &format!("has {most} ports to {verb}, not {channels}: use fewer channels"),
            ));
        }
        let latency = f64::from(latency) / f64::from(rate);
        Ok(Some(OpenedSide { channels, format: side.format.unwrap_or_default(), latency }))
    };
    let mut playback = side(id, request.playback, &target.sinks, target.sinks.latency, "play to")?;
    let recording =
        side(other.unwrap_or(id), request.recording, &target.sources, target.sources.latency, "record from")?;

    let period = client.buffer_size() as usize;
    let block = request.block_size.filter(|&size| size > 0 && size != period);
    if let Some(block) = block.filter(|&block| block > MAX_BLOCK) {
        return Err(refused(format!("has blocks of 1 to {MAX_BLOCK} frames, not of {block}")));
    }
    if period > MAX_PERIOD {
        return Err(refused(format!("has periods of {period} frames, more than {MAX_PERIOD}")));
    }
    if let (Some(playback), Some(_), Some(block)) = (&mut playback, &recording, block) {
        // The adapter holds back one block of both directions together.
        playback.latency += block as f64 / f64::from(rate);
    }

    let count = |side: Option<OpenedSide>| side.map_or(0, |side| side.channels);
    let outputs = register::<AudioOut>(&client, "output", count(playback))?;
    let inputs = register::<AudioIn>(&client, "input", count(recording))?;
    let sinks = target.sinks.names[..outputs.len()].to_vec();
    let sources = target.sources.names[..inputs.len()].to_vec();
    let mut wires = Vec::new();
    for (port, sink) in outputs.iter().zip(&sinks) {
        wires.push((port.name().map_err(failed)?, sink.clone()));
    }
    for (port, source) in inputs.iter().zip(&sources) {
        wires.push((source.clone(), port.name().map_err(failed)?));
    }
    let notifier = Notifier::new(Arc::clone(state), &client, &[sinks, sources].concat());
    let handler = Handler::new(Arc::clone(state), outputs, inputs);
    let active = client.activate_async(notifier, handler).map_err(failed)?;
    for (from, to) in wires {
        server::step();
        match active.as_client().connect_ports_by_name(&from, &to) {
            // A server that connects new clients by itself was faster.
            Ok(()) | Err(jack::Error::PortAlreadyConnected(..)) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    let opened = Opened {
        id: own_id,
        name,
        sample_rate: rate,
        playback,
        recording,
        block_size: block.unwrap_or(period),
        clock: Some("jack".to_owned()),
    };
    Ok((active, Made { target, opened, period, block }))
}

fn exact(offset_frames: f64) -> Alignment {
    Alignment { offset_frames, jitter_frames: 0.0, drift_ppm: 0.0, method: AlignmentMethod::Callback }
}

fn refusal(id: &str, what: &str) -> Error {
    Error::new(ErrorKind::UnsupportedConfig, format!("device `{id}` {what}"))
}

fn too_few(what: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{what}: 0 is too few, use 1 or more"))
}

fn failed(error: jack::Error) -> Error {
    Error::new(ErrorKind::HostUnavailable, format!("the JACK server refuses: {error}")).with_source(error)
}

fn register<P: PortSpec + Default>(client: &Client, name: &str, count: usize) -> Result<Vec<Port<P>>> {
    (1..=count)
        .map(|number| {
            server::step();
            client.register_port(&format!("{name}_{number}"), P::default()).map_err(failed)
        })
        .collect()
}

impl Device for JackDevice {
    fn opened(&self) -> &Opened {
        &self.opened
    }

    fn start(&mut self, process: Box<dyn Process>) -> Result<()> {
        let ends = |side: OpenedSide| Ends {
            channels: side.channels,
            device: SampleFormat::Float32,
            stream: side.format,
        };
        let opened = &self.opened;
        let mut process = adapt(
            process,
            opened.playback.map(ends),
            opened.recording.map(ends),
            self.block,
            self.period,
            opened.sample_rate,
        );
        if let Some(round_trip) = self.round_trip {
            process.aligned(&exact(f64::from(round_trip)));
        }
        let state = &self.link.state;
        state.begin(Run::new(process, opened, self.lag)).map_err(|refused| match refused {
            Refused::Started => Error::new(
                ErrorKind::StreamState,
                format!("device `{}` is started: stop it first", opened.id),
            ),
            Refused::Lost => Error::new(
                ErrorKind::DeviceLost,
                format!("device `{}` went away: open a new stream", opened.id),
            ),
        })?;
        let watched = Arc::clone(state);
        let watch = thread::Builder::new().name("pastream-watch".to_owned()).spawn(move || watched.watch());
        self.watch = Some(watch.map_err(|error| {
            self.stop();
            Error::io("cannot start the thread that looks after the device", error)
        })?);
        Ok(())
    }

    fn stop(&mut self) {
        let state = &self.link.state;
        state.end();
        drop(state.take_run());
        if let Some(watch) = self.watch.take() {
            watch.thread().unpark();
            // It does nothing that could fail.
            let _ = watch.join();
        }
        if state.is_lost() {
            self.link.close();
        }
    }

    fn finish(&mut self) -> bool {
        let state = &self.link.state;
        if self.watch.is_some() {
            state.wait_for_end();
        }
        let played = !state.is_lost();
        self.stop();
        played
    }

    fn cutter(&self) -> Cutter {
        let state = Arc::clone(&self.link.state);
        Box::new(move || state.end())
    }

    fn time(&self) -> f64 {
        self.link.state.position.load(Relaxed) as f64 / f64::from(self.opened.sample_rate)
    }

    fn burst(&self) -> usize {
        // As many blocks as a period needs.
        self.period.next_multiple_of(self.opened.block_size)
    }

    fn alignable(&self) -> bool {
        self.round_trip.is_some()
    }

    fn alignment(&self) -> Option<Alignment> {
        // Another period has other latencies.
        let same = self.link.state.period.load(Relaxed) as usize == self.period;
        let round_trip = self.round_trip.filter(|_| same)?;
        Some(exact(f64::from(round_trip) + self.block.unwrap_or(0) as f64))
    }

    fn realtime(&self) -> Option<bool> {
        self.link.state.realtime()
    }

    fn cpu_load(&self) -> f64 {
        self.link.state.load.get()
    }
}

impl Drop for JackDevice {
    fn drop(&mut self) {
        self.stop();
        self.link.close();
    }
}
