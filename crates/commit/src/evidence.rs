//! Evidence: one file that proves events offline (`counterfoil.evidence/v1`,
//! docs/formats/evidence.md).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use event::{commitment, field_digest};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::log::{Checkpoint, Log, ReadError, Reader};
use crate::receipt::runs;

/// How much of a field is given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disclosure {
    /// Path, text and salt.
    Show,
    /// Path and commitment: that it was there, not what it said.
    Name,
    /// The digest alone: that there was one more field.
    Hide,
}

/// A whole evidence file.
#[derive(Serialize)]
pub struct Evidence {
    format: &'static str,
    remarks: serde_json::Value,
    claim: Claim,
    logs: Vec<EvidenceLog>,
    runs: Vec<EvidenceRun>,
}

/// What the file claims.
#[derive(Clone, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Claim {
    /// These events, and nothing of others.
    Events,
    /// Every entry of a stretch of a log.
    Range {
        /// The log's origin.
        origin: String,
        /// Seq of the first entry.
        first: u64,
        /// How many entries.
        count: u64,
    },
}

#[derive(Serialize)]
struct EvidenceLog {
    origin: String,
    checkpoint: String,
    vkeys: Vec<String>,
    policy: String,
    consistency: Vec<Consistency>,
}

/// That the tree of the checkpoint begins as an older one did.
#[derive(Serialize)]
struct Consistency {
    old: u64,
    proof: Vec<String>,
}

#[derive(Serialize)]
struct EvidenceRun {
    log: u32,
    first: u64,
    leaves: Vec<String>,
    proof: Vec<String>,
    events: Vec<EvidenceEvent>,
}

#[derive(Serialize)]
struct EvidenceEvent {
    fields: Vec<EvidenceField>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum EvidenceField {
    Shown { path: Box<RawValue>, text: String, salt: String },
    Named { path: Box<RawValue>, commitment: String },
    Hidden { digest: String },
}

/// Why evidence cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// An event cannot be read, or is not what was committed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The tree does not bear out what was signed: nothing of it may be served.
    #[error("the tree of {0} does not bear out its checkpoint")]
    Tree(String),
    /// No tree of this log had such a size.
    #[error("{0} is no older size: the log has {1} entries")]
    Old(u64, u64),
    /// The file would be too large.
    #[error(
        "the events take more than {EVENTS_BYTES_MAX} bytes, with {FIELD_BYTES} for each field's \
         salt and shape; ask for fewer at once"
    )]
    TooLarge,
}

/// Bytes of the fields in one file.
const EVENTS_BYTES_MAX: usize = 64 << 20;
/// What a field takes beside its path and text.
const FIELD_BYTES: usize = 100;

/// What evidence is made of.
pub struct Asked<'a> {
    /// Entries of the log, ascending, no repeats.
    pub seqs: &'a [u64],
    /// What is claimed of them.
    pub claim: Claim,
    /// Older sizes, 1 to the checkpoint's, whose trees are to be proved its beginning.
    pub old: &'a [u64],
    /// Hints for people.
    pub remarks: serde_json::Value,
}

/// Makes evidence of entries of one log. `disclose` says for each path text how much is given away;
/// what is not shown does not leave the house.
pub fn evidence(
    log: &Arc<Log>,
    checkpoint: &Checkpoint,
    asked: Asked<'_>,
    disclose: impl Fn(&str) -> Disclosure,
) -> Result<Evidence, EvidenceError> {
    let Asked { seqs, claim, old, remarks } = asked;
    let mut evidence = Evidence::new(claim, remarks);
    let mut room = EVENTS_BYTES_MAX;
    evidence.add(log, checkpoint, seqs, &mut room, &disclose)?;
    for old in old {
        evidence.logs[0].consistency.push(consistency(log, *old, checkpoint)?);
    }
    Ok(evidence)
}

/// Makes evidence of entries of several logs, each with the checkpoint to prove them under, all
/// fields shown.
pub fn evidence_of_all(
    parts: &[(&Arc<Log>, &Checkpoint, Vec<u64>)],
) -> Result<Evidence, EvidenceError> {
    let mut evidence = Evidence::new(Claim::Events, serde_json::json!({}));
    let mut room = EVENTS_BYTES_MAX;
    for (log, checkpoint, seqs) in parts {
        evidence.add(log, checkpoint, seqs, &mut room, &|_: &str| Disclosure::Show)?;
    }
    Ok(evidence)
}

impl Evidence {
    fn new(claim: Claim, remarks: serde_json::Value) -> Evidence {
        let format = "counterfoil.evidence/v1";
        Evidence { format, remarks, claim, logs: Vec::new(), runs: Vec::new() }
    }

    fn add(
        &mut self,
        log: &Arc<Log>,
        checkpoint: &Checkpoint,
        seqs: &[u64],
        room: &mut usize,
        disclose: &impl Fn(&str) -> Disclosure,
    ) -> Result<(), EvidenceError> {
        let (origin, number) = (log.meta.origin.clone(), self.logs.len() as u32);
        let proved = runs(log, checkpoint, seqs);
        let mut reader = Reader::new(log);
        for run in proved.ok_or_else(|| EvidenceError::Tree(origin.clone()))? {
            let count = run.leaves.len() as u64;
            let events =
                (run.first..run.first + count).map(|seq| event(&mut reader, seq, room, disclose));
            self.runs.push(EvidenceRun {
                log: number,
                first: run.first,
                events: events.collect::<Result<_, _>>()?,
                leaves: run.leaves,
                proof: run.proof,
            });
        }
        let vkeys = log.signers(checkpoint);
        let keys: String = vkeys.iter().map(|vkey| format!("log {vkey}\n")).collect();
        self.logs.push(EvidenceLog {
            origin,
            checkpoint: checkpoint.note.clone(),
            policy: format!("{keys}quorum none\n"),
            vkeys,
            consistency: Vec::new(),
        });
        Ok(())
    }
}

fn consistency(log: &Log, old: u64, checkpoint: &Checkpoint) -> Result<Consistency, EvidenceError> {
    let proof = log.published().tree.consistency_proof(old, checkpoint.size);
    let proof = proof.ok_or(EvidenceError::Old(old, checkpoint.size))?;
    Ok(Consistency { old, proof: proof.iter().map(|hash| BASE64.encode(hash)).collect() })
}

/// One event, checked against its leaf first: what was changed on the disk is not passed on as
/// ours.
fn event(
    reader: &mut Reader,
    seq: u64,
    room: &mut usize,
    disclose: &impl Fn(&str) -> Disclosure,
) -> Result<EvidenceEvent, EvidenceError> {
    let (fields, key) = reader.read_checked(seq)?;
    *room = room
        .checked_sub(fields.bytes() + fields.len() * FIELD_BYTES)
        .ok_or(EvidenceError::TooLarge)?;
    let mut given = Vec::with_capacity(fields.len());
    for (rank, field) in fields.iter().enumerate() {
        let salt = key.salt(rank as u32);
        let hidden = commitment(&salt, field.text.as_bytes());
        let path = || {
            RawValue::from_string(field.path.to_owned())
                .map_err(|_| ReadError::Damaged(seq, "a path is not JSON"))
        };
        given.push(match disclose(field.path) {
            Disclosure::Show => EvidenceField::Shown {
                path: path()?,
                text: field.text.to_owned(),
                salt: BASE64.encode(salt),
            },
            Disclosure::Name => {
                EvidenceField::Named { path: path()?, commitment: BASE64.encode(hidden) }
            }
            Disclosure::Hide => {
                let digest = field_digest(&hidden, field.path.as_bytes());
                EvidenceField::Hidden { digest: BASE64.encode(digest) }
            }
        });
    }
    Ok(EvidenceEvent { fields: given })
}
