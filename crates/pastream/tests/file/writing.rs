use std::{
    fs,
    path::Path,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use pastream::{
    ErrorKind, SampleFormat,
    file::{Container, Encoding, Endian, FileReader, FileWriter, ReadHint, Spec},
};

use crate::support::{Folder, Kept, noise, read_all, spec};

/// Frames that another reader finds in the file now.
fn there(path: &Path) -> Vec<u8> {
    read_all(&mut FileReader::open(path, &ReadHint::default()).unwrap(), 64).unwrap()
}

#[test]
fn nothing_is_touched_before_begin() {
    let folder = Folder::new("untouched");
    let (old, new) = (folder.join("old.wav"), folder.join("new.wav"));
    fs::write(&old, "precious").unwrap();
    let wav = spec(Container::Wav, Encoding::Pcm16, 1);
    for path in [&old, &new] {
        let mut writer = FileWriter::create(path, wav.clone()).unwrap();
        writer.update().unwrap();
        writer.finish().unwrap();
        assert_eq!(writer.begin().unwrap_err().kind(), ErrorKind::StreamState);
        drop(FileWriter::create(path, wav.clone()).unwrap());
    }
    assert_eq!(fs::read(&old).unwrap(), b"precious");
    assert!(!new.exists());

    let mut writer = FileWriter::create(&old, wav).unwrap();
    writer.begin().unwrap();
    writer.begin().unwrap();
    assert!(there(&old).is_empty());
}

#[test]
fn what_cannot_be_written_fails_at_once() {
    let folder = Folder::new("cannot");
    let wav = spec(Container::Wav, Encoding::Pcm16, 1);
    fs::create_dir(folder.join("folder.wav")).unwrap();
    fs::write(folder.join("plain"), "").unwrap();
    for name in ["folder.wav", "missing/take.wav", "plain/take.wav"] {
        let error = FileWriter::create(&folder.join(name), wav.clone()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().contains(name), "{error}");
    }
    assert!(!folder.join("missing").exists());
    let path = folder.join("take");
    for (kind, wrong) in [
        (ErrorKind::UnsupportedFile, spec(Container::Wav, Encoding::PcmS8, 1)),
        (ErrorKind::UnsupportedFile, spec(Container::Au, Encoding::PcmU8, 1)),
        (
            ErrorKind::UnsupportedFile,
            Spec { endian: Endian::Big, ..spec(Container::Rf64, Encoding::Pcm16, 1) },
        ),
        (ErrorKind::InvalidArgument, spec(Container::Wav, Encoding::Pcm16, 0)),
        (ErrorKind::InvalidArgument, spec(Container::Wav, Encoding::Pcm16, 257)),
        (ErrorKind::InvalidArgument, Spec { sample_rate: 0, ..wav.clone() }),
        (ErrorKind::InvalidArgument, Spec { sample_rate: 768_001, ..wav }),
    ] {
        assert_eq!(FileWriter::check(&wrong).unwrap_err().kind(), kind);
        assert_eq!(FileWriter::create(&path, wrong).err().unwrap().kind(), kind);
    }
    assert!(!path.exists());
}

#[test]
fn the_header_is_true_after_update_finish_and_drop() {
    let folder = Folder::new("header");
    // FLAC has tests of its own: its frames come in blocks.
    let others = [Container::Raw, Container::Flac];
    let told = |container: &Container| container.is_written() && !others.contains(container);
    for container in Container::ALL.into_iter().filter(told) {
        let path = folder.join("take");
        let mut writer = FileWriter::create(&path, spec(container, Encoding::Pcm24, 1)).unwrap();
        writer.write(&noise(9)).unwrap();
        // A header that was never rewritten tells no length, so that nothing is lost even then.
        assert_eq!(there(&path), noise(9));
        writer.update().unwrap();
        assert_eq!(there(&path), noise(9));
        writer.write(&noise(6)).unwrap();
        // What the header doesn't tell yet is what a crash loses; that of W64 tells no length before the end.
        let all = [noise(9), noise(6)].concat();
        assert_eq!(there(&path), if container == Container::W64 { all } else { noise(9) });
        writer.finish().unwrap();
        assert_eq!(there(&path), [noise(9), noise(6)].concat());
        let finished = fs::read(&path).unwrap();
        writer.finish().unwrap();
        assert_eq!(writer.write(&noise(3)).unwrap_err().kind(), ErrorKind::StreamState);
        drop(writer);
        assert_eq!(fs::read(&path).unwrap(), finished);

        let mut writer = FileWriter::create(&path, spec(container, Encoding::Pcm24, 1)).unwrap();
        writer.write(&[noise(9), noise(6)].concat()).unwrap();
        drop(writer);
        assert_eq!(fs::read(&path).unwrap(), finished);
    }
}

#[test]
fn a_partial_frame_is_refused_whole() {
    let folder = Folder::new("partial");
    let path = folder.join("take.wav");
    let mut writer = FileWriter::create(&path, spec(Container::Wav, Encoding::Pcm16, 2)).unwrap();
    assert_eq!(writer.write(&noise(6)).unwrap_err().kind(), ErrorKind::InvalidArgument);
    writer.set_format(SampleFormat::Int24);
    writer.write(&noise(6)).unwrap();
    writer.finish().unwrap();
    assert_eq!(there(&path).len(), 4);
}

#[test]
fn a_closed_pipe_is_an_error_that_stays() {
    let kept = Kept::new(40);
    let au = spec(Container::Au, Encoding::Pcm16, 2);
    let mut writer = FileWriter::to_pipe(Box::new(kept.clone()), "stdout", au).unwrap();
    writer.write(&noise(12)).unwrap();
    let error = writer.write(&noise(12)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().starts_with("cannot write stdout: "), "{error}");
    let source = std::error::Error::source(&error).unwrap().downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(source.kind(), std::io::ErrorKind::BrokenPipe);
    assert_eq!(writer.write(&noise(4)).unwrap_err().kind(), ErrorKind::Io);
    writer.finish().unwrap();
    assert_eq!(kept.bytes().len(), 40);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_names_the_file() {
    let mut writer =
        FileWriter::create(Path::new("/dev/full"), spec(Container::Raw, Encoding::Pcm16, 1)).unwrap();
    writer.begin().unwrap();
    let error = writer.write(&noise(2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains("/dev/full"), "{error}");
    let mut writer =
        FileWriter::create(Path::new("/dev/full"), spec(Container::Wav, Encoding::Pcm16, 1)).unwrap();
    assert_eq!(writer.begin().unwrap_err().kind(), ErrorKind::Io);
    assert!(Path::new("/dev/full").exists());
}

/// A file size limit stands in for a disk that fills up in the middle of a frame. It holds for a whole process, so a shell
/// runs this test program once more beneath one.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_leaves_whole_frames() {
    const INSIDE: &str = "PASTREAM_TEST_FULL_DISK";
    if let Some(path) = std::env::var_os(INSIDE) {
        let path = Path::new(&path);
        let mut writer = FileWriter::create(path, spec(Container::Wav, Encoding::Pcm24, 2)).unwrap();
        writer.write(&noise(6)).unwrap();
        let error = writer.write(&noise(6000)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(writer.write(&noise(6)).unwrap_err().kind(), ErrorKind::Io);
        writer.finish().unwrap();
        return;
    }
    let folder = Folder::new("fills_up");
    let path = folder.join("take.wav");
    // 1 KiB in bash's units. The signal that comes with it is ignored, so that the write fails instead.
    let output = std::process::Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "writing::a_disk_that_fills_up_leaves_whole_frames", "--nocapture"])
        .env(INSIDE, &path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let length = (1024 - 104) / 6 * 6;
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 104 + length);
    assert_eq!(bytes[100..104], (length as u32).to_le_bytes());
    assert_eq!(bytes[104..], [noise(6), noise(6000)].concat()[..length]);
}

#[test]
fn a_file_in_use_is_not_written_over() {
    let folder = Folder::new("in-use");
    let path = folder.join("take.wav");
    let wav = spec(Container::Wav, Encoding::Pcm16, 1);
    let refused = |result: pastream::Result<()>| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().contains("take.wav: it is open to be played or recorded"), "{error}");
    };
    let mut first = FileWriter::create(&path, wav.clone()).unwrap();
    let mut second = FileWriter::create(&path, wav.clone()).unwrap();
    first.write(&[1, 2]).unwrap();
    first.update().unwrap();
    // Whoever begins later, or comes later, finds it taken.
    refused(second.begin());
    refused(FileWriter::create(&path, wav.clone()).map(drop));
    // It can be read while it grows.
    assert_eq!(there(&path), [1, 2]);
    first.write(&[3, 4]).unwrap();
    first.finish().unwrap();

    let playing = FileReader::open(&path, &ReadHint::default()).unwrap();
    refused(FileWriter::create(&path, wav.clone()).map(drop));
    assert_eq!(there(&path), [1, 2, 3, 4]);
    drop(playing);
    FileWriter::create(&path, wav).unwrap().begin().unwrap();
    assert!(there(&path).is_empty());
}

#[cfg(unix)]
#[test]
fn a_file_that_is_not_in_its_place_any_more_is_told_and_is_whole() {
    let folder = Folder::new("moved");
    let (path, moved) = (folder.join("take.wav"), folder.join("moved.wav"));
    for replaced in [false, true] {
        let mut writer = FileWriter::create(&path, spec(Container::Wav, Encoding::Pcm16, 1)).unwrap();
        writer.write(&[1, 2]).unwrap();
        fs::rename(&path, &moved).unwrap();
        if replaced {
            fs::write(&path, "another's").unwrap();
        }
        writer.write(&[3, 4]).unwrap();
        let error = writer.finish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().contains("take.wav was moved, removed or replaced"), "{error}");
        assert_eq!(there(&moved), [1, 2, 3, 4]);
    }
    assert_eq!(fs::read(&path).unwrap(), b"another's");
}

#[test]
fn of_two_that_begin_at_once_one_records_and_the_other_leaves_it_alone() {
    let folder = Folder::new("at-once");
    let path = folder.join("take.wav");
    let wav = spec(Container::Wav, Encoding::Pcm16, 1);
    for round in 0..500 {
        let (start, begun) = (Barrier::new(3), Barrier::new(3));
        let record = |frames: Vec<u8>| {
            let mut writer = FileWriter::create(&path, wav.clone()).unwrap();
            start.wait();
            let won = writer.write(&frames);
            begun.wait();
            won.map(|()| (writer.finish(), frames))
        };
        let won = thread::scope(|scope| {
            let writers = [1, 2].map(|value| scope.spawn(move || record(vec![value; 4])));
            // Who only asks is in nobody's way.
            start.wait();
            drop(FileWriter::create(&path, wav.clone()));
            begun.wait();
            writers.map(|writer| writer.join().unwrap())
        });
        let [won, lost] = if won[0].is_ok() { won } else { [won[1].clone(), won[0].clone()] };
        let (finished, frames) = won.unwrap();
        finished.unwrap();
        assert_eq!(there(&path), frames, "round {round}");
        let error = lost.unwrap_err();
        assert!(error.message().contains("it is open to be played or recorded"), "{error}");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn whoever_asks_for_a_file_keeps_nobody_from_beginning_it() {
    let folder = Folder::new("asked");
    let path = folder.join("take.wav");
    let wav = spec(Container::Wav, Encoding::Pcm16, 1);
    fs::write(&path, "").unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                drop(FileWriter::create(&path, wav.clone()));
            }
        });
        let begun = (0..2000).try_for_each(|_| FileWriter::create(&path, wav.clone())?.begin());
        over.store(true, Ordering::Relaxed);
        begun.unwrap();
    });
}

/// Another that creates a file, and removes it again since it can't go on: between the opening and the locking of it here.
#[cfg(unix)]
#[test]
fn a_file_that_was_removed_before_it_was_locked_is_created_anew() {
    use std::os::unix::fs::MetadataExt;

    let folder = Folder::new("anew");
    let path = folder.join("take.wav");
    let wav = spec(Container::Wav, Encoding::Pcm16, 1);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                if let Ok(file) = fs::File::create_new(&path)
                    && file.try_lock().is_ok()
                    && file.metadata().unwrap().nlink() > 0
                {
                    // Whoever records may have removed it by now.
                    let _ = fs::remove_file(&path);
                }
            }
        });
        let recorded = (0..2000).try_for_each(|_| {
            let mut writer = FileWriter::create(&path, wav.clone())?;
            // Where the other has it there is nothing to say.
            if writer.begin().is_ok() {
                writer.finish()?;
                let _ = fs::remove_file(&path);
            }
            Ok::<_, pastream::Error>(())
        });
        over.store(true, Ordering::Relaxed);
        recorded.unwrap();
    });
}

#[test]
fn what_is_not_to_be_written_over_stays_whenever_it_comes() {
    let folder = Folder::new("keep");
    let path = folder.join("take.wav");
    let wav = spec(Container::Wav, Encoding::Pcm16, 1);
    let kept =
        format!("{} is there already, and is not to be written over: choose another file", path.display());

    let mut late = FileWriter::create(&path, wav.clone()).unwrap();
    late.set_overwrite(false).unwrap();
    fs::write(&path, "precious").unwrap();
    assert_eq!(late.write(&[1, 2]).unwrap_err().message(), kept);
    let mut early = FileWriter::create(&path, wav.clone()).unwrap();
    assert_eq!(early.set_overwrite(false).unwrap_err().message(), kept);
    assert_eq!(fs::read(&path).unwrap(), b"precious");

    let open = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let error = FileWriter::to_file(open, "fd 3", wav.clone()).unwrap().set_overwrite(false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);

    fs::remove_file(&path).unwrap();
    let mut new = FileWriter::create(&path, wav).unwrap();
    new.set_overwrite(false).unwrap();
    new.write(&[1, 2]).unwrap();
    new.finish().unwrap();
    assert_eq!(there(&path), [1, 2]);
}

#[cfg(unix)]
#[test]
fn a_link_that_comes_meanwhile_is_not_written_through() {
    let folder = Folder::new("through");
    let wav = spec(Container::Wav, Encoding::Pcm16, 1);
    let path = folder.join("link.wav");
    let mut writer = FileWriter::create(&path, wav).unwrap();
    writer.set_overwrite(false).unwrap();
    std::os::unix::fs::symlink("nothing.wav", &path).unwrap();
    let error = writer.begin().unwrap_err();
    assert!(error.message().contains("is there already"), "{error}");
    assert!(!folder.join("nothing.wav").exists());
}

#[cfg(unix)]
#[test]
fn what_leads_to_no_file_is_refused_at_once() {
    let folder = Folder::new("dangling");
    std::os::unix::fs::symlink("nothing.wav", folder.join("link.wav")).unwrap();
    let wav = spec(Container::Wav, Encoding::Pcm16, 1);
    for (name, why) in [
        ("link.wav", "it is a link to a file that isn't there: choose another file"),
        ("new.wav/", "it is a directory"),
    ] {
        let error = FileWriter::create(&folder.join(name), wav.clone()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().ends_with(why), "{error}");
    }
}

/// As above, a size limit is the full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_gets_no_header_is_not_left() {
    const INSIDE: &str = "PASTREAM_TEST_NO_ROOM";
    if let Some(folder) = std::env::var_os(INSIDE) {
        let wav = spec(Container::Wav, Encoding::Pcm16, 1);
        let path = Path::new(&folder).join("new.wav");
        let mut writer = FileWriter::create(&path, wav).unwrap();
        assert_eq!(writer.begin().unwrap_err().kind(), ErrorKind::Io);
        assert!(!path.exists());
        return;
    }
    let folder = Folder::new("no-room");
    let output = std::process::Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "writing::a_file_that_gets_no_header_is_not_left", "--nocapture"])
        .env(INSIDE, folder.join(""))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
