//! `counterfoil verify` over logs that are closed and followed by others.

use std::fs;

use serde_json::{Value, json};

use crate::fake::{Fake, Reply};
use crate::life::EVENT;
use crate::support::{Folder, Server};
use crate::wire::Wire;

/// A server with a pinned log that was closed since, twice.
fn rotated() -> (Folder, Server) {
    let folder = Folder::new();
    let server = folder.serve();
    folder.run(&["verify", &server.url, "--remember", "pin"]).code(0);
    folder.write("event.json", EVENT);
    for log in ["default-0", "default-1"] {
        folder.run(&["send", "event.json"]).code(0);
        folder.run(&["log", "rotate", log, "--why", "a new year"]).code(0);
    }
    (folder, server)
}

/// The logs whose checkpoints are saved.
fn pinned(folder: &Folder) -> Vec<String> {
    let pin = fs::read_to_string(folder.path("pin")).expect("checkpoints");
    let origins = pin.lines().filter_map(|line| line.strip_prefix("log.example/tlog/"));
    origins.map(str::to_owned).collect()
}

#[test]
fn a_log_that_is_remembered_is_followed_into_the_next() {
    let (folder, server) = rotated();
    let first = folder.run(&["verify", &server.url, "--remember", "pin"]);
    assert!(first.err.contains("those of the logs that followed are there"), "{first:?}");
    let first = first.code(0);
    assert_eq!(first.matches("VERIFIED").count(), 3, "{first}");
    assert!(first.contains("extends     the saved checkpoint of size 1"), "{first}");
    assert!(first.contains("default-0 named its first key in entry "), "{first}");
    // Whoever has the first key alone is led on each night, and holds each log to its own.
    assert_eq!(pinned(&folder), ["default-0", "default-1", "default-2"]);
    let second = folder.run(&["verify", &server.url, "--remember", "pin"]).code(0);
    assert_eq!(second.matches("extends     the saved checkpoint").count(), 3, "{second}");
    folder.run(&["key", "accept"]).code(0);
    folder.run(&["verify", &server.url, "--remember", "pin"]).code(0);
    assert_eq!(pinned(&folder), ["default-2"], "the keys of all are there");
    let third = folder.run(&["verify", &server.url, "--remember", "pin"]).code(0);
    assert_eq!(third.matches("VERIFIED").count(), 1, "{third}");
    server.stop();
}

#[test]
fn without_a_log_all_are_judged_and_the_open_one_is_pinned() {
    let (folder, server) = rotated();
    let unknown = folder.run(&["verify", &server.url]).code(4);
    assert_eq!(unknown.matches("counterfoil key accept").count(), 2, "{unknown}");
    folder.run(&["key", "accept"]).code(0);
    let all = folder.run(&["verify", &server.url]).code(0);
    assert_eq!(all.matches("VERIFIED").count(), 3, "{all}");
    let next = format!("counterfoil verify {} --remember FILE", server.url);
    assert_eq!(all.matches(&next).count(), 1, "{all}");
    // By the key of one, the others are nobody's.
    let keys = folder.run(&["key", "export"]).code(0);
    folder.write("one.key", keys.lines().next().expect("a key"));
    let some = folder.run(&["verify", &server.url, "-k", "one.key"]).code(4);
    assert_eq!(some.matches("UNVERIFIABLE").count(), 2, "{some}");
    fs::remove_file(folder.path("pin")).expect("removed");
    folder.run(&["verify", &server.url, "--remember", "pin"]).code(0);
    assert_eq!(pinned(&folder), ["default-2"]);
    // Whoever names a log means that one.
    let args = ["verify", &server.url, "--log", "default-0", "--remember", "old"];
    let named = folder.run(&args).code(0);
    let next = format!("counterfoil verify {} --log default-1 --remember FILE", server.url);
    assert!(named.contains("closed  default-1 follows") && named.contains(&next), "{named}");
    server.stop();
}

/// A server in between that changes some answers, and nothing else.
fn between(
    server: &Server,
    token: String,
    change: impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + 'static,
) -> Fake {
    let url = server.url.clone();
    Fake::between(move |method, path, body| {
        let header = format!("Bearer {token}");
        let headers = [("authorization", &*header), ("content-type", "application/json")];
        let answer = Wire::open(&url).ask(method, path, &headers, body);
        Reply::bytes_of(answer.status, change(path, answer.body))
    })
}

/// JSON with something else in it.
fn changed(body: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut said = serde_json::from_slice(body).expect("JSON");
    change(&mut said);
    said.to_string().into_bytes()
}

#[test]
fn a_log_that_the_one_before_does_not_name_is_not_followed() {
    let (folder, server) = rotated();
    let key = folder.run(&["key", "export"]).code(0);
    folder.write("log.key", key.lines().next().expect("a key"));
    let before = pinned(&folder);
    let stranger = key.lines().last().expect("a key").to_owned();
    let keys = move |path: &str, body: Vec<u8>| match path {
        "/v1/logs/default-1/keys" => {
            changed(&body, |said| said["keys"][0]["vkey"] = json!(stranger))
        }
        _ => body,
    };
    // The third log says that it follows the first.
    let skipped = |path: &str, body: Vec<u8>| match path {
        "/v1/logs" => changed(&body, |said| {
            let logs = said["logs"].as_array_mut().expect("logs");
            logs.retain(|log| log["name"] != "default-1");
            let last = logs.iter_mut().find(|log| log["name"] == "default-2").expect("it is there");
            last["follows"] = json!("log.example/tlog/default-0");
        }),
        _ => body,
    };
    let token = folder.first_token("default");
    let liars = [
        (between(&server, token.clone(), keys), "is not the one default-0 named"),
        (between(&server, token, skipped), "names another one"),
    ];
    for (liar, why) in liars {
        let args = ["verify", &liar.url, "-k", "log.key", "--remember", "pin"];
        let broken = folder.run(&args).code(3);
        assert!(broken.contains("NOT FOLLOWED") && broken.contains(why), "{broken}");
        assert_eq!(pinned(&folder), before);
    }
    server.stop();
}

#[test]
fn a_log_that_was_followed_is_neither_hidden_nor_put_back() {
    let (folder, server) = rotated();
    let key = folder.run(&["key", "export"]).code(0);
    folder.write("log.key", key.lines().next().expect("a key"));
    let older = "/tlog/default-2/checkpoint";
    let older = Wire::open(&server.url).ask("GET", older, &[], b"").body;
    folder.write("event.json", &EVENT.replace("\"id\":\"", "\"id\":\"another-"));
    folder.run(&["send", "event.json"]).code(0);
    folder.run(&["verify", &server.url, "--remember", "pin"]).code(0);
    let before = fs::read(folder.path("pin")).expect("checkpoints");
    let put_back = move |path: &str, body| match path {
        "/tlog/default-2/checkpoint" => older.clone(),
        _ => body,
    };
    let hidden = |path: &str, body: Vec<u8>| match path {
        "/v1/logs" => changed(&body, |said| said["logs"] = json!([])),
        _ => body,
    };
    let token = folder.first_token("default");
    let liars = [
        (between(&server, token.clone(), put_back), "the saved checkpoint has"),
        (between(&server, token, hidden), "default-1: its checkpoint is saved, and nothing led"),
    ];
    for (liar, why) in liars {
        let args = ["verify", &liar.url, "-k", "log.key", "--remember", "pin"];
        let lacking = folder.run(&args).code(3);
        assert!(lacking.contains(why), "{lacking}");
        assert_eq!(fs::read(folder.path("pin")).expect("checkpoints"), before);
    }
    server.stop();
}
