//! Requests and the outcome under every interleaving: `RUSTFLAGS="--cfg loom" cargo test --release --test loom`.
//!
//! The rings have models of their own; what is published here is the state.
#![cfg(loom)]

use loom::{sync::Arc, thread};
use pastream_rt::{
    Block, BufferSource, Callback, Event, Flow, Gap, Limits, Mapping, Missing, OnFull, OnStarved, Outcome,
    Playback, Recording, Route, Shared, Sink, SinkCounts, Times, Xruns,
};
use ringbuf::{HeapProd, HeapRb, traits::Split};

type Play = Playback<u8, BufferSource<&'static [u8]>, &'static mut [Route]>;
type Record = Recording<u8, Box<[Sink<HeapProd<u8>, HeapProd<Gap>, Arc<SinkCounts>>]>, &'static mut [Route]>;
type Tested = Callback<Play, Record, HeapProd<Event>, Arc<Shared>>;

fn run(shared: &Arc<Shared>, counts: &Arc<SinkCounts>, frames: Option<u64>) -> Tested {
    let mapping = || Mapping::identity(1).expect("one channel");
    let source = BufferSource::new(&[1_u8, 2, 3, 4][..], true);
    let sink = Sink::new(HeapRb::new(1).split().0, HeapRb::new(1).split().0, counts.clone(), OnFull::Gap);
    Callback::new(
        Limits { frames, pad: None },
        Some(Playback::new(source, mapping(), OnStarved::Silence)),
        Some(Recording::new(vec![sink].into_boxed_slice(), mapping(), 0)),
        HeapRb::new(4).split().0,
        shared.clone(),
    )
}

fn block(callback: &mut Tested) -> Flow {
    let mut output = [0; 2];
    let (input, times) = (&[5, 6][..], Times::default());
    callback.process(
        Block {
            output: &mut output,
            input,
            frames: 2,
            xruns: Xruns::OUTPUT_UNDERFLOW,
            skipped: 0,
            missing: Missing::None,
            times,
        },
        None,
    )
}

/// Whoever sees the outcome sees every count.
#[test]
fn the_outcome_comes_last() {
    loom::model(|| {
        let (shared, counts) = (Arc::new(Shared::new()), Arc::new(SinkCounts::new()));
        let mut callback = run(&shared, &counts, Some(3));
        let audio = thread::spawn(move || while block(&mut callback) == Flow::Continue {});
        if shared.outcome() == Outcome::Finished {
            assert_eq!((shared.frame_count(), shared.played(), shared.xruns()), (3, 3, 2));
            assert_eq!((shared.status(), shared.counts()), (Xruns::OUTPUT_UNDERFLOW, [0, 0, 2, 0]));
            assert_eq!((counts.delivered(), counts.gaps(), counts.gap_count()), (1, 2, 1));
        }
        audio.join().expect("no panic");
        assert_eq!(shared.outcome(), Outcome::Finished);
    });
}

/// Two requests at once: the abort wins unless the callback has answered the stop before.
#[test]
fn requests_meet_the_callback_anywhere() {
    loom::model(|| {
        let (shared, counts) = (Arc::new(Shared::new()), Arc::new(SinkCounts::new()));
        let mut callback = run(&shared, &counts, None);
        let stopper = {
            let shared = shared.clone();
            thread::spawn(move || shared.request_stop())
        };
        let aborter = {
            let shared = shared.clone();
            thread::spawn(move || shared.request_abort())
        };
        let flow = block(&mut callback);
        let early = shared.outcome();
        assert_eq!(flow == Flow::Continue, early == Outcome::Running);
        stopper.join().expect("no panic");
        aborter.join().expect("no panic");
        block(&mut callback);
        let expected = if early == Outcome::Running { Outcome::Aborted } else { early };
        assert_eq!(shared.outcome(), expected);
        assert_eq!(shared.frame_count(), if early == Outcome::Running { 2 } else { 0 });
        // It ends once.
        callback.device_lost();
        assert_eq!(shared.outcome(), expected);
    });
}
