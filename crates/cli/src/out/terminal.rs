//! The whole terminal: drawn in place, and given back as it was.
//!
//! Promises: however the program ends, panics of any thread and signals it hears included, the
//! terminal shows what it showed before, echoes and has its cursor. What a panic says stands on the
//! screen that comes back.
//!
//! Ctrl-Z and Ctrl-\ do nothing. KNOWN: SIGSTOP, SIGQUIT, SIGHUP and SIGKILL sent from elsewhere
//! leave the terminal as it is drawn; `reset` mends it.

use std::io::{IsTerminal, Read, Write};
use std::sync::{Mutex, Once, PoisonError};

use platform::TerminalSettings;
use terminal_size::{Height, Width, terminal_size_of};

use super::{has_colours, is_dumb, painted};
use crate::error::CliError;

/// Another screen, without a cursor; and back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
/// Where nobody says how large the terminal is.
const SIZE: (usize, usize) = (80, 24);

/// What was pressed.
pub(crate) enum Key {
    Quit,
    Sort,
}

/// How the terminal was, while it is ours. Whoever takes it out gives the terminal back.
static BEFORE: Mutex<Option<TerminalSettings>> = Mutex::new(None);

/// The terminal, while it is ours.
pub(crate) struct Terminal(());

impl Terminal {
    /// Whether there is one, to read from and to draw on.
    pub(crate) fn is_there() -> bool {
        std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && !is_dumb()
    }

    pub(crate) fn enter() -> Result<Terminal, CliError> {
        let failed = |error: std::io::Error| {
            CliError::usage(format!("the terminal cannot be used: {error}; try --once"))
        };
        leave_at_a_panic();
        let before = TerminalSettings::now().map_err(failed)?;
        let ours = before.for_keys();
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        let terminal = Terminal(());
        ours.put().map_err(failed)?;
        say(ENTER);
        Ok(terminal)
    }

    /// Columns and rows, as they are now.
    pub(crate) fn size(&self) -> (usize, usize) {
        let size = terminal_size_of(std::io::stdout());
        size.map_or(SIZE, |(Width(w), Height(h))| (usize::from(w), usize::from(h)))
    }

    /// What was pressed, if anything was.
    pub(crate) fn key(&mut self) -> Option<Key> {
        let mut pressed = [0; 16];
        let count = std::io::stdin().lock().read(&mut pressed).ok()?;
        pressed[..count].iter().find_map(|byte| match byte {
            b'q' | b'Q' => Some(Key::Quit),
            b's' | b'S' => Some(Key::Sort),
            _ => None,
        })
    }

    /// Draws lines over what is there; `false` if nobody takes them any more, or the terminal was
    /// given back because a thread panicked.
    pub(crate) fn draw(&self, lines: &[String]) -> bool {
        let colour = has_colours();
        let rows = lines.iter().map(|line| format!("{}\x1b[K", painted(line, colour)));
        let screen = format!("\x1b[H{}\x1b[J", rows.collect::<Vec<_>>().join("\r\n"));
        // Held while it is written: a thread that panics gives back a screen that is whole.
        let ours = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
        ours.is_some() && say(&screen)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

/// Gives the terminal back, once.
fn leave() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(before) = before else { return };
    say(LEAVE);
    // A terminal that is gone needs nothing any more.
    let _ = before.put();
}

/// A panic speaks before anything is dropped: on our screen its words would be lost.
fn leave_at_a_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let speak = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            speak(panic);
        }));
    });
}

fn say(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::Value;

    use super::*;

    /// Set where this test is run a second time, in a terminal of its own.
    const INSIDE: &str = "COUNTERFOIL_TEST_PANICS";

    #[test]
    fn a_panic_gives_the_terminal_back_and_speaks_there() {
        if let Ok(whose) = std::env::var(INSIDE) {
            let terminal = Terminal::enter().expect("a terminal");
            assert!(terminal.draw(&["drawn".into()]));
            match whose.as_str() {
                "ours" => panic!("the words of a panic"),
                _ => {
                    let thread = std::thread::spawn(|| panic!("the words of a panic"));
                    assert!(thread.join().is_err() && !terminal.draw(&["drawn again".into()]));
                }
            }
            return;
        }
        for (whose, code) in [("ours", 101), ("another's", 0)] {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/main/terminal.py");
            let name = "out::terminal::tests::a_panic_gives_the_terminal_back_and_speaks_there";
            let mut command = Command::new("python3");
            command.args([script, "80", "24", r#"[{"see": "drawn"}]"#]);
            command.arg(std::env::current_exe().expect("a test")).args(["--nocapture", name]);
            let output = command.env(INSIDE, whose).output().expect("python3 is there");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            assert_eq!((&said["code"], &said["same"]), (&code.into(), &true.into()), "{said}");
            let text = said["text"].as_str().expect("a text");
            let at = |what: &str| text.find(what).expect(what);
            assert!(at(ENTER) < at("drawn") && at("drawn") < at(LEAVE), "{text:?}");
            assert!(at(LEAVE) < at("the words of a panic"), "{text:?}");
            assert!(text.matches(LEAVE).count() == 1 && !text.contains("again"), "{text:?}");
        }
    }
}
