//! Commands to be copied: a shell takes each as it was meant.

/// Characters that no shell reads as more than themselves.
const PLAIN: &str = "-._~/:=,+@%";

/// `counterfoil search 'outcome:failure since:1h' -n 50`: each word is one for a shell too.
pub(crate) fn command<W: AsRef<str>>(words: &[W]) -> String {
    let words = words.iter().map(|word| format!(" {}", quoted(word.as_ref())));
    format!("counterfoil{}", words.collect::<String>())
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || PLAIN.contains(c);
    // A tilde that comes first is somebody's home.
    if !word.is_empty() && !word.starts_with('~') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_each_word_as_one() {
        let words = ["search", "who:\"a b\" -did:x*", "it's", "~", "", "a/b:c=1"];
        let told = r#"counterfoil search 'who:"a b" -did:x*' 'it'\''s' '~' '' a/b:c=1"#;
        assert_eq!(command(&words), told);
    }
}
