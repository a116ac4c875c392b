//! Strings: borrowed where they are plain, unescaped where they are not.

use std::borrow::Cow;

use super::JsonError;
use super::reader::Reader;
use crate::scan::plain;
use crate::value::Text;

impl<'a> Reader<'a> {
    /// Reads a string; `at` stands on its opening quote.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Text<'a>, JsonError> {
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
