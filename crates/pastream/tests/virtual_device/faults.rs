use pastream::SampleFormat;
use pastream_rt::Xruns;

use crate::player::{Run, Tape, run};

const DUPLEX_XRUN: u8 = Xruns::INPUT_OVERFLOW.bits() | Xruns::OUTPUT_UNDERFLOW.bits();

#[test]
fn an_xrun_costs_no_frame() {
    let tape = run("virtual:clock=free:rate=1000:block=100:fault=xrun@1.05:fault=xrun@2+0.25:fault=xrun@3");
    let expected = [1100, 2000, 2100, 2200, 3000].map(|position| (position, DUPLEX_XRUN));
    assert_eq!(tape.xruns(), expected);
    assert_eq!(tape.captured, tape.played);
    assert_eq!(tape.sizes(), [100; 40]);
}

#[test]
fn a_stall_skips_frames_on_a_true_timeline() {
    for clock in ["real:rate=100000", "free:rate=100000"] {
        for delay in [0, 70, 2500] {
            let id = format!(
                "virtual:clock={clock}:block=64:delay={delay}:fault=stall@0.005+0.02005:fault=stall@0.03+0.00001"
            );
            let tape = Run::new(&id).playback(1, SampleFormat::Int16).recording(1, SampleFormat::Int16).run();
            // The first block at or after frame 500 begins at 512, and so on.
            let gaps = [(512, 2005), (512 + 2005 + 8 * 64, 1)];
            let mut seen = Vec::new();
            let mut position = 0;
            for block in &tape.blocks {
                if block.skipped > 0 {
                    seen.push((position, block.skipped));
                    assert_eq!(block.xruns, DUPLEX_XRUN);
                }
                position += block.skipped;
                assert_eq!(block.times.input, position as f64 / 100_000.0);
                position += block.frames as u64;
            }
            assert_eq!(seen, gaps, "{id}");
            for (frame, captured) in tape.captured.chunks(2).enumerate() {
                let in_gap = gaps.iter().any(|&(at, length)| (at..at + length).contains(&(frame as u64)));
                if !in_gap {
                    let heard =
                        frame.checked_sub(delay).map_or(&[0, 0][..], |at| &tape.played[2 * at..][..2]);
                    assert_eq!(captured, heard, "{id} frame {frame}");
                }
            }
        }
    }
}

#[test]
fn a_lost_device_has_clocked_exactly_its_time() {
    for clock in ["real", "free"] {
        let run = Run::new(&format!("virtual:clock={clock}:rate=48000:fault=lost@0.0521:fault=lost@0.06"));
        let mut device = run.open();
        let tape = run.finish(&mut *device);
        // 0.0521 s × 48000 Hz = 2500.8 frames.
        assert_eq!((tape.lost, tape.clocked()), (1, 2501));
        assert_eq!(tape.sizes(), [512, 512, 512, 512, 453]);
        assert_eq!(tape.captured, tape.played);
        assert_eq!(device.time(), 2501.0 / 48_000.0);
    }
    assert_eq!(run("virtual:clock=free:fault=lost@0").sizes(), []);
}

#[test]
fn what_a_stall_took_is_told_before_the_device_is_lost() {
    let tape = run("virtual:clock=free:rate=1000:block=100:fault=stall@1+5:fault=lost@2");
    assert_eq!((tape.lost, tape.clocked()), (1, 2000));
    let last = tape.blocks.last().unwrap();
    assert_eq!((last.frames, last.skipped, last.xruns), (0, 1000, DUPLEX_XRUN));
}

#[test]
fn jitter_makes_callbacks_late_by_less_than_a_block() {
    for clock in ["real:rate=100000", "free:rate=100000"] {
        let id = format!("virtual:clock={clock}:block=100:fault=jitter@0.01+0.02");
        let tape = Run::new(&id).frames(4000).run();
        for (index, block) in tape.blocks.iter().enumerate() {
            let late = block.times.current - block.times.input;
            if (10..30).contains(&index) {
                assert!(late > 0.0 && late < 0.001, "{late}");
            } else {
                assert_eq!(late, 0.0);
            }
        }
        assert_eq!(tape, Tape { dropped_on: tape.dropped_on, waits: tape.waits, ..Run::new(&id).run() });
    }
    let tape = run("virtual:clock=free:fault=jitter@0");
    assert!(tape.blocks.iter().all(|block| block.times.current > block.times.input));
}
