//! Why a catalogue is refused.

use std::fmt;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A catalogue that cannot be taken: where, what is wrong, what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CatalogueError(String);

impl CatalogueError {
    /// Something about the files as a whole.
    pub fn new(what: impl Into<String>) -> CatalogueError {
        CatalogueError(what.into())
    }

    pub(crate) fn at(place: &Place, what: impl fmt::Display) -> CatalogueError {
        CatalogueError(format!("{place}: {what}"))
    }
}
