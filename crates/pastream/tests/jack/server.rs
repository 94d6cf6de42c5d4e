//! A JACK server for each test, and a process of its own.

use std::{
    env,
    process::{self, Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use pastream::device;

/// Names the test that this process is for.
const INSIDE: &str = "PASTREAM_JACK_TEST";
/// libjack takes the server's name from here.
const SERVER: &str = "JACK_DEFAULT_SERVER";
const PATIENCE: Duration = Duration::from_secs(20);

/// One at a time: each has an audio thread that wants to be in time.
static ALONE: Mutex<()> = Mutex::new(());

/// jackd with its dummy driver: 48 kHz, two channels each way, and monitors of what is played.
pub(crate) struct Server {
    child: Child,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with_period(256)
    }

    pub(crate) fn with_period(period: usize) -> Self {
        let name = env::var(SERVER).expect("a test runs inside `alone`");
        let child = Command::new("jackd")
            .args(["-n", &name, "-r", "--no-mlock", "-d", "dummy", "-r", "48000", "-C", "2", "-P", "2", "-m"])
            .args(["-p", &period.to_string()])
            .env("JACK_NO_AUDIO_RESERVATION", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("jackd starts");
        let server = Self { child };
        wait_for("the server", is_available);
        server
    }

    /// Kills it. Another has to be started: a server that is ended in order gives its place free, of which JACK has
    /// eight on a machine.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the server is ours");
        self.child.wait().expect("the server is our child");
    }

    /// Stops and continues it as a busy machine would.
    pub(crate) fn signal(&self, signal: &str) {
        let killed = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(killed.expect("kill runs").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Killed before, perhaps.
        if let Ok(None) = self.child.try_wait() {
            self.signal("-TERM");
            // One that is stopped hears nothing.
            self.signal("-CONT");
            let _ = self.child.wait();
        }
    }
}

pub(crate) fn is_available() -> bool {
    device::hosts().iter().any(|host| host.name == "jack" && host.is_available())
}

/// Waits for what nothing tells of.
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Runs `test`, named `name`, in a process of its own, which has a server name of its own and prints nothing.
pub(crate) fn alone(name: &str, test: fn()) {
    if env::var(INSIDE).is_ok_and(|inside| inside == name) {
        return test();
    }
    if Command::new("jackd").arg("--version").output().is_err() {
        assert!(env::var_os("CI").is_none(), "jackd is not installed");
        eprintln!("skipped: jackd is not installed");
        return;
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let output = Command::new(env::current_exe().expect("the test is a program"))
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, name)
        .env(SERVER, format!("pastream-{}", process::id()))
        .output()
        .expect("the test starts again");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{stdout}\n{stderr}", output.status);
    assert!(stdout.contains("1 passed"), "`{name}` is no test: {stdout}");
    assert_eq!(stderr, "", "libjack is silent");
    // The harness's own lines are all.
    assert!(!stdout.to_lowercase().contains("jack_") && !stdout.contains("JACK"), "{stdout}");
}
