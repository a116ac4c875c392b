//! The two ways a judge can decline: the thing judged, or the question, has not the right shape.

use std::fmt;

/// What was read is not of the shape its format gives it. Becomes `unverifiable: malformed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

/// The question itself is wrong (exit code 2): no verdict is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage(pub String);

pub(crate) fn malformed(what: impl Into<String>) -> Malformed {
    Malformed(what.into())
}

impl Malformed {
    /// Says in which part the fault is.
    pub(crate) fn within(self, part: impl fmt::Display) -> Malformed {
        Malformed(format!("{part}: {}", self.0))
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}
impl std::error::Error for Usage {}
