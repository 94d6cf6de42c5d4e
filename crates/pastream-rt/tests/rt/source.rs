//! Sources whose writer acts at the worst moment.

use std::{cell::Cell, sync::Arc};

use pastream_rt::{
    Block, Callback, Flow, Limits, Live, Mapping, Missing, OnStarved, Outcome, Play, Playback, Record, Route,
    Shared, Source, Times, Xruns,
};
use ringbuf::{HeapRb, traits::Split};

/// Writes its last frames and ends between the first and the second time that anything is asked.
struct LastMoment {
    asked: Cell<usize>,
    frames: [u8; 2],
    position: usize,
}

impl LastMoment {
    fn ask(&self) -> bool {
        self.asked.replace(self.asked.get() + 1) > 0
    }
}

impl Live for LastMoment {
    fn ended(&self) -> bool {
        self.ask()
    }
}

impl Source<u8> for LastMoment {
    fn available(&self) -> usize {
        if self.ask() { 2 - self.position } else { 0 }
    }

    fn slices(&self) -> (&[u8], &[u8]) {
        if self.ask() { (&self.frames[self.position..], &[]) } else { (&[], &[]) }
    }

    fn advance(&mut self, samples: usize) {
        self.position += samples;
    }
}

fn last_moment() -> LastMoment {
    LastMoment { asked: Cell::new(0), frames: [7, 9], position: 0 }
}

/// Plays `source` in blocks of 3 frames until it ends, then 4 of padding.
fn run(source: impl Source<u8> + Send + 'static) -> (Vec<u8>, Arc<Shared>) {
    let mapping = Mapping::<Box<[Route]>>::identity(1).expect("one channel");
    let playback: Box<dyn Play + Send> =
        Box::new(Playback::<u8, _, _>::new(source, mapping, OnStarved::Silence));
    let shared = Arc::new(Shared::new());
    let limits = Limits { frames: None, pad: Some(4) };
    let recording: Option<Box<dyn Record + Send>> = None;
    let mut callback =
        Callback::new(limits, Some(playback), recording, HeapRb::new(4).split().0, Arc::clone(&shared));
    let mut all = Vec::new();
    for _ in 0..5 {
        let mut output = [1; 3];
        let times = Times::default();
        let block = Block {
            output: &mut output,
            input: &[],
            frames: 3,
            xruns: Xruns::NONE,
            skipped: 0,
            missing: Missing::None,
            times,
        };
        let flow = callback.process(block, None);
        all.extend(output);
        if flow != Flow::Continue {
            break;
        }
    }
    (all, shared)
}

#[test]
fn what_is_written_at_the_last_moment_is_played() {
    let (all, shared) = run(last_moment());
    assert_eq!(all, [7, 9, 128, 128, 128, 128]);
    assert_eq!((shared.played(), shared.starved(), shared.outcome()), (2, 0, Outcome::Finished));
}

#[test]
fn available_is_final_where_it_says_ended() {
    let mapping = Mapping::<Box<[Route]>>::identity(1).expect("one channel");
    let playback = Playback::<u8, _, _>::new(last_moment(), mapping, OnStarved::Silence);
    assert_eq!(playback.available(), (2, false));
    assert_eq!(playback.available(), (2, true));
}

/// Has one more frame each time that it is looked at, and says all the time that it has ended.
struct Undead(Cell<usize>);

impl Live for Undead {
    fn ended(&self) -> bool {
        true
    }
}

impl Source<u8> for Undead {
    fn available(&self) -> usize {
        0
    }

    fn slices(&self) -> (&[u8], &[u8]) {
        // Nothing at the second look.
        if self.0.replace(self.0.get() + 1) == 1 { (&[], &[]) } else { (&[5], &[]) }
    }

    fn advance(&mut self, _: usize) {}
}

#[test]
fn what_is_written_after_the_end_is_not_read() {
    let (all, shared) = run(Undead(Cell::new(0)));
    assert_eq!(all, [5, 128, 128, 128, 128, 128]);
    assert_eq!((shared.played(), shared.frame_count()), (1, 5));
}
