//! The one server of the process, and our clients at it.

use std::{
    mem,
    sync::{Arc, Mutex, Weak},
    thread,
    time::Duration,
};

use jack::{AsyncClient, Client, ClientOptions, ClientStatus, LoggerType};

use super::{
    handler::{Handler, Notifier},
    state::{State, lock},
};
use crate::{Error, ErrorKind, Result};

/// Every client that was opened for a device and not dropped. Whoever opens or closes one holds this.
///
/// When a client is opened after the server of others died, libjack deletes those, whoever has them. So they are closed
/// before one is opened, and none is opened to list where there is one to ask.
static CLIENTS: Mutex<Vec<Weak<Link>>> = Mutex::new(Vec::new());

/// What libjack's thread takes to leave a callback of ours, and far more.
const LEAVING: Duration = Duration::from_millis(2);

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
        if client.is_some() && self.state.is_lost() {
            // libjack cancels its threads wherever they are, and no code of ours may end in between.
            self.state.wait_until_idle();
            thread::sleep(LEAVING);
        }
        drop(client);
    }

    /// The client is closed already, or will be by libjack: nothing that it calls may be freed.
    fn forget(&self) {
        mem::forget(lock(&self.client).take());
    }

    fn is_open(&self) -> bool {
        lock(&self.client).is_some()
    }
}

/// Lets `work` look at the server, and at which of its clients are ours.
pub(super) fn list<T>(work: impl FnOnce(&Client, &[String]) -> T) -> Result<T> {
    let mut clients = lock(&CLIENTS);
    let links: Vec<_> = clients.iter().filter_map(Weak::upgrade).collect();
    let ours: Vec<_> = links.iter().map(|link| link.name.clone()).collect();
    for link in links.iter().filter(|link| !link.state.is_dead()) {
        if let Some(client) = &*lock(&link.client) {
            return Ok(work(client.as_client(), &ours));
        }
    }
    let client = open(&mut clients, "pastream-list")?;
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
    let mut links: Vec<_> = clients.iter().filter_map(Weak::upgrade).filter(|link| link.is_open()).collect();
    if links.iter().any(|link| link.state.is_dead()) {
        // They had one server, so all are dead; libjack tells each by itself.
        for link in links.drain(..) {
            link.state.wait_for_death();
            link.close_alone();
        }
    }
    Client::new(name, ClientOptions::NO_START_SERVER).map(|(client, _)| client).map_err(|error| match error {
        jack::Error::ClientError(status) if status.contains(ClientStatus::SERVER_FAILED) => {
            for link in links {
                // It died just now.
                link.state.wait_for_death();
                link.forget();
            }
            unavailable("no JACK server runs: start one".to_owned())
        }
        error => unavailable(format!("the JACK server takes no client: {error}")),
    })
}
