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
