//! `counterfoil evidence`.

use serde_json::{Value, json};

use super::client;
use super::receipt::{find, name};
use crate::args::{self, Global};
use crate::client::escape;
use crate::error::CliError;
use crate::out;

pub(crate) fn run(global: &Global, args: &args::Evidence) -> Result<(), CliError> {
    let client = client(global)?;
    let mut request = json!({ "show": args.show, "name": args.name, "hide": args.hide });
    if let Some(range) = &args.range {
        let (log, first, end) = parse_range(range)?;
        request["range"] = json!({ "log": log, "first": first, "count": end - first });
    } else if let Some(query) = &args.query {
        let page = client.get_json(&format!("/v1/events?limit=1000&q={}", escape(query)))?;
        let hits = page["events"].as_array().cloned().unwrap_or_default();
        if hits.is_empty() {
            return Err(CliError::usage(format!("nothing matches {query:?}")));
        }
        request["events"] = hits.iter().map(place).collect();
        request["query"] = query.as_str().into();
    } else if args.events.is_empty() {
        return Err(CliError::usage("name events, or give --range or --query"));
    } else {
        let found = args.events.iter().map(|event| Ok(place(&find(&client, event)?)));
        request["events"] = found.collect::<Result<Vec<Value>, CliError>>()?.into();
    }
    let answer = client.post("/v1/evidence", "application/json", request.to_string().as_bytes())?;
    let text = answer.text()?;
    out::line(text.trim_end());
    out::note(&summary(&text));
    Ok(())
}

fn place(hit: &Value) -> Value {
    json!({ "log": name(hit), "seq": hit["seq"] })
}

fn parse_range(range: &str) -> Result<(&str, u64, u64), CliError> {
    let parsed = (|| {
        let (log, seqs) = range.rsplit_once('/')?;
        let (first, end) = seqs.split_once("..")?;
        let (first, end) = (first.parse().ok()?, end.parse().ok()?);
        (first < end).then_some((log, first, end))
    })();
    parsed.ok_or_else(|| CliError::usage(format!("{range:?} is not <log>/<first>..<end>")))
}

/// What the file gives away.
fn summary(text: &str) -> String {
    let file: Value = serde_json::from_str(text).unwrap_or_default();
    let (mut events, mut shown, mut named, mut hidden) = (0, 0, 0, 0);
    for run in file["runs"].as_array().map(Vec::as_slice).unwrap_or_default() {
        for event in run["events"].as_array().map(Vec::as_slice).unwrap_or_default() {
            events += 1;
            for field in event["fields"].as_array().map(Vec::as_slice).unwrap_or_default() {
                match (field.get("text"), field.get("commitment")) {
                    (Some(_), _) => shown += 1,
                    (None, Some(_)) => named += 1,
                    (None, None) => hidden += 1,
                }
            }
        }
    }
    let checkpoint = file["logs"][0]["checkpoint"].as_str().unwrap_or_default();
    let size = checkpoint.lines().nth(1).unwrap_or("?");
    format!(
        "{} · {} shown · {named} named without value · {hidden} hidden · proof at size {size} · \
         {:.1} KB",
        out::count(events, "event"),
        out::count(shown, "field"),
        text.len() as f64 / 1000.0
    )
}
