//! The HTTP interface, told as a text script: `http.txt` says how it is written.

use std::collections::BTreeMap;
use std::io::Read;

use serde_json::{Value, json};

use crate::support::Folder;
use crate::wire::{Answer, Header, Wire, ask};

const SCRIPT: &str = include_str!("http.txt");
const NATIVE_PAGE: &str = include_str!("../../../../docs/senders/native.md");
const EVENT: &str = r#""action":"a.b","actor":{"type":"user","id":"u"},"service":{"name":"billing"},"occurred_at":"2026-01-02T03:04:05Z""#;
const CONFIG: &str = r#"
[[log]]
name = "default-0"
tenant = "default"

[[log]]
name = "open-0"
tenant = "open"
public = true
"#;

#[test]
fn the_interface_does_as_its_script_says() {
    let folder = Folder::new();
    folder.write("c.toml", CONFIG);
    let server = folder.serve_with(&["--config", "c.toml"]);
    let tokens = tokens(&server.url, &folder.first_token("default"));
    let mut play = Play { url: &server.url, tokens, names: BTreeMap::new(), wrong: Vec::new() };
    play.names.insert("E".into(), EVENT.into());
    let steps = steps(SCRIPT);
    for step in &steps {
        play.step(step);
    }
    assert!(play.wrong.is_empty(), "{}", play.wrong.join("\n"));
    println!("{} requests answered as the script says", steps.len());
    as_the_page_says(&server.url, &play.tokens["forwarder"]);
    server.stop();
}

/// What a sender copies from docs/senders/native.md is admitted.
fn as_the_page_says(url: &str, token: &str) {
    let (_, call) = NATIVE_PAGE.split_once("\ncurl ").expect("a call");
    let (head, rest) = call.split_once("-d '").expect("a body");
    let (body, _) = rest.split_once('\'').expect("its end");
    let headers = head.split("-H ").skip(1).map(|header| {
        let quote = &header[..1];
        let header = header[1..].split(quote).next().expect("a header");
        header.split_once(": ").expect("a name and a value")
    });
    let bearer = format!("Bearer {token}");
    let headers: Vec<Header> = headers
        .map(|(name, value)| (name, if value == "Bearer $TOKEN" { &bearer } else { value }))
        .collect();
    let answer = Wire::open(url).ask("POST", "/v1/events", &headers, body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// One token of each role, by role.
pub fn tokens(url: &str, admin: &str) -> BTreeMap<String, String> {
    let mut tokens = BTreeMap::from([("admin".to_owned(), admin.to_owned())]);
    tokens.insert("nobody".into(), String::new());
    for role in ["producer", "forwarder", "reader", "auditor"] {
        let services = if role == "producer" { json!(["billing"]) } else { json!([]) };
        let new = json!({"name": format!("a-{role}"), "role": role, "services": services});
        let answer = ask(url, admin, "POST", "/v1/tokens", &new.to_string());
        assert_eq!(answer.status, 201, "{}", answer.text());
        let token = answer.json()["token"].as_str().expect("a token").to_owned();
        tokens.insert(role.into(), token);
    }
    tokens
}

/// A request and what must come back.
#[derive(Default)]
struct Step {
    line: usize,
    title: String,
    request: String,
    headers: Vec<(String, String)>,
    /// Lines of the body: as they stand, or how to make them.
    body: Vec<Line>,
    answer: String,
    checks: Vec<(char, String)>,
}

enum Line {
    Text(String),
    Made(String),
}

fn steps(script: &str) -> Vec<Step> {
    let (mut steps, mut step, mut title) = (Vec::new(), Step::default(), String::new());
    for (at, line) in script.lines().chain([""]).enumerate() {
        let rest =
            |prefix: &str| line.strip_prefix(prefix).map(|rest| rest.trim_start().to_owned());
        if let Some(text) = rest("## ") {
            title = text;
        } else if line.is_empty() {
            if !step.request.is_empty() {
                steps.push(std::mem::take(&mut step));
            }
        } else if line.starts_with('#') {
        } else if step.request.is_empty() {
            step.request = line.to_owned();
            (step.line, step.title) = (at + 1, title.clone());
        } else if let Some(made) = rest("<!") {
            step.body.push(Line::Made(made));
        } else if let Some(text) = rest("<") {
            step.body.push(Line::Text(text));
        } else if let Some(answer) = rest("= ") {
            step.answer = answer;
        } else if let Some(check) = line.split_once(' ').filter(|(first, _)| is_check(first)) {
            let mark = if check.0 == "set" { '$' } else { line.chars().next().expect("a mark") };
            step.checks.push((mark, check.1.to_owned()));
        } else {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("line {}", at + 1));
            step.headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    steps
}

fn is_check(word: &str) -> bool {
    ["+", "&", "~", "!", "set"].contains(&word)
}

struct Play<'a> {
    url: &'a str,
    tokens: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
    wrong: Vec<String>,
}

impl Play<'_> {
    fn step(&mut self, step: &Step) {
        let words: Vec<&str> = step.request.split(' ').collect();
        let [method, path, role] = words[..] else { panic!("line {}: a request", step.line) };
        let answer = self.ask(step, method, &self.fill(path), role);
        let problems = match &answer {
            Ok(answer) => self.judge(step, method, answer),
            Err(_) if step.answer.ends_with(" closed") => Vec::new(),
            Err(error) => vec![format!("no answer: {error}")],
        };
        let shown = answer.map(|a| a.text().chars().take(400).collect::<String>());
        for problem in problems {
            let said = shown.as_deref().unwrap_or_default();
            let what = format!("line {} ({}): {problem}\n    {said}", step.line, step.title);
            self.wrong.push(what);
        }
    }

    /// Puts in what was remembered.
    fn fill(&self, text: &str) -> String {
        let names = self.names.iter().rev();
        names.fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
    }

    fn ask(&self, step: &Step, method: &str, path: &str, role: &str) -> std::io::Result<Answer> {
        let bearer = format!("Bearer {}", self.tokens[role]);
        let mut headers: Vec<Header> =
            step.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if role != "nobody" {
            headers.push(("authorization", &bearer));
        }
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            headers.push(("content-type", "application/json"));
        }
        let mut wire = Wire::try_open(self.url)?;
        if let Some((kind, argument)) = special(step) {
            return odd(&mut wire, method, path, &headers, kind, &self.fill(argument));
        }
        let lines = step.body.iter().map(|line| match line {
            Line::Text(text) => self.fill(text).into_bytes(),
            Line::Made(made) => self.make(made),
        });
        wire.try_ask(method, path, &headers, &lines.collect::<Vec<_>>().join(&b'\n'))
    }

    /// A body that nobody would write down.
    fn make(&self, made: &str) -> Vec<u8> {
        let (kind, argument) = made.split_once(' ').expect("a kind and an argument");
        let count = || argument.parse::<usize>().expect("a number");
        let event = |members: &str| format!("{{{EVENT}{members}}}");
        match kind {
            "gzip" => gzip(self.fill(argument).as_bytes()),
            "zstd" => zstd::encode_all(self.fill(argument).as_bytes(), 1).expect("compressed"),
            "spaces" => vec![b' '; count()],
            "events" => format!("[{}]", vec!["{}"; count()].join(",")).into_bytes(),
            "alike" => {
                let event =
                    |nth| event(&format!(",\"id\":\"alike\",\"attributes\":{{\"n\":{nth}}}"));
                let events: Vec<String> = (0..count()).map(event).collect();
                format!("[{}]", events.join(",")).into_bytes()
            }
            "deep" => {
                let (open, close) = ("[".repeat(count()), "]".repeat(count()));
                event(&format!(",\"attributes\":{{\"a\":{open}1{close}}}")).into_bytes()
            }
            "large" => {
                let rest = count() - event(",\"attributes\":{\"a\":\"\"}").len();
                let text = "x".repeat(rest);
                event(&format!(",\"attributes\":{{\"a\":\"{text}\"}}")).into_bytes()
            }
            other => panic!("{other}: no such body"),
        }
    }

    fn judge(&mut self, step: &Step, method: &str, answer: &Answer) -> Vec<String> {
        let mut problems = Vec::new();
        let (status, kind) = step.answer.split_once(' ').unwrap_or((&step.answer, ""));
        let kind = kind.trim_end_matches(" closed");
        if answer.status.to_string() != status || answer.header("content-type") != kind {
            let got = (answer.status, answer.header("content-type"));
            problems.push(format!("want {status} {kind}, got {got:?}"));
        }
        if answer.status >= 400 && method != "HEAD" && status != "422" {
            let problem = answer.json();
            let title = problem["title"].as_str().unwrap_or_default();
            if problem["status"] != answer.status || title.is_empty() || problem["code"].is_null() {
                problems.push("no problem details".into());
            }
        }
        for (mark, check) in &step.checks {
            problems.extend(self.check(*mark, &self.fill(check), answer));
        }
        problems
    }

    fn check(&mut self, mark: char, check: &str, answer: &Answer) -> Option<String> {
        let (text, body) = (answer.text(), answer.json());
        let fine = match mark {
            '~' => text.contains(check),
            '!' => !text.contains(check),
            '&' => within(&serde_json::from_str(check).expect("JSON"), &body),
            '+' => {
                let (name, value) = check.split_once(": ").expect("a header");
                answer.header(name) == value
            }
            _ => {
                let (name, pointer) = check.split_once(' ').expect("a name and a pointer");
                let value = body.pointer(pointer).unwrap_or(&Value::Null);
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                self.names.insert(name.to_owned(), value);
                true
            }
        };
        (!fine).then(|| format!("want {mark} {check}"))
    }
}

/// The kind of a request that is no plain request.
fn special(step: &Step) -> Option<(&str, &str)> {
    let [Line::Made(made)] = &step.body[..] else { return None };
    made.split_once(' ').filter(|(kind, _)| ["cut", "chunked", "announced"].contains(kind))
}

fn odd(
    wire: &mut Wire,
    method: &str,
    path: &str,
    headers: &[Header],
    kind: &str,
    argument: &str,
) -> std::io::Result<Answer> {
    let announced = match kind {
        "cut" => (argument.len() + 10).to_string(),
        _ => argument.to_owned(),
    };
    let length = match kind {
        "chunked" => ("transfer-encoding", "chunked"),
        _ => ("content-length", announced.as_str()),
    };
    wire.head(method, path, &[headers, &[length]].concat())?;
    match kind {
        "cut" => {
            wire.send(argument.as_bytes())?;
            wire.hang_up();
        }
        "chunked" => {
            let count: usize = argument.parse().expect("a number");
            wire.send(format!("{count:x}\r\n").as_bytes())?;
            wire.send(&vec![b' '; count])?;
            wire.send(b"\r\n0\r\n\r\n")?;
        }
        _ => {}
    }
    wire.answer(method)
}

pub fn gzip(plain: impl Read) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(plain, flate2::Compression::best());
    encoder.read_to_end(&mut out).expect("compressed");
    out
}

/// Whether `got` has at least what `want` says. Lists are as long as wanted.
fn within(want: &Value, got: &Value) -> bool {
    match (want, got) {
        (Value::String(any), got) if any == "*" => !got.is_null(),
        (Value::Object(want), Value::Object(got)) => {
            want.iter().all(|(key, want)| within(want, got.get(key).unwrap_or(&Value::Null)))
        }
        (Value::Array(want), Value::Array(got)) => {
            want.len() == got.len() && want.iter().zip(got).all(|(want, got)| within(want, got))
        }
        (want, got) => want == got,
    }
}
