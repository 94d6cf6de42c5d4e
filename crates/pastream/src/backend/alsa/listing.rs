//! The PCMs that can be opened, and what each can do.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, TryRecvError},
    },
    time::{Duration, Instant},
};

use alsa::{Direction, device_name::HintIter};

use super::{
    limit::begin,
    setup::{Abilities, HIGH, LOW, abilities, default_rate, open},
};
use crate::backend::DeviceInfo;

/// What the name of a PCM begins with that is no device of its own: plug-ins, and single uses of a card that its other
/// PCMs offer too.
const NOISE: [&str; 21] = [
    "null",
    "samplerate",
    "speexrate",
    "speex",
    "lavrate",
    "jack",
    "oss",
    "upmix",
    "vdownmix",
    "a52",
    "arcam",
    "usbstream",
    "dmix",
    "dsnoop",
    "dshare",
    "surround",
    "iec958",
    "spdif",
    "modem",
    "phoneline",
    "hdmi",
];

/// How long it holds that a PCM of software can be opened, or that one can't: asking takes a server, or a device.
const FRESH: Duration = Duration::from_secs(10);
const STALE: Duration = Duration::from_secs(2);

/// How long all PCMs of a listing that hang, a server's say, hold it up, and one at least.
const HUNG: Duration = Duration::from_secs(2);
const LEAST: Duration = Duration::from_millis(100);

/// What asking a PCM told.
#[derive(Clone)]
enum Answer {
    Can(Abilities),
    Busy,
    Absent,
}

struct Asked {
    answer: Answer,
    at: Instant,
    /// Where the answer comes that was too late to be waited for.
    later: Option<Receiver<Answer>>,
}

impl Asked {
    /// A card keeps its abilities while it is there, and opening it may disturb who uses it.
    fn holds(&mut self) -> bool {
        if let Some(later) = &self.later {
            match later.try_recv() {
                Ok(answer) => *self = Self { answer, at: Instant::now(), later: None },
                // It is asked once until it answers.
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        match &self.answer {
            Answer::Can(Abilities { card: Some(_), .. }) => true,
            Answer::Can(_) => self.at.elapsed() < FRESH,
            Answer::Busy | Answer::Absent => self.at.elapsed() < STALE,
        }
    }
}

/// A PCM as libasound's configuration describes it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Hint {
    pcm: String,
    description: String,
    direction: Option<bool>,
}

/// What was told by the PCMs that were listed the last time, when playing and when recording.
static ASKED: Mutex<Option<HashMap<(Hint, bool), Asked>>> = Mutex::new(None);

const PLAYBACK: bool = false;
const CAPTURE: bool = true;

/// All devices, the default one first.
///
/// Not realtime-safe: asks libasound, and at first the devices.
pub(super) fn list() -> Vec<DeviceInfo> {
    let hints = hints();
    let mut guard = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    let asked = guard.get_or_insert_default();
    // What was pulled out is asked again when it is back: another may have its name.
    asked.retain(|(hint, _), _| hints.contains(hint));
    let mut patience = HUNG;
    hints.iter().filter_map(|hint| device(hint, asked, &mut patience)).collect()
}

/// The name that people know the PCM by, and what it is known to be able to do. It need not be listed, nor exist.
///
/// Not realtime-safe: asks libasound. Opens nothing.
pub(super) fn known(pcm: &str) -> DeviceInfo {
    let hint = hints().into_iter().find(|hint| hint.pcm == pcm);
    let guard = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    let told = |direction| {
        let asked = guard.as_ref()?.get(&(hint.clone()?, direction))?;
        if let Answer::Can(abilities) = &asked.answer { Some(abilities.clone()) } else { None }
    };
    let name = hint.as_ref().map_or(pcm, |hint| hint.name());
    info(pcm, name, told(PLAYBACK).as_ref(), told(CAPTURE).as_ref())
}

fn device(
    hint: &Hint,
    asked: &mut HashMap<(Hint, bool), Asked>,
    patience: &mut Duration,
) -> Option<DeviceInfo> {
    let mut answer = |direction| {
        if hint.direction.is_some_and(|only| only != direction) {
            return Answer::Absent;
        }
        let key = (hint.clone(), direction);
        if let Some(asked) = asked.get_mut(&key)
            && asked.holds()
        {
            return asked.answer.clone();
        }
        let pcm = hint.pcm.clone();
        let (began, later) = (Instant::now(), begin(move || ask(&pcm, direction)));
        let told = later.recv_timeout((*patience).max(LEAST));
        let later = told.is_err().then(|| {
            *patience = patience.saturating_sub(began.elapsed());
            later
        });
        let answer = told.unwrap_or(Answer::Absent);
        asked.insert(key, Asked { answer: answer.clone(), at: Instant::now(), later });
        answer
    };
    let (playback, capture) = (answer(PLAYBACK), answer(CAPTURE));
    if matches!((&playback, &capture), (Answer::Absent, Answer::Absent)) {
        return None;
    }
    let can =
        |answer: &Answer| if let Answer::Can(abilities) = answer { Some(abilities.clone()) } else { None };
    let mut info = info(&hint.pcm, hint.name(), can(&playback).as_ref(), can(&capture).as_ref());
    if hint.pcm == "default" {
        info.is_default_output = !matches!(playback, Answer::Absent);
        info.is_default_input = !matches!(capture, Answer::Absent);
    }
    Some(info)
}

fn ask(pcm: &str, direction: bool) -> Answer {
    let direction = if direction == CAPTURE { Direction::Capture } else { Direction::Playback };
    match open(pcm, direction).and_then(|pcm| abilities(&pcm)) {
        Ok(abilities) => Answer::Can(abilities),
        Err(error) if matches!(error.errno(), libc::EBUSY | libc::EAGAIN) => Answer::Busy,
        Err(_) => Answer::Absent,
    }
}

fn info(pcm: &str, name: &str, playback: Option<&Abilities>, capture: Option<&Abilities>) -> DeviceInfo {
    let most = |side: Option<&Abilities>| side.map_or(0, |side| *side.channels.end() as usize);
    let told = playback.or(capture);
    let rates = told.map(|side| side.rates.clone()).unwrap_or_default();
    // What is played waits for all but the period that is being filled; what is recorded, for its period.
    let output = |(period, periods): (f64, usize)| period * (periods - 1) as f64;
    DeviceInfo {
        id: format!("alsa:{pcm}"),
        name: name.to_owned(),
        host: "alsa".to_owned(),
        max_input_channels: most(capture),
        max_output_channels: most(playback),
        default_sample_rate: default_rate(&rates),
        default_low_input_latency: LOW.0,
        default_low_output_latency: output(LOW),
        default_high_input_latency: HIGH.0,
        default_high_output_latency: output(HIGH),
        sample_rates: rates,
        formats: told.map(|side| side.formats.clone()).unwrap_or_default(),
        ..DeviceInfo::default()
    }
}

impl Hint {
    fn name(&self) -> &str {
        self.description.lines().next().filter(|name| !name.is_empty()).unwrap_or(&self.pcm)
    }
}

/// What libasound's configuration names, without the noise; `default` always and first.
fn hints() -> Vec<Hint> {
    let mut hints = vec![Hint {
        pcm: "default".to_owned(),
        description: "Default ALSA device".to_owned(),
        direction: None,
    }];
    for hint in HintIter::new(None, c"pcm").into_iter().flatten() {
        let Some(pcm) = hint.name else { continue };
        let direction = hint.direction.map(|direction| direction == Direction::Capture);
        let hint = Hint { description: hint.desc.unwrap_or_default(), direction, pcm };
        if hint.pcm == "default" {
            hints[0] = hint;
        } else if let Some(same) = hints.iter_mut().find(|other| other.pcm == hint.pcm) {
            same.direction = same.direction.filter(|_| same.direction == direction);
        } else if !is_noise(&hint.pcm) {
            hints.push(hint);
        }
    }
    hints
}

fn is_noise(pcm: &str) -> bool {
    let family = pcm.split(':').next().unwrap_or(pcm);
    NOISE.contains(&family.trim_end_matches(|c: char| c.is_ascii_digit())) || NOISE.contains(&family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_device_of_its_own_is_noise() {
        for pcm in
            ["null", "surround51:CARD=PCH,DEV=0", "surround40", "a52", "iec958:CARD=PCH", "dmix", "jack"]
        {
            assert!(is_noise(pcm), "{pcm}");
        }
        for pcm in
            ["default", "pulse", "pipewire", "sysdefault:CARD=PCH", "hw:0,0", "plughw:0", "front", "my_mixer"]
        {
            assert!(!is_noise(pcm), "{pcm}");
        }
    }
}
