//! Rows 2, 3, 4 and 11: is a checkpoint to be believed, and does it extend the saved one?

use crate::base64;
use crate::checkpoint::Checkpoint;
use crate::digest::Hash;
use crate::docket::{Docket, LogRef};
use crate::policy::{Maker, Policy};
use crate::tree;
use crate::verdict::{LogSeen, Reason};

/// How a checkpoint stands under a policy.
pub(crate) struct Standing {
    /// Log keys for its origin whose signatures hold.
    pub(crate) signed_by: Vec<String>,
    /// Keys of the policy, of any log or witness, whose lines do not verify.
    pub(crate) broken: Vec<String>,
    /// One flag for each witness of the policy.
    cosigned: Vec<bool>,
    newest: Option<u64>,
}

/// Tries every signature line that a key of the policy claims.
pub(crate) fn standing(policy: &Policy, checkpoint: &Checkpoint) -> Standing {
    let cosigned = vec![false; policy.witnesses().len()];
    let mut standing = Standing { signed_by: vec![], broken: vec![], cosigned, newest: None };
    for line in &checkpoint.signatures {
        let Some(maker) = policy.maker(line) else { continue };
        let (Maker::Log(key) | Maker::Witness(_, key)) = maker;
        match (key.verify(&checkpoint.text, line), maker) {
            (None, _) => standing.broken.push(key.to_string()),
            (Some(_), Maker::Log(key)) => {
                if key.name() == checkpoint.origin {
                    standing.signed_by.push(key.to_string());
                }
            }
            (Some(time), Maker::Witness(at, _)) => {
                standing.cosigned[at] = true;
                standing.newest = standing.newest.max(Some(time));
            }
        }
    }
    standing
}

/// Rows 2–4 for a checkpoint.
pub(crate) fn judge(
    checkpoint: &Checkpoint,
    policy: Option<&Policy>,
    log: LogRef<'_>,
    docket: &mut Docket,
) -> LogSeen {
    let mut seen = LogSeen {
        origin: checkpoint.origin.clone(),
        size: checkpoint.size,
        root: base64::encode(&checkpoint.root),
        ..LogSeen::default()
    };
    let Some(policy) = policy else {
        docket.log(Reason::UnknownLog, log, "no policy and no key was given to judge by");
        return seen;
    };
    let standing = standing(policy, checkpoint);
    if !policy.knows(&checkpoint.origin) {
        let what = format!("the policy names no log {}", checkpoint.origin);
        docket.log(Reason::UnknownLog, log, what);
    } else if standing.signed_by.is_empty() {
        docket.log(
            Reason::UnknownKey,
            log,
            "no key of the policy for this log signed its checkpoint",
        );
    }
    for key in &standing.broken {
        docket.log(Reason::BadSignature, log, format!("the signature of {key} does not verify"));
    }
    seen.witnesses = standing.cosigned.iter().filter(|&&yes| yes).count();
    seen.witnesses_known = standing.cosigned.len();
    seen.witnessed_at = standing.newest;
    if !policy.reaches_quorum(&standing.cosigned) {
        let (k, n) = (seen.witnesses, seen.witnesses_known);
        docket.log(
            Reason::Quorum,
            log,
            format!("{k} of {n} witnesses cosigned, short of the quorum"),
        );
    }
    seen.signed_by = standing.signed_by;
    seen
}

/// Row 11 for a file that brings consistency proofs as (old size, proof). The saved checkpoint is
/// of the same origin. Every proof offered from its size is tried.
pub(crate) fn judge_saved<'a>(
    saved: &Checkpoint,
    checkpoint: &Checkpoint,
    proofs: impl Iterator<Item = (u64, &'a [Hash])>,
    log: LogRef<'_>,
    docket: &mut Docket,
) -> bool {
    let (old, new) = (saved.size, checkpoint.size);
    let holds =
        |proof: &[Hash]| tree::is_consistent(old, &saved.root, new, &checkpoint.root, proof);
    if old > new {
        let what = format!("the saved checkpoint has {old} entries, this one only {new}");
        docket.log(Reason::NoConsistency, log, what);
        return false;
    }
    let mut offered = proofs.filter(|&(size, _)| size == old).map(|(_, proof)| proof).peekable();
    // Between equal sizes, and from the empty tree, nothing needs to be shown.
    let consistent = match offered.peek() {
        None if old == 0 || old == new => holds(&[]),
        None => {
            docket.log(
                Reason::NoConsistency,
                log,
                format!("no proof from the saved size {old} to {new}"),
            );
            return false;
        }
        Some(_) => offered.all(holds),
    };
    if !consistent {
        let what = format!("the tree of {new} entries does not extend the saved one of {old}");
        docket.log(Reason::Fork, log, what);
    }
    consistent
}
