//! Paths of fields: the JSON array of the keys and indices that lead to a value.
//!
//! ```text
//! path text = "[" part ( "," part )* "]",  part = canonical string | decimal without leading zeros
//! ```
//!
//! `["resources",0,"id"]` and `["resources","0","id"]` differ. Texts are compared and hashed as
//! they stand; JSON Pointers are for people only.
//!
//! `shape` asks whether paths can belong to one JSON value: none twice, none the beginning of
//! another, no container with both keys and indices, and, if all are known, no hole in an array.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};

use crate::checkpoint::decimal;
use crate::error::{Malformed, malformed};
use crate::json::{self, Value};
use crate::scalar;

/// One step of a path, as it stands in the path text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part<'a> {
    /// A canonical string, quotes included. Sorts before every index.
    Key(&'a str),
    Index(u64),
}

/// A path by its canonical text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(String);

impl Path {
    /// From a JSON array of strings and non-negative integers, in any spelling JSON allows.
    pub fn from_json(text: &str) -> Result<Path, Malformed> {
        Path::from_value(json::parse(text.as_bytes())?)
    }

    /// From a JSON Pointer (RFC 6901). A step of digits is taken as an index; a key that looks like
    /// one needs the JSON array form.
    pub fn from_pointer(pointer: &str) -> Result<Path, Malformed> {
        let steps =
            pointer.strip_prefix('/').ok_or_else(|| malformed("a pointer begins with /"))?;
        let mut text = String::from("[");
        for step in steps.split('/') {
            separate(&mut text);
            match decimal(step) {
                Some(index) => push_index(&mut text, index),
                None => json::push_text(&mut text, &step.replace("~1", "/").replace("~0", "~")),
            }
        }
        text.push(']');
        Ok(Path(text))
    }

    /// The text that is hashed.
    pub fn text(&self) -> &str {
        &self.0
    }

    pub(crate) fn from_value(value: Value) -> Result<Path, Malformed> {
        let mut text = String::from("[");
        for part in value.list("a path")? {
            separate(&mut text);
            match part {
                Value::Text(key) => json::push_text(&mut text, &key),
                part => push_index(&mut text, part.number("a step of a path")?),
            }
        }
        text.push(']');
        Ok(Path(text))
    }
}

/// As a JSON Pointer, for people.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pointer(&self.0))
    }
}

/// A path text as a JSON Pointer; a text that is no path is given back as it is.
pub(crate) fn pointer(text: &str) -> String {
    let mut out = String::new();
    let Some(parts) = parts(text) else { return text.to_owned() };
    for part in parts {
        out.push('/');
        match part {
            Part::Index(index) => push_index(&mut out, index),
            Part::Key(key) => match json::parse(key.as_bytes()) {
                Ok(Value::Text(key)) => out.push_str(&key.replace('~', "~0").replace('/', "~1")),
                _ => out.push_str(key),
            },
        }
    }
    out
}

/// The parts of a path text; `None` if it is not the canonical text of a path.
pub(crate) fn parts(text: &str) -> Option<Vec<Part<'_>>> {
    let mut rest = text.strip_prefix('[')?.strip_suffix(']')?;
    let mut parts = Vec::new();
    if rest.is_empty() {
        return Some(parts);
    }
    loop {
        let after = if rest.starts_with('"') {
            let (key, after) = rest.split_at(scalar::string_len(rest.as_bytes())?);
            parts.push(Part::Key(key));
            after
        } else {
            let (index, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
            parts.push(Part::Index(decimal(index)?));
            after
        };
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Some(parts),
            None => return None,
        }
    }
}

/// Asks whether paths can be fields of one JSON value; says what speaks against it. `whole` means
/// that these are all of the value's fields.
pub(crate) fn shape<'a>(paths: impl Iterator<Item = &'a str>, whole: bool) -> Result<(), String> {
    let mut sorted = Vec::new();
    for text in paths {
        sorted.push((parts(text).ok_or_else(|| format!("{text} is not a path"))?, text));
    }
    sorted.sort_unstable();
    if let Some((first, text)) = sorted.first().filter(|_| whole) {
        starts_at_zero(first, text)?;
    }
    sorted.windows(2).try_for_each(|pair| neighbours((&pair[0].0, pair[0].1), &pair[1], whole))
}

/// Two paths next to each other in the order of their parts. Whatever is wrong with a set of paths
/// shows between two such: all that lie below one container stand together, keys before indices.
fn neighbours(
    (left, left_text): (&[Part<'_>], &str),
    (right, right_text): &(Vec<Part<'_>>, &str),
    whole: bool,
) -> Result<(), String> {
    let common = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    match (left.get(common), right.get(common)) {
        (None, None) => Err(format!("{left_text} stands twice")),
        (None, Some(_)) | (Some(_), None) => Err(format!("{left_text} begins {right_text}")),
        (Some(Part::Key(_)), Some(Part::Key(_))) if !whole => Ok(()),
        (Some(Part::Key(_)), Some(Part::Key(_))) => {
            starts_at_zero(&right[common + 1..], right_text)
        }
        (Some(Part::Index(a)), Some(Part::Index(b))) => match a.cmp(b) {
            Ordering::Less if !whole => Ok(()),
            Ordering::Less if a + 1 == *b => starts_at_zero(&right[common + 1..], right_text),
            _ => Err(format!("an array has a hole before {right_text}")),
        },
        _ => Err(format!("one container has the key of {left_text} and the index of {right_text}")),
    }
}

fn starts_at_zero(parts: &[Part<'_>], text: &str) -> Result<(), String> {
    match parts.iter().any(|part| matches!(part, Part::Index(1..))) {
        true => Err(format!("an array has a hole before {text}")),
        false => Ok(()),
    }
}

fn separate(text: &mut String) {
    if text.len() > 1 {
        text.push(',');
    }
}

fn push_index(text: &mut String, index: u64) {
    let _infallible = write!(text, "{index}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text() {
        let path = Path::from_json(" [ \"\\u0061\\u001f\\n\\/é\" , 0, \"0\"]").unwrap();
        assert_eq!(path.text(), "[\"a\\u001f\\n/é\",0,\"0\"]");
        assert_eq!(path.to_string(), "/a\u{1f}\n~1é/0/0");
        assert_eq!(Path::from_pointer("/a~1b~0c/0/x").unwrap().text(), "[\"a/b~c\",0,\"x\"]");
        for bad in ["[-1]", "[1.0]", "[null]", "{}", "[[]]", "[9007199254740992]", "[true]"] {
            assert!(Path::from_json(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn parts_of_a_text() {
        assert_eq!(
            parts("[\"a,]\",10,\"\"]"),
            Some(vec![Part::Key("\"a,]\""), Part::Index(10), Part::Key("\"\"")])
        );
        for bad in
            ["", "[", "]", "[1", "[01]", "[\"a\" ]", "[,]", "[1,]", "[\"\\u0041\"]", "[-1]", "[[]]"]
        {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }

    #[track_caller]
    fn check(paths: &[&str], whole: bool, good: bool) {
        let verdict = shape(paths.iter().copied(), whole);
        assert_eq!(verdict.is_ok(), good, "{paths:?} {verdict:?}");
    }

    #[test]
    fn shapes() {
        check(&["[\"a\",0]", "[\"a\",1]", "[\"a\",10]", "[\"b\"]"], false, true);
        check(&["[\"a\",0]", "[\"a\",1]", "[\"a\",10]", "[\"b\"]"], true, false);
        check(&["[\"a\",1]"], true, false);
        check(&["[\"a\",1]"], false, true);
        check(&["[\"a\",0,\"x\",0,1]"], true, false);
        check(&["[\"a\",0,1]", "[\"a\",0,0]", "[\"a\",1,0]", "[\"a\",2]"], true, true);
        check(&["[\"a\",0]", "[\"a\",1,1]"], true, false);
        check(&["[\"a\"]", "[\"a\"]"], false, false);
        check(&["[\"a\"]", "[\"a\",\"b\",\"c\"]"], false, false);
        check(&["[\"a\",\"b\"]", "[\"a\"]", "[\"a\",\"c\"]"], false, false);
        check(&["[\"a\",1]", "[\"a\",10]", "[\"a\",1,0]"], false, false);
        check(&["[\"a\",0]", "[\"a\",\"0\"]"], false, false);
        check(&["[\"a\",0]", "[\"b\",0]", "[\"a\",\"z\",7]"], false, false);
        check(&["[]", "[\"a\"]"], false, false);
        let many: Vec<String> = (0..12).map(|i| format!("[\"a\",{i}]")).collect();
        assert!(shape(many.iter().map(String::as_str), true).is_ok());
    }
}
