//! The verdict: class, reason, place, and what it rests on.
//!
//! A judge finds everything it can and then names one thing: of the worst class the lowest row,
//! then the lowest log, then the lowest seq. The rows are those of the format's table; a data
//! folder adds three after them (13 truncated, 14 missing content, 15 torn tail).

use serde::{Serialize, Serializer};

/// How it ended, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Everything asked for holds.
    Verified,
    /// Nothing contradicts, but something asked for or claimed is lacking.
    Incomplete,
    /// The judge lacks a key or cannot read.
    Unverifiable,
    /// Two things seen cannot both be honest.
    Tampered,
}

/// Why, in the format's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the word of its row")]
pub enum Reason {
    Malformed,
    UnknownLog,
    UnknownKey,
    BadSignature,
    Quorum,
    NotInLog,
    LeafVersion,
    TimeOrder,
    Digest,
    TwoOpenings,
    Withheld,
    Missing,
    Fork,
    NoConsistency,
    Verified,
    Truncated,
    /// Content of a data folder that is not there; the word is `missing`, as for a range.
    MissingContent,
    TornTail,
}

impl Reason {
    /// The word that stands in the verdict.
    pub fn word(self) -> &'static str {
        match self {
            Reason::Malformed => "malformed",
            Reason::UnknownLog => "unknown-log",
            Reason::UnknownKey => "unknown-key",
            Reason::BadSignature => "bad-signature",
            Reason::Quorum => "quorum",
            Reason::NotInLog => "not-in-log",
            Reason::LeafVersion => "leaf-version",
            Reason::TimeOrder => "time-order",
            Reason::Digest => "digest",
            Reason::TwoOpenings => "two-openings",
            Reason::Withheld => "withheld",
            Reason::Missing | Reason::MissingContent => "missing",
            Reason::Fork => "fork",
            Reason::NoConsistency => "no-consistency",
            Reason::Verified => "verified",
            Reason::Truncated => "truncated",
            Reason::TornTail => "torn-tail",
        }
    }

    /// The row of the table it stands in.
    pub fn row(self) -> u8 {
        match self {
            Reason::Malformed => 1,
            Reason::UnknownLog | Reason::UnknownKey => 2,
            Reason::BadSignature => 3,
            Reason::Quorum => 4,
            Reason::NotInLog => 5,
            Reason::LeafVersion | Reason::TimeOrder => 6,
            Reason::Digest => 7,
            Reason::TwoOpenings => 8,
            Reason::Withheld => 9,
            Reason::Missing => 10,
            Reason::Fork | Reason::NoConsistency => 11,
            Reason::Verified => 12,
            Reason::Truncated => 13,
            Reason::MissingContent => 14,
            Reason::TornTail => 15,
        }
    }

    /// The class it leads to.
    pub fn class(self) -> Class {
        use Reason::*;
        match self {
            Verified => Class::Verified,
            Quorum | Withheld | Missing | NoConsistency | MissingContent | TornTail => {
                Class::Incomplete
            }
            Malformed | UnknownLog | UnknownKey | LeafVersion => Class::Unverifiable,
            BadSignature | NotInLog | TimeOrder | Digest | TwoOpenings | Fork | Truncated => {
                Class::Tampered
            }
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its class.
    pub class: Class,
    /// Its reason.
    pub reason: Reason,
    /// Row of the table.
    pub row: u8,
    /// Origin of the log concerned.
    pub log: Option<String>,
    /// Number of that log among those judged.
    #[serde(skip)]
    pub log_number: Option<usize>,
    /// Seq concerned.
    pub seq: Option<u64>,
    /// Where: entry, file and offset, line.
    pub place: String,
    /// What, in a sentence.
    pub sentence: String,
}

impl Finding {
    /// Smallest is what the verdict names.
    pub(crate) fn rank(&self) -> impl Ord + use<> {
        (std::cmp::Reverse(self.class), self.row, self.log_number, self.seq)
    }
}

/// What was learnt of one log's checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogSeen {
    /// Its origin.
    pub origin: String,
    /// Leaves under its checkpoint.
    pub size: u64,
    /// The checkpoint's root, base64.
    pub root: String,
    /// Keys of the policy, and keys that these lead to, whose signatures hold, as name+id.
    pub signed_by: Vec<String>,
    /// The key of the policy that leads to those that signed, if it is none of them.
    pub led_from: Option<String>,
    /// Witnesses of the policy whose cosignatures hold.
    pub witnesses: usize,
    /// Witnesses in the policy.
    pub witnesses_known: usize,
    /// Newest time a witness gave, Unix seconds.
    pub witnessed_at: Option<u64>,
    /// Size of the saved checkpoint with which this one was found consistent.
    pub extends_saved: Option<u64>,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Entries seen: leaves.
    pub entries: u64,
    /// Events whose fields were seen.
    pub events: u64,
    /// Events said to be gone.
    pub gone: u64,
    /// Fields shown with their value.
    pub shown: u64,
    /// Fields named without it.
    pub named: u64,
    /// Fields hidden.
    pub hidden: u64,
    /// Smallest and largest recorded_at among the entries, Unix nanoseconds.
    pub recorded_at: Option<(i64, i64)>,
}

impl Counts {
    /// Adds what was seen elsewhere.
    pub(crate) fn add(&mut self, other: &Counts) {
        self.entries += other.entries;
        self.events += other.events;
        self.gone += other.gone;
        self.shown += other.shown;
        self.named += other.named;
        self.hidden += other.hidden;
        let both = self.recorded_at.zip(other.recorded_at);
        let both = both.map(|(a, b)| (a.0.min(b.0), a.1.max(b.1)));
        self.recorded_at = both.or(self.recorded_at).or(other.recorded_at);
    }
}

/// A judgement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// How it ended.
    pub class: Class,
    /// Why.
    pub reason: Reason,
    /// Row of the table.
    pub row: u8,
    /// Exit code of a program that asked.
    pub exit: u8,
    /// Origin of the log concerned.
    pub log: Option<String>,
    /// Seq concerned.
    pub seq: Option<u64>,
    /// Where.
    pub place: String,
    /// What, in a sentence.
    pub sentence: String,
    /// On whose word it rests, in a sentence.
    pub rests_on: String,
    /// The logs judged.
    pub logs: Vec<LogSeen>,
    /// What was counted.
    pub counts: Counts,
    /// Paths named without their value, as JSON Pointers; the first hundred.
    pub named: Vec<String>,
    /// All findings; the first hundred, and the one the verdict names.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub findings_more: u64,
}

impl Verdict {
    /// 0 verified, 1 tampered, 3 incomplete, 4 unverifiable. (2 is [`Usage`]: no verdict.)
    ///
    /// [`Usage`]: crate::Usage
    pub fn exit_code(&self) -> u8 {
        self.exit
    }

    /// Did all hold?
    pub fn is_verified(&self) -> bool {
        self.class == Class::Verified
    }
}

pub(crate) fn exit_code(class: Class) -> u8 {
    match class {
        Class::Verified => 0,
        Class::Tampered => 1,
        Class::Incomplete => 3,
        Class::Unverifiable => 4,
    }
}
