//! Benchmarks: what the targets of docs/benchmarks.md ask for, beside what this machine can do.
//!
//! ```text
//! cargo run --release -p bench -- [--quick] [--folder DIR] [--write FILE] [NAME…]
//!
//! digest   read, conform, flatten, digest; one core
//! commit   the commit path alone, digests given
//! http     durable and findable over loopback HTTP, with receipts
//! hot      a million events at hand: memory, lookups, restart, verify
//! ```
//!
//! Promises: fdatasync, SHA-256 and JSON decode are measured before and after every part, in the
//! folder that the part writes to, and stand beside its figures; a part that a figure could not be
//! had from fails the run.
//!
//! Never: a figure of a server in our own process. The server is a child; what it and the load
//! cost is read from /proc.

mod bulk;
mod child;
mod commit_alone;
mod digest;
mod hot;
mod http;
mod load;
mod lookups;
mod machine;
mod report;
mod rest;
mod sample;
mod screen;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use machine::Machine;
use report::{Report, Row};
use screen::{complain, say};

/// Why a part has no figure.
type Failed = String;

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    Full,
    Quick,
}

impl Size {
    fn pick<T>(self, full: T, quick: T) -> T {
        match self {
            Size::Full => full,
            Size::Quick => quick,
        }
    }
}

type Part = fn(&Machine, &Path, Size, &mut Vec<Row>) -> Result<(), Failed>;

const PARTS: [(&str, Part); 4] = [
    ("digest", digest::run),
    ("commit", commit_alone::run),
    ("http", http::run),
    ("hot", hot::run),
];

struct Args {
    size: Size,
    folder: PathBuf,
    write: Option<PathBuf>,
    parts: Vec<(&'static str, Part)>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match words.first().map(String::as_str) {
        Some(child::WORD) => child::serve(&words[1..]),
        _ => parse(&words).and_then(|args| run(&args)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            complain(&format!("bench: {what}"));
            ExitCode::FAILURE
        }
    }
}

fn parse(words: &[String]) -> Result<Args, Failed> {
    let folder = std::env::temp_dir().join("counterfoil-bench");
    let mut args = Args { size: Size::Full, folder, write: None, parts: Vec::new() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a path"));
        match word.as_str() {
            "--quick" => args.size = Size::Quick,
            "--folder" => args.folder = PathBuf::from(value()?),
            "--write" => args.write = Some(PathBuf::from(value()?)),
            name => {
                let part = PARTS.iter().find(|(known, _)| *known == name);
                args.parts.push(*part.ok_or_else(|| usage(name))?);
            }
        }
    }
    if args.parts.is_empty() {
        args.parts = PARTS.to_vec();
    }
    Ok(args)
}

fn usage(name: &str) -> Failed {
    let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
    format!(
        "no part is called {name}; [--quick] [--folder DIR] [--write FILE] [{}]",
        names.join("|")
    )
}

fn run(args: &Args) -> Result<(), Failed> {
    let machine = Machine::new();
    let mut report = Report::new(&machine, args.size);
    for (name, part) in &args.parts {
        complain(&format!("== {name}"));
        let folder = args.folder.join(name);
        fresh(&folder)?;
        let (began, mut rows) = (machine.elapsed(), Vec::new());
        let mut limits = machine.limits(&folder)?;
        part(&machine, &folder, args.size, &mut rows)?;
        limits.join(machine.limits(&folder)?);
        let took = (machine.elapsed() - began).as_secs();
        complain(&format!("== {name}: {took} s; {limits}"));
        let _ = std::fs::remove_dir_all(&folder);
        report.add(name, &limits, rows);
    }
    let table = report.render();
    say(&table);
    match &args.write {
        Some(path) => report::write_into(path, &table),
        None => Ok(()),
    }
}

/// An empty folder. What an interrupted run left in it is removed.
fn fresh(folder: &Path) -> Result<(), Failed> {
    let failed = |error| format!("{}: {error}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(failed)?;
    }
    std::fs::create_dir_all(folder).map_err(failed)
}
