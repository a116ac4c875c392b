//! Why a command failed.

use std::path::Path;

/// A failed command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The command line, or what it names, is wrong.
    #[error("{0}")]
    Usage(String),
    /// The server said no, or could not be reached.
    #[error("{0}")]
    Server(String),
    /// A file could not be used.
    #[error("{what}: {why}")]
    File {
        /// Its name.
        what: String,
        /// Why.
        why: String,
    },
    /// Nothing was judged. For `verify` alone, where 1 is a verdict.
    #[error(transparent)]
    Unjudged(Box<CliError>),
    /// What was printed is not whole.
    #[error("standard output could not be written to its end")]
    Output,
}

impl CliError {
    pub(crate) fn usage(what: impl Into<String>) -> CliError {
        CliError::Usage(what.into())
    }

    pub(crate) fn file(path: &Path, error: impl std::fmt::Display) -> CliError {
        CliError::File { what: path.display().to_string(), why: error.to_string() }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            CliError::Usage(_) | CliError::Unjudged(_) => 2,
            CliError::Server(_) | CliError::File { .. } | CliError::Output => 1,
        }
    }
}

impl From<verify::Usage> for CliError {
    fn from(usage: verify::Usage) -> CliError {
        CliError::Usage(usage.0)
    }
}
