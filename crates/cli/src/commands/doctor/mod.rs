//! `counterfoil doctor`: what of this machine, these folders and this server is as it should be,
//! and the mend for what is not. Works with the server up or down.
//!
//! Exit code 0, or 1 where something is bad. Changes nothing: the file whose syncs are measured
//! has no name any more before the first.

mod facts;
mod gather;
mod judge;
mod machine;

use std::path::Path;

use serde_json::json;

use crate::args::{self, Global};
use crate::error::CliError;
use crate::out::{self, Ink, ink};
use judge::{Finding, Level, judge};

pub(crate) fn run(global: &Global, args: &args::Doctor) -> Result<u8, CliError> {
    let facts = gather::gather(global, args);
    let findings = judge(&facts);
    let count = |level| findings.iter().filter(|finding| finding.level == level).count() as u64;
    let (bad, warnings) = (count(Level::Bad), count(Level::Warning));
    let code = u8::from(bad > 0);
    if global.json {
        return out::json(&json!({ "well": bad == 0, "findings": findings })).map(|()| code);
    }
    findings.iter().for_each(show);
    let is_down = facts.server.is_some_and(|server| server.reached.is_err());
    out::line(&match (bad, warnings) {
        (0, n) if is_down => {
            let warnings = out::count(n, "warning");
            ink(Ink::Warn, &format!("{warnings}: the server does not answer"))
        }
        (0, 0) => ink(Ink::Good, "nothing to mend"),
        (0, n) => ink(Ink::Warn, &format!("nothing is bad, {}", out::count(n, "warning"))),
        (n, _) => ink(Ink::Bad, &format!("{} to mend", out::count(n, "thing"))),
    });
    Ok(code)
}

/// Whether a folder has files, and none that a data folder has.
pub(super) fn has_others(data: &Path) -> bool {
    data.is_dir() && !gather::is_ours(facts::Kind::Data, data)
}

fn show(finding: &Finding) {
    let (word, colour) = match finding.level {
        Level::Ok => ("ok", Ink::Good),
        Level::Warning => ("warning", Ink::Warn),
        Level::Bad => ("bad", Ink::Bad),
        Level::Unknown => ("unknown", Ink::Dim),
    };
    let Finding { name, found, mend, .. } = finding;
    out::line(&format!("{}  {name:<14}  {found}", ink(colour, &format!("{word:<7}"))));
    if !mend.is_empty() {
        out::fact("", &format!("           mend: {mend}"));
    }
}
