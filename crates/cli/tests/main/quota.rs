//! A producer that sends more than it may is told to come again, counted, and loses nothing.

use serde_json::{Value, json};

use crate::support::Folder;
use crate::wire::ask;

fn events(first: usize, count: usize) -> String {
    let event = |nth: usize| {
        json!({
            "id": format!("e-{nth}"), "action": "a.b", "actor": {"type": "user", "id": "u"},
            "service": {"name": "billing"}, "occurred_at": "2026-01-02T03:04:05Z",
        })
    };
    Value::from_iter((first..first + count).map(event)).to_string()
}

#[test]
fn who_sends_more_than_it_may_is_told_and_loses_nothing() {
    let folder = Folder::new();
    let server = folder.serve_told(&[("COUNTERFOIL_LIMITS__PRODUCER_EVENTS_S_MAX", "2")]);
    let token = folder.first_token("default");
    // More than the 20 that it has saved up: a body is never too large, and it owes the rest.
    let first = ask(&server.url, &token, "POST", "/v1/events", &events(0, 1_000));
    assert_eq!(first.status, 200, "{}", first.text());
    let over = ask(&server.url, &token, "POST", "/v1/events", &events(1_000, 1));
    assert_eq!((over.status, &over.json()["code"]), (429, &json!("quota")), "{}", over.text());
    let wait: u64 = over.header("retry-after").parse().expect("seconds");
    assert!((1..=491).contains(&wait), "980 owed and one wanted, 2 a second: {wait}");
    let body = json!({"name": "other", "role": "producer", "services": ["billing"]}).to_string();
    let made = ask(&server.url, &token, "POST", "/v1/tokens", &body).json();
    let other = made["token"].as_str().expect("a token");
    let theirs = ask(&server.url, other, "POST", "/v1/events", &events(1_000, 1));
    assert_eq!(theirs.status, 200, "another principal has its own: {}", theirs.text());
    let refusals = ask(&server.url, &token, "GET", "/v1/refusals", "").json();
    assert_eq!(refusals["quotas"][0]["requests"], 1, "{refusals}");
    assert!(folder.run(&["refusals"]).code(0).contains("told to come again: 1 time"));
    server.stop();
}
