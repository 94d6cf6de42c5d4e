//! Servers that hang, or die at the end of a run.

use std::{
    sync::mpsc,
    time::{Duration, Instant},
};

use pastream::{
    ErrorKind, SampleFormat,
    device::{self, HostInfo},
    source::Source,
    stream::{Outcome, Run, Stream, StreamEvent},
};

use crate::{
    duplex, loops, noise, record,
    server::{Server, alone, is_available, wait_for},
};

const FORMAT: SampleFormat = SampleFormat::Int16;

/// Why JACK can't be used.
fn reason() -> Option<String> {
    let jack = |host: HostInfo| (host.name == "jack").then_some(host.unavailable);
    device::hosts().into_iter().find_map(jack).expect("the host is known")
}

fn quickly<T>(what: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = what();
    assert!(began.elapsed() < Duration::from_secs(1), "it took {:?}", began.elapsed());
    done
}

#[test]
fn a_server_that_hangs_is_a_device_lost() {
    alone("ends::a_server_that_hangs_is_a_device_lost", || {
        let server = Server::start();
        let (stream, idle) = (duplex(2, FORMAT), duplex(1, FORMAT));
        let told = record(&stream);
        server.signal("-STOP");
        let stopped = Instant::now();
        let told = told.recv_timeout(Duration::from_secs(10)).unwrap();
        let after = told - stopped;
        assert!((1.4..4.0).contains(&after.as_secs_f64()), "told after {after:?}");
        let error = stream.wait(Some(Duration::from_secs(5))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeviceLost);
        let recorded = stream.take_recording().unwrap().len() as u64;
        assert_eq!(recorded, stream.shared().frame_count() * 4);

        quickly(|| stream.close()).unwrap();
        // Whoever asks first waits for an answer, until it is known that none comes.
        assert_eq!(reason().unwrap(), "the JACK server hangs: restart it");
        assert_eq!(quickly(reason).unwrap(), "the JACK server hangs: restart it");
        quickly(|| drop(idle));

        server.signal("-CONT");
        wait_for("the server", is_available);
        loops(&duplex(2, FORMAT), 2, FORMAT, &noise(1_000, 2, FORMAT, 13), 256);
    });
}

/// Plays a little, and answers when all is given to the server.
fn give(stream: &Stream) -> mpsc::Receiver<StreamEvent> {
    let (tell, told) = mpsc::channel();
    stream.listen(Some(Box::new(move |event| drop(tell.send(event.clone())))));
    let frames = noise(20_000, 2, FORMAT, 14);
    stream.set_source(Some(Source::Buffer { frames, looped: false })).expect("a source");
    stream.start(&Run { pad: Some(0), ..Run::default() }).expect("a start");
    wait_for("the last block", || stream.shared().outcome() == Outcome::Finished);
    told
}

#[test]
fn a_server_that_dies_before_the_end_is_heard_is_a_device_lost() {
    alone("ends::a_server_that_dies_before_the_end_is_heard_is_a_device_lost", || {
        // The last frame leaves a third of a second after its block.
        let mut server = Server::with_period(8_192);
        let stream = duplex(2, FORMAT);
        let told = give(&stream);
        server.kill();
        assert_eq!(stream.wait(Some(Duration::from_secs(5))).unwrap_err().kind(), ErrorKind::DeviceLost);
        assert_eq!(stream.shared().outcome(), Outcome::DeviceLost);
        let told: Vec<_> = told.try_iter().collect();
        assert!(
            matches!(
                &told[..],
                [
                    ..,
                    StreamEvent::DeviceLost,
                    StreamEvent::Finished { outcome: Outcome::DeviceLost, error: Some(_) }
                ]
            ),
            "{told:?}"
        );
        drop(stream);

        // Its place is freed by one that ends in order.
        let _server = Server::with_period(8_192);
        let stream = duplex(2, FORMAT);
        give(&stream);
        let began = Instant::now();
        stream.abort().unwrap();
        assert!(began.elapsed() < Duration::from_millis(150), "it took {:?}", began.elapsed());
    });
}
