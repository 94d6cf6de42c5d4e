//! Other clients' ports, and which of them an id means.

use jack::{Client, LatencyType, PortFlags};

/// What monitors are called by every server that has them.
const MONITOR: &str = "monitor";

/// A client as a device.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Target {
    pub(super) client: String,
    /// Where it takes what we play.
    pub(super) sinks: Ports,
    /// Where it gives what we record.
    pub(super) sources: Ports,
    /// What it gives is what it plays.
    pub(super) monitor: bool,
}

/// A device's ports in one direction, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ports {
    /// Whole names, client and port.
    pub(super) names: Vec<String>,
    /// Frames between them and the air, the longest.
    pub(super) latency: u32,
    /// Whether there is air behind them all.
    pub(super) physical: bool,
}

/// A port as the server lists it.
#[derive(Clone, Debug)]
struct Listed {
    name: String,
    is_source: bool,
    physical: bool,
    latency: u32,
}

impl Target {
    pub(super) fn id(&self) -> String {
        if self.monitor { format!("jack:{}:{MONITOR}", self.client) } else { format!("jack:{}", self.client) }
    }

    pub(super) fn name(&self) -> String {
        if self.monitor { format!("{} {MONITOR}", self.client) } else { self.client.clone() }
    }

    /// This one where it plays, `other` where that records.
    pub(super) fn recording(self, other: Self) -> Self {
        let monitor = other.monitor && other.client == self.client;
        Self { sources: other.sources, monitor, ..self }
    }

    /// Frames from playback to recording; `None` where it is software that lies between.
    pub(super) fn round_trip(&self) -> Option<u32> {
        if self.monitor {
            // What is played is there in the next cycle, which the monitor's latency says.
            return Some(self.sources.latency);
        }
        (self.sinks.physical && self.sources.physical).then_some(self.sinks.latency + self.sources.latency)
    }
}

/// Every device: each client, and its monitors after it.
pub(super) fn targets(client: &Client) -> Vec<Target> {
    group(&listed(client))
}

/// The device that the `pattern` of `jack:<pattern>` means; without one, the first physical.
pub(super) fn target(client: &Client, pattern: Option<&str>) -> Option<Target> {
    choose(&listed(client), pattern)
}

fn choose(ports: &[Listed], pattern: Option<&str>) -> Option<Target> {
    let targets = group(ports);
    let Some(pattern) = pattern else {
        let physical = |target: &Target| target.sinks.physical || target.sources.physical;
        return targets.into_iter().find(physical);
    };
    let same = |target: &Target| target.id().strip_prefix("jack:") == Some(pattern);
    if let Some(target) = targets.iter().find(|target| same(target)) {
        return Some(target.clone());
    }
    let (name, prefix) = pattern.split_once(':')?;
    let mut own = targets.iter().filter(|target| target.client == name);
    let client = own.next()?;
    let whole = own.find(|_| prefix.starts_with(MONITOR)).unwrap_or(client);
    let any = ports.iter().any(|port| chosen(port, name, prefix));
    any.then(|| {
        let side = |is_source, all: &Ports| {
            let ports = ports.iter().filter(|port| port.is_source == is_source && chosen(port, name, prefix));
            let ports: Ports = ports.collect();
            if ports.names.is_empty() { all.clone() } else { ports }
        };
        Target { sinks: side(false, &whole.sinks), sources: side(true, &whole.sources), ..whole.clone() }
    })
}

fn chosen(port: &Listed, client: &str, prefix: &str) -> bool {
    split(&port.name).is_some_and(|(owner, name)| owner == client && name.starts_with(prefix))
}

fn split(name: &str) -> Option<(&str, &str)> {
    name.split_once(':')
}

fn listed(client: &Client) -> Vec<Listed> {
    let names = client.ports(None, Some(jack::jack_sys::FLOAT_MONO_AUDIO), PortFlags::empty());
    let port = |name: String| {
        // It may have gone since.
        let port = client.port_by_name(&name)?;
        let flags = port.flags();
        let is_source = flags.contains(PortFlags::IS_OUTPUT);
        let side = if is_source { LatencyType::Capture } else { LatencyType::Playback };
        let (_, latency) = port.get_latency_range(side);
        Some(Listed { name, is_source, physical: flags.contains(PortFlags::IS_PHYSICAL), latency })
    };
    names.into_iter().filter_map(port).collect()
}

/// Makes devices of ports, in the order of their first ports.
fn group(ports: &[Listed]) -> Vec<Target> {
    let mut clients: Vec<&str> = Vec::new();
    for (client, _) in ports.iter().filter_map(|port| split(&port.name)) {
        if !clients.contains(&client) {
            clients.push(client);
        }
    }
    let mut targets = Vec::new();
    for client in clients {
        let own =
            || ports.iter().filter(move |port| split(&port.name).is_some_and(|(owner, _)| owner == client));
        let sinks: Ports = own().filter(|port| !port.is_source).collect();
        let is_monitor = |port: &&Listed| {
            sinks.physical && split(&port.name).is_some_and(|(_, name)| name.starts_with(MONITOR))
        };
        let sources = own().filter(|port| port.is_source && !is_monitor(port)).collect();
        let monitors: Ports = own().filter(|port| port.is_source && is_monitor(port)).collect();
        let target = Target { client: client.to_owned(), sinks, sources, monitor: false };
        let monitor = (!monitors.names.is_empty()).then(|| Target {
            sources: monitors,
            monitor: true,
            ..target.clone()
        });
        targets.push(target);
        targets.extend(monitor);
    }
    targets
}

impl<'a> FromIterator<&'a Listed> for Ports {
    fn from_iter<I: IntoIterator<Item = &'a Listed>>(listed: I) -> Self {
        let mut ports = Self { physical: true, ..Self::default() };
        for port in listed {
            ports.names.push(port.name.clone());
            ports.latency = ports.latency.max(port.latency);
            ports.physical &= port.physical;
        }
        ports.physical &= !ports.names.is_empty();
        ports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(name: &str, is_source: bool, physical: bool) -> Listed {
        let latency = if is_source { 10 } else { 20 };
        Listed { name: name.to_owned(), is_source, physical, latency }
    }

    /// A card with two parts and a monitor as `PipeWire` shows it, a program, and a mixer whose ports are called
    /// monitors although nothing is behind it.
    fn ports() -> Vec<Listed> {
        vec![
            port("Thru: 1:out", true, false),
            port("Speakers 5.1:playback_FL", false, true),
            port("Speakers 5.1:monitor_FL", true, false),
            port("Speakers 5.1:playback_FR", false, true),
            port("Speakers 5.1:monitor_FR", true, false),
            port("Mic:capture_MONO", true, true),
            port("mixer:in_1", false, false),
            port("mixer:monitor_1", true, false),
            port("mixer:main_1", true, false),
        ]
    }

    #[test]
    fn devices_are_clients_and_their_monitors() {
        let targets = group(&ports());
        let shape = |target: &Target| {
            (target.id(), target.sinks.names.len(), target.sources.names.len(), target.round_trip())
        };
        assert_eq!(
            targets.iter().map(shape).collect::<Vec<_>>(),
            [
                ("jack:Thru".to_owned(), 0, 1, None),
                ("jack:Speakers 5.1".to_owned(), 2, 0, None),
                ("jack:Speakers 5.1:monitor".to_owned(), 2, 2, Some(10)),
                ("jack:Mic".to_owned(), 0, 1, None),
                ("jack:mixer".to_owned(), 1, 2, None),
            ]
        );
    }

    #[test]
    fn a_pattern_picks_ports() {
        let chosen = |pattern| {
            choose(&ports(), pattern)
                .map(|target| (target.sinks.names.join(" "), target.sources.names.join(" ")))
        };
        let pair = |sinks: &str, sources: &str| Some((sinks.to_owned(), sources.to_owned()));
        let speakers = "Speakers 5.1:playback_FL Speakers 5.1:playback_FR";
        for (pattern, expected) in [
            (None, pair(speakers, "")),
            (Some("Speakers 5.1:playback_FR"), pair("Speakers 5.1:playback_FR", "")),
            (Some("Speakers 5.1:monitor"), pair(speakers, "Speakers 5.1:monitor_FL Speakers 5.1:monitor_FR")),
            (Some("Speakers 5.1:monitor_FR"), pair(speakers, "Speakers 5.1:monitor_FR")),
            (Some("mixer:main"), pair("mixer:in_1", "mixer:main_1")),
            (Some("mixer:monitor"), pair("mixer:in_1", "mixer:monitor_1")),
            (Some("mixer:aux"), None),
            (Some("mix"), None),
            (Some(""), None),
        ] {
            assert_eq!(chosen(pattern), expected, "{pattern:?}");
        }
        let one = choose(&ports(), Some("Speakers 5.1:monitor_FR")).expect("it is there");
        assert_eq!((one.id(), one.round_trip()), ("jack:Speakers 5.1:monitor".to_owned(), Some(10)));
    }

    #[test]
    fn two_clients_are_one_device_with_the_round_trip_that_is_between_them() {
        let find = |pattern| choose(&ports(), Some(pattern)).expect("it is there");
        let round_trip = |plays, records| find(plays).recording(find(records)).round_trip();
        assert_eq!(round_trip("Speakers 5.1", "Speakers 5.1:monitor"), Some(10));
        assert_eq!(round_trip("Speakers 5.1", "Mic"), Some(30));
        assert_eq!(round_trip("Speakers 5.1:monitor", "Mic"), Some(30));
        assert_eq!(round_trip("mixer", "Speakers 5.1:monitor"), None);
        assert_eq!(round_trip("Speakers 5.1", "mixer"), None);
    }
}
