//! All output.
//!
//! Promises: no text of an event, a file or a server moves the cursor, erases or makes a line read
//! otherwise than it is. [`line()`], [`note`] and [`error`] escape whatever they print, so that
//! nobody can forget it; JSON is escaped within its own rules and stays equal.
//!
//! Never: escapes a proof, which is a file: what is not plain text is refused instead.

mod command;
mod cut;
mod layout;
mod page;
mod terminal;
mod text;
mod units;

use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use serde::Serialize;

pub(crate) use command::command;
pub(crate) use cut::{Cut, Head, fit_chain, fit_pair};
pub(crate) use layout::{Cell, Flow, columns, fact, note_parts, parts, table};
pub(crate) use page::{cells, page, table as table_of};
pub(crate) use terminal::{Key, Terminal};
pub(crate) use text::{cell, clean, count, fit, number, width};
pub(crate) use units::{age, bytes, lasted};

use crate::error::CliError;

/// Colours, where standard output is a terminal and nobody asked for none.
#[derive(Clone, Copy)]
pub(crate) enum Ink {
    Plain,
    Good,
    Bad,
    Warn,
    Dim,
    Bold,
}

/// What ends a colour, and what begins each: marks that Unicode keeps for a program's own use.
/// [`clean`] lets none through; a text that nobody cleaned can at worst be in one of our colours.
const INKS: [(char, &str); 6] = [
    ('\u{fdd0}', "\x1b[0m"),
    ('\u{fdd1}', "\x1b[32m"),
    ('\u{fdd2}', "\x1b[31;1m"),
    ('\u{fdd3}', "\x1b[33m"),
    ('\u{fdd4}', "\x1b[2m"),
    ('\u{fdd5}', "\x1b[1m"),
];

/// Set when standard output took less than it was given.
static IS_CUT: AtomicBool = AtomicBool::new(false);

/// Set when whoever read standard output closed it.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Prints a line.
pub(crate) fn line(text: &str) {
    print(&painted(text, std::io::stdout().is_terminal() && has_colours()));
}

/// Whether a terminal may be given colours: nobody asked for none, and it is not one that shows
/// text and nothing else.
fn has_colours() -> bool {
    wants_colours(std::env::var_os("NO_COLOR").as_deref()) && !is_dumb()
}

/// As <https://no-color.org> has it: an empty value says nothing.
fn wants_colours(no_color: Option<&OsStr>) -> bool {
    no_color.is_none_or(OsStr::is_empty)
}

/// Whether the terminal moves no cursor and has no other screen.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        // A closed pipe (`| head`) is no error of ours and must not end a server.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            IS_CUT.store(true, Relaxed);
        }
        Err(_) => IS_CLOSED.store(true, Relaxed),
        Ok(()) => {}
    }
}

/// Whether nobody reads standard output any more: what goes on for ever may end.
pub(crate) fn is_closed() -> bool {
    IS_CLOSED.load(Relaxed) || IS_CUT.load(Relaxed)
}

/// Passes a result on if all that was printed could be.
pub(crate) fn whole<T>(done: T) -> Result<T, CliError> {
    if IS_CUT.load(Relaxed) { Err(CliError::Output) } else { Ok(done) }
}

/// Prints a value as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| CliError::Server(format!("cannot be written as JSON: {error}")))?;
    json_text(&text);
    Ok(())
}

/// Prints what is known to be JSON, as it stands but for characters that do not show.
pub(crate) fn json_text(text: &str) {
    print(text::clean_json(text).trim_end());
}

/// Prints a text that is kept as a file and must stay as it is.
pub(crate) fn file(text: &str) -> Result<(), CliError> {
    let text = text.trim_end_matches('\n');
    if text.lines().any(|line| clean(line) != line) {
        let what = "the server answered with characters that no proof has; nothing was written";
        return Err(CliError::Server(what.into()));
    }
    print(text);
    Ok(())
}

/// Prints a remark where it does not disturb what is piped.
pub(crate) fn note(text: &str) {
    remark(&painted(text, false));
}

/// A line on standard error. It may be closed, or stand on a full disk: there is nowhere left to
/// say so, and what the program does goes on.
fn remark(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Prints why a command failed; as JSON where the answer would have been JSON.
pub(crate) fn error(error: &CliError, json: bool) {
    if json {
        remark(&text::clean_json(&error.to_json().to_string()));
        return;
    }
    note(&format!("counterfoil: {error}"));
    if let Some(footnote) = error.footnote() {
        note(&format!("  {footnote}"));
    }
}

/// A line of progress, on standard error and only where that is a terminal. `{rate}` is how many a
/// second, in whole numbers.
pub(crate) fn progress(template: &str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(template) {
        let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // What could not be written is drawn anew a moment later.
            let _ = write!(out, "{}/s", number(state.per_sec().round() as u64));
        };
        bar.set_style(style.with_key("rate", rate));
    }
    bar
}

/// Text in a colour, for [`line()`].
pub(crate) fn ink(ink: Ink, text: &str) -> String {
    let begin = match ink {
        Ink::Plain => return text.to_owned(),
        Ink::Good => 1,
        Ink::Bad => 2,
        Ink::Warn => 3,
        Ink::Dim => 4,
        Ink::Bold => 5,
    };
    format!("{}{}{}", INKS[begin].0, clean(text), INKS[0].0)
}

/// A line without its colours, as it is printed to no terminal.
#[cfg(test)]
pub(crate) fn plain(line: &str) -> String {
    painted(line, false)
}

/// A line as it is printed: escaped, its marks made colours or left out.
fn painted(line: &str, colour: bool) -> String {
    let mut out = String::with_capacity(line.len());
    let mut plain = 0;
    for (at, c) in line.char_indices() {
        let Some((_, code)) = INKS.iter().find(|(mark, _)| *mark == c) else { continue };
        out.push_str(&clean(&line[plain..at]));
        out.push_str(if colour { code } else { "" });
        plain = at + c.len_utf8();
    }
    out + &clean(&line[plain..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_no_color_says_nothing() {
        let wants = |value: Option<&str>| wants_colours(value.map(OsStr::new));
        assert_eq!([wants(None), wants(Some("")), wants(Some("1"))], [true, true, false]);
    }

    #[test]
    fn a_line_has_our_colours_and_no_others() {
        let line = format!("{} \x1b[31mb\u{202e}\nc", ink(Ink::Bad, "a\u{fdd1}\u{9b}"));
        assert_eq!(painted(&line, false), "a\\u{fdd1}\\u{9b} \\u{1b}[31mb\\u{202e}\\nc");
        assert!(painted(&line, true).starts_with("\x1b[31;1ma\\u{fdd1}\\u{9b}\x1b[0m "));
    }
}
