//! Reads a file of evidence: row 1, all of it. Whatever passes here has the format's shape.

use std::collections::HashSet;

use super::{Claim, Consistency, Event, EventRun, Evidence, EvidenceLog, Field, Gone};
use crate::base64;
use crate::checkpoint::Checkpoint;
use crate::error::{Malformed, malformed};
use crate::json::{self, Members, Value};
use crate::path::Path;
use crate::run::{Run, hashes};
use crate::scalar;

/// The name of the format.
pub(crate) const FORMAT: &str = "counterfoil.evidence/v1";

impl Evidence {
    /// Reads the file; an error is the whole verdict.
    pub fn parse(bytes: &[u8]) -> Result<Evidence, Malformed> {
        let mut file = json::parse(bytes)?.object("the file")?;
        if file.need("format")?.text("`format`")? != FORMAT {
            return Err(malformed(format!("`format` is not {FORMAT}")));
        }
        if let Some(remarks) = file.take("remarks") {
            remarks.object("`remarks`")?;
        }
        let claim = claim(file.need("claim")?)?;
        let logs = each(file.need("logs")?, "log", log)?;
        let runs = each(file.need("runs")?, "run", run)?;
        file.end("the file")?;
        let evidence = Evidence { claim, logs, runs };
        evidence.check_order()?;
        Ok(evidence)
    }

    /// One checkpoint per origin; runs ascend by log and seq and do not touch.
    fn check_order(&self) -> Result<(), Malformed> {
        let mut origins = HashSet::new();
        if !self.logs.iter().all(|log| origins.insert(&log.checkpoint.origin)) {
            return Err(malformed("two logs have one origin"));
        }
        if self.runs.iter().any(|run| run.log >= self.logs.len()) {
            return Err(malformed("a run is of a log that the file has not"));
        }
        let ascends = |pair: &[EventRun]| {
            let (a, b) = (&pair[0], &pair[1]);
            a.log < b.log || (a.log == b.log && a.run.end() < b.run.first)
        };
        match self.runs.windows(2).all(ascends) {
            true => Ok(()),
            false => Err(malformed("the runs do not ascend, or touch")),
        }
    }
}

/// Reads a list item by item; a fault says which item.
pub(crate) fn each<T>(
    list: Value,
    what: &str,
    read: impl Fn(Value) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let list = list.list(&format!("the list of {what}s"))?.into_iter().enumerate();
    list.map(|(at, item)| read(item).map_err(|fault| fault.within(format!("{what} {at}"))))
        .collect()
}

/// Origin and checkpoint of a log; the two must speak of one log.
pub(crate) fn checkpoint(log: &mut Members) -> Result<Checkpoint, Malformed> {
    let origin = log.need("origin")?.text("`origin`")?;
    let checkpoint = Checkpoint::parse(&log.need("checkpoint")?.text("`checkpoint`")?)?;
    match checkpoint.origin == origin {
        true => Ok(checkpoint),
        false => Err(malformed("`origin` is not the checkpoint's")),
    }
}

fn claim(value: Value) -> Result<Claim, Malformed> {
    let mut claim = value.object("`claim`")?;
    let kind = claim.need("kind")?.text("`kind`")?;
    let read = match kind.as_str() {
        "events" => Claim::Events,
        "range" => Claim::Range {
            origin: claim.need("origin")?.text("`origin`")?,
            first: claim.need("first")?.number("`first`")?,
            count: claim.need("count")?.number("`count`")?,
        },
        _ => return Err(malformed("`claim` is neither events nor range")),
    };
    claim.end("`claim`")?;
    Ok(read)
}

fn log(value: Value) -> Result<EvidenceLog, Malformed> {
    let mut log = value.object("it")?;
    let checkpoint = checkpoint(&mut log)?;
    let vkeys = match log.take("vkeys") {
        Some(list) => each(list, "vkey", |vkey| vkey.text("it"))?,
        None => Vec::new(),
    };
    let policy = log.take("policy").map(|policy| policy.text("`policy`")).transpose()?;
    let consistency = match log.take("consistency") {
        Some(list) => each(list, "consistency proof", consistency)?,
        None => Vec::new(),
    };
    log.end("it")?;
    Ok(EvidenceLog { checkpoint, consistency, vkeys, policy })
}

fn consistency(value: Value) -> Result<Consistency, Malformed> {
    let mut proof = value.object("it")?;
    let old = proof.need("old")?.number("`old`")?;
    let hashes = hashes(proof.need("proof")?)?;
    proof.end("it")?;
    Ok(Consistency { old, proof: hashes })
}

fn run(value: Value) -> Result<EventRun, Malformed> {
    let mut members = value.object("it")?;
    let log = members.need("log")?.number("`log`")?;
    let log = usize::try_from(log).map_err(|_| malformed("`log` is out of range"))?;
    let run = Run::take(&mut members)?;
    let events = each(members.need("events")?, "event", event)?;
    members.end("it")?;
    match events.len() == run.leaves.len() {
        true => Ok(EventRun { log, run, events }),
        false => Err(malformed("not one event per leaf")),
    }
}

fn event(value: Value) -> Result<Event, Malformed> {
    let mut event = value.object("it")?;
    let read = match event.take("gone") {
        Some(gone) => Event::Gone(match gone.text("`gone`")?.as_str() {
            "expired" => Gone::Expired,
            "withheld" => Gone::Withheld,
            _ => return Err(malformed("`gone` is neither expired nor withheld")),
        }),
        None => Event::Fields(each(event.need("fields")?, "field", field)?),
    };
    event.end("it")?;
    Ok(read)
}

fn field(value: Value) -> Result<Field, Malformed> {
    let mut field = value.object("it")?;
    let read = if let Some(digest) = field.take("digest") {
        Field::Hidden { digest: base64::decode_exact(&digest.text("`digest`")?, "`digest`")? }
    } else {
        let path = Path::from_value(field.need("path")?)?;
        match field.take("commitment") {
            Some(commitment) => {
                let commitment = commitment.text("`commitment`")?;
                let commitment = base64::decode_exact(&commitment, "`commitment`")?;
                Field::Named { path, commitment }
            }
            None => shown(path, &mut field)?,
        }
    };
    field.end("it")?;
    Ok(read)
}

fn shown(path: Path, field: &mut Members) -> Result<Field, Malformed> {
    let text = field.need("text")?.text("`text`")?;
    if !scalar::is_canonical(text.as_bytes()) {
        return Err(malformed("`text` is not one canonical scalar, {} or []"));
    }
    let salt = base64::decode_exact(&field.need("salt")?.text("`salt`")?, "`salt`")?;
    Ok(Field::Shown { path, text, salt })
}
