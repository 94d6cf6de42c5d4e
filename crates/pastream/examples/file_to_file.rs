//! Plays a file to the virtual device and records what comes back, bit for bit.

use std::path::Path;

use pastream::{
    file::{Container, Endian, FileReader, FileWriter, ReadHint, Spec},
    resample::ConversionConfig,
    sink::Sink,
    source::Source,
    stream::{Run, SideConfig, Stream, StreamConfig},
};

fn main() -> pastream::Result<()> {
    let reader = FileReader::open(Path::new("in.wav"), &ReadHint::default())?;
    let (channels, rate, format) = (reader.spec().channels, reader.spec().sample_rate, reader.format());
    let side = SideConfig { channels: Some(channels), format: Some(format), ..SideConfig::default() };
    let stream = Stream::open(StreamConfig {
        device: "virtual:clock=free".to_owned(),
        sample_rate: Some(rate),
        playback: Some(side.clone()),
        recording: Some(side),
        ..StreamConfig::default()
    })?;
    let spec = Spec::for_stream(Container::Wav, format, channels, rate, None, Endian::File)?;
    let mut writer = FileWriter::create(Path::new("out.wav"), spec)?;
    writer.set_format(format);
    stream.set_source(Some(Source::File {
        reader: Box::new(reader),
        looped: false,
        buffer_size: 65_536,
        conversion: ConversionConfig::default(),
    }))?;
    stream.set_sinks(vec![Sink::file(writer, 480_000)])?;
    stream.start(&Run { pad: Some(0), ..Run::default() })?;
    stream.wait(None)?;
    println!("{} frames", stream.shared().frame_count());
    Ok(())
}
