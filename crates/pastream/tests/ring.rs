//! The ring against a queue that can't be wrong, between threads, and over memory that lies.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::{
    collections::VecDeque,
    ptr::NonNull,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use pastream::{
    ErrorKind,
    ring::{
        Reader, Ring, Writer,
        header::{HEADER, MAGIC, MAX_CAPACITY, VERSION, distance},
    },
};
use pastream_rt::Live;
use proptest::{
    collection::vec,
    prelude::{Just, ProptestConfig, Strategy, any},
    prop_oneof,
    sample::select,
    test_runner::{RngAlgorithm, TestCaseResult, TestRng, TestRunner},
};
use ringbuf::traits::{Consumer, Observer, Producer};

/// Miri is a thousand times slower, and looks for other faults.
const FRAMES: usize = if cfg!(miri) { 300 } else { 300_000 };
const CASES: u32 = if cfg!(miri) { 4 } else { 400 };
const ROUNDS: usize = if cfg!(miri) { 20 } else { 2000 };
const NOW: Option<Duration> = Some(Duration::ZERO);

fn never() -> bool {
    false
}

/// Runs the property with the same seed every time.
fn check<S: Strategy>(strategy: &S, property: impl Fn(S::Value) -> TestCaseResult) {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    TestRunner::new_with_rng(config, rng).run(strategy, property).unwrap();
}

/// What an end does next, in frames.
#[derive(Clone, Debug)]
enum Step {
    Write(usize),
    Read(usize),
    /// The slices and an advance of less than them.
    Fill(usize, usize),
    Drain(usize, usize),
    One,
    Retake,
    End,
    Close,
    Reopen,
}

fn steps() -> impl Strategy<Value = (usize, usize, Vec<Step>)> {
    let step = prop_oneof![
        5 => (0..50_usize).prop_map(Step::Write),
        5 => (0..50_usize).prop_map(Step::Read),
        2 => (0..50_usize, 0..50_usize).prop_map(|(frames, done)| Step::Fill(frames, done)),
        2 => (0..50_usize, 0..50_usize).prop_map(|(frames, done)| Step::Drain(frames, done)),
        2 => Just(Step::One),
        1 => Just(Step::Retake),
        1 => Just(Step::End),
        1 => Just(Step::Close),
        2 => Just(Step::Reopen),
    ];
    (select(vec![1_usize, 2, 3, 6, 16]), 1..=40_usize, vec(step, 1..80))
}

/// Numbers the bytes, so that each one tells where it was written.
struct Numbers(u8);

impl Numbers {
    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length)
            .map(|_| {
                self.0 = self.0.wrapping_mul(5).wrapping_add(1);
                self.0
            })
            .collect()
    }
}

fn take(model: &mut VecDeque<u8>, length: usize) -> Vec<u8> {
    model.drain(..length).collect()
}

fn ends(ring: &Arc<Ring>) -> (Writer, Reader) {
    (ring.writer().unwrap(), ring.reader().unwrap())
}

#[test]
fn ends_of_bytes_behave_like_a_queue() {
    check(&steps(), |(size, capacity, steps)| {
        let ring = Ring::new(size, capacity).unwrap();
        let (mut writer, mut reader) = ends(&ring);
        let (mut model, mut numbers) = (VecDeque::new(), Numbers(0));
        let (mut ended, mut closed) = (false, false);
        for step in steps {
            let held = model.len() / size;
            let room = if closed { 0 } else { capacity - held };
            match step {
                Step::Write(frames) => {
                    // The part of a frame at the end is never taken.
                    let bytes = numbers.bytes(frames * size + size / 2);
                    let written = writer.write(&bytes);
                    assert_eq!(written, frames.min(room));
                    model.extend(&bytes[..written * size]);
                }
                Step::Read(frames) => {
                    let mut bytes = vec![0xEE; frames * size + size / 2];
                    let read = reader.read(&mut bytes);
                    assert_eq!(read, frames.min(held));
                    assert_eq!(bytes[..read * size], take(&mut model, read * size));
                    assert!(bytes[read * size..].iter().all(|&byte| byte == 0xEE));
                }
                Step::Fill(frames, done) => {
                    let (left, right) = writer.slices(frames);
                    assert_eq!(left.len() + right.len(), frames.min(room) * size);
                    assert!(!left.is_empty() || right.is_empty());
                    let bytes = numbers.bytes(left.len() + right.len());
                    let (first, second) = bytes.split_at(left.len());
                    left.copy_from_slice(first);
                    right.copy_from_slice(second);
                    let done = done.min(frames.min(room));
                    writer.advance(done);
                    model.extend(&bytes[..done * size]);
                }
                Step::Drain(frames, done) => {
                    let (left, right) = reader.slices(frames);
                    let bytes = [left, right].concat();
                    assert_eq!(bytes.len(), frames.min(held) * size);
                    assert!(model.iter().take(bytes.len()).eq(&bytes));
                    // More than are there counts as all that are.
                    reader.advance(done);
                    take(&mut model, done.min(held) * size);
                }
                Step::One => {
                    let bytes = numbers.bytes(size);
                    if writer.write(&bytes) == 1 {
                        model.extend(&bytes);
                    }
                }
                Step::Retake => {
                    drop((writer, reader));
                    (writer, reader) = ends(&ring);
                }
                Step::End => {
                    ring.end();
                    ended = true;
                }
                Step::Close => {
                    ring.close();
                    closed = true;
                }
                Step::Reopen => {
                    ring.reopen();
                    (ended, closed) = (false, false);
                }
            }
            let held = model.len() / size;
            let room = if closed { 0 } else { capacity - held };
            assert_eq!((reader.readable(), writer.writable()), (held, room));
            assert_eq!((ring.readable(), ring.writable()), (held, room));
            assert_eq!((ring.is_ended(), ring.is_closed()), (ended, closed));
            assert_eq!(ring.wait_readable(capacity, NOW, &never), held);
            assert_eq!(ring.wait_writable(capacity, NOW, &never), room);
            assert!(!ring.wake_due());
        }
        Ok(())
    });
}

/// The same over items of `T`, which are made of bytes and compared as they are.
fn items_like_a_queue<T: bytemuck::Pod + PartialEq + std::fmt::Debug>(make: fn(u8) -> T) {
    check(&steps(), |(items, capacity, steps)| {
        let ring = Ring::new(items * size_of::<T>(), capacity).unwrap();
        let (mut producer, mut consumer) = (ring.producer::<T>().unwrap(), ring.consumer::<T>().unwrap());
        let (mut model, mut numbers) = (VecDeque::new(), Numbers(0));
        let (mut ended, mut closed) = (false, false);
        let mut fill = |items: usize| numbers.bytes(items).into_iter().map(make).collect::<Vec<T>>();
        for step in steps {
            let held = model.len();
            let room = if closed { 0 } else { capacity * items - held };
            match step {
                Step::Write(frames) => {
                    let values = fill(frames * items);
                    let written = producer.push_slice(&values);
                    assert_eq!(written, values.len().min(room));
                    model.extend(&values[..written]);
                }
                Step::Read(frames) => {
                    let mut values = vec![make(0); frames * items];
                    let read = consumer.pop_slice(&mut values);
                    assert_eq!(read, values.len().min(held));
                    assert!(model.drain(..read).eq(values[..read].iter().copied()));
                }
                Step::Fill(frames, _) => {
                    let values = fill(frames * items);
                    let written = producer.push_iter(values.iter().copied());
                    assert_eq!(written, values.len().min(room));
                    model.extend(&values[..written]);
                }
                Step::Drain(frames, done) => {
                    let (left, right) = consumer.as_slices();
                    assert!(model.iter().eq(left.iter().chain(right)));
                    let skipped = consumer.skip(frames.min(done) * items);
                    assert_eq!(skipped, (frames.min(done) * items).min(held));
                    model.drain(..skipped);
                }
                Step::One => {
                    for value in fill(items) {
                        let refused = closed || model.len() == capacity * items;
                        assert_eq!(producer.try_push(value), if refused { Err(value) } else { Ok(()) });
                        if !refused {
                            model.push_back(value);
                        }
                    }
                    for _ in 0..items {
                        assert_eq!(consumer.try_peek(), model.front());
                        assert_eq!(consumer.try_pop(), model.pop_front());
                    }
                }
                Step::Retake => {
                    drop((producer, consumer));
                    (producer, consumer) = (ring.producer().unwrap(), ring.consumer().unwrap());
                }
                Step::End => {
                    ring.end();
                    ended = true;
                }
                Step::Close => {
                    ring.close();
                    closed = true;
                }
                Step::Reopen => {
                    ring.reopen();
                    (ended, closed) = (false, false);
                }
            }
            let room = if closed { 0 } else { capacity * items - model.len() };
            assert_eq!((consumer.occupied_len(), producer.vacant_len()), (model.len(), room));
            assert_eq!(consumer.ended(), ended);
            assert_eq!(ring.readable() * items, model.len());
        }
        Ok(())
    });
}

#[test]
fn ends_of_items_behave_like_a_queue() {
    items_like_a_queue::<u8>(|byte| byte);
    items_like_a_queue::<i16>(|byte| i16::from(byte) - 100);
    items_like_a_queue::<f32>(f32::from);
}

fn frame(number: u32) -> [u8; 4] {
    number.wrapping_mul(2_654_435_761).to_le_bytes()
}

#[test]
fn two_threads_move_every_frame_in_order() {
    for capacity in [1, 7, 64, 1000] {
        let ring = Ring::new(4, capacity).unwrap();
        let (mut writer, mut reader) = ends(&ring);
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut random = fastrand(1);
                let mut sent = 0;
                while sent < FRAMES {
                    let step = (1 + random(capacity * 2)).min(FRAMES - sent);
                    let bytes: Vec<u8> =
                        (sent..sent + step).flat_map(|number| frame(number as u32)).collect();
                    let written = writer.write(&bytes);
                    sent += written;
                    if written == 0 {
                        writer.ring().wait_writable(1 + random(capacity), None, &never);
                    }
                }
                writer.ring().end();
            });
            let mut random = fastrand(2);
            let mut bytes = vec![0; capacity * 4];
            let mut received = 0;
            loop {
                // Before the look: no frame comes after the end.
                let ended = ring.is_ended();
                let frames = 1 + random(capacity);
                let read = reader.read(&mut bytes[..frames * 4]);
                for bytes in bytes[..read * 4].chunks(4) {
                    assert_eq!(bytes, frame(received as u32));
                    received += 1;
                }
                if read == 0 {
                    if ended {
                        break;
                    }
                    ring.wait_readable(1 + random(capacity), None, &never);
                }
            }
            assert_eq!(received, FRAMES);
        });
    }
}

/// A source of numbers below a bound.
fn fastrand(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    move |bound| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    }
}

/// Memory as JavaScript hands it over, of atomics so that the test may write what it likes while rings use it.
struct Memory {
    words: Arc<[AtomicU32]>,
    skip: usize,
}

impl Memory {
    /// With the header of a ring of `capacity` frames, at a multiple of 16 bytes but not of 32.
    fn new(frame_size: u32, capacity: u32) -> Self {
        let length = HEADER / 4 + (frame_size as usize * capacity as usize).div_ceil(4);
        let words: Arc<[AtomicU32]> = (0..length + 8).map(|_| AtomicU32::new(0)).collect();
        let skip = (0..8).find(|&skip| words[skip..].as_ptr() as usize % 32 == 16).unwrap();
        let memory = Self { words, skip };
        for (word, value) in [MAGIC, frame_size, capacity, VERSION].into_iter().enumerate() {
            memory.set(word * 4, value);
        }
        memory
    }

    fn set(&self, byte: usize, value: u32) {
        self.words[self.skip + byte / 4].store(value, Ordering::SeqCst);
    }

    fn attach(&self, length: usize) -> pastream::Result<Arc<Ring>> {
        let memory = NonNull::from(&self.words[self.skip..]).cast();
        assert!(length <= (self.words.len() - self.skip) * 4);
        // SAFETY: the owner keeps the words, which are atomics, as many as asserted.
        unsafe { Ring::attach(memory, length, Box::new(Arc::clone(&self.words))) }
    }
}

/// The words of the indices, the ends and the wants.
const HOSTILE: [usize; 6] = [64, 68, 128, 132, 192, 196];

#[test]
fn a_hostile_header_does_no_harm() {
    let strategy = (
        select(vec![4_u32, 8, 12, 64]),
        1..=40_u32,
        vec((0..9_u8, 0..50_usize, select(HOSTILE.to_vec()), any::<u32>(), any::<bool>()), 1..150),
    );
    check(&strategy, |(size, capacity, steps)| {
        let memory = Memory::new(size, capacity);
        let (size, capacity) = (size as usize, capacity as usize);
        let length = HEADER + size * capacity;
        // What lies behind the frames is never touched.
        let end = memory.skip + length / 4;
        for word in &memory.words[end..] {
            word.store(0xABAD_CAFE, Ordering::Relaxed);
        }
        let ring = memory.attach(length).unwrap();
        let mut bytes = vec![0x55; 51 * size];
        for (step, frames, word, value, small) in steps {
            memory.set(word, if small { value % (4 * capacity as u32) } else { value });
            if step < 5 {
                let (mut writer, mut reader) = ends(&ring);
                memory.set(word, value);
                assert!(writer.writable() <= capacity && reader.readable() <= capacity);
                assert!(writer.write(&bytes[..frames * size]) <= capacity);
                memory.set(word, !value);
                let (left, right) = writer.slices(frames);
                left.fill(1);
                right.fill(2);
                writer.advance(frames);
                assert!(reader.read(&mut bytes) <= capacity);
                reader.advance(frames);
            } else {
                let (mut producer, mut consumer) =
                    (ring.producer::<f32>().unwrap(), ring.consumer::<f32>().unwrap());
                memory.set(word, value);
                let items = capacity * size / 4;
                assert!(producer.vacant_len() <= items && consumer.occupied_len() <= items);
                producer.push_slice(&[1.0; 50][..frames]);
                let _ = producer.try_push(0.5);
                memory.set(word, value.wrapping_mul(7));
                producer.push_iter((0..frames).map(|_| 0.0));
                let _ = (consumer.try_peek().copied(), consumer.try_pop(), consumer.skip(frames));
                assert!(consumer.pop_iter().count() <= items);
            }
            let _ = (ring.wake_due(), ring.is_ended(), ring.is_closed(), format!("{ring:?}").len());
            assert!(ring.wait_readable(frames, NOW, &never) <= capacity);
            assert!(ring.wait_writable(frames, NOW, &never) <= capacity);
        }
        assert!(memory.words[end..].iter().all(|word| word.load(Ordering::Relaxed) == 0xABAD_CAFE));
        Ok(())
    });
}

/// The same while the ends are at work.
#[test]
fn a_hostile_thread_does_no_harm() {
    let memory = Memory::new(4, 13);
    let ring = memory.attach(HEADER + 4 * 13).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut random = fastrand(3);
            while !done.load(Ordering::Relaxed) {
                memory.set(HOSTILE[random(6)], random(60) as u32);
            }
        });
        // One thread has both ends: torn frames would be races otherwise.
        for round in 0..ROUNDS {
            let mut producer = ring.producer::<f32>().unwrap();
            let mut consumer = ring.consumer::<f32>().unwrap();
            for _ in 0..50 {
                let _ = (producer.try_push(1.0), consumer.try_peek().is_some(), consumer.try_pop());
                producer.push_slice(&[0.5; 20][..round % 20]);
                consumer.skip(round % 7);
            }
            drop((producer, consumer));
            let (mut writer, mut reader) = ends(&ring);
            let mut bytes = [0; 80];
            for _ in 0..50 {
                assert!(writer.write(&bytes) <= 13);
                assert!(reader.read(&mut bytes) <= 13);
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn only_the_memory_of_a_ring_is_attached() {
    fn refused(memory: &Memory, length: usize) {
        assert_eq!(memory.attach(length).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    let length = HEADER + 6 * 10;
    refused(&Memory::new(6, 10), HEADER - 1);
    refused(&Memory::new(6, 10), length - 1);
    for (byte, values) in [
        (0, vec![0, MAGIC + 1]),
        (4, vec![0, 7, 1 << 17, u32::MAX]),
        (8, vec![0, 11, MAX_CAPACITY as u32 + 1, u32::MAX]),
        (12, vec![0, 2]),
    ] {
        for value in values {
            let memory = Memory::new(6, 10);
            memory.set(byte, value);
            refused(&memory, length);
        }
    }
    let memory = Memory::new(6, 10);
    let odd = NonNull::from(&memory.words[memory.skip..]).cast::<u8>();
    // SAFETY: a byte further is still within the words.
    let odd = unsafe { odd.add(1) };
    // SAFETY: the words outlive the call, which keeps nothing since it fails.
    let refused = unsafe { Ring::attach(odd, HEADER, Box::new(())) };
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidArgument);

    let ring = memory.attach(length).unwrap();
    assert_eq!((ring.frame_size(), ring.capacity()), (6, 10));
}

#[test]
fn impossible_rings_are_refused() {
    for (frame_size, capacity) in
        [(0, 1), (1, 0), (65_537, 1), (1, MAX_CAPACITY + 1), (usize::MAX, usize::MAX)]
    {
        assert_eq!(Ring::new(frame_size, capacity).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn the_same_memory_is_the_same_ring() {
    let memory = Memory::new(2, 4);
    let length = HEADER + 8;
    let (one, two) = (memory.attach(length).unwrap(), memory.attach(length).unwrap());
    assert!(Arc::ptr_eq(&one, &two));
    let writer = one.writer().unwrap();
    assert_eq!(two.writer().unwrap_err().kind(), ErrorKind::StreamState);
    drop((writer, one, two));
    // Nobody has it any more: it is made anew, over the same indices.
    let again = memory.attach(length).unwrap();
    assert_eq!(again.writer().unwrap().write(&[1, 2]), 1);
    drop(again);
    let mut bytes = [0; 2];
    assert_eq!(memory.attach(length).unwrap().reader().unwrap().read(&mut bytes), 1);
    assert_eq!(bytes, [1, 2]);
    let other = Memory::new(2, 4);
    assert!(!Arc::ptr_eq(&memory.attach(length).unwrap(), &other.attach(length).unwrap()));
}

#[test]
fn the_owner_lives_as_long_as_the_ring() {
    let memory = Memory::new(2, 4);
    let words = Arc::downgrade(&memory.words);
    let ring = memory.attach(HEADER + 8).unwrap();
    let reader = ring.reader().unwrap();
    drop((memory, ring));
    assert!(words.upgrade().is_some());
    drop(reader);
    assert!(words.upgrade().is_none());
}

#[test]
fn each_end_exists_once() {
    let busy = Some(ErrorKind::StreamState);
    let ring = Ring::new(4, 4).unwrap();
    let writer = ring.writer().unwrap();
    assert_eq!(ring.writer().err().map(|error| error.kind()), busy);
    assert_eq!(ring.producer::<f32>().err().map(|error| error.kind()), busy);
    let consumer = ring.consumer::<f32>().unwrap();
    assert!(consumer.read_is_held() && consumer.write_is_held());
    assert_eq!(ring.reader().err().map(|error| error.kind()), busy);
    assert_eq!(ring.consumer::<f32>().err().map(|error| error.kind()), busy);
    drop(writer);
    assert!(!consumer.write_is_held());
    let producer = ring.producer::<f32>().unwrap();
    assert_eq!(ring.writer().err().map(|error| error.kind()), busy);
    drop((producer, consumer));
    ends(&ring);
}

#[test]
fn items_that_do_not_fit_the_frames_take_no_end() {
    let ring = Ring::new(6, 4).unwrap();
    assert_eq!(ring.producer::<f32>().unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(ring.consumer::<[u8; 4]>().unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(ring.producer::<[u8; 12]>().unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(ring.producer::<()>().unwrap_err().kind(), ErrorKind::InvalidArgument);
    ends(&ring);
}

/// Starts `wait` in a thread, does `act` once it sleeps or is about to, and returns what it came back with.
fn wakes(ring: &Arc<Ring>, wait: impl FnOnce(&Ring) -> usize + Send, act: impl FnOnce()) -> usize {
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            barrier.wait();
            wait(ring)
        });
        barrier.wait();
        act();
        waiter.join().unwrap()
    })
}

#[test]
fn waits_return() {
    for _ in 0..200 {
        let ring = Ring::new(1, 4).unwrap();
        let (mut writer, mut reader) = ends(&ring);
        assert_eq!(wakes(&ring, |ring| ring.wait_readable(3, None, &never), || writer.advance(3)), 3);
        assert_eq!(wakes(&ring, |ring| ring.wait_readable(4, None, &never), || ring.end()), 3);
        ring.reopen();
        assert_eq!(wakes(&ring, |ring| ring.wait_readable(4, None, &never), || ring.close()), 3);
        ring.reopen();
        // More than fits is all that fits.
        assert_eq!(wakes(&ring, |ring| ring.wait_writable(9, None, &never), || reader.advance(3)), 4);
        writer.advance(4);
        assert_eq!(wakes(&ring, |ring| ring.wait_writable(1, None, &never), || ring.close()), 0);
        ring.reopen();
        let cancelled = AtomicBool::new(false);
        let cancel = || cancelled.load(Ordering::Relaxed);
        let act = || {
            cancelled.store(true, Ordering::Relaxed);
            ring.notify();
        };
        assert_eq!(wakes(&ring, |ring| ring.wait_writable(1, None, &cancel), act), 0);
        assert!(!ring.wake_due());
    }
}

#[test]
fn waits_do_not_begin_when_there_is_no_time_or_no_need() {
    let ring = Ring::new(1, 4).unwrap();
    assert_eq!(ring.wait_readable(1, NOW, &never), 0);
    assert_eq!(ring.wait_readable(0, None, &never), 0);
    assert_eq!(ring.wait_readable(1, None, &|| true), 0);
    assert_eq!(ring.wait_writable(4, Some(Duration::MAX), &never), 4);
    assert_eq!(ring.writer().unwrap().write(&[0; 4]), 4);
    assert_eq!(ring.wait_writable(1, NOW, &never), 0);
    assert_eq!(ring.wait_readable(4, Some(Duration::MAX), &never), 4);
}

/// A callback wakes nobody itself: whoever looks after it asks `wake_due` and notifies.
#[test]
fn a_wake_is_due_for_who_waits_for_what_is_there() {
    let memory = Memory::new(4, 4);
    let ring = memory.attach(HEADER + 16).unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let listener = ring.listen(Box::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    }));
    let mut producer = ring.producer::<f32>().unwrap();
    let mut reader = ring.reader().unwrap();
    assert!(!ring.wake_due());
    memory.set(192, 2);
    producer.push_slice(&[1.0]);
    assert!(!ring.wake_due());
    producer.push_slice(&[2.0]);
    assert!(ring.wake_due());
    memory.set(192, 0);
    memory.set(196, 4);
    assert!(!ring.wake_due());
    reader.advance(1);
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    reader.advance(1);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    // More than fits is due when all is there.
    memory.set(196, 0);
    memory.set(192, u32::MAX);
    producer.push_slice(&[0.0; 4]);
    assert!(ring.wake_due());
    reader.advance(4);
    assert!(!ring.wake_due());
    ring.end();
    assert!(ring.wake_due());
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    ring.unlisten(listener);
    ring.close();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[test]
fn a_reopened_ring_keeps_its_frames() {
    let ring = Ring::new(1, 4).unwrap();
    let (mut writer, mut reader) = ends(&ring);
    assert_eq!(writer.write(&[1, 2, 3]), 3);
    ring.end();
    ring.close();
    assert_eq!((writer.write(&[9]), ring.writable(), reader.readable()), (0, 0, 3));
    ring.reopen();
    assert!(!ring.is_ended() && !ring.is_closed());
    assert_eq!(writer.write(&[4, 5]), 1);
    let mut bytes = [0; 4];
    assert_eq!(reader.read(&mut bytes), 4);
    assert_eq!(bytes, [1, 2, 3, 4]);
}

#[test]
fn distances_never_exceed_the_capacity() {
    for capacity in 1..6 {
        for read in 0..2 * capacity {
            for ahead in 0..2 * capacity {
                let write = (read + ahead) % (2 * capacity);
                assert_eq!(distance(read, write, capacity), ahead.min(capacity));
            }
        }
    }
}

#[test]
fn what_is_discarded_is_given_up_and_nothing_else() {
    let mut random = fastrand(11);
    for capacity in [1, 2, 7] {
        let ring = Ring::new(4, capacity).unwrap();
        let (mut writer, mut consumer) = (ring.writer().unwrap(), ring.consumer::<u16>().unwrap());
        let (mut model, mut mark, mut flushed) = (VecDeque::new(), 0, 0);
        for _ in 0..ROUNDS {
            match random(5) {
                0 | 1 => {
                    let next = writer.written();
                    for number in next..next + random(capacity + 2) as u64 {
                        if writer.write(&(number as u32).to_le_bytes()) == 1 {
                            model.push_back(number as u32);
                        }
                    }
                }
                2 => {
                    let mut items = vec![0; 2 * random(capacity + 2)];
                    let popped = consumer.pop_slice(&mut items) / 2;
                    for pair in items.chunks(2).take(popped) {
                        let number = u32::from(pair[0]) | u32::from(pair[1]) << 16;
                        assert_eq!(Some(number), model.pop_front());
                    }
                }
                3 => {
                    writer.discard();
                    mark = writer.written();
                }
                _ => {
                    consumer.flush();
                    while model.front().is_some_and(|&number| u64::from(number) < mark) {
                        model.pop_front();
                        flushed += 1;
                    }
                }
            }
            assert_eq!((ring.readable(), ring.flushed()), (model.len(), flushed));
        }
    }
}
