//! Whom a judge believes about one log, when it had several keys.
//!
//! A claim of `history.rs` holds if the key before and the new one both signed the handover, the
//! handover is of the log's tree, and the entry it names is the server's own statement of just
//! this. Then who trusts one key of the chain is led to the others: forwards, since the key before
//! signed over the statement; backwards, since the new key did. Whoever stole a key can lead nobody
//! astray who could not be deceived with that key alone.
//!
//! Promises: at every size the key that was in force must have signed. Never leads to a key from
//! one that is not in the judge's policy.

use super::history::{Handover, History};
use crate::checkpoint::Checkpoint;
use crate::docket::{Docket, LogRef};
use crate::policy::Policy;
use crate::verdict::Reason;

/// Whom the judge believes about one log.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The judge's, with the keys that its own lead to.
    policy: Option<Policy>,
    history: Option<History>,
    /// The keys of the history that the judge brought; empty if it leads nobody anywhere.
    given: Vec<String>,
    /// The keys whose signatures the folder accounts for; empty if nothing says which.
    known: Vec<String>,
}

impl Keys {
    /// `signed_birth` are the keys of the policy that signed the log's birth.
    pub(super) fn new(
        policy: Option<&Policy>,
        history: Option<&History>,
        signed_birth: Vec<String>,
    ) -> Keys {
        let (Some(own), Some(history)) = (policy, history) else {
            return Keys { policy: policy.cloned(), known: signed_birth, ..Keys::default() };
        };
        let all = || history.terms.iter().map(|term| &term.vkey);
        let given: Vec<_> = all().filter(|key| own.logs().contains(key)).collect();
        let policy = if given.is_empty() { own.clone() } else { own.with_logs(all()) };
        let given = given.iter().map(ToString::to_string).collect();
        let known = all().map(ToString::to_string).collect();
        Keys { policy: Some(policy), history: Some(history.clone()), given, known }
    }

    pub(super) fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }

    pub(super) fn history(&self) -> Option<&History> {
        self.history.as_ref()
    }

    /// The handovers, as bounds of the tree: where each stands, and the checkpoint.
    pub(super) fn bounds(&self) -> Vec<(String, Checkpoint)> {
        let Some(history) = &self.history else { return Vec::new() };
        let bound = |(nth, _, _, handover): (usize, _, _, &Handover)| {
            (format!("{}, key {nth}", history.place), handover.checkpoint.clone())
        };
        history.handovers().map(bound).collect()
    }

    /// Both keys must have signed each handover.
    pub(super) fn judge_handovers(&self, log: LogRef<'_>, docket: &mut Docket) {
        let Some(history) = &self.history else { return };
        for (nth, before, term, handover) in history.handovers() {
            for (key, which) in [(&before.vkey, "the key before"), (&term.vkey, "it")] {
                let Checkpoint { text, signatures, .. } = &handover.checkpoint;
                let mut lines = signatures.iter().filter(|line| key.made(line)).peekable();
                // What a key that the judge trusts is said to have signed weighs more.
                let reason = match lines.peek().is_some() && !self.given.is_empty() {
                    true => Reason::BadSignature,
                    false => Reason::Malformed,
                };
                if !lines.any(|line| key.verify(text, line).is_some()) {
                    let what = format!("key {nth}: its handover is not signed by {which}");
                    docket.add(reason, Some(log), None, history.place.clone(), what);
                }
            }
        }
    }

    /// What speaks against the keys that signed a checkpoint, each of which is in the policy.
    pub(super) fn speaks_against(&self, size: u64, signed_by: &[String]) -> Option<String> {
        let history = self.history.as_ref().filter(|_| !self.given.is_empty())?;
        let in_force = history.in_force(size).to_string();
        let has_signed = signed_by.is_empty() || signed_by.contains(&in_force);
        (!has_signed).then(|| format!("{in_force} was in force at {size}, and did not sign"))
    }

    /// Whether some key signed of which the folder does not say how it came to.
    pub(super) fn is_unaccounted(&self, signed_by: &[String]) -> bool {
        !self.known.is_empty() && signed_by.iter().any(|key| !self.known.contains(key))
    }

    /// The key that the judge brought, if none that it brought signed: it led there.
    pub(super) fn led_from(&self, signed_by: &[String]) -> Option<String> {
        let is_led = !signed_by.is_empty() && !signed_by.iter().any(|key| self.given.contains(key));
        self.given.last().filter(|_| is_led).cloned()
    }
}
