//! What a file says of its audio.

use std::{collections::BTreeMap, fmt, str::FromStr};

use super::Container;
use crate::{Error, ErrorKind, Result};

/// The longest value that is read or written, in bytes.
const LONGEST: usize = 65_535;

/// Something that a file says of its audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Tag {
    /// The name of the piece.
    Title,
    /// Who plays or speaks.
    Artist,
    /// What it is a part of.
    Album,
    /// When it was recorded, as `YYYY`, `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SS`.
    Date,
    /// Anything.
    Comment,
    /// Its number in the album.
    Track,
    /// What is heard; at most 256 bytes in WAV and RF64, where the `bext` chunk has it.
    Description,
    /// Who made the recording, or with what; at most 32 bytes in WAV and RF64, where the `bext` chunk has it.
    Originator,
    /// Frames from midnight to the first one, in decimal: `bext`'s time reference, of which 0 is read as none.
    TimeReference,
}

impl Tag {
    /// Every tag.
    pub const ALL: [Self; 9] = [
        Self::Title,
        Self::Artist,
        Self::Album,
        Self::Date,
        Self::Comment,
        Self::Track,
        Self::Description,
        Self::Originator,
        Self::TimeReference,
    ];

    /// The name that users give and see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Artist => "artist",
            Self::Album => "album",
            Self::Date => "date",
            Self::Comment => "comment",
            Self::Track => "track",
            Self::Description => "description",
            Self::Originator => "originator",
            Self::TimeReference => "timeReference",
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tag {
    type Err = Error;

    /// The tag of that name, in any case.
    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|tag| tag.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::new(ErrorKind::InvalidArgument, format!("unknown tag `{name}`: use one of {names}"))
        })
    }
}

/// The tags of a file: at most one value of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(BTreeMap<Tag, String>);

impl Tags {
    /// The value of a tag.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&str> {
        self.0.get(&tag).map(String::as_str)
    }

    /// Sets a tag, without the spaces around it; an empty value takes it away.
    ///
    /// # Errors
    /// `InvalidArgument` for a value longer than 65,535 bytes or with a NUL in it, and for a time reference that is no whole number.
    pub fn set(&mut self, tag: Tag, value: &str) -> Result<()> {
        let value = value.trim();
        let wrong = if value.len() > LONGEST {
            Some("is longer than 65,535 bytes")
        } else if value.contains('\0') {
            Some("holds a NUL character")
        } else if tag == Tag::TimeReference && !value.is_empty() && value.parse::<u64>().is_err() {
            Some("is no whole number of frames")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            return Err(Error::new(ErrorKind::InvalidArgument, format!("the tag {tag} {wrong}")));
        }
        if value.is_empty() {
            self.0.remove(&tag);
        } else {
            self.0.insert(tag, value.to_owned());
        }
        Ok(())
    }

    /// Each tag that there is and its value.
    pub fn iter(&self) -> impl Iterator<Item = (Tag, &str)> {
        self.0.iter().map(|(&tag, value)| (tag, value.as_str()))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Frames from midnight to the first one.
    #[must_use]
    pub fn time_reference(&self) -> Option<u64> {
        self.get(Tag::TimeReference)?.parse().ok()
    }

    /// Whether a file of that kind can hold them.
    ///
    /// # Errors
    /// `UnsupportedFile` where it can't.
    pub fn check(&self, container: Container) -> Result<()> {
        let held = container.tags();
        let unsupported = |message: String| Err(Error::new(ErrorKind::UnsupportedFile, message));
        for (tag, value) in self.iter() {
            if !held.contains(&tag) {
                let names: Vec<_> = held.iter().map(|tag| tag.name()).collect();
                let advice = if names.is_empty() {
                    "leave tags out, or use wav, rf64, aiff, au, caf or flac".to_owned()
                } else {
                    format!("it has {}; wav, rf64, au, caf and flac have all", names.join(", "))
                };
                return unsupported(format!("{container} can't hold the tag {tag}: {advice}"));
            }
            let most = match (container, tag) {
                (Container::Wav | Container::Rf64, Tag::Description) => super::wav::DESCRIPTION,
                (Container::Wav | Container::Rf64, Tag::Originator) => super::wav::ORIGINATOR,
                _ => LONGEST,
            };
            if value.len() > most {
                return unsupported(format!(
                    "the {tag} has {} bytes, and {container} holds {most}: shorten it",
                    value.len()
                ));
            }
            if container == Container::Au && value.contains(['\n', '\r']) {
                return unsupported(format!(
                    "the {tag} has several lines, and au holds one of each: join them"
                ));
            }
        }
        Ok(())
    }

    /// Takes what a file says, where nothing was found before: text up to its first NUL, in UTF-8 or else Latin-1.
    pub(super) fn found(&mut self, tag: Tag, text: &[u8]) {
        let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
        let text = match std::str::from_utf8(text) {
            Ok(text) => text.to_owned(),
            Err(_) => text.iter().map(|&byte| char::from(byte)).collect(),
        };
        if self.get(tag).is_none() {
            // What isn't as it should be is left out.
            let _ = self.set(tag, &text);
        }
    }

    /// Takes what was found later.
    pub(super) fn update(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Takes those that weren't found before.
    pub(super) fn merge(&mut self, others: Self) {
        for (tag, value) in others.0 {
            self.0.entry(tag).or_insert(value);
        }
    }

    /// The values of those that `names` names, by their name.
    pub(super) fn named<'a, N: Copy>(&'a self, names: &'a [(N, Tag)]) -> impl Iterator<Item = (N, &'a str)> {
        // Of a tag with several names the first is written.
        self.iter().filter_map(|(tag, value)| {
            names.iter().find(|(_, named)| *named == tag).map(|&(name, _)| (name, value))
        })
    }
}
