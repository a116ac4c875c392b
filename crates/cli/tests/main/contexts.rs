//! Saved servers: which of them an address came from, and none on purpose.

use std::os::unix::fs::FileTypeExt;

use serde_json::json;

use crate::fake::{Fake, Reply};
use crate::support::{Folder, Ran};

#[test]
fn who_names_nowhere_as_the_file_has_no_contexts() {
    let folder = Folder::new();
    let server = Fake::new(|_, _| Reply::json(&json!({ "events": [], "partial": false })));
    let run = |args: &[&str]| {
        let mut command = folder.command(args);
        Ran::from(command.env("COUNTERFOIL_CONTEXTS", "/dev/null").output().expect("it runs"))
    };
    run(&["search", "x", "--url", &server.url, "--token", "t"]).code(0);
    run(&["context", "list"]).code(0);
    let saved = run(&["context", "add", "it", "--at", &server.url]);
    assert!(saved.code == 1 && saved.err.contains("nothing is saved there"), "{saved:?}");
    let device = std::fs::metadata("/dev/null").expect("it is there");
    assert!(device.file_type().is_char_device());
}

#[test]
fn who_is_not_reached_is_told_with_the_context_that_named_it() {
    let folder = Folder::new();
    // Nobody but root could listen there.
    let nobody = "127.0.0.1:1";
    let said = |args: &[&str]| folder.run(args).err;
    let given = said(&["search", "x", "--url", nobody, "--token", "t"]);
    let want = "cannot reach http://127.0.0.1:1: nothing listens there; is it running?";
    assert!(given.contains(want), "{given}");
    for (name, at) in [("prod", "http://prod.example"), ("demo", nobody)] {
        folder.run(&["context", "add", name, "--at", at]).code(0);
    }
    let chosen = said(&["search", "x"]);
    let want = "cannot reach http://127.0.0.1:1, the address of context \"demo\": nothing listens";
    assert!(chosen.contains(want), "{chosen}");
    assert!(chosen.contains("counterfoil context use NAME (other contexts: prod)"), "{chosen}");
}

#[test]
fn what_is_no_counterfoil_is_told_as_such() {
    let folder = Folder::new();
    for (reply, status) in [
        (Reply::failed(404, &json!({"detail": "Not Found"})), "404"),
        (Reply::failed(401, &json!("who are you?")), "401"),
    ] {
        let server = Fake::new(move |_, _| reply.clone());
        let address = server.url.strip_prefix("http://").expect("an address");
        let ran = folder.run(&["show", "01890a5d", "--url", address, "--token", "t"]);
        let want =
            format!("the server said {status}: what answers at {} is no Counterfoil", server.url);
        assert!(ran.code == 1 && ran.err.contains(&want), "{ran:?}");
        assert!(!ran.err.contains("give a token"), "{ran:?}");
    }
    let server = Fake::new(|_, _| Reply::text("<html>"));
    let ran = folder.run(&["status", "--url", &server.url, "--token", "t"]);
    assert!(ran.err.contains("answered with no JSON: is it a Counterfoil?"), "{ran:?}");
}
