//! `counterfoil evidence`.
//!
//! Promises: the file holds every event that was asked for, or nothing is written.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::client;
use super::receipt::{find, name};
use super::verify::read_brought;
use crate::args::{self, Global};
use crate::client::{Client, escape};
use crate::error::CliError;
use crate::out;
use crate::view::list;

/// Events of one file, as many as the server makes at once.
const EVENTS_MAX: usize = 10_000;
/// Pages of one search. Those that find nothing count too: a server could send them for ever.
const PAGES_MAX: usize = 1_000;

/// Events by log and seq, each once.
type Places = BTreeSet<(String, u64)>;

pub(crate) fn run(global: &Global, args: &args::Evidence) -> Result<(), CliError> {
    let client = client(global)?;
    let mut request = json!({ "show": args.show, "name": args.name, "hide": args.hide });
    if let Some(path) = &args.saved {
        request["old"] = json!([saved_size(path)?]);
    }
    let asked = if let Some(range) = &args.range {
        let (log, first, end) = parse_range(range)?;
        request["range"] = json!({ "log": log, "first": first, "count": end - first });
        end - first
    } else {
        let places = places(&client, args)?;
        let listed = places.iter().map(|(log, seq)| json!({ "log": log, "seq": seq }));
        request["events"] = listed.collect();
        request["query"] = args.query.as_deref().into();
        places.len() as u64
    };
    let answer = client.post("/v1/evidence", "application/json", request.to_string().as_bytes())?;
    let (text, file) = (answer.text()?, answer.json()?);
    let contents = Contents::of(&file);
    if contents.events != asked {
        let got = out::count(contents.events, "event");
        return Err(CliError::Server(format!(
            "asked for {}, the server made evidence of {got}; nothing was written",
            out::number(asked)
        )));
    }
    out::json_text(&text);
    let mut parts = contents.words();
    parts.push(out::bytes(text.len() as u64));
    out::note_parts(&parts);
    Ok(())
}

/// The size that a saved checkpoint signs (c2sp.org/tlog-checkpoint: its second line).
fn saved_size(path: &Path) -> Result<u64, CliError> {
    let text = read_brought(path)?;
    let size = text.lines().nth(1).and_then(|line| line.parse().ok()).filter(|size| *size > 0);
    size.ok_or_else(|| {
        let what = "is no checkpoint of a log with entries: its second line would be their number";
        CliError::usage(format!("{} {what}", path.display()))
    })
}

fn places(client: &Client, args: &args::Evidence) -> Result<Places, CliError> {
    if let Some(query) = &args.query {
        return matches(client, query);
    }
    if args.events.is_empty() {
        return Err(CliError::usage("name events, or give --range or --query"));
    }
    args.events.iter().map(|event| Ok(place(&find(client, event)?))).collect()
}

fn place(hit: &Value) -> (String, u64) {
    (name(hit), hit["seq"].as_u64().unwrap_or_default())
}

/// Every event that a query finds, newest first: what comes meanwhile is before the first page.
fn matches(client: &Client, query: &str) -> Result<Places, CliError> {
    let path = format!("/v1/events?limit=1000&q={}", escape(query));
    let bar = out::progress("  searching  {msg}");
    let (mut found, mut cursor) = (Places::new(), None);
    for _ in 0..PAGES_MAX {
        let after = cursor.as_deref().map(|c| format!("&cursor={}", escape(c)));
        let page = client.get_json(&format!("{path}{}", after.unwrap_or_default()))?;
        found.extend(list(&page["events"]).iter().map(place));
        bar.set_message(format!("{} found", out::count(found.len() as u64, "event")));
        if found.len() > EVENTS_MAX {
            return Err(CliError::usage(format!(
                "more than {} events match {query:?}, and one file holds no more; narrow it with \
                 since: and until:, or take a --range",
                out::number(EVENTS_MAX as u64)
            )));
        }
        let next = follow(&page, cursor.as_deref())?;
        if next.is_none() {
            bar.finish_and_clear();
            let none = || CliError::usage(format!("nothing matches {query:?}"));
            return if found.is_empty() { Err(none()) } else { Ok(found) };
        }
        cursor = next;
    }
    let what =
        format!("{query:?} takes more than {PAGES_MAX} pages; narrow it with since: and until:");
    Err(CliError::usage(what))
}

/// Where to go on, if there is more; fails where a page leaves out what might match. A page that
/// stopped early leaves nothing out as long as it says where.
fn follow(page: &Value, cursor: Option<&str>) -> Result<Option<String>, CliError> {
    if let [first, ..] = list(&page["unreadable"]) {
        return Err(CliError::Server(format!(
            "entry {} of {} cannot be read ({}), so nobody knows whether it matches; nothing was \
             written. Stop the server and judge its data folder: counterfoil verify DIR --key FILE",
            first["seq"],
            first["log"].as_str().unwrap_or("?"),
            first["reason"].as_str().unwrap_or("no reason was given")
        )));
    }
    let next = page["next"].as_str();
    if page["partial"] == true && (next.is_none() || next == cursor) {
        let what = "the server stopped before it had read everything that may match; nothing was \
                    written. Narrow the query with since: and until:";
        return Err(CliError::Server(what.into()));
    }
    Ok(next.map(str::to_owned))
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

/// What a file gives away.
#[derive(Default)]
struct Contents {
    events: u64,
    shown: u64,
    named: u64,
    hidden: u64,
    size: String,
}

impl Contents {
    fn of(file: &Value) -> Contents {
        let mut contents = Contents::default();
        for event in list(&file["runs"]).iter().flat_map(|run| list(&run["events"])) {
            contents.events += 1;
            for field in list(&event["fields"]) {
                match (field.get("text"), field.get("commitment")) {
                    (Some(_), _) => contents.shown += 1,
                    (None, Some(_)) => contents.named += 1,
                    (None, None) => contents.hidden += 1,
                }
            }
        }
        let checkpoint = file["logs"][0]["checkpoint"].as_str().unwrap_or_default();
        contents.size = checkpoint.lines().nth(1).unwrap_or("?").to_owned();
        contents
    }

    fn words(&self) -> Vec<String> {
        vec![
            out::count(self.events, "event"),
            format!("{} shown", out::count(self.shown, "field")),
            format!("{} named without value", out::number(self.named)),
            format!("{} hidden", out::number(self.hidden)),
            format!("proof at size {}", self.size),
        ]
    }
}
