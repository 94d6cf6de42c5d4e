//! Opus, of which symphonia reads the containers: what its `AudioDecoder` asks for, over opus-pure.

use opus_pure::{ChannelLayout, OpusMSDecoder};
use symphonia::core::{
    audio::{AsGenericAudioBufferRef, AudioBuffer, AudioMut, AudioSpec, Channels, GenericAudioBufferRef},
    codecs::{
        CodecInfo,
        audio::{AudioCodecParameters, AudioDecoder, FinalizeResult},
    },
    errors::{Error, Result},
    packet::PacketRef,
};

/// The rate that it is decoded at, whatever it was made from.
const RATE: u32 = 48_000;

/// Frames of a packet at most: 120 ms.
const LONGEST: usize = 5_760;

const INFO: CodecInfo = CodecInfo { short_name: "opus", long_name: "Opus", profiles: &[] };

/// The identification header (RFC 7845, section 5.1).
struct Head {
    channels: usize,
    pre_skip: u16,
    /// What the samples are to be multiplied with.
    gain: f32,
    family: u8,
    /// Streams, how many of them are stereo, and which of their channels is which of the file's.
    mapping: Option<Vec<u8>>,
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let fields = bytes.strip_prefix(b"OpusHead")?;
        let (&[version, channels, a, b, _, _, _, _, c, d, family], mapping) = fields.split_first_chunk()?;
        // That of MP4 has version 0 and the other byte order.
        let u16 = if version == 0 { u16::from_be_bytes } else { u16::from_le_bytes };
        let gain = f32::from(u16([c, d]).cast_signed());
        let channels = usize::from(channels);
        let mapping = if family == 0 { None } else { Some(mapping.get(..2 + channels)?.to_vec()) };
        Some(Self {
            channels,
            pre_skip: u16([a, b]),
            gain: 10_f32.powf(gain / (20.0 * 256.0)),
            family,
            mapping,
        })
    }
}

/// Frames in front of the audio, as the header tells them.
pub(super) fn pre_skip(parameters: &AudioCodecParameters) -> Option<u16> {
    Some(Head::read(parameters.extra_data.as_ref()?)?.pre_skip)
}

/// For each channel of WAV's order the one of Vorbis's, which Opus has, too.
const fn order(channels: usize) -> [usize; 8] {
    match channels {
        3 | 5 => [0, 2, 1, 3, 4, 0, 0, 0],
        6 => [0, 2, 1, 5, 3, 4, 0, 0],
        7 => [0, 2, 1, 6, 5, 3, 4, 0],
        8 => [0, 2, 1, 7, 5, 6, 3, 4],
        _ => [0, 1, 2, 3, 4, 5, 6, 7],
    }
}

pub(super) struct OpusDecoder {
    parameters: AudioCodecParameters,
    head: Head,
    decoder: OpusMSDecoder,
    /// Interleaved, as the decoder gives them.
    samples: Vec<f32>,
    frames: AudioBuffer<f32>,
}

impl OpusDecoder {
    pub(super) fn try_new(parameters: &AudioCodecParameters) -> Result<Self> {
        let head = parameters.extra_data.as_ref().and_then(|head| Head::read(head));
        let head = head.ok_or(Error::DecodeError("its Opus header is no header"))?;
        let unusual = Error::Unsupported("Opus of other than the usual channels");
        let Ok(layout) = ChannelLayout::surround(head.channels, head.family) else { return Err(unusual) };
        let usual = [&[layout.nb_streams as u8, layout.nb_coupled_streams as u8], layout.mapping.as_slice()];
        if head.mapping.as_ref().is_some_and(|mapping| *mapping != usual.concat()) {
            return Err(unusual);
        }
        let decoder = OpusMSDecoder::new(RATE as i32, head.channels, head.family)
            .map_err(|_| Error::DecodeError("its Opus header is no header"))?;
        let channels = Channels::Discrete(head.channels as u16);
        let mut parameters = parameters.clone();
        parameters.with_sample_rate(RATE).with_channels(channels.clone());
        Ok(Self {
            parameters,
            samples: vec![0.0; LONGEST * head.channels],
            frames: AudioBuffer::new(AudioSpec::new(RATE, channels), LONGEST),
            head,
            decoder,
        })
    }
}

impl AudioDecoder for OpusDecoder {
    fn reset(&mut self) {
        // It fails for an encoder alone.
        let _ = self.decoder.reset_state();
    }

    fn codec_info(&self) -> &CodecInfo {
        &INFO
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.parameters
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.frames.clear();
        let decoded = if packet.data.is_empty() {
            None
        } else {
            self.decoder.decode(packet.data, LONGEST, &mut self.samples).ok()
        };
        let count = decoded.ok_or(Error::DecodeError("an Opus packet makes no sense"))?;
        self.frames.resize_with_silence(count);
        let channels = self.head.channels;
        for (plane, from) in self.frames.iter_planes_mut().zip(order(channels)) {
            for (sample, frame) in plane.iter_mut().zip(self.samples.chunks_exact(channels)) {
                *sample = frame[from] * self.head.gain;
            }
        }
        Ok(self.frames.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.frames.as_generic_audio_buffer_ref()
    }
}
