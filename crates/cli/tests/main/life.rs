//! One event lives its whole life: sent, receipted, killed, found again, proved; and a changed
//! byte is named.

use std::collections::BTreeMap;

use crate::support::{Folder, flip};
use crate::wire::{Wire, ask};

pub const EVENT: &str = r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","action":"invoice.delete","actor":{"type":"user","id":"alice"},"service":{"name":"billing"},"occurred_at":"2026-01-02T03:04:05Z","reason":{"ticket":"SUP-1"}}"#;

#[test]
fn an_event_lives_its_whole_life() {
    let folder = Folder::new();
    folder.write("event.json", EVENT);
    let server = folder.serve();
    let sent = folder.run(&["send", "event.json", "--receipts", "receipt.json"]).code(0);
    assert!(sent.contains("1 new"), "{sent}");
    let key = folder.run(&["key", "export"]).code(0);
    folder.write("log.key", &key);
    let pinned = folder.run(&["verify", &server.url, "--remember", "pin"]).code(0);
    assert!(pinned.starts_with("VERIFIED  2 entries"), "{pinned}");
    server.kill();

    let at_rest = folder.run(&["verify", "data", "-k", "log.key", "--saved", "pin"]).code(0);
    assert!(at_rest.contains("VERIFIED  6 events"), "{at_rest}");
    let receipt = folder.run(&["verify", "receipt.json", "-k", "log.key"]).code(0);
    assert!(receipt.contains("VERIFIED  1 entry"), "{receipt}");

    let server = folder.serve();
    let url = ["--url", server.url.as_str()];
    folder.run(&["context", "list"]).code(0);
    let token =
        std::fs::read_to_string(folder.path("data-keys/first-token-default")).expect("kept");
    let with = |args: &[&str]| {
        let all = [args, &url, &["--token", token.trim()]].concat();
        folder.run(&all)
    };
    let found = with(&["search", "who:alice"]).code(0);
    assert!(found.contains("invoice.delete") && found.contains("billing"), "{found}");
    assert!(found.contains("1 event of 2026-01-02"), "{found}");
    let shown = with(&["show", "bcceb302"]).code(0);
    assert!(shown.contains("2026-01-02 03:04:05.000 UTC"), "{shown}");
    assert!(shown.contains("occurred 03:04:05.000  recorded 20"), "a day of its own: {shown}");
    let days = with(&["search", ""]).code(0);
    assert!(days.contains("  2026-01-02 03:04:05.000  bcceb302"), "{days}");
    let again = with(&["send", "event.json"]).code(0);
    assert!(again.contains("0 new, 1 known already"), "{again}");
    folder.write("later.json", &EVENT.replace("bcce-b302", "cdde-c413"));
    with(&["send", "later.json"]).code(0);
    let alone = with(&["evidence", "bcceb302", "--name", "/actor"]).code(0);
    folder.write("alone.json", &alone);
    let evidence = with(&["evidence", "bcceb302", "--name", "/actor", "--saved", "pin"]).code(0);
    folder.write("evidence.json", &evidence);
    with(&["receipt", "bcceb302"]).code(0);
    server.stop();

    let proved = folder.run(&["verify", "evidence.json", "-k", "log.key"]).code(0);
    assert!(proved.contains("withheld    /actor/id, /actor/type"), "{proved}");
    let extends = ["-k", "log.key", "--saved", "pin"];
    let held = folder.run(&[&["verify", "evidence.json"][..], &extends].concat()).code(0);
    assert!(held.starts_with("VERIFIED"), "{held}");
    let unproved = folder.run(&[&["verify", "alone.json"][..], &extends].concat()).code(3);
    assert!(unproved.contains("no-consistency"), "{unproved}");
    folder.write("forged.json", &evidence.replace("invoice.delete", "invoice.create"));
    let forged = folder.run(&["verify", "forged.json", "-k", "log.key"]).code(1);
    assert!(forged.contains("TAMPERED") && forged.contains("digest"), "{forged}");
}

#[test]
fn an_answer_can_prove_its_event_at_once() {
    let folder = Folder::new();
    let server = folder.serve();
    let bearer = format!("Bearer {}", folder.first_token("default"));
    let headers = [("authorization", bearer.as_str()), ("prefer", "return=representation")];
    let answer = Wire::open(&server.url).ask("POST", "/v1/events", &headers, EVENT.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let evidence = answer.json()["evidence"].to_string();
    folder.write("evidence.json", &evidence);
    folder.write("log.key", &folder.run(&["key", "export"]).code(0));
    server.stop();
    let need_full = ["verify", "evidence.json", "-k", "log.key", "--need", "full"];
    let proved = folder.run(&need_full).code(0);
    assert!(proved.contains("VERIFIED  1 event"), "{proved}");
    folder.write("evidence.json", &evidence.replace("invoice.delete", "invoice.create"));
    folder.run(&need_full).code(1);
}

#[test]
fn a_changed_byte_of_the_journal_is_named() {
    let folder = Folder::new();
    folder.write("event.json", EVENT);
    let server = folder.serve();
    folder.run(&["send", "event.json"]).code(0);
    let key = folder.run(&["key", "export"]).code(0);
    folder.write("log.key", &key);
    server.stop();
    folder.run(&["verify", "data", "-k", "log.key"]).code(0);

    flip(&folder.path("data/journal/0000000000000001"), 4096 + 700);
    let verdict = folder.run(&["verify", "data", "-k", "log.key"]).code(1);
    assert!(verdict.contains("journal/0000000000000001, byte 4096"), "{verdict}");
    let refused = folder.run(&["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("journal/0000000000000001, byte 4096"), "{}", refused.err);
}

#[test]
fn the_log_that_is_declared_takes_its_tenants_events() {
    let folder = Folder::new();
    for log in ["acme-9", "acme-10"] {
        let config = format!("[[log]]\nname = \"{log}\"\ntenant = \"acme\"\n");
        folder.write("c.toml", &config);
        let server = folder.serve_with(&["--config", "c.toml"]);
        let token = folder.first_token("acme");
        let event =
            EVENT.replace("01890a5d", if log == "acme-9" { "00000009" } else { "00000010" });
        let receipt = ask(&server.url, &token, "POST", "/v1/events", &event).json();
        assert_eq!(receipt["logs"][0]["origin"], format!("log.example/tlog/{log}"), "{receipt}");
        let logs = ask(&server.url, &token, "GET", "/v1/logs", "").json();
        // They share an access log.
        let count = if log == "acme-9" { 2 } else { 3 };
        assert_eq!(logs["logs"].as_array().map(Vec::len), Some(count), "closed logs are read on");
        server.stop();
    }
}

#[test]
fn an_origin_is_fixed_with_the_first_log() {
    let folder = Folder::new();
    folder.serve().stop();
    let start = ["serve", "--data", "data", "--listen", "127.0.0.1:0", "--origin"];
    let other = folder.run(&[&start[..], &["other.example"]].concat());
    assert_eq!(other.code, 1, "{other:?}");
    for said in ["log.example", "other.example", "fixed"] {
        assert!(other.err.contains(said), "{said} is missing in {}", other.err);
    }
    folder.serve().stop();
}

#[test]
fn a_log_is_closed_and_its_receipts_go_on() {
    let folder = Folder::new();
    folder.write("event.json", EVENT);
    let next = EVENT.replace("bcce-b302", "cdde-c413");
    folder.write("both.json", &format!("[{EVENT},{next}]"));
    let server = folder.serve();
    folder.run(&["send", "event.json", "--receipts", "first.json"]).code(0);
    let rotated = folder.run(&["log", "rotate", "default-0", "--why", "a new year"]);
    assert!(rotated.err.contains("default-0 is closed; default-1 takes"), "{rotated:?}");
    let again = folder.run(&["log", "rotate", "default-0", "--why", "a new year"]);
    assert!(again.code == 1 && again.err.contains("default-1"), "{again:?}");
    folder.run(&["send", "both.json", "--receipts", "second.json"]).code(0);
    let both = folder.run(&["search", "who:alice"]).code(0);
    assert!(both.contains("bcceb302") && both.contains("cddec413"), "{both}");
    folder.write("log.key", &folder.run(&["key", "export"]).code(0));
    server.stop();
    for receipt in ["first.json", "second.json", "data"] {
        let verdict = folder.run(&["verify", receipt, "-k", "log.key"]).code(0);
        assert!(verdict.contains("VERIFIED"), "{receipt}: {verdict}");
    }
    let server = folder.serve();
    let token = folder.first_token("default");
    let known = ["send", "both.json", "--url", &server.url, "--token", token.trim()];
    let known = folder.run(&known).code(0);
    assert!(known.contains("0 new, 2 known already"), "{known}");
    server.stop();
}

#[test]
fn one_server_signs_with_a_folder_of_keys() {
    let folder = Folder::new();
    folder.serve().stop();
    let (from, to) = (folder.path("data"), folder.path("copy"));
    let mut copy = std::process::Command::new("cp");
    let copied = copy.args(["-a", "--sparse=always"]).arg(from).arg(to).status();
    assert!(copied.expect("cp runs").success());
    let server = folder.serve();
    let copy = ["serve", "--data", "copy", "--keys", "data-keys", "--listen", "127.0.0.1:0"];
    let refused = folder.run(&copy);
    assert_eq!(refused.code, 1, "{refused:?}");
    let what = "another process has the folder of keys data-keys: two servers with one log's key";
    assert!(refused.err.contains(what), "{refused:?}");
    assert!(refused.err.contains("belongs to copy (--keys)"), "{refused:?}");
    let same = folder.run(&["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
    assert!(same.err.contains("another process has the data folder data"), "{same:?}");
    server.stop();
    assert_eq!(std::fs::read(folder.path("data-keys/lock")).expect("the lock"), b"");
    folder.serve().stop();
}

#[test]
fn keys_whose_data_is_not_mounted_are_left_alone() {
    let folder = Folder::new();
    folder.serve().stop();
    let (data, keys, away) =
        (folder.path("data"), folder.path("data-keys"), folder.path("elsewhere"));
    let all = || {
        let names = std::fs::read_dir(&keys).expect("the keys").map(|entry| entry.unwrap().path());
        names
            .map(|path| (path.clone(), std::fs::read(path).expect("a file")))
            .collect::<BTreeMap<_, _>>()
    };
    let before = all();
    std::fs::rename(&data, &away).expect("moved");
    let args = ["serve", "--data", "data", "--listen", "127.0.0.1:0", "--origin", "log.example"];
    let what = "data has no data folder, though the folder of keys";
    for is_mount_point in [false, true] {
        if is_mount_point {
            std::fs::create_dir(&data).expect("made");
        }
        let refused = folder.run(&args);
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.err.contains(what) && refused.err.contains("-0.key"), "{refused:?}");
        assert!(refused.err.contains("nothing was made. Is it the right folder"), "{refused:?}");
        assert_eq!(data.exists(), is_mount_point);
        assert_eq!(all(), before);
    }
    assert_eq!(std::fs::read_dir(&data).expect("the mount point").count(), 0);
    std::fs::remove_dir(&data).expect("removed");
    std::fs::rename(&away, &data).expect("mounted");
    // Keys of another folder do not fit, and those that do are named.
    std::fs::rename(keys.join("default-0.key"), keys.join("default-0.key.1")).expect("kept");
    std::fs::write(keys.join("default-0.key"), "none").expect("another");
    let refused = folder.run(&args);
    assert!(refused.err.contains("default-0.key is no key file"), "{refused:?}");
    std::fs::rename(keys.join("default-0.key.1"), keys.join("default-0.key")).expect("put back");
    folder.serve().stop();
    // Begun anew on purpose, but for the first token: that file is somebody's.
    std::fs::remove_dir_all(&data).expect("removed");
    for name in ["default-0.key", "default-access-0.key", "tokens.json"] {
        std::fs::remove_file(keys.join(name)).expect("removed");
    }
    let token = std::fs::read(keys.join("first-token-default")).expect("a token");
    let refused = folder.run(&args);
    assert!(refused.err.contains("first-token-default is there already"), "{refused:?}");
    assert_eq!(std::fs::read(keys.join("first-token-default")).expect("a token"), token);
    std::fs::remove_file(keys.join("first-token-default")).expect("moved");
    folder.serve().stop();
}

#[test]
fn a_start_says_what_is_missing_and_what_it_made() {
    let folder = Folder::new();
    let missing = folder.path("data-keys/default-0.key");
    let args = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];
    let mut first = folder.command(&args);
    first.stderr(std::fs::File::create(folder.path("err")).expect("made"));
    folder.serve_by(first).stop();
    let said = std::fs::read_to_string(folder.path("err")).expect("what it said");
    let made = folder.path("data").canonicalize().expect("it is there");
    let made = format!("counterfoil: a new data folder was made in {}", made.display());
    assert!(said.lines().any(|line| line == made), "{said}");

    let aside = folder.path("data-keys/default-0.key.1");
    std::fs::rename(&missing, &aside).expect("moved");
    let refused = folder.run(&args);
    assert_eq!(refused.code, 1, "{refused:?}");
    let what = "data-keys/default-0.key is not there (beside it stands default-0.key.1): put it";
    assert!(refused.err.contains(what), "{refused:?}");
    assert!(!refused.err.contains("a new data folder"), "{refused:?}");
    std::fs::rename(&aside, &missing).expect("moved back");
    folder.serve_as(&args).stop();
}

#[test]
fn standard_error_on_a_full_disk_ends_nothing() {
    let folder = Folder::new();
    let full = |args: &[&str]| {
        let mut command = folder.command(args);
        let device = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("opens");
        command.stderr(device);
        command
    };
    for args in [&["serve"][..], &["verify", "nothing"], &["search", "x", "--json"]] {
        let code = full(args).status().expect("runs").code();
        assert_eq!(code, Some(2), "{args:?}");
    }
    let args = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];
    // It warns that it was given no name, and says that the folder is new.
    let server = folder.serve_by(full(&args));
    server.stop();
}

#[test]
fn a_folder_without_its_keys_does_not_start_and_none_are_made() {
    let folder = Folder::new();
    folder.serve().stop();
    let (keys, away) = (folder.path("data-keys"), folder.path("elsewhere"));
    std::fs::rename(&keys, &away).expect("moved");
    let args = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];
    let refused = folder.run(&args);
    assert!(refused.code == 1 && refused.err.contains("data-keys is not there"), "{refused:?}");
    assert!(!keys.exists(), "none was made");
    std::fs::rename(&away, &keys).expect("moved back");
    let own = std::fs::read(keys.join("id.key")).expect("a key");
    std::fs::write(keys.join("id.key"), [7; 32]).expect("another");
    let refused = folder.run(&args);
    assert!(refused.code == 1 && refused.err.contains("id.key is not the one"), "{refused:?}");
    std::fs::write(keys.join("id.key"), own).expect("put back");
    let own = std::fs::read(keys.join("frame.key")).expect("a key");
    std::fs::remove_file(keys.join("frame.key")).expect("removed");
    let refused = folder.run(&args);
    let what = "frame.key is missing, though the frame in journal/";
    assert!(refused.code == 1 && refused.err.contains(what), "{refused:?}");
    std::fs::write(keys.join("frame.key"), own).expect("put back");
    folder.serve().stop();
}
