use pastream::SampleFormat;
use pastream_rt::{Sample, Xruns};

use crate::player::Run;

#[test]
fn captures_what_was_played_so_many_frames_before() {
    for format in SampleFormat::ALL {
        for delay in [0, 1, 63, 64, 65, 512, 3000] {
            for block in ["512", "1..100", "64", "7..7"] {
                let tape = Run::new(&format!("virtual:clock=free:delay={delay}:block={block}"))
                    .playback(3, format)
                    .recording(3, format)
                    .run();
                let mut expected = vec![format.silence(); delay * 3 * format.size()];
                expected.extend_from_slice(&tape.played);
                expected.truncate(tape.played.len());
                assert!(tape.clocked() >= 4000);
                assert!(tape.captured == expected, "{format} delay={delay} block={block}");
                assert_eq!(tape.xruns(), []);
            }
        }
    }
}

#[test]
fn channel_i_is_captured_as_channel_i() {
    for format in SampleFormat::ALL {
        for (played, captured) in [(1, 4), (2, 3), (3, 2), (5, 1)] {
            let tape = Run::new("virtual:clock=free:delay=5")
                .playback(played, format)
                .recording(captured, format)
                .run();
            let silence = vec![format.silence(); format.size()];
            let sample = |frame: usize, channel: usize| {
                let at = (frame * played + channel) * format.size();
                &tape.played[at..at + format.size()]
            };
            let got: Vec<_> = tape.captured.chunks(format.size()).collect();
            for (index, &got) in got.iter().enumerate() {
                let (frame, channel) = (index / captured, index % captured);
                let heard = frame >= 5 && channel < played;
                assert_eq!(got, if heard { sample(frame - 5, channel) } else { &silence[..] });
            }
        }
    }
}

#[test]
fn formats_are_converted_as_samples_are() {
    fn decoded<S: Sample>(bytes: &[u8]) -> Vec<f64> {
        bytes.chunks(size_of::<S>()).map(|bytes| bytemuck::pod_read_unaligned::<S>(bytes).to_f64()).collect()
    }
    let tape = Run::new("virtual:clock=free")
        .playback(2, SampleFormat::Int24)
        .recording(2, SampleFormat::Float32)
        .run();
    assert_eq!(decoded::<f32>(&tape.captured), decoded::<pastream_rt::I24>(&tape.played));

    let tape = Run::new("virtual:clock=free:delay=3")
        .playback(1, SampleFormat::Int16)
        .recording(2, SampleFormat::Uint8)
        .run();
    let mut expected = vec![128; 6];
    for sample in decoded::<i16>(&tape.played) {
        expected.extend([u8::from_f64(sample), 128]);
    }
    expected.truncate(tape.captured.len());
    assert_eq!(tape.captured, expected);
}

#[test]
fn without_a_loop_silence_is_captured() {
    for id in ["virtual:loop=off:clock=free", "null"] {
        let run = Run::new(id).playback(2, SampleFormat::Int16).recording(3, SampleFormat::Uint8).frames(600);
        let tape = run.run();
        assert_eq!(tape.captured, vec![128; 1024 * 3], "{id}");
        assert_eq!(tape.played.len(), 1024 * 4);
    }
}

#[test]
fn one_direction_does_without_the_other() {
    let mut run = Run::new("virtual:clock=free:fault=xrun@0").recording(2, SampleFormat::Int16);
    run.request.playback = None;
    let tape = run.run();
    assert_eq!(tape.captured, vec![0; tape.clocked() as usize * 4]);
    assert_eq!(tape.xruns(), [(0, Xruns::INPUT_OVERFLOW.bits())]);

    let mut run = Run::new("virtual:clock=free:fault=xrun@0").playback(2, SampleFormat::Int16);
    run.request.recording = None;
    let tape = run.run();
    assert_eq!((tape.captured.len(), tape.played.len()), (0, tape.clocked() as usize * 4));
    assert_eq!(tape.xruns(), [(0, Xruns::OUTPUT_UNDERFLOW.bits())]);
}
