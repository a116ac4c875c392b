//! A changed byte in the journal: a start refuses and says the way out; told to, it sets the folder
//! aside and goes on, and nobody is told that all is well.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::Value;

use crate::forgery;
use crate::support::{Folder, flip};
use crate::wire::ask;

const EVENT: &str = r#"{"action":"invoice.delete","actor":{"type":"user","id":"alice"},"service":{"name":"billing"},"occurred_at":"2026-01-02T03:04:05Z","id":"NAME"}"#;
/// The second block of frames in a file: behind the copy that a start begins its file with.
const SECOND: u64 = 2 * 4096;

/// The newest journal file that has frames; others stand ready.
fn newest(folder: &Folder) -> String {
    let names = fs::read_dir(folder.path("data/journal")).expect("lists");
    let names = names.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("a plain name"));
    let has_frames = |name: &String| {
        let bytes = fs::read(folder.path(&format!("data/journal/{name}"))).expect("read");
        bytes[4096..].starts_with(b"CFRM")
    };
    names.filter(has_frames).max().expect("a file with frames")
}

/// A folder that is moved away under a server takes writes that no start would find.
#[test]
fn a_folder_that_is_gone_ends_the_process_and_acknowledges_nothing() {
    let folder = Folder::new();
    let server = folder.serve();
    folder.write("event.json", &EVENT.replace("NAME", "before"));
    folder.run(&["send", "event.json"]).code(0);
    fs::rename(folder.path("data"), folder.path("elsewhere")).expect("moved");
    folder.write("event.json", &EVENT.replace("NAME", "lost"));
    let sent = folder.run(&["send", "event.json"]);
    assert!(sent.code != 0 && !sent.out.contains("1 new"), "{sent:?}");
    let ended = server.ended();
    assert!(!ended.success(), "{ended}");
    fs::rename(folder.path("elsewhere"), folder.path("data")).expect("moved back");
    let server = folder.serve_told(&[]);
    let found =
        folder.run(&["search", "--url", &server.url, "--token", &folder.first_token("default")]);
    assert!(found.code(0).contains("invoice.delete"));
    server.stop();
}

/// Who has the data folder alone puts links there, for the server to move or write its keys.
#[test]
fn no_link_in_the_data_folder_is_followed() {
    let folder = Folder::new();
    let server = folder.serve();
    folder.write("event.json", &EVENT.replace("NAME", "before"));
    folder.run(&["send", "event.json"]).code(0);
    server.stop();
    let keys = || {
        let names = fs::read_dir(folder.path("data-keys")).expect("lists");
        let names = names.map(|entry| entry.expect("an entry").file_name().into_string());
        names.collect::<Result<BTreeSet<String>, _>>().expect("plain names")
    };
    let all = keys();
    let new_partition = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];
    let refused = || {
        let mut start = folder.command(&new_partition);
        let ended = start.env("COUNTERFOIL_ON_DAMAGE", "new-partition").output().expect("it ran");
        assert!(!ended.status.success());
        String::from_utf8(ended.stderr).expect("text")
    };
    let journal = folder.path("data/journal");
    fs::rename(&journal, folder.path("data/moved")).expect("moved");
    symlink("../data-keys", &journal).expect("a link");
    let told = refused();
    assert!(told.contains("data/journal") && told.contains("which is not followed"), "{told}");
    assert_eq!(keys(), all);

    fs::remove_file(&journal).expect("removed");
    fs::rename(folder.path("data/moved"), &journal).expect("moved back");
    flip(&folder.path(&format!("data/journal/{}", newest(&folder))), SECOND + 300);
    symlink("../../data-keys", folder.path("data/logs/planted")).expect("a link");
    let told = refused();
    assert!(told.contains("data/logs/planted") && told.contains("which is not followed"), "{told}");
    assert_eq!(keys(), all);
    fs::remove_file(folder.path("data/logs/planted")).expect("removed");
    fs::create_dir_all(folder.path("data/damaged/1/logs")).expect("made");
    symlink("../../../../data-keys", folder.path("data/damaged/1/logs/default-0")).expect("a link");
    let told = refused();
    assert!(told.contains("data/damaged/1") && told.contains("which is not followed"), "{told}");
    assert_eq!(keys(), all);
}

/// A key was replaced, and the event that says so was lost: the keys of all logs are shown all the
/// same, and the log that was set aside is signed by nobody.
#[test]
fn keys_are_shown_where_what_hands_one_over_is_lost() {
    let folder = Folder::new();
    let server = folder.serve();
    let auditor = folder.run(&["token", "create", "auditor", "--role", "auditor"]).code(0);
    folder.run(&["key", "agree", "default-0", "--token", auditor.trim()]).code(0);
    let rotate = ["key", "rotate", "default-0", "--why", "a test's", "--together", "7d"];
    folder.run(&rotate).code(0);
    let url = server.url.clone();
    server.stop();
    let place = folder.path(&format!("data/journal/{}", newest(&folder)));
    let at =
        forgery::frame_of(&fs::read(&place).expect("read"), "\"key.rotate\"").expect("a frame");
    flip(&place, at as u64 + 300);
    let address = url.strip_prefix("http://").expect("an http address");
    let mut again = folder.command(&["serve", "--data", "data", "--listen", address]);
    again.env("COUNTERFOIL_ON_DAMAGE", "new-partition");
    let server = folder.serve_by(again);
    let list = folder.run(&["key", "list", "--json"]).code(0);
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let logs = list["logs"].as_array().expect("a list");
    let log =
        |name: &str| logs.iter().find(|log| log["log"] == name).expect("a log")["keys"].clone();
    let (old, next) = (log("default-0"), log("default-1"));
    assert_eq!(old[1]["unreadable"], true, "{old}");
    assert!(old[0]["signs"] == false && old[1]["signs"] == false, "{old}");
    assert_eq!(next[0]["signs"], true, "{next}");
    // What follows it cannot be led to, and that is said, log by log.
    let accepted = folder.run(&["key", "accept"]);
    assert!(accepted.code == 1 && accepted.out.contains("default-1  signed by"), "{accepted:?}");
    server.stop();
}

/// What is told of the log that was set aside.
struct Told {
    file: String,
    offset: u64,
    unreadable: u64,
}

/// By the list of logs; the metrics must say the same.
fn told(url: &str, token: &str) -> Told {
    let logs = ask(url, token, "GET", "/v1/logs", "").json()["logs"].clone();
    let log = |name: &str| {
        let mut logs = logs.as_array().expect("a list").iter();
        logs.find(|log| log["name"] == name).unwrap_or_else(|| panic!("{name}: {logs:?}")).clone()
    };
    let (old, next) = (log("default-0"), log("default-1"));
    assert_eq!((next["follows"].clone(), next.get("damaged")), (old["origin"].clone(), None));
    let damaged = &old["damaged"];
    assert_eq!((damaged["part"].as_u64(), old.get("follows")), (Some(1), None), "{old}");
    let number = |of: &Value, name: &str| of[name].as_u64().unwrap_or_else(|| panic!("{of}"));
    let unreadable = number(damaged, "unreadable");
    let signed = number(damaged, "signed");
    assert!((signed - unreadable..=signed).contains(&number(&old, "size")), "{old}");
    let access = log("default-access-0");
    let all = unreadable + number(&access["damaged"], "unreadable");
    let page = ask(url, "", "GET", "/metrics", "").text();
    for line in ["counterfoil_parts_set_aside 1", &format!("counterfoil_entries_unreadable {all}")]
    {
        assert!(page.lines().any(|told| told == line), "{line}: {page}");
    }
    let file = damaged["file"].as_str().expect("a file").to_owned();
    Told { file, offset: number(damaged, "offset"), unreadable }
}

fn send_to(folder: &Folder, url: &str, token: &str, name: &str) -> String {
    folder.write("event.json", &EVENT.replace("NAME", name));
    folder.run(&["send", "event.json", "--url", url, "--token", token]).code(0)
}

#[test]
fn a_damaged_folder_refuses_or_is_set_aside() {
    let folder = Folder::new();
    let send = |name: &str| {
        folder.write("event.json", &EVENT.replace("NAME", name));
        folder.run(&["send", "event.json", "--receipts", &format!("{name}.receipt")]).code(0)
    };
    let server = folder.serve();
    send("before");
    let key = folder.run(&["key", "export"]).code(0);
    folder.write("old.key", &key);
    server.stop();
    let server = folder.serve();
    let token = folder.first_token("default");
    send_to(&folder, &server.url, &token, "inside");
    server.stop();
    let file = newest(&folder);
    let damaged = folder.path(&format!("data/journal/{file}"));
    let whole = fs::read(&damaged).expect("read");
    flip(&damaged, SECOND + 100);

    let refused = folder.run(&["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let place = format!("damaged: journal/{file}, byte {SECOND}: ");
    assert_eq!(refused.err.matches(&place).count(), 1, "once: {}", refused.err);
    assert!(refused.err.contains("on_damage = \"new-partition\""), "{}", refused.err);
    assert!(refused.err.contains("docs/operations/damage.md"), "{}", refused.err);
    assert!(!folder.path("data/damaged").exists(), "nothing was changed");

    let aside = [("COUNTERFOIL_ON_DAMAGE", "new-partition")];
    let server = folder.serve_told(&aside);
    let at = ["--url".to_owned(), server.url.clone(), "--token".to_owned(), token.clone()];
    let with = |args: &[&str]| {
        let at: Vec<&str> = at.iter().map(String::as_str).collect();
        folder.run(&[args, &at].concat())
    };
    let found = with(&["search", "action:invoice.delete"]).code(0);
    assert!(found.contains("default-0/1 ") && found.contains("1 event of"), "{found}");
    let finding = with(&["search", "action:log.open", "--json"]).code(0);
    assert!(finding.contains(&format!("journal/{file}")), "{finding}");
    let status = with(&["status"]).code(1);
    assert!(status.starts_with("NOT WELL"), "{status}");
    assert!(status.contains("no: a part of the data folder is damaged"), "{status}");
    let told = told(&server.url, &token);
    assert_eq!((told.file, told.offset), (format!("journal/{file}"), SECOND));
    assert!(told.unreadable > 0);
    let lost = format!(", {} more cannot be read", told.unreadable);
    assert!(status.contains(&lost), "{status}");
    let again = send_to(&folder, &server.url, &token, "inside");
    assert!(again.contains("1 new"), "what was lost is taken anew: {again}");
    let known = send_to(&folder, &server.url, &token, "before");
    assert!(known.contains("1 known already"), "what can be read is known: {known}");
    let receipt = folder.run(&["verify", "before.receipt", "-k", "old.key"]).code(0);
    assert!(receipt.starts_with("VERIFIED"), "{receipt}");
    server.stop();

    // The damaged part is mended with what a backup had.
    fs::write(folder.path(&format!("data/damaged/1/journal/{file}")), whole).expect("mended");
    let server = folder.serve();
    assert_eq!(self::told(&server.url, &token).unreadable, 0, "it is told as mended");
    let at = ["--url", &server.url, "--token", &token];
    let status = folder.run(&[&["status"][..], &at].concat()).code(0);
    assert!(status.contains("set aside as damaged"), "{status}");
    let found = folder.run(&[&["search", "action:invoice.delete"][..], &at].concat()).code(0);
    assert_eq!(found.matches("invoice.delete").count(), 3, "in both, once lost: {found}");
    server.stop();
}

/// The files that a backup has of a journal and its head, and what the keys of that time say of how
/// far the logs were signed.
fn backup(folder: &Folder) -> Vec<(PathBuf, Vec<u8>)> {
    let names = fs::read_dir(folder.path("data/journal")).expect("lists");
    let paths = names.map(|entry| entry.expect("an entry").path());
    let paths = paths.chain([folder.path("data/head"), folder.path("data-keys/signed")]);
    paths.map(|path| (path.clone(), fs::read(path).expect("read"))).collect()
}

fn put_back(folder: &Folder, files: &[(PathBuf, Vec<u8>)]) {
    fs::remove_dir_all(folder.path("data/journal")).expect("removed");
    fs::create_dir(folder.path("data/journal")).expect("made");
    files.iter().for_each(|(path, bytes)| fs::write(path, bytes).expect("put back"));
}

#[test]
fn an_event_that_says_something_else_ends_one_process_and_no_more() {
    let folder = Folder::new();
    let server = folder.serve();
    let token = folder.first_token("default");
    for name in ["before", "inside", "behind"] {
        send_to(&folder, &server.url, &token, name);
    }
    server.stop();
    let file = newest(&folder);
    // The key of frames was lost: of what was written before no start looks at the marks.
    folder.write("data-keys/frame.key", "anew\n");
    folder.serve().stop();
    let whole = backup(&folder);
    let place = folder.path(&format!("data/journal/{file}"));
    let at = forgery::frame_of(&fs::read(&place).expect("read"), "inside").expect("a frame");
    let forge = || {
        let mut bytes = fs::read(&place).expect("read");
        forgery::change(&mut bytes, "inside");
        fs::write(&place, bytes).expect("forged");
        // It starts, for the checksums hold, and ends by itself.
        let ended = folder.run(&["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.err.contains("the content is not what was committed"), "{}", ended.err);
        assert!(ended.err.contains("the next start looks at it"), "{}", ended.err);
        assert!(folder.path("data/suspect.json").exists());
    };
    forge();
    for _ in 0..2 {
        let refused = folder.run(&["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
        assert_eq!(refused.code, 1, "{refused:?}");
        let named = format!("damaged: journal/{file}, byte {at}: ");
        assert!(refused.err.contains(&named), "{named}: {}", refused.err);
        assert!(refused.err.contains("on_damage = \"new-partition\""), "{}", refused.err);
    }
    let doctor = folder.run(&["doctor", "--data", "data"]).code(1);
    assert!(doctor.contains("bad      suspect") && doctor.contains("default-0"), "{doctor}");

    put_back(&folder, &whole);
    let server = folder.serve();
    assert!(!folder.path("data/suspect.json").exists(), "it is as it was signed");
    server.stop();
    put_back(&folder, &whole);

    forge();
    let server = folder.serve_told(&[("COUNTERFOIL_ON_DAMAGE", "new-partition")]);
    let at = ["--url", &server.url, "--token", &token];
    let with = |args: &[&str]| folder.run(&[args, &at].concat());
    let found = with(&["search", "action:invoice.delete"]).code(0);
    let ids = |text: &str| ["before", "inside", "behind"].map(|name| text.matches(name).count());
    assert_eq!(found.matches("invoice.delete").count(), 2, "{found}");
    let status = with(&["status"]).code(1);
    assert!(status.contains("1 entry that was signed cannot be read"), "{status}");
    let told = told(&server.url, &token);
    assert_eq!((told.file, told.unreadable), (format!("journal/{file}"), 1));
    let finding = with(&["search", "action:log.open", "--json"]).code(0);
    assert!(finding.contains("an event is not what its entry says"), "{finding}");
    for (name, answer) in [("inside", "1 new"), ("before", "1 known already")] {
        let sent = send_to(&folder, &server.url, &token, name);
        assert!(sent.contains(answer), "{name}: {sent}");
    }
    let found = with(&["search", "action:invoice.delete", "--json"]).code(0);
    assert_eq!(ids(&found).map(|count| count > 0), [true; 3], "{found}");
    server.stop();
    let server = folder.serve();
    server.stop();
}
