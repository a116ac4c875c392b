//! A strict reader of JSON.
//!
//! Promises that two readers never see two different files: UTF-8 without BOM, one value and
//! nothing behind it, no duplicate keys (after unescaping, at every depth), no lone surrogates. A
//! number is kept only where it is written as a plain integer from 0 to 2^53−1; any other is known
//! to be a number and no more. Shapes are read by taking members out of an object one by one; what
//! is left over at the end was unknown and is refused.
//!
//! Never allocates more than a small multiple of the file, never goes deeper than 64 levels.

use std::fmt::Write as _;

use crate::error::{Malformed, malformed};

/// All numbers in our files are below this.
pub(crate) const NUMBER_LIMIT: u64 = 1 << 53;

const DEPTH_MAX: usize = 64;

/// One JSON value.
#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// The value, where it is a plain integer below 2^53.
    Number(Option<u64>),
    Text(String),
    List(Vec<Value>),
    Object(Members),
}

/// The members of an object, in file order, without duplicates.
#[derive(Debug)]
pub(crate) struct Members(Vec<(String, Value)>);

/// Reads one value that fills `bytes` whole.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("the file is not UTF-8"))?;
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.space();
    if reader.at < text.len() {
        return Err(reader.bad("nothing more"));
    }
    Ok(value)
}

impl Value {
    pub(crate) fn object(self, what: &str) -> Result<Members, Malformed> {
        match self {
            Value::Object(members) => Ok(members),
            _ => Err(malformed(format!("{what} is not an object"))),
        }
    }

    pub(crate) fn list(self, what: &str) -> Result<Vec<Value>, Malformed> {
        match self {
            Value::List(list) => Ok(list),
            _ => Err(malformed(format!("{what} is not a list"))),
        }
    }

    pub(crate) fn text(self, what: &str) -> Result<String, Malformed> {
        match self {
            Value::Text(text) => Ok(text),
            _ => Err(malformed(format!("{what} is not a string"))),
        }
    }

    pub(crate) fn number(self, what: &str) -> Result<u64, Malformed> {
        match self {
            Value::Number(Some(number)) => Ok(number),
            _ => Err(malformed(format!("{what} is not an integer below 2^53"))),
        }
    }

    pub(crate) fn yes(self, what: &str) -> Result<(), Malformed> {
        match self {
            Value::Bool(true) => Ok(()),
            _ => Err(malformed(format!("{what} is not true"))),
        }
    }
}

impl Members {
    /// Takes a member that may be absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Takes a member that must stand.
    pub(crate) fn need(&mut self, name: &str) -> Result<Value, Malformed> {
        self.take(name).ok_or_else(|| malformed(format!("`{name}` is missing")))
    }

    /// Refuses whatever was not taken.
    pub(crate) fn end(self, what: &str) -> Result<(), Malformed> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => Err(malformed(format!("{what} has an unknown member {key:?}"))),
        }
    }

    fn refuse_duplicates(&self) -> Result<(), Malformed> {
        let mut keys: Vec<&str> = self.0.iter().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(()),
            Some(pair) => Err(malformed(format!("the key {:?} stands twice", pair[0]))),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.bad("a value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.open(depth)?;
        let mut members = Members(Vec::new());
        if self.eat(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            let key = self.string()?;
            if !self.eat(b':') {
                return Err(self.bad("a colon"));
            }
            members.0.push((key, self.value(depth + 1)?));
            if self.eat(b'}') {
                members.refuse_duplicates()?;
                return Ok(Value::Object(members));
            }
            if !self.eat(b',') {
                return Err(self.bad("a comma or }"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.open(depth)?;
        let mut list = Vec::new();
        if self.eat(b']') {
            return Ok(Value::List(list));
        }
        loop {
            list.push(self.value(depth + 1)?);
            if self.eat(b']') {
                return Ok(Value::List(list));
            }
            if !self.eat(b',') {
                return Err(self.bad("a comma or ]"));
            }
        }
    }

    fn open(&mut self, depth: usize) -> Result<(), Malformed> {
        if depth >= DEPTH_MAX {
            return Err(self.bad("fewer than 64 levels"));
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Malformed> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.bad("a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Malformed> {
        let rest = &self.text[self.at..];
        let len = rest.bytes().take_while(|b| b"+-.eE0123456789".contains(b)).count();
        let token = &rest[..len];
        if !is_number(token) {
            return Err(self.bad("a number"));
        }
        self.at += len;
        let plain = token.bytes().all(|b| b.is_ascii_digit());
        let value = if plain { token.parse().ok() } else { None };
        Ok(Value::Number(value.filter(|&v| v < NUMBER_LIMIT)))
    }

    fn string(&mut self) -> Result<String, Malformed> {
        if self.peek() != Some(b'"') {
            return Err(self.bad("a string"));
        }
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.bytes().take_while(|&b| b != b'"' && b != b'\\' && b >= 0x20).count();
            out.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => return Err(self.bad("the end of the string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Malformed> {
        self.at += 1;
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.code_point(),
            _ => {
                self.at -= 1;
                return Err(self.bad("an escape"));
            }
        })
    }

    fn code_point(&mut self) -> Result<char, Malformed> {
        let high = self.hex4()?;
        if !(0xd800..0xe000).contains(&high) {
            return char::from_u32(high).ok_or_else(|| self.bad("a code point"));
        }
        let pair = self.text[self.at..].starts_with("\\u") && high < 0xdc00;
        if !pair {
            return Err(self.bad("a surrogate pair"));
        }
        self.at += 2;
        let low = self.hex4()?;
        if !(0xdc00..0xe000).contains(&low) {
            return Err(self.bad("a surrogate pair"));
        }
        let point = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        char::from_u32(point).ok_or_else(|| self.bad("a code point"))
    }

    fn hex4(&mut self) -> Result<u32, Malformed> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let digits = digits.filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.ok_or_else(|| self.bad("four hexadecimal digits"))?;
        self.at += 4;
        Ok(digits.iter().fold(0, |sum, &d| sum * 16 + (d as char).to_digit(16).unwrap_or(0)))
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Skips white space, then takes `byte` if it stands there.
    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn bad(&self, wanted: &str) -> Malformed {
        malformed(format!("JSON, byte {}: expected {wanted}", self.at))
    }
}

/// The grammar of RFC 8259 §6.
fn is_number(token: &str) -> bool {
    let token = token.strip_prefix('-').unwrap_or(token);
    let (mantissa, exponent) = match token.find(['e', 'E']) {
        Some(at) => (&token[..at], Some(&token[at + 1..])),
        None => (token, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let exponent = exponent.map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

/// Writes a string in RFC 8785 form.
pub(crate) fn push_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => {
                let _infallible = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str) {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }

    #[test]
    fn what_is_not_strict_json_is_refused() {
        refused("\u{feff}{}");
        refused("{} x");
        refused(r#"{"a":1,"\u0061":2}"#);
        refused(r#"{"r":{"x":[{"k":1,"k":1}]}}"#);
        refused(r#""\ud800""#);
        refused(r#""\udc00\ud800""#);
        refused(r#""\ud800\u0041""#);
        refused("\"\u{1}\"");
        refused("[1,]");
        refused("{\"a\":1,}");
        refused("01");
        refused("1.");
        refused("+1");
        refused("1e");
        refused("nul");
        refused("\"\\u00g0\"");
        refused("\"abc");
        refused("\"\\");
        refused("");
        refused(&"[".repeat(100_000));
        assert!(parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn values_are_read() {
        let value = parse(
            br#" {"a": [1, -1, 1.0, 9007199254740991, 9007199254740992, true, null],
            "b": "\ud83d\ude00\n\u00e9"} "#,
        );
        let mut members = value.unwrap().object("x").unwrap();
        let list = members.need("a").unwrap().list("a").unwrap();
        let numbers: Vec<_> = list.into_iter().map(|v| v.number("n").ok()).collect();
        assert_eq!(numbers, [Some(1), None, None, Some((1 << 53) - 1), None, None, None]);
        assert_eq!(members.need("b").unwrap().text("b").unwrap(), "\u{1f600}\n\u{e9}");
        assert!(members.end("x").is_ok());
    }
}
