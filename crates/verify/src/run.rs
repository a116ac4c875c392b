//! A run: consecutive leaves with the proof that they stand in a checkpoint's tree. Rows 5 and 6.
//!
//! ```text
//! {"first": a, "leaves": [base64…], "proof": [base64…]}
//! ```

use crate::base64;
use crate::checkpoint::Checkpoint;
use crate::digest::{Hash, Leaf};
use crate::docket::{Docket, LogRef};
use crate::error::{Malformed, malformed};
use crate::json::{Members, NUMBER_LIMIT, Value};
use crate::tree;
use crate::verdict::Reason;

/// Leaves `first`, `first`+1, … and their proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Seq of the first leaf.
    pub first: u64,
    /// Leaf data, at least one.
    pub leaves: Vec<Vec<u8>>,
    /// The hashes of everything else, left to right.
    pub proof: Vec<Hash>,
}

impl Run {
    /// Takes the three members of a run out of an object.
    pub(crate) fn take(members: &mut Members) -> Result<Run, Malformed> {
        let first = members.need("first")?.number("`first`")?;
        let leaves = members.need("leaves")?.list("`leaves`")?;
        let leaves = leaves.into_iter().map(|leaf| base64::decode(&leaf.text("a leaf")?, "a leaf"));
        let leaves: Vec<Vec<u8>> = leaves.collect::<Result<_, _>>()?;
        let proof = hashes(members.need("proof")?)?;
        if leaves.is_empty() || first + leaves.len() as u64 > NUMBER_LIMIT {
            return Err(malformed("a run has no leaves, or ends past 2^53"));
        }
        Ok(Run { first, leaves, proof })
    }

    /// The seq after the last leaf.
    pub fn end(&self) -> u64 {
        self.first + self.leaves.len() as u64
    }

    /// Row 5.
    pub(crate) fn judge_root(&self, checkpoint: &Checkpoint, log: LogRef<'_>, docket: &mut Docket) {
        let leaves: Vec<Hash> = self.leaves.iter().map(|leaf| tree::leaf_hash(leaf)).collect();
        let root = tree::run_root(self.first, &leaves, &self.proof, checkpoint.size);
        if root != Some(checkpoint.root) {
            let what = match self.end() - self.first {
                1 => format!("entry {} is not in the log", self.first),
                n => format!("the {n} entries from {} on are not in the log", self.first),
            };
            docket.entry(Reason::NotInLog, log, self.first, what);
        }
    }
}

/// A list of hashes.
pub(crate) fn hashes(list: Value) -> Result<Vec<Hash>, Malformed> {
    let hash = |value: Value| base64::decode_exact(&value.text("a hash")?, "a hash of a proof");
    list.list("`proof`")?.into_iter().map(hash).collect()
}

/// Row 6 over the leaves of one log, in order of seq: version, and rising time.
#[derive(Debug, Default)]
pub(crate) struct Times {
    newest: Option<i64>,
}

impl Times {
    /// Reads the next leaf; `None` if it is of another version.
    pub(crate) fn next(
        &mut self,
        data: &[u8],
        log: LogRef<'_>,
        seq: u64,
        docket: &mut Docket,
    ) -> Option<Leaf> {
        docket.counts.entries += 1;
        let Some(leaf) = Leaf::decode(data) else {
            let what = format!("entry {seq} is of a version unknown here");
            docket.entry(Reason::LeafVersion, log, seq, what);
            return None;
        };
        docket.saw_leaf(&leaf);
        if self.newest.is_some_and(|newest| leaf.recorded_at <= newest) {
            let what = format!("entry {seq} was not recorded after the one before it");
            docket.entry(Reason::TimeOrder, log, seq, what);
        }
        self.newest = Some(leaf.recorded_at);
        Some(leaf)
    }
}
