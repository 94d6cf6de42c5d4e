//! What a block costs in the callback, beside a `memcpy` of the same bytes: a line of JSON for each kind of stream and
//! block size, with the medians in nanoseconds and the median of the rounds' ratios.

mod rig;

use std::time::Instant;

use rig::{Kind, Rig};

const BLOCKS: [usize; 4] = [64, 256, 1024, 4096];
const ROUNDS: usize = 2001;

/// One row: the callback, its peer, and what the rounds took.
struct Row {
    name: &'static str,
    block: usize,
    rig: Rig,
    callback: Vec<f64>,
    memcpy: Vec<f64>,
}

fn main() -> pastream::Result<()> {
    let mut rows = Vec::new();
    for (name, play, record, mapped) in [
        ("play", true, false, false),
        ("record", false, true, false),
        ("playrec", true, true, false),
        ("play mapped", true, false, true),
        ("record mapped", false, true, true),
        ("playrec mapped", true, true, true),
    ] {
        for block in BLOCKS {
            let rig = Rig::new(Kind { play, record, mapped }, block)?;
            rows.push(Row { name, block, rig, callback: Vec::new(), memcpy: Vec::new() });
        }
    }
    for round in 0..ROUNDS {
        for row in &mut rows {
            // Neither is always the one that finds the caches as the other left them.
            if round % 2 == 0 {
                row.memcpy.push(time(&mut row.rig, Rig::memcpy));
            }
            row.rig.refill();
            row.callback.push(time(&mut row.rig, Rig::callback));
            row.rig.drain();
            if round % 2 == 1 {
                row.memcpy.push(time(&mut row.rig, Rig::memcpy));
            }
        }
    }
    for Row { name, block, rig, callback, memcpy } in rows {
        rig.check();
        let ratio = median(callback.iter().zip(&memcpy).map(|(ours, theirs)| ours / theirs).collect());
        let (callback, memcpy) = (median(callback), median(memcpy));
        println!(
            r#"{{"name":"{name}","block":{block},"callback":{callback},"memcpy":{memcpy},"ratio":{ratio}}}"#
        );
    }
    Ok(())
}

/// Nanoseconds per block of the blocks that `run` says it ran.
fn time(rig: &mut Rig, run: impl FnOnce(&mut Rig) -> usize) -> f64 {
    let start = Instant::now();
    let blocks = run(rig);
    start.elapsed().as_nanos() as f64 / blocks as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
