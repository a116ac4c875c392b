//! `counterfoil refusals`, `status`, `token`, `key`.

use serde_json::{Value, json};

use super::client;
use super::search::describe_gap;
use crate::args::{self, Global};
use crate::client::escape;
use crate::error::CliError;
use crate::out::{self, Ink, ink};
use crate::view::{self, list};

/// Gaps that a status lists.
const GAPS_MAX: usize = 10;
/// Services that the status names.
const SERVICES_MAX: usize = 8;

pub(crate) fn refusals(global: &Global) -> Result<(), CliError> {
    let answer = client(global)?.get_json("/v1/refusals")?;
    if global.json {
        return out::json(&answer);
    }
    let counts = list(&answer["counts"]);
    if counts.is_empty() {
        out::line("nothing was refused since the server started");
        return Ok(());
    }
    let row = |count: &Value| {
        let n = count["count"].as_u64().unwrap_or_default();
        [
            view::text(&count["producer"]).into(),
            view::text(&count["code"]).into(),
            out::number(n).into(),
        ]
    };
    let heads = [("PRODUCER", 32), ("CODE", 24), ("COUNT", 12)];
    out::table(heads, &counts.iter().map(row).collect::<Vec<_>>());
    out::line("");
    out::line("The last of them (UTC); docs/errors.md says what to do:");
    for refusal in list(&answer["last"]) {
        let at = view::moment(&view::text(&refusal["at"]));
        let producer = view::text(&refusal["producer"]);
        out::line(&format!("  {at}  {producer}  {}", view::text(&refusal["path"])));
        out::fact("", &view::text(&refusal["reason"]));
    }
    Ok(())
}

pub(crate) fn status(global: &Global) -> Result<(), CliError> {
    let client = client(global)?;
    let status = client.get_json("/v1/status")?;
    if global.json {
        return out::json(&status);
    }
    let well = status["ready"] == true;
    let (word, colour) = if well { ("WELL", Ink::Good) } else { ("NOT WELL", Ink::Bad) };
    let up = status["uptime_s"].as_u64().unwrap_or_default();
    let version = view::text(&status["version"]);
    out::line(&format!(
        "{}  {}    version {version}, up {}",
        ink(colour, word),
        client.server().url,
        duration(up)
    ));
    for log in list(&status["logs"]) {
        let size = log["size"].as_u64().unwrap_or_default();
        let (origin, entries) = (view::text(&log["origin"]), out::count(size, "entry"));
        out::fact("log", &format!("{origin}    {entries}"));
    }
    let refused = status["refused"].as_u64().unwrap_or_default();
    let why = if refused > 0 { "; why: counterfoil refusals" } else { "" };
    out::fact("refused", &format!("{} since the start{why}", out::number(refused)));
    services(&status["services"]);
    at_start(&status["start"]);
    let gaps = list(&status["gaps"]);
    match gaps.len() as u64 {
        _ if status["gaps"].is_null() => out::fact("gaps", "known when all is indexed"),
        0 => out::fact("gaps", "none"),
        n => out::fact("gaps", &format!("{} open: numbers of a stream never came", out::number(n))),
    }
    for gap in gaps.iter().take(GAPS_MAX) {
        out::fact("", &describe_gap(gap));
    }
    if gaps.len() > GAPS_MAX {
        out::fact("", "and more: counterfoil status --json");
    }
    Ok(())
}

/// How many services were heard, and the last of them.
fn services(services: &Value) {
    let Some(heard) = services["heard"].as_u64().filter(|heard| *heard > 0) else { return };
    let latest = list(&services["latest"]);
    let names = latest.iter().take(SERVICES_MAX).map(|seen| view::text(&seen["service"]));
    let more = if heard > SERVICES_MAX as u64 { ", …" } else { "" };
    let names = names.collect::<Vec<_>>().join(", ");
    out::fact("services", &format!("{} heard: {names}{more}", out::number(heard)));
}

/// What became of the events that the server found when it started.
fn at_start(start: &Value) {
    let count = |name: &str| start[name].as_u64().unwrap_or_default();
    let (events, indexed, checked) = (count("events"), count("indexed"), count("checked"));
    let found = out::count(events, "event");
    let text = match (indexed, checked) {
        _ if events == 0 => return,
        (indexed, _) if indexed < events => {
            format!("{found} found, {} indexed", out::number(indexed))
        }
        (_, checked) if checked < events => {
            format!("{found} found, {} compared with their entries", out::number(checked))
        }
        _ => format!("{found} found, all as they were signed"),
    };
    out::fact("start", &text);
}

/// `3 d 4 h`, `4 h 5 min`, `5 min`.
fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, hours) => format!("{hours} h {minutes} min"),
        (days, hours) => format!("{} d {hours} h", out::number(days)),
    }
}

pub(crate) fn token(global: &Global, command: &args::Token) -> Result<(), CliError> {
    let client = client(global)?;
    match command {
        args::Token::Create { name, role, service } => {
            let body = json!({ "name": name, "role": role, "services": service });
            let made =
                client.post("/v1/tokens", "application/json", body.to_string().as_bytes())?;
            let made = made.json()?;
            if global.json {
                return out::json(&made);
            }
            out::line(&view::text(&made["token"]));
            out::note("shown once: only its hash is kept");
        }
        args::Token::List => {
            let answer = client.get_json("/v1/tokens")?;
            if global.json {
                return out::json(&answer);
            }
            let row = |token: &Value| {
                let services: Vec<String> =
                    list(&token["services"]).iter().map(view::text).collect();
                [
                    view::text(&token["id"]).into(),
                    view::text(&token["name"]).into(),
                    view::text(&token["role"]).into(),
                    view::text(&token["created_at"]).get(..10).unwrap_or_default().into(),
                    services.join(", ").into(),
                ]
            };
            let heads = [("ID", 12), ("NAME", 32), ("ROLE", 10), ("MADE", 10), ("SERVICES", 64)];
            out::table(heads, &list(&answer["tokens"]).iter().map(row).collect::<Vec<_>>());
        }
        args::Token::Revoke { id } => {
            let answer = client.delete(&format!("/v1/tokens/{}", escape(id)))?;
            if !answer.is_success() {
                return Err(answer.failure());
            }
            out::note(&format!("token {id} is out of force"));
        }
    }
    Ok(())
}

pub(crate) fn export_keys(global: &Global) -> Result<(), CliError> {
    let answer = client(global)?.get_json("/v1/logs")?;
    if global.json {
        return out::json(&answer);
    }
    for log in list(&answer["logs"]) {
        out::line(&view::text(&log["vkey"]));
    }
    Ok(())
}
