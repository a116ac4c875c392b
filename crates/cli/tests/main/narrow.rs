//! Terminals that are narrow, or can do little.

use serde_json::{Value, json};

use crate::support::{Folder, Server};
use crate::terminal::{self, ENTER, Seen};
use crate::wire::ask;

const ID: &str = "9d1e40c2";

/// A server with an event of a long chain on a long bucket, and one after a gap.
fn served() -> (Folder, Server) {
    let folder = Folder::new();
    let server = folder.serve();
    let event = |id: &str, seq: u32| {
        json!({
            "id": id, "action": "s3.delete_bucket_with_all_versions", "service": {"name": "storage"},
            "actor": {"type": "agent", "id": "refund-bot-of-the-shop", "on_behalf_of": [
                {"type": "user", "id": "alice@shop.example", "name": "alice"}]},
            "resources": [{"role": "target", "type": "AWS::S3::Bucket", "id": "ledger-of-2026"}],
            "outcome": {"result": "failure"}, "occurred_at": "2026-01-02T03:04:05Z",
            "producer": {"id": "storage", "stream": "s", "seq": seq},
        })
    };
    let events = json!([
        event("01a20390-809a-7e40-9d1e-40c2a8b3f6d7", 1),
        event("01a20390-809a-7e40-8a8b-1c2d3e4f5a6b", 4),
    ]);
    let token = folder.first_token("default");
    let answer = ask(&server.url, &token, "POST", "/v1/events", &events.to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
    (folder, server)
}

fn seen(folder: &Folder, columns: usize, args: &[&str]) -> String {
    let seen = terminal::run(folder, (columns, 50), &json!([]), args);
    assert!([0, 1].contains(&seen.code), "{seen:?}");
    seen.text
}

#[test]
fn what_tells_most_stays_in_eighty_columns_and_ids_in_forty() {
    let (folder, _server) = served();
    let list = seen(&folder, 80, &["search", "id:9d1e40c2"]);
    assert!(list.lines().all(|line| line.trim_end().chars().count() <= 80), "{list}");
    for part in [ID, "03:04:05  ", " for ali", "s3.delete_buc", "AWS", "-2026", "FAILED"] {
        assert!(list.contains(part), "{part}: {list}");
    }
    for args in [&["search", "service:storage"][..], &["token", "list"]] {
        let list = seen(&folder, 40, args);
        assert!(!list.contains(&ID[..5]) || list.contains(ID), "{list}");
    }
    let tokens: Value =
        serde_json::from_str(&folder.run(&["--json", "token", "list"]).code(0)).expect("JSON");
    let id = tokens["tokens"][0]["id"].as_str().expect("an id");
    assert!(seen(&folder, 40, &["token", "list"]).contains(id));
    let shown = seen(&folder, 40, &["show", ID]);
    let is_stray = |line: &str| line.starts_with("               ") && line.trim_end().len() > 15;
    assert!(!shown.lines().any(is_stray), "no line begins with a stray blank: {shown}");

    let services = seen(&folder, 80, &["services"]);
    assert!(services.contains("missing     storage 3"), "{services}");
    assert!(services.contains("look further: counterfoil services storage"), "{services}");
    let status = seen(&folder, 80, &["status"]);
    assert!(status.contains("look further: counterfoil services"), "{status}");
}

#[test]
fn a_terminal_that_is_dumb_gets_text_alone() {
    let (folder, _server) = served();
    for args in [&["status"][..], &["search", "outcome:failure"], &["top"]] {
        let mut command = terminal::command(&folder, (80, 24), &json!([]), args);
        let output = command.env("TERM", "dumb").env("NO_COLOR", "").output().expect("it runs");
        let seen = Seen::from(&*output.stdout);
        assert!(!seen.text.contains('\x1b') && !seen.text.contains("q quits"), "{seen:?}");
    }
    let mut command = terminal::command(&folder, (80, 24), &json!([]), &["status"]);
    let seen = Seen::from(&*command.env("NO_COLOR", "").output().expect("it runs").stdout);
    assert!(seen.text.contains("\x1b[") && !seen.text.contains(ENTER), "{seen:?}");
}
