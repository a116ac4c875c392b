//! Text made fit to be shown: escaped, cut, filled, numbers grouped.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A text, safe to show: control characters could rewrite a terminal, and characters that do not
/// show could make a line read otherwise than it is.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            c if is_hidden(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// JSON, safe to show and equal to what it was. Characters that do not show stand in strings only,
/// where JSON has an escape for them; blanks between values may be any blanks.
pub(super) fn clean_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            '\r' => out.push(' '),
            c if is_hidden(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// Control characters (C0, DEL, C1) and characters that show nothing or change how others read:
/// zero width, fillers, bidirectional marks and overrides, line separators, tags, and those that
/// are no characters.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// How many columns of a terminal a text takes, once it is clean.
pub(crate) fn width(text: &str) -> usize {
    clean(text).width()
}

/// Cut to a width, with a mark.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let text = clean(text);
    if text.width() <= width {
        return text;
    }
    let (mut kept, mut room) = (String::new(), width.saturating_sub(1));
    for c in text.chars() {
        let Some(left) = room.checked_sub(c.width().unwrap_or(0)) else { break };
        kept.push(c);
        room = left;
    }
    format!("{kept}…")
}

/// Cut or filled to a width.
pub(crate) fn cell(text: &str, width: usize) -> String {
    let text = fit(text, width);
    let missing = width.saturating_sub(text.width());
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

/// `1 event`, `2 events`, `2 entries`.
pub(crate) fn count(n: u64, what: &str) -> String {
    let (stem, end) = match (n, what.strip_suffix('y')) {
        (1, _) => (what, ""),
        (_, Some(stem)) => (stem, "ies"),
        (_, None) => (what, "s"),
    };
    format!("{} {stem}{end}", number(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_rewrite_a_terminal_is_escaped() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c\nd\u{9b}é"), "a\\u{1b}[2Jb\\u{202e}c\\nd\\u{9b}é");
        assert_eq!(cell("abcdef", 4), "abc…");
        assert_eq!((cell("会計部", 5), cell("会", 4)), ("会計…".into(), "会  ".into()));
        assert_eq!((number(1234567), number(12)), ("1,234,567".into(), "12".into()));
        assert_eq!((count(1, "entry"), count(2, "entry")), ("1 entry".into(), "2 entries".into()));
    }

    #[test]
    fn escaped_json_is_the_same_json() {
        let hostile = "\u{1b}[2J\u{7f}\u{9b}\u{202e}\u{200b}\u{e0041}\\\"\r\né";
        let value = serde_json::json!({ hostile: [hostile, "a\tb"] });
        let text = clean_json(&serde_json::to_string_pretty(&value).expect("JSON"));
        assert!(text.chars().all(|c| c == '\n' || !is_hidden(c)), "{text}");
        assert!(text.contains("\\u009b\\u202e\\u200b\\udb40\\udc41"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), value);
        assert_eq!(clean_json("{\r\n\t\"a\": 1}"), "{ \n\t\"a\": 1}");
    }
}
