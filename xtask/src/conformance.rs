//! A served log under the eyes of another project: Tessera's `fsck` reads all of it over HTTP,
//! builds the tree anew and compares every tile and the signed root. Needs Go.
//!
//! Promises: a check that could not fail shows nothing, so the same `fsck` must also refuse the
//! log under another name. `fsck` ends with 0 whatever it found; its words decide.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::run::{self, seconds};
use crate::screen::say;

const FSCK: &str = "github.com/transparency-dev/tessera/cmd/fsck@v1.0.4";
const ENTRIES: usize = 70_000;
const BATCH: usize = 1_000;
const HOST: &str = "conformance.example";
const LOG: &str = "default-0";
/// Bytes of an answer's head and receipt.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

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
    let served = Served::start(root, folder)?;
    say(&format!("sending {ENTRIES} events to http://{}", served.address));
    for first in (0..ENTRIES).step_by(BATCH) {
        served.send(&events(first..first + BATCH))?;
    }
    let origin = format!("{HOST}/tlog/{LOG}");
    say(&format!("go run {FSCK}"));
    let said = fsck(&served, &origin)?;
    said.lines().filter(|line| line.contains("fsck.go")).for_each(|line| say(&format!("  {line}")));
    match accepted(&said) {
        Some(size) if size > ENTRIES => {}
        _ => return Err(format!("fsck does not accept the log:\n{said}")),
    }
    if accepted(&fsck(&served, "other.example/tlog/other")?).is_some() {
        return Err(
            "fsck accepts the log under a name that is not its own: it shows nothing".into()
        );
    }
    Ok(())
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
fn fsck(served: &Served, origin: &str) -> Result<String, String> {
    let output = Command::new("go")
        .args(["run", FSCK, "--ui=false", "--logtostderr", "--N=2"])
        .arg(format!("--storage_url=http://{}/tlog/{LOG}/", served.address))
        .arg(format!("--public_key={}", served.key_file.display()))
        .arg(format!("--origin={origin}"))
        .current_dir(&served.folder)
        .output()
        .map_err(|error| format!("go could not be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(said) } else { Err(format!("go run {FSCK}:\n{said}")) }
}

/// A server with one public log. Dropped, it ends.
struct Served {
    process: Child,
    /// Held open: the server ends when nobody hears it any more.
    out: BufReader<ChildStdout>,
    address: String,
    token: String,
    folder: PathBuf,
    key_file: PathBuf,
}

impl Served {
    fn start(root: &Path, folder: &Path) -> Result<Served, String> {
        let failed = |error: std::io::Error| format!("the server did not start: {error}");
        let config = folder.join("config.toml");
        let log = format!("[[log]]\nname = \"{LOG}\"\ntenant = \"default\"\npublic = true\n");
        fs::write(&config, log).map_err(failed)?;
        let data = folder.join("data");
        let mut process = Command::new("cargo")
            .args(["run", "--quiet", "--locked", "--package", "cli", "--", "serve"])
            .args(["--listen", "127.0.0.1:0", "--origin", HOST, "--config"])
            .arg(&config)
            .arg("--data")
            .arg(&data)
            // It saves address and token for the person who started it; here that is nobody.
            .env("COUNTERFOIL_CONTEXTS", folder.join("contexts"))
            .current_dir(root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let out = process.stdout.take().ok_or("the server has no standard output")?;
        let mut served = Served {
            process,
            out: BufReader::new(out),
            address: String::new(),
            token: String::new(),
            folder: folder.to_owned(),
            key_file: folder.join("log.vkey"),
        };
        let mut vkey = String::new();
        for line in served.out.by_ref().lines() {
            let line = line.map_err(failed)?;
            if let Some((_, address)) = line.split_once("serves http://") {
                served.address = address.to_owned();
            } else if let Some(key) = line.trim().strip_prefix("key ") {
                vkey = key.trim().to_owned();
            } else if line.trim().starts_with("token ") {
                break;
            }
        }
        let token =
            fs::read_to_string(folder.join("data-keys/first-token-default")).map_err(failed)?;
        served.token = token.trim().to_owned();
        fs::write(&served.key_file, vkey).map_err(failed)?;
        Ok(served)
    }

    /// Sends events; the server must take all of them.
    fn send(&self, body: &str) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", self.address);
        let mut stream = TcpStream::connect(&self.address).map_err(failed)?;
        let head = format!(
            "POST /v1/events?atomic=true HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Authorization: Bearer {}\r\nContent-Type: application/x-ndjson\r\n\
             Content-Length: {}\r\n\r\n",
            self.address,
            self.token,
            body.len()
        );
        stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body.as_bytes()))
            .map_err(failed)?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).map_err(failed)?;
        if answer.starts_with(b"HTTP/1.1 200 ") {
            return Ok(());
        }
        Err(format!("events were not taken: {}", String::from_utf8_lossy(&answer)))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
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
