//! `/metrics` as Prometheus sees it, and how large it gets.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::Folder;
use crate::wire::Wire;

/// Services that make themselves heard.
const SERVICES: usize = 10_000;
/// Those of one request.
const BATCH: usize = 1_000;
/// Digits of values may grow: the page may differ by so many bytes.
const DIGITS_BYTES_MAX: usize = 1_500;

const FAMILIES: &str = include_str!("../../../../docs/metrics.md");

fn event(nth: usize) -> Value {
    json!({
        "id": format!("e-{nth}"), "action": format!("thing-{nth}.change"),
        "actor": {"type": "service", "id": format!("actor-{nth}")},
        "service": {"name": format!("service-{nth}")},
        "producer": {"id": format!("producer-{nth}"), "stream": "s", "seq": 0},
        "occurred_at": "2026-01-02T03:04:05Z",
    })
}

fn scrape(url: &str) -> String {
    Wire::open(url).ask("GET", "/metrics", &[], b"").text()
}

/// What stands before the values.
fn series(page: &str) -> BTreeSet<&str> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| Some(line.rsplit_once(' ')?.0)).collect()
}

#[test]
fn ten_thousand_services_make_as_many_series_as_one() {
    let folder = Folder::new();
    let server = folder.serve();
    let bearer = format!("Bearer {}", folder.first_token("default"));
    let headers = [("authorization", bearer.as_str()), ("prefer", "return=minimal")];
    let mut wire = Wire::open(&server.url);
    let mut post = |events: Vec<Value>| {
        let body = Value::from(events).to_string();
        let answer = wire.ask("POST", "/v1/events", &headers, body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    // One event that is admitted and one that is refused, so that both have their series.
    post(vec![event(0), json!({"id": "refused"})]);
    scrape(&server.url);
    let before = scrape(&server.url);
    for first in (1..SERVICES).step_by(BATCH) {
        let last = (first + BATCH).min(SERVICES);
        let mut events: Vec<Value> = (first..last).map(event).collect();
        events.push(json!({"id": format!("refused-{first}")}));
        post(events);
    }
    let after = scrape(&server.url);
    println!(
        "{SERVICES} services: {} series, {} bytes; one service: {} series, {} bytes",
        series(&after).len(),
        after.len(),
        series(&before).len(),
        before.len()
    );
    assert!(after.contains(&format!("counterfoil_events_total {SERVICES}\n")), "{after}");
    assert_eq!(series(&before), series(&after));
    assert!(after.len().abs_diff(before.len()) <= DIGITS_BYTES_MAX, "{after}");
    for name in ["service-", "actor-", "producer-", "thing-", "default"] {
        assert!(!after.contains(name), "{name} stands in {after}");
    }
    let shown: BTreeSet<&str> = after.lines().filter_map(type_of).collect();
    let told: BTreeSet<&str> = FAMILIES.lines().filter_map(documented).collect();
    assert_eq!(shown, told, "the page and docs/metrics.md");
    // For parsers that are not ours (docs/acceptance.md).
    if let Some(path) = std::env::var_os("COUNTERFOIL_METRICS_OUT") {
        std::fs::write(path, &after).expect("written");
    }
    server.stop();
}

fn type_of(line: &str) -> Option<&str> {
    line.strip_prefix("# TYPE ")?.split(' ').next()
}

fn documented(line: &str) -> Option<&str> {
    line.strip_prefix("| `")?.split('`').next()
}
