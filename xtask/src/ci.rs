//! Everything that must be green before a change lands, one step after the other.
//!
//! This is the one list of steps: `.ci/run` only brings a fresh machine to where it can run. A step
//! that cannot be run, for want of Python or of a tool of cargo's, fails and says what is missing.
//!
//! A step that fails does not keep the others from running: one run shows all there is to mend. A
//! step whose tests were not found fails, for nothing was shown.

use std::path::Path;
use std::time::Duration;

use crate::run::{self, End, Ran, seconds};
use crate::screen::say;
use crate::{deps, tidy};

const SHARED: &str = "COUNTERFOIL_SHARED";

/// A step that is a program of its own.
struct Step {
    name: &'static str,
    words: &'static [&'static str],
    /// Whether it must have run at least one test.
    tests: bool,
}

const TESTS: Step =
    Step { name: "tests", words: &["cargo", "test", "--workspace", "--locked"], tests: true };

const STEPS: [Step; 8] = [
    Step { name: "format", words: &["cargo", "fmt", "--all", "--check"], tests: false },
    Step {
        name: "clippy",
        words: &[
            "cargo",
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
        tests: false,
    },
    Step {
        name: "deny",
        words: &["cargo", "deny", "check", "licenses", "bans", "sources"],
        tests: false,
    },
    Step { name: "contract", words: &["bash", ".ci/contract"], tests: false },
    Step {
        name: "vectors",
        words: &["python3", "docs/formats/vectors/make.py", "--check"],
        tests: false,
    },
    Step {
        name: "verifier in Python",
        words: &["python3", "docs/formats/verify.py", "--self-test"],
        tests: false,
    },
    Step {
        name: "checker of images",
        words: &["python3", "packaging/image/check.py", "--self-test"],
        tests: false,
    },
    Step {
        name: "simulation, 500 seeds",
        words: &[
            "env",
            "COUNTERFOIL_SEEDS=500",
            "cargo",
            "test",
            "--package",
            "commit",
            "--locked",
            "simulation",
        ],
        tests: true,
    },
];

/// How one step ended.
struct Ended {
    name: String,
    took: Duration,
    problem: Option<String>,
}

/// Runs all steps.
pub fn run(root: &Path) -> Result<(), String> {
    let start = run::now();
    let mut ended = vec![step(root, &TESTS)];
    ended.push(own(root, "tidy", tidy::run));
    ended.push(own(root, "deps", deps::run));
    ended.extend(STEPS.iter().map(|it| step(root, it)));
    say("");
    for Ended { name, took, problem } in &ended {
        let problem = problem.as_deref().unwrap_or("ok");
        say(&format!("{:>8}  {name}: {problem}", seconds(*took)));
    }
    if std::env::var_os(SHARED).is_none() {
        say(&format!("{SHARED} is not set: what needs the shared corpora was not tested"));
    }
    let failed = ended.iter().filter(|it| it.problem.is_some()).count();
    let summary = format!("{} steps in {}", ended.len(), seconds(start.elapsed()));
    match failed {
        0 => {
            say(&format!("ci: {summary}, all green"));
            Ok(())
        }
        n => Err(format!("ci: {summary}, {n} failed")),
    }
}

fn own(root: &Path, name: &str, chore: impl FnOnce(&Path) -> Result<(), String>) -> Ended {
    say(&format!("\n== {name}"));
    let start = run::now();
    let problem = chore(root).err();
    Ended { name: name.to_owned(), took: start.elapsed(), problem }
}

fn step(root: &Path, step: &Step) -> Ended {
    say(&format!("\n== {}: {}", step.name, step.words.join(" ")));
    let (took, problem) = match run::run(root, step.words, true) {
        Ok(ran) => (ran.took, problem(step, &ran)),
        Err(what) => (Duration::ZERO, Some(what)),
    };
    Ended { name: step.name.to_owned(), took, problem }
}

fn problem(step: &Step, ran: &Ran) -> Option<String> {
    match ran.end {
        End::Passed if step.tests && ran.tests == 0 => Some("failed: no test was run".into()),
        End::Passed => None,
        End::Skipped | End::Failed => Some("failed".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_were_not_found_are_a_failure() {
        let ran = |tests| Ran { end: End::Passed, took: Duration::ZERO, tests, tail: Vec::new() };
        assert!(problem(&TESTS, &ran(0)).is_some());
        assert!(problem(&TESTS, &ran(1)).is_none());
        assert!(problem(&STEPS[0], &ran(0)).is_none());
    }
}
