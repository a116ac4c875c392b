//! A strict JSON reader (RFC 8259), for bytes that nobody vouches for.
//!
//! Stricter than the libraries because a digest hangs on it: no duplicate keys (after unescaping),
//! no lone surrogates, no byte order mark, nothing behind the value, nesting at most
//! [`JSON_DEPTH_MAX`](crate::limits::JSON_DEPTH_MAX). Number tokens keep the difference between
//! `10` and `1e1` until [`Number::from_token`] has judged them.
//!
//! Strings without escapes are borrowed from the input.

use std::borrow::Cow;
use std::fmt;

use crate::limits::JSON_DEPTH_MAX;
use crate::number::Number;
use crate::scan::plain;
use crate::value::{Object, Text, Value};

/// Why some bytes are not JSON as it is read here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Where: bytes from the start of what was read.
    pub offset: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not valid JSON at byte {}: {}", self.offset, self.what)
    }
}

impl std::error::Error for JsonError {}

/// Reads exactly one JSON value.
pub fn read(bytes: &[u8]) -> Result<Value<'_>, JsonError> {
    let text = utf8(bytes)?;
    let (value, end) = read_at(text, 0)?;
    let end = end + blank(&bytes[end..]);
    if end != bytes.len() {
        return Err(JsonError { offset: end, what: "something stands behind the value".into() });
    }
    Ok(value)
}

/// Reads the JSON value at `at`; also says where it ends. Offsets count from the start of `text`.
pub fn read_at(text: &str, at: usize) -> Result<(Value<'_>, usize), JsonError> {
    let mut reader = Reader::new(text, at, usize::MAX);
    let value = reader.value()?;
    Ok((value, reader.at))
}

/// As [`read_at`], but takes no more than about `bytes_max` of memory: `None` where the value
/// would take more, which is then read to its end without being kept.
///
/// For bytes that nobody vouches for: `[[],[],…` takes fifty times its own length.
pub fn read_within(
    text: &str,
    at: usize,
    bytes_max: usize,
) -> Result<(Option<Value<'_>>, usize), JsonError> {
    let mut reader = Reader::new(text, at, bytes_max);
    let value = reader.value()?;
    Ok(((!reader.full).then_some(value), reader.at))
}

/// The text of some bytes, which must be UTF-8 without byte order mark.
pub fn utf8(bytes: &[u8]) -> Result<&str, JsonError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| JsonError { offset: error.valid_up_to(), what: "not UTF-8".into() })?;
    if text.starts_with('\u{feff}') {
        return Err(JsonError {
            offset: 0,
            what: "a byte order mark, which is not allowed".into(),
        });
    }
    Ok(text)
}

/// How many bytes of JSON white space stand at the start.
pub fn blank(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count()
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    /// Bytes of memory that what is kept may still take.
    room: usize,
    /// Whether something was not kept.
    full: bool,
}

/// From this many members on, duplicate keys are looked for by sorting.
const SORT_KEYS_FROM: usize = 24;

/// What an array or object takes at least: the library makes room for four members at once.
const NESTED_BYTES: usize = 4 * size_of::<(Text<'_>, Value<'_>)>();

impl<'a> Reader<'a> {
    fn new(text: &'a str, at: usize, room: usize) -> Reader<'a> {
        Reader { text, bytes: text.as_bytes(), at, depth: 0, room, full: false }
    }

    /// Takes room for something to keep; `false` where there is none left.
    fn keep(&mut self, bytes: usize) -> bool {
        let left = self.room.checked_sub(bytes);
        self.full |= left.is_none();
        self.room = left.unwrap_or(0);
        left.is_some()
    }

    fn fail<T>(&self, what: impl Into<String>) -> Result<T, JsonError> {
        Err(JsonError { offset: self.at, what: what.into() })
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(&b) = self.bytes.get(self.at) {
            if !matches!(b, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(b);
            }
            self.at += 1;
        }
        None
    }

    fn value(&mut self) -> Result<Value<'a>, JsonError> {
        match self.peek() {
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => self.fail("expected a value"),
            None => self.fail("the input ends where a value should stand"),
        }
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Value<'a>, JsonError>,
    ) -> Result<Value<'a>, JsonError> {
        if self.depth == JSON_DEPTH_MAX {
            return self.fail(format!("nested deeper than {JSON_DEPTH_MAX}"));
        }
        self.depth += 1;
        self.at += 1;
        self.keep(NESTED_BYTES);
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, JsonError> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(value);
        }
        self.fail("expected a value")
    }

    fn array(&mut self) -> Result<Value<'a>, JsonError> {
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            let value = self.value()?;
            if self.keep(size_of_val(&value)) {
                items.push(value);
            }
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return self.fail("expected ',' or ']'"),
            }
        }
        self.at += 1;
        Ok(Value::Array(items))
    }

    fn object(&mut self) -> Result<Value<'a>, JsonError> {
        let mut members: Vec<(Text<'a>, Value<'a>)> = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(Object(members)));
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.fail("expected a key in double quotes");
            }
            let key = self.string()?;
            if members.len() < SORT_KEYS_FROM && members.iter().any(|(k, _)| *k == key) {
                return self.fail(duplicate(&key));
            }
            if self.peek() != Some(b':') {
                return self.fail("expected ':' after the key");
            }
            self.at += 1;
            let value = self.value()?;
            let owned = if let Cow::Owned(key) = &key { key.len() } else { 0 };
            if self.keep(size_of_val(&key) + size_of_val(&value) + owned) {
                members.push((key, value));
            }
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return self.fail("expected ',' or '}'"),
            }
        }
        self.at += 1;
        if members.len() > SORT_KEYS_FROM {
            self.refuse_duplicates(&members)?;
        }
        Ok(Value::Object(Object(members)))
    }

    fn refuse_duplicates(&self, members: &[(Text<'a>, Value<'a>)]) -> Result<(), JsonError> {
        let mut keys: Vec<&str> = members.iter().map(|(k, _)| k.as_ref()).collect();
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => self.fail(duplicate(pair[0])),
            None => Ok(()),
        }
    }

    fn number(&mut self) -> Result<Value<'a>, JsonError> {
        let start = self.at;
        let digits = |reader: &mut Self| {
            let from = reader.at;
            while matches!(reader.bytes.get(reader.at), Some(b'0'..=b'9')) {
                reader.at += 1;
            }
            reader.at - from
        };
        if self.bytes[self.at] == b'-' {
            self.at += 1;
        }
        let leading_zero = self.bytes.get(self.at) == Some(&b'0');
        let whole = digits(self);
        if whole == 0 || (leading_zero && whole > 1) {
            return self.fail("not a JSON number");
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            if digits(self) == 0 {
                return self.fail("a digit must follow the decimal point");
            }
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if digits(self) == 0 {
                return self.fail("a digit must follow the exponent sign");
            }
        }
        let token = &self.text[start..self.at];
        Ok(match Number::from_token(token) {
            Some(number) => Value::Number(number),
            None => Value::Oversize(Cow::Borrowed(token)),
        })
    }

    /// Reads a string; `at` stands on its opening quote.
    fn string(&mut self) -> Result<Text<'a>, JsonError> {
        self.at += 1;
        let start = self.at;
        self.at += plain(&self.bytes[start..]);
        match self.bytes.get(self.at) {
            Some(b'"') => {
                let text = &self.text[start..self.at];
                self.at += 1;
                Ok(Cow::Borrowed(text))
            }
            Some(b'\\') => self.escaped(start).map(Cow::Owned),
            Some(_) => self.fail("a control character must be escaped"),
            None => self.fail("the input ends inside a string"),
        }
    }

    /// Goes on with a string that has escapes; `at` stands on the first backslash.
    fn escaped(&mut self, start: usize) -> Result<String, JsonError> {
        let mut out = String::from(&self.text[start..self.at]);
        loop {
            let from = self.at;
            self.at += plain(&self.bytes[from..]);
            out.push_str(&self.text[from..self.at]);
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    self.keep(out.len());
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return self.fail("a control character must be escaped"),
                None => return self.fail("the input ends inside a string"),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let kind = self.bytes.get(self.at + 1).copied();
        self.at += 2;
        Ok(match kind {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => {
                self.at = (self.at - 1).min(self.bytes.len());
                return self.fail("unknown escape in a string");
            }
        })
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let first = self.hex4()?;
        let code = match first {
            0xd800..=0xdbff => {
                if !self.bytes[self.at..].starts_with(b"\\u") {
                    return self.fail("a lone surrogate, which is not allowed");
                }
                self.at += 2;
                match self.hex4()? {
                    low @ 0xdc00..=0xdfff => 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00),
                    _ => return self.fail("a lone surrogate, which is not allowed"),
                }
            }
            code => code,
        };
        match char::from_u32(code) {
            Some(c) => Ok(c),
            None => self.fail("a lone surrogate, which is not allowed"),
        }
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.bytes.get(self.at).and_then(|b| (*b as char).to_digit(16));
            match digit {
                Some(digit) => code = code << 4 | digit,
                None => return self.fail("four hexadecimal digits must follow \\u"),
            }
            self.at += 1;
        }
        Ok(code)
    }
}

fn duplicate(key: &str) -> String {
    let shown: String = key.chars().take(64).flat_map(char::escape_debug).collect();
    format!("the key \"{shown}\" stands twice in one object")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(text: &str) -> String {
        read(text.as_bytes()).expect_err("must be refused").to_string()
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        for (text, want) in [
            ("", "not valid JSON at byte 0: the input ends where a value should stand"),
            (
                "{\"a\":1,\"\\u0061\":2}",
                "not valid JSON at byte 15: the key \"a\" stands twice in one object",
            ),
            ("\"\\ud800\"", "not valid JSON at byte 7: a lone surrogate, which is not allowed"),
            ("\"\\udc00\"", "not valid JSON at byte 7: a lone surrogate, which is not allowed"),
            ("\u{feff}1", "not valid JSON at byte 0: a byte order mark, which is not allowed"),
            ("1 2", "not valid JSON at byte 2: something stands behind the value"),
            ("01", "not valid JSON at byte 2: not a JSON number"),
            ("1.", "not valid JSON at byte 2: a digit must follow the decimal point"),
            ("\"a\nb\"", "not valid JSON at byte 2: a control character must be escaped"),
            ("\"\\", "not valid JSON at byte 2: unknown escape in a string"),
            ("\"\\x\"", "not valid JSON at byte 2: unknown escape in a string"),
            ("[1,]", "not valid JSON at byte 3: expected a value"),
            ("{\"a\" 1}", "not valid JSON at byte 5: expected ':' after the key"),
            ("nul", "not valid JSON at byte 0: expected a value"),
        ] {
            assert_eq!(error(text), want, "{text}");
        }
        let many: String = (0..40).map(|i| format!("\"k{}\":0,", i % 39)).collect();
        assert!(error(&format!("{{{many}\"z\":0}}")).contains("\"k0\" stands twice"));
        assert!(error(&"[".repeat(200)).contains("nested deeper than 96"));
        assert!(read(b"\"\xff\"").expect_err("not UTF-8").to_string().contains("not UTF-8"));
    }

    #[test]
    fn memory_is_bounded_where_asked() {
        let kib = 1 << 10;
        fn within(text: &str) -> (Option<Value<'_>>, usize) {
            read_within(text, 0, 64 << 10).expect("valid")
        }
        for piece in ["[]", "{}", "0", "{\"\":0}", "\"\\n\"", "[[[0]]]", "{\"\\u0000\":[]}"] {
            let text = format!("[{}]", vec![piece; 8 * kib].join(","));
            assert_eq!(within(&text), (None, text.len()), "{piece}");
        }
        let text = format!("[\"{}\",1]", "x".repeat(100 * kib));
        assert_eq!(within(&text).0, Some(read(text.as_bytes()).expect("valid")), "borrowed");
        assert!(read_within("[[[", 0, 0).is_err(), "still judged");
    }

    #[test]
    fn keeps_oversize_tokens_apart() {
        let value = read(b"[12345678901234567890, 1e999, 3]").expect("valid");
        let items = value.as_array().expect("array");
        assert_eq!(items[0], Value::Oversize("12345678901234567890".into()));
        assert_eq!(items[1], Value::Oversize("1e999".into()));
        assert_eq!(items[2].as_integer(), Some(3));
    }

    proptest! {
        /// Where this reader accepts, an independent one reads the same value.
        #[test]
        fn agrees_with_an_independent_reader(text in "[\\[\\]{}\",:0-9a-f\\\\utrn .eE+-]{0,40}") {
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            if let Ok(ours) = read(text.as_bytes()) {
                let theirs = theirs.or_else(|e| if e.to_string().contains("out of range") {
                    Ok(serde_json::Value::Null) } else { Err(e) });
                let theirs = theirs.expect("accepted here, refused there");
                if !theirs.is_null() && !ours.to_json().contains("999") {
                    let back: serde_json::Value = serde_json::from_str(&ours.to_json()).expect("our JSON");
                    prop_assert!(alike(&back, &theirs), "{back} {theirs}");
                }
            }
        }

        #[test]
        fn strings_survive(text in "\\PC*") {
            let json = serde_json::to_string(&text).expect("a string");
            let value = read(json.as_bytes()).expect("valid");
            prop_assert_eq!(value.as_str(), Some(text.as_str()));
        }
    }

    fn alike(a: &serde_json::Value, b: &serde_json::Value) -> bool {
        use serde_json::Value as J;
        match (a, b) {
            (J::Number(a), J::Number(b)) => {
                let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
                (a - b).abs() <= 1e-15 * a.abs()
            }
            (J::Array(a), J::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
            }
            (J::Object(a), J::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| alike(v, w)))
            }
            (a, b) => a == b,
        }
    }
}
