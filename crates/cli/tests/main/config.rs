//! `counterfoil config`, and what a server makes of its environment.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Folder, Ran, Server};
use crate::wire::{Wire, ask};

const FILE: &str = "listen = \"127.0.0.1:0\"\n\n[limits]\nconnections_max = 9\n";

#[test]
fn each_value_is_shown_with_where_it_came_from() {
    let folder = Folder::new();
    folder.write("c.toml", FILE);
    let mut command = folder.command(&["config", "show", "c.toml"]);
    command.env("COUNTERFOIL_LIMITS__CONNECTIONS_MAX", "10");
    let shown = Ran::from(command.output().expect("runs")).code(0);
    let row = |name: &str| {
        let line = shown.lines().find(|line| line.split_whitespace().next() == Some(name));
        line.expect(name).split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("listen"), "\"127.0.0.1:0\" c.toml:1");
    assert_eq!(row("limits.connections_max"), "10 environment COUNTERFOIL_LIMITS__CONNECTIONS_MAX");
    assert_eq!(row("origin"), "– default");
    assert_eq!(row("log[0].tenant"), "\"default\" default");
    assert_eq!(row("partition.entries_max"), "no bound default");
    let told = folder.run(&["config", "show", "c.toml"]).err;
    assert!(
        told.ends_with("what a running one has: counterfoil config show --running\n"),
        "{told}"
    );
    let json = folder.run(&["config", "show", "c.toml", "--json"]).code(0);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let listen =
        json["settings"].as_array().expect("a list").iter().find(|s| s["name"] == "listen");
    let place = json!({"from": "file", "file": "c.toml", "line": 1});
    assert_eq!(listen.expect("it stands")["place"], place, "{json}");
}

#[test]
fn all_faults_are_told_at_once_and_nothing_starts() {
    let folder = Folder::new();
    folder.write("c.toml", "listen = 1\nlisten_on = \"x\"\n");
    let checked = folder.run(&["config", "check", "c.toml"]).code(2);
    let lines: Vec<&str> = checked.lines().collect();
    assert!(lines[0].starts_with("c.toml:1: `listen` must be an IP address"), "{checked}");
    assert!(lines[1].starts_with("c.toml:2: unknown setting `listen_on`"), "{checked}");
    assert_eq!(lines[2..], ["UNUSABLE  2 faults"]);
    let json = folder.run(&["config", "check", "c.toml", "--json"]).code(2);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["faults"][1]["place"]["line"], 2, "{json}");
    let served = folder.run(&["serve", "--data", "data", "--config", "c.toml"]);
    assert!(served.err.contains("  c.toml:2: unknown setting"), "{served:?}");
    served.code(2);
    assert!(!folder.path("data").exists(), "it looked at the data first");
    let missing = folder.run(&["config", "check", "none.toml"]).code(2);
    assert!(missing.starts_with("cannot read none.toml: "), "{missing}");
}

#[test]
fn a_check_reads_the_files_of_owners() {
    let folder = Folder::new();
    folder.write("c.toml", "[[log]]\nname = \"a-0\"\ntenant = \"a\"\ncatalogue = \"o.toml\"\n");
    let check = |code: i32| folder.run(&["config", "check", "c.toml"]).code(code);
    let missing = check(2);
    assert!(missing.starts_with("c.toml:4: `log.catalogue` cannot be used: "), "{missing}");
    assert!(missing.contains("o.toml") && missing.ends_with("UNUSABLE  1 fault\n"), "{missing}");
    folder.write("o.toml", "[[service]]\nname = 7\n");
    assert!(check(2).starts_with("c.toml:4: `log.catalogue` cannot be used: "));
    folder.write("o.toml", include_str!("../../src/demo/owners.toml"));
    assert!(check(0).starts_with("SOUND"));
}

#[test]
fn a_mistyped_variable_is_told_and_its_value_is_not() {
    let folder = Folder::new();
    let mut command = folder.command(&["serve", "--data", "data"]);
    command.env("COUNTERFOIL_LISTENN", "a-secret");
    let served = Ran::from(command.output().expect("runs"));
    assert!(served.err.contains("did you mean COUNTERFOIL_LISTEN?"), "{served:?}");
    assert!(!served.err.contains("a-secret"), "{served:?}");
    served.code(2);
}

#[test]
fn the_example_is_sound_and_the_one_in_the_documentation() {
    let folder = Folder::new();
    let example = folder.run(&["config", "example"]).code(0);
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/counterfoil.toml");
    assert_eq!(example, std::fs::read_to_string(docs).expect("the file"));
    folder.write("c.toml", &example);
    let said = folder.run(&["config", "check", "c.toml"]).code(0);
    assert!(said.starts_with("SOUND  0 values given"), "{said}");
}

/// A server on `c.toml`, and what its first admin asks of it.
struct House {
    folder: Folder,
    server: Server,
    bearer: String,
}

impl House {
    fn new() -> House {
        let folder = Folder::new();
        folder.write("c.toml", "[limits]\nconnections_max = 9\n");
        let server = folder.serve_with(&["--config", "c.toml"]);
        let bearer = format!("Bearer {}", folder.first_token("default"));
        House { folder, server, bearer }
    }

    /// What the access log has of an action, newest first.
    fn stated(&self, action: &str) -> Vec<Value> {
        let headers = [("authorization", self.bearer.as_str())];
        let path = format!("/v1/events?log=default-access-0&q=action:{action}");
        let page = Wire::open(&self.server.url).ask("GET", &path, &headers, b"").json();
        let events = page["events"].as_array().unwrap_or_else(|| panic!("{page}"));
        events.iter().map(|found| found["event"].clone()).collect()
    }

    /// What the server says of an event.
    fn recorded(&self, id: &str) -> Value {
        let headers = [("authorization", self.bearer.as_str())];
        let path = format!("/v1/events/{id}");
        let found = Wire::open(&self.server.url).ask("GET", &path, &headers, b"").json();
        found["event"]["recorded"].clone()
    }

    /// What is in force.
    fn running(&self, name: &str) -> Value {
        let shown = self.folder.run(&["config", "show", "--running", "--json"]).code(0);
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        let settings = shown["settings"].as_array().expect("a list");
        settings.iter().find(|s| s["name"] == name).expect("a setting")["value"].clone()
    }
}

#[test]
fn a_reload_takes_force_and_is_stated_before() {
    let house = House::new();
    let load = &house.stated("config.load")[0];
    let given: Vec<&Value> =
        load["attributes"]["given"].as_array().expect("a list").iter().collect();
    assert_eq!(given.len(), 3, "{load}");
    assert_eq!(
        given[2],
        &json!({"name": "limits.connections_max", "value": 9, "from": "c.toml:2"})
    );

    house.folder.write("c.toml", "[limits]\nbody_bytes_max = 300\nconnections_max = 10\n");
    let said = house.folder.run(&["config", "reload"]).code(0);
    assert_eq!(
        said,
        "limits.body_bytes_max  16777216 → 300  c.toml:2\n\
         limits.connections_max  9 → 10  c.toml:3\n"
    );
    assert_eq!(house.running("limits.connections_max"), 10);
    let changes = house.stated("config.change");
    assert_eq!(changes.len(), 2, "{changes:?}");
    let change = &changes[1];
    assert_eq!(change["resources"][0]["id"], "limits.body_bytes_max", "{change}");
    let values = json!([{"path": "", "before": 16777216, "after": 300}]);
    assert_eq!(change["resources"][0]["changes"], values);
    assert_eq!((&change["phase"], &change["actor"]["id"]), (&json!("attempt"), &json!("admin")));
    assert_eq!(change["attributes"]["from"], "c.toml:2");
    let whole = house.stated("config.reload");
    assert_eq!(whole[0]["phase"], "end", "{whole:?}");
    assert_eq!(whole[0]["outcome"]["result"], "success");
    assert_eq!(whole[0]["correlation"], change["correlation"], "one operation");
    assert_ne!(whole[0]["attributes"]["digest"], load["attributes"]["digest"]);

    let headers = [("authorization", house.bearer.as_str()), ("content-type", "application/json")];
    let large = [&vec![b' '; 300][..], b"[]"].concat();
    let answer = Wire::open(&house.server.url).ask("POST", "/v1/events", &headers, &large);
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert_eq!(house.folder.run(&["config", "reload"]).code(0), "nothing has changed\n");
    assert_eq!(house.stated("config.change").len(), 2);
    house.server.stop();
}

#[test]
fn a_reload_that_cannot_be_changes_nothing_and_is_stated() {
    let house = House::new();
    for (text, code, why) in [
        (
            "listen = \"127.0.0.1:1\"\n[limits]\nconnections_max = 8\n[[log]]\nname = \"b-0\"\n\
             tenant = \"default\"\n",
            "restart",
            "needs a restart, nothing was changed: log[0].name",
        ),
        (
            "[limits]\nconnections_max = 8\nnope = 1\n",
            "config",
            "c.toml:3: unknown setting `limits.nope`",
        ),
    ] {
        house.folder.write("c.toml", text);
        let said = house.folder.run(&["config", "reload"]);
        assert!(said.err.contains(why), "{said:?}");
        said.code(1);
        assert_eq!(house.running("limits.connections_max"), 9);
        let stated = &house.stated("config.reload")[0];
        assert_eq!(stated["outcome"]["result"], "failure", "{stated}");
        assert_eq!(stated["outcome"]["code"], code);
        assert!(stated["outcome"]["message"].as_str().expect("why").contains(why), "{stated}");
    }
    assert!(house.stated("config.change").is_empty());
    house.server.stop();
}

#[test]
fn a_signal_asks_for_a_reload_too() {
    let house = House::new();
    house.folder.write("c.toml", "[limits]\nconnections_max = 11\n");
    hang_up(house.server.pid());
    // Looking at it is no read that has a quota.
    let is_heard = |_| house.running("limits.connections_max") == 11;
    assert!((0..10_000).any(is_heard), "it was not heard");
    let done = house.stated("config.reload")[0].clone();
    assert_eq!(done["actor"], json!({"type": "system", "id": "counterfoil"}), "{done}");
    assert_eq!(done["reason"]["text"], "a signal, SIGHUP, from the server's machine");
    house.server.stop();
}

fn hang_up(pid: u32) {
    let asked = Command::new("kill").args(["-HUP", &pid.to_string()]).status().expect("runs");
    assert!(asked.success());
}

fn make_pipe(path: &Path) {
    // What stood there may not.
    let _ = std::fs::remove_file(path);
    assert!(Command::new("mkfifo").arg(path).status().expect("runs").success());
}

#[test]
fn a_pipe_in_the_place_of_a_file_keeps_nobody_waiting() {
    let house = House::new();
    let log = "[[log]]\nname = \"default-0\"\ntenant = \"default\"\nscope = \"scope.toml\"\n";
    let config = format!("[limits]\nconnections_max = 9\n{log}");
    for (pipe, said) in [
        ("scope.toml", "cannot be read: it is a pipe; allowed is a regular file"),
        ("c.toml", "cannot read c.toml again: it is a pipe; allowed is a regular file"),
    ] {
        house.folder.write("c.toml", &config);
        make_pipe(&house.folder.path(pipe));
        let reload = house.folder.run(&["config", "reload"]);
        assert!(reload.err.contains(said), "{reload:?}");
        reload.code(1);
        assert_eq!(house.stated("config.reload")[0]["outcome"]["code"], "config");
    }
    hang_up(house.server.pid());
    house.server.stop();
}

#[test]
fn settings_that_came_through_a_pipe_stay_in_force() {
    let folder = Folder::new();
    let pipe = folder.path("pipe");
    make_pipe(&pipe);
    let settings = "[limits]\nconnections_max = 12\n";
    let writer = std::thread::spawn(move || std::fs::write(pipe, settings));
    let server = folder.serve_with(&["--config", "pipe"]);
    writer.join().expect("no panic").expect("written");
    let bearer = format!("Bearer {}", folder.first_token("default"));
    let house = House { folder, server, bearer };
    // Looking at how large the access log is states nothing.
    let size = || {
        let headers = [("authorization", house.bearer.as_str())];
        let logs = Wire::open(&house.server.url).ask("GET", "/v1/logs", &headers, b"").json();
        let logs = logs["logs"].as_array().expect("a list").clone();
        let access = logs.iter().find(|log| log["name"] == "default-access-0");
        access.expect("it stands")["size"].as_u64().expect("a size")
    };
    let before = size();
    hang_up(house.server.pid());
    assert!((0..10_000).any(|_| size() > before), "it was not heard");
    let stated = house.stated("config.reload")[0].clone();
    let why = "cannot read pipe again: it is a pipe; allowed is a regular file";
    assert_eq!(stated["outcome"]["message"], why, "{stated}");
    assert_eq!(house.running("limits.connections_max"), 12);
    house.server.stop();
}

const RULES: &str = "[[rule]]\nname = \"probes\"\npath = \"/healthz*\"\nthen = \"drop\"\n\
                     reason = \"a probe tells nothing\"\n";

/// The code of what became of a probe that somebody sends.
fn probe(house: &House, id: &str) -> Value {
    let event = json!([{
        "id": id, "action": "http.get", "actor": {"type": "user", "id": "u"},
        "service": {"name": "web"}, "request": {"path": "/healthz"},
        "occurred_at": "2026-01-02T03:04:05Z",
    }]);
    let headers = [("authorization", house.bearer.as_str()), ("content-type", "application/json")];
    let sent = Wire::open(&house.server.url).ask(
        "POST",
        "/v1/events",
        &headers,
        event.to_string().as_bytes(),
    );
    assert_eq!(sent.status, 200, "{}", sent.text());
    sent.json()["events"][0]["refused"]["code"].clone()
}

#[test]
fn rules_of_the_audit_scope_are_read_anew_and_stated_with_their_digest() {
    let house = House::new();
    let config = |scope: &str| {
        let log = "[[log]]\nname = \"default-0\"\ntenant = \"default\"\n";
        house.folder.write("c.toml", &format!("[limits]\nconnections_max = 9\n{log}{scope}"));
    };
    let reload = || house.folder.run(&["config", "reload"]);
    assert_eq!(probe(&house, "p1"), Value::Null, "no rule is in force");

    // A file that is named now.
    house.folder.write("scope.toml", RULES);
    config("scope = \"scope.toml\"\n");
    let said = reload().code(0);
    let digest = |said: &str| {
        let line = said.lines().find(|line| line.starts_with("log[0].scope.rules")).expect("told");
        let (_, new) = line.split_once(" → ").expect("a change");
        new.split('"').nth(1).expect("a digest").to_owned()
    };
    let first = digest(&said);
    assert!(said.starts_with("log[0].scope  – → \"") && first.starts_with("scope/"), "{said}");
    assert_eq!(probe(&house, "p2"), "left_out");

    // The same file says something else.
    house.folder.write("scope.toml", &RULES.replace("/healthz*", "/other"));
    let said = reload().code(0);
    let second = digest(&said);
    assert!(said.lines().count() == 1 && second != first, "{said}");
    let change = &house.stated("config.change")[0];
    assert_eq!(change["resources"][0]["id"], "log[0].scope.rules", "{change}");
    let values = json!([{"path": "", "before": first, "after": second}]);
    assert_eq!(
        (&change["resources"][0]["changes"], &change["phase"]),
        (&values, &json!("attempt"))
    );
    assert_eq!(probe(&house, "p3"), Value::Null, "the old rule is gone");
    let stored = house.recorded("p3");
    assert!(stored["policy"].as_str().expect("a name").contains(&second), "{stored}");

    // A comment is no change, and one mistake refuses all of a reload.
    house.folder.write("scope.toml", &format!("# why\n{}", RULES.replace("/healthz*", "/other")));
    assert_eq!(reload().code(0), "nothing has changed\n");
    house.folder.write("scope.toml", &RULES.replace("drop", "lose"));
    config("scope = \"scope.toml\"\n");
    let text = std::fs::read_to_string(house.folder.path("c.toml")).expect("written");
    house.folder.write("c.toml", &text.replace("connections_max = 9", "connections_max = 8"));
    let said = reload();
    assert!(said.err.contains("`log.scope` line 4: unknown variant `lose`"), "{said:?}");
    said.code(1);
    assert_eq!(house.running("limits.connections_max"), 9);
    assert_eq!(probe(&house, "p4"), Value::Null);
    assert_eq!(house.stated("config.reload")[0]["outcome"]["code"], "config");

    // None again.
    config("");
    let said = reload().code(0);
    assert!(said.contains(&format!("log[0].scope.rules  \"{second}\" → –")), "{said}");
    assert_eq!(house.stated("scope.dropped").len(), 0, "it stands in the other log");
    house.server.stop();
}

/// Two tenants, and what one of them may know of the other.
#[test]
fn what_changes_of_a_tenants_log_is_told_to_no_other() {
    let folder = Folder::new();
    let logs = |scope: &str| {
        format!(
            "[[log]]\nname = \"acme-0\"\ntenant = \"acme\"\n{scope}\
             [[log]]\nname = \"westward-0\"\ntenant = \"westward\"\n"
        )
    };
    folder.write("c.toml", &logs(""));
    let server = folder.serve_with(&["--config", "c.toml"]);
    let tokens = ["acme", "westward"].map(|tenant| folder.first_token(tenant));
    folder.write("scope.toml", RULES);
    folder.write("c.toml", &logs("scope = \"scope.toml\"\n"));
    let by_other = ask(&server.url, &tokens[1], "POST", "/v1/config/reload", "").json();
    assert_eq!(by_other, json!({"changes": []}), "it happened, and is not theirs");
    let changes = |token: &str, log: &str| {
        let path = format!("/v1/events?log={log}-access-0&q=action:config.change");
        let page = ask(&server.url, token, "GET", &path, "").json();
        page["events"].as_array().unwrap_or_else(|| panic!("{page}")).len()
    };
    assert_eq!([changes(&tokens[0], "acme"), changes(&tokens[1], "westward")], [2, 0]);
    folder.write("scope.toml", &RULES.replace("drop", "lose"));
    let refused = ask(&server.url, &tokens[1], "POST", "/v1/config/reload", "");
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert!(!refused.text().contains("scope"), "{}", refused.text());
    server.stop();
}
