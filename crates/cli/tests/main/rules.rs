//! What teams bring of their own, as docs/schemas.md and docs/scope.md tell it: every command
//! there is run, and what they print stands there.

use serde_json::json;

use crate::support::Folder;
use crate::wire::ask;

const SCOPE: &str = include_str!("../../../../docs/scope.md");
const SCHEMAS: &str = include_str!("../../../../docs/schemas.md");

/// The first block of a page in a language, without its fences.
fn block<'p>(page: &'p str, language: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("```{language}\n")).expect("a block");
    rest.split_once("```").expect("its end").0
}

/// The commands of a page's block, each with the lines that it prints.
fn commands(block: &str) -> Vec<(&str, Vec<&str>)> {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in block.lines().filter(|line| !line.trim().is_empty()) {
        match (line.strip_prefix("$ counterfoil "), found.last_mut()) {
            (Some(command), _) => found.push((command, Vec::new())),
            (None, Some((_, lines))) => lines.push(line),
            (None, None) => panic!("{line}: no command stands before it"),
        }
    }
    found
}

/// Runs the commands of a block; those that fail as they should are named with their code.
fn as_the_page_says(folder: &Folder, block: &str, codes: &[(&str, i32)]) -> usize {
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let all = commands(block);
    for (command, lines) in &all {
        let words: Vec<&str> = command.split_whitespace().collect();
        let code = codes.iter().find(|(start, _)| command.starts_with(start));
        let printed = folder.run(&words).code(code.map_or(0, |(_, code)| *code));
        let printed: Vec<String> = printed.lines().map(squeezed).collect();
        for line in lines {
            assert!(printed.contains(&squeezed(line)), "{command}: {line}\n{printed:#?}");
        }
    }
    all.len()
}

fn invoice(nth: usize, amount: &serde_json::Value, more: &serde_json::Value) -> String {
    let mut event = json!({
        "id": format!("invoice-{nth}"), "action": "invoice.delete",
        "actor": {"type": "user", "id": "alice"}, "service": {"name": "billing"},
        "occurred_at": "2026-01-02T03:04:05Z", "attributes": {"amount": amount},
    });
    if let (Some(event), Some(more)) = (event.as_object_mut(), more.as_object()) {
        event.extend(more.clone());
    }
    event.to_string()
}

#[test]
fn schemas_as_their_page_says() {
    let folder = Folder::new();
    let server = folder.serve();
    let reason = json!({"reason": {"ticket": "T-1"}});
    let sound = invoice(1, &json!(812), &reason);
    let wrong = [invoice(2, &json!("geheim"), &reason), invoice(3, &json!(1.5), &json!({}))];
    folder.write("past.ndjson", &format!("{sound}\n{}\n", wrong.join("\n")));
    folder.run(&["send", "past.ndjson"]).code(0);
    folder.write("invoice.json", block(SCHEMAS, "json"));
    let run = as_the_page_says(&folder, block(SCHEMAS, "text"), &[("schema test", 1)]);
    assert_eq!(run, 5, "commands of the page");
    let page: serde_json::Value =
        serde_json::from_str(block(SCHEMAS, "json")).expect("the page's schema is JSON");
    let shown = folder.run(&["schema", "show", "invoice.delete"]).code(0);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), page);

    // In force, also after a restart; and nothing that was sent is repeated.
    server.stop();
    let server = folder.serve();
    let token = folder.first_token("default");
    let run =
        |args: &[&str]| folder.run(&[args, &["--url", &server.url, "--token", &token]].concat());
    folder.write("next.json", &invoice(4, &json!("geheim"), &reason));
    let refused = run(&["send", "next.json", "--refusals", "refused.ndjson"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let told = std::fs::read_to_string(folder.path("refused.ndjson")).expect("refusals");
    assert!(told.contains("schema_action") && told.contains("schema invoice.delete/1: "), "{told}");
    let refusals = run(&["refusals"]).code(0);
    assert!(refusals.contains("schema invoice.delete/1: "), "{refusals}");
    assert!(!refusals.contains("geheim"), "{refusals}");
    folder.write("bad.json", r#"{"type":"strin"}"#);
    let bad = run(&["schema", "put", "invoice.*", "bad.json"]);
    assert!(bad.code == 1 && bad.err.contains("/type: "), "{bad:?}");
    server.stop();
}

/// An event of the service `web`.
fn web(id: &str, path: &str, more: &serde_json::Value) -> serde_json::Value {
    let mut event = json!({
        "id": id, "action": "http.get", "actor": {"type": "user", "id": "alice"},
        "service": {"name": "web"}, "request": {"path": path},
        "occurred_at": "2026-01-02T03:04:05Z",
    });
    if let (Some(event), Some(more)) = (event.as_object_mut(), more.as_object()) {
        event.extend(more.clone());
    }
    event
}

fn traffic() -> serde_json::Value {
    let (view, none) = (json!({"kind": "data_read", "verb": "read"}), json!({}));
    json!([
        web("p1", "/healthz", &none),
        web("p2", "/healthz", &none),
        web("p3", "/healthz/deep", &none),
        web("p4", "/healthz", &json!({"outcome": {"result": "failure"}})),
        web("v1", "/a", &view),
        web("v2", "/a", &view),
        web("v3", "/b", &view),
        web("o1", "/orders", &json!({"verb": "create"})),
    ])
}

/// By service, and of all together.
fn saved_is_told(folder: &Folder, url: &str, token: &str) {
    let services = ask(url, token, "GET", "/v1/services?service=web", "").json();
    let web = &services["services"][0];
    let counts = ["left_out", "counted", "spared"].map(|name| web[name].as_u64());
    assert_eq!(counts, [Some(5), Some(1), Some(1)], "{services}");
    let saved = web["bytes_saved"].as_u64().expect("a count");
    assert!(saved > 500 && services["total"]["bytes_saved"] == saved, "{services}");
    let table = folder.run(&["services", "--url", url, "--token", token]).code(0);
    assert!(table.contains("LEFT OUT") && table.contains("· 6 left out, "), "{table}");
    let one = folder.run(&["services", "web", "--url", url, "--token", token]).code(0);
    assert!(one.contains("left out    5, 1 counted only, 1 spared"), "{one}");
    let page = ask(url, token, "GET", "/metrics", "").text();
    for (fate, events) in [("left_out", 5), ("counted", 1), ("spared", 1), ("no_room", 0)] {
        let series = format!("counterfoil_scope_events_total{{fate=\"{fate}\"}} {events}\n");
        assert!(page.contains(&series), "{series}{page}");
    }
    assert!(page.contains(&format!("counterfoil_scope_saved_bytes_total {saved}\n")), "{page}");
}

#[test]
fn the_audit_scope_as_its_page_says() {
    let folder = Folder::new();
    let server = folder.serve();
    folder.write("scope.toml", block(SCOPE, "toml"));
    folder.write("past.json", &traffic().to_string());
    folder.run(&["send", "past.json"]).code(0);
    assert_eq!(as_the_page_says(&folder, block(SCOPE, "text"), &[]), 4, "commands of the page");
    folder.write("bad.toml", "\n[[rule]]\nname = \"r\"\nservice = \"*\"\nthen = \"lose\"\n");
    let bad = folder.run(&["scope", "check", "bad.toml"]);
    assert!(bad.code == 2 && bad.err.contains("bad.toml: line 5: unknown variant"), "{bad:?}");
    server.stop();

    folder.write(
        "c.toml",
        "[[log]]\nname = \"default-0\"\ntenant = \"default\"\nscope = \"scope.toml\"\n",
    );
    let server = folder.serve_with(&["--config", "c.toml"]);
    let token = folder.first_token("default");
    let mut again = traffic();
    for event in again.as_array_mut().expect("a list") {
        event["id"] = json!(format!("again-{}", event["id"].as_str().expect("an id")));
    }
    let sent = ask(&server.url, &token, "POST", "/v1/events?atomic=true", &again.to_string());
    assert_eq!(sent.status, 200, "{}", sent.text());
    let events = sent.json()["events"].as_array().expect("a list").clone();
    let codes: Vec<&str> =
        events.iter().map(|event| event["refused"]["code"].as_str().unwrap_or("stored")).collect();
    let (out, counted) = ("left_out", "counted");
    assert_eq!(codes, [out, out, out, "stored", "stored", counted, "stored", "stored"]);
    let stated = |query: &str| {
        let path = format!("/v1/events?limit=1&q={query}");
        ask(&server.url, &token, "GET", &path, "").json()["events"][0]["event"].clone()
    };
    let dropped = stated("action:scope.dropped");
    assert_eq!(dropped["attributes"]["events"], 3, "before the answer: {dropped}");
    assert_eq!(dropped["reason"]["text"], "a probe every second tells nothing", "{dropped}");
    let policy = stated("id:again-o1")["recorded"]["policy"].clone();
    assert!(policy.as_str().expect("a name").starts_with("builtin/1 scope/"), "{policy}");

    // All left out: nothing is refused, and nothing stands anywhere.
    let probe = json!([web("late", "/healthz", &json!({}))]).to_string();
    let late = ask(&server.url, &token, "POST", "/v1/events", &probe);
    assert_eq!((late.status, &late.json()["logs"]), (200, &json!([])), "{}", late.text());
    folder.write("late.json", &probe);
    let url = ["--url", server.url.as_str(), "--token", token.as_str()];
    let sent = folder.run(&[&["send", "late.json"][..], &url].concat()).code(0);
    assert!(sent.contains("1 left out by the audit scope"), "{sent}");
    let refused = folder.run(&[&["refusals"][..], &url].concat()).code(0);
    assert!(refused.starts_with("nothing was refused"), "{refused}");
    let shown = ask(&server.url, &token, "GET", "/v1/scope", "").json();
    let probes = shown["services"].as_array().expect("a list");
    let probes = probes.iter().find(|shown| shown["rule"] == "probes").expect("counted");
    assert_eq!((&probes["left_out"], &probes["spared"]), (&json!(5), &json!(1)), "{shown}");
    saved_is_told(&folder, &server.url, &token);
    server.stop();

    // A stop leaves no count behind.
    let server = folder.serve_with(&["--config", "c.toml"]);
    let stated = |query: &str| {
        let path = format!("/v1/events?limit=1&q={query}");
        ask(&server.url, &token, "GET", &path, "").json()["events"][0]["event"].clone()
    };
    assert_eq!(stated("action:scope.dropped")["attributes"]["events"], 2);
    let counts = stated("action:scope.aggregated")["outcome"]["counts"].clone();
    assert_eq!(counts, json!({"attempted": 1, "succeeded": 0, "failed": 0}));
    server.stop();
}
