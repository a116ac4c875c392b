//! A copy of the data folder from before, put back beside keys that have signed more since.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::Folder;

const EVENT: &str = r#"{"action":"invoice.delete","actor":{"type":"user","id":"alice"},"service":{"name":"billing"},"occurred_at":"2026-01-02T03:04:05Z"}"#;
const SERVE: [&str; 5] = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];

/// Copies a folder, with the times and rights of what is in it, in place of another.
fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    let copied = Command::new("cp").arg("-a").args([from, to]).status().expect("runs");
    assert!(copied.success());
}

#[test]
fn an_older_data_folder_is_refused_and_gone_on_with_on_purpose() {
    let folder = Folder::new();
    let (data, keys) = (folder.path("data"), folder.path("data-keys"));
    folder.write("event.json", EVENT);
    folder.serve().stop();
    let token = folder.first_token("default");
    let live = || {
        let server = folder.serve();
        folder.run(&["send", "event.json", "--url", &server.url, "--token", &token]).code(0);
        server.stop();
    };
    live();
    copy(&data, &folder.path("before"));
    copy(&keys, &folder.path("keys-before"));
    live();
    copy(&data, &folder.path("newest"));
    copy(&folder.path("before"), &data);
    for _ in 0..2 {
        let refused = folder.run(&SERVE);
        assert_eq!(refused.code, 1, "{refused:?}");
        for what in ["not what was signed last: log default-0 was signed up to", "signed.accepted"]
        {
            assert!(refused.err.contains(what), "{what}: {}", refused.err);
        }
    }
    let doctor = folder.run(&["doctor", "--data", "data"]).code(1);
    let line = doctor.lines().find(|line| line.contains("signed: the data folder")).expect("one");
    assert!(line.starts_with("bad      keys"), "{doctor}");

    // The newest data folder, or both folders of one time, start.
    copy(&folder.path("newest"), &data);
    folder.serve().stop();
    copy(&keys, &folder.path("keys-newest"));
    for name in ["before", "keys-before"] {
        copy(&folder.path(name), &folder.path(if name == "before" { "data" } else { "data-keys" }));
    }
    folder.serve().stop();

    // On purpose: once, and the log states it.
    copy(&folder.path("before"), &data);
    copy(&folder.path("keys-newest"), &keys);
    fs::rename(keys.join("signed"), keys.join("signed.accepted")).expect("renamed");
    let server = folder.serve();
    let at = ["--json", "--url", &server.url, "--token", &token];
    let found = folder.run(&[&["search", "action:log.put_back"][..], &at].concat()).code(0);
    assert!(found.contains("\"origin\":") && found.contains("was put back on purpose"), "{found}");
    assert!(keys.join("signed.accepted.1").exists() && keys.join("signed").exists());
    server.stop();
    let doctor = folder.run(&["doctor", "--data", "data"]);
    assert!(!doctor.out.contains("signed: "), "{doctor:?}");
    copy(&folder.path("before"), &data);
    assert_eq!(folder.run(&SERVE).code, 1, "the next time is another one");
}
