use std::{
    io::PipeReader,
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use alsa::{
    Direction, PCM,
    pcm::State,
    poll::{Descriptors, poll, pollfd},
};

/// Why the line stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The device ran out of frames, or of room for them. It runs again after a new start.
    Xrun,
    /// The machine was suspended.
    Suspended,
    /// The device is gone, or answers no more.
    Lost,
}

impl Trouble {
    /// `None` where there is only nothing to do yet.
    fn of(error: alsa::Error) -> Option<Self> {
        // Some calls of the crate give it with its sign.
        match error.errno().abs() {
            libc::EAGAIN | libc::EINTR => None,
            libc::EPIPE => Some(Self::Xrun),
            libc::ESTRPIPE => Some(Self::Suspended),
            _ => Some(Self::Lost),
        }
    }
}

/// What became of a try to go on after the machine was suspended.
pub(super) enum Resumed {
    Yes,
    NotYet,
    /// It has to be started anew.
    No,
}

/// An open PCM with its settings made: frames in and out, without waiting.
pub(super) struct Line {
    pcm: PCM,
    settings: Settings,
    /// Of the PCM, after that of who wakes it.
    descriptors: Vec<pollfd>,
    /// Samples of 24 bits in words of 32 on their way, where the device wants those.
    words: Vec<u8>,
}

/// What the device agreed to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) direction: Direction,
    pub(super) sample_rate: u32,
    /// Bytes of a frame, packed.
    pub(super) frame: usize,
    /// Frames that it moves at once.
    pub(super) period: usize,
    /// Frames that it holds.
    pub(super) buffer: usize,
    /// Whether its samples of 24 bits fill 32.
    pub(super) padded: bool,
    /// The byte that silence is made of.
    pub(super) silence: u8,
}

impl Line {
    pub(super) fn new(pcm: PCM, settings: Settings) -> Self {
        let words = if settings.padded { settings.period * settings.frame / 3 * 4 } else { 0 };
        let idle = pollfd { fd: -1, events: 0, revents: 0 };
        let descriptors = vec![idle; 1 + pcm.count()];
        Self { pcm, settings, descriptors, words: vec![0; words] }
    }

    pub(super) fn settings(&self) -> Settings {
        self.settings
    }

    /// Readies it for a start, whatever it does now.
    pub(super) fn prepare(&self) -> Result<(), Trouble> {
        done(self.pcm.prepare())
    }

    /// Starts it, where a full buffer has not.
    pub(super) fn start(&self) -> Result<(), Trouble> {
        if self.pcm.state() == State::Prepared { done(self.pcm.start()) } else { Ok(()) }
    }

    /// Stops at once. What it held is gone.
    pub(super) fn halt(&self) {
        // Whatever it says, it plays no more.
        let _ = self.pcm.drop();
    }

    /// Frames that can be moved.
    ///
    /// Realtime-safe.
    pub(super) fn avail(&self) -> Result<usize, Trouble> {
        self.frames(self.pcm.avail_update())
    }

    fn frames<N: TryInto<usize>>(&self, result: alsa::Result<N>) -> Result<usize, Trouble> {
        match result {
            Ok(frames) => Ok(frames.try_into().unwrap_or(0).min(self.settings.buffer)),
            Err(error) => Trouble::of(error).map_or(Ok(0), Err),
        }
    }

    /// Frames between the program and the air, where the device says so. It may fail where all else is well: the plugin of
    /// PulseAudio does, time and again.
    ///
    /// Realtime-safe.
    pub(super) fn delay(&self) -> Option<usize> {
        self.pcm.delay().ok().and_then(|frames| usize::try_from(frames).ok())
    }

    /// Plays of `bytes` what there is room for. Answers the frames taken.
    ///
    /// Realtime-safe.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<usize, Trouble> {
        if !self.settings.padded {
            return self.frames(self.pcm.io_bytes().writei(bytes));
        }
        let words = &mut self.words[..bytes.len() / 3 * 4];
        unpack(bytes, words);
        let written = self.pcm.io_bytes().writei(words);
        self.frames(written)
    }

    /// Records into `bytes` what there is. Answers the frames given.
    ///
    /// Realtime-safe.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Trouble> {
        if !self.settings.padded {
            return self.frames(self.pcm.io_bytes().readi(bytes));
        }
        let words = &mut self.words[..bytes.len() / 3 * 4];
        let read = self.pcm.io_bytes().readi(words);
        pack(words, bytes);
        self.frames(read)
    }

    /// Waits until there may be frames to move, `wake` is written to or the time is over.
    pub(super) fn wait(&mut self, wake: &PipeReader, timeout: Duration) -> Result<(), Trouble> {
        let (first, own) = self.descriptors.split_at_mut(1);
        first[0] = wakes(wake);
        if let Err(error) = self.pcm.fill(own) {
            return Trouble::of(error).map_or(Ok(()), Err);
        }
        if poll(&mut self.descriptors, milliseconds(timeout)).is_err() {
            // A signal: whoever waits looks again.
            return Ok(());
        }
        // Plugins do here what poll alone can't do for them. What went wrong is told by the next call.
        let _ = self.pcm.revents(&self.descriptors[1..]);
        Ok(())
    }

    /// Tries to go on after the machine was suspended.
    pub(super) fn resume(&self) -> Resumed {
        match self.pcm.resume() {
            Ok(()) => Resumed::Yes,
            Err(error) if Trouble::of(error).is_none() => Resumed::NotYet,
            Err(_) => Resumed::No,
        }
    }

    /// Plays out what the device holds, unless `wake` is written to.
    pub(super) fn drain(&self, wake: &PipeReader) -> Result<(), Trouble> {
        let held = self.settings.buffer.max(self.delay().unwrap_or(0)) as f64;
        // A device that takes longer plays nothing any more.
        let patience =
            Duration::from_secs(2) + Duration::from_secs_f64(held / f64::from(self.settings.sample_rate));
        let end = Instant::now() + patience;
        while let Err(error) = self.pcm.drain() {
            let trouble = Trouble::of(error);
            if trouble == Some(Trouble::Lost) {
                return Err(Trouble::Lost);
            }
            let waits = trouble.is_none() && self.pcm.state() == State::Draining;
            if !waits || Instant::now() >= end || pause(wake, Duration::from_millis(2)) {
                break;
            }
        }
        Ok(())
    }
}

fn done(result: alsa::Result<()>) -> Result<(), Trouble> {
    result.map_err(|error| Trouble::of(error).unwrap_or(Trouble::Lost))
}

/// Where the 24 bits lie in a word of 32, and where its sign is repeated.
const LOW: (usize, usize) = if cfg!(target_endian = "little") { (0, 3) } else { (1, 0) };

/// Samples of 24 bits to words of 32 that hold them.
fn unpack(samples: &[u8], words: &mut [u8]) {
    let ((low, sign), top) = (LOW, if cfg!(target_endian = "little") { 2 } else { 0 });
    for (sample, word) in samples.chunks_exact(3).zip(words.chunks_exact_mut(4)) {
        word[low..low + 3].copy_from_slice(sample);
        word[sign] = if sample[top] >= 0x80 { 0xFF } else { 0 };
    }
}

/// The way back. What a word holds beyond 24 bits is nobody's.
fn pack(words: &[u8], samples: &mut [u8]) {
    for (word, sample) in words.chunks_exact(4).zip(samples.chunks_exact_mut(3)) {
        sample.copy_from_slice(&word[LOW.0..LOW.0 + 3]);
    }
}

/// Waits for the time alone. True when `wake` was written to.
pub(super) fn pause(wake: &PipeReader, time: Duration) -> bool {
    poll(&mut [wakes(wake)], milliseconds(time)).is_ok_and(|ready| ready > 0)
}

fn wakes(wake: &PipeReader) -> pollfd {
    pollfd { fd: wake.as_raw_fd(), events: libc::POLLIN, revents: 0 }
}

fn milliseconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_24_bits_survive_in_words_of_32() {
        let values = [0, 1, -1, 0x7F_FFFF, -0x80_0000, 0x12_3456, -0x65_4321];
        let low = |value: &i32| {
            let bytes = value.to_ne_bytes();
            if cfg!(target_endian = "little") {
                [bytes[0], bytes[1], bytes[2]]
            } else {
                [bytes[1], bytes[2], bytes[3]]
            }
        };
        let samples: Vec<u8> = values.iter().flat_map(low).collect();
        let mut words = vec![0; 4 * values.len()];
        unpack(&samples, &mut words);
        let held: Vec<_> = words.chunks(4).map(|word| i32::from_ne_bytes(word.try_into().unwrap())).collect();
        assert_eq!(held, values);
        let mut back = vec![0; samples.len()];
        pack(&words, &mut back);
        assert_eq!(back, samples);
    }
}
