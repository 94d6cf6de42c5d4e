//! Samples and numbers: every value of the small formats, and the edges of the large ones.

use pastream_rt::{I24, Sample};

fn back<S: Sample>(sample: S) {
    assert_eq!(S::from_f64(sample.to_f64()), sample);
}

fn through_float32<S: Sample>(sample: S) {
    assert_eq!(S::from_f64(f32::from_f64(sample.to_f64()).to_f64()), sample);
}

#[test]
fn small_integers_come_back_through_float32() {
    for value in i16::MIN..=i16::MAX {
        through_float32(value);
    }
    for value in i8::MIN..=i8::MAX {
        through_float32(value);
        through_float32(value.cast_unsigned());
    }
}

#[test]
fn every_int24_comes_back_through_float32() {
    for value in -(1 << 23)..1 << 23 {
        let sample = I24::from_i32(value);
        assert_eq!(sample.to_i32(), value);
        through_float32(sample);
    }
}

#[test]
fn int32_comes_back() {
    for value in (i32::MIN..=i32::MAX).step_by(9973).chain([i32::MAX, -1, 0, 1]) {
        back(value);
    }
}

#[test]
fn full_scale_is_one() {
    assert_eq!(i32::MIN.to_f64(), -1.0);
    assert_eq!(I24::from_i32(-(1 << 23)).to_f64(), -1.0);
    assert_eq!(i16::MIN.to_f64(), -1.0);
    assert_eq!((i8::MIN.to_f64(), 64_i8.to_f64()), (-1.0, 0.5));
    assert_eq!((0_u8.to_f64(), 128_u8.to_f64(), 192_u8.to_f64()), (-1.0, 0.0, 0.5));
    assert_eq!((1.5_f32.to_f64(), f32::from_f64(1.5)), (1.5, 1.5));
}

#[test]
fn halves_go_to_the_even_neighbour() {
    for (half, even) in [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (-2.5, -2), (2.500_001, 3)] {
        assert_eq!(i8::from_f64(half / 128.0), even);
        assert_eq!(i16::from_f64(half / 32768.0), i16::from(even));
        assert_eq!(I24::from_f64(half / 8_388_608.0).to_i32(), i32::from(even));
        assert_eq!(i32::from_f64(half / 2_147_483_648.0), i32::from(even));
        assert_eq!(u8::from_f64(half / 128.0), (i16::from(even) + 128) as u8);
    }
}

#[test]
fn what_is_too_large_is_clipped() {
    for large in [1.0, 1.5, 1e300, f64::INFINITY] {
        assert_eq!((i8::from_f64(large), i8::from_f64(-large)), (127, -128));
        assert_eq!((u8::from_f64(large), u8::from_f64(-large)), (255, 0));
        assert_eq!((i16::from_f64(large), i16::from_f64(-large)), (i16::MAX, i16::MIN));
        assert_eq!((i32::from_f64(large), i32::from_f64(-large)), (i32::MAX, i32::MIN));
        let int24 = (I24::from_f64(large).to_i32(), I24::from_f64(-large).to_i32());
        assert_eq!(int24, ((1 << 23) - 1, -(1 << 23)));
    }
}

#[test]
fn not_a_number_is_silence() {
    assert_eq!((i8::from_f64(f64::NAN), u8::from_f64(f64::NAN), i16::from_f64(f64::NAN)), (0, 128, 0));
    assert_eq!(
        (i32::from_f64(f64::NAN), I24::from_f64(f64::NAN), f32::from_f64(f64::NAN)),
        (0, I24::from_i32(0), 0.0)
    );
}

#[test]
fn silence_is_made_of_one_byte() {
    fn check<S: Sample>() {
        assert!(bytemuck::bytes_of(&S::EQUILIBRIUM).iter().all(|&byte| byte == S::SILENCE));
    }
    check::<f32>();
    check::<i32>();
    check::<I24>();
    check::<i16>();
    check::<i8>();
    check::<u8>();
}
