//! Saved servers, where there are none on purpose.

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
