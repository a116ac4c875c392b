//! What is wrong with a configuration: all of it, each with its place.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Faults that are told of one configuration.
const FAULTS_MAX: usize = 100;

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Place {
    /// Nowhere: the default.
    Default,
    /// In the file.
    File {
        /// Its name; empty for a text that is no file.
        file: String,
        /// From 1.
        line: usize,
    },
    /// In the environment.
    Environment {
        /// The variable.
        name: String,
    },
    /// On the command line.
    CommandLine {
        /// Its option.
        option: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Default => f.write_str("default"),
            Place::File { file, line } if file.is_empty() => write!(f, "line {line}"),
            Place::File { file, line } => write!(f, "{file}:{line}"),
            Place::Environment { name } => write!(f, "environment {name}"),
            Place::CommandLine { option } => write!(f, "command line {option}"),
        }
    }
}

/// One thing wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What, and what is allowed.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Default => f.write_str(&self.what),
            place => write!(f, "{place}: {}", self.what),
        }
    }
}

/// A configuration that cannot be used: at least one fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// All that is wrong, in the order of their places.
    pub faults: Vec<Fault>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.faults.iter().enumerate() {
            write!(f, "{}{fault}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

/// Faults as they are found.
#[derive(Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, place: Place, what: impl Into<String>) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(Fault { place, what: what.into() });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn or_else<T>(mut self, sound: T) -> Result<T, ConfigError> {
        if self.0.is_empty() {
            return Ok(sound);
        }
        self.0.sort_by(|a, b| a.place.cmp(&b.place));
        Err(ConfigError { faults: self.0 })
    }
}
