//! Following over HTTP: server-sent events, breaks and stops.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Folder, Server};
use crate::wire::{Header, Wire, ask};

/// Someone who listens.
struct Listener {
    wire: Wire,
    text: String,
    /// The last id that was given.
    id: String,
    waiting: VecDeque<Said>,
    retry: Option<u64>,
}

/// One event of the stream.
#[derive(Debug)]
struct Said {
    name: String,
    id: String,
    data: Value,
}

impl Listener {
    fn open(server: &Server, token: &str, path: &str, last_id: Option<&str>) -> Listener {
        let bearer = format!("Bearer {token}");
        let mut headers: Vec<Header> = vec![("authorization", &bearer)];
        headers.extend(last_id.map(|id| ("last-event-id", id)));
        let mut wire = Wire::open(&server.url);
        wire.head("GET", path, &headers).expect("sent");
        let answer = wire.answer("GET").expect("an answer");
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"));
        let (text, id) = (String::new(), String::new());
        Listener { wire, text, id, waiting: VecDeque::new(), retry: None }
    }

    /// The next thing said; `None` where the stream ends in order.
    fn next(&mut self) -> Option<Said> {
        loop {
            if let Some(said) = self.waiting.pop_front() {
                self.id.clone_from(&said.id);
                return Some(said);
            }
            let piece = self.wire.chunk().expect("a piece");
            if piece.is_empty() {
                return None;
            }
            self.text.push_str(&String::from_utf8(piece).expect("UTF-8"));
            self.take();
        }
    }

    /// Takes whole events out of what came.
    fn take(&mut self) {
        while let Some(end) = self.text.find("\n\n") {
            let block: String = self.text.drain(..end + 2).collect();
            let field = |name: &str| {
                let mut lines = block.lines();
                lines.find_map(|l| l.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
            };
            self.retry = field("retry").and_then(|ms| ms.parse().ok()).or(self.retry);
            let before = self.waiting.back().map_or(&self.id, |said| &said.id).clone();
            let id = field("id").unwrap_or(before);
            match field("data") {
                Some(data) => {
                    let data = serde_json::from_str(&data).expect("JSON");
                    let name = field("event").unwrap_or_default();
                    self.waiting.push_back(Said { name, id, data });
                }
                None => self.id = id,
            }
        }
    }

    fn ids(&mut self, count: usize) -> Vec<String> {
        let mut next = || id_of(&self.next().expect("an event"));
        (0..count).map(|_| next()).collect()
    }
}

fn id_of(said: &Said) -> String {
    assert_eq!(said.name, "", "{said:?}");
    said.data["event"]["id"].as_str().expect("an id").to_owned()
}

fn event(id: &str, service: &str) -> Value {
    json!({
        "id": id, "action": "stock.reserve", "actor": {"type": "user", "id": "u"},
        "service": {"name": service}, "occurred_at": "2026-01-02T03:04:05Z",
    })
}

fn send(server: &Server, token: &str, events: &[Value]) {
    let answer = ask(&server.url, token, "POST", "/v1/events", &json!(events).to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn numbered(range: std::ops::Range<usize>, service: &str) -> Vec<Value> {
    range.map(|n| event(&format!("e-{n}"), service)).collect()
}

fn names(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("e-{n}")).collect()
}

#[test]
fn what_is_committed_is_said_and_a_stop_too() {
    let folder = Folder::new();
    let server = folder.serve();
    let token = folder.first_token("default");
    send(&server, &token, &numbered(0..3, "shop"));
    let mut new = Listener::open(&server, &token, "/v1/tail", None);
    let mut mail = Listener::open(&server, &token, "/v1/tail?q=a&service=mail", None);
    let mut last = Listener::open(&server, &token, "/v1/tail?last=2&service=shop", None);
    let mut since =
        Listener::open(&server, &token, "/v1/tail?service=shop&recorded_since=1h", None);
    assert_eq!(last.ids(2), ["e-1", "e-2"]);
    assert_eq!(since.ids(3), ["e-0", "e-1", "e-2"]);
    send(&server, &token, &numbered(3..5, "shop"));
    let said = new.next().expect("an event");
    let listed = ask(&server.url, &token, "GET", "/v1/events/e-3", "").json();
    assert_eq!(said.data, listed, "as lists show it");
    for listener in [&mut last, &mut since] {
        assert_eq!(listener.ids(2), ["e-3", "e-4"]);
    }
    send(&server, &token, &[event("a mail", "mail"), event("b mail", "mail")]);
    assert_eq!(mail.ids(1), ["a mail"], "both clauses hold");
    server.stop();
    for mut listener in [new, mail, last, since] {
        let end = std::iter::from_fn(|| listener.next()).last().expect("a last word");
        assert_eq!((end.name.as_str(), &end.data["why"]), ("end", &json!("stopping")), "{end:?}");
        assert_eq!(listener.retry, Some(2_000));
    }
}

#[test]
fn the_access_log_has_the_beginning_of_a_tail_and_its_end() {
    let folder = Folder::new();
    let server = folder.serve();
    let token = folder.first_token("default");
    let mut listener = Listener::open(&server, &token, "/v1/tail?q=service:shop", None);
    send(&server, &token, &numbered(0..3, "shop"));
    assert_eq!(listener.ids(3), names(0..3));
    server.stop();
    while listener.next().is_some() {}
    let server = folder.serve();
    let logs = ask(&server.url, &token, "GET", "/v1/logs", "").json();
    let mut logs = logs["logs"].as_array().expect("logs").iter();
    let log = logs.find(|log| log["purpose"] == "access").expect("an access log");
    let log = log["name"].as_str().expect("a name");
    let path = format!("/v1/events?log={log}&order=oldest&action=events.tail");
    let found = ask(&server.url, &token, "GET", &path, "").json();
    let stated: Vec<_> = found["events"].as_array().expect("events").iter().collect();
    assert_eq!(stated.len(), 2, "{found}");
    assert_eq!(stated[0]["event"]["statement"]["text"], "q=service:shop");
    let end = &stated[1]["event"];
    assert_eq!((&end["phase"], &end["outcome"]["code"]), (&json!("end"), &json!("stopping")));
    assert_eq!(end["outcome"]["counts"]["succeeded"], 3);
    server.stop();
}

#[test]
fn no_event_is_lost_or_comes_twice_wherever_the_connection_breaks() {
    const EVENTS: usize = 600;
    let folder = Folder::new();
    let server = folder.serve();
    let token = folder.first_token("default");
    let path = "/v1/tail?service=shop";
    let mut id = Listener::open(&server, &token, path, None).next_id();
    let (mut got, mut breaks, mut seed) = (Vec::new(), 0, 0x9e37_79b9_7f4a_7c15_u64);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for from in (0..EVENTS).step_by(20) {
                send(&server, &token, &numbered(from..from + 20, "shop"));
                send(&server, &token, &[event(&format!("between-{from}"), "mail")]);
            }
        });
        while got.len() < EVENTS {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let kept = (seed >> 59) as usize;
            // By the header as browsers do, and by the parameter.
            let mut listener = match breaks % 2 {
                0 => Listener::open(&server, &token, path, Some(&id)),
                _ => Listener::open(&server, &token, &format!("{path}&cursor={id}"), None),
            };
            got.extend(listener.ids(kept.min(EVENTS - got.len())));
            // What had come and was not looked at goes down with the connection.
            id = listener.next_id();
            breaks += 1;
        }
    });
    assert_eq!(got, names(0..EVENTS));
    println!("{EVENTS} events over {breaks} connections, each once");
    let wrong = format!("/v1/tail?service=mail&cursor={id}");
    let refused = ask(&server.url, &token, "GET", &wrong, "");
    assert_eq!(refused.status, 400, "{}", refused.text());
    server.stop();
    // A restart moves no place.
    let server = folder.serve();
    send(&server, &token, &numbered(EVENTS..EVENTS + 3, "shop"));
    let mut listener = Listener::open(&server, &token, path, Some(&id));
    assert_eq!(listener.ids(3), names(EVENTS..EVENTS + 3));
    server.stop();
}

impl Listener {
    /// The id of the last event that was looked at, or of where the stream began.
    fn next_id(&mut self) -> String {
        while self.id.is_empty() {
            let piece = self.wire.chunk().expect("a piece");
            self.text.push_str(&String::from_utf8(piece).expect("UTF-8"));
            self.take();
        }
        self.id.clone()
    }
}

#[test]
fn who_is_far_behind_hears_so_and_gets_everything() {
    const EVENTS: usize = 12_000;
    let folder = Folder::new();
    let server = folder.serve();
    let token = folder.first_token("default");
    for from in (0..EVENTS).step_by(2_000) {
        send(&server, &token, &numbered(from..from + 2_000, "shop"));
    }
    let path = "/v1/tail?service=shop&recorded_since=1h";
    let mut listener = Listener::open(&server, &token, path, None);
    let (mut got, mut lags) = (Vec::new(), Vec::new());
    while got.len() < EVENTS {
        let said = listener.next().expect("more");
        match said.name.as_str() {
            "lag" => lags.push(said.data["entries"].as_u64().expect("a number")),
            _ => got.push(id_of(&said)),
        }
    }
    assert_eq!(got, names(0..EVENTS));
    assert!(lags.len() >= 2 && lags[0] > 10_000, "{lags:?}");
    assert!(*lags.last().expect("one") <= 10_000, "it is over: {lags:?}");
    server.stop();
}

#[test]
fn tails_are_few_and_a_list_has_its_turn() {
    let folder = Folder::new();
    let server = folder.serve();
    let token = folder.first_token("default");
    let mut open: Vec<Listener> = Vec::new();
    let refused = loop {
        let answer = {
            let bearer = format!("Bearer {token}");
            let mut wire = Wire::open(&server.url);
            wire.head("GET", "/v1/tail", &[("authorization", &bearer)]).expect("sent");
            let answer = wire.answer("GET").expect("an answer");
            if answer.status == 200 {
                let (text, id) = (String::new(), String::new());
                open.push(Listener { wire, text, id, waiting: VecDeque::new(), retry: None });
                continue;
            }
            answer
        };
        break answer;
    };
    assert_eq!((refused.status, open.len()), (503, 64), "{}", refused.text());
    assert_eq!(refused.json()["code"], "busy");
    assert_eq!(refused.header("retry-after"), "1");
    send(&server, &token, &numbered(0..50, "shop"));
    let list = ask(&server.url, &token, "GET", "/v1/events?service=shop&count=exact", "").json();
    assert_eq!(list["count"]["count"], 50);
    for listener in &mut open {
        assert_eq!(listener.ids(50), names(0..50));
    }
    server.stop();
}

#[test]
fn a_tail_ends_with_its_token() {
    let folder = Folder::new();
    let server = folder.serve();
    let admin = folder.first_token("default");
    let new = json!({"name": "leaver", "role": "reader"}).to_string();
    let made = ask(&server.url, &admin, "POST", "/v1/tokens", &new).json();
    let token = made["token"].as_str().expect("a token");
    let mut listener = Listener::open(&server, token, "/v1/tail?service=shop", None);
    let id = token.split('_').nth(1).expect("an id");
    assert_eq!(ask(&server.url, &admin, "DELETE", &format!("/v1/tokens/{id}"), "").status, 204);
    let end = listener.next().expect("a last word");
    assert_eq!((end.name.as_str(), &end.data["why"]), ("end", &json!("token")));
    assert!(listener.next().is_none());
    server.stop();
}

/// `counterfoil tail` as it runs.
struct Running {
    child: std::process::Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Running {
    fn start(folder: &Folder, args: &[&str]) -> Running {
        let mut command = folder.command(&[&["tail"], args].concat());
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Running { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("a line").expect("text")
    }

    /// Ends it as a person does; what it said on standard error.
    fn interrupt(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
        let mut said = String::new();
        let mut err = self.child.stderr.take().expect("piped");
        err.read_to_string(&mut said).expect("text");
        assert!(self.child.wait().expect("ended").success(), "{said}");
        said
    }
}

#[test]
fn the_command_goes_on_over_a_restart() {
    let folder = Folder::new();
    let server = folder.serve();
    let (token, url) = (folder.first_token("default"), server.url.clone());
    send(&server, &token, &numbered(0..3, "shop"));
    let mut json = Running::start(&folder, &["--json", "-n", "2", "service:shop"]);
    let id = |line: String| {
        let shown: Value = serde_json::from_str(&line).expect("JSON");
        shown["event"]["id"].as_str().expect("an id").to_owned()
    };
    assert_eq!([id(json.line()), id(json.line())], ["e-1", "e-2"]);
    server.stop();
    let server = folder.serve_at(&url);
    send(&server, &token, &numbered(3..5, "shop"));
    assert_eq!([id(json.line()), id(json.line())], ["e-3", "e-4"]);
    let said = json.interrupt();
    assert!(said.contains("the server ended it: the server stops"), "{said}");
    assert!(said.contains("connection broke") && said.contains("connected again"), "{said}");
    // How often it came while nobody listened is the machine's affair; each time was said.
    let breaks = said.matches("connection broke").count();
    let plural = if breaks == 1 { "" } else { "s" };
    assert!(said.ends_with(&format!("4 events · {breaks} break{plural}\n")), "{said}");

    let mut rows = Running::start(&folder, &["-n", "1", "service:shop"]);
    assert_eq!(rows.line().trim(), "2026-01-02");
    let heads = rows.line();
    assert!(heads.trim_start().starts_with("TIME (UTC)") && heads.contains("WHO"), "{heads}");
    send(&server, &token, &[event("\u{1b}[2Jevil", "shop")]);
    for _ in 0..2 {
        let row = rows.line();
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!((cells[0], &cells[2..]), ("03:04:05.000", &["shop", "u", "stock.reserve"][..]));
    }
    assert!(rows.interrupt().contains("2 events"));
    server.stop();
    // Nobody listens there: that is no tail.
    let refused = folder.run(&["tail"]);
    assert!(refused.code == 1 && refused.err.contains("is it running?"), "{refused:?}");
}
