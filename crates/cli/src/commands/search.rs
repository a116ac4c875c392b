//! `counterfoil search`.
//!
//! Exit code 0 where the search came to its end; 3 where the server ended it before.

use event::parse_time;
use platform::{Clock as _, SystemClock};
use serde_json::Value;

use super::client;
use crate::args::{self, Global};
use crate::client::escape;
use crate::error::CliError;
use crate::out::{self, Cell, Cut, Head, Ink, fit, ink};
use crate::view::{self, list};

/// The exit code of what did not come to its end.
const INCOMPLETE: u8 = 3;
/// Terminals with fewer columns show no milliseconds.
const NARROW: usize = 100;

pub(crate) fn run(global: &Global, args: &args::Search) -> Result<u8, CliError> {
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
    let unfinished = unfinished(&page);
    let code = if unfinished.is_some() { INCOMPLETE } else { 0 };
    if global.json {
        return out::json(&page).map(|()| code);
    }
    let hits = list(&page["events"]);
    let next = page["next"].as_str().map(|cursor| again(global, args, cursor));
    if let Some(what) = &unfinished {
        out::line(&ink(Ink::Warn, &format!("NOT FINISHED: {what}")));
        out::line(&match &next {
            Some(next) => format!("  go on: {next}"),
            None => "  ask for less, such as a shorter time: since:1h".to_owned(),
        });
    }
    table(hits);
    out::parts(Ink::Dim, &footer(&page, hits));
    match (&unfinished, next) {
        (None, Some(next)) => out::line(&ink(Ink::Dim, &format!("  more: {next}"))),
        (None, None) if hits.is_empty() && args.cursor.is_none() => {
            hint(&args.query, SystemClock::new().now()).iter().for_each(|text| out::note(text));
        }
        _ => {}
    }
    Ok(code)
}

/// What of a search or its count is lacking, if the server ended it before its time.
fn unfinished(page: &Value) -> Option<String> {
    if page["partial"] != true && page["count"]["partial"] != true {
        return None;
    }
    let after = out::lasted(page["took_ms"].as_f64().unwrap_or(0.0));
    let what = match (page["partial"] == true, list(&page["events"]).len() as u64) {
        (false, _) => "not all that match are counted".to_owned(),
        (true, 0) => "none found so far".to_owned(),
        (true, found) => format!("{} found so far", out::number(found)),
    };
    let read = page["scanned"].as_u64().map(|read| out::count(read, "event"));
    let read = read.map(|read| format!(", {read} looked at")).unwrap_or_default();
    Some(format!("given up after {after}{read}; {what}"))
}

/// The command that goes on behind a cursor.
fn again(global: &Global, args: &args::Search, cursor: &str) -> String {
    let mut words = vec!["search".to_owned()];
    words.extend((!args.query.is_empty()).then(|| args.query.clone()));
    if args.limit != args::Search::LIMIT {
        words.extend(["-n".to_owned(), args.limit.to_string()]);
    }
    words.extend(args.oldest.then(|| "--oldest".to_owned()));
    words.extend(args.log.iter().flat_map(|log| ["--log".to_owned(), log.clone()]));
    words.extend(global.server_words());
    words.extend(["--cursor".to_owned(), cursor.to_owned()]);
    out::command(&words)
}

/// Names whose values people know by their beginnings, or write in another case.
const BY_HAND: [&str; 9] =
    ["who", "actor", "did", "action", "what", "resource", "service", "why", "owner"];

/// What may have been meant by a search that found nothing: the clause that is exact, and the time
/// that is still to come.
fn hint(query: &str, now_ns: i64) -> Option<String> {
    let clauses = query.split_whitespace().filter_map(|clause| clause.split_once(':'));
    let is_to_come = |(name, time): &(&str, &str)| {
        let day = if time.len() == 10 { "T00:00:00Z" } else { "" };
        let at = parse_time(&format!("{time}{day}"));
        name.ends_with("since") && at.is_ok_and(|at| at > now_ns)
    };
    if let Some((name, time)) = clauses.clone().find(is_to_come) {
        return Some(format!("{name}:{time} is still to come"));
    }
    let is_exact = |(name, value): &(&str, &str)| {
        BY_HAND.contains(name) && !value.is_empty() && !value.contains(['"', '*'])
    };
    let (name, value) = clauses.clone().find(is_exact)?;
    let begins = format!("{name}:{value} is the whole value; what begins so: {name}:{value}*");
    Some(match value.to_lowercase() == value {
        true => begins,
        false => format!("{begins}; upper and lower case differ, but not in a word alone: {value}"),
    })
}

/// One line for each event.
fn table(hits: &[Value]) {
    if hits.is_empty() {
        return;
    }
    let narrow = out::columns(&std::io::stdout()) < NARROW;
    let same = (common(hits, DAY), common(hits, YEAR));
    let time = |event: &Value| {
        let moment = view::moment(view::happened(event));
        // What all have in common stands in the footer, or is this year's.
        let from = match same {
            (Some(_), _) => DAY + 1,
            (None, Some(_)) if narrow => YEAR + 1,
            (None, _) => 0,
        };
        let to = if narrow { SECOND } else { moment.len() };
        moment.get(from..to.min(moment.len())).unwrap_or(&moment).to_owned()
    };
    let row = |hit: &Value| row(hit, time(&hit["event"]));
    let heads = heads(Head::new(if narrow { "UTC" } else { "TIME (UTC)" }, 23, Cut::Never));
    out::table(heads, &hits.iter().map(row).collect::<Vec<_>>());
}

/// The heads of a list of events, behind that of the time. Where a terminal is narrow, something of
/// both who act for each other is left, and most of what was done.
pub(super) fn heads(time: Head) -> [Head; 7] {
    [
        time,
        Head::new("ID", 40, Cut::Never).usual(8),
        Head::new("SERVICE", 16, Cut::End).usual(9),
        Head::new("WHO", 40, Cut::Chain).usual(12).least(13),
        Head::new("DID", 32, Cut::End).usual(14).least(14),
        Head::new("WHAT", 32, Cut::Middle).usual(12).least(9),
        Head::new("ENDED", 8, Cut::Never).usual(7),
    ]
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

/// Characters of a moment up to its year, its day, its second.
const YEAR: usize = "2026".len();
const DAY: usize = "2026-01-02".len();
const SECOND: usize = "2026-01-02 03:04:05".len();

/// The day on which all of them happened, if it is one.
fn day(hits: &[Value]) -> Option<&str> {
    common(hits, DAY)
}

/// What the times of all of them begin with, if it is one.
fn common(hits: &[Value], length: usize) -> Option<&str> {
    let mut begins = hits.iter().map(|hit| view::happened(&hit["event"]).get(..length));
    let first = begins.next()?;
    begins.all(|begin| begin == first).then_some(first)?
}

/// How much that was and of when, how long it took, and whether the record is whole.
fn footer(page: &Value, hits: &[Value]) -> Vec<String> {
    let shown = hits.len() as u64;
    let of = day(hits).map(|day| format!(" of {day}")).unwrap_or_default();
    let of = match (of.is_empty(), common(hits, YEAR)) {
        (true, Some(year)) => format!(" of {year}"),
        _ => of,
    };
    let mut parts = vec![match page["count"]["count"].as_u64() {
        Some(all) => {
            let least = if page["count"]["partial"] == true { "at least " } else { "" };
            format!("{} of {least}{}{of}", out::number(shown), out::count(all, "event"))
        }
        None => format!("{}{of}", out::count(shown, "event")),
    }];
    parts.push(took(page["took_ms"].as_f64().unwrap_or(0.0)));
    let more = page["gaps_more"].as_u64().unwrap_or_default();
    parts.push(open_gaps(list(&page["gaps"]), more));
    match list(&page["unreadable"]).len() as u64 {
        0 => {}
        lost => parts.push(format!("{} cannot be read", out::count(lost, "entry"))),
    }
    parts
}

/// How long a search took: the tenths tell where it was short.
fn took(ms: f64) -> String {
    if ms < 100.0 { format!("{ms:.1} ms") } else { out::lasted(ms) }
}

/// Whether numbers of producers' streams never came; `more` are known of and not listed.
pub(crate) fn open_gaps(gaps: &[Value], more: u64) -> String {
    let all = (gaps.len() as u64).saturating_add(more);
    let open = out::count(all, "open gap");
    match (all, gaps.first()) {
        (0, _) => "no gaps".into(),
        (_, None) => open,
        (1, Some(gap)) => format!("{open} ({})", describe_gap(gap)),
        (_, Some(gap)) => format!("{open} (first: {})", describe_gap(gap)),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn gaps_that_are_not_listed_are_counted() {
        let said = |gaps: usize, more: u64| {
            let gap = json!({"producer": "p", "stream": "s", "count": 2});
            footer(&json!({"gaps": vec![gap; gaps], "gaps_more": more}), &[])[2].clone()
        };
        assert_eq!(said(0, 0), "no gaps");
        assert_eq!(said(1, 0), "1 open gap (p, stream s, 2 events)");
        assert_eq!(said(2, 0), "2 open gaps (first: p, stream s, 2 events)");
        assert_eq!(said(1, 1_234), "1,235 open gaps (first: p, stream s, 2 events)");
        assert_eq!(said(0, 1), "1 open gap");
    }

    #[test]
    fn a_search_that_found_nothing_says_what_may_have_been_meant() {
        // 2026-11-22T14:00:00Z.
        let now = 1_795_356_000_000_000_000;
        for (query, wanted) in [
            ("", None),
            ("lost", None),
            ("did:refund.*", None),
            ("who:\"alice b\"", None),
            ("-did:refund", None),
            ("outcome:failure since:1h", None),
            (
                "since:1h did:refund",
                Some("did:refund is the whole value; what begins so: did:refund*"),
            ),
            ("who:ALICE", Some("upper and lower case differ, but not in a word alone: ALICE")),
            ("did:x since:2030-01-01", Some("since:2030-01-01 is still to come")),
            ("since:2026-11-22T13:59:59Z", None),
        ] {
            let said = hint(query, now);
            assert_eq!(said.is_some(), wanted.is_some(), "{query}: {said:?}");
            let (said, wanted) = (said.unwrap_or_default(), wanted.unwrap_or_default());
            assert!(said.contains(wanted), "{query}: {said}");
        }
    }
}
