//! The names of files that follow one another.

use std::{
    collections::HashSet,
    ffi::OsString,
    path::{Path, PathBuf},
};

use jiff::{Zoned, fmt::strtime};

use crate::{Error, ErrorKind, Result};

/// Names made of a pattern: by the time, or by number. Those that are on disk are passed over.
pub(super) struct Series {
    pattern: PathBuf,
    /// The last part of the pattern where it has fields of strftime.
    dated: Option<String>,
    given: HashSet<PathBuf>,
    /// The last number that was tried.
    number: u32,
}

impl Series {
    pub(super) fn new(pattern: &Path) -> Self {
        let dated = pattern.file_name().and_then(|name| name.to_str()).filter(|name| name.contains('%'));
        Self {
            pattern: pattern.to_owned(),
            dated: dated.map(str::to_owned),
            given: HashSet::new(),
            number: 0,
        }
    }

    pub(super) fn pattern(&self) -> &Path {
        &self.pattern
    }

    /// The name that the next file would have now.
    pub(super) fn peek(&self) -> Result<PathBuf> {
        Ok(self.find()?.0)
    }

    /// The name of the next file.
    pub(super) fn next(&mut self) -> Result<PathBuf> {
        let (name, number) = self.find()?;
        self.number = number;
        self.given.insert(name.clone());
        Ok(name)
    }

    fn find(&self) -> Result<(PathBuf, u32)> {
        let free = |name: &PathBuf| !self.given.contains(name) && name.symlink_metadata().is_err();
        if self.dated.is_some() {
            let now = self.dated_now()?;
            // More than one a second, an hour that comes twice, or a run before this one.
            let numbered = (2..u32::MAX).map(|number| self.numbered(&now, &format!("-{number}")));
            let name = std::iter::once(now.clone()).chain(numbered).find(free);
            return Ok((name.unwrap_or(now), self.number));
        }
        let mut numbered = (self.number + 1..=u32::MAX)
            .map(|number| (self.numbered(&self.pattern, &format!("-{number:04}")), number));
        // There is always one that is free.
        Ok(numbered.find(|(name, _)| free(name)).unwrap_or_default())
    }

    fn dated_now(&self) -> Result<PathBuf> {
        let fields = self.dated.as_deref().unwrap_or_default();
        let wrong = |why: &str| {
            let message = format!(
                "{} makes no file name: {why}; use fields of strftime as in take-%Y%m%d-%H%M%S.wav, and %% for a percent sign",
                self.pattern.display()
            );
            Error::new(ErrorKind::InvalidArgument, message)
        };
        let name = strtime::format(fields, &Zoned::now()).map_err(|error| wrong(&error.to_string()))?;
        if name.contains(std::path::is_separator) {
            return Err(wrong(&format!("`{name}` is in a folder")));
        }
        Ok(self.pattern.with_file_name(name))
    }

    /// `path` with `number` before its extension.
    fn numbered(&self, path: &Path, number: &str) -> PathBuf {
        let mut name = OsString::from(path.file_stem().unwrap_or_default());
        name.push(number);
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        self.pattern.with_file_name(name)
    }
}
