//! `counterfoil top` in a terminal: keys, sizes, breaks, and giving the terminal back.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Folder, Server};
use crate::terminal::{self, ENTER, LEAVE, Seen, press, see};
use crate::wire::ask;

/// Columns and rows.
const SIZE: (usize, usize) = (80, 24);

fn refused(action: &str, more: &Value) -> Value {
    let mut event = json!({
        "action": action, "service": {"name": "payments"}, "occurred_at": "2026-01-02T03:04:05Z",
        "actor": {"type": "agent", "id": "refund-bot", "on_behalf_of": [{"type": "user", "id": "alice"}]},
    });
    let members = event.as_object_mut().expect("an object");
    members.extend(more.as_object().expect("an object").clone());
    event
}

fn send(folder: &Folder, server: &Server, events: &Value) {
    let token = folder.first_token("default");
    let answer = ask(&server.url, &token, "POST", "/v1/events", &events.to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// A server with one denial that is no failure, one failure, and one denial that was tried out.
fn served() -> (Folder, Server) {
    let folder = Folder::new();
    let server = folder.serve();
    let events = json!([
        refused("order.deny", &json!({"decision": {"effect": "deny"}})),
        refused("order.fail", &json!({"outcome": {"result": "failure"}})),
        refused("order.try", &json!({"decision": {"effect": "deny", "mode": "shadow"}})),
    ]);
    send(&folder, &server, &events);
    (folder, server)
}

#[track_caller]
fn assert_given_back(seen: &Seen) {
    assert_eq!((seen.code, seen.is_same), (0, Some(true)), "{seen:?}");
    assert_eq!(seen.text.matches(ENTER).count(), 1, "{seen:?}");
    assert!(seen.text.ends_with(LEAVE), "nothing is drawn on the screen that is back: {seen:?}");
}

#[test]
fn keys_and_sizes_are_heard_and_q_gives_the_terminal_back() {
    let (folder, _server) = served();
    let steps = json!([
        see(ENTER),
        see("READY"),
        see("order.fail"),
        see("order.deny"),
        press("s"),
        see("SERVICES by events"),
        // Neither is a key for a signal here.
        press("\u{1a}\u{1c}s"),
        see("SERVICES by name"),
        {"size": [60, 24]},
        see("refund-b… "),
        {"size": [200, 40]},
        see("refund-bot for alice    "),
        press("q"),
    ]);
    let seen = terminal::run(&folder, SIZE, &steps, &["top"]);
    assert_given_back(&seen);
    assert!(!seen.text.contains("order.try"), "what was only tried out is no denial: {seen:?}");
}

#[test]
fn signals_give_the_terminal_back() {
    let (folder, _server) = served();
    for end in [press("\u{3}"), json!({"signal": 2}), json!({"signal": 15})] {
        let seen = terminal::run(&folder, SIZE, &json!([see("READY"), end]), &["top"]);
        assert_given_back(&seen);
    }
}

#[test]
fn it_ends_with_its_terminal_and_with_who_reads_it() {
    let (folder, _server) = served();
    let steps = json!([see("READY"), {"close": true}]);
    let seen = terminal::run(&folder, SIZE, &steps, &["top"]);
    assert_eq!(seen.is_same, None);
    assert!([-1, 0].contains(&seen.code), "hung up, or heard of it by itself: {seen:?}");

    // A pipe is no terminal: one screen, and a reader who leaves after a line is no error.
    let top = folder.command(&["top"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$0\" top | head -n 1"]).arg(top.get_program()).stdin(Stdio::null());
    shell.env("COUNTERFOIL_CONTEXTS", folder.path("contexts.toml"));
    let output = shell.output().expect("sh runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.starts_with("READY") && !text.contains('\x1b'), "{text:?}");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_server_that_comes_again_is_looked_at_again() {
    let (folder, server) = served();
    let steps = json!([
        see("READY"), see("order.deny"), {"say": "ready"}, see("NO ANSWER"), {"say": "gone"},
        see("READY"), see("order.late"), press("q"),
    ]);
    let mut command = terminal::command(&folder, SIZE, &steps, &["top"]);
    let mut python = command.stdout(Stdio::piped()).spawn().expect("python3 is there");
    let mut said = BufReader::new(python.stdout.take().expect("piped"));
    let mut heard = |want: &str| {
        let mut line = String::new();
        said.read_line(&mut line).expect("a line");
        assert_eq!(line.trim(), want);
    };
    heard("ready");
    let url = server.url.clone();
    server.stop();
    heard("gone");
    let server = folder.serve_at(&url);
    send(
        &folder,
        &server,
        &json!([refused("order.late", &json!({"decision": {"effect": "deny"}}))]),
    );
    let mut rest = Vec::new();
    said.read_to_end(&mut rest).expect("read");
    assert!(python.wait().expect("ended").success());
    assert_given_back(&Seen::from(&*rest));
}

#[test]
fn what_cannot_work_is_an_error_and_no_screen() {
    let folder = Folder::new();
    folder.run(&["context", "add", "nobody", "--at", "http://127.0.0.1:1"]).code(0);
    let seen = terminal::run(&folder, SIZE, &json!([]), &["top"]);
    assert!(seen.code > 0 && !seen.text.contains(ENTER), "{seen:?}");
    assert!(seen.is_same == Some(true) && seen.text.contains("counterfoil: "), "{seen:?}");
}
