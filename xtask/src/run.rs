//! Running a program, and how long it took.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::screen;

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Exit code 0.
    Passed,
    /// Exit code 77: it says itself that something it needs is not here.
    Skipped,
    /// Any other.
    Failed,
}

/// A program that ran.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub end: End,
    /// How long it took.
    pub took: Duration,
    /// Tests that passed, by the words of Rust's test harness.
    pub tests: u64,
    /// The last lines it wrote to standard output.
    pub tail: Vec<String>,
}

const TAIL_LINES: usize = 20;

/// The time since `start`, for people.
pub fn seconds(took: Duration) -> String {
    match took.as_secs() {
        whole @ 60.. => format!("{}m{:02}s", whole / 60, whole % 60),
        _ => format!("{:.1}s", took.as_secs_f64()),
    }
}

/// Starts a stopwatch.
#[allow(clippy::disallowed_methods, reason = "chores measure real time and nothing depends on it")]
pub fn now() -> Instant {
    Instant::now()
}

/// Runs `words` in `folder`; what it writes is shown as it comes if `show` is set.
pub fn run(folder: &Path, words: &[&str], show: bool) -> Result<Ran, String> {
    let (name, arguments) = words.split_first().ok_or("no program was named")?;
    let start = now();
    let failed = |error| format!("{name} could not be run: {error}");
    let mut child = Command::new(name)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut ran = Ran { end: End::Failed, took: Duration::ZERO, tests: 0, tail: Vec::new() };
    let stdout = child.stdout.take().ok_or("standard output was not caught")?;
    for line in BufReader::new(stdout).split(b'\n') {
        let line = String::from_utf8_lossy(&line.map_err(failed)?).into_owned();
        if show {
            screen::say(&line);
        }
        ran.tests += tests_passed(&line).unwrap_or(0);
        if ran.tail.len() == TAIL_LINES {
            ran.tail.remove(0);
        }
        ran.tail.push(line);
    }
    ran.end = match child.wait().map_err(failed)?.code() {
        Some(0) => End::Passed,
        Some(77) => End::Skipped,
        _ => End::Failed,
    };
    ran.took = start.elapsed();
    Ok(ran)
}

/// The number in `test result: ok. 12 passed; …`.
fn tests_passed(line: &str) -> Option<u64> {
    let rest = line.trim_start().strip_prefix("test result: ")?;
    let (_, rest) = rest.split_once(". ")?;
    rest.split_once(" passed")?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passed_tests_are_counted() {
        let line = "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; finished in 0.1s";
        assert_eq!(tests_passed(line), Some(12));
        assert_eq!(tests_passed("running 3 tests"), None);
    }

    #[test]
    fn how_a_program_ended_is_known() {
        for (code, end) in [("0", End::Passed), ("77", End::Skipped), ("1", End::Failed)] {
            let script = format!("echo said; exit {code}");
            let ran = run(Path::new("/"), &["sh", "-c", &script], false).expect("sh is there");
            assert_eq!((ran.end, ran.tail), (end, vec!["said".to_owned()]));
        }
        assert!(run(Path::new("/"), &["no-such-program-here"], false).is_err());
    }

    #[test]
    fn times_are_short() {
        assert_eq!(seconds(Duration::from_millis(1_240)), "1.2s");
        assert_eq!(seconds(Duration::from_secs(125)), "2m05s");
    }
}
