//! Paths: the JSON array of keys and indices that lead to a field, in RFC 8785 form.
//!
//! `["resources",0,"id"]` and `["resources","0","id"]` differ. The path text is what is digested;
//! JSON Pointers (RFC 6901) are for people and never hashed.

use std::fmt::Write;

use crate::json;
use crate::scan::plain;
use crate::value::Value;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The member of an object.
    Key(String),
    /// The element of an array.
    Index(usize),
}

/// The canonical text of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathText(String);

impl PathText {
    /// The text of the path made of `steps`.
    pub fn from_steps(steps: &[Step]) -> PathText {
        let mut text = String::from("[");
        for (i, step) in steps.iter().enumerate() {
            if i > 0 {
                text.push(',');
            }
            match step {
                Step::Key(key) => write_string(&mut text, key),
                Step::Index(index) => write_index(&mut text, *index),
            }
        }
        text.push(']');
        PathText(text)
    }

    /// Reads a canonical path text back. `None` if it is not one.
    pub fn parse(text: &str) -> Option<Vec<Step>> {
        let value = json::read(text.as_bytes()).ok()?;
        let mut steps = Vec::new();
        for item in value.as_array()? {
            steps.push(match item {
                Value::String(key) => Step::Key(key.to_string()),
                other => Step::Index(usize::try_from(other.as_integer()?).ok()?),
            });
        }
        (!steps.is_empty() && PathText::from_steps(&steps).0 == text).then_some(steps)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The JSON Pointer of a path, for people.
pub fn pointer(steps: &[Step]) -> String {
    let mut out = String::new();
    for step in steps {
        out.push('/');
        match step {
            Step::Key(key) => out.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => write_index(&mut out, *index),
        }
    }
    out
}

/// Appends a string in RFC 8785 form: only `"`, `\` and controls are escaped.
pub(crate) fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    loop {
        let (plain, special) = rest.split_at(plain(rest.as_bytes()));
        out.push_str(plain);
        let Some(byte) = special.bytes().next() else { break };
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            0x0c => out.push_str("\\f"),
            b'\r' => out.push_str("\\r"),
            _ => write!(out, "\\u{byte:04x}").expect("writing to a String cannot fail"),
        }
        rest = &special[1..];
    }
    out.push('"');
}

pub(crate) fn write_index(out: &mut String, index: usize) {
    if index < 10 {
        out.push((b'0' + index as u8) as char);
    } else {
        write!(out, "{index}").expect("writing to a String cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_texts_come_back() {
        for text in [r#"["a/b~c",1,"0"]"#, r#"["u\u001f\"\\\n",10]"#, r#"[""]"#] {
            let steps = PathText::parse(text).expect(text);
            assert_eq!(PathText::from_steps(&steps).as_str(), text);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [r#"["a" ]"#, r#"["\u0061"]"#, "[]", "[1.0]", "[-1]", r#"[["a"]]"#, "[true]"] {
            assert_eq!(PathText::parse(text), None, "{text}");
        }
    }

    #[test]
    fn pointers_escape() {
        let steps = PathText::parse(r#"["a/b~c",1,"0"]"#).expect("canonical");
        assert_eq!(pointer(&steps), "/a~1b~0c/1/0");
    }
}
