//! `counterfoil receipt`.

use serde_json::Value;

use super::client;
use crate::args::{self, Global};
use crate::client::{Client, escape};
use crate::error::CliError;
use crate::out;

pub(crate) fn run(global: &Global, args: &args::Receipt) -> Result<(), CliError> {
    let client = client(global)?;
    let hit = find(&client, &args.event)?;
    let (log, seq) = (name(&hit), hit["seq"].as_u64().unwrap_or_default());
    let proof = client.get(&format!("/v1/logs/{}/events/{seq}/receipt", escape(&log)))?.text()?;
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
            return found.json();
        }
    }
    let found = client.get(&format!("/v1/events/{}", escape(event)))?;
    found.json_or(
        "counterfoil search shows the ids of those there are; a short one has 8 digits or more, \
         from the last part",
    )
}

/// The short name of the log an event stands in.
pub(crate) fn name(hit: &Value) -> String {
    let log = hit["log"].as_str().unwrap_or_default();
    log.rsplit('/').next().unwrap_or(log).to_owned()
}
