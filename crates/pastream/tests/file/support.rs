//! What the tests of files share.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    fs,
    io::{self, Read, Write},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use pastream::{
    Result,
    file::{Container, Encoding, Endian, FileReader, FileWriter, ReadHint, Spec},
};

/// An empty folder for one test, removed at its end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(test: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A pipe that gives a few bytes at a time.
pub(crate) struct Trickle(pub(crate) io::Cursor<Vec<u8>>, pub(crate) usize);

impl Read for Trickle {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(out.len());
        self.0.read(&mut out[..count])
    }
}

/// A pipe that is kept, and breaks after so many bytes.
#[derive(Clone)]
pub(crate) struct Kept(pub(crate) Arc<Mutex<Vec<u8>>>, pub(crate) usize);

impl Kept {
    pub(crate) fn new(breaks_after: usize) -> Self {
        Self(Arc::default(), breaks_after)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.0.lock().unwrap();
        let count = bytes.len().min(self.1 - kept.len());
        if count == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        kept.extend(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn spec(container: Container, encoding: Encoding, channels: usize) -> Spec {
    Spec { container, encoding, endian: Endian::File, channels, sample_rate: 44_100, frames: None }
}

/// What a reader of RAW must be told; nothing for the others.
pub(crate) fn hint(spec: &Spec) -> ReadHint {
    if spec.container != Container::Raw {
        return ReadHint::default();
    }
    ReadHint {
        container: Some(Container::Raw),
        encoding: Some(spec.encoding),
        endian: spec.endian,
        channels: Some(spec.channels),
        sample_rate: Some(spec.sample_rate),
    }
}

/// Bytes that are never the same in a row.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x1234_5678_u32;
    let step = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(step).take(length).collect()
}

/// Samples in the format that carries `encoding`, all of which it holds: any bits but for doubles, which go through float32, and
/// companded ones.
pub(crate) fn samples(encoding: Encoding, count: usize) -> Vec<u8> {
    if encoding == Encoding::Double {
        return (0..count).flat_map(|x| (x as f32 / 7.0 - 9.0).to_ne_bytes()).collect();
    }
    let bytes = noise(count * encoding.size());
    if !encoding.is_law() {
        return bytes;
    }
    let mut reader = pipe(&bytes, count, &hint(&spec(Container::Raw, encoding, 1))).unwrap();
    read_all(&mut reader, count).unwrap()
}

/// Every frame from where `reader` stands, read `frames` at a time.
pub(crate) fn read_all(reader: &mut FileReader, frames: usize) -> Result<Vec<u8>> {
    let size = reader.spec().channels * reader.format().size();
    let mut block = vec![0; frames * size];
    let mut all = Vec::new();
    loop {
        match reader.read(&mut block)? {
            0 => return Ok(all),
            count => all.extend(&block[..count * size]),
        }
    }
}

pub(crate) fn pipe(bytes: &[u8], at_a_time: usize, hint: &ReadHint) -> Result<FileReader> {
    let pipe = Trickle(io::Cursor::new(bytes.to_vec()), at_a_time);
    FileReader::from_pipe(Box::new(pipe), "pipe", hint)
}

/// The file that `frames`, in the format of `spec`'s encoding, become.
pub(crate) fn written(path: &std::path::Path, spec: &Spec, frames: &[u8]) -> Vec<u8> {
    let mut writer = FileWriter::create(path, spec.clone()).unwrap();
    writer.begin().unwrap();
    writer.write(frames).unwrap();
    writer.finish().unwrap();
    fs::read(path).unwrap()
}

/// What a file and a pipe of `bytes` give: length as told, and frames as read.
pub(crate) fn both(folder: &Folder, bytes: &[u8]) -> [(Option<u64>, Vec<u8>); 2] {
    let path = folder.join("take.wav");
    fs::write(&path, bytes).unwrap();
    let file = FileReader::open(&path, &ReadHint::default()).unwrap();
    [file, pipe(bytes, 3, &ReadHint::default()).unwrap()].map(|mut reader| {
        let told = reader.spec().frames;
        (told, read_all(&mut reader, 10).unwrap())
    })
}

/// Fails unless a file whose audio comes before its format is read, and a pipe that does so is refused.
pub(crate) fn audio_first(folder: &Folder, reversed: &[u8], data: &[u8]) {
    let path = folder.join("take");
    fs::write(&path, reversed).unwrap();
    let mut reader = FileReader::open(&path, &ReadHint::default()).unwrap();
    assert_eq!(read_all(&mut reader, 3).unwrap(), data);
    let error = pipe(reversed, 64, &ReadHint::default()).err().unwrap();
    assert!(error.message().contains("before its format"), "{error}");
}

thread_local! {
    /// Bytes that the thread holds, and the most that it held.
    static HELD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// The system's allocator, counted.
struct Counted;

#[global_allocator]
static ALLOCATOR: Counted = Counted;

fn count(more: usize, less: usize) {
    // A thread that ends frees after its locals are gone.
    let _ = HELD.try_with(|held| {
        let now = (held.get().0 + more).saturating_sub(less);
        held.set((now, held.get().1.max(now)));
    });
}

// SAFETY: all that it does is what the system's does.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.realloc(memory, layout, size) }
    }
}

/// What `work` gives, and how many bytes the thread held at most, more than before.
pub(crate) fn memory<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get().0;
    HELD.set((before, before));
    let result = work();
    (result, HELD.get().1 - before)
}
