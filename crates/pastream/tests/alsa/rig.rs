//! A sound server and a configuration of ALSA of the test's own, and the test again as a child that sees no other.
#![expect(clippy::unwrap_used, reason = "a step that cannot go on fails its test")]

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
};

/// Names the folder of the rig to the child.
const RIG: &str = "PASTREAM_TEST_RIG";
/// Names the process of the server to the child.
const SERVER: &str = "PASTREAM_TEST_SERVER";

const LIBASOUND: [&str; 6] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/arm-linux-gnueabihf",
    "/usr/lib64",
    "/usr/lib",
    "/lib",
];

/// `pcm.default` of most desktops, and PCMs that no listing names.
const CONFIG: &str = r#"
</usr/share/alsa/alsa.conf>
pcm.!default { type pulse }
ctl.!default { type pulse }
pcm.mine { type pulse hint { show on description "My own device
of two lines" } }
pcm.unlisted { type plug slave.pcm "pulse" }
pcm.underruns { type pulse handle_underrun 1 }
pcm.only44100 { type plug slave { pcm { type null } rate 44100 channels 2 } }
pcm.tofile { type file format raw file "@FOLDER@/played" slave.pcm { type null } }
"#;

/// The same without a server or a card.
const BARE: &str = "</usr/share/alsa/alsa.conf>\n";

/// What a test runs in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum With {
    /// A null sink `loop` of PulseAudio, recorded from its monitor, as ALSA's default.
    Server,
    /// ALSA's plug-ins alone.
    Plugins,
    /// The configuration that a machine has without a card.
    Nothing,
}

/// Runs `body` in a child that has `with`. Answers what the child printed, and `None` in the child and where the test
/// is skipped.
pub(crate) fn run(test: &str, with: With, body: impl FnOnce(&Path)) -> Option<Output> {
    if let Some(folder) = env::var_os(RIG) {
        body(Path::new(&folder));
        return None;
    }
    if let Some(missing) = missing(with) {
        assert!(env::var_os("CI").is_none(), "{missing} is missing");
        eprintln!("skipped {test}: {missing} is missing");
        return None;
    }
    // Short: the name of a socket has little room.
    let folder = env::temp_dir().join(format!("pastream-alsa-{}-{test}", std::process::id()));
    let folder = Folder(folder);
    fs::create_dir_all(&folder.0).unwrap();
    let shown = folder.0.to_str().unwrap();
    let config = folder.0.join("asound.conf");
    let settings = if with == With::Nothing { BARE.to_owned() } else { CONFIG.replace("@FOLDER@", shown) };
    fs::write(&config, settings).unwrap();
    let server = (with == With::Server).then(|| Server::start(&folder.0));
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture"]).env(RIG, &folder.0).env("ALSA_CONFIG_PATH", &config);
    child.env("XDG_RUNTIME_DIR", &folder.0).env("HOME", &folder.0);
    child.env("PULSE_SERVER", format!("unix:{shown}/pulse/native"));
    if let Some(server) = &server {
        child.env(SERVER, server.0.id().to_string());
    }
    let output = child.output().unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{said}");
    print!("{said}");
    Some(output)
}

fn missing(with: With) -> Option<&'static str> {
    let there = |file: &str| LIBASOUND.iter().any(|folder| Path::new(folder).join(file).exists());
    let on_path = |tool: &str| {
        env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|folder| folder.join(tool).exists())
    };
    let server = with == With::Server;
    [
        ("libasound2", there("libasound.so.2")),
        ("pulseaudio", !server || on_path("pulseaudio")),
        ("pactl, of pulseaudio-utils,", !server || on_path("pactl")),
        (
            "ALSA's plug-in for PulseAudio, of libasound2-plugins,",
            !server || there("alsa-lib/libasound_module_pcm_pulse.so"),
        ),
    ]
    .into_iter()
    .find(|&(_, there)| !there)
    .map(|(name, _)| name)
}

/// Sends a signal to the server that the child's parent started.
pub(crate) fn signal_server(signal: &str) {
    let server = env::var(SERVER).unwrap();
    assert!(Command::new("kill").args([signal, &server]).status().unwrap().success());
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Server(Child);

impl Server {
    fn start(folder: &Path) -> Self {
        let sink = "module-null-sink sink_name=loop rate=48000 channels=2 format=s16le norewinds=1";
        let mut child = Command::new("pulseaudio");
        child.args([
            "-n",
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--log-target=stderr",
            "--log-level=info",
        ]);
        child.args(["-L", "module-native-protocol-unix", "-L", sink]);
        child.env("XDG_RUNTIME_DIR", folder).env("HOME", folder);
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let server = Self(child);
        let mut said = Vec::new();
        assert!(
            log.any(|line| {
                let up = line.contains("Daemon startup complete");
                said.push(line);
                up
            }),
            "{said:?}"
        );
        // So that it never waits for a reader.
        thread::spawn(move || log.for_each(drop));
        let chosen = Command::new("pactl")
            .args(["set-default-source", "loop.monitor"])
            .env("PULSE_SERVER", format!("unix:{}/pulse/native", folder.display()))
            .status()
            .unwrap();
        assert!(chosen.success());
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
