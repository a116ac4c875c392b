//! Refusals.

use event::Problem;

/// Why a record was not admitted. Never holds a value of the record's beyond a short quotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of problem, a stable word.
    pub code: &'static str,
    /// JSON Pointer of the place; empty for the event as a whole.
    pub path: String,
    /// What is wrong, and what is allowed.
    pub reason: String,
}

impl Refusal {
    /// A refusal of the event as a whole.
    pub fn new(code: &'static str, reason: impl Into<String>) -> Refusal {
        Refusal { code, path: String::new(), reason: reason.into() }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Refusal {
        Refusal { code: problem.code, path: problem.pointer(), reason: problem.reason }
    }
}
