//! What became of what was sent, counted and told.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::place::Place;
use crate::error::CliError;
use crate::out;

/// What became of what was sent.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) files: u64,
    pub(super) sent: u64,
    pub(super) new: u64,
    pub(super) duplicates: u64,
    pub(super) conflicts: u64,
    /// Those the server made an id for: nobody knows them again.
    pub(super) without_id: u64,
    /// What the server's audit scope does not want stored; nobody has to mend it.
    pub(super) left_out: u64,
    /// By code and place in the record.
    pub(super) refused: BTreeMap<String, Refusals>,
    pub(super) under_way: Option<UnderWay>,
}

/// Refusals for one reason.
pub(super) struct Refusals {
    pub(super) count: u64,
    /// The first of them.
    pub(super) first: Refusal,
}

/// A record that was refused, in JSON as `--refusals` has it.
pub(super) struct Refusal {
    pub(super) file: String,
    /// From 1.
    pub(super) record: u64,
    pub(super) place: Place,
    pub(super) refused: Value,
}

/// How far the file is that was begun and not ended.
#[derive(Clone)]
pub(super) struct UnderWay {
    pub(super) file: PathBuf,
    /// What became of so many of its records, from the first on, is known.
    pub(super) known: u64,
    /// The records up to this one were sent, and no answer came.
    pub(super) asked: u64,
}

impl Refusal {
    pub(super) fn json(&self) -> Value {
        let Refusal { file, record, place, refused } = self;
        json!({"file": file, "record": record, "line": place.line, "column": place.column,
            "refused": refused})
    }
}

impl Tally {
    pub(super) fn begin(&mut self, file: UnderWay) {
        self.files += 1;
        self.under_way = Some(file);
    }

    /// Whether somebody was asked, or something was refused here.
    pub(super) fn has_begun(&self) -> bool {
        self.sent > 0 || self.under_way.as_ref().is_some_and(|file| file.asked > 0)
    }

    /// The records up to the last are sent; what became of so many before them is known.
    pub(super) fn asks(&mut self, known: u64, last: u64) {
        self.under_way.iter_mut().for_each(|file| (file.known, file.asked) = (known, last));
    }

    /// What was sent last came to nobody who stored it.
    pub(super) fn asks_nothing(&mut self) {
        self.under_way.iter_mut().for_each(|file| file.asked = file.known);
    }

    /// What was sent last was answered.
    pub(super) fn is_answered(&mut self) {
        self.under_way.iter_mut().for_each(|file| file.known = file.asked);
    }

    /// Counts a record that was stored, found, or left out by the audit scope.
    pub(super) fn count(&mut self, event: &Value) {
        self.sent += 1;
        if event.get("refused").is_some() {
            self.left_out += 1;
            return;
        }
        self.new += u64::from(event["duplicate"] != true);
        self.duplicates += u64::from(event["duplicate"] == true);
        self.conflicts += u64::from(event.get("conflict").is_some());
        // The server says only the ids that it gave.
        self.without_id += u64::from(event.get("id").is_some());
    }

    /// Counts a refusal under its code and its place in the record.
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.sent += 1;
        let text = |name: &str| refusal.refused[name].as_str().unwrap_or_default();
        let words = format!("{} {}", text("code"), text("path")).trim().to_owned();
        let known = self.refused.get_mut(&words).map(|known| known.count += 1);
        if known.is_none() {
            self.refused.insert(words, Refusals { count: 1, first: refusal });
        }
    }

    pub(super) fn refusals(&self) -> u64 {
        self.refused.values().map(|refused| refused.count).sum()
    }
}

/// Tells it, also where the sending stopped before its end.
pub(super) fn report(json: bool, tally: &Tally) -> Result<(), CliError> {
    if json {
        return out::json(&as_json(tally));
    }
    let refused = tally.refusals();
    let mut parts = vec![
        format!("{} new", out::number(tally.new)),
        format!("{} known already", out::number(tally.duplicates)),
        format!("{} refused", out::number(refused)),
    ];
    if tally.conflicts > 0 {
        let conflicts = out::number(tally.conflicts);
        parts.push(format!("{conflicts} under an id that another event has"));
    }
    if tally.left_out > 0 {
        parts.push(format!("{} left out by the audit scope", out::number(tally.left_out)));
    }
    let (records, files) = (out::count(tally.sent, "record"), out::count(tally.files, "file"));
    out::line(&format!("{records} from {files}: {}", parts.join(", ")));
    for (words, Refusals { count, first }) in &tally.refused {
        out::line(&format!("  {count:>6}  {words}"));
        let why = first.refused["reason"].as_str().unwrap_or("no reason was given");
        out::line(&format!("          {}:{}: {why}", first.file, first.place));
    }
    if refused > tally.refused.len() as u64 {
        out::note("all that were refused, one by one: --refusals FILE");
    }
    match tally.without_id {
        0 => {}
        1 => out::note("1 record has no id: sending it again stores it again"),
        n => {
            let n = out::number(n);
            out::note(&format!("{n} records have no id: sending them again stores them again"));
        }
    }
    tally.under_way.iter().for_each(|under_way| out::note(&stopped(under_way)));
    Ok(())
}

fn as_json(tally: &Tally) -> Value {
    let of = |value: fn(&Refusals) -> Value| -> BTreeMap<&String, Value> {
        tally.refused.iter().map(|(words, refused)| (words, value(refused))).collect()
    };
    let mut told = json!({
        "files": tally.files, "records": tally.sent, "new": tally.new,
        "duplicates": tally.duplicates, "conflicts": tally.conflicts,
        "without_id": tally.without_id, "left_out": tally.left_out,
        "refused": tally.refusals(),
        "refusals": of(|refused| refused.count.into()),
        "first_refusals": of(|refused| refused.first.json()),
    });
    if let Some(UnderWay { file, known, asked }) = &tally.under_way {
        let file = file.display().to_string();
        told["stopped"] = json!({"file": file, "known": known, "asked": asked.max(known)});
    }
    told
}

/// Where a sending stopped.
fn stopped(under_way: &UnderWay) -> String {
    let UnderWay { file, known, asked } = under_way;
    let (file, next) = (file.display(), out::number(known + 1));
    let before = match known {
        0 => format!("stopped in {file}"),
        1 => format!("stopped in {file} behind record 1, which was answered"),
        _ => format!("stopped in {file}: records 1 to {} were answered", out::number(*known)),
    };
    match asked.saturating_sub(*known) {
        0 => format!("{before}; record {next} is next"),
        1 => format!("{before}; to record {next} no answer came: it may be stored"),
        _ => {
            let last = out::number(*asked);
            format!("{before}; to records {next} to {last} no answer came: they may be stored")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_a_file_that_was_not_ended() {
        let told = |known, asked| stopped(&UnderWay { file: "a.json".into(), known, asked });
        assert_eq!(told(0, 0), "stopped in a.json; record 1 is next");
        assert_eq!(
            told(1, 2),
            "stopped in a.json behind record 1, which was answered; to record 2 no answer came: \
             it may be stored"
        );
        assert_eq!(
            told(37_000, 38_000),
            "stopped in a.json: records 1 to 37,000 were answered; to records 37,001 to 38,000 no \
             answer came: they may be stored"
        );
    }
}
