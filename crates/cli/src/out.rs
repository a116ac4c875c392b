//! All output. Text that came in events is escaped here: control characters could rewrite a
//! terminal, bidirectional marks could make a line read otherwise than it is.

use std::io::{IsTerminal, Write};

use serde::Serialize;

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

/// Prints a line.
pub(crate) fn line(text: &str) {
    // A closed pipe (`| head`) is no error of ours and must not end a server.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints a value as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| CliError::Server(format!("cannot be written as JSON: {error}")))?;
    line(&text);
    Ok(())
}

/// Prints a remark where it does not disturb what is piped.
#[expect(clippy::print_stderr, reason = "this is the output")]
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

/// Prints why a command failed.
pub(crate) fn error(error: &CliError) {
    note(&format!("counterfoil: {}", clean(&error.to_string())));
}

/// Text in a colour.
pub(crate) fn ink(ink: Ink, text: &str) -> String {
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let code = match ink {
        Ink::Good => "32",
        Ink::Bad => "31;1",
        Ink::Warn => "33",
        Ink::Dim => "2",
        Ink::Bold => "1",
        Ink::Plain => "",
    };
    if colour && !code.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// A text of an event, safe to show.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = c.is_control() || is_invisible(c);
        if hidden && c != '\n' {
            out.extend(c.escape_unicode());
        } else if c == '\n' {
            out.push_str("\\n");
        } else {
            out.push(c);
        }
    }
    out
}

/// Characters that show nothing and change how others read: zero width, bidirectional marks and
/// overrides, line separators, tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Cut to a width, with a mark.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let text = clean(text);
    if text.chars().count() <= width {
        return text;
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Cut or filled to a width.
pub(crate) fn cell(text: &str, width: usize) -> String {
    let text = fit(text, width);
    let missing = width - text.chars().count();
    text + &" ".repeat(missing)
}

/// 1234567 as 1,234,567.
pub(crate) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 event`, `2 events`.
pub(crate) fn count(n: u64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {what}{s}", number(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_rewrite_a_terminal_is_escaped() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c\nd\u{9b}é"), "a\\u{1b}[2Jb\\u{202e}c\\nd\\u{9b}é");
        assert_eq!(cell("abcdef", 4), "abc…");
        assert_eq!((number(1234567), number(12)), ("1,234,567".into(), "12".into()));
    }
}
