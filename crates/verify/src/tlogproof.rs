//! C2SP tlog-proof: one leaf's inclusion as text. Judged by rows 1–6 and 12.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64 of the leaf>           ours always have it: it says what is in the log
//! index <seq>
//! <base64 hash>…                       from the leaf's sibling up to the root's child
//! (empty line)
//! <checkpoint>
//! ```

use crate::base64;
use crate::checkpoint::{Checkpoint, decimal};
use crate::digest::Hash;
use crate::docket::{self, Docket, LogRef};
use crate::error::{Malformed, Usage, malformed};
use crate::question::Question;
use crate::run::Times;
use crate::tree;
use crate::trust;
use crate::verdict::{Reason, Verdict};

/// The first line.
pub(crate) const FORMAT: &str = "c2sp.org/tlog-proof@v1";

/// A parsed proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// What came as `extra`: for our logs the leaf data.
    pub extra: Vec<u8>,
    /// The leaf's seq.
    pub index: u64,
    /// Audit path, sibling first.
    pub path: Vec<Hash>,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
}

impl TlogProof {
    /// Reads the text.
    pub fn parse(text: &str) -> Result<TlogProof, Malformed> {
        let bad = |what: &str| malformed(format!("the proof's {what}"));
        let (head, note) = text.split_once("\n\n").ok_or_else(|| bad("empty line is missing"))?;
        let mut lines = head.split('\n');
        if lines.next() != Some(FORMAT) {
            return Err(bad(&format!("first line is not {FORMAT}")));
        }
        let extra = lines.next().and_then(|line| line.strip_prefix("extra "));
        let extra = extra.ok_or_else(|| bad("line `extra` with the leaf is missing"))?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal);
        Ok(TlogProof {
            extra: base64::decode(extra, "`extra`")?,
            index: index.ok_or_else(|| bad("line `index` is missing"))?,
            path: lines
                .map(|line| base64::decode_exact(line, "a hash"))
                .collect::<Result<_, _>>()?,
            checkpoint: Checkpoint::parse(note)?,
        })
    }
}

/// Judges the text of a proof.
pub fn judge(bytes: &[u8], question: &Question) -> Result<Verdict, Usage> {
    question.saved()?;
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("the proof is not UTF-8"));
    let proof = match text.and_then(TlogProof::parse) {
        Ok(proof) => proof,
        Err(fault) => return Ok(docket::malformed(&fault)),
    };
    question.without_events("a tlog-proof")?;
    let TlogProof { extra, index, path, checkpoint } = proof;
    let log = LogRef { number: 0, origin: &checkpoint.origin };
    let mut docket = Docket::default();
    let seen = trust::judge(&checkpoint, question.policy.as_ref(), log, &mut docket);
    docket.logs.push(seen);
    let root = tree::inclusion_root(index, tree::leaf_hash(&extra), &path, checkpoint.size);
    if root != Some(checkpoint.root) {
        docket.entry(Reason::NotInLog, log, index, format!("entry {index} is not in the log"));
    }
    Times::default().next(&extra, log, index, &mut docket);
    Ok(docket.verdict())
}
