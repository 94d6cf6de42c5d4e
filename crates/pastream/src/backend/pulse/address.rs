//! Where a server may be, and what opens it, as libpulse finds them; only its client.conf is not read.

use std::{
    env, fmt, fs,
    net::{TcpStream, ToSocketAddrs},
    os::fd::OwnedFd,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with},
};

/// Where PulseAudio listens on a network.
const PORT: u16 = 4713;
/// The length of what the server calls a cookie.
const COOKIE: usize = 256;

/// A place where a server may listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Unix(PathBuf),
    Tcp(String, u16),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(host, port) => write!(f, "tcp:{host}:{port}"),
        }
    }
}

impl Address {
    /// A socket that doesn't block.
    pub(super) fn connect(&self, deadline: Instant) -> std::io::Result<OwnedFd> {
        match self {
            Self::Unix(path) => {
                let address = SocketAddrUnix::new(path)?;
                let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
                let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
                loop {
                    match connect(&socket, &address) {
                        Ok(()) => return Ok(socket),
                        // A server that hangs has others waiting in its queue; there is no event to wait for.
                        Err(Errno::AGAIN) if Instant::now() < deadline => {
                            thread::sleep(Duration::from_millis(5));
                        }
                        Err(Errno::AGAIN) => return Err(Errno::TIMEDOUT.into()),
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            Self::Tcp(host, port) => {
                let mut failed = Errno::HOSTUNREACH.into();
                for address in (host.as_str(), *port).to_socket_addrs()? {
                    let left = deadline.saturating_duration_since(Instant::now());
                    match TcpStream::connect_timeout(&address, left.max(Duration::from_millis(1))) {
                        Ok(stream) => {
                            stream.set_nodelay(true)?;
                            stream.set_nonblocking(true)?;
                            return Ok(stream.into());
                        }
                        Err(error) => failed = error,
                    }
                }
                Err(failed)
            }
        }
    }
}

/// Where to look, in this order.
pub(super) fn addresses() -> Vec<Address> {
    let machine = ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .iter()
        .find_map(|path| fs::read_to_string(path).ok())
        .map(|id| id.trim().to_owned());
    find(&variable, machine.as_deref())
}

/// An environment variable that is set to something.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn find(variable: &dyn Fn(&str) -> Option<String>, machine: Option<&str>) -> Vec<Address> {
    if let Some(servers) = variable("PULSE_SERVER") {
        return servers.split_whitespace().filter_map(|server| parse(server, machine)).collect();
    }
    let runtime = variable("PULSE_RUNTIME_PATH")
        .map(PathBuf::from)
        .or_else(|| variable("XDG_RUNTIME_DIR").map(|path| PathBuf::from(path).join("pulse")))
        .or_else(|| {
            Some(PathBuf::from(variable("HOME")?).join(format!(".config/pulse/{}-runtime", machine?)))
        });
    let system = PathBuf::from("/var/run/pulse");
    runtime.into_iter().chain([system]).map(|path| Address::Unix(path.join("native"))).collect()
}

/// One of the servers of `PULSE_SERVER`. `None` where it is another machine's, or of no kind that there is.
fn parse(server: &str, machine: Option<&str>) -> Option<Address> {
    let server = match server.strip_prefix('{') {
        Some(named) => {
            let (name, server) = named.split_once('}')?;
            Some(server).filter(|_| Some(name) == machine)?
        }
        None => server,
    };
    if let Some(path) = server.strip_prefix("unix:").or(server.starts_with('/').then_some(server)) {
        return Some(Address::Unix(path.into()));
    }
    let named =
        ["tcp:", "tcp4:", "tcp6:"].iter().find_map(|kind| server.strip_prefix(kind)).unwrap_or(server);
    let (host, rest) = match named.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?,
        None => named.find(':').map_or((named, ""), |colon| named.split_at(colon)),
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => port.parse().ok()?,
        None => PORT,
    };
    Some(host).filter(|host| !host.is_empty()).map(|host| Address::Tcp(host.to_owned(), port))
}

/// What tells the server that this user may use it. Zeros where there is none: a server of the same user asks for nothing.
pub(super) fn cookie() -> Vec<u8> {
    let home = variable("HOME").map(PathBuf::from);
    let at_home = |path: &str| home.as_ref().map(|home| home.join(path));
    let paths = [
        variable("PULSE_COOKIE").map(PathBuf::from),
        at_home(".config/pulse/cookie"),
        at_home(".pulse-cookie"),
    ];
    let cookie = paths.iter().flatten().find_map(|path| fs::read(path).ok());
    let mut cookie = cookie.unwrap_or_default();
    cookie.resize(COOKIE, 0);
    cookie
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Vec<String> {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        find(&variable, Some("m1")).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_environment_says_where_the_server_is() {
        let all = [("PULSE_RUNTIME_PATH", "/r"), ("XDG_RUNTIME_DIR", "/x"), ("HOME", "/h")];
        assert_eq!(found(&all), ["unix:/r/native", "unix:/var/run/pulse/native"]);
        assert_eq!(found(&all[1..]), ["unix:/x/pulse/native", "unix:/var/run/pulse/native"]);
        assert_eq!(
            found(&all[2..]),
            ["unix:/h/.config/pulse/m1-runtime/native", "unix:/var/run/pulse/native"]
        );
        assert_eq!(found(&[]), ["unix:/var/run/pulse/native"]);
    }

    #[test]
    fn a_server_is_named_in_each_way_that_libpulse_knows() {
        for (text, addresses) in [
            ("unix:/a/b", &["unix:/a/b"][..]),
            ("/a/b", &["unix:/a/b"]),
            ("{m1}unix:/a {m2}unix:/b", &["unix:/a"]),
            ("host", &["tcp:host:4713"]),
            (
                "tcp:host:99 tcp4:1.2.3.4 tcp6:[::1]:7 [::2]",
                &["tcp:host:99", "tcp:1.2.3.4:4713", "tcp:::1:7", "tcp:::2:4713"],
            ),
            ("tcp: tcp:host:port {m1", &[]),
        ] {
            assert_eq!(found(&[("PULSE_SERVER", text), ("XDG_RUNTIME_DIR", "/x")]), addresses, "{text}");
        }
    }
}
