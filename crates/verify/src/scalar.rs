//! The text of a field's value: one scalar in RFC 8785 form, or `{}`, or `[]`.
//!
//! A judge formats nothing. It only asks whether a text could have been written by the canonical
//! writer, byte by byte and without allocating: strings escape `"`, `\` and controls in the one way
//! RFC 8785 knows; numbers match `-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[+-][0-9]+)?`.

/// Is `text` a canonical scalar, `{}` or `[]`?
pub fn is_canonical(text: &[u8]) -> bool {
    match text.first() {
        Some(b'"') => string_len(text) == Some(text.len()),
        Some(b'-' | b'0'..=b'9') => is_number(text),
        _ => matches!(text, b"true" | b"false" | b"null" | b"{}" | b"[]"),
    }
}

/// Length of the canonical string, quotes included, at the start of `text`.
pub(crate) fn string_len(text: &[u8]) -> Option<usize> {
    if text.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    loop {
        match *text.get(at)? {
            b'"' => break,
            b'\\' => at += escape_len(&text[at..])?,
            0..=0x1f => return None,
            _ => at += 1,
        }
    }
    std::str::from_utf8(&text[1..at]).ok()?;
    Some(at + 1)
}

/// Length of the one escape that RFC 8785 would have written here.
fn escape_len(text: &[u8]) -> Option<usize> {
    match text.get(1)? {
        b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r' => Some(2),
        b'u' => {
            let digits = text.get(2..6)?;
            let short = matches!(digits, b"0008" | b"0009" | b"000a" | b"000c" | b"000d");
            let control = digits.starts_with(b"000") || digits.starts_with(b"001");
            let last = matches!(digits[3], b'0'..=b'9' | b'a'..=b'f');
            (control && last && !short).then_some(6)
        }
        _ => None,
    }
}

fn is_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, rest) = split_digits(text);
    if whole.is_empty() || (whole.len() > 1 && whole[0] == b'0') {
        return false;
    }
    let rest = match rest.strip_prefix(b".").map(split_digits) {
        Some(([], _)) => return false,
        Some((_, rest)) => rest,
        None => rest,
    };
    match rest {
        [] => true,
        [b'e', b'+' | b'-', digits @ ..] => {
            !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|b| b.is_ascii_digit()).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical() {
        let good = [
            "\"\"",
            "\"a\"",
            "\"é\u{2028}\\\"\\u001f\"",
            "\"\\b\\t\\n\\f\\r\\\\\"",
            "\"/\"",
            "\"\u{7f}\"",
            "\"\\u0000\"",
            "0",
            "-0",
            "1.50",
            "1e+21",
            "5e-324",
            "-12.5e-7",
            "true",
            "false",
            "null",
            "{}",
            "[]",
        ];
        for text in good {
            assert!(is_canonical(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn not_canonical() {
        let bad = [
            "",
            " 1",
            "1 ",
            "01",
            "1.",
            ".5",
            "1e5",
            "1E+5",
            "1e+",
            "+1",
            "--1",
            "0x1",
            "NaN",
            "{ }",
            "[1]",
            "True",
            "nul",
            "\"",
            "\"a",
            "a\"",
            "\"a\"b\"",
            "\"\n\"",
            "\"\\/\"",
            "\"\\u0041\"",
            "\"\\u001F\"",
            "\"\\u000a\"",
            "\"\\u00\"",
            "\"\\u00e9\"",
            "\"\\ud83d\\ude00\"",
            "\"\\x\"",
            "\"\\\"",
            "\u{feff}1",
        ];
        for text in bad {
            assert!(!is_canonical(text.as_bytes()), "{text}");
        }
        assert!(!is_canonical(b"\"\xff\""));
        assert!(!is_canonical(b"\"\xed\xa0\x80\""));
    }
}
