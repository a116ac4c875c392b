//! `counterfoil trace`.

use serde_json::Value;

use super::client;
use super::search::describe_gap;
use crate::args::{self, Global};
use crate::client::escape;
use crate::error::CliError;
use crate::out::{self, Ink, cell, ink};
use crate::view::{self, list};

/// Characters of the waterfall.
const BAR: u64 = 28;

pub(crate) fn run(global: &Global, args: &args::Trace) -> Result<(), CliError> {
    let trace = client(global)?.get_json(&format!("/v1/traces/{}", escape(&args.id)))?;
    if global.json {
        return out::json(&trace);
    }
    let hops = list(&trace["events"]);
    out::line(&ink(Ink::Bold, &headline(&trace, hops.len())));
    if let Some(first) = hops.first() {
        let reason = hops.iter().map(|hop| &hop["event"]["reason"]).find(|r| r.is_object());
        let reason = reason.map(|r| {
            let text = r["text"].as_str().map(|t| format!(" \"{t}\"")).unwrap_or_default();
            format!("        why  {}{text}", r["ticket"].as_str().unwrap_or_default())
        });
        let who = view::who(&first["event"]);
        out::line(&format!("who   {who}{}", reason.unwrap_or_default()));
    }
    waterfall(&trace, hops);
    out::line(&ink(Ink::Dim, &footer(&trace)));
    Ok(())
}

fn headline(trace: &Value, hops: usize) -> String {
    let id = view::text(&trace["id"]);
    let services = trace["services"].as_array().map(Vec::len).unwrap_or_default();
    let mut parts = vec![
        out::count(hops as u64, "event"),
        out::count(services as u64, "service"),
        format!("{:.0} ms", trace["duration_ms"].as_f64().unwrap_or(0.0)),
    ];
    if let Some(service) = trace["first_failure"]["service"].as_str() {
        parts.push(format!("first failure {service}"));
    }
    format!("trace {id}    {}", parts.join(" · "))
}

fn waterfall(trace: &Value, hops: &[Value]) {
    let total = (trace["duration_ms"].as_f64().unwrap_or(0.0) as u64).max(1);
    out::line(&ink(Ink::Dim, &format!("{:>57}{:<14}{:<12}{total}", "", "0", total / 2)));
    for (at, hop) in hops.iter().enumerate() {
        let event = &hop["event"];
        let branch = branch(hops, at);
        let (ended, colour) = view::ended(event);
        let ended = if ended == "DENIED" { "DENY" } else { ended };
        let did = format!("{} {}", view::did(event), view::what(event));
        let start = (hop["start_ms"].as_f64().unwrap_or(0.0) as u64).min(total);
        let took = hop["duration_ms"].as_f64().map(|ms| ms as u64);
        let left = start * BAR / total;
        let width = (took.unwrap_or(0) * BAR / total).clamp(1, (BAR - left).max(1));
        let bar = format!("{}{}", " ".repeat(left as usize), "█".repeat(width as usize));
        let name = format!("{branch}{}", view::text(&event["service"]["name"]));
        let took = took.map(|ms| format!("{ms} ms")).unwrap_or_default();
        let line = format!("  {} {} ", cell(&name, 17), cell(&did, 29));
        out::line(&format!(
            "{line}{}  {}  {took}",
            ink(colour, &cell(ended, 6)),
            ink(Ink::Dim, &bar)
        ));
    }
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

fn footer(trace: &Value) -> String {
    let gaps = list(&trace["gaps"]);
    let mut parts = vec![match gaps {
        [] => "no gaps".into(),
        [gap, ..] => format!("{} open gaps (first: {})", gaps.len(), describe_gap(gap)),
    }];
    let missing = trace["missing_parents"].as_array().map(Vec::len).unwrap_or_default();
    if missing > 0 {
        parts.push(format!("{missing} parent spans are referred to and were never recorded"));
    }
    let skew = list(&trace["skew"]);
    let skew: Vec<String> = skew
        .iter()
        .map(|s| {
            format!(
                "{} {:+.1} ms",
                view::text(&s["service"]),
                s["ahead_ms"].as_f64().unwrap_or(0.0)
            )
        })
        .collect();
    parts.push(if skew.is_empty() {
        "no clock contradicts another".into()
    } else {
        format!("clocks contradict each other: {}", skew.join(", "))
    });
    if trace["more"] == true {
        parts.push("only the first events are shown".into());
    }
    parts.join(" · ")
}
