//! One stream of compressed audio: packets, and the decoder that they go through.

use std::{
    cell::Cell,
    io::ErrorKind as IoErrorKind,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, Once},
};

use pastream_rt::I24;
use symphonia::{
    core::{
        audio::{Audio, Channels, GenericAudioBufferRef, sample::Sample},
        codecs::audio::{
            AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
            well_known::{
                CODEC_ID_AAC, CODEC_ID_ALAC, CODEC_ID_FLAC, CODEC_ID_MP3, CODEC_ID_OPUS, CODEC_ID_VORBIS,
            },
        },
        errors::{Error as Symphonia, Result as Decoded},
        formats::{FormatOptions, FormatReader, SeekMode, SeekTo, Track, TrackType},
        io::{MediaSourceStream, MediaSourceStreamOptions, ReadBytes},
        packet::Packet,
        units::{TimeBase, Timestamp},
    },
    default::{
        codecs::{AacDecoder, AlacDecoder, FlacDecoder, MpaDecoder, VorbisDecoder},
        formats::{AdtsReader, FlacReader, IsoMp4Reader, MkvReader, MpaReader, OggReader},
    },
};

use super::{
    opus::{self, OpusDecoder},
    source::Source,
};
use crate::{
    Error, ErrorKind, Result,
    file::{
        Container, Encoding, Endian, Spec, Tags,
        input::{self, Input},
    },
};

/// Where a stream's bytes are.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) input: Arc<Mutex<Input>>,
    pub(super) name: String,
    pub(super) container: Container,
    /// What `mp4::edits` said, of each track.
    pub(super) edits: Arc<[Option<super::mp4::Edit>]>,
    pub(super) from: u64,
    /// The end of what can be sought; `None` for a pipe.
    pub(super) to: Option<u64>,
}

/// The first audio track of a container.
pub(super) struct Stream {
    name: String,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    pub(super) track: u32,
    pub(super) spec: Spec,
    pub(super) codec: &'static str,
    /// Whether a time stamp is the number of a frame.
    pub(super) stamped: bool,
    /// The time stamp of the first frame that is played; in frames, where stamps are none.
    pub(super) origin: i64,
    /// Where stamps are none: frames that came so far, and those of the last packet.
    counted: Option<(i64, i64)>,
    /// What Opus says of the frames in front.
    pre_skip: Option<u16>,
    base: Option<TimeBase>,
    /// The length that the container tells, and what it rests on.
    pub(super) told: Option<u64>,
}

/// What came of a packet.
pub(super) enum Next {
    /// Frames whose first has this time stamp, and of which so many at the end are padding.
    Frames {
        stamp: i64,
        padding: u64,
    },
    /// A packet that can't be decoded.
    Damaged,
    /// Another stream begins here.
    Changed,
    End,
}

/// Frames of one packet that an MP3 or AAC decoder gives at most, and their like: what a container that lies may not pass.
const MAX_PACKET: u32 = 1 << 16;

impl Place {
    /// Reads the headers.
    pub(super) fn open(&self) -> Result<Stream> {
        let source = Source::new(&self.input, self.from, self.to);
        let mut bytes = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
        let options = FormatOptions::default();
        let format = caught(|| -> Decoded<Box<dyn FormatReader>> {
            Ok(match self.container {
                Container::Flac => Box::new(FlacReader::try_new(bytes, options)?),
                Container::Mp3 => Box::new(MpaReader::try_new(bytes, options)?),
                Container::Ogg => Box::new(OggReader::try_new(bytes, options)?),
                Container::Mkv => Box::new(MkvReader::try_new(bytes, options)?),
                Container::Adts => Box::new(AdtsReader::try_new(bytes, options)?),
                _ => {
                    // It wants to stand where `ftyp` was found.
                    bytes.read_quad_bytes()?;
                    Box::new(IsoMp4Reader::try_new(bytes, options)?)
                }
            })
        });
        let format = format.map_err(|error| told(&self.name, &error))?;
        Stream::new(self, format)
    }
}

impl Stream {
    fn new(place: &Place, format: Box<dyn FormatReader>) -> Result<Self> {
        let unsupported =
            |wrong: &str| Error::new(ErrorKind::UnsupportedFile, format!("{}: {wrong}", place.name));
        let (index, track) =
            first_audio(&*format).ok_or_else(|| unsupported("it holds no audio that is known"))?;
        let parameters = parameters(track).ok_or_else(|| unsupported("it holds no audio that is known"))?;
        let codec = codec(parameters.codec).map_err(unsupported)?;
        let decoder = caught(|| decoder(parameters)).map_err(|error| told(&place.name, &error))?;
        let actual = decoder.codec_params();
        let channels = actual.channels.as_ref().map_or(0, Channels::count);
        let sample_rate = actual.sample_rate.unwrap_or(0);
        let encoding = match codec {
            "flac" => integers(actual.bits_per_sample.unwrap_or(32)),
            "alac" => integers(alac(parameters).map_or(32, |(bits, _)| bits)),
            _ => Encoding::Float,
        };
        let spec = Spec {
            container: place.container,
            encoding,
            endian: if cfg!(target_endian = "big") { Endian::Big } else { Endian::Little },
            channels,
            sample_rate,
            frames: None,
        };
        if let Some(wrong) = spec.out_of_range() {
            return Err(input::corrupt(&place.name, format_args!("its header says {wrong}")));
        }
        let in_frames = track.time_base.is_some() && track.time_base == TimeBase::try_from_recip(sample_rate);
        let stamped = in_frames && place.container != Container::Mkv;
        let mut stream = Self {
            name: place.name.clone(),
            track: track.id,
            spec,
            codec,
            stamped,
            origin: 0,
            counted: None,
            pre_skip: opus::pre_skip(parameters).filter(|_| codec == "opus"),
            base: track.time_base,
            told: track.num_frames.filter(|_| stamped),
            decoder,
            format,
        };
        stream.find_ends(place, index);
        Ok(stream)
    }

    /// Sets `origin` and `told` by what the container says of padding.
    fn find_ends(&mut self, place: &Place, index: usize) {
        let Some(track) = self.format.tracks().get(index) else { return };
        let delay = i64::from(track.delay.unwrap_or(0));
        match place.container {
            Container::Ogg => {
                self.origin = track.start_ts.get().saturating_add(delay).max(0);
                self.told = self.told.map(|told| told.saturating_sub(self.origin as u64));
            }
            // Without the encoder's word it is a guess.
            Container::Mp3 => self.told = self.told.filter(|_| track.delay.is_some()),
            Container::Adts => self.told = None,
            Container::M4a => {
                let edit = place.edits.get(index).copied().flatten();
                let mut edit = edit.unwrap_or(super::mp4::Edit { skip: 0, length: None });
                // Where no edit leaves it out, Opus tells it.
                if edit.skip == 0 {
                    edit.skip = self.pre_skip.map_or(0, u64::from);
                }
                let skip = edit.skip.min(i64::MAX as u64) as i64;
                self.origin = if self.stamped { skip } else { self.in_frames(skip) };
                self.told = self.told.and_then(|told| edit.frames(told, self.spec.sample_rate));
            }
            _ => {}
        }
    }

    /// What the container has told of the audio so far.
    pub(super) fn tags(&mut self) -> Tags {
        super::tags::of(&mut *self.format)
    }

    /// Decodes one packet of the track. What it gave is read by [`Self::append`].
    pub(super) fn next(&mut self) -> Result<Next> {
        let packet = match self.packet()? {
            Packetized::Packet(packet) => packet,
            Packetized::Changed => return Ok(Next::Changed),
            Packetized::End => return Ok(Next::End),
        };
        let stamp = packet.pts.get();
        let decoder = &mut self.decoder;
        let good = caught(|| decoder.decode(&packet).map(drop)).is_ok();
        if !good {
            self.decoder.reset();
        }
        let padding = self.padding(&packet);
        if self.stamped {
            return Ok(if good { Next::Frames { stamp, padding } } else { Next::Damaged });
        }
        let Some((place, last)) = self.counted else {
            // In front of the audio stands what the decoder needs to start, and the container tells it roughly: Vorbis's is half a packet,
            // AAC's are whole ones.
            let length = self.frames() as i64;
            let delay = match self.codec {
                "opus" => self.pre_skip.map_or(0, i64::from),
                "vorbis" => length,
                "aac" if stamp < 0 && length > 0 => -self.in_frames(stamp).div_euclid(length) * length,
                _ => -self.in_frames(stamp).min(0),
            };
            self.counted = Some((length - delay, length));
            return Ok(Next::Frames { stamp: -delay, padding });
        };
        let length = if good { self.frames() as i64 } else { last };
        self.counted = Some((place.saturating_add(length), length));
        Ok(if good { Next::Frames { stamp: place, padding } } else { Next::Damaged })
    }

    fn in_frames(&self, stamp: i64) -> i64 {
        let Some(base) = self.base else { return stamp };
        let (up, down) =
            (i128::from(base.numer.get()) * i128::from(self.spec.sample_rate), i128::from(base.denom.get()));
        i64::try_from((i128::from(stamp) * up + down / 2).div_euclid(down)).unwrap_or(0)
    }

    /// Where the packets of the track end, in its time stamps, as far as they can be read.
    /// They are decoded only where the stamps don't count frames.
    pub(super) fn last_stamp(&mut self) -> Result<i64> {
        let mut last = self.origin;
        while !self.stamped {
            match self.next() {
                Ok(Next::Frames { stamp, .. }) => last = last.max(stamp.saturating_add(self.frames() as i64)),
                Ok(Next::Damaged) => {}
                Ok(_) => return Ok(last),
                Err(error) if error.kind() == ErrorKind::CorruptFile => return Ok(last),
                Err(error) => return Err(error),
            }
        }
        loop {
            match self.packet() {
                Ok(Packetized::Packet(packet)) => {
                    last = last.max(packet.pts.get().saturating_add_unsigned(packet.dur.get()));
                }
                Ok(_) => return Ok(last),
                Err(error) if error.kind() == ErrorKind::CorruptFile => return Ok(last),
                Err(error) => return Err(error),
            }
        }
    }

    fn packet(&mut self) -> Result<Packetized> {
        // An error that doesn't move the reader would come for ever.
        const MAX_ERRORS: usize = 64;
        let mut errors = 0;
        loop {
            let format = &mut self.format;
            match caught(|| format.next_packet()) {
                Ok(Some(packet)) if packet.track_id == self.track => return Ok(Packetized::Packet(packet)),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(Packetized::End),
                Err(Symphonia::ResetRequired) => return Ok(Packetized::Changed),
                Err(Symphonia::IoError(error)) if error.kind() == IoErrorKind::UnexpectedEof => {
                    return Ok(Packetized::End);
                }
                Err(Symphonia::IoError(error)) => return Err(told(&self.name, &Symphonia::IoError(error))),
                Err(error) => {
                    errors += 1;
                    if errors == MAX_ERRORS {
                        return Err(told(&self.name, &error));
                    }
                }
            }
        }
    }

    /// Frames at the end of the packet that was decoded last that are none of the audio: as Ogg and the fragments of MP4 tell.
    /// Other containers tell the length of the whole.
    fn padding(&self, packet: &Packet) -> u64 {
        match (self.spec.container, packet.dur.get()) {
            (Container::Ogg, _) => packet.trim_end.get(),
            (Container::M4a, played @ 1..) if self.stamped && self.told.is_none() => {
                self.frames().saturating_sub(played)
            }
            _ => 0,
        }
    }

    /// Frames of the packet that was decoded last.
    pub(super) fn frames(&self) -> u64 {
        self.decoder.last_decoded().frames() as u64
    }

    /// Whether the packet that was decoded last has the shape that the header told.
    pub(super) fn fits(&self) -> bool {
        let decoded = self.decoder.last_decoded();
        decoded.spec().channels().count() == self.spec.channels
            && decoded.spec().rate() == self.spec.sample_rate
    }

    /// Appends frames `from` to `to` of the packet that was decoded last, interleaved.
    pub(super) fn append(&self, from: usize, to: usize, out: &mut Vec<u8>) {
        match (self.decoder.last_decoded(), self.spec.encoding) {
            (GenericAudioBufferRef::F32(buffer), _) => interleave(buffer, from, to, out, f32::to_ne_bytes),
            // Integers come in the upper bits.
            (GenericAudioBufferRef::S32(buffer), Encoding::PcmS8) => {
                interleave(buffer, from, to, out, |x| [(x >> 24) as u8]);
            }
            (GenericAudioBufferRef::S32(buffer), Encoding::Pcm16) => {
                interleave(buffer, from, to, out, |x| ((x >> 16) as i16).to_ne_bytes());
            }
            (GenericAudioBufferRef::S32(buffer), Encoding::Pcm24) => {
                interleave(buffer, from, to, out, |x| bytemuck::cast::<_, [u8; 3]>(I24::from_i32(x >> 8)));
            }
            (GenericAudioBufferRef::S32(buffer), _) => interleave(buffer, from, to, out, i32::to_ne_bytes),
            (_, encoding) => out.resize(out.len() + (to - from) * self.spec.channels * encoding.size(), 0),
        }
    }

    /// Goes to a packet that begins at or before `stamp`. `false` where that can't be done.
    pub(super) fn seek(&mut self, stamp: i64) -> Result<bool> {
        let to = SeekTo::Timestamp { ts: Timestamp::new(stamp), track_id: self.track };
        let format = &mut self.format;
        let sought = caught(|| format.seek(SeekMode::Accurate, to));
        self.decoder.reset();
        match sought {
            Ok(sought) => Ok(sought.actual_ts.get() <= stamp),
            Err(Symphonia::IoError(error)) if error.kind() != IoErrorKind::UnexpectedEof => {
                Err(told(&self.name, &Symphonia::IoError(error)))
            }
            Err(_) => Ok(false),
        }
    }

    /// Takes up the stream that follows in a pipe, where it is of the same kind.
    pub(super) fn follow(&mut self) -> Result<()> {
        let unsupported =
            |wrong: String| Error::new(ErrorKind::UnsupportedFile, format!("{}: {wrong}", self.name));
        let track = first_audio(&*self.format).map(|(_, track)| track);
        let Some((track, parameters)) = track.and_then(|track| Some((track, parameters(track)?))) else {
            return Err(unsupported("what follows in it is no audio".to_owned()));
        };
        let new = caught(|| decoder(parameters)).map_err(|error| told(&self.name, &error))?;
        let origin = track.start_ts.get().saturating_add(i64::from(track.delay.unwrap_or(0))).max(0);
        let id = track.id;
        let same = codec(parameters.codec) == Ok(self.codec) && {
            let actual = new.codec_params();
            actual.sample_rate == Some(self.spec.sample_rate)
                && actual.channels.as_ref().map(Channels::count) == Some(self.spec.channels)
                && (self.codec != "flac"
                    || integers(actual.bits_per_sample.unwrap_or(32)) == self.spec.encoding)
        };
        if !same {
            return Err(unsupported(super::CHANGED.to_owned()));
        }
        (self.decoder, self.track, self.origin) = (new, id, origin);
        Ok(())
    }
}

enum Packetized {
    Packet(Packet),
    Changed,
    End,
}

fn first_audio(format: &dyn FormatReader) -> Option<(usize, &Track)> {
    format.tracks().iter().enumerate().find(|(_, track)| track.track_type() == Some(TrackType::Audio))
}

fn parameters(track: &Track) -> Option<&AudioCodecParameters> {
    track.codec_params.as_ref().and_then(|parameters| parameters.audio())
}

/// The name of a codec that is read.
fn codec(id: AudioCodecId) -> Result<&'static str, &'static str> {
    match id {
        CODEC_ID_FLAC => Ok("flac"),
        CODEC_ID_MP3 => Ok("mp3"),
        CODEC_ID_VORBIS => Ok("vorbis"),
        CODEC_ID_AAC => Ok("aac"),
        CODEC_ID_ALAC => Ok("alac"),
        CODEC_ID_OPUS => Ok("opus"),
        _ => Err("the codec of its audio is not read: convert it, to FLAC for example"),
    }
}

fn decoder(parameters: &AudioCodecParameters) -> Decoded<Box<dyn AudioDecoder>> {
    // Padding is left out here, by time stamps: a decoder alone would not know where it stands.
    let options = AudioDecoderOptions::default().gapless(false);
    Ok(match parameters.codec {
        CODEC_ID_FLAC => Box::new(FlacDecoder::try_new(parameters, &options)?),
        CODEC_ID_MP3 => Box::new(MpaDecoder::try_new(parameters, &options)?),
        CODEC_ID_VORBIS => Box::new(VorbisDecoder::try_new(parameters, &options)?),
        CODEC_ID_OPUS => Box::new(OpusDecoder::try_new(parameters)?),
        CODEC_ID_AAC => Box::new(AacDecoder::try_new(parameters, &options)?),
        _ => {
            // It takes memory for a packet by what the header says.
            if alac(parameters).is_none_or(|(_, length)| length > MAX_PACKET) {
                return Err(Symphonia::DecodeError("its ALAC header is no header"));
            }
            Box::new(AlacDecoder::try_new(parameters, &options)?)
        }
    })
}

/// Bits of a sample and frames of a packet, of ALAC.
fn alac(parameters: &AudioCodecParameters) -> Option<(u32, u32)> {
    let cookie = parameters.extra_data.as_ref()?;
    Some((u32::from(*cookie.get(5)?), u32::from_be_bytes(*cookie.first_chunk()?)))
}

/// What holds integers of so many bits, which fill it from the top.
fn integers(bits: u32) -> Encoding {
    match bits {
        0..=8 => Encoding::PcmS8,
        9..=16 => Encoding::Pcm16,
        17..=24 => Encoding::Pcm24,
        _ => Encoding::Pcm32,
    }
}

fn interleave<S: Sample, const N: usize>(
    buffer: &impl Audio<S>,
    from: usize,
    to: usize,
    out: &mut Vec<u8>,
    bytes: impl Fn(S) -> [u8; N],
) {
    let channels = buffer.num_planes();
    let start = out.len();
    out.resize(start + (to - from) * channels * N, 0);
    for channel in 0..channels {
        let Some(plane) = buffer.plane(channel) else { continue };
        let places = out[start..].as_chunks_mut::<N>().0.iter_mut().skip(channel).step_by(channels);
        for (sample, place) in plane[from..to].iter().zip(places) {
            *place = bytes(*sample);
        }
    }
}

thread_local! {
    /// Whether a panic of this thread is caught, and told as an error.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// What `work` gives. Where bytes that make no sense throw it off its own course the file is damaged, and no more than that:
/// nothing of it is printed.
pub(super) fn caught<T>(work: impl FnOnce() -> Decoded<T>) -> Decoded<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !CAUGHT.get() {
                hook(panic);
            }
        }));
    });
    CAUGHT.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    CAUGHT.set(false);
    result.unwrap_or(Err(Symphonia::DecodeError("its bytes make no sense")))
}

/// The error of a file, by what symphonia says.
fn told(name: &str, error: &Symphonia) -> Error {
    match error {
        Symphonia::IoError(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(error) => error.clone(),
            None => input::corrupt(name, "it is cut off inside its header"),
        },
        Symphonia::Unsupported(what) => {
            let what = if *what == "aac: aac too complex" {
                "AAC of more than two channels, or HE-AAC"
            } else {
                what
            };
            let message =
                format!("{name}: a part of its format is not read ({what}): convert it, to FLAC for example");
            Error::new(ErrorKind::UnsupportedFile, message)
        }
        error => input::corrupt(name, format_args!("it can't be decoded ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use std::{env, process::Command};

    use super::*;

    #[test]
    fn what_is_caught_prints_nothing() {
        const CHILD: &str = "PASTREAM_TEST_CAUGHT";
        if env::var_os(CHILD).is_some() {
            assert!(caught(|| -> Decoded<()> { panic!("of a decoder") }).is_err());
            return;
        }
        let name = "file::codec::stream::tests::what_is_caught_prints_nothing";
        let mut child = Command::new(env::current_exe().unwrap());
        let output = child.args(["--exact", "--nocapture", name]).env(CHILD, "1").output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("of a decoder"), "{output:?}");
    }
}
