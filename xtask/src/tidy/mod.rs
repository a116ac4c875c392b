//! House rules that neither rustfmt nor clippy knows.
//!
//! | rule | where |
//! | --- | --- |
//! | a file has at most 600 lines, a function at most 70 | Rust, tests apart |
//! | a line has at most 100 characters | Rust (tests apart), Python, shell, prose of Markdown |
//! | a module says first what it is (`//!`) | Rust under `src` |
//! | one word for one thing (GLOSSARY.md) | Rust and Markdown |
//! | no postponed work, no paths of somebody's machine, no package hosts | every text |
//! | a decision's number and an acceptance row's id are its own | docs |
//! | crates come from crates.io alone | Cargo.lock |
//!
//! Never judges data: golden files, vectors and corpora are what their sources made them.

mod mask;
mod numbers;
mod rust;
mod words;

use std::fs;
use std::path::Path;

use crate::screen;

const WIDTH_MAX: usize = 100;
/// Folders without a text of ours.
const PASSED_OVER: [&str; 6] = ["target", ".git", "__pycache__", "golden", "verdicts", "corpus"];
const FOLDERS_DEEP_MAX: usize = 16;

/// A text of the project.
pub(crate) struct Text<'a> {
    /// Its name from the workspace's folder, parts joined by `/`.
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
}

/// Something to mend.
pub(crate) fn finding(name: &str, line: usize, what: &str) -> String {
    format!("{name}:{line}: {what}")
}

/// Looks at the whole project.
pub fn run(root: &Path) -> Result<(), String> {
    let mut names = Vec::new();
    list(root, "", 0, &mut names)?;
    let mut findings = numbers::decisions(&names);
    for name in &names {
        let bytes = fs::read(root.join(name)).map_err(|error| format!("{name}: {error}"))?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => findings.extend(judge(&Text { name, text })),
            Err(_) => findings.push(finding(name, 1, "is not UTF-8")),
        }
    }
    screen::report("tidy", &format!("{} files", names.len()), &findings)
}

/// All that is wrong with one file.
fn judge(file: &Text<'_>) -> Vec<String> {
    let mut found = words::judge(file);
    found.extend(numbers::rows(file));
    match extension(file.name) {
        "rs" => found.extend(rust::judge(file)),
        "md" => found.extend(wide(file, &prose(file.text))),
        "py" | "sh" | "run" => found.extend(wide(file, &vec![true; file.text.lines().count()])),
        _ => {}
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        found.push(finding(file.name, file.text.lines().count(), "does not end with a newline"));
    }
    found
}

/// The name's ending; a file without one is known by its name.
fn extension(name: &str) -> &str {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.rsplit('.').next().unwrap_or(last)
}

/// Lines of more than 100 characters, among those that `counts` names.
pub(crate) fn wide(file: &Text<'_>, counts: &[bool]) -> Vec<String> {
    let lines = file.text.lines().zip(counts).enumerate();
    lines
        .filter(|(_, (line, counts))| **counts && line.chars().count() > WIDTH_MAX)
        .map(|(at, (line, _))| {
            let width = line.chars().count();
            finding(file.name, at + 1, &format!("has {width} characters, at most {WIDTH_MAX}"))
        })
        .collect()
}

/// Which lines of a Markdown text are prose: no table, no code, no lone link.
fn prose(text: &str) -> Vec<bool> {
    let mut in_code = false;
    let judged = text.lines().map(|line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        let table = line.trim_start().starts_with('|');
        !(in_code || fence || table || line.contains("http"))
    });
    judged.collect()
}

fn list(root: &Path, folder: &str, deep: usize, names: &mut Vec<String>) -> Result<(), String> {
    if deep > FOLDERS_DEEP_MAX {
        return Err(format!("{folder}: more than {FOLDERS_DEEP_MAX} folders deep"));
    }
    let failed = |error| format!("{folder}: {error}");
    let mut entries = Vec::new();
    for entry in fs::read_dir(root.join(folder)).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        entries.push((name, entry.file_type().map_err(failed)?));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, kind) in entries {
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if kind.is_dir() && !PASSED_OVER.contains(&name.as_str()) {
            list(root, &path, deep + 1, names)?;
        } else if kind.is_file() && is_text(&name) {
            names.push(path);
        }
    }
    Ok(())
}

fn is_text(name: &str) -> bool {
    const ENDINGS: [&str; 8] = ["rs", "md", "toml", "py", "sh", "run", "lock", "yml"];
    ENDINGS.contains(&extension(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_code_may_be_wide() {
        let wide = "x".repeat(101);
        let text = format!("{wide}\n| {wide} |\n```\n{wide}\n```\nhttps://a/{wide}\nnarrow\n");
        assert_eq!(prose(&text), [true, false, false, false, false, false, true]);
        let found = judge(&Text { name: "docs/a.md", text: &text });
        assert_eq!(found, ["docs/a.md:1: has 101 characters, at most 100"]);
    }

    #[test]
    fn a_text_ends_with_a_newline() {
        let found = judge(&Text { name: "a.toml", text: "a = 1" });
        assert_eq!(found, ["a.toml:1: does not end with a newline"]);
    }

    #[test]
    fn the_project_is_listed_without_its_data() {
        let mut names = Vec::new();
        list(&crate::root(), "", 0, &mut names).expect("readable");
        assert!(names.iter().any(|name| name == "xtask/src/tidy/mod.rs"));
        assert!(names.iter().all(|name| !name.contains("golden/") && !name.contains("target/")));
    }
}
