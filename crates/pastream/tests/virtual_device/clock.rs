use std::time::{Duration, Instant};

use pastream_rt::Times;

use crate::player::{Habit, Run, run};

#[test]
fn blocks_are_drawn_from_the_range_by_the_seed() {
    assert_eq!(run("virtual:clock=free").sizes(), [512; 8]);
    let mut asked = Run::new("virtual:clock=free");
    asked.request.block_size = Some(1000);
    assert_eq!(asked.run().sizes(), [1000; 4]);
    asked.request.block_size = Some(0);
    assert_eq!(asked.run().sizes(), [512; 8]);

    let first = run("virtual:clock=free:block=1..4").sizes();
    assert_eq!((first.iter().min(), first.iter().max()), (Some(&1), Some(&4)));
    assert_eq!(run("virtual:clock=free:block=1..4:seed=1").sizes(), first);
    assert_ne!(run("virtual:clock=free:block=1..4:seed=2").sizes(), first);
    let jittered = run("virtual:clock=free:block=1..4:fault=jitter@0:fault=xrun@0.01+0.01");
    assert_eq!(jittered.sizes(), first);
}

#[test]
fn a_free_clock_runs_what_is_ready() {
    let tape = Run::new("virtual:clock=free:delay=10").frames(1000).habit(Habit::Slow).run();
    assert_eq!((tape.sizes(), tape.waits), (vec![3; 334], 334));
    assert_eq!(tape.captured[80..], tape.played[..tape.played.len() - 80]);
    let times: Vec<_> = tape.blocks.iter().map(|block| block.times.current).collect();
    assert_eq!(times, (0..334).map(|block| f64::from(block * 3) / 48_000.0).collect::<Vec<_>>());
}

#[test]
fn a_real_clock_waits_for_nobody() {
    let run = Run::new("virtual:block=64").frames(640);
    let mut device = run.open();
    let begun = Instant::now();
    let tape = run.finish(&mut *device);
    // A busy machine may be late without end, but none is early.
    assert!(begun.elapsed() >= Duration::from_secs_f64(576.0 / 48_000.0));
    assert_eq!((tape.sizes(), tape.waits), (vec![64; 10], 0));
    assert_eq!(tape.captured, tape.played);
    assert_eq!(tape.xruns(), []);
    assert_eq!(device.time(), 640.0 / 48_000.0);
    assert!(device.cpu_load() > 0.0);
}

#[test]
fn times_tell_the_round_trip() {
    let tape = run("virtual:clock=free:rate=1000:delay=250:block=100");
    let times = tape.blocks[3].times;
    assert_eq!(times, Times { input: 0.3, current: 0.3, output: 0.55 });
}
