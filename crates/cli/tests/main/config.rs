//! `counterfoil config`, and what a server makes of its environment.

use serde_json::Value;

use crate::support::Folder;

const FILE: &str = "listen = \"127.0.0.1:0\"\n\n[limits]\nconnections_max = 9\n";

#[test]
fn each_value_is_shown_with_where_it_came_from() {
    let folder = Folder::new();
    folder.write("c.toml", FILE);
    let mut command = folder.command(&["config", "show", "c.toml"]);
    command.env("COUNTERFOIL_LIMITS__CONNECTIONS_MAX", "10");
    let shown = crate::support::Ran::from(command.output().expect("runs")).code(0);
    let row = |name: &str| {
        let line = shown.lines().find(|line| line.split_whitespace().next() == Some(name));
        line.expect(name).split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("listen"), "\"127.0.0.1:0\" c.toml:1");
    assert_eq!(row("limits.connections_max"), "10 environment COUNTERFOIL_LIMITS__CONNECTIONS_MAX");
    assert_eq!(row("origin"), "– default");
    assert_eq!(row("log[0].tenant"), "\"default\" default");
    let json = folder.run(&["config", "show", "c.toml", "--json"]).code(0);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let listen =
        json["settings"].as_array().expect("a list").iter().find(|s| s["name"] == "listen");
    let place = serde_json::json!({"from": "file", "file": "c.toml", "line": 1});
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
fn a_mistyped_variable_is_told_and_its_value_is_not() {
    let folder = Folder::new();
    let mut command = folder.command(&["serve", "--data", "data"]);
    command.env("COUNTERFOIL_LISTENN", "a-secret");
    let served = crate::support::Ran::from(command.output().expect("runs"));
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
