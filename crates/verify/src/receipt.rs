//! A receipt, the answer to a write. Judged by rows 1–6 and 12: it proves leaves, not what is in
//! them; that a leaf holds one's event is proved by evidence.
//!
//! ```text
//! {"format":"counterfoil.receipt/v1",
//!  "events":[{"log":0,"seq":1153} | {"log":0,"seq":7,"duplicate":true}
//!          | {"log":0,"seq":1154,"id":"…given","conflict":{"log":0,"seq":9}}
//!          | {"refused":{"code","path","reason"}}],
//!  "logs":[{"origin","checkpoint","runs":[{"first","leaves","proof"}]}]}
//! ```
//!
//! Runs ascend, do not touch, and cover exactly the seqs at which the events stand. The seq behind
//! a conflict is no such place: what stands there is another event.

use std::collections::{BTreeSet, HashSet};

use crate::checkpoint::Checkpoint;
use crate::docket::{self, Docket, LogRef};
use crate::error::{Malformed, Usage, malformed};
use crate::evidence::read::{checkpoint, each};
use crate::json::{self, Members, Value};
use crate::question::Question;
use crate::run::{Run, Times};
use crate::trust;
use crate::verdict::{Reason, Verdict};

/// The name of the format.
pub(crate) const FORMAT: &str = "counterfoil.receipt/v1";

/// A receipt, read but not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// One per event sent, in order.
    pub events: Vec<Answer>,
    /// The logs they went to.
    pub logs: Vec<ReceiptLog>,
}

/// What became of one event sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It stands in a log.
    Stored {
        /// Where.
        at: Place,
        /// It stood there before this request.
        duplicate: bool,
        /// The id that the server gave it.
        id: Option<String>,
        /// Another event with the same id and other content.
        conflict: Option<Place>,
    },
    /// It was not admitted.
    Refused {
        /// The code of the refusal.
        code: String,
        /// JSON Pointer to the fault.
        path: String,
        /// In words.
        reason: String,
    },
}

/// A place in one of the receipt's logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Index into the receipt's logs.
    pub log: u64,
    /// Seq in that log.
    pub seq: u64,
}

/// One log in a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptLog {
    /// Its checkpoint.
    pub checkpoint: Checkpoint,
    /// Runs, ascending.
    pub runs: Vec<Run>,
}

/// Judges a receipt.
pub fn judge(bytes: &[u8], question: &Question) -> Result<Verdict, Usage> {
    question.saved()?;
    let receipt = match Receipt::parse(bytes) {
        Ok(receipt) => receipt,
        Err(fault) => return Ok(docket::malformed(&fault)),
    };
    question.without_events("a receipt")?;
    let mut docket = Docket::default();
    if question.policy.is_none() && receipt.logs.is_empty() {
        docket.whole(Reason::UnknownLog, "no policy and no key was given to judge by");
    }
    for (number, ReceiptLog { checkpoint, runs }) in receipt.logs.iter().enumerate() {
        let log = LogRef { number, origin: &checkpoint.origin };
        let seen = trust::judge(checkpoint, question.policy.as_ref(), log, &mut docket);
        docket.logs.push(seen);
        let mut times = Times::default();
        for run in runs {
            run.judge_root(checkpoint, log, &mut docket);
            for (seq, leaf) in (run.first..).zip(&run.leaves) {
                times.next(leaf, log, seq, &mut docket);
            }
        }
    }
    Ok(docket.verdict())
}

impl Receipt {
    /// Reads the file; an error is the whole verdict.
    pub fn parse(bytes: &[u8]) -> Result<Receipt, Malformed> {
        let mut file = json::parse(bytes)?.object("the file")?;
        if file.need("format")?.text("`format`")? != FORMAT {
            return Err(malformed(format!("`format` is not {FORMAT}")));
        }
        let events = each(file.need("events")?, "event", answer)?;
        let logs = each(file.need("logs")?, "log", log)?;
        file.end("the file")?;
        let receipt = Receipt { events, logs };
        receipt.check_cover()?;
        Ok(receipt)
    }

    /// Every seq named is covered, and no other.
    fn check_cover(&self) -> Result<(), Malformed> {
        let mut origins = HashSet::new();
        if !self.logs.iter().all(|log| origins.insert(&log.checkpoint.origin)) {
            return Err(malformed("two logs have one origin"));
        }
        let mut named = BTreeSet::new();
        for answer in &self.events {
            if let Answer::Stored { at, conflict, .. } = answer {
                named.insert(*at);
                if conflict.is_some_and(|other| other.log >= self.logs.len() as u64) {
                    return Err(malformed("a conflict is with an event of no log given here"));
                }
            }
        }
        for (log, part) in (0..).zip(&self.logs) {
            for seq in part.runs.iter().flat_map(|run| run.first..run.end()) {
                let place = Place { log, seq };
                if !named.remove(&place) {
                    return Err(malformed(format!("a run covers seq {seq}, which no event names")));
                }
            }
        }
        match named.first() {
            None => Ok(()),
            Some(Place { seq, .. }) => Err(malformed(format!("no run covers seq {seq}"))),
        }
    }
}

fn answer(value: Value) -> Result<Answer, Malformed> {
    let mut members = value.object("it")?;
    if let Some(refused) = members.take("refused") {
        members.end("it")?;
        return refusal(refused.object("`refused`")?);
    }
    let at = place(&mut members)?;
    let duplicate = members.take("duplicate").map(|yes| yes.yes("`duplicate`")).transpose()?;
    let id = members.take("id").map(|id| id.text("`id`")).transpose()?;
    let conflict = match members.take("conflict") {
        None => None,
        Some(value) => {
            let mut other = value.object("`conflict`")?;
            let other_place = place(&mut other)?;
            other.end("`conflict`")?;
            Some(other_place)
        }
    };
    members.end("it")?;
    Ok(Answer::Stored { at, duplicate: duplicate.is_some(), id, conflict })
}

fn refusal(mut refused: Members) -> Result<Answer, Malformed> {
    let code = refused.need("code")?.text("`code`")?;
    let path = refused.need("path")?.text("`path`")?;
    let reason = refused.need("reason")?.text("`reason`")?;
    refused.end("`refused`")?;
    Ok(Answer::Refused { code, path, reason })
}

fn place(members: &mut Members) -> Result<Place, Malformed> {
    let log = members.need("log")?.number("`log`")?;
    Ok(Place { log, seq: members.need("seq")?.number("`seq`")? })
}

fn log(value: Value) -> Result<ReceiptLog, Malformed> {
    let mut log = value.object("it")?;
    let checkpoint = checkpoint(&mut log)?;
    let runs = each(log.need("runs")?, "run", |value| {
        let mut members = value.object("it")?;
        let run = Run::take(&mut members)?;
        members.end("it")?;
        Ok(run)
    })?;
    log.end("it")?;
    match runs.windows(2).all(|pair| pair[0].end() < pair[1].first) {
        true => Ok(ReceiptLog { checkpoint, runs }),
        false => Err(malformed("the runs do not ascend, or touch")),
    }
}
