//! The tour of the README, against the demo itself.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::support::{Folder, Ran};

/// How often the refund is looked for; it comes in the demo's first second.
const LOOKS_MAX: usize = 500;

#[test]
fn tour() {
    let folder = Folder::new();
    folder.run(&["context", "add", "home", "--at", "http://home.example"]).code(0);
    let mut command = demo(&folder, &["--listen", "127.0.0.1:0"]);
    let mut demo = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
    let mut lines = BufReader::new(demo.stdout.take().expect("piped")).lines();
    let mut greeting = lines.by_ref().map(|line| line.expect("text"));
    let api = greeting.find(|line| line.trim_start().starts_with("api")).expect("an address");
    let url = api.split_whitespace().nth(1).expect("an address").to_owned();
    greeting.find(|line| line.contains("context \"demo\"")).expect("the context is saved");
    std::thread::spawn(move || lines.for_each(drop));

    let whole = |_| folder.run(&["trace", "4bf92f35"]).out.contains("POST /refunds");
    assert!((0..LOOKS_MAX).any(whole), "the refund did not come, or not all of it");
    let list = folder.run(&["search", "outcome:failure since:5m"]).code(0);
    assert!(list.contains("refund-bot for alice") && list.contains("DENIED"), "{list}");
    let shown = folder.run(&["show", "9d1e40c2"]).code(0);
    assert!(shown.contains("SUP-4812 \"parcel lost\""), "{shown}");
    assert!(shown.contains("deny by cedar/refunds.limit"), "{shown}");
    let trace = folder.run(&["trace", "4bf92f35"]).code(0);
    assert!(trace.contains("first failure payments"), "{trace}");
    for hop in ["POST /refunds", "├─ identity", "└─ payments", "limit.check"] {
        assert!(trace.contains(hop), "{hop} in\n{trace}");
    }
    for owner in ["ok      team-identity", "DENY    team-payments"] {
        assert!(trace.contains(owner), "{owner} in\n{trace}");
    }
    assert!(shown.contains("owner team-payments (catalogue of "), "{shown}");
    let services = folder.run(&["services"]).code(0);
    assert!(services.contains("payments-on-call@shop.example"), "{services}");
    assert!(services.contains("never seen  gift-cards"), "{services}");
    let key = folder.run(&["key", "export"]).code(0);
    folder.write("demo.key", &key);
    let proof = folder.run(&["receipt", "9d1e40c2"]).code(0);
    folder.write("refund.tlog-proof", &proof);
    folder.run(&["verify", "refund.tlog-proof", "-k", "demo.key"]).code(0);
    let evidence = folder.run(&["evidence", "9d1e40c2", "--name", "/actor/on_behalf_of"]).code(0);
    folder.write("refund.json", &evidence);
    folder.run(&["verify", "refund.json", "-k", "demo.key"]).code(0);
    folder.write("forged.json", &evidence.replace("812.00", "12.00"));
    let forged = folder.run(&["verify", "forged.json", "-k", "demo.key"]).code(1);
    assert!(forged.starts_with("TAMPERED"), "{forged}");
    folder.run(&["verify", &url, "--remember", "pin"]).code(0);
    let again = folder.run(&["verify", &url, "--remember", "pin"]).code(0);
    assert!(again.contains("extends     the saved checkpoint"), "{again}");
    let wrong = folder.run(&["evidence", "9d1e40c2", "--hide", "actor.id"]);
    assert_eq!(wrong.code, 1, "{wrong:?}");
    assert!(wrong.err.contains("JSON Pointer"), "{}", wrong.err);
    let status = folder.run(&["status"]).code(0);
    // The shop's six, and what the log states of itself.
    assert!(!status.contains("NOT WELL") && status.contains("7 heard: "), "{status}");
    assert!(folder.run(&["context", "list"]).code(0).contains("* demo"));
    let pid = demo.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    assert!(demo.wait().expect("ended").success());
    assert_gone(&folder);
}

#[test]
fn a_demo_that_ends_by_itself_or_cannot_begin_leaves_nothing() {
    let folder = Folder::new();
    folder.run(&["context", "add", "home", "--at", "http://home.example"]).code(0);
    let ended = Ran::from(
        demo(&folder, &["--listen", "127.0.0.1:0", "--events", "3"]).output().expect("runs"),
    );
    assert!(ended.code(0).contains("counterfoil show 9d1e40c2"));
    assert_gone(&folder);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    Ran::from(demo(&folder, &["--listen", &address]).output().expect("runs")).code(1);
    assert_gone(&folder);
}

/// A demo whose temporary folder stands in this one.
fn demo(folder: &Folder, args: &[&str]) -> Command {
    let temporary = folder.path("temporary");
    std::fs::create_dir_all(&temporary).expect("a folder");
    let mut command = folder.command(&[&["demo"], args].concat());
    command.env("TMPDIR", temporary);
    command
}

fn assert_gone(folder: &Folder) {
    let mut left = std::fs::read_dir(folder.path("temporary")).expect("a folder");
    assert!(left.next().is_none(), "the temporary folders are gone");
    let contexts = folder.run(&["context", "list"]).code(0);
    assert!(contexts.contains("* home") && !contexts.contains("demo"), "{contexts}");
}
