//! Why an event is refused: a word for programs, a place, a reason for people.

use std::fmt;

use crate::path::{Step, pointer};

/// Why an event is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The kind of problem, a stable word.
    pub code: &'static str,
    /// Steps to the place, innermost first while the error travels outward.
    steps: Vec<Step>,
    /// What is wrong, and what is allowed.
    pub reason: String,
}

impl Problem {
    /// A problem with the event as a whole.
    pub fn new(code: &'static str, reason: impl Into<String>) -> Problem {
        Problem { code, steps: Vec::new(), reason: reason.into() }
    }

    /// The same problem, one step further out.
    #[must_use]
    pub fn under(mut self, step: Step) -> Problem {
        self.steps.push(step);
        self
    }

    /// The JSON Pointer of the place.
    pub fn pointer(&self) -> String {
        let steps: Vec<Step> = self.steps.iter().rev().cloned().collect();
        pointer(&steps)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.pointer();
        let place = if place.is_empty() { "the event" } else { &place };
        write!(f, "{place}: {}", self.reason)
    }
}

impl std::error::Error for Problem {}

/// A value that the schema does not allow.
pub(super) fn wrong(reason: impl Into<String>) -> Problem {
    Problem::new("schema", reason)
}

/// A sender's text, cut and escaped, for an error message.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}
