//! What a mapping refuses, and that it copies bits.

use crate::rig::{From, Rig, Routing, Setup, SinkSetup};
use pastream_rt::{Limits, MAX_CHANNELS, Mapping, MappingError, OnFull, OnStarved, Route, Xruns};

fn route(from: u16, to: u16, gain: f32) -> Route {
    Route { from, to, gain }
}

fn refused(route: Route, from: usize, to: usize) -> MappingError {
    Mapping::new(vec![route], from, to).expect_err("out of range")
}

#[test]
fn what_is_out_of_range_is_named() {
    let (from, to) = (route(2, 0, 1.0), route(0, 2, 1.0));
    assert_eq!(refused(from, 2, 3), MappingError::From(from));
    assert_eq!(refused(to, 3, 2), MappingError::To(to));
    assert_eq!(refused(from, 0, 1), MappingError::Channels(0));
    assert_eq!(refused(from, 1, MAX_CHANNELS + 1), MappingError::Channels(MAX_CHANNELS + 1));
    assert!(matches!(refused(route(0, 0, f32::NAN), 1, 1), MappingError::Gain(_)));
    assert!(matches!(refused(route(0, 0, f32::INFINITY), 1, 1), MappingError::Gain(_)));
    assert_eq!(refused(from, 2, 3).to_string(), "there is no channel 3 to read");
    assert!(Mapping::<Vec<Route>>::identity(MAX_CHANNELS).is_ok());
    assert!(Mapping::<Vec<Route>>::identity(0).is_err());
}

#[test]
fn straight_routes_in_any_order_are_the_identity() {
    let straight = vec![route(1, 1, 1.0), route(2, 2, 1.0), route(0, 0, 1.0)];
    assert!(Mapping::new(straight.clone(), 3, 3).unwrap().is_identity());
    assert!(!Mapping::new(straight.clone(), 4, 3).unwrap().is_identity());
    assert!(!Mapping::new(straight, 3, 4).unwrap().is_identity());
    assert!(!Mapping::new(vec![route(0, 0, 0.5)], 1, 1).unwrap().is_identity());
    assert!(!Mapping::new(vec![route(0, 0, 1.0); 2], 1, 1).unwrap().is_identity());
}

fn map(routing: Routing, frames: &[f32], capacity: usize) -> Vec<f32> {
    let channels = routing.from;
    let playback = Some((From::Ring(capacity), routing, OnStarved::Silence));
    let mut rig = Rig::<f32>::new(&Setup {
        limits: Limits::default(),
        playback,
        recording: None,
        offset: 0,
        events: 1,
    });
    ringbuf::traits::Producer::push_slice(rig.writer.as_mut().expect("a ring"), frames);
    rig.block(frames.len() / channels, &[], (Xruns::NONE, 0), None).0
}

#[test]
fn a_copied_channel_keeps_its_bits() {
    let odd = [f32::from_bits(0x7FC1_2345), -0.0, f32::INFINITY, 3.0e38];
    for routes in
        [vec![route(1, 0, 1.0), route(0, 1, 1.0)], vec![route(1, 0, 1.0), route(0, 1, 1.0), route(0, 2, 1.0)]]
    {
        let to = routes.len();
        let output = map(Routing { from: 2, to, routes: Some(routes) }, &odd, 2);
        let bits = |samples: &[f32]| samples.iter().map(|sample| sample.to_bits()).collect::<Vec<_>>();
        for (frame, input) in output.chunks(to).zip(odd.chunks(2)) {
            assert_eq!(bits(&frame[..2]), bits(&[input[1], input[0]]));
        }
    }
}

#[test]
fn mixed_channels_are_summed_and_unrouted_ones_silent() {
    let routes = vec![route(1, 2, 0.5), route(0, 0, -2.0), route(0, 2, 1.0)];
    let output = map(Routing { from: 2, to: 3, routes: Some(routes) }, &[0.25, 0.5, 1.0, -1.0], 2);
    assert_eq!(output, [-0.5, 0.0, 0.5, -2.0, 0.0, 0.5]);
}

#[test]
fn a_long_or_wide_block_is_recorded_in_parts() {
    for (channels, frames) in [(3, 700), (MAX_CHANNELS, 5)] {
        let turned: Vec<Route> =
            (0..channels as u16).map(|to| route(channels as u16 - 1 - to, to, 1.0)).collect();
        let routing = Routing { from: channels, to: channels, routes: Some(turned) };
        let sink = SinkSetup { frames: 1000, gaps: 1, on_full: OnFull::Gap };
        let recording = Some((vec![sink], routing));
        let setup = Setup { limits: Limits::default(), playback: None, recording, offset: 0, events: 1 };
        let mut rig = Rig::<i16>::new(&setup);
        let input: Vec<i16> = (0..frames * channels).map(|number| number as i16).collect();
        rig.block(frames, &input, (Xruns::NONE, 0), None);
        rig.readers[0].read_all();
        let expected: Vec<i16> =
            input.chunks(channels).flat_map(|frame| frame.iter().rev().copied()).collect();
        assert_eq!(rig.readers[0].samples, expected);
    }
}
