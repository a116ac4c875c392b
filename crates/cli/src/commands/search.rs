//! `counterfoil search`.

use serde_json::Value;

use super::client;
use crate::args::{self, Global};
use crate::client::escape;
use crate::error::CliError;
use crate::out::{self, Ink, cell, fit, ink};
use crate::view;

pub(crate) fn run(global: &Global, args: &args::Search) -> Result<(), CliError> {
    let order = if args.oldest { "oldest" } else { "newest" };
    let mut path = format!("/v1/events?limit={}&order={order}", args.limit);
    if !args.query.is_empty() {
        path.push_str(&format!("&q={}", escape(&args.query)));
    }
    if args.count {
        path.push_str("&count=exact");
    }
    if let Some(cursor) = &args.cursor {
        path.push_str(&format!("&cursor={}", escape(cursor)));
    }
    let page = client(global)?.get_json(&path)?;
    if global.json {
        return out::json(&page);
    }
    let hits = page["events"].as_array().map(Vec::as_slice).unwrap_or_default();
    table(hits);
    out::line(&ink(Ink::Dim, &footer(&page, hits.len())));
    Ok(())
}

/// One line for each event.
fn table(hits: &[Value]) {
    if hits.is_empty() {
        return;
    }
    let id_width = hits.iter().map(|hit| view::short_id(hit).len()).max().unwrap_or(8);
    let head = ["TIME (UTC)", "ID", "SERVICE", "WHO", "DID", "WHAT"];
    let widths = [12, id_width, 10, 24, 18, 16];
    let line: Vec<String> =
        head.iter().zip(widths).map(|(text, width)| cell(text, width)).collect();
    out::line(&ink(Ink::Dim, &format!("  {}  ENDED", line.join("  "))));
    for hit in hits {
        let event = &hit["event"];
        let columns = [
            view::clock(view::happened(event)).to_owned(),
            view::short_id(hit),
            view::text(&event["service"]["name"]),
            view::who(event),
            view::did(event),
            view::what(event),
        ];
        let line: Vec<String> =
            columns.iter().zip(widths).map(|(text, width)| cell(text, width)).collect();
        let (ended, colour) = view::ended(event);
        out::line(&format!("  {}  {}", line.join("  "), ink(colour, ended)));
    }
}

/// How much that was, how long it took, and whether the record is whole.
fn footer(page: &Value, shown: usize) -> String {
    let mut parts = vec![match page["count"]["count"].as_u64() {
        Some(all) => format!("{} of {}", out::number(shown as u64), out::count(all, "event")),
        None => out::count(shown as u64, "event"),
    }];
    parts.push(format!("{:.1} ms", page["took_ms"].as_f64().unwrap_or(0.0)));
    let gaps = page["gaps"].as_array().map(Vec::as_slice).unwrap_or_default();
    parts.push(match gaps {
        [] => "no gaps".into(),
        [gap] => format!("1 open gap ({})", describe_gap(gap)),
        [gap, ..] => format!("{} open gaps (first: {})", gaps.len(), describe_gap(gap)),
    });
    if page["partial"] == true {
        parts.push("stopped early: go on with the cursor".into());
    }
    if let Some(next) = page["next"].as_str() {
        parts.push(format!("more: --cursor {next}"));
    }
    parts.join(" · ")
}

/// Who lost how much.
pub(crate) fn describe_gap(gap: &Value) -> String {
    let count = gap["count"].as_u64().unwrap_or_default();
    format!(
        "{}, stream {}, {}",
        fit(&view::text(&gap["producer"]), 24),
        fit(&view::text(&gap["stream"]), 24),
        out::count(count, "event")
    )
}
