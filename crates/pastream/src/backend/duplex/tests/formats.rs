use super::super::{
    feed::Part,
    queue::{Found, queue},
    resampled::Resampled,
};
use crate::{
    SampleFormat,
    backend::{
        OpenedSide,
        convert::{decode, encode},
    },
};

/// A straight line in each channel, each of its own slope: what lies between two samples is known.
#[test]
fn every_format_and_channel_is_resampled_to_the_fraction() {
    for format in SampleFormat::ALL {
        let side = OpenedSide { channels: 3, format, latency: 0.0 };
        let frame = 3 * format.size();
        let slopes = [1e-4, -5e-5, 2e-5];
        let (mut inlet, mut outlet) = queue(4096, frame);
        let mut bytes = vec![0; 4096 * frame];
        let samples: Vec<_> =
            (0..4096).flat_map(|index| slopes.map(|slope| slope * f64::from(index))).collect();
        encode(format, &samples, &mut bytes);
        assert!(inlet.push(&bytes));
        let mut resampled = Resampled::new(side, 512).unwrap();
        resampled.set_step(1.0002);
        resampled.seek(&mut outlet, 1000, 0.25);
        let mut at = 1000.25;
        for frames in [1, 512, 7, 300] {
            assert_eq!(resampled.next(&mut outlet, frames), Part::There(frames as usize));
            let mut heard = vec![0.0; 3 * frames as usize];
            decode(format, resampled.input(frames as usize), &mut heard);
            for frame in heard.chunks_exact(3) {
                for (sample, slope) in frame.iter().zip(slopes) {
                    // Rounded once when captured, once when resampled.
                    let step = f64::from(2_f32.powi(1 - 8 * format.size() as i32)).max(1e-7);
                    assert!((sample - slope * at).abs() < 1.5 * step + 1e-6, "{format}: {sample} at {at}");
                }
                at += 1.0002;
            }
        }
    }
}

#[test]
fn a_queue_without_room_for_jumps_loses_no_count() {
    let (mut inlet, mut outlet) = queue(8192, 1);
    for index in 0..2000_u64 {
        inlet.skip(1);
        // The queue for jumps is shorter.
        assert_eq!(inlet.push(&[index as u8]), index < 1024);
    }
    for index in 0..1024 {
        assert_eq!(outlet.find(2 * index), Found::Lost(1));
        assert_eq!(outlet.find(2 * index + 1), Found::There(1));
        let mut byte = [0];
        outlet.take(&mut byte);
        assert_eq!(u64::from(byte[0]), index % 256);
    }
    assert_eq!(outlet.find(2048), Found::Late);
    assert!(inlet.push(&[9]));
    assert_eq!(outlet.find(2048), Found::Lost(4000 - 2048));
    assert_eq!(outlet.find(4000), Found::There(1));
}
