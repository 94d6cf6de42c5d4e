//! What the fuzz targets do with their bytes.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs::File,
    io::{Cursor, Seek, Write},
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use libfuzzer_sys::Corpus;
use pastream::{
    SampleFormat,
    file::{Container, Encoding, Endian, FileReader, FileWriter, ReadHint, Spec, repair as mend},
};
use rustix::fs::{MemfdFlags, memfd_create};

/// What reading may take of memory, besides what the input has.
const MOST: usize = 64 << 20;
/// Frames that are read of one input, at most: compressed silence is longer than anybody waits.
const FRAMES: usize = 1 << 18;

static HELD: AtomicUsize = AtomicUsize::new(0);
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);

/// The system's allocator, which ends the process where more is held than an input may cost.
struct Counted;

#[global_allocator]
static ALLOCATOR: Counted = Counted;

fn more(size: usize) {
    let held = HELD.fetch_add(size, Ordering::Relaxed) + size;
    if held > LIMIT.load(Ordering::Relaxed) {
        // Once, so that the report itself can allocate.
        LIMIT.store(usize::MAX, Ordering::Relaxed);
        eprintln!("{held} bytes are held, the last {size} at once");
        std::process::abort();
    }
}

// SAFETY: all that it does is what the system's does.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        more(size);
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(memory, layout, size) }
    }
}

/// Does `work`, which holds no more than it may.
fn bounded<T>(input: usize, work: impl FnOnce() -> T) -> T {
    LIMIT.store(HELD.load(Ordering::Relaxed) + MOST + input, Ordering::Relaxed);
    let done = work();
    LIMIT.store(usize::MAX, Ordering::Relaxed);
    done
}

/// A file that is in memory alone.
fn file(bytes: &[u8]) -> File {
    let mut file = File::from(memfd_create("fuzz", MemfdFlags::CLOEXEC).expect("memory for a file"));
    file.write_all(bytes).and_then(|()| file.rewind()).expect("memory for a file");
    file
}

fn hint(container: Container) -> ReadHint {
    if container != Container::Raw {
        return ReadHint::default();
    }
    ReadHint {
        container: Some(container),
        encoding: Some(Encoding::Pcm24),
        channels: Some(3),
        sample_rate: Some(48_000),
        ..ReadHint::default()
    }
}

/// Every frame from where `reader` stands, up to a limit.
fn drain(reader: &mut FileReader) -> Vec<u8> {
    let size = reader.spec().channels * reader.format().size();
    let mut block = vec![0; 1000 * size];
    let mut all = Vec::new();
    let mut frames = 0;
    while frames < FRAMES / reader.spec().channels {
        match reader.read(&mut block) {
            Ok(0) | Err(_) => break,
            Ok(count) => {
                all.extend(&block[..count * size]);
                frames += count;
            }
        }
    }
    all
}

/// Reads `bytes` as a pipe and as a file, in their own format and in another, and seeks in them.
pub fn read(container: Container, bytes: &[u8]) -> Corpus {
    bounded(bytes.len(), || {
        let pipe = FileReader::from_pipe(Box::new(Cursor::new(bytes.to_vec())), "pipe", &hint(container));
        let opened = FileReader::from_file(file(bytes), "file", &hint(container));
        if let Ok(mut pipe) = pipe {
            drain(&mut pipe);
        }
        let Ok(mut reader) = opened else {
            return Corpus::Keep;
        };
        if reader.spec().container != container {
            return Corpus::Reject;
        }
        let whole = drain(&mut reader);
        let size = reader.spec().channels * reader.format().size();
        let frames = (whole.len() / size) as u64;
        // What is compressed may be damaged, and then differs.
        if reader.codec().is_none() && reader.seek(frames / 3).is_ok() {
            assert!(drain(&mut reader).starts_with(&whole[(frames / 3) as usize * size..]));
        }
        for to in [u64::MAX, frames, frames / 2, 1, 0] {
            let _ = reader.seek(to);
            reader.set_format(SampleFormat::ALL[(to % 6) as usize]);
            let mut block = vec![0; 100 * reader.spec().channels * reader.format().size()];
            let _ = reader.read(&mut block);
        }
        Corpus::Keep
    })
}

fn path(name: &str) -> PathBuf {
    let folder = ["/dev/shm", "/tmp"].into_iter().map(PathBuf::from).find(|folder| folder.is_dir());
    folder.unwrap_or_default().join(format!("pastream-fuzz-{}-{name}", std::process::id()))
}

/// Writes frames, in whatever container, encoding, byte order and channels the first bytes say, and reads the same back.
pub fn round_trip(bytes: &[u8]) -> Corpus {
    let [container, encoding, endian, channels, cuts, frames @ ..] = bytes else { return Corpus::Reject };
    let spec = Spec {
        container: Container::ALL[usize::from(*container) % Container::ALL.len()],
        encoding: Encoding::ALL[usize::from(*encoding) % Encoding::ALL.len()],
        endian: [Endian::File, Endian::Little, Endian::Big][usize::from(*endian) % 3],
        channels: usize::from(*channels) + 1,
        sample_rate: 48_000,
        frames: None,
    };
    // Doubles and companded samples are converted on their way.
    if spec.check().is_err() || spec.encoding == Encoding::Double || spec.encoding.is_law() {
        return Corpus::Reject;
    }
    bounded(bytes.len(), || {
        let path = path("round");
        let size = spec.frame_size();
        let frames = &frames[..frames.len() / size * size];
        let mut writer = FileWriter::create(&path, spec.clone()).expect("a file");
        writer.begin().expect("a header");
        for part in frames.chunks((usize::from(*cuts) + 1) * size) {
            writer.write(part).expect("room");
            writer.update().expect("a header");
        }
        writer.finish().expect("a file");
        let told = ReadHint {
            container: Some(spec.container),
            encoding: Some(spec.encoding),
            endian: spec.endian,
            channels: Some(spec.channels),
            sample_rate: Some(spec.sample_rate),
        };
        let mut reader = FileReader::open(&path, &told).expect("what was written is read");
        assert_eq!((reader.spec().channels, reader.spec().encoding), (spec.channels, spec.encoding));
        assert_eq!((reader.spec().frames, reader.missing()), (Some((frames.len() / size) as u64), 0));
        assert!(drain(&mut reader) == frames[..frames.len().min(drained(&spec))]);
        drop(reader);
        if let Ok(repaired) = mend(&path) {
            assert!(!repaired.changed);
        }
        let _ = std::fs::remove_file(path);
        Corpus::Keep
    })
}

/// Bytes that [`drain`] reads at most.
fn drained(spec: &Spec) -> usize {
    (FRAMES / spec.channels).div_ceil(1000) * 1000 * spec.frame_size()
}

/// Mends whatever it is: once is enough, no sample is changed, and what was read before is read afterwards.
pub fn repair(bytes: &[u8]) -> Corpus {
    bounded(bytes.len(), || {
        let path = path("repair");
        std::fs::write(&path, bytes).expect("a file");
        let frames = |path: &PathBuf| {
            let mut reader = FileReader::open(path, &ReadHint::default()).ok()?;
            Some(drain(&mut reader))
        };
        let before = frames(&path);
        let kept = match mend(&path) {
            Ok(done) => {
                let after = std::fs::read(&path).expect("a file");
                assert!(done.changed || after == bytes);
                assert!(after.len() >= bytes.len() && after.len() <= bytes.len() + 1);
                assert!(frames(&path).is_some_and(|after| after.starts_with(&before.unwrap_or_default())));
                let again = mend(&path).expect("what was mended is good");
                assert!(!again.changed && again.frames == done.frames, "{done:?} {again:?}");
                Corpus::Keep
            }
            Err(_) => {
                assert!(std::fs::read(&path).expect("a file") == bytes);
                Corpus::Reject
            }
        };
        let _ = std::fs::remove_file(path);
        kept
    })
}
