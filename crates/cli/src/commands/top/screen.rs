//! The screen as lines: from what was seen, without looking at anything.

use std::collections::BTreeMap;

use serde_json::Value;

use super::sample::{History, Sample};
use crate::out::{self, Ink, cell, fit, fit_chain, fit_pair, ink, number};
use crate::view::{self, list};

/// From the least to the most.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Lines of a part, at most.
const PART_MAX: usize = 8;

/// Columns of an id; those that are longer are no UUIDs' and are found whole in a list.
const ID_MAX: usize = 24;

/// What the services stand by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Rate,
    Events,
    Name,
}

impl Sort {
    pub(super) fn next(self) -> Sort {
        match self {
            Sort::Rate => Sort::Events,
            Sort::Events => Sort::Name,
            Sort::Name => Sort::Rate,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Sort::Rate => "rate",
            Sort::Events => "events",
            Sort::Name => "name",
        }
    }
}

/// What is shown.
pub(super) struct View<'a> {
    pub(super) url: &'a str,
    pub(super) history: &'a History,
    /// The newest first.
    pub(super) failures: &'a [Value],
    pub(super) sort: Sort,
    /// Whether keys are heard.
    pub(super) keys: bool,
    /// Why there was no newer look, if there was none.
    pub(super) trouble: Option<&'a str>,
}

/// As many lines of as many columns as there is room for.
pub(super) fn lines(view: &View<'_>, columns: usize, rows: usize) -> Vec<String> {
    let Some(now) = view.history.now() else { return Vec::new() };
    let mut lines = vec![head(view, now, columns)];
    lines.extend(numbers(view.history, now, columns));
    lines.extend(services(view, now, columns));
    lines.extend(refusals(now, columns));
    lines.extend(failures(view.failures, columns));
    lines.truncate(rows);
    lines
}

fn head(view: &View<'_>, now: &Sample, columns: usize) -> String {
    let up = out::lasted(now.uptime_s as f64 * 1_000.0);
    let (word, colour, rest) = match (view.trouble, now.ready) {
        (Some(why), _) => ("NO ANSWER", Ink::Bad, format!("  what was last seen is below: {why}")),
        (None, ready) => {
            let keys = if view.keys { "    q quits, s sorts" } else { "" };
            let rest = format!("  {}    up {up}{keys}", view.url);
            let (word, colour) = if ready { ("READY", Ink::Good) } else { ("NOT READY", Ink::Bad) };
            (word, colour, rest)
        }
    };
    format!("{}{}", ink(colour, word), fit(&rest, columns.saturating_sub(word.len())))
}

fn numbers(history: &History, now: &Sample, columns: usize) -> Vec<String> {
    let fact = |label: &str, text: String| {
        format!("  {}{}", ink(Ink::Dim, &cell(label, 10)), fit(&text, columns.saturating_sub(12)))
    };
    let spark = |rates: &[f64]| sparkline(rates, columns.saturating_sub(44).min(60));
    let events = history.rates(|s| s.entries as f64);
    let bytes = history.rates(|s| s.metric("counterfoil_frame_bytes_total"));
    let last = |rates: &[f64]| rates.last().copied().unwrap_or_default();
    let ack = history.ack_ms().map_or("–".into(), |ms| format!("{ms:.1} ms"));
    let refused = history.rate(|s| s.refused as f64);
    let memory = now.metric("process_resident_memory_bytes");
    let logs = now.logs.iter().map(|(origin, size)| {
        let name = origin.rsplit('/').next().unwrap_or(origin);
        format!("{name} {}", number(*size))
    });
    vec![
        fact("entries", format!("{:>12}/s   {}", number(last(&events) as u64), spark(&events))),
        fact("written", format!("{:>12}/s   {}", out::bytes(last(&bytes) as u64), spark(&bytes))),
        fact("ack", format!("{ack}   {} waiting   index {} behind", now.waiting, number(now.lag))),
        fact("refused", format!("{refused:.0}/s   {} since the start", number(now.refused))),
        fact("memory", format!("{}   disk {}", out::bytes(memory as u64), disk(&now.disk))),
        fact("logs", logs.collect::<Vec<_>>().join(" · ")),
    ]
}

fn disk(disk: &Value) -> String {
    match disk["free_bytes"].as_f64() {
        Some(free) => format!("{} free", out::bytes(free as u64)),
        None => "unknown".into(),
    }
}

fn services<'v>(view: &View<'_>, now: &'v Sample, columns: usize) -> Vec<String> {
    let one = |(name, logs): (&'v String, &BTreeMap<String, u64>)| {
        let rate = view.history.service_rate(name).map(|rate| rate as u64);
        (name.as_str(), rate, logs.values().sum())
    };
    let mut all: Vec<(&str, Option<u64>, u64)> = now.services.iter().map(one).collect();
    match view.sort {
        // One without a rate comes last.
        Sort::Rate => all.sort_by_key(|(_, rate, events)| std::cmp::Reverse((*rate, *events))),
        Sort::Events => all.sort_by_key(|(.., events)| std::cmp::Reverse(*events)),
        Sort::Name => {}
    }
    let wide = columns.saturating_sub(30).clamp(10, 32);
    let title = format!("  SERVICES by {}", view.sort.word());
    let mut lines = vec![String::new(), ink(Ink::Dim, &title)];
    lines.extend(all.into_iter().take(PART_MAX).map(|(name, rate, events)| {
        let rate = rate.map_or("–".into(), |rate| format!("{}/s", number(rate)));
        format!("  {} {rate:>10} {:>14}", cell(name, wide), number(events))
    }));
    lines
}

fn refusals(now: &Sample, columns: usize) -> Vec<String> {
    let last = list(&now.refusals["last"]);
    if last.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), ink(Ink::Dim, "  NEWEST REFUSALS (UTC)")];
    lines.extend(last.iter().take(PART_MAX / 2).map(|refusal| {
        let at = view::text(&refusal["at"]);
        let time = view::clock(&at).get(..8).unwrap_or_default().to_owned();
        let who = cell(&view::text(&refusal["producer"]), 14);
        let code = cell(&view::text(&refusal["code"]), 14);
        let why = fit(&view::text(&refusal["reason"]), columns.saturating_sub(43));
        format!("  {time}  {who} {} {why}", ink(Ink::Warn, &code))
    }));
    lines
}

fn failures(hits: &[Value], columns: usize) -> Vec<String> {
    let mut lines = vec![String::new(), ink(Ink::Dim, "  NEWEST FAILURES AND DENIALS (UTC)")];
    if hits.is_empty() {
        lines.push("  none".into());
    }
    let shown = hits.iter().take(PART_MAX);
    let id_wide = shown.map(|hit| out::width(&view::short_id(hit))).max().unwrap_or(0);
    let id_wide = id_wide.clamp(8, ID_MAX);
    let wide = columns.saturating_sub(34 + id_wide) / 2;
    lines.extend(hits.iter().take(PART_MAX).map(|hit| {
        let event = &hit["event"];
        let (ended, colour) = view::ended(event);
        let time = view::clock(view::happened(event)).get(..8).unwrap_or_default().to_owned();
        let id = cell(&view::short_id(hit), id_wide);
        let service = cell(&view::text(&event["service"]["name"]), 10);
        let who = cell(&fit_chain(&view::who(event), wide), wide);
        let did = cell(&fit_pair(&view::did(event), &view::what(event), wide), wide);
        format!("  {time}  {id}  {service} {who} {did} {}", ink(colour, ended))
    }));
    lines
}

/// The newest of some values, as high as the highest of them.
fn sparkline(values: &[f64], columns: usize) -> String {
    let shown = &values[values.len().saturating_sub(columns)..];
    let most = shown.iter().copied().fold(0.0, f64::max);
    let step = |value: &f64| {
        let height = if most > 0.0 { value / most * 7.0 } else { 0.0 };
        STEPS[(height.round() as usize).min(7)]
    };
    shown.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::out::width;

    const SCREENS: [(usize, &str); 2] = [
        (80, include_str!("../../../../../docs/screens/top-80.txt")),
        (200, include_str!("../../../../../docs/screens/top-200.txt")),
    ];

    /// A look every two seconds.
    fn sample(nth: u64) -> Sample {
        let status = json!({
            "uptime_s": 7_380, "ready": true, "refused": 3, "lag_events": 0, "lane_waiting": 2,
            "disk": {"free_bytes": 120_000_000_000_u64},
            "logs": [{"origin": "demo.local/tlog/shop-0", "size": 1_000 + nth * nth * 7}],
            "services": {"latest": [
                {"service": "web", "events": 600 + nth * 20},
                {"service": "payments\u{1b}[2J", "events": 300 + nth * 31},
            ]},
        });
        let refusals = json!({"last": [{
            "at": "2026-11-25T14:02:11.482000000Z", "producer": "mail", "code": "unknown_member",
            "reason": "no member \"recources\"; did you mean \"resources\"?",
        }]});
        let metrics = format!(
            "# HELP x y\ncounterfoil_frame_bytes_total {}\ncounterfoil_commit_seconds_count {}\n\
             counterfoil_commit_seconds_sum {}\nprocess_resident_memory_bytes 52428800\n",
            nth * 30_000,
            nth * 40,
            nth as f64 * 0.12,
        );
        Sample::new(Duration::from_secs(2 * nth), &status, refusals, &metrics)
    }

    #[test]
    fn the_screens_in_the_docs_are_those_that_are_drawn() {
        let mut history = History::default();
        (0..30).for_each(|nth| history.add(sample(nth)));
        let failures = [json!({"log": "shop-0", "seq": 5, "event": {
            "id": "01935f0e-7d3a-7000-9d1e-40c2aaaaaaaa", "action": "refund.create",
            "occurred_at": "2026-11-25T14:02:10.000000000Z",
            "actor": {"type": "agent", "id": "refund-bot", "on_behalf_of": [{"id": "alice"}]},
            "service": {"name": "payments"}, "decision": {"effect": "deny"},
            "resources": [{"role": "target", "type": "refund", "id": "7f31"}],
        }})];
        let url = "http://127.0.0.1:8420";
        let (history, failures, sort) = (&history, &failures, Sort::Rate);
        let mut view = View { url, history, failures, sort, keys: true, trouble: None };
        for (columns, want) in SCREENS {
            let lines = lines(&view, columns, 40);
            assert!(lines.iter().all(|line| width(&plain(line)) <= columns), "{columns}");
            let shown: String =
                lines.iter().map(|line| plain(line).trim_end().to_owned() + "\n").collect();
            let (head, want) = want.split_once("\n\n").expect("a head and a screen");
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/screens");
                let path = format!("{root}/top-{columns}.txt");
                std::fs::write(path, format!("{head}\n\n{shown}")).expect("written");
                continue;
            }
            let how = "UPDATE_GOLDEN=1 cargo test -p cli screens_in_the_docs";
            assert_eq!(shown, want, "docs/screens/top-{columns}.txt; {how}");
        }
        assert_eq!(lines(&view, 80, 5).len(), 5, "a short terminal");
        assert!(plain(&lines(&view, 80, 40)[0]).contains("q quits"));
        view.keys = false;
        assert!(!plain(&lines(&view, 80, 40)[0]).contains("q quits"), "nobody hears them");
        view.trouble = Some("connection refused, and a long reason that no narrow line takes");
        let head = plain(&lines(&view, 60, 40)[0]);
        assert!(head.starts_with("NO ANSWER  what was last seen") && width(&head) <= 60, "{head}");
    }

    fn seen(service: &str, log: &str, events: u64) -> Value {
        json!({"service": service, "log": log, "events": events})
    }

    #[test]
    fn a_service_that_comes_into_view_has_no_rate_yet() {
        let look = |at, latest: &[Value]| {
            let status = json!({"services": {"latest": latest}});
            Sample::new(Duration::from_secs(at), &status, Value::Null, "")
        };
        let mut history = History::default();
        let shown = |history: &History| {
            let (url, sort) = ("u", Sort::Rate);
            let view = View { url, history, failures: &[], sort, keys: false, trouble: None };
            let lines = services(&view, history.now().expect("a look"), 80);
            let lines = lines.iter().skip(2).map(|line| plain(line));
            lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
        };
        history.add(look(0, &[seen("web", "a-0", 500), seen("mail", "a-0", 7)]));
        let first: Vec<String> = shown(&history);
        assert_eq!(first, ["web – 500", "mail – 7"], "one look is none to compare with");
        // The newest hundred thousand of `old` are those of years; `mail` goes on in another log.
        let mail = [seen("mail", "a-0", 7), seen("mail", "a-1", 9)];
        let latest = [&mail[..], &[seen("old", "a-0", 100_000), seen("web", "a-0", 504)]].concat();
        history.add(look(2, &latest));
        let then: Vec<String> = shown(&history);
        assert_eq!(then, ["web 2/s 504", "old – 100,000", "mail – 16"]);
        history.add(look(4, &latest));
        let last: Vec<String> = shown(&history);
        assert_eq!(last, ["old 0/s 100,000", "web 0/s 504", "mail 0/s 16"]);
    }

    /// A line without colours, escaped as it is printed.
    fn plain(line: &str) -> String {
        crate::out::plain(line)
    }

    #[test]
    fn values_are_drawn_as_high_as_they_are() {
        assert_eq!(sparkline(&[0.0, 1.0, 7.0], 9), "▁▂█");
        assert_eq!(
            (sparkline(&[1.0, 2.0, 4.0], 2), sparkline(&[0.0], 5)),
            ("▅█".into(), "▁".into())
        );
    }
}
