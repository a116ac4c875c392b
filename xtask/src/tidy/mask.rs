//! Rust with its comments and the insides of its strings blanked out, so that braces and names can
//! be counted without a parser.
//!
//! Promises: as many lines and as many characters as before. Knows line and nested block comments,
//! strings, raw strings, byte strings, characters and lifetimes.

/// Blanks what is not code.
pub(super) fn mask(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skip(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            let kept = |c: &char| if *c == '\n' { '\n' } else { ' ' };
            out.extend(chars[at..end].iter().map(kept));
            at = end;
        }
    }
    out
}

/// The end of the comment or literal that begins at `at`; `at` itself if none does.
fn skip(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1);
    match chars[at] {
        '/' if next == Some(&'/') => find(chars, at, '\n'),
        '/' if next == Some(&'*') => block_comment(chars, at),
        '"' => string(chars, at),
        'r' if !follows_name(chars, at) => raw_string(chars, at).unwrap_or(at),
        '\'' if next == Some(&'\\') => find(chars, at + 3, '\'') + 1,
        // A lifetime has no closing quote two characters on.
        '\'' if chars.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
    .min(chars.len())
}

fn find(chars: &[char], from: usize, wanted: char) -> usize {
    (from..chars.len()).find(|i| chars[*i] == wanted).unwrap_or(chars.len())
}

fn block_comment(chars: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0, at);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') if depth == 1 => return i + 2,
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
    }
    chars.len()
}

fn string(chars: &[char], at: usize) -> usize {
    let mut i = at + 1;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

/// `r"…"`, `r#"…"#` and so on.
fn raw_string(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let mut i = at + 1 + hashes;
    if chars.get(i) != Some(&'"') {
        return None;
    }
    i += 1;
    while i < chars.len() {
        let close = chars[i] == '"' && chars[i + 1..].iter().take(hashes).all(|c| *c == '#');
        if close {
            return Some(i + 1 + hashes);
        }
        i += 1;
    }
    Some(chars.len())
}

/// Whether `at` stands inside a name; the `b` of `br"…"` is none.
fn follows_name(chars: &[char], at: usize) -> bool {
    let is_name = |c: &char| c.is_alphanumeric() || *c == '_';
    match at.checked_sub(1).map(|i| chars[i]) {
        Some('b') => at >= 2 && is_name(&chars[at - 2]),
        Some(c) => is_name(&c),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn what_is_not_code_is_blank() {
        for (text, want) in [
            ("a// {\nb", "a····\nb"),
            ("a/*{/*{*/}*/b", "a···········b"),
            (r#"f("{\"{",1)"#, "f(······,1)"),
            (r##"f(r#"{"{"#,1)"##, "f(········,1)"),
            (r#"f(br"{\",b'{')"#, "f(b·····,b···)"),
            (r"f::<'a>('{','\'','\u{1}')", "f::<'a>(···,····,·······)"),
            (r#"bar"{""#, "bar···"),
        ] {
            assert_eq!(mask(text).replace(' ', "·"), want, "{text}");
        }
    }
}
