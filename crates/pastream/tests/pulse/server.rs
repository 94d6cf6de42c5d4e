//! A private PulseAudio server, and child processes of this test that see no other.

use std::{
    env, fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long anything of the server may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// One at a time: what is timed here is the server, not how many of them a machine can take.
static RUNNING: Mutex<()> = Mutex::new(());
static FOLDERS: AtomicUsize = AtomicUsize::new(0);

/// A server with the null sinks `loop` and `spare`, and `rewinds`, which can rewind as sound cards do. Killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) folder: PathBuf,
}

impl Server {
    pub(crate) fn start(folder: &Path) -> Self {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).unwrap();
        let sink = |name: &str, rate: u32, format: &str, norewinds: u8| {
            format!(
                "module-null-sink sink_name={name} rate={rate} channels=2 format={format} norewinds={norewinds}"
            )
        };
        let child = Command::new("pulseaudio")
            .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"])
            .args(["-L", "module-native-protocol-unix"])
            .args(["-L", &sink("loop", 48_000, "s16le", 1), "-L", &sink("spare", 44_100, "float32le", 1)])
            .args(["-L", &sink("rewinds", 48_000, "s16le", 0)])
            .env("XDG_RUNTIME_DIR", folder)
            .env("HOME", folder)
            .env_remove("PULSE_SERVER")
            .env_remove("PULSE_RUNTIME_PATH")
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, folder: folder.to_owned() };
        until("the server listens", || UnixStream::connect(server.socket()).is_ok());
        until("the sinks are there", || server.control(&["list", "short", "sinks"]).contains("rewinds"));
        server
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("pulse/native")
    }

    /// What `pactl` answers.
    pub(crate) fn control(&self, args: &[&str]) -> String {
        let output = Command::new("pactl").args(args).env("PULSE_SERVER", self.name()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// As `PULSE_SERVER` names it.
    pub(crate) fn name(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    pub(crate) fn signal(&self, signal: &str) {
        let killed = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `done`, and fails where that takes too long.
pub(crate) fn until(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Runs the test `name` of this file once more in a process of its own, which finds the server at `PULSE_SERVER`. True
/// in that process, where the test is to run; false where it has run there, or is skipped for want of a server.
pub(crate) fn inside(name: &str) -> bool {
    if env::var_os("PASTREAM_PULSE").is_some() {
        return true;
    }
    if Command::new("pulseaudio").arg("--version").output().is_err() {
        assert!(env::var_os("CI").is_none(), "pulseaudio is not installed");
        eprintln!("skipped {name}: pulseaudio is not installed");
        return false;
    }
    let _alone = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    // A socket's path can't be long.
    let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("pastream-pulse-{}-{number}", std::process::id()));
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env("PASTREAM_PULSE", &folder)
        .env("PULSE_SERVER", format!("unix:{}/pulse/native", folder.display()))
        .env_remove("PULSE_COOKIE")
        .output()
        .unwrap();
    let _ = fs::remove_dir_all(folder);
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    eprintln!("{text}");
    false
}

/// The folder that this process's server lies in.
pub(crate) fn folder() -> PathBuf {
    env::var_os("PASTREAM_PULSE").unwrap().into()
}
