//! Evidence: one JSON file that proves what stands in a log, offline.
//!
//! ```text
//! {"format":"counterfoil.evidence/v1", "remarks":{…},
//!  "claim":{"kind":"events"} | {"kind":"range","origin","first","count"},
//!  "logs":[{"origin","checkpoint","vkeys":[…],"policy","consistency":[{"old":size,"proof":[…]}]}],
//!  "runs":[{"log":0,"first","leaves","proof",
//!           "events":[{"fields":[…]} | {"gone":"expired|withheld"}]}]}
//! ```
//!
//! [`judge`] tries every row for every log, run and event. It formats nothing: what it hashed is
//! the text in the file, and that text is what may be shown.

mod judge;
pub(crate) mod read;

pub use judge::judge;

use crate::checkpoint::Checkpoint;
use crate::digest::{Hash, Salt, commitment, field_digest};
use crate::path::Path;
use crate::run::Run;

/// A file of evidence, read but not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What the file claims to be.
    pub claim: Claim,
    /// The logs it speaks of.
    pub logs: Vec<EvidenceLog>,
    /// Runs, ascending by log and seq.
    pub runs: Vec<EventRun>,
}

/// What a file of evidence claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// These events stand in their logs.
    Events,
    /// These are all entries of a range.
    Range {
        /// The log.
        origin: String,
        /// Its first seq.
        first: u64,
        /// Number of entries.
        count: u64,
    },
}

/// One log in a file of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceLog {
    /// Its checkpoint.
    pub checkpoint: Checkpoint,
    /// Proofs that older trees are the beginning of this one.
    pub consistency: Vec<Consistency>,
    /// A hint, never trusted: keys that may have signed.
    pub vkeys: Vec<String>,
    /// A hint, never trusted: a policy.
    pub policy: Option<String>,
}

/// A consistency proof from an older size to the checkpoint's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistency {
    /// The older size.
    pub old: u64,
    /// The proof.
    pub proof: Vec<Hash>,
}

/// A run, and what is shown of each event in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRun {
    /// Index into the file's logs.
    pub log: usize,
    /// Leaves and proof.
    pub run: Run,
    /// One per leaf.
    pub events: Vec<Event>,
}

/// What is shown of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its fields.
    Fields(Vec<Field>),
    /// Nothing: its content is gone.
    Gone(Gone),
}

/// Why an event's content is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Its time was up.
    Expired,
    /// Whoever made the file kept it back.
    Withheld,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// Path, value and salt.
    Shown {
        /// Where in the event.
        path: Path,
        /// The hashed text of the value.
        text: String,
        /// What hid it.
        salt: Salt,
    },
    /// Path, and the commitment to the value.
    Named {
        /// Where in the event.
        path: Path,
        /// C.
        commitment: Hash,
    },
    /// Only the field's digest.
    Hidden {
        /// D.
        digest: Hash,
    },
}

impl Field {
    /// D.
    pub fn digest(&self) -> Hash {
        match self {
            Field::Shown { path, text, salt } => {
                field_digest(&commitment(salt, text.as_bytes()), path.text().as_bytes())
            }
            Field::Named { path, commitment } => field_digest(commitment, path.text().as_bytes()),
            Field::Hidden { digest } => *digest,
        }
    }

    /// The path, unless hidden.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Field::Shown { path, .. } | Field::Named { path, .. } => Some(path),
            Field::Hidden { .. } => None,
        }
    }
}
