//! Tells what a file is by its content, which for RAW says nothing: its name does.

use std::path::Path;

use super::{Container, Opened, ReadHint, Tags, aiff, au, caf, codec, input::Input, raw, w64, wav};
use crate::Result;

/// The decoder for what the first bytes say, or for RAW where that is asked or the file is named so.
pub(super) fn decoder(mut input: Input, hint: &ReadHint) -> Result<Opened> {
    let named = || Container::from_path(Path::new(input.name())).ok();
    if hint.container.or_else(named) == Some(Container::Raw) {
        return raw::decoder(input, hint);
    }
    let first = input.peek()?.to_vec();
    let mut tags = Tags::default();
    let found = match first[..] {
        [b'R', b'I', b'F', b'F' | b'X', _, _, _, _, b'W', b'A', b'V', b'E'] => Some(Container::Wav),
        [b'R', b'F', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E']
        | [b'B', b'W', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E'] => Some(Container::Rf64),
        [b'r', b'i', b'f', b'f', 0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB] => Some(Container::W64),
        [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', b'F' | b'C'] => Some(Container::Aiff),
        [b'.', b's', b'n', b'd', ..]
        | [b'd', b'n', b's', b'.', ..]
        | [b'.', b's', b'd', 0, ..]
        | [0, b'd', b's', b'.', ..] => Some(Container::Au),
        [b'c', b'a', b'f', b'f', ..] => Some(Container::Caf),
        _ => codec::detect(&mut input, &mut tags)?,
    };
    if let (Some(found), Some(asked)) = (found, hint.container)
        && found != asked
        // What was begun as the one may have become the other.
        && !matches!((found, asked), (Container::Wav, Container::Rf64) | (Container::Rf64, Container::Wav))
    {
        return Err(input.unsupported(format_args!("it is {found}, not {asked} as -t says: leave out -t")));
    }
    match found {
        Some(Container::Wav | Container::Rf64) => wav::decoder(input),
        Some(Container::Aiff) => aiff::decoder(input),
        Some(Container::Caf) => caf::decoder(input),
        Some(Container::W64) => w64::decoder(input),
        Some(Container::Au) => au::decoder(input),
        Some(found) => codec::decoder(input, found, tags),
        None if first.is_empty() => Err(input.unsupported("it is empty: give a file that holds audio")),
        None => {
            let first = first[..first.len().min(8)].escape_ascii().to_string();
            let message = "WAV, RF64, W64, AIFF, AU, CAF, FLAC, MP3, Ogg, M4A, Matroska, AAC, or RAW with -t raw -c -r -e";
            Err(input.unsupported(format_args!(
                "not an audio file that pastream-rs reads (it begins with `{first}`): {message}"
            )))
        }
    }
}
