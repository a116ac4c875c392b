//! Which crate may need which. An event goes one way, from capture to the person who asks; the
//! arrows of ARCHITECTURE.md are asserted here from what Cargo itself says.
//!
//! A new crate, or a new arrow, is written into the tables below in the same change that makes it,
//! with the reason in its commit.

use std::path::Path;

use crate::json::{self, Value};
use crate::screen;

/// What may be needed, by crate: of ours, and of ours in tests alone.
struct Rule {
    name: &'static str,
    needs: &'static [&'static str],
    tests_need: &'static [&'static str],
}

const RULES: [Rule; 16] = [
    Rule { name: "event", needs: &[], tests_need: &[] },
    Rule { name: "platform", needs: &[], tests_need: &[] },
    // The second opinion shares nothing with what it judges.
    Rule { name: "verify", needs: &[], tests_need: &[] },
    // The disk under a judgement; apart, because `verify` does no I/O.
    Rule { name: "atrest", needs: &["verify"], tests_need: &[] },
    // What the demo and the benchmarks make up.
    Rule { name: "random", needs: &[], tests_need: &[] },
    // Who owns which service; admission is given a plain map of it.
    Rule { name: "catalogue", needs: &[], tests_need: &[] },
    Rule { name: "capture", needs: &["event"], tests_need: &[] },
    Rule { name: "admit", needs: &["capture", "event"], tests_need: &[] },
    Rule {
        name: "commit",
        needs: &["admit", "capture", "event", "platform"],
        tests_need: &["verify"],
    },
    Rule {
        name: "query",
        needs: &["admit", "commit", "event"],
        tests_need: &["capture", "platform"],
    },
    Rule {
        name: "server",
        needs: &["admit", "capture", "catalogue", "commit", "event", "platform", "query"],
        tests_need: &["verify"],
    },
    Rule {
        name: "cli",
        // `platform` for the doctor, who looks at the machine that a server is to run on.
        needs: &[
            "atrest",
            "capture",
            "catalogue",
            "event",
            "platform",
            "random",
            "server",
            "verify",
        ],
        tests_need: &[],
    },
    // It measures from outside and from inside; nobody needs it.
    Rule {
        name: "bench",
        needs: &[
            "admit", "atrest", "capture", "commit", "event", "platform", "random", "server",
            "verify",
        ],
        tests_need: &[],
    },
    // It asks every decoder; nobody needs it but fuzz/.
    Rule {
        name: "fuzzing",
        needs: &[
            "admit",
            "capture",
            "catalogue",
            "commit",
            "event",
            "platform",
            "query",
            "server",
            "verify",
        ],
        tests_need: &[],
    },
    // Hashes the image that xtask, on std alone, cannot.
    Rule { name: "image", needs: &[], tests_need: &[] },
    Rule { name: "xtask", needs: &[], tests_need: &[] },
];

/// Foreign crates that stand for a door to the world, and the crates of ours that may open it.
const DOORS: [(&[&str], &[&str]); 5] = [
    (&["tokio"], &["server", "cli", "bench"]),
    (
        &["axum", "hyper", "hyper-util", "http-body", "http-body-util", "tower", "tower-http"],
        &["server"],
    ),
    (&["ureq"], &["cli"]),
    (&["rustix", "getrandom", "memmap2"], &["platform"]),
    (&["parquet", "arrow", "object_store", "datafusion", "rusqlite", "redb"], &[]),
];

/// One need of one crate.
#[derive(Debug, PartialEq, Eq)]
struct Need {
    from: String,
    to: String,
    in_tests: bool,
}

/// Asks Cargo and judges.
pub fn run(root: &Path) -> Result<(), String> {
    let (crates, needs) = read(&metadata(root)?)?;
    let looked_at = format!("{} crates, {} needs", crates.len(), needs.len());
    screen::report("deps", &looked_at, &judge(&crates, &needs))
}

/// What Cargo says of the workspace, as JSON.
pub fn metadata(root: &Path) -> Result<String, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = std::process::Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo metadata could not be run: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    String::from_utf8(output.stdout).map_err(|_| "cargo metadata is not UTF-8".into())
}

fn read(metadata: &str) -> Result<(Vec<String>, Vec<Need>), String> {
    let metadata = json::read(metadata)?;
    let (mut crates, mut needs) = (Vec::new(), Vec::new());
    for package in metadata.get("packages").map(Value::items).unwrap_or_default() {
        let name = package.get("name").and_then(Value::text).ok_or("a package has no name")?;
        crates.push(name.to_owned());
        for need in package.get("dependencies").map(Value::items).unwrap_or_default() {
            let to = need.get("name").and_then(Value::text).ok_or("a need has no name")?;
            let in_tests = need.get("kind").and_then(Value::text) == Some("dev");
            needs.push(Need { from: name.to_owned(), to: to.to_owned(), in_tests });
        }
    }
    Ok((crates, needs))
}

fn is_in(crates: &[String], name: &str) -> bool {
    crates.iter().any(|other| other == name)
}

fn judge(crates: &[String], needs: &[Need]) -> Vec<String> {
    let mut found = Vec::new();
    for name in crates {
        if !RULES.iter().any(|rule| rule.name == name) {
            found.push(format!("{name}: has no rule in xtask/src/deps.rs; say what it may need"));
        }
    }
    for rule in RULES.iter().filter(|rule| is_in(crates, rule.name)) {
        for to in rule.needs.iter().chain(rule.tests_need).filter(|to| is_in(crates, to)) {
            if !needs.iter().any(|need| need.from == rule.name && need.to == *to) {
                found.push(format!("{}: does not need {to}; take the arrow out", rule.name));
            }
        }
    }
    for need in needs {
        let Need { from, to, in_tests } = need;
        let Some(rule) = RULES.iter().find(|rule| rule.name == from) else { continue };
        let ours = is_in(crates, to);
        let may = rule.needs.contains(&to.as_str())
            || *in_tests && rule.tests_need.contains(&to.as_str());
        if ours && !may {
            let allowed = rule.needs.join(", ");
            found.push(format!("{from}: must not need {to}; allowed: [{allowed}]"));
        }
        if from == "xtask" && !ours {
            found.push(format!("xtask: must not need {to}; it stands on std alone"));
        }
        for (foreign, may_open) in DOORS {
            let opens = foreign.contains(&to.as_str());
            if opens && !in_tests && !may_open.contains(&from.as_str()) {
                let allowed = may_open.join(", ");
                found.push(format!("{from}: must not need {to}; allowed in: [{allowed}]"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(from: &str, to: &str, in_tests: bool) -> Need {
        Need { from: from.into(), to: to.into(), in_tests }
    }

    #[test]
    fn the_workspace_keeps_the_arrows() {
        let (crates, needs) = read(&metadata(&crate::root()).expect("cargo")).expect("metadata");
        assert!(crates.iter().any(|name| name == "event"));
        assert_eq!(judge(&crates, &needs), Vec::<String>::new());
    }

    #[test]
    fn arrows_against_the_stream_are_found() {
        let crates = ["event", "verify", "commit", "new"].map(str::to_owned);
        let needs = [
            need("event", "commit", false),
            need("verify", "event", true),
            need("commit", "verify", true),
            need("commit", "verify", false),
            need("commit", "tokio", false),
            need("commit", "tokio", true),
            need("xtask", "serde", false),
        ];
        let found = judge(&crates, &needs);
        let starts: Vec<&str> =
            found.iter().map(|f| f.split(';').next().expect("a part")).collect();
        assert_eq!(
            starts,
            [
                "new: has no rule in xtask/src/deps.rs",
                "commit: does not need event",
                "event: must not need commit",
                "verify: must not need event",
                "commit: must not need verify",
                "commit: must not need tokio",
                "xtask: must not need serde",
            ]
        );
    }
}
