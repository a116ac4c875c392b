//! A disk that is nearly full: who sends is told, who reads is served, the log states it.

use crate::support::Folder;
use crate::wire::{Wire, ask};

const EVENT: &str = r#"{"id":"one","action":"a.b","actor":{"type":"user","id":"u"},"service":{"name":"billing"},"occurred_at":"2026-01-02T03:04:05Z"}"#;

#[test]
fn with_a_disk_nearly_full_nothing_is_taken_in_and_all_else_goes_on() {
    let folder = Folder::new();
    let server = folder.serve();
    let token = folder.first_token("default");
    assert_eq!(ask(&server.url, &token, "POST", "/v1/events", EVENT).status, 200);
    server.stop();

    // No disk has so much free: as if this one had nothing.
    let server = folder.serve_told(&[("COUNTERFOIL_DISK__FREE_MIN_BYTES", "1152921504606846976")]);
    let later = EVENT.replace("one", "two");
    let refused = ask(&server.url, &token, "POST", "/v1/events", &later);
    assert_eq!((refused.status, &refused.json()["code"]), (503, &"disk".into()));
    assert_eq!(refused.header("retry-after"), "1");
    let ready = Wire::open(&server.url).ask("GET", "/readyz", &[], b"");
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("less than disk.free_min_bytes"), "{}", ready.text());
    let found = ask(&server.url, &token, "GET", "/v1/events?q=action:disk.room", "").json();
    assert_eq!(found["events"].as_array().map(Vec::len), Some(1), "stated once: {found}");
    assert_eq!(found["events"][0]["event"]["attributes"]["now"], "critical", "{found}");
    let url = ["--url", &server.url, "--token", &token];
    let status = folder.run(&[&["status"][..], &url].concat()).code(1);
    assert!(status.contains("NOT WELL") && status.contains("disk"), "{status}");
    server.stop();

    let server = folder.serve();
    assert_eq!(ask(&server.url, &token, "POST", "/v1/events", &later).status, 200, "a retry");
    server.stop();
}
