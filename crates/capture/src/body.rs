//! A request body, split into its records one at a time.
//!
//! Promises: one record's tree at a time, every byte of the body looked at once and a half at
//! most, nothing unread left behind the last record.
//!
//! Never: guesses past a mistake. A broken line of NDJSON is named and the next line read; a
//! broken array or object ends the body, for nobody knows where its next record begins.
//!
//! Understood: one JSON object; an array; NDJSON (one object a line, blank lines skipped); an
//! object whose one member holds the records (`{"Records":[…]}`,
//! `{"kind":"EventList","items":[…]}`);
//! NDJSON of such objects.

use event::Value;
use event::json::{self, JsonError};

use crate::items::Items;

/// How records stand in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One object.
    One,
    /// The elements of an array, or of a wrapping object's array.
    Array,
    /// One object a line.
    Lines,
}

/// The body as a whole cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyError(pub JsonError);

impl std::fmt::Display for BodyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for BodyError {}

/// One record of a body.
#[derive(Debug)]
pub struct Part<'a> {
    /// The value, or why this line is not one. Offsets count from the start of the line.
    pub value: Result<Value<'a>, JsonError>,
    /// The text it was read from.
    pub text: &'a str,
    /// Whether it holds more values than an event may, however short its text is. Then `value` is
    /// an error.
    pub heavy: bool,
}

/// Memory that one record's values may take. An event of the largest size that says something takes
/// a tenth of this.
const VALUES_BYTES_MAX: usize = 16 << 20;

impl<'a> Part<'a> {
    /// The value at `at`, and where it ends.
    pub(crate) fn read(text: &'a str, at: usize) -> Result<(Part<'a>, usize), JsonError> {
        let (value, end) = json::read_within(text, at, VALUES_BYTES_MAX)?;
        let heavy = value.is_none();
        let too_many = || JsonError { offset: at, what: "too many values for one event".into() };
        Ok((Part { value: value.ok_or_else(too_many), text: &text[at..end], heavy }, end))
    }

    fn broken(error: JsonError, text: &'a str) -> Part<'a> {
        Part { value: Err(error), text, heavy: false }
    }
}

/// A body whose layout is known.
#[derive(Debug)]
pub struct Body<'a> {
    text: &'a str,
    layout: Layout,
    wrapper: Option<&'static str>,
    /// Where the one value stands, or the next line.
    at: usize,
    /// The array being read: the body's, or that of one line, with the line's text.
    items: Option<(Items<'a>, &'a str)>,
    done: bool,
}

impl<'a> Body<'a> {
    /// Looks at how the records stand. `wrapper`: the member that holds the records where the
    /// format wraps them, see [`Format::wrapper`](crate::Format::wrapper). `lines`: the sender
    /// says it is NDJSON.
    pub fn new(
        bytes: &'a [u8],
        wrapper: Option<&'static str>,
        lines: bool,
    ) -> Result<Self, BodyError> {
        let text = json::utf8(bytes).map_err(BodyError)?;
        let at = json::blank(bytes);
        let body = |layout, at, items| Body { text, layout, wrapper, at, items, done: false };
        if lines || (bytes.get(at) == Some(&b'{') && is_lines(text, at)) {
            return Ok(body(Layout::Lines, 0, None));
        }
        if bytes.get(at) == Some(&b'[') {
            return Ok(body(Layout::Array, at, Some((Items::array(text, at), text))));
        }
        match Items::wrapped(text, at, wrapper).map_err(BodyError)? {
            Some(items) => Ok(body(Layout::Array, at, Some((items, text)))),
            None => Ok(body(Layout::One, at, None)),
        }
    }

    /// How the records stand.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The next record; `None` at the end. An error ends the body: what follows is unknown.
    pub fn next_part(&mut self) -> Result<Option<Part<'a>>, BodyError> {
        if self.done {
            return Ok(None);
        }
        let part = match self.layout {
            Layout::One => self.one().map(Some),
            Layout::Array => self.element(),
            Layout::Lines => Ok(self.line()),
        };
        self.done = self.layout == Layout::One || !matches!(part, Ok(Some(_)));
        part.map_err(BodyError)
    }

    fn one(&mut self) -> Result<Part<'a>, JsonError> {
        let (part, end) = Part::read(self.text, self.at)?;
        let behind = end + json::blank(&self.text.as_bytes()[end..]);
        if behind != self.text.len() {
            let what = "something stands behind the value; several events go in an array or in \
                        NDJSON, one a line";
            return Err(JsonError { offset: behind, what: what.into() });
        }
        Ok(part)
    }

    fn element(&mut self) -> Result<Option<Part<'a>>, JsonError> {
        match &mut self.items {
            Some((items, _)) => items.next(),
            None => Ok(None),
        }
    }

    fn line(&mut self) -> Option<Part<'a>> {
        loop {
            if let Some((items, line)) = &mut self.items {
                match items.next() {
                    Ok(Some(part)) => return Some(part),
                    Ok(None) => self.items = None,
                    Err(error) => {
                        let part = Part::broken(error, line);
                        self.items = None;
                        return Some(part);
                    }
                }
            }
            let line = self.next_line()?;
            match Items::wrapped(line, 0, self.wrapper) {
                Ok(Some(items)) => self.items = Some((items, line)),
                _ => return Some(whole(line)),
            }
        }
    }

    /// The next line that is not blank.
    fn next_line(&mut self) -> Option<&'a str> {
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            let end = rest.find('\n').unwrap_or(rest.len());
            self.at += (end + 1).min(rest.len());
            let line = rest[..end].trim_matches([' ', '\t', '\r']);
            if !line.is_empty() {
                return Some(line);
            }
        }
        None
    }
}

/// A line that is one value and nothing else.
fn whole(line: &str) -> Part<'_> {
    match Part::read(line, 0) {
        Ok((part, end)) if end == line.len() => part,
        Ok((_, offset)) => {
            let what = "something stands behind the value".into();
            Part::broken(JsonError { offset, what }, line)
        }
        Err(error) => Part::broken(error, line),
    }
}

/// Whether the first line is a whole value and more lines follow.
fn is_lines(text: &str, at: usize) -> bool {
    let Some(end) = text[at..].find('\n') else { return false };
    let more = !text[at + end..].trim_ascii().is_empty();
    let first = text[at..at + end].trim_ascii();
    more && json::read_within(first, 0, 0).is_ok_and(|(_, end)| end == first.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records as compact JSON, one a line; errors in angle brackets.
    fn records(body: &str, wrapper: Option<&'static str>, lines: bool) -> String {
        let mut out = Vec::new();
        let mut body = match Body::new(body.as_bytes(), wrapper, lines) {
            Ok(body) => body,
            Err(error) => return format!("<{error}>"),
        };
        loop {
            match body.next_part() {
                Ok(Some(Part { value: Ok(value), .. })) => out.push(value.to_json()),
                Ok(Some(Part { value: Err(error), .. })) => out.push(format!("({error})")),
                Ok(None) => break,
                Err(error) => out.push(format!("<{error}>")),
            }
        }
        out.join(" ")
    }

    #[test]
    fn layouts() {
        for (body, want) in [
            ("{\"a\":1}", "{\"a\":1}"),
            (" {\"a\":1}\n ", "{\"a\":1}"),
            ("{\n\"a\":1\n}\n", "{\"a\":1}"),
            ("[]", ""),
            ("[{\"a\":1} , 2]\n", "{\"a\":1} 2"),
            ("{\"a\":1}\n\n {\"a\":2}\r\n", "{\"a\":1} {\"a\":2}"),
            (
                "{\"a\":1}\n{\"a\"\n{\"a\":3}",
                "{\"a\":1} (not valid JSON at byte 4: expected ':' after the key) {\"a\":3}",
            ),
            ("", "<not valid JSON at byte 0: the input ends where a value should stand>"),
            (
                "{\"a\":1}{}",
                "<not valid JSON at byte 7: something stands behind the value; several events go in an array or in NDJSON, one a line>",
            ),
            ("[1,]", "1 <not valid JSON at byte 3: expected a value>"),
            ("[1 2]", "1 <not valid JSON at byte 3: expected ',' or ']'>"),
            ("[1] 2", "1 <not valid JSON at byte 4: something stands behind the value>"),
            ("[1", "1 <not valid JSON at byte 2: expected ',' or ']'>"),
        ] {
            assert_eq!(records(body, None, false), want, "{body}");
        }
        assert_eq!(records("", None, true), "");
        assert_eq!(records("{\"a\":1}", None, true), "{\"a\":1}");
    }

    #[test]
    fn records_of_too_many_values_are_told_apart() {
        let heavy = format!("[{{\"a\":[{}0]}},{{\"b\":1}}]", "[],".repeat(1 << 18));
        let mut body = Body::new(heavy.as_bytes(), None, false).expect("an array");
        let part = body.next_part().expect("goes on").expect("a record");
        assert!(part.heavy && part.value.is_err());
        assert_eq!(
            records(&heavy, None, false),
            "(not valid JSON at byte 1: too many values for one event) {\"b\":1}"
        );
        let keys: String = (0..2000).map(|i| format!("\"{i}\":0,")).collect();
        let behind = format!("{{\"Records\":[1],{keys}\"z\":0}}");
        assert!(records(&behind, Some("Records"), false).contains("too many members around"));
        let before = format!("{{{keys}\"Records\":[1]}}");
        assert_eq!(records(&before, Some("Records"), false), before, "wraps nothing");
    }

    #[test]
    fn wrapped_records() {
        for (body, want) in [
            ("{\"Records\":[1,2]}", "1 2"),
            ("{\"v\":[{}],\"Records\" : [ 1 ] , \"w\":{\"x\":[]}, \"y\":0 } ", "1"),
            ("{\"\\u0052ecords\":[1]}", "1"),
            ("{\"Records\":null}", ""),
            ("{\"Records\":7}", "{\"Records\":7}"),
            ("{\"v\":1}", "{\"v\":1}"),
            ("{}", "{}"),
            (
                "{\"Records\":[1],\"Records\":[2]}",
                "1 <not valid JSON at byte 15: the key \"Records\" stands twice in one object>",
            ),
            (
                "{\"v\":1,\"Records\":[1],\"v\":2}",
                "1 <not valid JSON at byte 21: the key \"v\" stands twice in one object>",
            ),
            (
                "{\"Records\":[1],}",
                "1 <not valid JSON at byte 15: expected a key in double quotes>",
            ),
            ("{\"Records\":[1] \"v\":1}", "1 <not valid JSON at byte 15: expected ',' or '}'>"),
            (
                "{\"Records\":[1]} {}",
                "1 <not valid JSON at byte 16: something stands behind the value>",
            ),
            ("{\"Records\":[1]", "1 <not valid JSON at byte 14: expected ',' or '}'>"),
            ("{\"Records\":[1]}\n{\"Records\":[2,3]}\n4", "1 2 3 4"),
            (
                "{\"v\":0}\n{\"Records\":[2,!]}\n{\"Records\":[4]}",
                "{\"v\":0} 2 (not valid JSON at byte 14: expected a value) 4",
            ),
        ] {
            assert_eq!(records(body, Some("Records"), false), want, "{body}");
        }
    }
}
