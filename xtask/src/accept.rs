//! The acceptance table, docs/acceptance.md: each promise with the command that shows it.
//!
//! ```text
//! | id | what | command | last result | date |
//! ```
//!
//! A command runs in the workspace's folder under `bash -c`: exit code 0 passes, 77 says that
//! something it needs is not on this machine, anything else fails. `–` is a promise without a
//! command: nothing shows it, and the table is not accepted.
//!
//! Never changes anything in the table but result and date, and those only with `--write`.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::run::{self, End, seconds};
use crate::screen::say;

const TABLE: &str = "docs/acceptance.md";
const NO_COMMAND: &str = "–";

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Promise {
    /// Which line of the file.
    line: usize,
    id: String,
    what: String,
    command: Option<String>,
}

/// Runs all promises, or those that `arguments` names.
pub fn run(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let write = arguments.contains(&"--write");
    let ids: Vec<&str> = arguments.iter().copied().filter(|it| *it != "--write").collect();
    let path = root.join(TABLE);
    let text = fs::read_to_string(&path).map_err(|error| format!("{TABLE}: {error}"))?;
    let promises = chosen(read(&text)?, &ids)?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut open = 0;
    for promise in &promises {
        let (result, passed) = keep(root, promise)?;
        open += usize::from(!passed);
        say(&format!("{:<6} {result:<16} {}", promise.id, promise.what));
        if promise.command.is_some() {
            lines[promise.line] = with_result(&lines[promise.line], &result, &today());
        }
    }
    if write {
        let text = lines.join("\n") + "\n";
        fs::write(&path, text).map_err(|error| format!("{TABLE}: {error}"))?;
    }
    match open {
        0 => {
            say(&format!("accept: {} of {0} shown", promises.len()));
            Ok(())
        }
        n => Err(format!("accept: {n} of {} not shown", promises.len())),
    }
}

/// Runs one promise's command: the words for the table, and whether it was shown.
fn keep(root: &Path, promise: &Promise) -> Result<(String, bool), String> {
    let Some(command) = &promise.command else { return Ok(("no command".into(), false)) };
    let ran = run::run(root, &["bash", "-c", command], false)?;
    let word = match ran.end {
        End::Passed => "pass",
        End::Skipped => "skip",
        End::Failed => "fail",
    };
    if ran.end != End::Passed {
        ran.tail.iter().for_each(|line| say(&format!("       | {line}")));
    }
    Ok((format!("{word}, {}", seconds(ran.took)), ran.end == End::Passed))
}

fn chosen(promises: Vec<Promise>, ids: &[&str]) -> Result<Vec<Promise>, String> {
    if let Some(id) = ids.iter().find(|id| promises.iter().all(|p| p.id != **id)) {
        return Err(format!("{TABLE} has no promise {id}"));
    }
    let wanted = |p: &Promise| ids.is_empty() || ids.contains(&p.id.as_str());
    Ok(promises.into_iter().filter(wanted).collect())
}

/// Reads the table: every line with five cells but the head and the rule under it.
fn read(text: &str) -> Result<Vec<Promise>, String> {
    let mut promises: Vec<Promise> = Vec::new();
    for (line, row) in text.lines().enumerate().filter(|(_, row)| row.starts_with('|')) {
        let cells = cells(row);
        let [id, what, command, _, _] = cells.as_slice() else {
            return Err(format!("{TABLE}:{}: {} cells instead of 5", line + 1, cells.len()));
        };
        if id == "id" || id.starts_with('-') {
            continue;
        }
        if promises.iter().any(|p| p.id == *id) {
            return Err(format!("{TABLE}:{}: {id} stands twice", line + 1));
        }
        let command = match command.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
            Some(command) => Some(command.replace("\\|", "|")),
            None if command == NO_COMMAND => None,
            None => {
                let what = format!("a command stands between backticks, or is {NO_COMMAND}");
                return Err(format!("{TABLE}:{}: {what}", line + 1));
            }
        };
        promises.push(Promise { line, id: id.clone(), what: what.clone(), command });
    }
    Ok(promises)
}

/// The cells of a row; `\|` does not part them.
fn cells(row: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut before = ' ';
    for c in row.trim().trim_start_matches('|').chars() {
        match (before, c) {
            (b, '|') if b != '\\' => cells.push(String::new()),
            _ => cells.last_mut().expect("there is always a cell").push(c),
        }
        before = c;
    }
    cells.pop();
    cells.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

fn with_result(row: &str, result: &str, date: &str) -> String {
    let mut cells = cells(row);
    cells.truncate(3);
    cells.extend([result.to_owned(), date.to_owned()]);
    format!("| {} |", cells.join(" | "))
}

#[allow(clippy::disallowed_methods, reason = "the table says on which day it was filled in")]
fn today() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    date(since.as_secs() / 86_400)
}

/// The date of a day since 1970 (UTC), counted in years and months that begin in March.
fn date(days: u64) -> String {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "# Title\n\n| id | what | command | last result | date |\n\
        | --- | --- | --- | --- | --- |\n| A1 | it holds | `true \\| cat` | – | – |\n\
        | A2 | open | – | – | – |\n";

    #[test]
    fn the_table_is_read() {
        let promises = read(ROWS).expect("a table");
        assert_eq!(promises.len(), 2);
        assert_eq!(promises[0].command.as_deref(), Some("true | cat"));
        assert_eq!((promises[1].id.as_str(), &promises[1].command), ("A2", &None));
        for broken in ["| A1 | two |\n", "| A1 | a | plain | – | – |\n"] {
            assert!(read(broken).is_err(), "{broken}");
        }
        assert!(read(&format!("{ROWS}| A1 | again | – | – | – |\n")).is_err());
        assert!(chosen(promises, &["A3"]).is_err());
    }

    #[test]
    fn only_result_and_date_change() {
        let row = ROWS.lines().nth(4).expect("a row");
        let want = "| A1 | it holds | `true \\| cat` | pass, 0.1s | 2026-01-02 |";
        assert_eq!(with_result(row, "pass, 0.1s", "2026-01-02"), want);
    }

    #[test]
    fn commands_pass_skip_or_fail() {
        for (command, word, shown) in
            [("true", "pass", true), ("exit 77", "skip", false), ("exit 3", "fail", false)]
        {
            let mut promise = read(ROWS).expect("a table").remove(0);
            promise.command = Some(command.into());
            let (result, passed) = keep(Path::new("/"), &promise).expect("bash is there");
            assert!(result.starts_with(word) && passed == shown, "{command}: {result}");
        }
    }

    #[test]
    fn the_projects_own_table_can_be_read() {
        let text = fs::read_to_string(crate::root().join(TABLE)).expect("the table");
        assert!(!read(&text).expect("well formed").is_empty());
    }

    #[test]
    fn dates() {
        for (days, want) in [(0, "1970-01-01"), (11_016, "2000-02-29"), (20_778, "2026-11-21")] {
            assert_eq!(date(days), want);
        }
    }
}
