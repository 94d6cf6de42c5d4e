//! The one server of the process, and our clients at it.
//!
//! libjack waits for its server, and for ever where that is stopped or where it cancelled a thread of its own that held a
//! lock. So one thread of ours talks to it, and nobody waits for that thread longer than [`PATIENCE`].

use std::{
    io, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::{
        Arc, LazyLock, Mutex, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use jack::{AsyncClient, Client, ClientOptions, ClientStatus, LoggerType, jack_sys};

use super::{
    handler::{Handler, Notifier},
    state::{State, lock},
};
use crate::{Error, ErrorKind, Result};

/// How long the server may take for one thing that it is asked.
const PATIENCE: Duration = Duration::from_secs(5);
/// What libjack's thread takes to leave a callback of ours, and far more.
const LEAVING: Duration = Duration::from_millis(2);
/// How often a server that is busy with other clients is asked for one, and after how long the first time.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(20);

type Job = Box<dyn FnOnce(&mut Clients) + Send>;

/// The thread that talks to libjack. It ends with the process: nobody can end it while libjack hangs.
static TALKER: LazyLock<io::Result<Sender<Job>>> = LazyLock::new(|| {
    let (jobs, asked) = mpsc::channel::<Job>();
    let talk = move || {
        let mut clients = Clients::default();
        for job in asked {
            // Who asked sees that there is no answer; the hook has told of the panic.
            let _ = catch_unwind(AssertUnwindSafe(|| job(&mut clients)));
            step();
        }
    };
    thread::Builder::new().name("pastream-jack".to_owned()).spawn(talk)?;
    Ok(jobs)
});
/// Answers that came from libjack.
static STEPS: AtomicU64 = AtomicU64::new(0);
/// The answer that somebody gave up waiting for, counted from 1. Until it comes nobody waits.
static STUCK: AtomicU64 = AtomicU64::new(0);

/// Our clients at the server.
///
/// When a client is opened after the server of others died, libjack deletes those, whoever has them. So they are closed
/// before one is opened.
#[derive(Default)]
struct Clients {
    /// Those without a device, to look at the server and for the next devices. A client that closes answers its server no
    /// more before that knows, which then waits two seconds for it, whoever else asks: so none is closed.
    idle: Vec<Client>,
    /// Whether the server tells clients that it is there. `PipeWire` may not: its clients are opened anew each time.
    answers: bool,
    /// Those that were opened for a device and not dropped.
    links: Vec<Weak<Link>>,
}

/// A device's client.
pub(super) struct Link {
    pub(super) state: Arc<State>,
    name: String,
    client: Mutex<Option<AsyncClient<Notifier, Handler>>>,
}

impl Link {
    /// Frees the client. Does nothing the second time.
    pub(super) fn close(self: &Arc<Self>) {
        let (tell, told) = mpsc::channel();
        let link = Arc::clone(self);
        let close = move |clients: &mut Clients| {
            clients.idle.extend(link.free());
            // Nobody waits where the server is known to be gone.
            let _ = tell.send(());
        };
        if submit(close).is_ok() && !self.state.is_lost() {
            // What takes longer is done later.
            let _ = wait(&told);
        }
    }

    /// Takes the client away from the device. Answers it where it can be used again, and closes it else.
    ///
    /// For the thread that talks to libjack.
    fn free(&self) -> Option<Client> {
        let client = lock(&self.client).take()?;
        let quiet = !self.state.is_dead() && quiet(client.as_client());
        // libjack cancels its threads wherever they are, and no code of ours may end in between, or run on without what it
        // works on.
        self.state.wait_until_idle();
        thread::sleep(LEAVING);
        let (client, _, handler) = Some(client).filter(|_| quiet)?.deactivate().ok()?;
        handler.unregister(&client).then_some(client)
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
pub(super) fn list<T: Send + 'static>(
    work: impl FnOnce(&Client, &[String]) -> T + Send + 'static,
) -> Result<T> {
    ask(move |clients| {
        let ours: Vec<_> = clients.links().map(|link| link.name.clone()).collect();
        Ok(work(clients.look()?, &ours))
    })
}

/// Opens a client and lets `work` activate it.
pub(super) fn link<T: Send + 'static>(
    state: Arc<State>,
    work: impl FnOnce(Client) -> Result<(AsyncClient<Notifier, Handler>, T)> + Send + 'static,
) -> Result<(Arc<Link>, T)> {
    ask(move |clients| {
        clients.look()?;
        let client = clients.idle.pop().map_or_else(|| clients.open(), Ok)?;
        let name = client.name().to_owned();
        let (client, made) = work(client)?;
        let link = Arc::new(Link { state, name, client: Mutex::new(Some(client)) });
        clients.links.retain(|link| link.strong_count() > 0);
        clients.links.push(Arc::downgrade(&link));
        Ok((link, made))
    })
}

/// Has nothing call the handlers of `client` any more. False where the server does not answer.
fn quiet(client: &Client) -> bool {
    // SAFETY: the client is open as long as it is borrowed.
    let quiet = unsafe { jack_sys::jack_deactivate(client.raw()) } == 0;
    // Of an inactive client this alone is called.
    // SAFETY: as above; where there is nothing to call nothing is passed to it.
    unsafe { jack_sys::jack_on_info_shutdown(client.raw(), None, ptr::null_mut()) };
    quiet
}

fn unavailable(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::HostUnavailable, reason)
}

fn hangs() -> Error {
    unavailable("the JACK server hangs: restart it").with_source(io::Error::from(io::ErrorKind::TimedOut))
}

/// Has `work` done by the thread that talks to libjack, unless nobody waits for it any more when its turn comes.
fn ask<T: Send + 'static>(work: impl FnOnce(&mut Clients) -> Result<T> + Send + 'static) -> Result<T> {
    let (tell, told) = mpsc::channel();
    let waiting = Arc::new(());
    let waits = Arc::downgrade(&waiting);
    submit(move |clients| {
        if waits.strong_count() > 0 {
            // What comes too late is dropped here: a client of it is closed.
            let _ = tell.send(work(clients));
        }
    })?;
    wait(&told)?
}

fn submit(job: impl FnOnce(&mut Clients) + Send + 'static) -> Result<()> {
    let failed = || unavailable("the thread that talks to JACK can't be started: the system has none left");
    TALKER.as_ref().map_err(|_| failed())?.send(Box::new(job)).map_err(|_| failed())
}

fn answers(client: &Client) -> bool {
    client.uuid_of_client_by_name(client.name()).is_some()
}

/// Notes that libjack has answered.
pub(super) fn step() {
    STEPS.fetch_add(1, Relaxed);
}

/// Waits for an answer, as long as libjack gives any.
fn wait<T>(told: &Receiver<T>) -> Result<T> {
    loop {
        let steps = STEPS.load(Relaxed);
        if STUCK.load(Relaxed) == steps + 1 {
            return Err(hangs());
        }
        match told.recv_timeout(PATIENCE) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Timeout) if STEPS.load(Relaxed) != steps => {}
            Err(RecvTimeoutError::Timeout) => STUCK.store(steps + 1, Relaxed),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(unavailable("libjack failed: restart the JACK server"));
            }
        }
    }
}

impl Clients {
    fn links(&self) -> impl Iterator<Item = Arc<Link>> {
        self.links.iter().filter_map(Weak::upgrade)
    }

    /// A client that the server answers.
    fn look(&mut self) -> Result<&Client> {
        let client = self.idle.pop();
        let had = client.is_some();
        // One that is idle is not told that its server died.
        let client = client.filter(answers);
        step();
        if had && client.is_none() {
            if self.answers {
                // It died just now. Those that have a device are told, unless a client is opened before.
                self.links().for_each(|link| link.state.wait_for_death());
            }
            self.idle.clear();
        }
        let client = client.map_or_else(|| self.open(), Ok)?;
        self.idle.push(client);
        self.idle.last().ok_or_else(hangs)
    }

    fn open(&mut self) -> Result<Client> {
        if let Err(error) = jack_sys::library() {
            return Err(unavailable(format!(
                "libjack can't be loaded ({error}): install JACK (Debian: libjack-jackd2-0)"
            )));
        }
        jack::set_logger(LoggerType::None);
        let mut links: Vec<_> = self.links().filter(|link| link.is_open()).collect();
        if links.iter().any(|link| link.state.is_dead()) {
            // They had one server, so all are dead; libjack tells each by itself.
            self.idle.clear();
            for link in links.drain(..) {
                link.state.wait_for_death();
                link.free();
                step();
            }
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let opened = Client::new("pastream", ClientOptions::NO_START_SERVER);
            step();
            let status = match opened {
                Ok((client, _)) => {
                    self.answers = answers(&client);
                    return Ok(client);
                }
                Err(jack::Error::ClientError(status)) => status,
                Err(error) => {
                    return Err(
                        unavailable(format!("the JACK server takes no client: {error}")).with_source(error)
                    );
                }
            };
            if status.contains(ClientStatus::SERVER_FAILED) {
                for link in links {
                    // It died just now.
                    link.state.wait_for_death();
                    link.forget();
                }
                self.idle.drain(..).for_each(mem::forget);
                return Err(unavailable("no JACK server runs: start one"));
            }
            if tries == TRIES {
                let message =
                    format!("the JACK server takes no client ({status:?}): try again, or restart it");
                return Err(unavailable(message).with_source(jack::Error::ClientError(status)));
            }
            thread::sleep(PAUSE * tries);
        }
    }
}
