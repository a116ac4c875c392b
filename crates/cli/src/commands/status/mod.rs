//! `counterfoil status`: is the record complete, unchanged, and the server healthy?
//!
//! Exit code 0 where all is well, also with remarks; 1 where something is not.

mod judge;

use serde_json::{Value, json};

use super::prompt_client;
use crate::args::Global;
use crate::error::CliError;
use crate::out::{self, Ink, ink};
use crate::view::{self, list};
use judge::{Finding, Level, is_one, judge};

/// Services that the screen names.
const SERVICES_MAX: usize = 8;

pub(crate) fn run(global: &Global) -> Result<u8, CliError> {
    let client = prompt_client(global)?;
    let mut status = client.get_json("/v1/status")?;
    if !is_one(&status) {
        return Err(CliError::no_counterfoil());
    }
    let findings = judge(&status, now());
    let well = findings.iter().all(|finding| finding.level != Level::Bad);
    let code = u8::from(!well);
    if global.json {
        let shown = findings.iter().map(Finding::json).collect::<Vec<_>>();
        status["well"] = json!(well);
        status["findings"] = json!(shown);
        return out::json(&status).map(|()| code);
    }
    head(&status, &findings, &client.server().url);
    findings.iter().for_each(show);
    facts(&status, &findings, &client.server().url);
    Ok(code)
}

/// Nanoseconds since 1970 here: a server's clock is compared with it.
#[expect(clippy::disallowed_methods, reason = "the time of who asks")]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(i64::MAX)
}

fn head(status: &Value, findings: &[Finding], url: &str) {
    let bad = findings.iter().filter(|finding| finding.level == Level::Bad).count();
    let remarks = findings.len() - bad;
    let (verdict, colour) = match (bad, remarks) {
        (0, 0) => ("ALL IS WELL".to_owned(), Ink::Good),
        (0, n) => (format!("WELL, {}", out::count(n as u64, "remark")), Ink::Good),
        (n, _) => (format!("NOT WELL, {}", out::count(n as u64, "finding")), Ink::Bad),
    };
    let up = out::lasted(status["uptime_s"].as_f64().unwrap_or_default() * 1_000.0);
    let version = view::text(&status["version"]);
    out::line(&format!("{}  {url}  version {version}, up {up}", ink(colour, &verdict)));
}

fn show(finding: &Finding) {
    let label = if finding.level == Level::Bad { "bad" } else { "remark" };
    out::fact(label, &finding.what);
    out::fact("", &format!("look further: {}", finding.next));
}

/// What was looked at, in the order of the three questions.
fn facts(status: &Value, findings: &[Finding], url: &str) {
    let count = |value: &Value| out::number(value.as_u64().unwrap_or_default());
    if !findings.iter().any(|finding| finding.area == "complete") {
        out::fact("complete", "no gap, nobody silent, nothing refused or dropped");
    }
    let is_changed = |it: &Finding| it.area == "unchanged" && it.level == Level::Bad;
    match findings.iter().any(is_changed) {
        true => out::fact("unchanged", "no: a part of the data folder is damaged, see above"),
        false => out::fact("unchanged", &at_start(&status["start"])),
    }
    let verify = out::command(&["verify", url, "--remember", "FILE"]);
    out::fact("", &format!("nobody but you can know for sure: {verify}"));
    let waiting = count(&status["lane_waiting"]);
    out::fact("healthy", &format!("{}; {waiting} batches wait", room(&status["disk"])));
    for log in list(&status["logs"]) {
        let size = log["size"].as_u64().unwrap_or_default();
        let lost = log["damaged"]["unreadable"].as_u64().filter(|lost| *lost > 0);
        let lost = lost.map(|lost| format!(", {} more cannot be read", out::number(lost)));
        let (origin, size) = (view::text(&log["origin"]), out::count(size, "entry"));
        out::fact("log", &format!("{origin}  {size}{}", lost.unwrap_or_default()));
    }
    services(&status["services"]);
}

/// What became of the events that the server found when it started.
fn at_start(start: &Value) -> String {
    let count = |name: &str| start[name].as_u64().unwrap_or_default();
    let (events, indexed, checked) = (count("events"), count("indexed"), count("checked"));
    let found = out::count(events, "event");
    match (indexed, checked) {
        _ if events == 0 => "the start found no event".into(),
        (indexed, _) if indexed < events => {
            format!("the start found {found}, {} indexed", out::number(indexed))
        }
        (_, checked) if checked < events => {
            format!("the start found {found}, {} compared with their entries", out::number(checked))
        }
        _ => format!("the start found {found}, all as they were signed"),
    }
}

/// Room on the disk and how long it lasts.
fn room(disk: &Value) -> String {
    let Some(free) = disk["free_bytes"].as_u64() else { return "disk unknown".into() };
    let journal = disk["journal_bytes"].as_u64().unwrap_or_default();
    let left = match (disk["days_left"].as_u64(), disk["bytes_a_day"].as_u64()) {
        (Some(days), _) => format!("{} left", out::count(days, "day")),
        (None, Some(_)) => "years left".into(),
        (None, None) => "how long it lasts is known ten minutes after a start".into(),
    };
    format!("disk {} free, journal {}, {left}", out::bytes(free), out::bytes(journal))
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
