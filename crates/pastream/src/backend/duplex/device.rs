use std::sync::Arc;

use pastream_rt::Xruns;
use ringbuf::{HeapRb, traits::Split};

use super::{
    clock::{Clock, Monotonic},
    direct::Direct,
    feed::Feed,
    line::{Observer, Points},
    player::Player,
    queue::queue,
    recorder::Recorder,
    resampled::{self, Resampled},
    shared::Shared,
    start::Start,
};
use crate::{
    Error, ErrorKind, Result,
    backend::{
        Alignment, AlignmentMethod, Cutter, Device, Latency, Opened, OpenedSide, Process, Request,
        adapter::{Ends, adapt},
        opened::joined,
    },
};

/// The longest block of a device, where blocks vary.
const LONGEST: usize = 65_536;
/// Frames told to the stream at once, where blocks vary.
const AT_ONCE: usize = 8192;
/// The most bytes that wait between the devices, unless less would not do.
const WAITING: usize = 1 << 26;
/// Observations on their way.
const OBSERVATIONS: usize = 1024;

/// A device that plays on one and records from another.
pub(super) struct Bridge {
    opened: Opened,
    playback: Box<dyn Device>,
    recording: Box<dyn Device>,
    sides: [OpenedSide; 2],
    method: AlignmentMethod,
    /// The stream's, where the playback device has others.
    block: Option<usize>,
    /// Seconds by which recorded frames may come later than ever seen.
    margin: f64,
    /// Seconds from playback to recording, at least.
    promised: f64,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    started: bool,
}

/// One device of `playback`, which plays, and `recording`, which records: opened for this direction alone, at one rate. Of
/// `asked`, the block's size and the latency matter, the rest is as it was opened.
///
/// A block size that `playback` does not have itself costs one more block of offset.
///
/// Not realtime-safe: allocates.
///
/// # Errors
/// [`UnsupportedConfig`](ErrorKind::UnsupportedConfig) where a device is not open in its direction, has another rate than
/// the other or no clock.
pub(crate) fn bridge(
    playback: Box<dyn Device>,
    recording: Box<dyn Device>,
    asked: &Request,
) -> Result<Box<dyn Device>> {
    let bridge = Bridge::over(playback, recording, asked, Arc::new(Monotonic::new()))?;
    Ok(Box::new(bridge))
}

impl Bridge {
    pub(super) fn over(
        playback: Box<dyn Device>,
        recording: Box<dyn Device>,
        asked: &Request,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let (played, recorded) = (playback.opened(), recording.opened());
        let refused = |what: String| Err(Error::new(ErrorKind::UnsupportedConfig, what));
        for (device, opened) in [(&playback, played), (&recording, recorded)] {
            if device.free_running() {
                return refused(format!(
                    "device `{}` runs free, and two devices need clocks to be held together: use `clock=real`, or one virtual device for both directions",
                    opened.id
                ));
            }
        }
        if played.sample_rate != recorded.sample_rate {
            return refused(format!(
                "device `{}` plays at {} Hz and `{}` records at {} Hz: ask for a rate that both have",
                played.id, played.sample_rate, recorded.id, recorded.sample_rate
            ));
        }
        let (Some(output), Some(input)) = (played.playback, recorded.recording) else {
            return refused(format!("device `{}` is to play and `{}` to record", played.id, recorded.id));
        };
        let (margin, spare) = match asked.latency {
            Latency::Low => (0.002, 1.0),
            Latency::High => (0.01, 1.25),
            Latency::Seconds(seconds) => ((seconds / 4.0).clamp(0.002, 0.02), 1.25),
        };
        let block = asked.block_size.filter(|&size| size > 0 && size != played.block_size);
        let same_clock = match (&played.clock, &recorded.clock) {
            (Some(played), Some(recorded)) => played == recorded,
            // One device is taken to have one clock: ALSA's plugins don't say.
            _ => played.id == recorded.id,
        };
        let opened = Opened {
            id: joined(&played.id, &recorded.id, ","),
            name: joined(&played.name, &recorded.name, " and "),
            sample_rate: played.sample_rate,
            playback: Some(output),
            recording: Some(input),
            block_size: block.unwrap_or(played.block_size),
            clock: played.clock.clone(),
        };
        Ok(Self {
            opened,
            playback,
            recording,
            sides: [output, input],
            method: if same_clock { AlignmentMethod::Timestamps } else { AlignmentMethod::Resampler },
            block,
            margin,
            promised: (output.latency + input.latency) * spare + margin,
            clock,
            shared: Arc::default(),
            started: false,
        })
    }

    /// What the two devices are to call.
    fn halves(&self, process: Box<dyn Process>) -> Result<(Player, Recorder)> {
        let rate = self.opened.sample_rate;
        let [output, input] = self.sides;
        let blocks = [self.playback.opened().block_size, self.recording.opened().block_size];
        let at_once = if blocks[0] > 0 { blocks[0] } else { AT_ONCE };
        let ends = |side: OpenedSide| {
            Some(Ends { channels: side.channels, device: side.format, stream: side.format })
        };
        let process = adapt(process, ends(output), ends(input), self.block, at_once, rate);

        let frame = input.channels * input.format.size();
        let longest = blocks.map(|block| if block > 0 { block } else { LONGEST });
        let room = 4 * (longest[0] + longest[1]) + rate as usize / 2;
        let capacity = room.min((WAITING / frame).max(longest[0] + longest[1] + rate as usize / 4));
        let (inlet, outlet) = queue(capacity, frame);
        let (observed, observations) = HeapRb::new(OBSERVATIONS).split();
        let same_clock = self.method == AlignmentMethod::Timestamps;
        let feed = if same_clock {
            Feed::Direct(Direct::new(frame, at_once, rate))
        } else {
            Feed::Resampled(Box::new(Resampled::new(input, at_once)?))
        };
        let recorder = Recorder {
            shared: Arc::clone(&self.shared),
            clock: Arc::clone(&self.clock),
            inlet,
            observer: Observer::new(rate),
            observations: observed,
            frame,
        };
        let player = Player {
            process,
            shared: Arc::clone(&self.shared),
            clock: Arc::clone(&self.clock),
            observer: Observer::new(rate),
            observations,
            outlet,
            feed,
            start: Start {
                playback: Points::new(),
                recording: Points::new(),
                same_clock,
                rate: f64::from(rate),
                blocks,
                margin: self.margin,
                promised: self.promised,
                around: if same_clock { 1.0 } else { 2.0 * resampled::POINTS as f64 },
                began: None,
            },
            run: None,
            keep: capacity / 4 * 3,
            frame: output.channels * output.format.size(),
            silence: output.format.silence(),
            delay: self.block.unwrap_or(0),
            xruns: Xruns::NONE,
            skipped: 0,
            ended: None,
        };
        Ok((player, recorder))
    }

    fn end(&mut self) {
        self.shared.end();
        self.recording.stop();
        self.started = false;
    }
}

impl Device for Bridge {
    fn opened(&self) -> &Opened {
        &self.opened
    }

    fn start(&mut self, process: Box<dyn Process>) -> Result<()> {
        if self.started {
            let message = format!("device `{}` is started: stop it first", self.opened.id);
            return Err(Error::new(ErrorKind::StreamState, message));
        }
        self.shared = Arc::default();
        let (player, recorder) = self.halves(process)?;
        // The player first: it has PulseAudio's sinks rewind, which would take from a recording of their monitor.
        self.playback.start(Box::new(player))?;
        if let Err(error) = self.recording.start(Box::new(recorder)) {
            self.stop();
            return Err(error);
        }
        self.started = true;
        Ok(())
    }

    fn stop(&mut self) {
        // It has the stream's process: nothing is told to that any more once this returns.
        self.playback.stop();
        self.end();
    }

    fn finish(&mut self) -> bool {
        let played = self.playback.finish();
        self.end();
        played
    }

    fn cutter(&self) -> Cutter {
        self.playback.cutter()
    }

    fn time(&self) -> f64 {
        self.shared.base().map_or(0.0, |base| (self.playback.time() - base).max(0.0))
    }

    fn burst(&self) -> usize {
        let burst = self.playback.burst();
        self.block.map_or(burst, |block| burst.next_multiple_of(block))
    }

    fn alignment(&self) -> Option<Alignment> {
        self.shared.alignment(self.method)
    }

    fn realtime(&self) -> Option<bool> {
        match (self.playback.realtime(), self.recording.realtime()) {
            (Some(played), Some(recorded)) => Some(played && recorded),
            (Some(false), None) | (None, Some(false)) => Some(false),
            _ => None,
        }
    }

    fn cpu_load(&self) -> f64 {
        self.playback.cpu_load()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.stop();
    }
}
