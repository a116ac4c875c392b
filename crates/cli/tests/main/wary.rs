//! What the command line does with a server that is hostile, half ready or not whole.

use serde_json::{Value, json};

use crate::fake::{Fake, Reply};
use crate::support::{Folder, Ran};

/// Erases a screen, writes over a line, turns it round, and shows nothing.
const HOSTILE: &str = "\u{1b}[2J\u{9b}31m\r\u{7f}\u{202e}\u{200b}\u{fdd2}\n";

fn ask(folder: &Folder, server: &Fake, args: &[&str]) -> Ran {
    folder.run(&[args, &["--url", &server.url, "--token", "t"]].concat())
}

fn hit(seq: u64) -> Value {
    json!({ "log": "l-0", "seq": seq, "event": { "action": "a" } })
}

/// A page of `count` events from seq `first` on.
fn page(first: u64, count: u64, next: Option<&str>) -> Value {
    let events: Vec<Value> = (first..first + count).map(hit).collect();
    json!({ "events": events, "next": next, "partial": false, "unreadable": [] })
}

fn file(events: usize) -> Value {
    let event = json!({ "fields": [{ "text": HOSTILE }, { "commitment": "c" }, {}] });
    json!({
        "logs": [{ "checkpoint": "o\n9\nroot\n" }],
        "runs": [{ "events": vec![event; events] }],
    })
}

#[test]
fn evidence_of_a_query_has_every_page() {
    let folder = Folder::new();
    let server = Fake::new(|_, path| match path {
        "/v1/evidence" => Reply::json(&file(1_500)),
        path if path.ends_with("&cursor=a%2Fb") => Reply::json(&page(1_000, 500, Some("c"))),
        // A page that stopped early says where to go on, and may find nothing.
        path if path.ends_with("&cursor=c") => {
            let mut page = page(0, 0, Some("d"));
            page["partial"] = true.into();
            Reply::json(&page)
        }
        path if path.ends_with("&cursor=d") => Reply::json(&page(0, 0, None)),
        _ => Reply::json(&page(0, 1_000, Some("a/b"))),
    });
    let made = ask(&folder, &server, &["evidence", "--query", "did:a"]);
    assert!(made.err.contains("1,500 events · 1,500 fields shown"), "{}", made.err);
    assert_eq!(serde_json::from_str::<Value>(&made.code(0)).expect("JSON"), file(1_500));
}

#[test]
fn evidence_that_would_not_be_whole_is_not_written() {
    let folder = Folder::new();
    let broken = |member: &'static str, value: Value| {
        move |_: usize, path: &str| match path {
            "/v1/evidence" => Reply::json(&file(3)),
            _ => {
                let mut page = page(0, 3, None);
                page[member] = value.clone();
                Reply::json(&page)
            }
        }
    };
    let unreadable = json!([{ "log": "l-0", "seq": 7, "reason": "checksum" }]);
    let endless = json!((0..1_001).map(hit).collect::<Vec<_>>());
    for (server, code, want) in [
        (Fake::new(broken("partial", true.into())), 1, "before it had read everything"),
        (
            Fake::new(broken("unreadable", unreadable)),
            1,
            "entry 7 of l-0 cannot be read (checksum)",
        ),
        (Fake::new(broken("events", json!([]))), 2, "nothing matches"),
        (Fake::new(broken("events", json!([hit(0), hit(1)]))), 1, "asked for 2, the server made"),
        (Fake::new(broken("events", endless)), 1, "asked for 1,001, the server made"),
        (
            Fake::new(|nth, _| {
                Reply::json(&page(nth as u64 * 1_000, 1_000, Some(&nth.to_string())))
            }),
            2,
            "more than 10,000 events match \"did:a\"",
        ),
        (Fake::new(|_, _| Reply::json(&page(0, 1, Some("same")))), 2, "more than 1000 pages"),
    ] {
        let made = ask(&folder, &server, &["evidence", "--query", "did:a"]);
        assert!(made.err.contains(want), "{want} in {}", made.err);
        assert_eq!((made.code, made.out.as_str()), (code, ""), "{want}");
    }
}

/// An answer to whatever is asked, with hostile text wherever a server puts text.
fn hostile_answer() -> Value {
    let bad = Value::from(HOSTILE);
    let person = json!({ "type": bad, "id": bad, "name": bad, "on_behalf_of": [{ "id": bad, "relation": bad }] });
    let event = json!({
        "id": bad, "action": bad, "kind": bad, "occurred_at": bad, "actor": person,
        "service": { "name": bad, "version": bad, "environment": bad }, "where": { "region": bad },
        "resources": [{ "type": bad, "id": bad, "owning_team": bad,
            "changes": [{ "path": bad, "before": bad, "after": bad }] }],
        "outcome": { "result": null, "code": bad, "message": bad }, "response": { "status": bad },
        "decision": { "effect": bad, "engine": bad, "policy": bad, "rule": bad },
        "reason": { "ticket": bad, "text": bad, "approvals": [{ "decision": bad, "by": bad }] },
        "producer": { "stream": bad, "seq": bad }, "attributes": { HOSTILE: bad },
        "recorded": { "identity": { "id": bad, "kind": bad } },
    });
    let gap = json!({ "producer": bad, "stream": bad, "count": 1 });
    json!({
        "log": bad, "origin": bad, "seq": 7, "recorded_at": bad, "others": [1],
        "events": [{ "log": bad, "seq": 7, "event": event, "depth": 1, "start_ms": 1 }],
        "event": event, "next": bad, "gaps": [gap], "id": bad, "services": [bad],
        "first_failure": { "service": bad }, "skew": [{ "service": bad, "ahead_ms": 1 }],
        "counts": [{ "producer": bad, "code": bad, "count": bad }],
        "last": [{ "at": bad, "producer": bad, "path": bad, "reason": bad }],
        "version": bad, "logs": [{ "name": bad, "origin": bad, "size": 1, "vkey": bad,
            "vkeys": [bad] }],
        "keys": [{ "vkey": bad, "from": bad, "until": bad, "signs": true, "handover": bad }],
        "conditions": [{ "name": bad, "holds": false, "needed": true, "found": bad }],
        "together_until": bad, "vkey": bad,
        "token": bad, "runs": [{ "events": [{ "fields": [] }] }],
        "tokens": [{ "id": bad, "name": bad, "role": bad, "services": [bad], "created_at": bad }],
    })
}

/// Nothing that acts on a terminal, and nothing that does not show.
fn assert_plain(ran: &Ran) {
    for text in [&ran.out, &ran.err] {
        let bad =
            |c: char| (c.is_control() && c != '\n') || HOSTILE[1..].contains(c) && !c.is_ascii();
        assert!(!text.contains(bad), "{text:?}");
    }
}

/// Whether the hostile text stands there, in a form that does nothing.
fn shows_escaped(ran: &Ran) -> bool {
    [&ran.out, &ran.err].iter().any(|text| text.contains(r"\u{1b}[2"))
}

#[test]
fn a_hostile_server_cannot_write_on_the_terminal() {
    let folder = Folder::new();
    let server = Fake::new(|_, _| Reply::json(&hostile_answer()));
    folder.run(&["context", "add", HOSTILE, "--at", &format!("http://{HOSTILE}")]).code(0);
    let refusing = Fake::new(|_, _| Reply::busy(61, &json!({ "code": "x", "detail": HOSTILE })));
    for args in [
        &["search", "x"][..],
        &["show", "x", "--all"],
        &["trace", "x"],
        &["status"],
        &["refusals"],
        &["token", "list"],
        &["token", "create", "n", "--role", "admin"],
        &["token", "revoke", HOSTILE],
        &["key", "export"],
        &["receipt", "x"],
        &["evidence", "x"],
        &["context", "add", HOSTILE, "--at", HOSTILE],
        &["context", "list"],
    ] {
        let plain = ask(&folder, &server, args);
        assert_plain(&plain);
        assert_plain(&ask(&folder, &refusing, args));
        let as_json = ask(&folder, &server, &[args, &["--json"]].concat());
        assert_plain(&as_json);
        let answers = !["receipt", "context"].contains(&args[0]) && !args.contains(&"revoke");
        if answers {
            // The status says by its code that not all is well: a number is missing.
            let code = i32::from(args[0] == "status");
            assert_eq!(plain.code, code, "{plain:?}");
            let mut said: Value = serde_json::from_str(&as_json.out).expect("JSON");
            if let ("status", Some(own)) = (args[0], said.as_object_mut()) {
                // The command's own judgement, beside the answer.
                assert!(own.remove("findings").is_some() && own.remove("well").is_some());
            }
            assert_eq!(said, hostile_answer(), "equal JSON: {args:?}");
        }
    }
    for (name, server) in [("it", &server), ("other", &refusing)] {
        folder.run(&["context", "add", name, "--at", &server.url]).code(0);
    }
    for (args, code) in [
        (&["key", "list"][..], 0),
        (&["key", "agree", HOSTILE], 0),
        (&["key", "rotate", HOSTILE, "--why", HOSTILE], 0),
        (&["key", "accept"], 1),
        (&["key", "save", HOSTILE], 2),
    ] {
        let asks = code < 2;
        for (ran, code) in [
            (ask(&folder, &server, args), code),
            (ask(&folder, &refusing, args), if asks { 1 } else { code }),
        ] {
            assert_plain(&ran);
            // One that ended before it said anything would be plain too.
            assert!(ran.code == code && shows_escaped(&ran), "{args:?}: {ran:?}");
        }
    }
    // A proof is bytes that somebody keeps: it is not escaped but refused.
    assert_eq!(ask(&folder, &server, &["receipt", "x"]).code, 1);
}

#[test]
fn a_hostile_event_cannot_write_on_the_terminal() {
    let folder = Folder::new();
    let server = folder.serve();
    let event = json!({
        "id": "01890a5d-ac96-774b-bcce-b302099a8057", "action": format!("a.b{HOSTILE}"),
        "actor": { "type": "user", "id": HOSTILE }, "service": { "name": HOSTILE },
        "occurred_at": "2026-01-02T03:04:05Z", "attributes": { HOSTILE: HOSTILE },
        "correlation": { "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736" },
        "producer": { "id": HOSTILE, "stream": HOSTILE, "seq": 5 },
    });
    folder.write("event.json", &event.to_string());
    assert_plain(&folder.run(&["send", "event.json"]));
    for args in [
        &["search", "did:a.b*"][..],
        &["show", "bcceb302", "--all"],
        &["trace", "4bf92f35"],
        &["status"],
        &["evidence", "bcceb302"],
    ] {
        let plain = folder.run(args);
        assert_plain(&plain);
        // The status says by its code that not all is well: a number is missing.
        let code = i32::from(args[0] == "status");
        assert_eq!(plain.code, code, "{plain:?}");
        let as_json = folder.run(&[args, &["--json"]].concat());
        assert_plain(&as_json);
        let said: Value = serde_json::from_str(&as_json.code(code)).expect("JSON");
        assert!(["status", "evidence"].contains(&args[0]) || holds(&said), "{said}");
    }
    let key = folder.run(&["key", "export"]).code(0);
    folder.write("log.key", &key);
    let evidence = folder.run(&["evidence", "bcceb302"]).code(0);
    folder.write("evidence.json", &evidence);
    assert_plain(&folder.run(&["verify", "evidence.json", "-k", "log.key"]));
    folder.run(&["verify", "evidence.json", "-k", "log.key"]).code(0);
    server.stop();
}

#[test]
fn a_server_that_does_not_say_which_keys_a_log_had_is_not_known() {
    let folder = Folder::new();
    let (old, new) = ("log.example/tlog/l-0+aaaaaaaa+AAAA", "log.example/tlog/l-0+bbbbbbbb+BBBB");
    let logs = json!({ "logs": [
        { "name": "l-0", "origin": "log.example/tlog/l-0", "size": 7, "vkeys": [new] }
    ] });
    let key = |vkey: &str| json!({ "vkey": vkey, "handover": null });
    let both = json!({ "keys": [key(old), key(new)] });
    let only = json!({ "keys": [key(new)] });
    let broken = json!({ "code": "internal", "detail": "try again" });
    for (keys, code, said) in [
        (Reply::json(&both), 0, "nothing to do: the keys that sign are saved"),
        (Reply::json(&only), 1, "l-0  aaaaaaaa is saved, and is none of those that the server"),
        (
            Reply::failed(500, &broken),
            1,
            "l-0  aaaaaaaa is saved and does not sign, and the server",
        ),
    ] {
        let logs = logs.clone();
        let server = Fake::new(move |_, path| match path {
            "/v1/logs" => Reply::json(&logs),
            _ => keys.clone(),
        });
        let (url, list) = (&server.url, format!("[{old:?}, {new:?}]"));
        let contexts = format!("current = \"it\"\n[contexts.it]\nurl = \"{url}\"\nkeys = {list}\n");
        folder.write("contexts.toml", &contexts);
        let ran = folder.run(&["key", "accept"]);
        assert!(ran.code == code && ran.out.starts_with(said), "{ran:?}");
        let ran = folder.run(&["key", "accept", "--json"]);
        let lacking: Value = serde_json::from_str(&ran.code(code)).expect("JSON");
        let wanted = if code == 0 { json!([]) } else { json!(["l-0"]) };
        assert_eq!(lacking, json!({ "accepted": [], "lacking": wanted }));
        let kept = std::fs::read_to_string(folder.path("contexts.toml")).expect("contexts");
        assert_eq!(kept, contexts, "nothing was saved");
    }
}

/// Whether the hostile text stands in it, whole.
fn holds(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(HOSTILE),
        Value::Array(items) => items.iter().any(holds),
        Value::Object(members) => members.values().any(holds),
        _ => false,
    }
}

#[test]
fn a_server_that_says_to_ask_again_is_asked_again() {
    let folder = Folder::new();
    let problem = json!({
        "status": 503, "code": "indexing", "detail": "the server is indexing what it has: 43 %",
    });
    let soon = problem.clone();
    let server = Fake::new(move |nth, _| match nth {
        0 | 1 => Reply::busy(0, &soon),
        _ => Reply::json(&page(0, 1, None)),
    });
    let found = ask(&folder, &server, &["search", "x"]);
    assert_eq!(found.err, "waiting: the server is indexing what it has: 43 %\n");
    assert!(found.code(0).contains("1 event"));

    let never = Fake::new(move |_, _| Reply::busy(61, &problem));
    let failed = ask(&folder, &never, &["show", "x"]);
    assert!(failed.err.contains("indexing what it has: 43 %; waited 0 s"), "{}", failed.err);
    assert!(failed.err.ends_with("\n  what to do: counterfoil explain indexing\n"), "{failed:?}");
    assert_eq!((failed.code, failed.err.lines().count()), (1, 2));

    // Who asked too much is told so, by whatever the server said it with.
    let quota = json!({ "code": "quota", "detail": "no more reads this minute" });
    let strict = Fake::new(move |_, _| Reply::failed(429, &quota).later(61));
    let failed = ask(&folder, &strict, &["show", "x"]);
    assert!(failed.err.contains("the server said 429: no more reads"), "{}", failed.err);
    let failed = ask(&folder, &strict, &["show", "x", "--json"]);
    let failed: Value = serde_json::from_str(&failed.err).expect("JSON");
    assert_eq!(
        (&failed["error"]["status"], &failed["error"]["code"]),
        (&json!(429), &json!("quota"))
    );

    // One that is busy is asked again without a word, before anybody misses the answer.
    let busy = json!({ "code": "busy", "detail": "no room" });
    let full = Fake::new(move |nth, path| match (nth, path) {
        (0 | 2, _) => Reply::busy(0, &busy),
        (_, "/v1/evidence") => Reply::json(&file(1)),
        _ => Reply::json(&hit(1)),
    });
    let made = ask(&folder, &full, &["evidence", "x"]);
    assert!(made.code == 0 && !made.err.contains("waiting"), "{}", made.err);
}
