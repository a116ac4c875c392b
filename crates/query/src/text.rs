//! Words of a text: what free text search compares.
//!
//! A word is a longest run of letters and digits (Unicode), lower-cased; everything else parts
//! words. `Refund-Bot` has the words `refund` and `bot`, `2.5` has `2` and `5`.

use event::{Value, json};

use crate::hash::word_hash;

/// The string of a JSON text without its quotes, if nothing in it is escaped; or the text of a
/// number, a boolean, a null or an empty container.
pub(crate) fn plain(text: &str) -> Option<&str> {
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => (!inner.contains('\\')).then_some(inner),
        None => Some(text),
    }
}

/// Calls `take` with what a JSON text says: a string without quotes and escapes, all else as is.
pub(crate) fn with_content<R>(text: &str, take: impl FnOnce(&str) -> R) -> R {
    if let Some(inner) = plain(text) {
        return take(inner);
    }
    match json::read(text.as_bytes()) {
        Ok(Value::String(content)) => take(&content),
        _ => take(text),
    }
}

/// The words of a text, in order.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()).map(lower)
}

fn lower(run: &str) -> String {
    // Lower-casing can bring in marks that are no letters; a word of a word is itself.
    run.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).collect()
}

/// Calls `take` with the hash of every word of a text.
pub(crate) fn word_hashes(text: &str, mut take: impl FnMut(u32)) {
    if !text.is_ascii() {
        words(text).for_each(|word| take(word_hash(word.as_bytes())));
        return;
    }
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        while at < bytes.len() && bytes[at].is_ascii_alphanumeric() {
            at += 1;
        }
        if at > start {
            take(word_hash(&bytes[start..at]));
        }
        at += 1;
    }
}

/// Words that must stand one behind the other in one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phrase {
    /// At least one.
    pub(crate) words: Vec<String>,
    /// Whether the last one may go on.
    pub(crate) open: bool,
}

impl Phrase {
    /// The words of a text; `None` if it has none.
    pub(crate) fn new(text: &str, open: bool) -> Option<Phrase> {
        let words: Vec<String> = words(text).collect();
        // `par -*` asks for a word that ends there: only a star at a word goes on.
        let open = open && text.chars().next_back().is_some_and(char::is_alphanumeric);
        (!words.is_empty()).then_some(Phrase { words, open })
    }

    /// Whether a text has these words.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        if text.is_ascii() {
            let runs = text.as_bytes().split(|byte| !byte.is_ascii_alphanumeric());
            return self.is_among(runs.filter(|run| !run.is_empty()));
        }
        let found: Vec<String> = words(text).collect();
        self.is_among(found.iter().map(String::as_bytes))
    }

    /// Whether some words, in lower case but for ASCII, have these in a row.
    fn is_among<'t>(&self, mut words: impl Iterator<Item = &'t [u8]> + Clone) -> bool {
        loop {
            if self.begins(words.clone()) {
                return true;
            }
            if words.next().is_none() {
                return false;
            }
        }
    }

    fn begins<'t>(&self, mut words: impl Iterator<Item = &'t [u8]>) -> bool {
        let last = self.words.len() - 1;
        self.words.iter().enumerate().all(|(n, asked)| {
            let Some(found) = words.next() else { return false };
            let found = if n == last && self.open { found.get(..asked.len()) } else { Some(found) };
            found.is_some_and(|found| found.eq_ignore_ascii_case(asked.as_bytes()))
        })
    }

    /// Hashes of the words that every match has.
    pub(crate) fn hashes(&self) -> Vec<u32> {
        let whole = self.words.len() - usize::from(self.open);
        self.words[..whole].iter().map(|word| word_hash(word.as_bytes())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        let found: Vec<String> = words("Refund-Bot übergibt 2.5€ an ÉCOLE_7\n").collect();
        assert_eq!(found, ["refund", "bot", "übergibt", "2", "5", "an", "école", "7"]);
    }

    #[test]
    fn hashes_follow_the_words() {
        for text in ["", "a", "Refund-Bot", "a--b", "x ÜBER y", "longer-than-eight-bytes Wort", "İ"]
        {
            let mut hashes = Vec::new();
            word_hashes(text, |hash| hashes.push(hash));
            let want: Vec<u32> = words(text).map(|w| word_hash(w.as_bytes())).collect();
            assert_eq!(hashes, want, "{text}");
        }
    }

    #[test]
    fn phrases_are_found_whole() {
        let phrase = |text, open| Phrase::new(text, open).expect("has words");
        assert!(phrase("second person", false).is_in("over 500 EUR needs a Second Person"));
        assert!(!phrase("second person", false).is_in("a person, second"));
        assert!(!phrase("pers", false).is_in("person"));
        assert!(phrase("second pers", true).is_in("a second person"));
        assert_eq!(Phrase::new("--", false), None);
    }
}
