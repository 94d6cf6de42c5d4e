//! The one server of the process, and our clients at it.

use std::sync::{Arc, Mutex, Weak};

use jack::{AsyncClient, Client, ClientOptions, ClientStatus, LoggerType};

use super::{
    handler::{Handler, Notifier},
    state::{State, lock},
};
use crate::{Error, ErrorKind, Result};

/// Every client that was opened for a device and not dropped.
///
/// libjack keeps what it has of a server by the clients' numbers: one that is opened while one of a dead server is left
/// crashes the process. So whoever opens or closes holds this, and closes the dead before it opens.
static CLIENTS: Mutex<Vec<Weak<Link>>> = Mutex::new(Vec::new());

/// A device's client.
pub(super) struct Link {
    pub(super) state: Arc<State>,
    name: String,
    client: Mutex<Option<AsyncClient<Notifier, Handler>>>,
}

impl Link {
    /// Closes the client. Does nothing the second time.
    pub(super) fn close(&self) {
        let _clients = lock(&CLIENTS);
        self.close_alone();
    }

    /// To be called with the list of clients locked.
    fn close_alone(&self) {
        let client = lock(&self.client).take();
        if client.is_some() {
            // libjack cancels its threads wherever they are, and ours is no code that may end in between.
            self.state.wait_until_idle();
        }
        drop(client);
    }
}

/// Lets `work` look at the server, through a client that is closed afterwards. It is told which clients are ours.
pub(super) fn list<T>(work: impl FnOnce(&Client, &[String]) -> T) -> Result<T> {
    let mut clients = lock(&CLIENTS);
    let client = open(&mut clients, "pastream-list")?;
    let ours: Vec<_> = clients.iter().filter_map(Weak::upgrade).map(|link| link.name.clone()).collect();
    Ok(work(&client, &ours))
}

/// Opens a client and lets `work` activate it.
pub(super) fn link(
    state: Arc<State>,
    work: impl FnOnce(Client) -> Result<AsyncClient<Notifier, Handler>>,
) -> Result<Arc<Link>> {
    let mut clients = lock(&CLIENTS);
    let client = open(&mut clients, "pastream")?;
    let name = client.name().to_owned();
    let client = Mutex::new(Some(work(client)?));
    let link = Arc::new(Link { state, name, client });
    clients.push(Arc::downgrade(&link));
    Ok(link)
}

fn open(clients: &mut Vec<Weak<Link>>, name: &str) -> Result<Client> {
    let unavailable = |reason: String| Error::new(ErrorKind::HostUnavailable, reason);
    if let Err(error) = jack::jack_sys::library() {
        return Err(unavailable(format!(
            "libjack can't be loaded ({error}): install JACK (Debian: libjack-jackd2-0)"
        )));
    }
    jack::set_logger(LoggerType::None);
    clients.retain(|link| link.strong_count() > 0);
    for link in clients.iter().filter_map(Weak::upgrade).filter(|link| link.state.is_dead()) {
        link.close_alone();
    }
    Client::new(name, ClientOptions::NO_START_SERVER).map(|(client, _)| client).map_err(|error| match error {
        jack::Error::ClientError(status) if status.contains(ClientStatus::SERVER_FAILED) => {
            unavailable("no JACK server runs: start one".to_owned())
        }
        error => unavailable(format!("the JACK server takes no client: {error}")),
    })
}
