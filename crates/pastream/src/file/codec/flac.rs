//! FLAC with no frames, of which symphonia reads nothing: a recording that has just begun.

use crate::{
    Result,
    file::{Container, Decoder, Encoding, Endian, Spec, input::Input},
};

/// What a header says before audio that isn't there.
pub(super) struct Empty {
    spec: Spec,
    seekable: bool,
    missing: u64,
}

impl Empty {
    /// `None` where there are frames. Nothing is consumed.
    pub(super) fn read(input: &mut Input) -> Result<Option<Self>> {
        /// Behind longer headers, as those with pictures, there is audio.
        const FAR: usize = 1 << 16;
        let seekable = input.length().is_some();
        let mut at = 4;
        loop {
            let ahead = input.look_ahead(at + 4)?;
            let Some(&[kind, a, b, c]) = ahead.get(at..).and_then(<[u8]>::first_chunk) else {
                return Ok(None);
            };
            at += 4 + u32::from_be_bytes([0, a, b, c]) as usize;
            if at > FAR {
                return Ok(None);
            }
            if kind & 0x80 != 0 {
                break;
            }
        }
        let ahead = input.look_ahead(at + 1)?;
        let word = ahead.get(18..).and_then(<[u8]>::first_chunk);
        let Some(word) = word.map(|&word| u64::from_be_bytes(word)).filter(|_| ahead.len() == at) else {
            return Ok(None);
        };
        let spec = Spec {
            container: Container::Flac,
            encoding: match (word >> 36 & 0x1F) + 1 {
                ..=8 => Encoding::PcmS8,
                9..=16 => Encoding::Pcm16,
                17..=24 => Encoding::Pcm24,
                _ => Encoding::Pcm32,
            },
            endian: if cfg!(target_endian = "big") { Endian::Big } else { Endian::Little },
            channels: (word >> 41 & 7) as usize + 1,
            sample_rate: (word >> 44) as u32,
            frames: Some(0),
        };
        match spec.out_of_range() {
            Some(wrong) => Err(input.corrupt(format_args!("its header says {wrong}"))),
            None => Ok(Some(Self { spec, seekable, missing: word & 0xF_FFFF_FFFF })),
        }
    }
}

impl Decoder for Empty {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn codec(&self) -> Option<&'static str> {
        Some("flac")
    }

    fn read(&mut self, _: &mut [u8]) -> Result<usize> {
        Ok(0)
    }

    fn seekable(&self) -> bool {
        self.seekable
    }

    fn seek(&mut self, _: u64) -> Result<()> {
        Ok(())
    }

    fn missing(&self) -> u64 {
        self.missing
    }
}
