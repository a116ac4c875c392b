//! `counterfoil session`: what one session did, at the command line.

use serde_json::json;

use crate::support::Folder;
use crate::wire::ask;

#[test]
fn a_session_is_shown_as_a_timeline() {
    let folder = Folder::new();
    let server = folder.serve();
    let token = folder.first_token("default");
    let step = |service: &str, action: &str, at: &str, more: serde_json::Value| {
        let mut event = json!({
            "action": action, "actor": {"type": "user", "id": "alice"},
            "service": {"name": service}, "occurred_at": at,
            "correlation": {"session_id": "session-of-alice"},
        });
        let members = event.as_object_mut().expect("an object");
        members.extend(more.as_object().expect("an object").clone());
        event
    };
    let sent = json!([
        step("web", "session.login", "2026-01-02T03:04:05Z", json!({})),
        step(
            "pay",
            "refund.create",
            "2026-01-02T03:07:25Z",
            json!({
                "decision": {"effect": "deny"}, "outcome": {"result": "failure"},
                "resources": [{"role": "target", "type": "refund", "id": "7f31"}],
            })
        ),
        step(
            "web",
            "page\u{1b}[2J.read",
            "2026-01-02T03:04:06.5Z",
            json!({
                "actor": {"type": "user", "id": "mallory"}, "source": {"address": "10.9.9.9"},
            })
        ),
    ]);
    let answer = ask(&server.url, &token, "POST", "/v1/events", &sent.to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let shown = folder.run(&["session", "session-of"]).code(0);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        lines[0],
        "session session-of-alice · 3 events · 2 services · 3 min 20 s · 1 denied"
    );
    for fact in [
        "who         alice (user, 2 events), mallory (user, 1 event)",
        "more than one actor under one session id",
        "since       2026-01-02 03:04:05.000 UTC",
        "from        10.9.9.9",
        "services    web 2, pay 1",
        "denied      first refund.create refund/7f31 at pay",
    ] {
        assert!(shown.contains(fact), "{fact} in\n{shown}");
    }
    let rows: Vec<&str> = lines.iter().copied().filter(|l| l.starts_with("  +")).collect();
    let starts: Vec<_> = rows.iter().map(|row| row.split("  ").nth(1)).collect();
    assert_eq!(starts, [Some("+0 ms"), Some("+1.5 s"), Some("+3 min 20 s")], "{shown}");
    assert!(rows[1].contains("page\\u{1b}[2J.read") && rows[2].ends_with("DENIED"), "{shown}");
    assert!(shown.contains("no gaps"), "{shown}");

    let page = folder.run(&["session", "session-of-alice", "-n", "2"]).code(0);
    let more = "\n  more: counterfoil session session-of-alice -n 2 --cursor ";
    assert!(page.contains("a part of the session") && page.contains(more), "{page}");
    let cursor = page.trim_end().rsplit(' ').next().expect("a cursor");
    let rest = folder.run(&["session", "session-of-alice", "--cursor", cursor]).code(0);
    assert!(rest.contains("1 event · 1 service"), "{rest}");
    let nothing = folder.run(&["session", "nobody"]);
    assert!(
        nothing.code == 1 && nothing.err.contains("shows an event's session id"),
        "{nothing:?}"
    );
    server.stop();
}
