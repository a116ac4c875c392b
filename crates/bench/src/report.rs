//! The table: what, target, measured, ratio to the machine's limit, and that limit.

use std::fmt::Write;
use std::path::Path;

use crate::machine::{Limits, Machine};
use crate::sample::time;
use crate::{Failed, Size};

/// Between these lines stands what a run wrote.
const BEGIN: &str = "<!-- figures: `cargo xtask bench --write docs/benchmarks.md` writes them -->";
const END: &str = "<!-- end of figures -->";

/// One line of the table.
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// What it should be; empty if nothing is asked for.
    pub(crate) target: String,
    /// What it is.
    pub(crate) measured: String,
    /// Whether the target is met, where there is one.
    pub(crate) met: Option<bool>,
    /// What this machine's limits make of it.
    pub(crate) ratio: String,
}

impl Row {
    /// A figure that nothing is asked of.
    pub(crate) fn plain(what: &str, measured: String, ratio: String) -> Row {
        Row { what: what.into(), target: String::new(), measured, met: None, ratio }
    }

    /// A figure with a target.
    pub(crate) fn aimed(
        what: &str,
        target: impl Into<String>,
        measured: String,
        met: bool,
        ratio: String,
    ) -> Row {
        Row { what: what.into(), target: target.into(), measured, met: Some(met), ratio }
    }
}

/// All figures of a run.
pub(crate) struct Report {
    head: String,
    body: String,
}

impl Report {
    pub(crate) fn new(machine: &Machine, size: Size) -> Report {
        let length = size.pick("full run", "quick run: figures are rough");
        let head = format!("Measured {} on {}; {length}.\n", machine.date(), machine.describe());
        Report { head, body: String::new() }
    }

    /// Adds a part's figures. A row also goes to the screen at once.
    pub(crate) fn add(&mut self, name: &str, limits: &Limits, rows: Vec<Row>) {
        let sync = format!("{} / {}", time(limits.sync.p50()), time(limits.sync.p99()));
        let others =
            format!("SHA-256 block {}, typed decode {}", time(limits.hash), time(limits.decode));
        let _ = write!(
            self.body,
            "\n### {name}\n\nBeside it: fdatasync p50 / p99 {sync} ({} samples),\n{others}.\n\n\
             | what | target | measured | met | ratio to the limit |\n\
             | --- | --- | --- | --- | --- |\n",
            limits.sync.count(),
        );
        for row in rows {
            let met = row.met.map_or("", |met| if met { "yes" } else { "**no**" });
            let Row { what, target, measured, ratio, .. } = row;
            let _ = writeln!(self.body, "| {what} | {target} | {measured} | {met} | {ratio} |");
        }
    }

    pub(crate) fn render(&self) -> String {
        format!("{}{}", self.head, self.body)
    }
}

/// Puts the table into a document, between its two marks.
pub(crate) fn write_into(path: &Path, table: &str) -> Result<(), Failed> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let placed = place(&text, table).ok_or_else(|| {
        format!("{} must hold the lines {BEGIN:?} and {END:?}, in this order", path.display())
    })?;
    std::fs::write(path, placed).map_err(failed)
}

fn place(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_changes() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let placed = place(&text, "new\n").expect("both marks");
        assert_eq!(placed, format!("a\n{BEGIN}\n\nnew\n\n{END}\nb\n"));
        assert_eq!(place("a", "new"), None);
    }
}
