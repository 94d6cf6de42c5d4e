//! Streams.

use std::sync::Arc;

use napi::{
    Env,
    bindgen_prelude::{Buffer, Either, Function, Object, Uint8Array},
    threadsafe_function::ThreadsafeFunctionCallMode,
};
use napi_derive::napi;
use pastream::{
    Error, ErrorKind, SampleFormat,
    backend::{Latency, OpenedSide},
    resample::{Conversion, ConversionConfig},
    sink::{Sink, WrittenFile},
    source::Source,
    stream::{
        Event, GapCause, LevelCell, OnFull, OnStarved, Outcome, Prebuffer, Route, Run, Side, SideConfig,
        Stream, StreamConfig, StreamEvent, Xruns,
    },
};

use crate::{
    error::{Failure, Result, failed, later, later_as, thrown},
    file::{BindingFile, FileOptions},
    open,
    ring::BindingRing,
};

/// A channel that goes to another, both from 0.
#[napi(object)]
pub struct RouteOptions {
    /// The source's channel.
    pub from: u32,
    /// The output's channel.
    pub to: u32,
    /// A factor.
    pub gain: f64,
}

/// What is asked of one direction.
#[napi(object)]
pub struct SideOptions {
    /// Its own device's id or a part of its name.
    pub device: Option<String>,
    /// Samples in a frame.
    pub channels: Option<u32>,
    /// The sample format's name.
    pub format: Option<String>,
    /// Which channel goes where.
    pub routes: Option<Vec<RouteOptions>>,
}

/// What a stream is opened with.
#[napi(object)]
pub struct OpenOptions {
    /// The device's id or a part of its name.
    pub device: String,
    /// In Hz.
    pub sample_rate: Option<u32>,
    /// What is played.
    pub playback: Option<SideOptions>,
    /// What is recorded.
    pub recording: Option<SideOptions>,
    /// In frames.
    pub block_size: Option<u32>,
    /// In seconds; `low` and `high` are for the device to say.
    pub latency: Option<f64>,
    /// Whether it is to be low, where no seconds are given.
    pub low_latency: bool,
    /// Whether a starved source ends the stream.
    pub abort_starved: bool,
    /// Whether a full sink ends the stream.
    pub abort_full: bool,
}

/// What one run is started with. Counts are frames; what is not set has no bound.
#[napi(object)]
pub struct RunOptions {
    /// How long.
    pub frames: Option<f64>,
    /// Silence after the source.
    pub pad: Option<f64>,
    /// Frames to drop from the recording.
    pub offset: f64,
    /// Frames to wait for; unset: the whole ring.
    pub prebuffer: Option<f64>,
    /// Whether the round trip is dropped off the recording.
    pub align: bool,
}

/// One direction as it was opened.
#[napi(object)]
pub struct OpenedDirection {
    /// Samples in a frame.
    pub channels: u32,
    /// The sample format's name.
    pub format: String,
    /// In seconds.
    pub latency: f64,
}

/// What was really opened.
#[napi(object)]
pub struct OpenedStream {
    /// The device's id.
    pub device: String,
    /// In Hz.
    pub sample_rate: u32,
    /// In frames, 0 where it varies.
    pub block_size: u32,
    /// Frames of a source's ring, by default.
    pub buffer_size: u32,
    /// What is played.
    pub playback: Option<OpenedDirection>,
    /// What is recorded.
    pub recording: Option<OpenedDirection>,
}

/// How recording and playback lie to each other.
#[napi(object)]
pub struct AlignmentObject {
    /// Frames from playback to recording.
    pub offset_frames: f64,
    /// In frames.
    pub jitter_frames: f64,
    /// By how much the capture clock is faster.
    pub drift_ppm: f64,
    /// `callback`, `timestamps` or `resampler`.
    pub method: String,
}

/// How a file is fitted to a stream.
#[napi(object)]
pub struct ConversionOptions {
    /// Whether a file of another rate is resampled.
    pub resample: bool,
    /// `fast`, `good` or `best`.
    pub quality: Option<String>,
    /// In dB.
    pub gain: f64,
}

impl ConversionOptions {
    fn config(&self) -> pastream::Result<ConversionConfig> {
        let quality = self.quality.as_ref().map(|name| name.parse()).transpose()?.unwrap_or_default();
        Ok(ConversionConfig { resample: self.resample, quality, gain: self.gain })
    }
}

/// What is changed between a file and a stream.
#[napi(object)]
pub struct ConversionObject {
    /// Of the file, in Hz.
    pub file_sample_rate: u32,
    /// Of the file.
    pub file_channels: u32,
    /// The encoding's name.
    pub file_encoding: String,
    /// Of the stream, in Hz.
    pub stream_sample_rate: u32,
    /// Of the stream.
    pub stream_channels: u32,
    /// The sample format's name.
    pub stream_format: String,
    /// Its name, where the rate is converted.
    pub quality: Option<String>,
    /// In dB.
    pub gain: f64,
}

impl From<Conversion> for ConversionObject {
    fn from(Conversion { file, stream, quality, gain }: Conversion) -> Self {
        Self {
            file_sample_rate: file.sample_rate,
            file_channels: file.channels as u32,
            file_encoding: file.encoding.name().to_owned(),
            stream_sample_rate: stream.sample_rate,
            stream_channels: stream.channels as u32,
            stream_format: stream.format.name().to_owned(),
            quality: quality.map(|quality| quality.name().to_owned()),
            gain,
        }
    }
}

/// What is changed for the source, and for each file that is recorded.
#[napi(object)]
pub struct Conversions {
    /// Of the source.
    pub playback: Option<ConversionObject>,
    /// Of each file among the sinks.
    pub recording: Vec<Option<ConversionObject>>,
}

/// What a stream counted since its start.
#[napi(object)]
pub struct Measures {
    /// Whether a run is under way.
    pub active: bool,
    /// Whether the last run is over.
    pub finished: bool,
    /// How the last run ended.
    pub outcome: String,
    /// Frames that the device clocked.
    pub frame_count: f64,
    /// Source frames that were played.
    pub played: f64,
    /// Callbacks with an xrun.
    pub xruns: f64,
    /// Input underflow, input overflow, output underflow, output overflow.
    pub xrun_counts: Vec<f64>,
    /// Frames of silence played while the source lived.
    pub starved: f64,
    /// How often that happened.
    pub starvations: f64,
    /// Events that found no room on their way here.
    pub events_lost: f64,
    /// Recorded frames that no sink, or not every sink, got.
    pub lost: f64,
    /// How often that happened.
    pub losses: f64,
}

/// A file that a run wrote.
#[napi(object)]
pub struct WrittenFileObject {
    /// Its path, or the name of the pipe.
    pub path: String,
    /// The frame of the recording that it begins with.
    pub frame: f64,
    /// Its frames.
    pub frames: f64,
    /// Whether it is finished and in its place.
    pub complete: bool,
}

/// What happened.
#[napi(object)]
pub struct StreamEventObject {
    /// `xrun`, `gap`, `file`, `deviceLost` or `finished`.
    pub kind: String,
    /// The frame of the stream it happened at; the one of the recording that a file begins with.
    pub frame: f64,
    /// The kinds of an xrun as bits; the length of a gap or a file in frames.
    pub value: f64,
    /// The side of a gap, `playback` or `recording`; a file's path; how a run ended.
    pub word: String,
    /// The cause of a gap: `starved`, `full` or `xrun`; `complete` of a file that is.
    pub cause: String,
    /// Why a run failed, where it did.
    pub failure: Option<Failure>,
}

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Running => "running",
        Outcome::Finished => "finished",
        Outcome::Stopped => "stopped",
        Outcome::Aborted => "aborted",
        Outcome::BufferEmpty => "bufferEmpty",
        Outcome::BufferFull => "bufferFull",
        _ => "deviceLost",
    }
}

impl From<&StreamEvent> for StreamEventObject {
    fn from(event: &StreamEvent) -> Self {
        let object = |kind: &str, frame: u64, value: u64, word: &str, cause: &str| Self {
            kind: kind.to_owned(),
            frame: frame as f64,
            value: value as f64,
            word: word.to_owned(),
            cause: cause.to_owned(),
            failure: None,
        };
        match *event {
            StreamEvent::Callback(Event::Xrun { frame, flags }) => {
                object("xrun", frame, u64::from(flags.bits()), "", "")
            }
            StreamEvent::Callback(Event::Gap { side, frame, length, cause, .. }) => {
                let side = if side == Side::Playback { "playback" } else { "recording" };
                let cause = match cause {
                    GapCause::Starved => "starved",
                    GapCause::Full => "full",
                    GapCause::Xrun => "xrun",
                };
                object("gap", frame, length, side, cause)
            }
            StreamEvent::File(ref file) => object(
                "file",
                file.frame,
                file.frames,
                &file.name,
                if file.complete { "complete" } else { "" },
            ),
            StreamEvent::DeviceLost => object("deviceLost", 0, 0, "", ""),
            StreamEvent::Finished { outcome, ref error } => Self {
                failure: error.clone().map(Failure::from),
                ..object("finished", 0, 0, outcome_name(outcome), "")
            },
        }
    }
}

pub(crate) fn whole(name: &str, value: f64) -> pastream::Result<u64> {
    if value.fract() == 0.0 && (0.0..=9_007_199_254_740_991.0).contains(&value) {
        return Ok(value as u64);
    }
    let message = format!("{name} is {value}: give a whole number of frames, 0 or more");
    Err(Error::new(ErrorKind::InvalidArgument, message))
}

fn side(options: Option<SideOptions>) -> pastream::Result<Option<SideConfig>> {
    options
        .map(|options| {
            let routes = options.routes.map(|routes| {
                routes
                    .into_iter()
                    .map(|route| Route {
                        from: u16::try_from(route.from).unwrap_or(u16::MAX),
                        to: u16::try_from(route.to).unwrap_or(u16::MAX),
                        gain: route.gain as f32,
                    })
                    .collect()
            });
            let format = options.format.map(|name| name.parse::<SampleFormat>()).transpose()?;
            Ok(SideConfig {
                device: options.device,
                channels: options.channels.map(|channels| channels as usize),
                format,
                routes,
            })
        })
        .transpose()
}

/// An open stream.
#[napi]
pub struct BindingStream {
    stream: Arc<Stream>,
    sinks: Vec<Sink>,
}

#[napi]
impl BindingStream {
    /// Opens the device.
    ///
    /// # Errors
    /// What Node-API gives; through the promise: what opening gives.
    #[napi(ts_return_type = "Promise<BindingStream | Failure>")]
    pub fn open(env: &Env, options: OpenOptions) -> napi::Result<Object<'static>> {
        let open = move || {
            Stream::open(StreamConfig {
                device: options.device,
                sample_rate: options.sample_rate,
                playback: side(options.playback)?,
                recording: side(options.recording)?,
                block_size: options.block_size.map(|frames| frames as usize),
                latency: match (options.latency, options.low_latency) {
                    (Some(seconds), _) => Latency::Seconds(seconds),
                    (None, true) => Latency::Low,
                    (None, false) => Latency::High,
                },
                on_starved: if options.abort_starved { OnStarved::Abort } else { OnStarved::Silence },
                on_full: if options.abort_full { OnFull::Abort } else { OnFull::Gap },
            })
        };
        later_as(env, open, |env, opened| match opened {
            Ok(stream) => {
                let stream = Arc::new(stream);
                open::register(&env, &stream)?;
                Ok(Either::A(Self { stream, sinks: Vec::new() }))
            }
            Err(error) => Ok(Either::B(Failure::from(error))),
        })
    }

    /// Holds the run, or lets it go on.
    #[napi(setter)]
    pub fn set_paused(&self, paused: bool) {
        if paused { self.stream.pause() } else { self.stream.resume() }
    }

    /// Whether runs are held.
    #[napi(getter)]
    #[must_use]
    pub fn paused(&self) -> bool {
        self.stream.is_paused()
    }

    /// How recording and playback lie to each other, where that is known.
    #[napi(getter)]
    #[must_use]
    pub fn alignment(&self) -> Option<AlignmentObject> {
        self.stream.alignment().map(|alignment| AlignmentObject {
            offset_frames: alignment.offset_frames,
            jitter_frames: alignment.jitter_frames,
            drift_ppm: alignment.drift_ppm,
            method: alignment.method.name().to_owned(),
        })
    }

    /// What is changed between files and the stream.
    #[napi(getter)]
    #[must_use]
    pub fn conversion(&self) -> Conversions {
        let recording = self.stream.sink_conversions().into_iter();
        Conversions {
            playback: self.stream.source_conversion().map(ConversionObject::from),
            recording: recording.map(|made| made.map(ConversionObject::from)).collect(),
        }
    }

    /// Whether the audio thread got realtime priority, where it asks for it.
    #[napi(getter)]
    #[must_use]
    pub fn realtime(&self) -> Option<bool> {
        self.stream.realtime()
    }

    /// The stream of another thread of JavaScript, by what its [`share`](Self::share) gave; none where it is gone.
    #[napi]
    #[must_use]
    pub fn shared(id: u32) -> Option<BindingStream> {
        open::shared(id).map(|stream| Self { stream, sinks: Vec::new() })
    }

    /// A number for [`shared`](Self::shared).
    #[napi]
    #[must_use]
    pub fn share(&self) -> u32 {
        open::share(&self.stream)
    }

    /// What was really opened.
    #[napi(getter)]
    #[must_use]
    pub fn opened(&self) -> OpenedStream {
        let opened = self.stream.opened();
        let side = |side: &OpenedSide| OpenedDirection {
            channels: side.channels as u32,
            format: side.format.name().to_owned(),
            latency: side.latency,
        };
        OpenedStream {
            device: opened.id.clone(),
            sample_rate: opened.sample_rate,
            block_size: opened.block_size as u32,
            buffer_size: u32::try_from(self.stream.buffer_size()).unwrap_or(u32::MAX),
            playback: opened.playback.as_ref().map(side),
            recording: opened.recording.as_ref().map(side),
        }
    }

    /// What was counted since the start.
    #[napi(getter)]
    #[must_use]
    pub fn measures(&self) -> Measures {
        let shared = self.stream.shared();
        let counts = self.stream.sink_counts();
        Measures {
            active: self.stream.is_active(),
            finished: self.stream.is_finished(),
            outcome: outcome_name(shared.outcome()).to_owned(),
            frame_count: shared.frame_count() as f64,
            played: shared.played() as f64,
            xruns: shared.xruns() as f64,
            xrun_counts: shared.counts().map(|count| count as f64).to_vec(),
            starved: shared.starved() as f64,
            starvations: shared.gap_count() as f64,
            events_lost: shared.events_lost() as f64,
            lost: counts.iter().map(|counts| counts.gaps()).sum::<u64>() as f64,
            losses: counts.iter().map(|counts| counts.gap_count()).sum::<u64>() as f64,
        }
    }

    /// The kinds of xrun since the start, as bits.
    #[napi(getter)]
    #[must_use]
    pub fn status(&self) -> u8 {
        Xruns::bits(self.stream.status())
    }

    /// Peak since the last look and RMS of the last block, one after the other for each channel of a side that is open.
    /// Measured from the first look on.
    #[napi]
    #[must_use]
    pub fn levels(&self, recording: bool) -> Vec<f64> {
        let (opened, shared) = (self.stream.opened(), self.stream.shared());
        let (side, what) =
            if recording { (&opened.recording, Side::Recording) } else { (&opened.playback, Side::Playback) };
        shared.enable_levels(true);
        let channels = side.as_ref().map_or(0, |side| side.channels);
        let values = |cell: &LevelCell| {
            [
                f64::from(cell.take_peak()),
                f64::from(cell.mean_square()).sqrt(),
                f64::from(cell.highest()),
                cell.overall_mean_square().sqrt(),
            ]
        };
        shared.levels(what).iter().take(channels).flat_map(values).collect()
    }

    /// Seconds of the device's clock.
    #[napi(getter)]
    #[must_use]
    pub fn time(&self) -> f64 {
        self.stream.time()
    }

    /// The share of a block's time that the callback takes.
    #[napi(getter)]
    #[must_use]
    pub fn cpu_load(&self) -> f64 {
        self.stream.cpu_load()
    }

    /// Plays silence.
    ///
    /// # Errors
    /// What setting a source gives.
    #[napi]
    pub fn clear_source(&self) -> Result<()> {
        self.set(None)
    }

    /// Plays frames in memory, which are copied.
    ///
    /// # Errors
    /// What setting a source gives.
    #[napi]
    pub fn set_source_buffer(&self, frames: Uint8Array, looped: bool) -> Result<()> {
        self.set(Some(Source::Buffer { frames: Arc::from(&*frames), looped }))
    }

    /// Plays a file.
    ///
    /// # Errors
    /// What setting a source gives.
    #[napi]
    pub fn set_source_file(
        &self,
        file: &BindingFile,
        looped: bool,
        buffer_size: u32,
        conversion: ConversionOptions,
    ) -> Result<()> {
        let conversion = conversion.config().map_err(|error| thrown(&error))?;
        let reader = file.take()?;
        self.set(Some(Source::File { reader, looped, buffer_size: buffer_size as usize, conversion }))
    }

    /// Plays what is written to a ring.
    ///
    /// # Errors
    /// What setting a source gives.
    #[napi]
    pub fn set_source_ring(&self, ring: &BindingRing) -> Result<()> {
        self.set(Some(Source::Ring(ring.share())))
    }

    fn set(&self, source: Option<Source>) -> Result<()> {
        self.stream.set_source(source).map_err(|error| thrown(&error))
    }

    /// Forgets the sinks that were added and neither set nor started.
    #[napi]
    pub fn clear_sinks(&mut self) {
        self.sinks.clear();
    }

    /// Adds memory for so many frames.
    ///
    /// # Errors
    /// `InvalidArgument`.
    #[napi]
    pub fn add_sink_buffer(&mut self, frames: f64) -> Result<()> {
        let frames = whole("the recording", frames).map_err(|error| thrown(&error))? as usize;
        self.sinks.push(Sink::Buffer { frames });
        Ok(())
    }

    /// Adds a file, with the stream's channels and rate where it has none of its own.
    ///
    /// # Errors
    /// What creating it gives.
    #[napi]
    pub fn add_sink_file(
        &mut self,
        options: FileOptions,
        buffer_size: u32,
        conversion: ConversionOptions,
    ) -> Result<()> {
        let conversion = conversion.config().map_err(|error| thrown(&error))?;
        let opened = self.stream.opened();
        let cut = options.cut().map_err(|error| thrown(&error))?;
        let writer = opened
            .recording
            .as_ref()
            .ok_or_else(|| {
                Error::new(ErrorKind::InvalidArgument, "the stream does not record: open one that does")
            })
            .and_then(|side| {
                let channels = options.channels.map_or(side.channels, |channels| channels as usize);
                let rate = options.sample_rate.unwrap_or(opened.sample_rate);
                options.create(side.format, channels, rate, None)
            })
            .map_err(|error| thrown(&error))?;
        self.sinks.push(Sink::File {
            writer: Box::new(writer),
            buffer_size: buffer_size as usize,
            conversion,
            cut,
        });
        Ok(())
    }

    /// Adds a ring that is read, and perhaps one of 16-byte gaps.
    #[napi]
    pub fn add_sink_ring(&mut self, ring: &BindingRing, gaps: Option<&BindingRing>) {
        self.sinks.push(Sink::Ring { frames: ring.share(), gaps: gaps.map(BindingRing::share) });
    }

    /// Records the runs that follow to what was added.
    ///
    /// # Errors
    /// What setting sinks gives.
    #[napi]
    pub fn set_sinks(&mut self) -> Result<()> {
        self.stream.set_sinks(std::mem::take(&mut self.sinks)).map_err(|error| thrown(&error))
    }

    /// Starts a run, which also records to what was added and not set.
    ///
    /// # Errors
    /// At once where there can be no run; through the promise: what starting gives.
    #[napi(ts_return_type = "Promise<Settled>")]
    pub fn start(&mut self, env: &Env, options: RunOptions) -> Result<Object<'static>> {
        let also = std::mem::take(&mut self.sinks);
        let prepare = || {
            let count = |name: &str, value: Option<f64>| value.map(|value| whole(name, value)).transpose();
            let run = Run {
                frames: count("frames", options.frames)?,
                pad: count("pad", options.pad)?,
                offset: whole("offset", options.offset)?,
                prebuffer: match count("prebuffer", options.prebuffer)? {
                    Some(0) => Prebuffer::None,
                    Some(frames) => Prebuffer::Frames(usize::try_from(frames).unwrap_or(usize::MAX)),
                    None => Prebuffer::Full,
                },
                align: options.align,
            };
            self.stream.prepare(&run, also)
        };
        // At once, so that a call that follows finds the run under way.
        let prepared = prepare().map_err(|error| thrown(&error))?;
        later(env, move || prepared.start()).map_err(|error| failed(&error))
    }

    /// The files that the last run has written.
    #[napi(getter)]
    #[must_use]
    pub fn files(&self) -> Vec<WrittenFileObject> {
        let files = self.stream.files().into_iter();
        let object = |file: WrittenFile| WrittenFileObject {
            path: file.name,
            frame: file.frame as f64,
            frames: file.frames as f64,
            complete: file.complete,
        };
        files.map(object).collect()
    }

    /// Begins the next file of each series.
    ///
    /// # Errors
    /// What splitting gives.
    #[napi]
    pub fn split(&self) -> Result<()> {
        self.stream.split().map_err(|error| thrown(&error))
    }

    /// Begins the files that wait for it.
    ///
    /// # Errors
    /// What triggering gives.
    #[napi]
    pub fn trigger(&self) -> Result<()> {
        self.stream.trigger().map_err(|error| thrown(&error))
    }

    /// Ends the run at the next block.
    ///
    /// # Errors
    /// Through the promise: the run's first error.
    #[napi(ts_return_type = "Promise<Settled>")]
    pub fn stop(&self, env: &Env) -> napi::Result<Object<'static>> {
        let stream = Arc::clone(&self.stream);
        later(env, move || stream.stop())
    }

    /// Ends the run at once.
    ///
    /// # Errors
    /// Through the promise: the run's first error.
    #[napi(ts_return_type = "Promise<Settled>")]
    pub fn abort(&self, env: &Env) -> napi::Result<Object<'static>> {
        let stream = Arc::clone(&self.stream);
        later(env, move || stream.abort())
    }

    /// Goes on playing a file elsewhere.
    ///
    /// # Errors
    /// Through the promise: where that can't be.
    #[napi(ts_return_type = "Promise<Settled>")]
    pub fn seek(&self, env: &Env, frame: f64) -> napi::Result<Object<'static>> {
        let stream = Arc::clone(&self.stream);
        later(env, move || whole("frame", frame).and_then(|frame| stream.seek(frame)))
    }

    /// The frame of a file that is played next.
    #[napi(getter)]
    #[must_use]
    pub fn position(&self) -> Option<f64> {
        self.stream.position().map(|frame| frame as f64)
    }

    /// Aborts and frees the device.
    ///
    /// # Errors
    /// Through the promise: the run's first error.
    #[napi(ts_return_type = "Promise<Settled>")]
    pub fn close(&self, env: &Env) -> napi::Result<Object<'static>> {
        let stream = Arc::clone(&self.stream);
        later(env, move || stream.close())
    }

    /// The frames that memory got, once.
    #[napi]
    #[must_use]
    pub fn take_recording(&self) -> Option<Buffer> {
        self.stream.take_recording().map(Buffer::from)
    }

    /// Calls `listener` with what happens. It doesn't hold the process open.
    ///
    /// # Errors
    /// What Node-API gives.
    #[napi(ts_args_type = "listener: (event: StreamEventObject) => void")]
    pub fn listen(&self, listener: Function<'_, StreamEventObject, ()>) -> napi::Result<()> {
        let call = listener
            .build_threadsafe_function::<StreamEventObject>()
            .callee_handled::<false>()
            .weak::<true>()
            .build()?;
        self.stream.listen(Some(Box::new(move |event| {
            call.call(StreamEventObject::from(event), ThreadsafeFunctionCallMode::NonBlocking);
        })));
        Ok(())
    }
}
