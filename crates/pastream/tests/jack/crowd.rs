//! Several processes at one server.

use std::{
    env,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use pastream::{
    SampleFormat, device,
    stream::{Side, Stream},
};

use crate::{
    LOOP, config,
    server::{Server, alone},
};

/// Set for those of the crowd.
const CROWD: &str = "PASTREAM_JACK_CROWD";
const NAME: &str = "crowd::many_processes_list_open_and_close_at_once";
const ROUNDS: usize = 8;

#[test]
fn many_processes_list_open_and_close_at_once() {
    if env::var_os(CROWD).is_some() {
        return one_of_many();
    }
    alone(NAME, || {
        let _server = Server::start();
        let start = || {
            let mut command = Command::new(env::current_exe().expect("the test is a program"));
            command.args([NAME, "--exact", "--nocapture", "--test-threads=1"]).env(CROWD, "");
            command.stdout(Stdio::null()).spawn().expect("the test starts again")
        };
        let mut crowd: Vec<_> = (0..12).map(|_| start()).collect();
        let end = Instant::now() + Duration::from_secs(120);
        let ended = |child: &mut Child| child.try_wait().expect("a child of ours").is_some();
        while !crowd.iter_mut().all(ended) && Instant::now() < end {
            thread::sleep(Duration::from_millis(20));
        }
        let failed: Vec<_> = crowd
            .iter_mut()
            .filter_map(|child| {
                let hangs = child.try_wait().expect("a child of ours").is_none();
                if hangs {
                    child.kill().expect("a child of ours");
                }
                let status = child.wait().expect("a child of ours");
                (hangs || !status.success()).then(|| format!("{status}, hangs: {hangs}"))
            })
            .collect();
        assert!(failed.is_empty(), "{failed:?}");
    });
}

fn one_of_many() {
    for round in 0..ROUNDS {
        let found = device::find("jack", Side::Playback).unwrap_or_else(|error| panic!("{round}: {error}"));
        assert_eq!(found.id, "jack:system");
        let stream = Stream::open(config(LOOP, 2, SampleFormat::Float32));
        drop(stream.unwrap_or_else(|error| panic!("{round}: {error}")));
    }
}
