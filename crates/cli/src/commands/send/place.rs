//! Where something stands in a file, as editors count: lines and columns from 1.

use std::fmt;
use std::path::Path;

use event::json::JsonError;

use crate::error::CliError;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) column: u64,
}

impl Place {
    /// Where a text begins.
    pub(super) const START: Place = Place { line: 1, column: 1 };

    /// The place behind `passed`, which begins at this one.
    pub(super) fn behind(self, passed: &[u8]) -> Place {
        let lines = passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        let last = passed.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        // Bytes that begin no character of UTF-8 have no column of their own.
        let is_first = |byte: &&u8| **byte & 0xc0 != 0x80;
        let columns = passed[last..].iter().filter(is_first).count() as u64;
        let column = if lines == 0 { self.column + columns } else { 1 + columns };
        Place { line: self.line + lines, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Tells the places of pieces of one text, each looked for from the last.
pub(super) struct Finger<'a> {
    text: &'a [u8],
    at: usize,
    place: Place,
}

impl<'a> Finger<'a> {
    pub(super) fn new(text: &'a [u8]) -> Finger<'a> {
        Finger { text, at: 0, place: Place::START }
    }

    /// The place of what begins so many bytes behind the text's beginning.
    pub(super) fn at(&mut self, begin: usize) -> Place {
        self.place = match self.text.get(self.at..begin) {
            Some(passed) => self.place.behind(passed),
            // A line that turns out to be broken is told behind the records that stand in it.
            None => {
                let before = &self.text[..begin];
                let line = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                Place { column: 1, ..self.place }.behind(&before[line..])
            }
        };
        self.at = begin;
        self.place
    }
}

/// A file that cannot be read on, by the place of its mistake.
pub(super) fn broken(path: &Path, bytes: &[u8], error: &JsonError) -> CliError {
    let place = Place::START.behind(&bytes[..error.offset.min(bytes.len())]);
    let what = format!("{}:{place}", path.display());
    CliError::File { what, why: format!("not valid JSON: {}", error.what) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_characters_are_counted_from_one() {
        let text = "ab\n\u{e9}\u{65e5}x\n";
        let told = |end: usize| Place::START.behind(&text.as_bytes()[..end]).to_string();
        assert_eq!([0, 2, 3, 5, 8, 9].map(told), ["1:1", "1:3", "2:1", "2:2", "2:3", "2:4"]);
        assert_eq!(told(text.len()), "3:1");
        let further = Place { line: 7, column: 4 };
        assert_eq!(further.behind(b"ab").to_string(), "7:6");
        assert_eq!(further.behind(b"ab\nc").to_string(), "8:2");
        let mut finger = Finger::new(b"\n {a}\n{b}");
        let told = [3, 5, 2, 6].map(|begin| finger.at(begin).to_string());
        assert_eq!(told, ["2:3", "2:5", "2:2", "3:1"], "back to where its line begins, and on");
    }
}
