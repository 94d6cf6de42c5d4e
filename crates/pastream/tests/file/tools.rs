//! Other programs' files, and ours as they read them. Where a program is missing the test is skipped, but not in CI.

use std::{fs, io::ErrorKind, path::Path, process::Command};

use pastream::file::{Container, Encoding, FileReader, ReadHint};

use crate::support::{Folder, pipe, read_all};

/// What `command` prints; `None` where the program isn't there.
pub(crate) fn run(command: &str, folder: &Folder) -> Option<Vec<u8>> {
    let mut words = command.split(' ');
    let program = words.next().unwrap();
    match Command::new(program).args(words).current_dir(folder.join("")).output() {
        Ok(output) => {
            assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
            Some(output.stdout)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(std::env::var_os("CI").is_none(), "{program} must be installed in CI");
            println!("skipped: {program} is not installed");
            None
        }
        Err(error) => panic!("{command}: {error}"),
    }
}

pub(crate) fn open(path: &Path) -> FileReader {
    FileReader::open(path, &ReadHint::default()).unwrap()
}

/// How sox and ffmpeg call an encoding.
pub(crate) const NAMES: [(Encoding, &str, &str); 9] = [
    (Encoding::PcmS8, "-e signed -b 8", "s8"),
    (Encoding::PcmU8, "-e unsigned -b 8", "u8"),
    (Encoding::Pcm16, "-e signed -b 16", "s16le"),
    (Encoding::Pcm24, "-e signed -b 24", "s24le"),
    (Encoding::Pcm32, "-e signed -b 32", "s32le"),
    (Encoding::Float, "-e floating-point -b 32", "f32le"),
    (Encoding::Double, "-e floating-point -b 64", "f64le"),
    // What companded samples stand for.
    (Encoding::Ulaw, "-e signed -b 16", "s16le"),
    (Encoding::Alaw, "-e signed -b 16", "s16le"),
];

#[test]
fn sox_writes_what_we_read() {
    let folder = Folder::new("sox_writes");
    for container in [Container::Wav, Container::Aiff, Container::Au] {
        for (encoding, sox, _) in NAMES {
            if !container.encodings().contains(&encoding)
                || encoding == Encoding::Double
                || encoding.is_law()
                || (container == Container::Aiff && encoding.is_float())
            {
                continue;
            }
            for channels in [1, 2, 6] {
                // Without dither both outputs of a run are the same samples.
                let synth =
                    format!("sox -D -R -n -c {channels} -r 8000 {sox} -t {container} TO synth 0.01 sine 440");
                let Some(_) = run(&synth.replace("TO", "take"), &folder) else { return };
                let piped = run(&synth.replace("TO", "-"), &folder).unwrap();
                run(&format!("sox -D take {sox} -L -t raw take.raw"), &folder).unwrap();
                let frames = fs::read(folder.join("take.raw")).unwrap();
                let mut file = open(&folder.join("take"));
                assert_eq!((file.spec().encoding, file.spec().channels), (encoding, channels));
                assert_eq!(file.spec().frames, Some(80));
                assert!(read_all(&mut file, 9).unwrap() == frames, "{container} {encoding} {channels}");
                let mut pipe = pipe(&piped, 11, &ReadHint::default()).unwrap();
                assert!(read_all(&mut pipe, 9).unwrap() == frames, "{container} {encoding} {channels} pipe");
            }
        }
    }
}

#[test]
fn ffmpeg_writes_what_we_read() {
    let folder = Folder::new("ffmpeg_writes");
    for (encoding, _, ffmpeg) in &NAMES[1..7] {
        let source = "ffmpeg -v error -f lavfi -i sine=440:r=8000:d=0.01 -bitexact";
        let Some(_) = run(&format!("{source} -c:a pcm_{ffmpeg} take.wav"), &folder) else { return };
        let piped = run(&format!("{source} -c:a pcm_{ffmpeg} -f wav -"), &folder).unwrap();
        // A double comes as float32, which ffmpeg makes of 16-bit samples without a loss.
        let ffmpeg = if *encoding == Encoding::Double { "f32le" } else { ffmpeg };
        let frames = run(&format!("{source} -c:a pcm_{ffmpeg} -f {ffmpeg} -"), &folder).unwrap();
        let mut file = open(&folder.join("take.wav"));
        assert_eq!((file.spec().encoding, file.spec().frames), (*encoding, Some(80)));
        assert!(read_all(&mut file, 9).unwrap() == frames, "{encoding}");
        let mut pipe = pipe(&piped, 11, &ReadHint::default()).unwrap();
        assert!(read_all(&mut pipe, 9).unwrap() == frames, "{encoding} pipe");
        fs::remove_file(folder.join("take.wav")).unwrap();
    }
}

#[test]
fn speech_from_espeak_is_read() {
    let folder = Folder::new("espeak");
    let Some(_) = run("espeak-ng -w speech.wav pastream", &folder) else { return };
    let piped = run("espeak-ng --stdout pastream", &folder).unwrap();
    let path = folder.join("speech.wav");
    let mut file = open(&path);
    assert_eq!(
        (file.spec().encoding, file.spec().channels, file.spec().sample_rate),
        (Encoding::Pcm16, 1, 22_050)
    );
    let frames = read_all(&mut file, 1000).unwrap();
    assert!(frames.len() > 20_000 && fs::read(&path).unwrap().ends_with(&frames));
    let mut pipe = pipe(&piped, 1000, &ReadHint::default()).unwrap();
    assert!(read_all(&mut pipe, 1000).unwrap() == frames);
}
