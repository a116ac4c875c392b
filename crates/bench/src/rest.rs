//! A data folder at rest verified: everything in the journal digested anew.

use std::path::Path;

use atrest::AtRest;
use verify::folder;

use crate::Failed;
use crate::machine::Machine;
use crate::report::Row;
use crate::sample::{number, rate, ratio};
use crate::tree::question;

const TARGET: f64 = 100_000.0;

/// Measures this part.
pub(crate) fn run(
    machine: &Machine,
    at: &Path,
    vkey: &str,
    rows: &mut Vec<Row>,
) -> Result<(), Failed> {
    let question = question(vkey)?;
    let data = AtRest::open(&at.join("data")).map_err(|error| error.to_string())?;
    let (verdict, took) = machine.busy(|| folder::judge(&data, &question, &mut |_, _| {}));
    let verdict = verdict.map_err(|error| error.to_string())?;
    if !verdict.is_verified() {
        return Err(format!("the folder does not verify: {}", verdict.sentence));
    }
    let events: u64 = verdict.logs.iter().map(|log| log.size).sum();
    let found = rate(events, took);
    let decode = machine.limits(at)?.decode;
    rows.push(Row::aimed(
        "verify a data folder, events/s/core",
        "≥ 100 k",
        number(found),
        found >= TARGET,
        format!(
            "{:.2} × typed serde_json decode, an event",
            ratio(took.div_f64(events as f64), decode)
        ),
    ));
    Ok(())
}
