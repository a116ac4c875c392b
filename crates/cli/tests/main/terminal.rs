//! The command line in a terminal of its own (`terminal.py`).

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::Folder;

/// What another screen begins and ends with.
pub const ENTER: &str = "\x1b[?1049h\x1b[?25l";
pub const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// What was written to a terminal, and how it stood at the end.
#[derive(Debug)]
pub struct Seen {
    /// Below zero: the signal that ended the command.
    pub code: i64,
    pub text: String,
    /// Whether the terminal's settings are those from before; `None` if it was taken away.
    pub is_same: Option<bool>,
}

impl From<&[u8]> for Seen {
    fn from(said: &[u8]) -> Seen {
        let said: Value = serde_json::from_slice(said).expect("JSON");
        Seen {
            code: said["code"].as_i64().expect("a code"),
            text: said["text"].as_str().expect("a text").replace("\r\n", "\n"),
            is_same: said["same"].as_bool(),
        }
    }
}

/// The command line in a terminal of so many columns and rows, and what is done there.
pub fn command(folder: &Folder, size: (usize, usize), steps: &Value, args: &[&str]) -> Command {
    let counterfoil = folder.command(args);
    let mut python = Command::new("python3");
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/main/terminal.py"));
    python.args([size.0.to_string(), size.1.to_string(), steps.to_string()]);
    python.arg(counterfoil.get_program()).args(counterfoil.get_args());
    for (name, value) in counterfoil.get_envs() {
        match value {
            Some(value) => python.env(name, value),
            None => python.env_remove(name),
        };
    }
    python.env("NO_COLOR", "1").env("TERM", "xterm").current_dir(folder.path("."));
    python.stdin(Stdio::null());
    python
}

/// Runs it to its end.
#[track_caller]
pub fn run(folder: &Folder, size: (usize, usize), steps: &Value, args: &[&str]) -> Seen {
    let output = command(folder, size, steps, args).output().expect("python3 is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Seen::from(&*output.stdout)
}

/// Waits for a text.
pub fn see(text: &str) -> Value {
    json!({ "see": text })
}

/// Presses keys.
pub fn press(keys: &str) -> Value {
    json!({ "type": keys })
}
