//! `counterfoil session`.

use serde_json::Value;

use super::client;
use super::search::{heads, open_gaps, row};
use super::trace::{absent, clocks};
use crate::args::{self, Global};
use crate::client::escape;
use crate::error::CliError;
use crate::out::{self, Cut, Head, Ink, ink};
use crate::view::{self, list};

/// Names that one fact lists.
const NAMES_MAX: usize = 12;

pub(crate) fn run(global: &Global, args: &args::Session) -> Result<(), CliError> {
    let mut path = format!("/v1/sessions/{}?limit={}", escape(&args.id), args.limit);
    if let Some(cursor) = &args.cursor {
        path.push_str(&format!("&cursor={}", escape(cursor)));
    }
    let found = client(global)?.get(&path)?;
    let session = found.json_or(&absent(&args.id, "session"))?;
    if global.json {
        return out::json(&session);
    }
    let events = list(&session["events"]);
    out::parts(Ink::Bold, &headline(&session, events.len()));
    facts(&session, events);
    timeline(events);
    out::parts(Ink::Dim, &footer(&session));
    if let Some(cursor) = session["next"].as_str() {
        let more = again(global, args, cursor);
        out::line(&ink(Ink::Dim, &format!("  more: {more}")));
    }
    Ok(())
}

/// The command that goes on behind a cursor.
fn again(global: &Global, args: &args::Session, cursor: &str) -> String {
    let mut words = vec!["session".to_owned(), args.id.clone()];
    if args.limit != args::Session::LIMIT {
        words.extend(["-n".to_owned(), args.limit.to_string()]);
    }
    words.extend(global.server_words());
    words.extend(["--cursor".to_owned(), cursor.to_owned()]);
    out::command(&words)
}

fn headline(session: &Value, events: usize) -> Vec<String> {
    let services = list(&session["services"]).len();
    let mut parts = vec![
        format!("session {}", view::text(&session["id"])),
        out::count(events as u64, "event"),
        out::count(services as u64, "service"),
        out::lasted(session["duration_ms"].as_f64().unwrap_or(0.0)),
    ];
    for (name, word) in [("denied", "denied"), ("failed", "failed")] {
        let count = session[name].as_u64().unwrap_or_default();
        if count > 0 {
            parts.push(format!("{} {word}", out::number(count)));
        }
    }
    parts
}

fn facts(session: &Value, events: &[Value]) {
    let actors = list(&session["actors"]);
    let who = |a: &Value| {
        let (id, kind) = (view::plain(&view::text(&a["id"])), view::text(&a["type"]));
        format!("{id} ({kind}, {})", out::count(a["events"].as_u64().unwrap_or(0), "event"))
    };
    out::fact("who", &names(actors, who));
    if actors.len() > 1 {
        out::fact("", "more than one actor under one session id");
    }
    out::fact("since", &format!("{} UTC", view::moment(&view::text(&session["started_at"]))));
    let addresses = list(&session["addresses"]);
    if !addresses.is_empty() {
        out::fact("from", &names(addresses, |a| view::text(&a["address"])));
    }
    let service =
        |s: &Value| format!("{} {}", view::text(&s["service"]), s["events"].as_u64().unwrap_or(0));
    out::fact("services", &names(list(&session["services"]), service));
    for (name, label) in [("first_denied", "denied"), ("first_failed", "failed")] {
        let place = &session[name];
        let first = events.iter().find(|e| e["log"] == place["log"] && e["seq"] == place["seq"]);
        if let Some(hit) = first.filter(|_| place.is_object()) {
            let event = &hit["event"];
            let service = view::text(&event["service"]["name"]);
            let what = format!("{} {}", view::did(event), view::what(event));
            let id = view::short_id(hit);
            out::fact(label, &format!("first {} at {service}    {id}", what.trim_end()));
        }
    }
}

fn names(all: &[Value], name: impl Fn(&Value) -> String) -> String {
    let shown = all.iter().take(NAMES_MAX).map(name).collect::<Vec<_>>().join(", ");
    match all.len() > NAMES_MAX {
        true => format!("{shown}, and {} more", all.len() - NAMES_MAX),
        false => shown,
    }
}

/// A row for each event: when it began, counted from the start, and the columns of a list.
fn timeline(events: &[Value]) {
    let rows: Vec<_> = events
        .iter()
        .map(|hit| {
            let start = hit["start_ms"].as_f64().unwrap_or(0.0);
            let [_, id, service, who, did, what, ended] = row(hit, String::new());
            [format!("+{}", out::lasted(start)).into(), id, service, who, did, what, ended]
        })
        .collect();
    out::table(heads(Head::new("AFTER", 14, Cut::Never)), &rows);
}

fn footer(session: &Value) -> Vec<String> {
    let mut parts = vec![open_gaps(list(&session["gaps"]), 0), clocks(&session["skew"])];
    match session["unreadable"].as_u64() {
        None | Some(0) => {}
        Some(lost) => parts.push(format!("{} cannot be read", out::count(lost, "entry"))),
    }
    if session["partial"] == true {
        parts.push("a part of the session".into());
    }
    parts
}
