//! Whatever the documentation tells people to type, the command line understands.

use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::Args;

/// The pages, and what stands beside them that people read.
const PLACES: [&str; 5] = ["docs", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "packaging"];

#[test]
fn every_command_of_the_documentation_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut commands = 0;
    for path in PLACES.iter().flat_map(|place| pages(&root.join(place))) {
        let text = fs::read_to_string(&path).expect("a page");
        for command in commands_in(&text) {
            commands += 1;
            let wrong = wrong(&command);
            assert!(
                wrong.is_none(),
                "{}: {command}\n{}",
                path.display(),
                wrong.unwrap_or_default()
            );
        }
    }
    assert!(commands > 150, "only {commands} commands were found");
}

#[test]
fn what_is_not_there_is_noticed() {
    for (command, is_there) in [
        ("counterfoil search 'who:alice' --limit 3", true),
        ("counterfoil key rotate LOG --why TEXT", true),
        ("counterfoil verify", true),
        ("counterfoil serch who:alice", false),
        ("counterfoil key steal", false),
        ("counterfoil search --limits 3", false),
        ("counterfoil status now", false),
        ("counterfoil search --outcome=failure", false),
        ("counterfoil search --jsn", false),
        ("counterfoil tail --outcome=failure", false),
        ("counterfoil search '-outcome:failure -who:x'", true),
    ] {
        assert_eq!(wrong(command).is_none(), is_there, "{command}");
    }
    let page =
        "Say `counterfoil\n  key list`:\n\n```console\n$ counterfoil top > out   # look\n```\n";
    assert_eq!(commands_in(page), ["counterfoil key list", "counterfoil top"]);
}

/// What speaks against a command. That something is left out, or stands there in capitals for what
/// one would type, does not.
fn wrong(command: &str) -> Option<String> {
    let error = Args::command().try_get_matches_from(words(command)).err()?;
    let is_wrong = matches!(
        error.kind(),
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand | ErrorKind::TooManyValues
    );
    is_wrong.then(|| error.to_string())
}

/// The words of a command, as a shell would split them.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for c in command.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c.is_whitespace() => words.push(String::new()),
            _ => words.last_mut().expect("there is one").push(c),
        }
    }
    words.retain(|word| !word.is_empty() && word != "…");
    words
}

/// The commands of a page: its spans of code, and its lines behind `$ `, up to where the shell
/// takes over or a remark begins.
fn commands_in(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (nth, block) in page.split("```").enumerate() {
        let is_code = nth % 2 == 1;
        let spans: Vec<String> = match is_code {
            true => block.lines().map(|line| line.trim().trim_start_matches("$ ").into()).collect(),
            false => block.split('`').skip(1).step_by(2).map(str::to_owned).collect(),
        };
        found.extend(spans.iter().filter_map(|span| command(span)));
    }
    found
}

fn command(span: &str) -> Option<String> {
    let words: Vec<&str> = span.split_whitespace().collect();
    let is_end = |word: &&&str| {
        ["|", "&", "#", "·", "\\", "&&", "…"].contains(*word) || word.starts_with(['>', '<', '('])
    };
    let end = words.iter().position(|word| is_end(&word)).unwrap_or(words.len());
    // Square brackets stand around what may be left out.
    let plain = |word: &&str| word.trim_matches(['[', ']', ',', ';', ':']).to_owned();
    let words: Vec<String> = words[..end].iter().map(plain).collect();
    (words.first()? == "counterfoil" && words.len() > 1).then(|| words.join(" "))
}

fn pages(at: &Path) -> Vec<PathBuf> {
    if at.is_file() {
        let is_page = at.extension().is_some_and(|end| end == "md" || end == "yaml");
        return if is_page { vec![at.to_owned()] } else { Vec::new() };
    }
    let entries = fs::read_dir(at).expect("a folder");
    entries.flat_map(|entry| pages(&entry.expect("an entry").path())).collect()
}

#[test]
fn a_query_without_quotes_is_told_of_them() {
    let said = |args: &[&str]| {
        let error = Args::try_parse_from(args).err().expect("it is refused");
        super::with_tip(error).to_string()
    };
    for command in ["search", "tail"] {
        let said = said(&["counterfoil", command, "who:alice", "outcome:failure"]);
        assert!(said.contains("unexpected argument 'outcome:failure'"), "{said}");
        assert!(said.contains("tip: a query of several words is one argument"), "{said}");
    }
    let other = said(&["counterfoil", "search", "who:alice", "--lmit"]);
    assert!(other.contains("--limit") && !other.contains("quotes"), "{other}");
    let other = said(&["counterfoil", "show", "a", "b"]);
    assert!(!other.contains("quotes"), "{other}");
}
