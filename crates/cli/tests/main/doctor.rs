//! `counterfoil doctor` on a folder that is well, and on one that is not.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::Folder;

const DOCTOR: [&str; 4] = ["--json", "doctor", "--data", "data"];

/// Level, and what was found, of a line.
fn line<'a>(report: &'a Value, name: &str) -> (&'a str, &'a str) {
    let all = report["findings"].as_array().expect("a list");
    let found = all.iter().find(|finding| finding["name"] == name).expect(name);
    (found["level"].as_str().expect("a level"), found["found"].as_str().expect("words"))
}

#[test]
fn a_doctor_names_what_is_wrong_with_the_mend() {
    let folder = Folder::new();
    let server = folder.serve();
    folder.write("c.toml", &format!("listen = \"{}\"\n", &server.url["http://".len()..]));
    let ask = |code: i32, more: &[&str]| -> Value {
        let said = folder.run(&[&DOCTOR, more].concat()).code(code);
        serde_json::from_str(&said).expect("JSON")
    };
    let here = ask(0, &[]);
    assert!(line(&here, "port").1.ends_with(&server.url["http://".len()..]), "{here}");
    let up = ask(0, &["--config", "c.toml"]);
    assert_eq!(up["well"], true, "{up}");
    for name in ["configuration", "data folder", "keys folder", "keys", "port", "ready", "token"] {
        assert_eq!(line(&up, name).0, "ok", "{name}: {up}");
    }
    assert!(line(&up, "port").1.contains("a Counterfoil has"), "{up}");
    assert!(line(&up, "fdatasync").1.starts_with("p50 "), "{up}");
    server.stop();

    let down = ask(0, &["--config", "c.toml"]);
    assert_eq!((line(&down, "server").0, line(&down, "port").0), ("warning", "ok"), "{down}");
    assert_eq!(line(&down, "journal").0, "unknown", "{down}");
    let names = fs::read_dir(folder.path("data")).expect("a folder").flatten();
    let left = names.filter(|name| name.file_name().to_string_lossy().starts_with("doctor"));
    assert_eq!(left.count(), 0, "it leaves nothing behind");

    fs::set_permissions(folder.path("data-keys"), Permissions::from_mode(0o755)).expect("set");
    let open = ask(1, &[]);
    assert_eq!(line(&open, "keys folder").0, "bad", "{open}");
    fs::set_permissions(folder.path("data-keys"), Permissions::from_mode(0o700)).expect("set");
    let key = folder.path("data-keys/default-0.key");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).expect("set");
    assert_eq!(line(&ask(1, &[]), "keys folder").0, "bad");
    fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("set");

    let tokens = folder.path("data-keys/tokens.json");
    fs::set_permissions(&tokens, Permissions::from_mode(0o644)).expect("set");
    let open = ask(1, &[]);
    let (level, found) = line(&open, "keys folder");
    assert!(level == "bad" && found.contains("tokens.json is open to others"), "{open}");
    fs::set_permissions(&tokens, Permissions::from_mode(0o600)).expect("set");
    fs::set_permissions(&key, Permissions::from_mode(0o606)).expect("set");
    let refused = folder.run(&["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
    assert!(refused.err.contains("anybody on this machine may write"), "{refused:?}");
    assert_ne!(refused.code, 0);
    fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("set");

    fs::create_dir(folder.path("other-keys")).expect("made");
    fs::set_permissions(folder.path("other-keys"), Permissions::from_mode(0o700)).expect("set");
    let missing = ask(1, &["--keys", "other-keys"]);
    let wanted = "the key file other-keys/default-access-0.key is not there";
    assert!(line(&missing, "keys").1.contains(wanted), "{missing}");
    let said = folder.run(&["doctor", "--data", "data", "--keys", "other-keys"]);
    assert!(said.code == 1 && said.out.contains("mend: give --keys"), "{said:?}");
    folder.write("c.toml", "origin = \"other.example\"\n");
    assert_eq!(line(&ask(1, &["--config", "c.toml"]), "origin").0, "bad");

    fs::create_dir_all(folder.path("etc")).expect("made");
    folder.write("etc/passwd", "root");
    let said = folder.run(&["doctor", "--data", "data", "--keys", "etc"]);
    assert!(said.code == 1 && said.out.contains("etc has other files"), "{said:?}");
    assert!(!said.out.contains("chmod"), "nobody else's folder is to be closed: {said:?}");
}

#[test]
fn a_doctor_finds_bad_what_a_start_refuses() {
    let folder = Folder::new();
    folder.serve().stop();
    let start = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];
    let well: Value = serde_json::from_str(&folder.run(&DOCTOR).code(0)).expect("JSON");
    assert_eq!(line(&well, "start").0, "ok", "{well}");
    for (file, text) in [
        ("data/folder.json", None),
        ("data/head", None),
        ("data/head", Some("short")),
        ("data/id.check", Some("")),
        ("data/schemas.json", Some("{")),
        ("data/logs/default-0/birth", None),
        ("data-keys/id.key", None),
        ("data-keys/tokens.json", Some("{")),
    ] {
        let path = folder.path(file);
        let kept = fs::read(&path).ok();
        match text {
            Some(text) => fs::write(&path, text).expect("written"),
            None => fs::remove_file(&path).expect("removed"),
        }
        let report: Value = serde_json::from_str(&folder.run(&DOCTOR).code(1)).expect("JSON");
        let all = report["findings"].as_array().expect("a list");
        let mut bad = all.iter().filter(|finding| finding["level"] == "bad");
        let refused = folder.run(&start);
        assert_eq!(refused.code, 1, "{file}: {refused:?}");
        // The start's own words.
        let is_told = bad.any(|finding| {
            let found = finding["found"].as_str().expect("words");
            let is_of_keys = finding["mend"].as_str().expect("words").contains("--keys");
            assert!(!is_of_keys || file.starts_with("data-keys"), "{file}: {finding}");
            // A key's finding begins with its log.
            let why = found.split_once(": ").map_or(found, |(_, why)| why);
            refused.err.contains(found) || refused.err.contains(why)
        });
        assert!(is_told, "{file}: {refused:?} {report}");
        match kept {
            Some(bytes) => {
                fs::write(&path, bytes).expect("put back");
                fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("set");
            }
            None => fs::remove_file(&path).expect("removed"),
        }
    }
    folder.run(&DOCTOR).code(0);
    folder.write("event.json", "{}");
    let said = folder.run(&["doctor", "--data", "event.json"]);
    assert!(said.code == 1 && said.out.contains("event.json is no folder"), "{said:?}");
    assert!(!said.out.contains("chmod"), "{said:?}");
    let said = folder.run(&["doctor", "--data", "data"]).code(0);
    assert!(said.ends_with(": the server does not answer\n"), "{said}");
    let said = folder.run(&["doctor"]).code(0);
    assert!(said.contains("unknown  data folder     not looked at: give --data DIR"), "{said}");
}
