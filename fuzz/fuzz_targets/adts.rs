#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use pastream::file::Container;

fuzz_target!(|bytes: &[u8]| -> Corpus { pastream_fuzz::read(Container::Adts, bytes) });
