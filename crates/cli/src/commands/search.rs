//! `counterfoil search`.

use serde_json::Value;

use super::client;
use crate::args::{self, Global};
use crate::client::escape;
use crate::error::CliError;
use crate::out::{self, Ink, cell, fit, ink};
use crate::view::{self, list};

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
    let hits = list(&page["events"]);
    table(hits);
    out::line(&ink(Ink::Dim, &footer(&page, hits.len())));
    Ok(())
}

/// One line for each event.
fn table(hits: &[Value]) {
    if hits.is_empty() {
        return;
    }
    let head = ["TIME (UTC)", "ID", "SERVICE", "WHO", "DID", "WHAT"];
    let rows: Vec<[String; 6]> = hits.iter().map(columns).collect();
    // A column is as wide as what stands in it, within bounds that keep the line readable.
    let most = [12, 40, 16, 32, 32, 32];
    let width = |at: usize| {
        let longest = rows.iter().map(|row| out::width(&row[at])).max();
        longest.unwrap_or(0).clamp(head[at].len(), most[at])
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let line = |cells: [&str; 6]| {
        let cells = cells.iter().zip(widths).map(|(text, width)| cell(text, width));
        cells.collect::<Vec<_>>().join("  ")
    };
    out::line(&ink(Ink::Dim, &format!("  {}  ENDED", line(head))));
    for (hit, row) in hits.iter().zip(&rows) {
        let (ended, colour) = view::ended(&hit["event"]);
        let text = line(row.each_ref().map(String::as_str));
        out::line(&format!("  {text}  {}", ink(colour, ended)));
    }
}

fn columns(hit: &Value) -> [String; 6] {
    let event = &hit["event"];
    [
        view::clock(view::happened(event)).to_owned(),
        view::short_id(hit),
        view::text(&event["service"]["name"]),
        view::who(event),
        view::did(event),
        view::what(event),
    ]
}

/// How much that was, how long it took, and whether the record is whole.
fn footer(page: &Value, shown: usize) -> String {
    let mut parts = vec![match page["count"]["count"].as_u64() {
        Some(all) => format!("{} of {}", out::number(shown as u64), out::count(all, "event")),
        None => out::count(shown as u64, "event"),
    }];
    parts.push(format!("{:.1} ms", page["took_ms"].as_f64().unwrap_or(0.0)));
    let gaps = list(&page["gaps"]);
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
