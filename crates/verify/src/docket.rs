//! Collects what a judge finds, and draws the verdict from it.
//!
//! Keeps at most a hundred findings, and always the one that the verdict will name.

use crate::digest::Leaf;
use crate::error::Malformed;
use crate::path;
use crate::utc;
use crate::verdict::{Class, Counts, Finding, LogSeen, Reason, Verdict, exit_code};

const LIST_MAX: usize = 100;

/// Which log a finding concerns: its number among those judged, and its origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogRef<'a> {
    pub(crate) number: usize,
    pub(crate) origin: &'a str,
}

#[derive(Debug, Default)]
pub(crate) struct Docket {
    findings: Vec<Finding>,
    /// Findings that `findings` had no room for.
    more: u64,
    worst: Option<Finding>,
    named: Vec<String>,
    pub(crate) logs: Vec<LogSeen>,
    pub(crate) counts: Counts,
}

impl Docket {
    /// A finding that concerns one entry of a log.
    pub(crate) fn entry(
        &mut self,
        reason: Reason,
        log: LogRef<'_>,
        seq: u64,
        what: impl Into<String>,
    ) {
        let place = format!("entry {seq} of {}", log.origin);
        self.add(reason, Some(log), Some(seq), place, what.into());
    }

    /// A finding that concerns a log's checkpoint.
    pub(crate) fn log(&mut self, reason: Reason, log: LogRef<'_>, what: impl Into<String>) {
        let place = format!("checkpoint of {}", log.origin);
        self.add(reason, Some(log), None, place, what.into());
    }

    /// A finding that concerns the whole.
    pub(crate) fn whole(&mut self, reason: Reason, what: impl Into<String>) {
        self.add(reason, None, None, String::new(), what.into());
    }

    /// Any finding, with its place said by the caller.
    pub(crate) fn add(
        &mut self,
        reason: Reason,
        log: Option<LogRef<'_>>,
        seq: Option<u64>,
        place: String,
        sentence: String,
    ) {
        let finding = Finding {
            class: reason.class(),
            reason,
            row: reason.row(),
            log: log.map(|log| log.origin.to_owned()),
            log_number: log.map(|log| log.number),
            seq,
            place,
            sentence,
        };
        self.push(finding);
    }

    /// Takes in all of another docket, whose places are below `base` and whose logs come behind
    /// those that were judged.
    pub(crate) fn absorb(&mut self, other: Docket, base: &str) {
        let Docket { findings, more, worst, named, logs, counts } = other;
        let kept = worst.filter(|worst| !findings.contains(worst));
        self.more += more - u64::from(kept.is_some());
        for mut finding in findings.into_iter().chain(kept) {
            finding.log_number = finding.log_number.map(|number| number + self.logs.len());
            finding.place = format!("{base}{}", finding.place);
            self.push(finding);
        }
        self.logs.extend(logs);
        self.named.extend(named);
        self.named.truncate(LIST_MAX);
        self.counts.add(&counts);
    }

    fn push(&mut self, finding: Finding) {
        if self.worst.as_ref().is_none_or(|worst| finding.rank() < worst.rank()) {
            self.worst = Some(finding.clone());
        }
        match self.findings.len() < LIST_MAX {
            true => self.findings.push(finding),
            false => self.more += 1,
        }
    }

    /// Counts an entry that could be read.
    pub(crate) fn saw_leaf(&mut self, leaf: &Leaf) {
        let at = leaf.recorded_at;
        let seen = self.counts.recorded_at.unwrap_or((at, at));
        self.counts.recorded_at = Some((seen.0.min(at), seen.1.max(at)));
    }

    /// Counts a field of which only path and commitment were seen.
    pub(crate) fn saw_named(&mut self, path_text: &str) {
        self.counts.named += 1;
        if self.named.len() < LIST_MAX {
            self.named.push(path::pointer(path_text));
        }
    }

    pub(crate) fn verdict(mut self) -> Verdict {
        let worst = self.worst.take().unwrap_or_else(|| verified(&self.counts));
        if self.more > 0 && !self.findings.contains(&worst) {
            self.findings.push(worst.clone());
            self.more -= 1;
        }
        Verdict {
            class: worst.class,
            reason: worst.reason,
            row: worst.row,
            exit: exit_code(worst.class),
            log: worst.log,
            seq: worst.seq,
            place: worst.place,
            sentence: worst.sentence,
            rests_on: rests_on(&self.logs, &self.counts),
            logs: self.logs,
            counts: self.counts,
            named: self.named,
            findings: self.findings,
            findings_more: self.more,
        }
    }
}

/// The verdict on what has not the shape of its format: nothing more is looked at.
pub(crate) fn malformed(fault: &Malformed) -> Verdict {
    let mut docket = Docket::default();
    docket.whole(Reason::Malformed, fault.to_string());
    docket.verdict()
}

fn verified(counts: &Counts) -> Finding {
    let reason = Reason::Verified;
    let (n, noun) = match counts.events + counts.gone {
        0 => (counts.entries, ("entry", "entries")),
        n => (n, ("event", "events")),
    };
    let noun = if n == 1 { noun.0 } else { noun.1 };
    let since = counts.recorded_at.map(|(_, newest)| utc::nanos(newest));
    let since = since.map(|time| format!(", unchanged since {time}")).unwrap_or_default();
    Finding {
        class: Class::Verified,
        reason,
        row: reason.row(),
        log: None,
        log_number: None,
        seq: None,
        place: String::new(),
        sentence: format!("{} {noun}{since}", grouped(n)),
    }
}

/// 1234567 as 1,234,567.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// "log's key only" or "k of n witnesses, newest T", the saved checkpoint, and what was withheld.
fn rests_on(logs: &[LogSeen], counts: &Counts) -> String {
    let mut parts: Vec<String> = Vec::new();
    for log in logs {
        let word = match (log.signed_by.is_empty(), log.witnessed_at) {
            (true, _) => "nobody's key".to_owned(),
            (false, None) => "log's key only".to_owned(),
            (false, Some(time)) => {
                let (k, n) = (log.witnesses, log.witnesses_known);
                format!("{k} of {n} witnesses, newest {}", utc::seconds(time))
            }
        };
        let saved = log.extends_saved.map(|size| format!(", saved checkpoint of size {size}"));
        let led = log.led_from.as_ref().map(|key| format!(", which {key} leads to"));
        let word = word + &led.unwrap_or_default() + &saved.unwrap_or_default();
        parts.push(if logs.len() == 1 { word } else { format!("{}: {word}", log.origin) });
    }
    match counts.named + counts.hidden {
        0 => {}
        1 => parts.push("1 value withheld".to_owned()),
        n => parts.push(format!("{n} values withheld")),
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_sentence_are_grouped_as_sizes_are() {
        assert_eq!([7, 4_084, 1_234_567].map(grouped), ["7", "4,084", "1,234,567"]);
    }
}
