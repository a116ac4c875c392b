//! What became of what was sent, counted and told.

use std::collections::BTreeMap;

use serde_json::json;

use crate::args::Global;
use crate::error::CliError;
use crate::out;

/// What became of what was sent.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) sent: u64,
    pub(super) new: u64,
    pub(super) duplicates: u64,
    pub(super) conflicts: u64,
    /// What the server's audit scope does not want stored; nobody has to mend it.
    pub(super) left_out: u64,
    pub(super) refused: BTreeMap<String, u64>,
    /// Of those that never came to the server, which knows nothing of them: the first one's place
    /// and reason, by the same words.
    pub(super) unsent: BTreeMap<String, String>,
}

/// Tells it.
pub(super) fn report(global: &Global, tally: &Tally, files: usize) -> Result<(), CliError> {
    let refused: u64 = tally.refused.values().sum();
    if global.json {
        return out::json(&json!({
            "files": files, "records": tally.sent, "new": tally.new,
            "duplicates": tally.duplicates, "conflicts": tally.conflicts,
            "left_out": tally.left_out, "refused": refused, "refusals": tally.refused,
        }));
    }
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
    let (records, files) = (out::count(tally.sent, "record"), out::count(files as u64, "file"));
    out::line(&format!("{records} from {files}: {}", parts.join(", ")));
    for (reason, count) in &tally.refused {
        out::line(&format!("  {count:>6}  {reason}"));
        if let Some(first) = tally.unsent.get(reason) {
            out::line(&format!("          {first}"));
        }
    }
    match (refused > 0, tally.unsent.is_empty()) {
        (false, _) => {}
        (true, true) => out::note("why, one by one: --refusals FILE, or counterfoil refusals"),
        // What was not sent, no server has refused.
        (true, false) => out::note("why, one by one: --refusals FILE"),
    }
    Ok(())
}
