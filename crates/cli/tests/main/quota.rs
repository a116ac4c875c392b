//! A producer that sends more than it may is told to come again, counted, and loses nothing.

use serde_json::{Value, json};

use crate::support::Folder;
use crate::wire::ask;

/// How many entries the access log has; looking states nothing.
fn access_size(url: &str, token: &str) -> u64 {
    let logs = ask(url, token, "GET", "/v1/logs", "").json();
    let logs = logs["logs"].as_array().expect("a list").iter();
    let mut access = logs.filter(|log| log["name"] == "default-access-0");
    access.next().expect("it stands")["size"].as_u64().expect("a size")
}

fn make_token(url: &str, admin: &str, name: &str, role: &str) -> String {
    let body = json!({"name": name, "role": role}).to_string();
    let made = ask(url, admin, "POST", "/v1/tokens", &body).json();
    made["token"].as_str().expect("a token").to_owned()
}

#[test]
fn what_changes_nothing_is_bounded_and_a_token_is_revoked_all_the_same() {
    let folder = Folder::new();
    let server = folder.serve_told(&[("COUNTERFOIL_LIMITS__READS_S_MAX", "2")]);
    let (url, admin) = (server.url.as_str(), folder.first_token("default"));
    let make = |name: &str, role: &str| make_token(url, &admin, name, role);
    let id = |token: &str| token.split('_').nth(1).expect("its public part").to_owned();
    let (auditor, second) = (make("eve", "auditor"), make("second", "auditor"));
    let spent: Vec<String> = (0..5).map(|n| make(&format!("t{n}"), "reader")).collect();
    let last = format!("/v1/tokens/{}", id(&admin));
    // Each is asked until it is turned away, which is not stated.
    for (token, method, path) in [
        (&auditor, "POST", "/v1/tokens/deadbeef/agreement"),
        (&second, "POST", "/v1/logs/default-0/keys/agreement"),
        (&admin, "DELETE", "/v1/tokens/deadbeef"),
        (&admin, "DELETE", last.as_str()),
        (&admin, "POST", "/v1/config/reload"),
        (&admin, "POST", "/v1/catalogue/reload"),
    ] {
        let before = access_size(url, &admin);
        let answers = (0..10_000).map(|nth| (nth, ask(url, token, method, path, "{}")));
        let mut away = answers.skip_while(|(_, answer)| answer.status != 429);
        let (nth, over) = away.next().expect("a loop without end is turned away");
        assert_eq!(over.json()["code"], "read_quota", "{path}: {}", over.text());
        let stated = access_size(url, &admin) - before;
        assert!(stated <= 2 * nth, "{path}: {stated} entries of {nth} requests");
    }
    for token in &spent {
        let path = format!("/v1/tokens/{}", id(token));
        assert_eq!(ask(url, &admin, "DELETE", &path, "").status, 204, "whatever was asked before");
    }
    server.stop();
}

#[test]
fn a_revocation_that_revokes_nothing_is_bounded_too() {
    let folder = Folder::new();
    let server = folder.serve_told(&[("COUNTERFOIL_LIMITS__READS_S_MAX", "2")]);
    let (url, admin) = (server.url.as_str(), folder.first_token("default"));
    let make = |name: &str, role: &str| make_token(url, &admin, name, role);
    let (second, stolen) = (make("second", "admin"), make("stolen", "reader"));
    let path = format!("/v1/tokens/{}", stolen.split('_').nth(1).expect("its public part"));
    // The list of tokens cannot be written.
    let in_its_way = folder.path("data-keys/tokens.json.new");
    std::fs::create_dir(&in_its_way).expect("made");
    let before = access_size(url, &admin);
    let answers = (0..1_000).map(|_| ask(url, &admin, "DELETE", &path, ""));
    let failed = answers.take_while(|answer| answer.status == 500).count();
    assert!((10..1_000).contains(&failed), "{failed} before one is turned away");
    assert_eq!(access_size(url, &admin) - before, 2 * failed as u64);
    std::fs::remove_dir(&in_its_way).expect("removed");
    assert_eq!(ask(url, &second, "DELETE", &path, "").status, 204, "another has its own bound");
    server.stop();
}

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

/// Reads until one is turned away; how many were answered before, and that last answer.
fn read_on(url: &str, token: &str, path: &str) -> (usize, crate::wire::Answer) {
    let answers = (0..10_000).map(|nth| (nth, ask(url, token, "GET", path, "")));
    let mut away = answers.skip_while(|(_, answer)| answer.status != 429);
    away.next().expect("a loop without end is turned away")
}

#[test]
fn who_reads_without_end_is_turned_away_and_a_named_principal_has_its_own() {
    let folder = Folder::new();
    folder.write("c.toml", "[limits]\nreads_s_max = 1\n");
    let server = folder.serve_with(&["--config", "c.toml"]);
    let token = folder.first_token("default");
    let body = json!({"name": "other", "role": "producer", "services": ["billing"]}).to_string();
    let boss = json!({"name": "boss", "role": "admin"}).to_string();
    let make = |new: &str| {
        let made = ask(&server.url, &token, "POST", "/v1/tokens", new).json();
        made["token"].as_str().expect("a token").to_owned()
    };
    let (other, boss) = (make(&body), make(&boss));

    let (before, over) = read_on(&server.url, &token, "/v1/events?limit=1");
    assert!(before >= 6, "ten seconds' worth at once, behind two changes: {before}");
    assert_eq!(over.json()["code"], "read_quota", "{}", over.text());
    assert_eq!(over.header("retry-after"), "1");
    assert_eq!(ask(&server.url, &token, "POST", "/v1/events", &events(0, 1)).status, 200);
    assert_eq!(ask(&server.url, &token, "GET", "/v1/status", "").status, 200, "it is not stated");
    let theirs = ask(&server.url, &other, "GET", "/v1/events?limit=1", "");
    assert_eq!(theirs.status, 403, "another principal has its own: {}", theirs.text());

    folder.write(
        "c.toml",
        "[limits]\nreads_s_max = 1\n[[quota]]\ntenant = \"default\"\nprincipal = \"admin\"\n\
         reads_s_max = 100000\n[[quota]]\ntenant = \"default\"\nprincipal = \"other\"\n\
         events_s_max = 1\n",
    );
    let reload = ask(&server.url, &boss, "POST", "/v1/config/reload", "");
    let changes = reload.json()["changes"].clone();
    let is_told = |change: &Value| change["name"] == "quota[0].reads_s_max";
    let told = changes.as_array().and_then(|all| all.iter().find(|change| is_told(change)));
    let told = told.unwrap_or_else(|| panic!("{}", reload.text()));
    assert_eq!((&told["old"], &told["new"]), (&Value::Null, &json!(100_000)), "{told}");
    for nth in 0..50 {
        let answer = ask(&server.url, &token, "GET", "/v1/events?limit=1", "");
        assert_eq!(answer.status, 200, "{nth}: {}", answer.text());
    }
    assert_eq!(ask(&server.url, &other, "POST", "/v1/events", &events(1, 50)).status, 200);
    assert_eq!(ask(&server.url, &other, "POST", "/v1/events", &events(51, 1)).status, 429);

    let status = ask(&server.url, &token, "GET", "/v1/status", "").json();
    let away = status["quotas"].as_array().expect("a list");
    let names: Vec<&str> = away.iter().filter_map(|away| away["principal"].as_str()).collect();
    assert_eq!(names, ["admin", "other"], "{status}");
    let refusals = folder.run(&["refusals"]).code(0);
    assert!(refusals.contains("admin read more than its quota"), "{refusals}");
    let screen = folder.run(&["status"]).out;
    let line = "2 principals turned away by a quota since the start: admin, other";
    assert!(screen.contains(line), "{screen}");

    folder.write("c.toml", "[[quota]]\ntenant = \"acme\"\nprincipal = \"a b\"\n");
    let told = folder.run(&["config", "check", "c.toml"]).code(2);
    assert!(told.contains("c.toml:3: `quota.principal` has 1 to 64 letters"), "{told}");
    folder.write("c.toml", "[[quota]]\ntenant = \"acme\"\nprincipal = \"a\"\n");
    let told = folder.run(&["config", "check", "c.toml"]).code(2);
    assert!(told.contains("c.toml:2: quota.tenant \"acme\" is the tenant of no log"), "{told}");
    server.stop();
}

#[test]
fn who_is_denied_without_end_is_stated_and_then_counted() {
    let folder = Folder::new();
    let server = folder.serve();
    let token = folder.first_token("default");
    let body = json!({"name": "loop", "role": "producer", "services": ["billing"]}).to_string();
    let made = ask(&server.url, &token, "POST", "/v1/tokens", &body).json();
    let other = made["token"].as_str().expect("a token");
    for (path, times) in [("/v1/events", 40), ("/v1/status", 15), ("/v1/gaps", 1)] {
        for _ in 0..times {
            assert_eq!(ask(&server.url, other, "GET", path, "").status, 403);
        }
    }
    let denials = |url: &str| {
        let path = "/v1/events?log=default-access-0&limit=1000&order=oldest&decision=deny";
        let page = ask(url, &token, "GET", path, "").json();
        let all = page["events"].as_array().unwrap_or_else(|| panic!("{page}")).clone();
        let said = all.iter().map(|found| {
            let event = &found["event"];
            let route = event["resources"][0]["id"].as_str().unwrap_or_default();
            let action = event["action"].as_str().expect("an action");
            (format!("{action} {route}"), event["outcome"]["counts"]["failed"].as_u64())
        });
        said.collect::<Vec<_>>()
    };
    // A stop waits for no minute.
    server.stop();
    let server = folder.serve();
    let all = denials(&server.url);
    let of = |kind: &str| {
        let counts = all.iter().filter(|(said, _)| said.trim_end() == kind);
        let (single, counted): (Vec<_>, Vec<_>) = counts.partition(|(_, count)| count.is_none());
        (single.len(), counted.iter().filter_map(|(_, count)| *count).collect::<Vec<_>>())
    };
    assert_eq!(of("events.search"), (10, vec![30]), "{all:?}");
    assert_eq!(of("request.deny GET /v1/status"), (10, vec![5]), "{all:?}");
    assert_eq!(of("request.deny GET /v1/gaps"), (1, vec![]), "{all:?}");
    server.stop();
}
