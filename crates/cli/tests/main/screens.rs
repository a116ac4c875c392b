//! The screens in docs/screens: from the running demo, in terminals of 80 and 200 columns.
//!
//! `UPDATE_GOLDEN=1 cargo test -p cli --test main -- screens` writes them. Times, counts and what
//! the shop did differ from run to run; what must stand on a screen does not, nor its width.

use std::process::{Child, Stdio};

use serde_json::json;

use crate::support::Folder;
use crate::terminal;

/// How often the refund is looked for; it comes in the demo's first second.
const LOOKS_MAX: usize = 500;
const ROWS: usize = 50;

/// The file's name, the command, what begins a line on every such screen, and what stands on the
/// wide one alone.
type Screen = (&'static str, Words, Words, Words);
type Words = &'static [&'static str];
const SCREENS: [Screen; 3] = [
    ("status", &["status"], &["healthy", "log", "services", "unchanged"], &[]),
    (
        "services",
        &["services"],
        &["SERVICE", "gift-cards", "identity", "payments", "web"],
        &["CONTACT", "payments-on-call@shop.example"],
    ),
    (
        "trace",
        &["trace", "4bf92f35"],
        &["trace", "who", "why", "web", "├─ identity", "└─ payments", "└─ mail", "no gaps"],
        &["limit/refunds.limit"],
    ),
];

/// A demo that ends with its test.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_screens_in_the_docs_are_laid_out_as_they_are_printed() {
    let folder = Folder::new();
    let mut command = folder.command(&["demo", "--listen", "127.0.0.1:0", "--data", "data"]);
    let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
    let _demo = Demo(silent.spawn().expect("starts"));
    let whole = |_| {
        folder.run(&["trace", "4bf92f35"]).out.contains("POST /refunds")
            && folder.run(&["services"]).out.contains("identity")
    };
    assert!((0..LOOKS_MAX).any(whole), "the refund did not come, or not all of it");
    for (name, args, lines, wide) in SCREENS {
        for columns in [80, 200] {
            let seen = terminal::run(&folder, (columns, ROWS), &json!([]), args);
            assert!([0, 1].contains(&seen.code) && seen.is_same == Some(true), "{seen:?}");
            let path = format!("docs/screens/{name}-{columns}.txt");
            let file = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(&file, written(args, columns, &seen.text)).expect("written");
            }
            let kept = std::fs::read_to_string(&file).expect("a screen");
            let (_, kept) = kept.split_once("\n\n").expect("a head and a screen");
            for (whose, text) in [("printed", &*seen.text), (&*path, kept)] {
                check(whose, text, columns, lines, wide);
            }
        }
    }
}

fn written(args: &[&str], columns: usize, text: &str) -> String {
    let lines = text.trim_end().lines().map(|line| line.trim_end().to_owned() + "\n");
    let command = args.join(" ");
    format!(
        "counterfoil {command}, {columns} columns: from the running demo, by a test \
         (crates/cli/tests/main/screens.rs)\n\n{}",
        lines.collect::<String>()
    )
}

fn check(whose: &str, text: &str, columns: usize, lines: &[&str], wide: &[&str]) {
    // No character of these screens takes two columns.
    let widest = text.lines().map(|line| line.trim_end().chars().count()).max().unwrap_or(0);
    assert!((20..=columns).contains(&widest), "{whose}: {widest} columns\n{text}");
    for begin in lines {
        let is_there = text.lines().any(|line| line.trim_start().starts_with(begin));
        assert!(is_there, "{whose}: no line begins with {begin:?}\n{text}");
    }
    for word in wide {
        assert_eq!(text.contains(word), columns == 200, "{whose}: {word:?}\n{text}");
    }
}
