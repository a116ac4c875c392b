//! Receipts: the answer to a write (`counterfoil.receipt/v1`, docs/formats/receipt.md).

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use crate::log::{Checkpoint, Log};
use crate::prepare::{Earlier, Fate};

/// Consecutive leaves and the proof that they stand in the tree.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// Seq of the first leaf.
    pub first: u64,
    /// base64 of each leaf.
    pub leaves: Vec<String>,
    /// base64 of the hashes of every subtree beside the run, from left to right.
    pub proof: Vec<String>,
}

/// One log of a receipt.
#[derive(Clone, Debug, Serialize)]
pub struct ReceiptLog {
    /// The log's origin.
    pub origin: String,
    /// The signed checkpoint that the runs are proved under.
    pub checkpoint: String,
    /// The runs; absent in an acknowledgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<Vec<Run>>,
}

/// Where one event of a batch stands, in seqs of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its seq, or that of the event it duplicates.
    pub seq: u64,
    /// Whether it stood there before.
    pub duplicate: bool,
    /// The seq of the earlier event with its id, if that says something else.
    pub conflict: Option<u64>,
}

impl Fate {
    /// Where the event stands once its batch is committed with new events from `first` on.
    pub fn standing(self, first: u64) -> Standing {
        let seq = |earlier| match earlier {
            Earlier::Stored(seq) => seq,
            Earlier::Same(nth) => first + u64::from(nth),
        };
        match self {
            Fate::New(nth) => {
                Standing { seq: first + u64::from(nth), duplicate: false, conflict: None }
            }
            Fate::Conflict(nth, earlier) => Standing {
                seq: first + u64::from(nth),
                duplicate: false,
                conflict: Some(seq(earlier)),
            },
            Fate::Duplicate(earlier) => {
                Standing { seq: seq(earlier), duplicate: true, conflict: None }
            }
        }
    }
}

/// Proves the entries at `seqs` (ascending, no repeats) under `checkpoint`: one run for every
/// stretch of neighbours. `None` if the tree does not bear it out; that must never be served.
pub fn runs(log: &Log, checkpoint: &Checkpoint, seqs: &[u64]) -> Option<Vec<Run>> {
    let published = log.published();
    let tree = &published.tree;
    if tree.root(checkpoint.size) != Some(checkpoint.root) {
        return None;
    }
    seqs.chunk_by(|a, b| a + 1 == *b)
        .map(|stretch| {
            let (first, end) = (*stretch.first()?, *stretch.last()? + 1);
            let leaves = (first..end).map(|seq| Some(BASE64.encode(tree.leaf(seq)?)));
            let proof = tree.run_proof(first, end, checkpoint.size)?;
            let proof = proof.iter().map(|hash| BASE64.encode(hash)).collect();
            Some(Run { first, leaves: leaves.collect::<Option<_>>()?, proof })
        })
        .collect()
}

/// The proof of one entry as `c2sp.org/tlog-proof@v1` text; `extra` is the leaf.
pub fn tlog_proof(log: &Log, checkpoint: &Checkpoint, seq: u64) -> Option<String> {
    let published = log.published();
    let leaf = published.tree.leaf(seq)?;
    let proof = published.tree.inclusion_proof(seq, checkpoint.size)?;
    let mut text = String::from("c2sp.org/tlog-proof@v1\n");
    text.push_str(&format!("extra {}\nindex {seq}\n", BASE64.encode(leaf)));
    for hash in proof {
        text.push_str(&BASE64.encode(hash));
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&checkpoint.note);
    Some(text)
}
