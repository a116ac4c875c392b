//! A served log under the eyes of another project: Tessera's `fsck` reads all of it over HTTP,
//! builds the tree anew and compares every tile and the signed root. Needs Go.
//!
//! Promises: a check that could not fail shows nothing, so the same `fsck` must also refuse the
//! log under another name. `fsck` ends with 0 whatever it found; its words decide.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::dist::{passed, target};
use crate::http;
use crate::run::{self, seconds};
use crate::screen::say;
use crate::served::Served;

const FSCK: &str = "github.com/transparency-dev/tessera/cmd/fsck@v1.0.4";
const ENTRIES: usize = 70_000;
const BATCH: usize = 1_000;
const HOST: &str = "conformance.example";
const LOG: &str = "default-0";
const KEY_FILE: &str = "log.vkey";

/// Runs the check.
pub fn run(root: &Path) -> Result<(), String> {
    let start = run::now();
    let folder =
        std::env::temp_dir().join(format!("counterfoil-conformance-{}", std::process::id()));
    fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let outcome = check(root, &folder);
    let _ = fs::remove_dir_all(&folder);
    outcome?;
    say(&format!("conformance: {ENTRIES} entries pass {FSCK}, {}", seconds(start.elapsed())));
    Ok(())
}

fn check(root: &Path, folder: &Path) -> Result<(), String> {
    passed(root, &["cargo", "build", "--quiet", "--locked", "--package", "cli"])?;
    let served = serve(&target(root)?.join("debug/counterfoil"), folder)?;
    say(&format!("sending {ENTRIES} events to http://{}", served.address));
    for first in (0..ENTRIES).step_by(BATCH) {
        // The server must take all of them.
        let lines = events(first..first + BATCH);
        http::send(served.address, &served.token, "/v1/events?atomic=true", &lines)?;
    }
    let origin = format!("{HOST}/tlog/{LOG}");
    say(&format!("go run {FSCK}"));
    let said = fsck(&served, folder, &origin)?;
    said.lines().filter(|line| line.contains("fsck.go")).for_each(|line| say(&format!("  {line}")));
    match accepted(&said) {
        Some(size) if size > ENTRIES => {}
        _ => return Err(format!("fsck does not accept the log:\n{said}")),
    }
    if accepted(&fsck(&served, folder, "other.example/tlog/other")?).is_some() {
        return Err(
            "fsck accepts the log under a name that is not its own: it shows nothing".into()
        );
    }
    Ok(())
}

/// A server with one public log.
fn serve(program: &Path, folder: &Path) -> Result<Served, String> {
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).map_err(|error| format!("{name}: {error}"))
    };
    let log = format!("[[log]]\nname = \"{LOG}\"\ntenant = \"default\"\npublic = true\n");
    write("config.toml", &log)?;
    let served = Served::start(program, folder, &["--origin", HOST, "--config", "config.toml"])?;
    write(KEY_FILE, &served.vkey)?;
    Ok(served)
}

/// The size of the log that `fsck` says it found in order.
fn accepted(said: &str) -> Option<usize> {
    let size = said.lines().find_map(|line| line.split_once("Successfully fsck'd log with size "));
    let size = size?.1.split(' ').next()?.parse().ok();
    size.filter(|_| !said.contains("fsck failed"))
}

/// Small valid events, one a line.
fn events(numbers: std::ops::Range<usize>) -> String {
    let event = |n: usize| {
        format!(
            "{{\"id\":\"conformance-{n}\",\"action\":\"order.read\",\
             \"service\":{{\"name\":\"orders\"}},\"occurred_at\":\"2026-01-02T03:04:05Z\",\
             \"actor\":{{\"type\":\"user\",\"id\":\"user-{}\"}}}}\n",
            n % 100
        )
    };
    numbers.map(event).collect()
}

/// What `fsck` says.
fn fsck(served: &Served, folder: &Path, origin: &str) -> Result<String, String> {
    let output = Command::new("go")
        .args(["run", FSCK, "--ui=false", "--logtostderr", "--N=2"])
        .arg(format!("--storage_url=http://{}/tlog/{LOG}/", served.address))
        .arg(format!("--public_key={}", folder.join(KEY_FILE).display()))
        .arg(format!("--origin={origin}"))
        .current_dir(folder)
        .output()
        .map_err(|error| format!("go could not be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(said) } else { Err(format!("go run {FSCK}:\n{said}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_fsck_decide() {
        let good = "I1122 fsck.go:180] Successfully fsck'd log with size 70001 and root x= (00)\n";
        assert_eq!(accepted(good), Some(70_001));
        assert_eq!(accepted(&format!("{good}E1122 main.go:88] fsck failed: x\n")), None);
        assert_eq!(accepted("I1122 fsck.go:90] Fsck: checking log of size 70001\n"), None);
    }
}
