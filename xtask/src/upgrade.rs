//! An upgrade as it happens: the build before runs under load, is asked to stop in the midst of it,
//! and this build goes on with its folder, while the senders send on.
//!
//! Promises: every receipt of either build stands under the seq that it was given, which sending
//! everything again shows; no seq was given twice; and the closed folder verifies.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use crate::dist::{passed, said, target};
use crate::http::{self, PATIENCE};
use crate::json::Value;
use crate::run::{self, seconds};
use crate::screen::say;
use crate::served::Served;

/// What is upgraded from where nothing else is said: the build whose folder the tests have.
const FROM: &str = "ed8978b";
const ORIGIN: [&str; 2] = ["--origin", "upgrade.example"];
const SENDERS: usize = 4;
const BATCH_EVENTS: usize = 20;
/// Batches that each of the two builds must have answered.
const BATCHES: u64 = 100;
const PAUSE: Duration = Duration::from_millis(5);

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
    let before = Served::start(old, folder, &ORIGIN)?;
    let load = Load::new(&before);
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
    let login = ["--url", &format!("http://{}", after.address), "--token", &after.token];
    let program = new.display().to_string();
    let key = said(folder, &[&[program.as_str(), "key", "export"][..], &login].concat())?;
    fs::write(folder.join("log.key"), key).map_err(|error| format!("log.key: {error}"))?;
    after.stop()?;
    let verdict = said(folder, &[&program, "verify", "data", "-k", "log.key"])?;
    say(&format!("  {count} receipts stand; {}", verdict.lines().next().unwrap_or_default()));
    Ok(())
}

/// Stops the build before in the midst of its work, and starts this one.
fn change_over(before: Served, new: &Path, folder: &Path, load: &Load) -> Result<Served, String> {
    load.until(BATCHES)?;
    let stopped = run::now();
    let tried = load.tried.load(Relaxed);
    before.stop()?;
    let answered = load.answered.load(Relaxed);
    say(&format!("  stopped after {answered} batches, {}", seconds(stopped.elapsed())));
    let after = Served::start(new, folder, &ORIGIN)?;
    *load.address.lock().map_err(|_| "a sender panicked")? = after.address;
    load.until(answered + 1)?;
    let turned_away = load.tried.load(Relaxed) - tried;
    say(&format!(
        "  writes go on after {}; {turned_away} requests found nobody and were sent again",
        seconds(stopped.elapsed())
    ));
    load.until(answered + BATCHES)?;
    Ok(after)
}

/// Senders, and what they were answered.
struct Load {
    /// Of the build that serves now, or served last.
    address: Mutex<SocketAddr>,
    token: String,
    stop: AtomicBool,
    answered: AtomicU64,
    /// Requests without an answer.
    tried: AtomicU64,
    /// Ids by seq, as receipts say them.
    known: Mutex<BTreeMap<String, String>>,
}

impl Load {
    fn new(server: &Served) -> Load {
        Load {
            address: Mutex::new(server.address),
            token: server.token.clone(),
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
        let address = *self.address.lock().map_err(|_| "a sender panicked")?;
        let receipt = http::send(address, &self.token, "/v1/events", &body)?;
        let events = receipt.get("events").map(Value::items).unwrap_or_default();
        let placed = events.iter().map(|event| match event.get("seq") {
            Some(Value::Number(seq)) => Ok((seq.clone(), event.get("duplicate").is_some())),
            _ => Err(format!("a receipt without a seq: {event:?}")),
        });
        let placed = placed.collect::<Result<Vec<_>, String>>()?;
        let whole = placed.len() == ids.len();
        if whole { Ok(placed) } else { Err(format!("a receipt of others: {receipt:?}")) }
    }
}

fn event(id: &str) -> String {
    format!(
        "{{\"id\":\"{id}\",\"action\":\"order.read\",\"service\":{{\"name\":\"orders\"}},\
         \"occurred_at\":\"2026-01-02T03:04:05Z\",\"actor\":{{\"type\":\"user\",\"id\":\"u\"}}}}\n"
    )
}
