use std::error::Error as _;

use super::{
    device::JackDevice,
    ports::{self, Target},
    server,
};
use crate::{
    Error, ErrorKind, Result, SampleFormat,
    backend::{Backend, Device, DeviceInfo, Request},
};

/// The host of JACK and of what speaks its protocol: `jack:<client>[:<prefix of its ports' names>]`.
///
/// A prefix picks ports; a direction without such ports has all of the client's. `jack:<client>:monitor` plays into
/// the client and records what it plays, where the server has ports for that: `jackd -d dummy -m`, `PipeWire`.
#[derive(Clone, Copy, Debug, Default)]
pub struct JackBackend;

impl Backend for JackBackend {
    fn host(&self) -> &'static str {
        "jack"
    }

    fn available(&self) -> Result<(), String> {
        server::list(|_, _| ()).map_err(|error| error.message().to_owned())
    }

    fn fails(&self) -> Option<String> {
        // What is not there has no cause.
        let failed = server::list(|_, _| ()).err().filter(|error| error.source().is_some());
        failed.map(|error| error.message().to_owned())
    }

    fn devices(&self) -> Result<Vec<DeviceInfo>> {
        server::list(|client, ours| {
            let (mut input, mut output) = (false, false);
            let targets = ports::targets(client);
            let others = targets.iter().filter(|target| !ours.contains(&target.client));
            others.map(|target| info(target, client.sample_rate(), &mut input, &mut output)).collect()
        })
    }

    fn duplex(&self, _: &str, _: &str) -> bool {
        // A client has ports for both, wherever they are connected.
        true
    }

    fn open(&self, request: &Request) -> Result<Box<dyn Device>> {
        if request.playback.is_none() && request.recording.is_none() {
            return Err(Error::new(ErrorKind::InvalidArgument, "a stream plays, records or does both"));
        }
        Ok(Box::new(JackDevice::open(request)?))
    }
}

/// `target` as a device. `input` and `output` say whether there was a default before.
fn info(target: &Target, rate: u32, input: &mut bool, output: &mut bool) -> DeviceInfo {
    let seconds = |frames: u32| f64::from(frames) / f64::from(rate);
    let input_latency = seconds(target.sources.latency);
    let output_latency = seconds(target.sinks.latency);
    let first = |ports: &ports::Ports, before: &mut bool| {
        let first = ports.physical && !target.monitor && !*before;
        *before |= first;
        first
    };
    DeviceInfo {
        id: target.id(),
        name: target.name(),
        host: "jack".to_owned(),
        max_input_channels: target.sources.names.len(),
        max_output_channels: target.sinks.names.len(),
        default_sample_rate: rate,
        default_low_input_latency: input_latency,
        default_low_output_latency: output_latency,
        default_high_input_latency: input_latency,
        default_high_output_latency: output_latency,
        sample_rates: vec![rate..=rate],
        formats: vec![SampleFormat::Float32],
        is_default_input: first(&target.sources, input),
        is_default_output: first(&target.sinks, output),
    }
}
