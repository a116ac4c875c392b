//! What a demo and a first start leave of the contexts that were there, and of the disk.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::support::Folder;

/// Runs a demo until so many lines were said; with what was said.
fn demo(folder: &Folder, more: &[&str], lines: usize) -> (Child, Vec<String>) {
    let mut command = folder.command(&[&["demo", "--listen", "127.0.0.1:0"], more].concat());
    fs::create_dir_all(folder.path("tmp")).expect("a folder");
    command.env("TMPDIR", folder.path("tmp"));
    let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("starts");
    let mut out = BufReader::new(child.stdout.take().expect("piped")).lines();
    let said = out.by_ref().take(lines).map(|line| line.expect("text")).collect();
    std::thread::spawn(move || out.for_each(drop));
    (child, said)
}

fn end(mut child: Child, signal: &str) {
    let asked = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(asked.expect("kill runs").success());
    assert_eq!(child.wait().expect("ended").code(), Some(0), "{signal}");
}

#[test]
fn a_demo_whose_terminal_is_closed_leaves_nothing() {
    let folder = Folder::new();
    folder.run(&["context", "add", "mine", "--at", "http://a.example"]).code(0);
    let (child, _) = demo(&folder, &[], 1);
    end(child, "-HUP");
    assert_eq!(fs::read_dir(folder.path("tmp")).expect("a folder").count(), 0);
    assert_eq!(folder.run(&["context", "list"]).code(0), "* mine             http://a.example\n");
}

#[test]
fn whoever_takes_the_context_in_use_says_so() {
    let folder = Folder::new();
    folder.run(&["context", "add", "local", "--at", "http://a.example"]).code(0);
    let args = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];
    let mut command = folder.command(&args);
    let mut server = command.stdout(Stdio::piped()).spawn().expect("starts");
    let mut said = BufReader::new(server.stdout.take().expect("piped")).lines();
    let told = "  context \"local-2\" is in use from now on instead of \"local\"; \
                back: counterfoil context use local";
    let found = said.by_ref().take(6).any(|line| line.expect("text") == told);
    let _ = server.kill().and_then(|()| server.wait());
    assert!(found, "it is not told");

    let (child, said) = demo(&folder, &["--data", "kept"], 6);
    let told = "         which is in use instead of \"local-2\" until the demo ends".to_owned();
    assert!(said.contains(&told), "{said:?}");
    end(child, "-INT");
    let list = folder.run(&["context", "list"]).code(0);
    assert!(list.contains("* local-2 ") && list.contains("  demo "), "{list}");
}
