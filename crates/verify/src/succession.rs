//! From a key that is trusted to the one that takes over, by evidence of the event that states it.
//!
//! ```text
//! counterfoil.evidence/v1 with one event, all of it shown: key.rotate, under a checkpoint that the
//! old key and the new one signed; or log.close, under one that the closed log's key signed
//! ```
//!
//! Promises: what is answered stands in the log under the trusted key, and the server itself stated
//! it. Whoever stole the trusted key can make such evidence: it says on whose word, not that it is
//! well.

use crate::docket;
use crate::error::Usage;
use crate::evidence::{self, Event, Evidence, Field};
use crate::question::{Need, Question};
use crate::statement::successor;
pub use crate::statement::{Successor, vkey_digest};
use crate::vkey::Vkey;
use crate::{Policy, Verdict};

/// A statement that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    /// Origin of the log that states it.
    pub origin: String,
    /// The entry.
    pub seq: u64,
    /// Keys of the policy that signed over it, as name+id.
    pub signed_by: Vec<String>,
    /// Who takes over.
    pub successor: Successor,
}

/// Why nobody takes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotStated {
    /// The evidence does not hold.
    Verdict(Box<Verdict>),
    /// It holds, and states no such thing.
    Nothing(&'static str),
}

/// Judges the evidence by the keys that are trusted, and reads what it states.
pub fn judge(bytes: &[u8], trusted: &Policy) -> Result<Result<Succession, NotStated>, Usage> {
    let question =
        Question { policy: Some(trusted.clone()), need: Need::Full, ..Question::default() };
    let verdict = evidence::judge(bytes, &question)?;
    if !verdict.is_verified() {
        return Ok(Err(NotStated::Verdict(Box::new(verdict))));
    }
    let evidence = match Evidence::parse(bytes) {
        Ok(evidence) => evidence,
        Err(fault) => return Ok(Err(NotStated::Verdict(Box::new(docket::malformed(&fault))))),
    };
    Ok(stated(&evidence, &verdict).map_err(NotStated::Nothing))
}

fn stated(evidence: &Evidence, verdict: &Verdict) -> Result<Succession, &'static str> {
    let ([log], [run], [seen]) = (&evidence.logs[..], &evidence.runs[..], &verdict.logs[..]) else {
        return Err("it is not of one event of one log");
    };
    let [Event::Fields(fields)] = &run.events[..] else {
        return Err("it is not of one event that is shown");
    };
    let shown = |wanted: &str| {
        fields.iter().find_map(|field| match field {
            Field::Shown { path, text, .. } if path.text() == wanted => Some(text.as_str()),
            _ => None,
        })
    };
    let successor = successor(shown).ok_or("its event is no statement of the server's own")?;
    if let Successor::Key { vkey, .. } = &successor {
        let key = Vkey::parse(vkey).ok().filter(|key| key.name() == log.checkpoint.origin);
        let key = key.ok_or("the key that it names is none of this log")?;
        let text = &log.checkpoint.text;
        let mut lines = log.checkpoint.signatures.iter().filter(|line| key.made(line));
        if !lines.any(|line| key.verify(text, line).is_some()) {
            return Err("the key that it names has not signed");
        }
    }
    let (origin, signed_by) = (log.checkpoint.origin.clone(), seen.signed_by.clone());
    Ok(Succession { origin, seq: run.run.first, signed_by, successor })
}
