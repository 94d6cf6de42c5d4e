use pastream::{
    ErrorKind, SampleFormat,
    backend::{Request, Side},
    device,
};

use crate::player::Run;

/// The kind and the message with which a request is refused.
fn refused(request: &Request) -> (ErrorKind, String) {
    match device::open(request) {
        Ok(_) => panic!("{request:?} was opened"),
        Err(error) => (error.kind(), error.to_string()),
    }
}

#[test]
fn what_is_not_asked_is_as_the_device_has_it() {
    let device = Run::new("virtual").open();
    let opened = device.opened();
    let side = opened.playback.unwrap();
    assert_eq!((opened.sample_rate, opened.block_size), (48_000, 512));
    assert_eq!((side.channels, side.format, side.latency), (2, SampleFormat::Float32, 0.0));
    assert_eq!((&opened.id[..], &opened.name[..]), ("virtual", "Virtual device"));

    let id = "virtual:rate=8000:channels=7:format=int24:block=3..5:delay=800";
    let device = Run::new(id).open();
    let opened = device.opened();
    let (playback, recording) = (opened.playback.unwrap(), opened.recording.unwrap());
    assert_eq!((opened.sample_rate, opened.block_size, &opened.id[..]), (8000, 0, id));
    assert_eq!((recording.channels, recording.format, recording.latency), (7, SampleFormat::Int24, 0.0));
    assert_eq!((playback.channels, playback.format, playback.latency), (7, SampleFormat::Int24, 0.1));
}

#[test]
fn what_is_asked_must_be_what_the_device_takes() {
    let int16 = Side { channels: Some(1), format: Some(SampleFormat::Int16) };
    let of = |id: &str, change: fn(&mut Request)| {
        let mut request = Run::new(id).request;
        request.playback = Some(int16);
        change(&mut request);
        request
    };
    let rate = |request: &mut Request| request.sample_rate = Some(44_100);
    let block = |request: &mut Request| request.block_size = Some(100);
    for (request, words) in [
        (of("virtual:rate=48000", rate), "takes 48000 Hz alone, not 44100"),
        (of("virtual:channels=2", |_| {}), "takes 2 channels alone, not 1"),
        (of("virtual:format=int24", |_| {}), "takes int24 alone, not int16"),
        (of("virtual:block=99", block), "has blocks of 99 frames, not of 100"),
        (of("virtual:block=64..128", block), "has blocks of 64 to 128 frames, not of 100"),
        (of("virtual", |request| request.block_size = Some(65_537)), "1 to 65536"),
        (of("virtual", |request| request.sample_rate = Some(768_001)), "1 to 768000 Hz"),
        (
            of("null", |request| request.recording = Some(Side { channels: Some(257), format: None })),
            "1 to 256",
        ),
        (of("virtual:delay=16777216:channels=256", |request| request.playback = None), "delay"),
    ] {
        let (kind, message) = refused(&request);
        assert_eq!(kind, ErrorKind::UnsupportedConfig, "{message}");
        assert!(message.contains(words) && message.contains(&request.id), "{message}");
    }
    for request in [
        of("virtual", |request| request.sample_rate = Some(0)),
        of("virtual:channels=2", |request| request.playback = Some(Side { channels: Some(0), format: None })),
        of("null", |request| (request.playback, request.recording) = (None, None)),
        of("null:clock=free", |_| {}),
    ] {
        assert_eq!(refused(&request).0, ErrorKind::InvalidArgument, "{request:?}");
    }
    let same = of("virtual:rate=44100:channels=1:format=int16:block=100", |request| {
        (request.sample_rate, request.block_size) = (Some(44_100), Some(100));
    });
    assert_eq!(device::open(&same).unwrap().opened().block_size, 100);
    let most = of("virtual", |request| {
        request.sample_rate = Some(768_000);
        request.playback = Some(Side { channels: Some(256), format: None });
    });
    assert!(device::open(&most).is_ok());
}

#[test]
fn a_bad_key_is_told_with_its_value_and_what_is_allowed() {
    for (keys, words) in [
        ("", "`` is not `key=value`"),
        ("loop", "`loop` is not `key=value`"),
        ("speed=2", "no key `speed`: use loop, delay"),
        ("loop=maybe", "`loop=maybe` can't be: loop is on or off"),
        ("clock=fast", "`clock=fast` can't be: clock is real or free"),
        ("delay=-1", "delay is 0 to 16777216 frames"),
        ("delay=16777217", "delay is"),
        ("rate=0", "rate is 1 to 768000 Hz"),
        ("rate=NaN", "rate is"),
        ("channels=0", "channels is 1 to 256"),
        ("channels=257", "channels is"),
        ("format=float64", "format is float32, int32"),
        ("block=0", "block is 1 to 65536 frames"),
        ("block=5..4", "block is"),
        ("block=5..", "block is"),
        ("block=1..65537", "block is"),
        ("drift=10001", "drift is -10000 to 10000"),
        ("drift=nan", "drift is"),
        ("seed=-1", "seed is a whole number"),
        ("seed=1:seed=1", "`seed` is given twice"),
        ("fault=fire@1", "`fault=fire@1` can't be: fault is xrun@SECONDS"),
        ("fault=xrun", "fault is"),
        ("fault=xrun@-1", "fault is"),
        ("fault=xrun@inf", "fault is"),
        ("fault=stall@1", "fault is"),
        ("fault=lost@1+1", "fault is"),
        ("fault=jitter@1+", "fault is"),
    ] {
        let (kind, message) = refused(&Run::new(&format!("virtual:{keys}")).request);
        assert_eq!(kind, ErrorKind::InvalidArgument, "{keys}");
        assert!(message.contains(words), "{keys}: {message}");
    }
}
