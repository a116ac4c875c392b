//! A million events that are at hand and not sealed: what they cost in memory and in the journal,
//! how fast they are found, how long a start with them takes, how fast all of it is verified.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::bulk::{START_NS, bulk};
use crate::child::Child;
use crate::http::requests_of;
use crate::load::{self, post};
use crate::lookups::{self, Reader};
use crate::machine::Machine;
use crate::report::Row;
use crate::sample::{number, rate, ratio, time};
use crate::screen::complain;
use crate::{Failed, Size, rest, tree};

const BATCH: u64 = 1_000;
const CONNECTIONS: usize = 16;
/// Requests that are held at once.
const LOAD_REQUESTS: u64 = 250;
/// What the events were generated from.
const SEED: u64 = 1_000;
const LOAD_MAX: Duration = Duration::from_secs(120);
const MIB: f64 = (1 << 20) as f64;

/// Measures this part.
pub(crate) fn run(
    machine: &Machine,
    folder: &Path,
    size: Size,
    rows: &mut Vec<Row>,
) -> Result<(), Failed> {
    let events: u64 = size.pick(1_000_000, 100_000);
    let child = Child::start(folder, None)?;
    let at_rest = child.memory()?;
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / MIB);
    let met = at_rest <= 100 << 20;
    rows.push(Row::aimed(
        "memory at rest (resident)",
        "≤ 100 MB",
        mib(at_rest),
        met,
        String::new(),
    ));
    fill(machine, folder, &child, events, rows)?;
    let full = child.memory()?;
    let each = full.saturating_sub(at_rest) as f64 / events as f64;
    let what = format!("memory with {} events", number(events as f64));
    rows.push(Row::plain(&what, mib(full), String::new()));
    let measured = format!("{each:.0} bytes");
    rows.push(Row::aimed("– a hot event", "≤ 300 bytes", measured, each <= 300.0, String::new()));
    let journal = journal_bytes(&folder.join("data/journal"))? as f64 / events as f64;
    let of_sent = format!("{:.2} × its {:.0} bytes as sent", journal / sent_bytes(), sent_bytes());
    rows.push(Row::plain("journal, an event", format!("{journal:.0} bytes"), of_sent));
    let reader = Reader::open(&child)?;
    lookups::run(machine, reader, &samples(events), events, rows)?;
    let token = child.token.clone();
    child.kill()?;
    let child = restart(machine, folder, token, events, rows)?;
    tree::run(machine, &child, folder, rows)?;
    let vkey = child.vkey.clone();
    child.stop()?;
    rest::run(machine, folder, &vkey, rows)
}

/// Sends the events.
fn fill(
    machine: &Machine,
    folder: &Path,
    child: &Child,
    events: u64,
    rows: &mut Vec<Row>,
) -> Result<(), Failed> {
    let (mut left, mut took, mut seed) = (events / BATCH, Duration::ZERO, SEED);
    let mut limits = machine.limits(folder)?;
    while left > 0 {
        let count = left.min(LOAD_REQUESTS);
        let requests = requests_of(&child.token, BATCH, seed, count);
        let load = load::run(child.address, requests, CONNECTIONS, LOAD_MAX)?;
        if load.acks.count() as u64 != count {
            return Err(format!("only {} of {count} batches in {LOAD_MAX:?}", load.acks.count()));
        }
        took += load.took;
        (left, seed) = (left - count, seed + 1);
        complain(&format!("hot: {left} batches to send"));
    }
    limits.join(machine.limits(folder)?);
    let found = rate(events, took);
    let per_sync = number(found * limits.sync.p50().as_secs_f64());
    let what = format!(
        "{} events in batches of {BATCH} over {CONNECTIONS}, events/s",
        number(events as f64)
    );
    rows.push(Row::plain(&what, number(found), format!("{per_sync} events in one fdatasync")));
    Ok(())
}

/// Events to look for, spread over the first load: as JSON.
fn samples(events: u64) -> Vec<Value> {
    let sent = events.min(LOAD_REQUESTS * BATCH);
    let lines = bulk(SEED, sent, START_NS).step_by((sent / lookups::SAMPLES).max(1) as usize);
    lines.filter_map(|line| serde_json::from_str(&line).ok()).collect()
}

fn sent_bytes() -> f64 {
    const SOME: u64 = 1_000;
    bulk(SEED, SOME, START_NS).map(|line| line.len()).sum::<usize>() as f64 / SOME as f64
}

/// Bytes that the journal's files hold before the zeros they end with.
fn journal_bytes(folder: &Path) -> Result<u64, Failed> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let file = fs::read(entry.map_err(failed)?.path()).map_err(failed)?;
        bytes += file.iter().rposition(|byte| *byte != 0).map_or(0, |at| at as u64 + 1);
    }
    Ok(bytes)
}

/// Starts again after a kill: until a write is answered, and until a read is.
fn restart(
    machine: &Machine,
    folder: &Path,
    token: String,
    events: u64,
    rows: &mut Vec<Row>,
) -> Result<Child, Failed> {
    let began = machine.elapsed();
    let child = Child::start(folder, Some(token))?;
    let mut reader = Reader::open(&child)?;
    let line = bulk(SEED + 900, 1, START_NS).collect::<Vec<_>>();
    reader.ask(&post(&child.token, &line))?;
    let writes = machine.elapsed() - began;
    reader.wait_for("/v1/events?limit=1")?;
    let reads = machine.elapsed() - began;
    // Of the processors it had what others left; what it took of them is its own.
    let each = child.cpu()?.div_f64(events as f64);
    let decode = machine.limits(folder)?.decode;
    let of_decode = format!(
        "processor time an event {}, {:.2} × typed serde_json decode",
        time(each),
        ratio(each, decode)
    );
    // Targets are for a million; a start takes as long as there are events.
    let max = |seconds: f64| Duration::from_secs_f64(seconds * events as f64 / 1e6);
    for (what, took, target) in [("writes", writes, 2.0), ("reads", reads, 8.0)] {
        let what = format!("kill and start with {}: until {what}", number(events as f64));
        let text = format!("≤ {target:.0} s with 1 M");
        rows.push(Row::aimed(&what, text, time(took), took <= max(target), of_decode.clone()));
    }
    let memory = format!("{:.1} MiB", child.memory()? as f64 / MIB);
    rows.push(Row::plain("memory after that start", memory, String::new()));
    Ok(child)
}
