//! Tags: what is written comes back, here and in ffmpeg, and what others write is found.

use std::fs;

use pastream::{
    ErrorKind,
    file::{Container, Encoding, Endian, FileReader, FileWriter, ReadHint, Spec, Tag, Tags},
};

use crate::{
    support::{Folder, Kept, pipe, read_all, samples, spec},
    tools::{open, run},
};

const VALUES: [(Tag, &str); 9] = [
    (Tag::Title, "Größe"),
    (Tag::Artist, "a"),
    (Tag::Album, "two words"),
    (Tag::Date, "2026-11-28T23:59:58"),
    (Tag::Comment, "a=b; 日本"),
    (Tag::Track, "7"),
    (Tag::Description, "what is heard"),
    (Tag::Originator, "pastream"),
    (Tag::TimeReference, "10000000000"),
];

fn tags(of: &[Tag]) -> Tags {
    let mut tags = Tags::default();
    for (tag, value) in VALUES {
        if of.contains(&tag) {
            tags.set(tag, value).unwrap();
        }
    }
    tags
}

fn written(folder: &Folder, spec: &Spec, tags: &Tags) -> Vec<u8> {
    let path = folder.join("take");
    let mut writer = FileWriter::create(&path, spec.clone()).unwrap();
    writer.set_tags(tags.clone()).unwrap();
    writer.write(&samples(spec.encoding, 100 * spec.channels)).unwrap();
    writer.finish().unwrap();
    fs::read(path).unwrap()
}

#[test]
fn what_is_written_comes_back() {
    let folder = Folder::new("tags_back");
    for container in Container::ALL.into_iter().filter(|container| !container.tags().is_empty()) {
        for endian in [Endian::File, Endian::Little, Endian::Big] {
            let spec = Spec { endian, ..spec(container, Encoding::Pcm16, 2) };
            if spec.check().is_err() {
                continue;
            }
            // Texts of every length to some number, so that each padding is met.
            for extra in 0..9 {
                let mut tags = tags(container.tags());
                tags.set(Tag::Title, &"x".repeat(extra)).unwrap();
                let bytes = written(&folder, &spec, &tags);
                let mut reader = open(&folder.join("take"));
                assert_eq!(*reader.tags(), tags, "{container} {endian} {extra}");
                assert!(read_all(&mut reader, 7).unwrap() == samples(Encoding::Pcm16, 200), "{container}");
                assert_eq!((reader.spec().frames, reader.missing()), (Some(100), 0), "{container} {extra}");
                let piped = pipe(&bytes, 11, &ReadHint::default()).unwrap();
                assert_eq!(*piped.tags(), tags, "{container} {endian} pipe");
            }
        }
    }
}

#[test]
fn ffmpeg_finds_them() {
    let folder = Folder::new("tags_ffmpeg");
    for container in
        [Container::Wav, Container::Rf64, Container::Aiff, Container::Au, Container::Caf, Container::Flac]
    {
        let tags = tags(container.tags());
        written(&folder, &spec(container, Encoding::Pcm16, 1), &tags);
        let Some(told) = run("ffprobe -v error -show_entries format_tags -of flat take", &folder) else {
            return;
        };
        let told = String::from_utf8(told).unwrap();
        let expected: &[&str] = match container {
            Container::Aiff => &["title=\"Größe\"", "author=\"a\"", "comment=\"a=b; 日本\""],
            Container::Au => &["title=\"Größe\"", "artist=\"a\"", "album=\"two words\"", "track=\"7\""],
            Container::Wav | Container::Rf64 => &[
                "title=\"Größe\"",
                "artist=\"a\"",
                "album=\"two words\"",
                "date=\"2026-11-28T23:59:58\"",
                "comment=\"a=b; 日本\"",
                "track=\"7\"",
                "encoded_by=\"pastream\"",
                "creation_time=\"23:59:58\"",
                "time_reference=\"10000000000\"",
            ],
            Container::Caf => {
                &["title=\"Größe\"", "comments=\"a=b; 日本\"", "time_reference=\"10000000000\""]
            }
            _ => &["TITLE=\"Größe\"", "track=\"7\"", "TIME_REFERENCE=\"10000000000\""],
        };
        for expected in expected {
            assert!(told.contains(&format!(".{expected}")), "{container} {expected}: {told}");
        }
    }
}

#[test]
fn what_ffmpeg_writes_is_found() {
    let folder = Folder::new("tags_of_ffmpeg");
    let all = [Tag::Title, Tag::Artist, Tag::Album, Tag::Date, Tag::Comment, Tag::Track];
    for (name, how, found) in [
        ("x.wav", "-write_bext 1 -metadata time_reference=1234567 -metadata originator=me", all.as_slice()),
        ("x.aiff", "", &[Tag::Title, Tag::Comment]),
        ("x.aif", "-write_id3v2 1", &all),
        ("x.au", "", &[Tag::Title, Tag::Artist, Tag::Album, Tag::Track]),
        ("x.caf", "", &all),
        ("x.flac", "", &all),
        ("x.ogg", "-c:a libvorbis", &all),
        ("x.opus", "-c:a libopus", &all),
        ("x.oga", "-c:a flac", &all),
        ("x.mp3", "", &all),
        // Of which ffmpeg knows the names of the others no more.
        ("v1.mp3", "-id3v2_version 0 -write_id3v1 1", &[Tag::Comment]),
        ("v3.mp3", "-id3v2_version 3", &all),
        ("x.m4a", "", &all),
        ("x.mka", "-c:a flac", &[Tag::Artist, Tag::Comment]),
    ] {
        let how = if how.is_empty() { String::new() } else { format!(" {how}") };
        let command = format!(
            "ffmpeg -v error -y -f lavfi -i sine=r=48000:d=0.3 -metadata title=T -metadata artist=Ä -metadata album=B -metadata date=1999 -metadata comment=C -metadata track=3{how} {name}"
        );
        let Some(_) = run(&command, &folder) else { return };
        let reader = open(&folder.join(name));
        let tags = reader.tags();
        for (tag, value) in [
            (Tag::Title, "T"),
            (Tag::Artist, "Ä"),
            (Tag::Album, "B"),
            (Tag::Date, "1999"),
            (Tag::Comment, "C"),
            (Tag::Track, "3"),
        ] {
            if !found.contains(&tag) {
                continue;
            }
            // Of FLAC and Ogg ffmpeg calls a comment a description, of which symphonia's Vorbis comments have both.
            let there = tags.get(tag).or_else(|| tags.get(Tag::Description).filter(|_| tag == Tag::Comment));
            assert_eq!(there, Some(value), "{name} {tag} {tags:?}");
        }
        if name == "x.wav" {
            assert_eq!((tags.time_reference(), tags.get(Tag::Originator)), (Some(1_234_567), Some("me")));
        }
    }
}

#[test]
fn tags_behind_the_audio_are_found() {
    let folder = Folder::new("tags_behind");
    // An odd length, and so padding.
    let data = 7_u32;
    let chunk = |id: &[u8], content: &[u8]| {
        [id, &(content.len() as u32).to_le_bytes(), content, &vec![0; content.len() % 2]].concat()
    };
    let format = [1_u16.to_le_bytes(), 1_u16.to_le_bytes()].concat();
    let format =
        [format, 8_000_u32.to_le_bytes().to_vec(), 8_000_u32.to_le_bytes().to_vec(), vec![1, 0, 8, 0]]
            .concat();
    let list = [b"INFO".to_vec(), chunk(b"INAM", b"last\0")].concat();
    let chunks =
        [chunk(b"fmt ", &format), chunk(b"data", &vec![5; data as usize]), chunk(b"LIST", &list)].concat();
    let file = [b"RIFF".as_slice(), &(chunks.len() as u32 + 4).to_le_bytes(), b"WAVE", &chunks].concat();
    fs::write(folder.join("take.wav"), &file).unwrap();
    let mut reader = open(&folder.join("take.wav"));
    assert_eq!(reader.tags().get(Tag::Title), Some("last"));
    assert_eq!(read_all(&mut reader, 3).unwrap(), [5; 7]);
    // A pipe doesn't know them yet.
    assert!(pipe(&file, 9, &ReadHint::default()).unwrap().tags().is_empty());
}

#[test]
fn what_a_container_cannot_hold_is_refused_before_anything_is_created() {
    let folder = Folder::new("tags_refused");
    let long = "x".repeat(257);
    for (container, tag, value) in [
        (Container::W64, Tag::Title, "x"),
        (Container::Raw, Tag::Comment, "x"),
        (Container::Aiff, Tag::Album, "x"),
        (Container::Wav, Tag::Description, &long),
        (Container::Wav, Tag::Originator, &long[..33]),
        (Container::Au, Tag::Comment, "two\nlines"),
    ] {
        let path = folder.join("take");
        let mut writer = FileWriter::create(&path, spec(container, Encoding::Pcm16, 1)).unwrap();
        let mut tags = Tags::default();
        tags.set(tag, value).unwrap();
        let error = writer.set_tags(tags).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedFile, "{container}");
        assert!(error.message().contains(tag.name()), "{error}");
        assert!(!path.exists());
    }
    for (tag, value) in
        [(Tag::Title, "a\0b"), (Tag::TimeReference, "-1"), (Tag::Comment, &"x".repeat(65_536))]
    {
        assert_eq!(Tags::default().set(tag, value).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    assert_eq!("TIMEREFERENCE".parse::<Tag>().unwrap(), Tag::TimeReference);
    assert!("genre".parse::<Tag>().unwrap_err().message().contains("title"));
}

#[test]
fn a_pipe_gets_them_too() {
    let kept = Kept::new(1 << 20);
    let all = tags(&Tag::ALL);
    let mut writer =
        FileWriter::to_pipe(Box::new(kept.clone()), "pipe", spec(Container::Au, Encoding::Pcm16, 1)).unwrap();
    writer.set_tags(all.clone()).unwrap();
    writer.write(&[1, 2]).unwrap();
    writer.finish().unwrap();
    let reader: FileReader = pipe(&kept.bytes(), 5, &ReadHint::default()).unwrap();
    assert_eq!(*reader.tags(), all);
}
