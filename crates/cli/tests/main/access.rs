//! Nobody without a token, no role beyond its own, no tenant into another: for every route there
//! is, by the list in `unauthorized.txt`.

use std::collections::BTreeSet;
use std::fs::{read, write};

use serde_json::{Value, json};

use crate::http::tokens;
use crate::support::Folder;
use crate::wire::{Answer, Header, Wire, ask};

const LIST: &str = include_str!("unauthorized.txt");
const ROUTER: &str = include_str!("../../../server/src/http/mod.rs");
const ROLES: [&str; 5] = ["producer", "forwarder", "reader", "auditor", "admin"];
/// In the form of a token, and none.
const UNKNOWN: &str =
    "cf_00000000_0000000000000000000000000000000000000000000000000000000000000000";

pub struct Route {
    pub method: String,
    pub path: String,
    /// Roles that it serves; `None` where it is open.
    pub roles: Option<Vec<String>>,
}

pub fn listed() -> Vec<Route> {
    let lines = LIST.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let route = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let roles = match words[2] {
            "open:" => {
                assert!(words.len() > 4, "{line}: an exception has a reason");
                None
            }
            _ => Some(words[2..].iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()),
        };
        let known = |role: &String| ROLES.contains(&role.as_str());
        assert!(roles.iter().flatten().all(known), "{line}: an unknown role");
        Route { method: words[0].into(), path: words[1].into(), roles }
    };
    lines.map(route).collect()
}

/// Methods and paths as the router's text has them: `.route("PATH", get(…).post(…))`.
fn routed() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for part in ROUTER.split(".route(").skip(1) {
        let mut quoted = part.split('"');
        let path = quoted.nth(1).expect("a path in quotes");
        let handlers: &str = quoted.next().expect("handlers behind the path");
        let handlers = handlers.split("\n        .").next().unwrap_or_default();
        let methods = ["get", "post", "put", "patch", "delete", "any"];
        let named = |method: &&str| {
            let call = format!("{method}(");
            handlers.contains(&format!(" {call}")) || handlers.contains(&format!(").{call}"))
        };
        let before = found.len();
        for method in methods.into_iter().filter(|method| named(method)) {
            found.insert((method.to_uppercase(), path.to_owned()));
        }
        assert!(found.len() > before, "{path}: no method was understood");
    }
    found
}

#[test]
fn every_route_asks_for_a_token_and_its_role() {
    let list = listed();
    let named = list.iter().map(|route| (route.method.clone(), route.path.clone()));
    assert_eq!(named.collect::<BTreeSet<_>>(), routed(), "unauthorized.txt against the router");

    let folder = Folder::new();
    let server = folder.serve();
    let admin = folder.first_token("default");
    let (expired, revoked) = (admin_of(&server.url, &admin, "late"), revoked(&server.url, &admin));
    server.stop();
    expire(&folder, &expired);
    let server = folder.serve();
    let tokens = tokens(&server.url, &admin);
    let (mut asked, mut denied) = (0, BTreeSet::new());
    for route in &list {
        let path = concrete(&route.path);
        let name = format!("{} {path}", route.method);
        let status = |token: &str| ask(&server.url, token, &route.method, &path, "{}").status;
        let Some(roles) = &route.roles else {
            assert_ne!(status(""), 401, "{name} is said to be open");
            continue;
        };
        assert_eq!(status(""), 401, "{name} without a token");
        assert_eq!(status(UNKNOWN), 401, "{name} with an unknown token");
        let cut = &tokens["admin"][..tokens["admin"].len() - 1];
        assert_eq!(status(cut), 401, "{name} with a part of a token");
        assert_eq!(status(&expired), 401, "{name} with an expired token");
        assert_eq!(status(&revoked), 401, "{name} with a revoked token");
        for role in ROLES {
            if roles.iter().any(|known| known == role) {
                let status = status(&tokens[role]);
                assert!(![401, 403].contains(&status), "{name} as {role}: {status}");
            } else {
                let id = format!("denied-{}", denied.len());
                let as_told = [("x-request-id", id.as_str())];
                let answer = ask_with(&server.url, &tokens[role], &route.method, &path, &as_told);
                assert_eq!(answer.status, 403, "{name} as {role}");
                denied.insert(id);
            }
        }
        asked += 1;
    }
    assert_eq!(stated_denials(&server.url, &admin), denied, "each denial, and no other");
    let strangers = metric(&server.url, "counterfoil_strangers_total");
    // Of each route: no token; an unknown one, one cut short, one revoked; one expired.
    let counts = [asked, 0, 3 * asked, asked];
    assert_eq!(strangers, counts.map(|count| count.to_string()), "missing, malformed, …");
    println!(
        "{asked} routes guarded, {} open with a reason; {} denials stated",
        list.len() - asked,
        denied.len()
    );
    server.stop();
}

/// The same as [`ask`], with more headers.
fn ask_with(url: &str, token: &str, method: &str, path: &str, more: &[Header]) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [&[("authorization", bearer.as_str())], more].concat();
    Wire::open(url).ask(method, path, &headers, b"{}")
}

/// The request ids of what the access log says was denied.
fn stated_denials(url: &str, admin: &str) -> BTreeSet<String> {
    let path = "/v1/events?log=default-access-0&limit=1000&decision=deny";
    let found = ask(url, admin, "GET", path, "").json();
    assert_eq!(found["next"], Value::Null, "one page has them all");
    let events = found["events"].as_array().expect("events").iter().map(|found| &found["event"]);
    let id = |event: &Value| {
        assert_eq!(event["outcome"]["code"], "role", "{event}");
        event["correlation"]["request_id"].as_str().expect("an id").to_owned()
    };
    events.map(id).collect()
}

/// The values of a metric, in the order of its page.
fn metric(url: &str, name: &str) -> Vec<String> {
    let page = ask(url, "", "GET", "/metrics", "").text();
    let lines = page.lines().filter(|line| line.starts_with(name));
    lines.map(|line| line.rsplit(' ').next().unwrap_or_default().to_owned()).collect()
}

/// A path with something in its braces.
fn concrete(path: &str) -> String {
    let path = path.replace("{log}", "default-0").replace("{seq}", "0");
    let path = path.replace("{action}", "a.b");
    path.replace("{id}", "nothing").replace("{code}", "busy").replace("{*rest}", "checkpoint")
}

/// A token that may do everything, and does.
fn admin_of(url: &str, admin: &str, name: &str) -> String {
    let new = json!({"name": name, "role": "admin", "expires_in_s": 3600}).to_string();
    let made = ask(url, admin, "POST", "/v1/tokens", &new).json();
    let token = made["token"].as_str().expect("a token").to_owned();
    assert_eq!(ask(url, &token, "GET", "/v1/logs", "").status, 200);
    token
}

/// One that was in force until it was revoked.
fn revoked(url: &str, admin: &str) -> String {
    let token = admin_of(url, admin, "leaver");
    let path = format!("/v1/tokens/{}", id_of(&token));
    assert_eq!(ask(url, admin, "DELETE", &path, "").status, 204);
    token
}

fn id_of(token: &str) -> &str {
    token.split('_').nth(1).expect("an id")
}

/// Lets a token's time be over, as if it were long after: in the list of a server at rest.
fn expire(folder: &Folder, token: &str) {
    let list = folder.path("data-keys/tokens.json");
    let mut kept: Value = serde_json::from_slice(&read(&list).expect("a list")).expect("JSON");
    let tokens = kept["tokens"].as_array_mut().expect("tokens");
    let it = tokens.iter_mut().find(|kept| kept["id"] == id_of(token)).expect("it is kept");
    it["expires_at"] = "2001-01-01T00:00:00Z".into();
    write(&list, kept.to_string()).expect("written");
}

/// Names that no id holds by chance, as `a-0` is held by `…9a-025d…`.
const TENANTS: &str = r#"
[[log]]
name = "yard-0"
tenant = "a"

[[log]]
name = "shed-0"
tenant = "b"
"#;

/// An event with everything by which it could be found.
fn event(word: &str) -> String {
    let event = json!({
        "id": format!("{word}-1"), "action": "secret.read",
        "actor": {"type": "user", "id": word}, "service": {"name": format!("{word}-service")},
        "occurred_at": "2026-01-02T03:04:05Z",
        "correlation": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "session_id": word},
        "producer": {"id": format!("{word}-producer"), "stream": word, "seq": 5},
    });
    json!([event, {"no": "event"}]).to_string()
}

#[test]
fn one_tenant_sees_nothing_of_another() {
    let folder = Folder::new();
    folder.write("c.toml", TENANTS);
    let server = folder.serve_with(&["--config", "c.toml"]);
    let (a, b) = (folder.first_token("a"), folder.first_token("b"));
    let get = |token: &str, path: &str| ask(&server.url, token, "GET", path, "");
    let sent = ask(&server.url, &a, "POST", "/v1/events", &event("walrus")).json();
    let seq = sent["events"][0]["seq"].as_u64().expect("stored");
    assert_eq!(sent["events"][1]["refused"]["code"], "unknown_member", "{sent}");

    let places = places(seq);
    for (path, status_of_other) in &places {
        let (own, other) = (get(&a, path), get(&b, path));
        assert_eq!(own.status, 200, "{path}: {}", own.text());
        assert_eq!(other.status, *status_of_other, "{path}: {}", other.text());
        let text = other.text();
        assert!(!text.contains("walrus") && !text.contains("yard-0"), "{path}: {text}");
    }
    let refusals = get(&a, "/v1/refusals").json();
    assert_eq!(refusals["last"].as_array().map(Vec::len), Some(1), "{refusals}");

    checkpoints_alone_are_open(&server.url, &b, seq);
    evidence_stays_at_home(&server.url, &a, &b, seq);
    ids_are_each_tenants_own(&server.url, &b);
    let id_of_a = a.split('_').nth(1).expect("an id");
    let path = format!("/v1/tokens/{id_of_a}");
    assert_eq!(ask(&server.url, &b, "DELETE", &path, "").status, 404);
    assert_eq!(get(&a, "/v1/logs").status, 200, "the token still stands");
    println!("{} places shown to their tenant and not to another", places.len());
    server.stop();
}

/// Where the event of tenant a shows, and what tenant b is answered there.
fn places(seq: u64) -> Vec<(String, u16)> {
    let lists = ["who:walrus", "walrus", "id:walrus-1", "service:walrus-service", ""];
    let lists = lists.map(|q| (format!("/v1/events?count=exact&q={q}"), 200));
    let rest = [
        ("/v1/events/walrus-1".to_owned(), 404),
        (format!("/v1/logs/yard-0/events/{seq}"), 404),
        (format!("/v1/logs/yard-0/events/{seq}/receipt"), 404),
        ("/v1/traces/4bf92f3577b34da6a3ce929d0e0e4736".to_owned(), 404),
        ("/v1/traces/walrus".to_owned(), 404),
        ("/v1/sessions/walrus".to_owned(), 404),
        ("/v1/logs".to_owned(), 200),
        ("/v1/gaps".to_owned(), 200),
        ("/v1/refusals".to_owned(), 200),
        ("/v1/status".to_owned(), 200),
        ("/v1/tokens".to_owned(), 200),
        (format!("/tlog/yard-0/tile/0/000.p/{}", seq + 1), 404),
        (format!("/tlog/yard-0/tile/entries/000.p/{}", seq + 1), 404),
    ];
    lists.into_iter().chain(rest).collect()
}

/// What is kept from somebody who is told that it is not there stands in the access log all the
/// same, and what is another tenant's stands there as what is nowhere.
#[test]
fn what_is_not_to_be_known_is_stated_alike() {
    let folder = Folder::new();
    folder.write("c.toml", TENANTS);
    let server = folder.serve_with(&["--config", "c.toml"]);
    let (a, b) = (folder.first_token("a"), folder.first_token("b"));
    let role = |role: &str| {
        let new = json!({"name": role, "role": role}).to_string();
        let made = ask(&server.url, &b, "POST", "/v1/tokens", &new).json();
        made["token"].as_str().expect("a token").to_owned()
    };
    let (reader, forwarder) = (role("reader"), role("forwarder"));
    let sent = ask(&server.url, &a, "POST", "/v1/events", &event("walrus"));
    assert_eq!(sent.status, 200, "{}", sent.text());
    let why = json!({"why": "curious"}).to_string();
    let asked = [
        (&b, "GET", "/tlog/yard-0/tile/0/000.p/1", "not_found", false),
        (&b, "GET", "/tlog/nowhere-0/tile/0/000.p/1", "not_found", false),
        (&b, "POST", "/v1/logs/yard-0/rotate", "not_found", false),
        (&b, "POST", "/v1/logs/nowhere-0/rotate", "not_found", false),
        (&reader, "GET", "/tlog/shed-access-0/tile/0/000.p/1", "not_found", true),
        (&reader, "GET", "/v1/logs/shed-access-0/events/0", "not_found", true),
        (&reader, "GET", "/v1/events?log=shed-access-0", "not_found", true),
        (&b, "GET", "/v1/events?log=yard-0", "not_found", false),
        (&forwarder, "GET", "/tlog/shed-0/tile/0/000.p/1", "role", true),
        (&forwarder, "GET", "/tlog/nowhere-0/tile/0/000.p/1", "role", true),
    ];
    for (nth, (token, method, path, code, deny)) in asked.iter().enumerate() {
        let (bearer, id) = (format!("Bearer {token}"), format!("asked-{nth}"));
        let json = ("content-type", "application/json");
        let headers = [("authorization", bearer.as_str()), ("x-request-id", id.as_str()), json];
        let body = if *method == "POST" { why.as_bytes() } else { b"" };
        let answer = Wire::open(&server.url).ask(method, path, &headers, body);
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        let found = format!("/v1/events?log=shed-access-0&request={id}&outcome=failure");
        let found = ask(&server.url, &b, "GET", &found, "").json();
        let [stated] = &found["events"].as_array().expect("events")[..] else {
            panic!("{path}: {found}")
        };
        let said = (&stated["event"]["outcome"]["code"], &stated["event"]["decision"]["effect"]);
        let effect = if *deny { json!("deny") } else { Value::Null };
        assert_eq!(said, (&json!(code), &effect), "{path}: {stated}");
    }
    server.stop();
}

/// An admin may close the access log too: nothing of it is lost, and both logs say who did it.
#[test]
fn the_access_log_is_rotated_in_both() {
    let folder = Folder::new();
    let server = folder.serve();
    let admin = folder.first_token("default");
    let why = json!({"why": "a new year"}).to_string();
    let rotated = ask(&server.url, &admin, "POST", "/v1/logs/default-access-0/rotate", &why);
    assert_eq!(rotated.json()["open"], "default-access-1", "{}", rotated.text());
    let entry = |log: &str, seq: u64| {
        let path = format!("/v1/logs/{log}/events/{seq}");
        ask(&server.url, &admin, "GET", &path, "").json()["event"].clone()
    };
    let list = |log: &str| {
        ask(&server.url, &admin, "GET", &format!("/v1/events?log={log}&limit=1"), "").json()
    };
    assert_eq!(list("default-access-0")["followed_by"], "default-access-1");
    assert_eq!(list("default-access-1")["followed_by"], Value::Null);
    let sizes = ask(&server.url, &admin, "GET", "/v1/logs", "").json();
    let logs = sizes["logs"].as_array().expect("logs");
    let closed = logs.iter().find(|log| log["name"] == "default-access-0").expect("it is there");
    let size = closed["size"].as_u64().expect("a size");
    let said = [
        entry("default-access-0", size - 2),
        entry("default-access-0", size - 1),
        entry("default-access-1", 0),
        entry("default-access-1", 1),
    ];
    let told = said.each_ref().map(|e| (e["action"].as_str(), e["phase"].as_str()));
    let want = [
        (Some("log.rotate"), Some("attempt")),
        (Some("log.close"), None),
        (Some("log.open"), None),
        (Some("log.rotate"), Some("end")),
    ];
    assert_eq!(told, want, "{said:?}");
    assert_eq!(said[0]["correlation"]["operation_id"], said[3]["correlation"]["operation_id"]);
    server.stop();
}

/// Whoever knows a log's name gets origin, size and root, and of all else the same answer as for a
/// log that is not there.
fn checkpoints_alone_are_open(url: &str, b: &str, seq: u64) {
    for token in ["", b] {
        let checkpoint = ask(url, token, "GET", "/tlog/yard-0/checkpoint", "").text();
        let lines: Vec<&str> = checkpoint.lines().collect();
        let [origin, size, root, "", signature] = lines[..] else { panic!("{checkpoint}") };
        assert!(
            origin.ends_with("/tlog/yard-0") && signature.starts_with("\u{2014} "),
            "{checkpoint}"
        );
        assert_eq!((size.parse(), root.len()), (Ok(seq + 1), 44), "{checkpoint}");
        for tile in [format!("0/000.p/{}", seq + 1), format!("entries/000.p/{}", seq + 1)] {
            let there = ask(url, token, "GET", &format!("/tlog/yard-0/tile/{tile}"), "");
            let nowhere = ask(url, token, "GET", &format!("/tlog/c-0/tile/{tile}"), "");
            let said = |answer: &Answer| {
                let mut said = answer.json();
                // Every request has an id of its own.
                said["request_id"].take();
                said
            };
            assert_eq!((there.status, said(&there)), (404, said(&nowhere)), "{tile}");
        }
    }
}

fn evidence_stays_at_home(url: &str, a: &str, b: &str, seq: u64) {
    let events = json!({"events": [{"log": "yard-0", "seq": seq}]}).to_string();
    let range = json!({"range": {"log": "yard-0", "first": 0, "count": 1}}).to_string();
    for body in [events, range] {
        assert_eq!(ask(url, a, "POST", "/v1/evidence", &body).status, 200);
        let other = ask(url, b, "POST", "/v1/evidence", &body);
        assert_eq!((other.status, other.text().contains("walrus")), (404, false));
    }
}

/// Nobody learns by sending an id whether another tenant has it.
fn ids_are_each_tenants_own(url: &str, b: &str) {
    let sent = ask(url, b, "POST", "/v1/events", &event("walrus")).json();
    let stored = &sent["events"][0];
    assert_eq!((&stored["duplicate"], &stored["conflict"]), (&Value::Null, &Value::Null), "{sent}");
    let found = ask(url, b, "GET", "/v1/events/walrus-1", "").json();
    assert_eq!((&found["log"], &found["others"]), (&json!("shed-0"), &Value::Null), "{found}");
}
