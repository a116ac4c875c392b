//! Pages of the documentation, run as a reader would: every command, and what it prints.
//!
//! A block marked `console` holds commands behind `$ ` and, below each, lines that it prints, in
//! their order; it may print others between. `…` stands for anything. Words with a digit differ
//! from run to run and are equal to each other, and so is how much space stands between words.
//! `# exit N` is the exit code where it is not 0. A command that ends in ` &` goes on behind the
//! rest. A block whose mark ends in a file's name, as in `json event.json`, is that file.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::support::Folder;

const FIRST_HOUR: &str = include_str!("../../../../docs/first-hour.md");
const README: &str = include_str!("../../../../README.md");
const CONCEPTS: &str = include_str!("../../../../docs/concepts.md");
const KEYS: &str = include_str!("../../../../docs/operations/keys.md");

/// The address that pages name.
const ADDRESS: &str = "127.0.0.1:8420";
/// How often a server that was started is asked whether it listens.
const ASKED_MAX: usize = 2_000;

#[test]
fn first_hour() {
    let commands = Page::new(FIRST_HOUR).run();
    assert!(commands > 20, "only {commands} commands were found");
}

#[test]
fn concepts() {
    let commands = Page::new(CONCEPTS).run();
    assert!(commands > 5, "only {commands} commands were found");
}

#[test]
fn keys() {
    let commands = Page::new(KEYS).run();
    assert!(commands > 12, "only {commands} commands were found");
}

#[test]
fn readme() {
    let mut page = Page::new(README);
    page.command(&format!("counterfoil demo --listen {ADDRESS} &"), &[]);
    page.until("counterfoil trace 4bf92f35 | grep -q 'POST /refunds'");
    let commands = page.run();
    assert!(commands > 8, "only {commands} commands were found");
}

#[test]
fn words_with_digits_may_differ_and_others_not() {
    for (wanted, printed, same) in [
        ("1 event of 2026-01-02", "17 event of 2026-11-25", true),
        ("VERIFIED  …", "VERIFIED  3 entries", true),
        ("VERIFIED  …", "TAMPERED  3 entries", false),
        ("a … c", "a b b c", true),
        ("a … c", "a b b d", false),
        ("alice", "bob", false),
        ("a  b", "   a b", true),
    ] {
        assert_eq!(Line::new(wanted).is(printed), same, "{wanted} | {printed}");
    }
}

struct Page<'t> {
    text: &'t str,
    folder: Folder,
    address: String,
    behind: Vec<Child>,
}

impl<'t> Page<'t> {
    fn new(text: &'t str) -> Page<'t> {
        // Free now; whoever takes it in between makes the page fail, and says so.
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address").to_string();
        Page { text, folder: Folder::new(), address, behind: Vec::new() }
    }

    /// Runs the page and answers how many commands stand there.
    fn run(mut self) -> usize {
        let mut commands = 0;
        let blocks = self.text.split("\n```").skip(1).step_by(2);
        for block in blocks.collect::<Vec<_>>() {
            let (mark, body) = block.split_once('\n').expect("a block has lines");
            match mark.split_once(' ') {
                None if mark == "console" => commands += self.console(body),
                Some((_, name)) => drop(self.folder.write(name, &format!("{body}\n"))),
                None => {}
            }
        }
        commands
    }

    fn console(&mut self, body: &str) -> usize {
        let mut commands: Vec<(String, Vec<&str>)> = Vec::new();
        let mut goes_on = false;
        for line in body.lines() {
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
                (None, Some((command, _))) if goes_on => {
                    command.push('\n');
                    command.push_str(line);
                }
                (None, Some((_, printed))) => printed.push(line),
                (None, None) => panic!("{line}: no command before"),
            }
            goes_on = line.ends_with('\\');
        }
        for (command, printed) in &commands {
            self.command(command, printed);
        }
        commands.len()
    }

    fn command(&mut self, command: &str, printed: &[&str]) {
        if let Some(command) = command.strip_suffix(" &") {
            let started = self.shell(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            self.behind.push(started.expect("the command starts"));
            // It is ready when the context that it saved opens it.
            return self.until("counterfoil key export");
        }
        let output = self.shell(command).output().expect("the command runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        let all = format!("$ {command}\n{out}{err}");
        let exit = printed.iter().find_map(|line| line.strip_prefix("# exit "));
        let exit = exit.map_or(0, |code| code.parse().expect("a number"));
        assert_eq!(output.status.code(), Some(exit), "{all}");
        let mut lines = out.lines().chain(err.lines());
        let said = |line: &&&str| !line.starts_with("# exit ") && line.trim() != "…";
        for wanted in printed.iter().filter(said) {
            let line = Line::new(&self.here(wanted));
            assert!(lines.any(|printed| line.is(printed)), "not printed: {wanted}\n{all}");
        }
    }

    /// Waits for a command to succeed.
    fn until(&self, command: &str) {
        let succeeds = |_| self.shell(command).output().expect("it runs").status.success();
        assert!((0..ASKED_MAX).any(succeeds), "{command}: never");
    }

    fn shell(&self, command: &str) -> Command {
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_counterfoil"));
        let program = program.parent().expect("a folder").display();
        let path = format!("{program}:{}", std::env::var("PATH").unwrap_or_default());
        let mut shell = self.folder.command(&[]);
        let mut bash = Command::new("bash");
        bash.args(["-c", &self.here(command)]).current_dir(self.folder.path(""));
        bash.env("PATH", path).env("COLUMNS", "100");
        for (name, value) in shell.env_remove("COUNTERFOIL_CONFIG").get_envs() {
            match value {
                Some(value) => bash.env(name, value),
                None => bash.env_remove(name),
            };
        }
        bash
    }

    fn here(&self, text: &str) -> String {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/");
        text.replace(ADDRESS, &self.address).replace(" docs/", &format!(" {root}"))
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        for child in &mut self.behind {
            // What has ended by itself needs no end.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A line as it is compared.
struct Line(Vec<String>);

impl Line {
    fn new(text: &str) -> Line {
        let word = |word: &str| match word.chars().any(|c| c.is_ascii_digit() || c == '█') {
            true => "#".to_owned(),
            false => word.to_owned(),
        };
        Line(text.split_whitespace().map(word).collect())
    }

    fn is(&self, printed: &str) -> bool {
        matches(&self.0, &Line::new(printed).0)
    }
}

fn matches(wanted: &[String], printed: &[String]) -> bool {
    match wanted.split_first() {
        None => printed.is_empty(),
        Some((any, rest)) if any == "…" => {
            (0..=printed.len()).any(|n| matches(rest, &printed[n..]))
        }
        Some((word, rest)) => {
            printed.split_first().is_some_and(|(first, more)| first == word && matches(rest, more))
        }
    }
}
