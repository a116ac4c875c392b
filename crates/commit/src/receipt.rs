//! Receipts: the answer to a write (`counterfoil.receipt/v1`, docs/formats/receipt.md).

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use crate::log::{Checkpoint, Log};
use crate::prepare::{Earlier, Fate, Place};

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

/// Where one event of a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its place, or that of the event it duplicates.
    pub place: Place,
    /// Whether it stood there before.
    pub duplicate: bool,
    /// The place of the earlier event with its id, if that says something else.
    pub conflict: Option<Place>,
}

impl Fate {
    /// Where the event stands once its batch is committed with new events from `first` on.
    pub fn standing(self, first: u64) -> Standing {
        let new = |nth| Place { log: 0, seq: first + u64::from(nth) };
        let of = |earlier| match earlier {
            Earlier::Stored(place) => place,
            Earlier::Same(nth) => new(nth),
        };
        match self {
            Fate::New(nth) => Standing { place: new(nth), duplicate: false, conflict: None },
            Fate::Conflict(nth, earlier) => {
                Standing { place: new(nth), duplicate: false, conflict: Some(of(earlier)) }
            }
            Fate::Duplicate(earlier) => {
                Standing { place: of(earlier), duplicate: true, conflict: None }
            }
        }
    }
}

/// Which entries of which logs a receipt names.
#[derive(Debug, Default)]
pub struct Named(Vec<(u32, Vec<u64>)>);

impl Named {
    /// An event stands in this place. Answers the place with the log's index in the receipt.
    pub fn event(&mut self, place: Place) -> Place {
        let log = self.log(place.log);
        self.0[log as usize].1.push(place.seq);
        Place { log, ..place }
    }

    /// An event that was there before stands in this place; the receipt does not prove it.
    pub fn earlier(&mut self, place: Place) -> Place {
        Place { log: self.log(place.log), ..place }
    }

    fn log(&mut self, log: u32) -> u32 {
        let at = self.0.iter().position(|(known, _)| *known == log).unwrap_or_else(|| {
            self.0.push((log, Vec::new()));
            self.0.len() - 1
        });
        at as u32
    }

    /// The receipt's logs, as [`Prepared::logs`](crate::Prepared::logs) numbers them, each with
    /// the seqs to prove: ascending, no repeats.
    pub fn logs(mut self) -> Vec<(usize, Vec<u64>)> {
        for (_, seqs) in &mut self.0 {
            seqs.sort_unstable();
            seqs.dedup();
        }
        self.0.into_iter().map(|(log, seqs)| (log as usize, seqs)).collect()
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
