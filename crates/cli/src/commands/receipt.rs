//! `counterfoil receipt`.

use serde_json::Value;

use super::client;
use crate::args::{self, Global};
use crate::client::{Client, escape};
use crate::error::CliError;
use crate::out;

/// What begins a proof (c2sp.org/tlog-proof).
const PROOF: &str = "c2sp.org/tlog-proof@v1\n";

pub(crate) fn run(global: &Global, args: &args::Receipt) -> Result<(), CliError> {
    let client = client(global)?;
    let hit = find(&client, &args.event)?;
    let (log, seq) = (name(&hit), hit["seq"].as_u64().unwrap_or_default());
    let proof = client.get(&format!("/v1/logs/{}/events/{seq}/receipt", escape(&log)))?.text()?;
    if !proof.starts_with(PROOF) {
        return Err(CliError::no_counterfoil());
    }
    let size = proof.lines().skip_while(|line| !line.is_empty()).nth(2).unwrap_or("?").to_owned();
    // The text itself goes to a file or a pipe; what it is goes beside it.
    out::file(&proof)?;
    let origin = hit["origin"].as_str().unwrap_or(&log).to_owned();
    out::note(&format!("entry {seq} of {origin}, under a checkpoint of size {size}"));
    Ok(())
}

/// The event that a short or whole id, or `<log>/<seq>`, names.
pub(crate) fn find(client: &Client, event: &str) -> Result<Value, CliError> {
    if let Some((log, seq)) = event.rsplit_once('/')
        && !seq.is_empty()
        && seq.bytes().all(|b| b.is_ascii_digit())
    {
        let found = client.get(&format!("/v1/logs/{}/events/{seq}", escape(log)))?;
        if found.status != 404 {
            return placed(found.json()?);
        }
    }
    let found = client.get(&format!("/v1/events/{}", escape(event)))?;
    placed(found.json_or(
        "counterfoil search shows the ids of those there are; a short one has 8 digits or more, \
         from the last part",
    )?)
}

/// An event stands somewhere in a log: what says no place is none.
fn placed(hit: Value) -> Result<Value, CliError> {
    let is_placed = hit["log"].is_string() && hit["seq"].is_u64() && hit["event"].is_object();
    if is_placed { Ok(hit) } else { Err(CliError::no_counterfoil()) }
}

/// The short name of the log an event stands in.
pub(crate) fn name(hit: &Value) -> String {
    let log = hit["log"].as_str().unwrap_or_default();
    log.rsplit('/').next().unwrap_or(log).to_owned()
}
