//! An upgrade as it happens: the build before runs under load, is asked to stop in the midst of it,
//! and this build goes on with its folder, while the senders send on.
//!
//! Promises: every receipt of either build stands under the seq that it was given, which sending
//! everything again shows; no seq was given twice; and the closed folder verifies.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use crate::dist::{passed, said, target};
use crate::json::{self, Value};
use crate::run::{self, seconds};
use crate::screen::say;

/// What is upgraded from where nothing else is said: the build whose folder the tests have.
const FROM: &str = "ed8978b";
const SENDERS: usize = 4;
const BATCH_EVENTS: usize = 20;
/// Batches that each of the two builds must have answered.
const BATCHES: u64 = 100;
/// How long a sender goes without an answer before the chore fails.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(5);
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// Upgrades from a revision that is built here, or from a program that is there.
pub fn run(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let start = run::now();
    let old = match arguments {
        [] => built(root, FROM)?,
        ["--from", revision] => built(root, revision)?,
        ["--program", program] => PathBuf::from(program),
        _ => return Err("upgrade: [--from REVISION | --program FILE]".into()),
    };
    passed(root, &["cargo", "build", "--quiet", "--locked", "--package", "cli"])?;
    let new = target(root)?.join("debug/counterfoil");
    let folder = std::env::temp_dir().join(format!("counterfoil-upgrade-{}", std::process::id()));
    fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let outcome = upgrade(&old, &new, &folder);
    let _ = fs::remove_dir_all(&folder);
    outcome?;
    say(&format!("upgrade: nothing lost, {}", seconds(start.elapsed())));
    Ok(())
}

/// Builds a revision in a checkout of its own; what was built of it before is used again.
fn built(root: &Path, revision: &str) -> Result<PathBuf, String> {
    let checkout = std::env::temp_dir().join(format!("counterfoil-from-{}", std::process::id()));
    let folder = target(root)?.join("upgrade").join(revision);
    let (at, into) = (checkout.display().to_string(), folder.display().to_string());
    passed(root, &["git", "worktree", "add", "--detach", &at, revision])?;
    say(&format!("building {revision}"));
    let place = format!("CARGO_TARGET_DIR={into}");
    let words = ["env", &place, "cargo", "build", "--quiet", "--locked", "--package", "cli"];
    let outcome = passed(&checkout, &words);
    passed(root, &["git", "worktree", "remove", "--force", &at])?;
    outcome.map(|()| folder.join("debug/counterfoil"))
}

fn upgrade(old: &Path, new: &Path, folder: &Path) -> Result<(), String> {
    let address = free_address()?;
    let before = Server::start(old, folder, &address)?;
    let token = fs::read_to_string(folder.join("data-keys/first-token-default"))
        .map_err(|error| format!("the first token: {error}"))?;
    let load = Load::new(&address, token.trim());
    let outcome = thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|nth| {
                scope.spawn({
                    let load = &load;
                    move || load.send(nth)
                })
            })
            .collect();
        let after = change_over(before, new, folder, &load);
        load.stop.store(true, Relaxed);
        for sender in senders {
            sender.join().map_err(|_| "a sender panicked")??;
        }
        after
    });
    let after = outcome?;
    let count = load.all_stand()?;
    let login = ["--url", &format!("http://{address}"), "--token", token.trim()];
    let program = new.display().to_string();
    let key = said(folder, &[&[program.as_str(), "key", "export"][..], &login].concat())?;
    fs::write(folder.join("log.key"), key).map_err(|error| format!("log.key: {error}"))?;
    after.stop()?;
    let verdict = said(folder, &[&program, "verify", "data", "-k", "log.key"])?;
    say(&format!("  {count} receipts stand; {}", verdict.lines().next().unwrap_or_default()));
    Ok(())
}

/// Stops the build before in the midst of its work, and starts this one.
fn change_over(before: Server, new: &Path, folder: &Path, load: &Load) -> Result<Server, String> {
    load.until(BATCHES)?;
    let address = load.address.clone();
    let stopped = run::now();
    let tried = load.tried.load(Relaxed);
    before.stop()?;
    let answered = load.answered.load(Relaxed);
    say(&format!("  stopped after {answered} batches, {}", seconds(stopped.elapsed())));
    let after = Server::start(new, folder, &address)?;
    load.until(answered + 1)?;
    let turned_away = load.tried.load(Relaxed) - tried;
    say(&format!(
        "  writes go on after {}; {turned_away} requests found nobody and were sent again",
        seconds(stopped.elapsed())
    ));
    load.until(answered + BATCHES)?;
    Ok(after)
}

/// An address that nobody has at the moment.
fn free_address() -> Result<String, String> {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    bound.map(|address| address.to_string()).map_err(|error| format!("no free address: {error}"))
}

/// A server. Dropped, it ends.
struct Server(Child);

impl Server {
    fn start(program: &Path, folder: &Path, address: &str) -> Result<Server, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", program.display());
        let mut child = Command::new(program)
            .args(["serve", "--data", "data", "--origin", "upgrade.example", "--listen", address])
            .env("COUNTERFOIL_CONTEXTS", folder.join("contexts.toml"))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let out = child.stdout.take().ok_or("the server has no standard output")?;
        let server = Server(child);
        let mut lines = BufReader::new(out).lines();
        lines.next().ok_or("the server said nothing")?.map_err(failed)?;
        // The rest is read so that the server never stands at a full pipe.
        thread::spawn(move || lines.for_each(drop));
        Ok(server)
    }

    /// Asks it to stop; it must end well.
    fn stop(mut self) -> Result<(), String> {
        passed(Path::new("/"), &["kill", "-TERM", &self.0.id().to_string()])?;
        let status = self.0.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}")) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Senders, and what they were answered.
struct Load {
    address: String,
    token: String,
    stop: AtomicBool,
    answered: AtomicU64,
    /// Requests without an answer.
    tried: AtomicU64,
    /// Ids by seq, as receipts say them.
    known: Mutex<BTreeMap<String, String>>,
}

impl Load {
    fn new(address: &str, token: &str) -> Load {
        Load {
            address: address.to_owned(),
            token: token.to_owned(),
            stop: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            tried: AtomicU64::new(0),
            known: Mutex::default(),
        }
    }

    /// Sends batch after batch, each until it is answered, as a producer does.
    fn send(&self, sender: usize) -> Result<(), String> {
        for batch in 0.. {
            let id = |nth| format!("upgrade-{sender}-{batch}-{nth}");
            let ids: Vec<String> = (0..BATCH_EVENTS).map(id).collect();
            let since = run::now();
            let seqs = loop {
                match self.post(&ids) {
                    Ok(placed) => break placed,
                    Err(_) if self.stop.load(Relaxed) => return Ok(()),
                    Err(what) if since.elapsed() > PATIENCE => return Err(what),
                    Err(_) => self.tried.fetch_add(1, Relaxed),
                };
                thread::sleep(PAUSE);
            };
            let mut known = self.known.lock().map_err(|_| "a sender panicked")?;
            for ((seq, _), id) in seqs.into_iter().zip(ids) {
                if let Some(other) = known.insert(seq.clone(), id) {
                    return Err(format!("seq {seq} was given twice, first to {other}"));
                }
            }
            self.answered.fetch_add(1, Relaxed);
            if self.stop.load(Relaxed) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Waits until so many batches were answered.
    fn until(&self, batches: u64) -> Result<(), String> {
        let since = run::now();
        while self.answered.load(Relaxed) < batches {
            if since.elapsed() > PATIENCE {
                return Err(format!("not {batches} batches answered in {}", seconds(PATIENCE)));
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Sends everything again: each event must be known, at the seq of its receipt.
    fn all_stand(&self) -> Result<usize, String> {
        let known = self.known.lock().map_err(|_| "a sender panicked")?;
        let all: Vec<_> = known.iter().collect();
        for some in all.chunks(500) {
            let ids: Vec<String> = some.iter().map(|(_, id)| (*id).clone()).collect();
            for ((seq, id), (again, duplicate)) in some.iter().zip(self.post(&ids)?) {
                if **seq != again || !duplicate {
                    return Err(format!("{id} had the receipt of seq {seq}, and now of {again}"));
                }
            }
        }
        Ok(all.len())
    }

    /// Sends events; where each stands, and whether it was known already.
    fn post(&self, ids: &[String]) -> Result<Vec<(String, bool)>, String> {
        let body: String = ids.iter().map(|id| event(id)).collect();
        let failed = |error: std::io::Error| format!("{}: {error}", self.address);
        let mut stream = TcpStream::connect(&self.address).map_err(failed)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        let head = format!(
            "POST /v1/events HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {}\
             \r\nContent-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
            self.address,
            self.token,
            body.len()
        );
        let sent = stream.write_all(head.as_bytes());
        sent.and_then(|()| stream.write_all(body.as_bytes())).map_err(failed)?;
        let mut answer = String::new();
        stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).map_err(failed)?;
        let (head, receipt) = answer.split_once("\r\n\r\n").ok_or("half an answer")?;
        if !head.starts_with("HTTP/1.1 200 ") {
            return Err(format!("not taken: {answer}"));
        }
        let receipt = json::read(receipt)?;
        let events = receipt.get("events").map(Value::items).unwrap_or_default();
        let placed = events.iter().map(|event| match event.get("seq") {
            Some(Value::Number(seq)) => Ok((seq.clone(), event.get("duplicate").is_some())),
            _ => Err(format!("a receipt without a seq: {answer}")),
        });
        let placed = placed.collect::<Result<Vec<_>, String>>()?;
        let whole = placed.len() == ids.len();
        if whole { Ok(placed) } else { Err(format!("a receipt of others: {answer}")) }
    }
}

fn event(id: &str) -> String {
    format!(
        "{{\"id\":\"{id}\",\"action\":\"order.read\",\"service\":{{\"name\":\"orders\"}},\
         \"occurred_at\":\"2026-01-02T03:04:05Z\",\"actor\":{{\"type\":\"user\",\"id\":\"u\"}}}}\n"
    )
}
