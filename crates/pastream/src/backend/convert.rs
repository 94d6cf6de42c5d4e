use pastream_rt::{I24, Sample};

use crate::SampleFormat;

/// Runs `$body` with `$sample` being the sample type of `$format`.
macro_rules! with_sample {
    ($format:expr, $sample:ident => $body:expr) => {
        match $format {
            SampleFormat::Float32 => {
                type $sample = f32;
                $body
            }
            SampleFormat::Int32 => {
                type $sample = i32;
                $body
            }
            SampleFormat::Int24 => {
                type $sample = I24;
                $body
            }
            SampleFormat::Int16 => {
                type $sample = i16;
                $body
            }
            SampleFormat::Int8 => {
                type $sample = i8;
                $body
            }
            SampleFormat::Uint8 => {
                type $sample = u8;
                $body
            }
        }
    };
}

/// Reads the samples in `bytes`, as many as `samples` holds.
///
/// Realtime-safe.
pub(crate) fn decode(format: SampleFormat, bytes: &[u8], samples: &mut [f64]) {
    with_sample!(format, S => {
        for (sample, bytes) in samples.iter_mut().zip(bytes.chunks_exact(size_of::<S>())) {
            *sample = bytemuck::pod_read_unaligned::<S>(bytes).to_f64();
        }
    });
}

/// Writes `samples` to `bytes`, which hold as many.
///
/// Realtime-safe.
pub(crate) fn encode(format: SampleFormat, samples: &[f64], bytes: &mut [u8]) {
    with_sample!(format, S => {
        for (&sample, bytes) in samples.iter().zip(bytes.chunks_exact_mut(size_of::<S>())) {
            bytes.copy_from_slice(bytemuck::bytes_of(&S::from_f64(sample)));
        }
    });
}
