//! The reader itself: what stands where, how deep, and how much of it is kept.

use std::borrow::Cow;

use super::JsonError;
use crate::limits::JSON_DEPTH_MAX;
use crate::number::Number;
use crate::value::{Object, Text, Value};

/// A place in a text, and what may still be taken.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    depth: usize,
    /// Bytes of memory that what is kept may still take.
    room: usize,
    /// Whether something was not kept.
    pub(super) full: bool,
}

/// From this many members on, duplicate keys are looked for by sorting.
const SORT_KEYS_FROM: usize = 24;

/// What an array or object takes at least: the library makes room for four members at once.
const NESTED_BYTES: usize = 4 * size_of::<(Text<'_>, Value<'_>)>();

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, at: usize, room: usize) -> Reader<'a> {
        Reader { text, bytes: text.as_bytes(), at, depth: 0, room, full: false }
    }

    /// Takes room for something to keep; `false` where there is none left.
    #[inline]
    pub(super) fn keep(&mut self, bytes: usize) -> bool {
        let left = self.room.checked_sub(bytes);
        self.full |= left.is_none();
        self.room = left.unwrap_or(0);
        left.is_some()
    }

    pub(super) fn fail<T>(&self, what: impl Into<String>) -> Result<T, JsonError> {
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

    pub(super) fn value(&mut self) -> Result<Value<'a>, JsonError> {
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
}

fn duplicate(key: &str) -> String {
    let shown: String = key.chars().take(64).flat_map(char::escape_debug).collect();
    format!("the key \"{shown}\" stands twice in one object")
}
