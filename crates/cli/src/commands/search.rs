//! `counterfoil search`.

use serde_json::Value;

use super::client;
use crate::args::{self, Global};
use crate::client::escape;
use crate::error::CliError;
use crate::out::{self, Cell, Ink, fit};
use crate::view::{self, list};

/// Terminals with fewer columns show no milliseconds.
const NARROW: usize = 100;

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
    if let Some(log) = &args.log {
        path.push_str(&format!("&log={}", escape(log)));
    }
    let page = client(global)?.get_json(&path)?;
    if global.json {
        return out::json(&page);
    }
    let hits = list(&page["events"]);
    table(hits);
    out::parts(Ink::Dim, &footer(&page, hits));
    Ok(())
}

/// One line for each event.
fn table(hits: &[Value]) {
    if hits.is_empty() {
        return;
    }
    let narrow = out::columns(&std::io::stdout()) < NARROW;
    let time = |event: &Value| match (day(hits), narrow) {
        (None, _) => view::moment(view::happened(event)),
        (Some(_), true) => view::clock(view::happened(event)).chars().take(8).collect(),
        (Some(_), false) => view::clock(view::happened(event)).to_owned(),
    };
    let row = |hit: &Value| row(hit, time(&hit["event"]));
    let heads = [
        (if narrow { "UTC" } else { "TIME (UTC)" }, 23),
        ("ID", 40),
        ("SERVICE", 16),
        ("WHO", 32),
        ("DID", 32),
        ("WHAT", 32),
        ("ENDED", 8),
    ];
    out::table(heads, &hits.iter().map(row).collect::<Vec<_>>());
}

/// An event as a row: time, id, service, who, did, what, ended.
pub(super) fn row(hit: &Value, time: String) -> [Cell; 7] {
    let event = &hit["event"];
    let (ended, colour) = view::ended(event);
    [
        time.into(),
        view::short_id(hit).into(),
        view::text(&event["service"]["name"]).into(),
        view::who(event).into(),
        view::did(event).into(),
        view::what(event).into(),
        Cell(ended.to_owned(), colour),
    ]
}

/// The day on which all of them happened, if it is one.
fn day(hits: &[Value]) -> Option<&str> {
    let mut days = hits.iter().map(|hit| view::happened(&hit["event"]).get(..10));
    let first = days.next()?;
    days.all(|day| day == first).then_some(first)?
}

/// How much that was and of when, how long it took, and whether the record is whole.
fn footer(page: &Value, hits: &[Value]) -> Vec<String> {
    let shown = hits.len() as u64;
    let of = day(hits).map(|day| format!(" of {day}")).unwrap_or_default();
    let mut parts = vec![match page["count"]["count"].as_u64() {
        Some(all) => format!("{} of {}{of}", out::number(shown), out::count(all, "event")),
        None => format!("{}{of}", out::count(shown, "event")),
    }];
    parts.push(format!("{:.1} ms", page["took_ms"].as_f64().unwrap_or(0.0)));
    parts.push(open_gaps(list(&page["gaps"]), page["gaps_more"] == true));
    match list(&page["unreadable"]).len() as u64 {
        0 => {}
        lost => parts.push(format!("{} cannot be read", out::count(lost, "entry"))),
    }
    if page["partial"] == true {
        parts.push("stopped early".into());
    }
    if let Some(next) = page["next"].as_str() {
        parts.push(format!("more: --cursor {next}"));
    }
    parts
}

/// Whether numbers of producers' streams never came; `more` where not all such are listed.
pub(crate) fn open_gaps(gaps: &[Value], more: bool) -> String {
    match gaps {
        [] => "no gaps".into(),
        [gap] if !more => format!("1 open gap ({})", describe_gap(gap)),
        [gap, ..] => {
            let over = if more { "over " } else { "" };
            format!("{over}{} open gaps (first: {})", gaps.len(), describe_gap(gap))
        }
    }
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
