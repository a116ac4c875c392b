//! A strict JSON reader (RFC 8259), for bytes that nobody vouches for.
//!
//! Stricter than the libraries because a digest hangs on it: no duplicate keys (after unescaping),
//! no lone surrogates, no byte order mark, nothing behind the value, nesting at most
//! [`JSON_DEPTH_MAX`](crate::limits::JSON_DEPTH_MAX). Number tokens keep the difference between
//! `10` and `1e1` until [`Number::from_token`](crate::Number::from_token) has judged them.
//!
//! Strings without escapes are borrowed from the input.

mod reader;
mod string;

use std::fmt;

use crate::value::Value;
use reader::Reader;

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
