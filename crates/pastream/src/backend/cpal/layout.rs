use std::ops::Range;

use super::settings::Settings;
use crate::{SampleFormat, backend::memory::filled};

/// Frames that are moved at once.
const FRAMES: usize = 4096;

/// Between frames of the device, which may have more channels than the stream and holds an int24 in four bytes, and
/// frames of the stream in the same format.
pub(super) struct Layout {
    device_channels: usize,
    channels: usize,
    /// Bytes of a sample of the device.
    device_sample: usize,
    /// Bytes of a sample of the stream.
    sample: usize,
    /// Frames of the stream, in words, so that every format is aligned; none where both are the same.
    block: Vec<u64>,
    silence: u8,
}

impl Layout {
    pub(super) fn new(settings: &Settings) -> Self {
        let format = settings.device_format;
        let device_sample = if format == SampleFormat::Int24 { 4 } else { format.size() };
        let mut layout = Self {
            device_channels: settings.device_channels,
            channels: settings.channels,
            device_sample,
            sample: format.size(),
            block: Vec::new(),
            silence: format.silence(),
        };
        if layout.device_frame() != layout.frame() {
            layout.block = filled((FRAMES * layout.frame()).div_ceil(8), 0);
        }
        layout
    }

    /// Bytes of a frame of the device.
    pub(super) fn device_frame(&self) -> usize {
        self.device_channels * self.device_sample
    }

    fn frame(&self) -> usize {
        self.channels * self.sample
    }

    /// The most frames of a block that is worked on at once.
    pub(super) fn max_frames(&self) -> usize {
        if self.block.is_empty() { usize::MAX } else { FRAMES }
    }

    /// Has `fill` write some of the frames of `output`, which is the device's, as the stream's.
    ///
    /// Realtime-safe. At most [`Self::max_frames`] at once.
    pub(super) fn play<T>(
        &mut self,
        output: &mut [u8],
        frames: Range<usize>,
        fill: impl FnOnce(&mut [u8]) -> T,
    ) -> T {
        let device_frame = self.device_frame();
        let device = &mut output[frames.start * device_frame..frames.end * device_frame];
        if self.block.is_empty() {
            return fill(device);
        }
        let (frame, sample) = (self.frame(), self.sample);
        let stream = &mut bytemuck::cast_slice_mut::<u64, u8>(&mut self.block)[..frames.len() * frame];
        stream.fill(self.silence);
        let filled = fill(stream);
        for (to, from) in device.chunks_exact_mut(device_frame).zip(stream.chunks_exact(frame)) {
            for (channel, to) in to.chunks_exact_mut(self.device_sample).enumerate() {
                // One channel is heard on both sides.
                let channel = if self.channels == 1 && channel == 1 { 0 } else { channel };
                if channel < self.channels {
                    convert(&from[channel * sample..][..sample], to);
                }
            }
        }
        filled
    }

    /// Some of the frames of `input`, which is the device's, as the stream's.
    ///
    /// Realtime-safe. At most [`Self::max_frames`] at once.
    pub(super) fn record<'a>(&'a mut self, input: &'a [u8], frames: Range<usize>) -> &'a [u8] {
        let (device_frame, frame) = (self.device_frame(), self.frame());
        let device = &input[frames.start * device_frame..frames.end * device_frame];
        if self.block.is_empty() {
            return device;
        }
        let stream = &mut bytemuck::cast_slice_mut::<u64, u8>(&mut self.block)[..frames.len() * frame];
        for (from, to) in device.chunks_exact(device_frame).zip(stream.chunks_exact_mut(frame)) {
            for (from, to) in from.chunks_exact(self.device_sample).zip(to.chunks_exact_mut(self.sample)) {
                convert(from, to);
            }
        }
        stream
    }
}

/// Moves a sample, which is an int24 where the sizes differ: both of these systems have the low byte first.
fn convert(from: &[u8], to: &mut [u8]) {
    let size = from.len().min(to.len());
    to[..size].copy_from_slice(&from[..size]);
    let sign = if from[size - 1] & 0x80 == 0 { 0 } else { 0xFF };
    to[size..].fill(sign);
}
