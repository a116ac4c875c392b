//! Judges a file of evidence: rows 2 to 12.

use super::{Claim, Event, EventRun, Evidence, Field};
use crate::checkpoint::Checkpoint;
use crate::digest::{Hash, Leaf, event_digest};
use crate::docket::{self, Docket, LogRef};
use crate::error::Usage;
use crate::path;
use crate::question::{Need, Question, foreign_saved};
use crate::run::Times;
use crate::trust;
use crate::verdict::{Reason, Verdict};

/// Judges a file of evidence.
pub fn judge(bytes: &[u8], question: &Question) -> Result<Verdict, Usage> {
    let saved = question.saved()?;
    let evidence = match Evidence::parse(bytes) {
        Ok(evidence) => evidence,
        Err(fault) => return Ok(docket::malformed(&fault)),
    };
    let mut docket = Docket::default();
    evidence.judge_logs(question, saved.as_ref(), &mut docket)?;
    for number in 0..evidence.logs.len() {
        evidence.judge_runs(number, question, &mut docket);
    }
    evidence.judge_claim(&mut docket);
    Ok(docket.verdict())
}

impl Evidence {
    /// Rows 2, 3, 4 and 11.
    fn judge_logs(
        &self,
        question: &Question,
        saved: Option<&Checkpoint>,
        docket: &mut Docket,
    ) -> Result<(), Usage> {
        if question.policy.is_none() && self.logs.is_empty() {
            docket.whole(Reason::UnknownLog, "no policy and no key was given to judge by");
        }
        let known =
            |saved: &&Checkpoint| self.logs.iter().any(|l| l.checkpoint.origin == saved.origin);
        if let Some(stranger) = saved.filter(|saved| !known(saved)) {
            return Err(foreign_saved(stranger));
        }
        let saved = question.believed(saved);
        for number in 0..self.logs.len() {
            let (log, at) = (&self.logs[number], self.log_ref(number));
            let mut seen = trust::judge(&log.checkpoint, question.policy.as_ref(), at, docket);
            if let Some(saved) = saved.filter(|saved| saved.origin == log.checkpoint.origin) {
                let proofs = log.consistency.iter().map(|c| (c.old, c.proof.as_slice()));
                let holds = trust::judge_saved(saved, &log.checkpoint, proofs, at, docket);
                seen.extends_saved = holds.then_some(saved.size);
            }
            docket.logs.push(seen);
        }
        Ok(())
    }

    /// Rows 5 to 9 for one log.
    fn judge_runs(&self, number: usize, question: &Question, docket: &mut Docket) {
        let at = self.log_ref(number);
        let mut times = Times::default();
        for EventRun { run, events, .. } in self.runs.iter().filter(|run| run.log == number) {
            run.judge_root(&self.logs[number].checkpoint, at, docket);
            for ((seq, leaf), event) in (run.first..).zip(&run.leaves).zip(events) {
                let leaf = times.next(leaf, at, seq, docket);
                match event {
                    Event::Fields(fields) => judge_fields(fields, leaf, question, at, seq, docket),
                    Event::Gone(_) => judge_gone(question, at, seq, docket),
                }
            }
        }
    }

    /// Row 10.
    fn judge_claim(&self, docket: &mut Docket) {
        let Claim::Range { origin, first, count } = &self.claim else { return };
        let number = self.logs.iter().position(|log| log.checkpoint.origin == *origin);
        let end = first + count;
        let mut next = *first;
        for EventRun { log, run, .. } in &self.runs {
            if Some(*log) == number && run.first <= next {
                next = next.max(run.end());
            }
        }
        if next >= end {
            return;
        }
        let what = format!("entry {next} of the claimed range is not in the file");
        match number {
            Some(number) => docket.entry(Reason::Missing, self.log_ref(number), next, what),
            None => docket.add(
                Reason::Missing,
                None,
                Some(next),
                format!("entry {next} of {origin}"),
                what,
            ),
        }
    }

    fn log_ref(&self, number: usize) -> LogRef<'_> {
        LogRef { number, origin: &self.logs[number].checkpoint.origin }
    }
}

/// Rows 7, 8 and 9 for one event.
fn judge_fields(
    fields: &[Field],
    leaf: Option<Leaf>,
    question: &Question,
    log: LogRef<'_>,
    seq: u64,
    docket: &mut Docket,
) {
    docket.counts.events += 1;
    let mut digests: Vec<Hash> = fields.iter().map(Field::digest).collect();
    let digest = event_digest(log.origin, &mut digests);
    if digest.is_none() {
        docket.entry(Reason::Digest, log, seq, format!("entry {seq}: a field stands twice"));
    } else if leaf.is_some_and(|leaf| digest != Some(leaf.digest)) {
        let what = format!("entry {seq}: the content shown is not the content that was committed");
        docket.entry(Reason::Digest, log, seq, what);
    }
    let hidden = fields.iter().filter(|field| matches!(field, Field::Hidden { .. })).count();
    let paths = fields.iter().filter_map(|field| Some(field.path()?.text()));
    if let Err(what) = path::shape(paths, hidden == 0) {
        docket.entry(Reason::TwoOpenings, log, seq, format!("entry {seq}: {what}"));
    }
    judge_withheld(fields, hidden, question, log, seq, docket);
}

/// Row 9 for an event with fields.
fn judge_withheld(
    fields: &[Field],
    hidden: usize,
    question: &Question,
    log: LogRef<'_>,
    seq: u64,
    docket: &mut Docket,
) {
    let mut lacking: Vec<String> = Vec::new();
    for field in fields {
        match field {
            Field::Shown { .. } => docket.counts.shown += 1,
            Field::Hidden { .. } => docket.counts.hidden += 1,
            Field::Named { path, .. } => {
                docket.saw_named(path.text());
                if question.need == Need::Full {
                    lacking.push(path.to_string());
                }
            }
        }
    }
    for required in &question.required {
        let shows = |field: &Field| matches!(field, Field::Shown { path, .. } if path == required);
        if !fields.iter().any(shows) && !lacking.contains(&required.to_string()) {
            lacking.push(required.to_string());
        }
    }
    let hidden_matters = hidden > 0 && question.need != Need::Any;
    if hidden_matters || !lacking.is_empty() {
        docket.entry(Reason::Withheld, log, seq, withheld_sentence(seq, lacking, hidden));
    }
}

fn withheld_sentence(seq: u64, mut lacking: Vec<String>, hidden: usize) -> String {
    let more = lacking.len().saturating_sub(10);
    lacking.truncate(10);
    if more > 0 {
        lacking.push(format!("{more} more named"));
    }
    if hidden > 0 {
        lacking.push(format!("{hidden} hidden"));
    }
    format!("entry {seq} withholds {}", lacking.join(", "))
}

/// Row 9 for an event whose content is gone.
fn judge_gone(question: &Question, log: LogRef<'_>, seq: u64, docket: &mut Docket) {
    docket.counts.gone += 1;
    if question.need != Need::Any || !question.required.is_empty() {
        docket.entry(Reason::Withheld, log, seq, format!("entry {seq}: its content is gone"));
    }
}
