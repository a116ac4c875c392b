//! `counterfoil trace`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::client;
use super::search::open_gaps;
use crate::args::{self, Global};
use crate::client::escape;
use crate::error::CliError;
use crate::out::{self, Ink, cell, fit_pair, ink};
use crate::view::{self, list};

/// Columns of the waterfall's parts.
const BAR_MIN: usize = 10;
const BAR_MAX: usize = 28;
const DID_MIN: usize = 12;
const OWNER_MAX: usize = 20;
const ENDED: usize = 7;
/// What a server looks for as the beginning of an id.
const ID_CHARS_MIN: usize = 8;
/// Of the blanks and the time behind a bar.
const TOOK: usize = 10;

pub(crate) fn run(global: &Global, args: &args::Trace) -> Result<(), CliError> {
    let found = client(global)?.get(&format!("/v1/traces/{}", escape(&args.id)))?;
    let trace = found.json_or(&absent(&args.id, "trace"))?;
    if global.json {
        return out::json(&trace);
    }
    let hops = list(&trace["events"]);
    out::parts(Ink::Bold, &headline(&trace, hops.len()));
    who_and_why(hops);
    waterfall(&trace, hops);
    out::parts(Ink::Dim, &footer(&trace));
    Ok(())
}

/// What to do where nothing is found under an id, which may be too short to be looked for.
pub(super) fn absent(id: &str, kind: &str) -> String {
    let shows = format!("counterfoil show ID --all shows an event's {kind} id");
    match id.chars().count() < ID_CHARS_MIN {
        true => format!("the beginning of an id has {ID_CHARS_MIN} characters or more; {shows}"),
        false => shows,
    }
}

/// Who began it, and why; of the others how many there are, for a trace may have as many as it has
/// events.
fn who_and_why(hops: &[Value]) {
    let Some(first) = hops.first().map(|hop| &hop["event"]) else { return };
    out::fact(
        "who",
        &and_others(hops, view::who_named(first), |event| {
            (event["actor"].is_object()).then(|| view::who(event))
        }),
    );
    let reason = |event: &Value| {
        let reason = &event["reason"];
        let text = reason["text"].as_str().map(|text| format!("\"{text}\""));
        let parts = [reason["ticket"].as_str().map(str::to_owned), text];
        let why = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        (!why.is_empty()).then_some(why)
    };
    if let Some(why) = hops.iter().find_map(|hop| reason(&hop["event"])) {
        out::fact("why", &and_others(hops, why, reason));
    }
}

/// What is said first, and how many others are said.
fn and_others(hops: &[Value], first: String, said: impl Fn(&Value) -> Option<String>) -> String {
    let all: BTreeSet<String> = hops.iter().filter_map(|hop| said(&hop["event"])).collect();
    match all.len().saturating_sub(1) as u64 {
        0 => first,
        more => format!("{first}    and {}", out::count(more, "other")),
    }
}

fn headline(trace: &Value, hops: usize) -> Vec<String> {
    let services = trace["services"].as_array().map(Vec::len).unwrap_or_default();
    let mut parts = vec![
        format!("trace {}", view::text(&trace["id"])),
        out::count(hops as u64, "event"),
        out::count(services as u64, "service"),
        format!("{} ms", out::number(whole_ms(&trace["duration_ms"]).unwrap_or(0))),
    ];
    if let Some(service) = trace["first_failure"]["service"].as_str() {
        parts.push(format!("first failure {service}"));
    }
    parts
}

/// A hop and where its bar stands, in milliseconds.
struct Hop<'t> {
    name: String,
    /// What was done and to what, as one and as two.
    did: String,
    done: (String, String),
    owner: String,
    ended: (&'t str, Ink),
    start: u64,
    took: Option<u64>,
}

impl Hop<'_> {
    fn of(hops: &[Value], at: usize) -> Hop<'_> {
        let (hop, event) = (&hops[at], &hops[at]["event"]);
        let done = (view::did(event), view::what(event));
        let ended = match view::ended(event) {
            ("DENIED", colour) => ("DENY", colour),
            ended => ended,
        };
        Hop {
            name: format!("{}{}", branch(hops, at), view::text(&event["service"]["name"])),
            did: format!("{} {}", done.0, done.1).trim_end().to_owned(),
            done,
            owner: event["recorded"]["owner"]["team"].as_str().unwrap_or_default().to_owned(),
            ended,
            start: whole_ms(&hop["start_ms"]).unwrap_or(0),
            took: whole_ms(&hop["duration_ms"]),
        }
    }
}

fn waterfall(trace: &Value, hops: &[Value]) {
    let hops: Vec<Hop<'_>> = (0..hops.len()).map(|at| Hop::of(hops, at)).collect();
    let total = whole_ms(&trace["duration_ms"]).unwrap_or(0).max(1);
    let longest = |text: for<'h> fn(&'h Hop<'_>) -> &'h str, most| {
        hops.iter().map(|hop| out::width(text(hop))).max().unwrap_or(0).min(most)
    };
    let (name, did) = (longest(|hop| &hop.name, 24), longest(|hop| &hop.did, 36));
    // Where the terminal is narrow, the bars give way first, then what was done, then the owners.
    let without_owner = |did| 2 + name + 1 + did + 1 + ENDED + 1 + TOOK;
    let columns = out::columns(&std::io::stdout());
    let owner = longest(|hop| &hop.owner, OWNER_MAX);
    let is_owned = owner > 0 && without_owner(DID_MIN) + owner + 1 + BAR_MIN <= columns;
    let owner = if is_owned { owner + 1 } else { 0 };
    let beside = |did| without_owner(did) + owner;
    let bar = columns.saturating_sub(beside(did)).clamp(BAR_MIN, BAR_MAX);
    let did = did.min(columns.saturating_sub(beside(0) + bar).max(DID_MIN));
    let half = bar / 2;
    let scale = format!("0{:>half$}{:>rest$}", total / 2, total, rest = bar - half - 1);
    out::line(&ink(Ink::Dim, &format!("{}{scale} ms", " ".repeat(beside(did) - TOOK))));
    let share = |ms: u64| (ms.min(total) as f64 / total as f64 * bar as f64) as usize;
    for hop in &hops {
        let start = share(hop.start).min(bar - 1);
        let stroke = "█".repeat(share(hop.took.unwrap_or(0)).clamp(1, bar - start));
        let took = hop.took.map(|ms| format!("  {} ms", out::number(ms))).unwrap_or_default();
        out::line(&format!(
            "  {} {} {} {}{}{}{took}",
            cell(&hop.name, name),
            cell(&fit_pair(&hop.done.0, &hop.done.1, did), did),
            ink(hop.ended.1, &cell(hop.ended.0, ENDED)),
            cell(&hop.owner, owner),
            " ".repeat(start),
            ink(Ink::Dim, &stroke),
        ));
    }
}

/// Milliseconds that have passed: of one time the same number everywhere.
fn whole_ms(value: &Value) -> Option<u64> {
    value.as_f64().map(|ms| ms as u64)
}

/// The lines that lead to a hop: a stroke goes on where a sibling of it, or of what it hangs
/// below, is still to come.
fn branch(hops: &[Value], at: usize) -> String {
    let depth_of = |hop: &Value| hop["depth"].as_u64().unwrap_or(0).min(12);
    let depth = depth_of(&hops[at]);
    let goes_on = |level: u64| {
        let below = hops[at + 1..].iter().map(depth_of).take_while(|depth| *depth >= level);
        below.into_iter().any(|depth| depth == level)
    };
    let lead: String = (1..depth).map(|level| if goes_on(level) { "│  " } else { "   " }).collect();
    match (depth, goes_on(depth)) {
        (0, _) => String::new(),
        (_, true) => format!("{lead}├─ "),
        (_, false) => format!("{lead}└─ "),
    }
}

fn footer(trace: &Value) -> Vec<String> {
    let mut parts = vec![open_gaps(list(&trace["gaps"]), 0)];
    let missing = trace["missing_parents"].as_array().map(Vec::len).unwrap_or_default();
    if missing > 0 {
        parts.push(format!("{missing} parent spans are referred to and were never recorded"));
    }
    parts.push(clocks(&trace["skew"]));
    if trace["more"] == true {
        parts.push("only the first events are shown".into());
    }
    parts
}

/// Which clocks cannot both be right.
pub(super) fn clocks(skew: &Value) -> String {
    let skew: Vec<String> = list(skew)
        .iter()
        .map(|s| {
            format!(
                "{} {:+.1} ms",
                view::text(&s["service"]),
                s["ahead_ms"].as_f64().unwrap_or(0.0)
            )
        })
        .collect();
    match skew[..] {
        [] => "no clock contradicts another".into(),
        _ => format!("clocks contradict each other: {}", skew.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_time_is_one_number_everywhere() {
        let trace = json!({"id": "t", "duration_ms": 339.6, "services": []});
        assert_eq!(headline(&trace, 1)[3], "339 ms");
        let hops = [json!({"event": {}, "start_ms": 1.9, "duration_ms": 339.6})];
        let hop = Hop::of(&hops, 0);
        assert_eq!((hop.start, hop.took), (1, Some(339)));
    }

    #[test]
    fn who_began_does_not_stand_for_all_who_acted() {
        let hop = |id: &str| json!({"event": {"actor": {"type": "user", "id": id}}});
        let who = |hops: &[Value]| and_others(hops, "alice".into(), |event| Some(view::who(event)));
        assert_eq!(who(&["alice", "alice"].map(hop)), "alice");
        assert_eq!(who(&["alice", "bob", "alice"].map(hop)), "alice    and 1 other");
        assert_eq!(who(&["alice", "bob", "carol"].map(hop)), "alice    and 2 others");
    }
}
