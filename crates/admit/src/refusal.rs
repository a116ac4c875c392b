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
    /// The service that the record names, if its sender speaks for it.
    pub service: Option<String>,
}

impl Refusal {
    /// A refusal of the event as a whole.
    pub fn new(code: &'static str, reason: impl Into<String>) -> Refusal {
        Refusal { code, path: String::new(), reason: reason.into(), service: None }
    }

    /// The same, of a record of this service.
    #[must_use]
    pub(crate) fn of(self, service: Option<String>) -> Refusal {
        Refusal { service, ..self }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Refusal {
        let path = problem.pointer();
        Refusal { code: problem.code, path, reason: problem.reason, service: None }
    }
}
