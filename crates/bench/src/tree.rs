//! A live log verified: its entry bundles fetched over HTTP, then judged by the crate `verify`.

use std::path::Path;

use verify::live::{Bundle, LiveLog};
use verify::{Policy, Question};

use crate::Failed;
use crate::child::{Child, LOG};
use crate::lookups::Reader;
use crate::machine::Machine;
use crate::report::Row;
use crate::sample::{number, rate, ratio};

const TARGET: f64 = 500_000.0;
/// SHA-256 blocks of a leaf and of the one node that it adds.
const BLOCKS: u32 = 3;

/// Measures this part.
pub(crate) fn run(
    machine: &Machine,
    child: &Child,
    folder: &Path,
    rows: &mut Vec<Row>,
) -> Result<(), Failed> {
    let mut reader = Reader::open(child)?;
    let question = question(&child.vkey)?;
    let note = reader.get(&format!("/tlog/{LOG}/checkpoint"))?.to_vec();
    let note = String::from_utf8(note).map_err(|error| error.to_string())?;
    let mut log = LiveLog::new(&question, &note).map_err(|error| format!("{error:?}"))?;
    let entries = log.expect_entries();
    let (bundles, fetched) = machine.time(|| fetch(&mut reader, &log));
    let bundles = bundles?;
    let (verdict, judged) = machine.busy(|| {
        bundles.iter().for_each(|bundle| log.push_bundle(bundle));
        log.finish().verdict
    });
    if !verdict.is_verified() {
        return Err(format!("the log does not verify: {}", verdict.sentence));
    }
    let found = rate(entries, judged);
    let hashes = machine.limits(folder)?.hash * BLOCKS;
    let of_hashes = ratio(judged.div_f64(entries as f64), hashes);
    rows.push(Row::aimed(
        "verify a live log, leaves/s/core",
        "≥ 500 k",
        number(found),
        found >= TARGET,
        format!("{of_hashes:.2} × its {BLOCKS} SHA-256 blocks"),
    ));
    let fetched = number(rate(entries, fetched));
    rows.push(Row::plain(
        "– fetching its bundles, one after the other, leaves/s",
        fetched,
        String::new(),
    ));
    Ok(())
}

/// The judge's question, believing one key.
pub(crate) fn question(vkeys: &str) -> Result<Question, Failed> {
    // The server has a log of events and one of accesses.
    let logs: String = vkeys.split(',').map(|vkey| format!("log {vkey}\n")).collect();
    let policy = Policy::parse(format!("{logs}quorum none\n").as_bytes());
    let policy = policy.map_err(|error| error.to_string())?;
    Ok(Question { policy: Some(policy), ..Question::default() })
}

fn fetch(reader: &mut Reader, log: &LiveLog) -> Result<Vec<Vec<u8>>, Failed> {
    let get = |bundle: Bundle| Ok(reader.get(&format!("/tlog/{LOG}/{}", bundle.path))?.to_vec());
    log.bundles().map(get).collect()
}
