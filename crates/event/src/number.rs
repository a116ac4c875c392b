//! Numbers: which tokens are accepted, and their one text (RFC 8785, section 3.2.2.3).

use crate::limits::INTEGER_MAX;

/// A number with a canonical text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer within ±(2^53−1).
    Integer(i64),
    /// A finite double; never −0.
    Float(f64),
}

impl Number {
    /// Reads a token that already has the shape of a JSON number.
    ///
    /// A token without fraction and exponent is an integer; any other is the nearest double.
    /// `None` if it has no canonical form: too large an integer, or not finite.
    pub fn from_token(token: &str) -> Option<Number> {
        if token.bytes().any(|b| matches!(b, b'.' | b'e' | b'E')) {
            let float: f64 = token.parse().ok()?;
            return Number::from_float(float);
        }
        let integer: i64 = token.parse().ok()?;
        Number::from_integer(integer)
    }

    /// An integer, if it lies within ±(2^53−1).
    pub fn from_integer(integer: i64) -> Option<Number> {
        (-INTEGER_MAX..=INTEGER_MAX).contains(&integer).then_some(Number::Integer(integer))
    }

    /// A double, if it is finite. −0.0 is 0.
    pub fn from_float(float: f64) -> Option<Number> {
        if !float.is_finite() {
            return None;
        }
        Some(if float == 0.0 { Number::Integer(0) } else { Number::Float(float) })
    }

    /// The value as an integer, if it is a whole number within ±(2^53−1).
    pub fn as_integer(self) -> Option<i64> {
        match self {
            Number::Integer(i) => Some(i),
            Number::Float(f) if f.fract() == 0.0 && f.abs() <= INTEGER_MAX as f64 => Some(f as i64),
            Number::Float(_) => None,
        }
    }

    /// Appends the RFC 8785 text.
    pub fn write_canonical(self, out: &mut String) {
        match self {
            Number::Integer(i) => {
                use std::fmt::Write;
                write!(out, "{i}").expect("writing to a String cannot fail");
            }
            Number::Float(f) => out.push_str(ryu_js::Buffer::new().format_finite(f)),
        }
    }
}

/// The RFC 8785 text of a finite double.
pub fn canonical_float(float: f64) -> Option<String> {
    let mut out = String::new();
    Number::from_float(float)?.write_canonical(&mut out);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(token: &str) -> Option<String> {
        let mut out = String::new();
        Number::from_token(token)?.write_canonical(&mut out);
        Some(out)
    }

    #[test]
    fn numbers_have_one_text() {
        for (token, want) in [
            ("1e21", "1e+21"),
            ("1e-7", "1e-7"),
            ("1e-5", "0.00001"),
            ("1.50", "1.5"),
            ("-0.0", "0"),
            ("-0", "0"),
            ("0e9", "0"),
            ("5e-324", "5e-324"),
            ("2.0", "2"),
            ("123456789012345680000.0", "123456789012345680000"),
            ("9007199254740991", "9007199254740991"),
            ("-9007199254740991", "-9007199254740991"),
            ("9007199254740993.0", "9007199254740992"),
        ] {
            assert_eq!(text(token).as_deref(), Some(want), "{token}");
        }
    }

    #[test]
    fn numbers_without_canonical_form_have_none() {
        for token in ["9007199254740992", "-9007199254740992", "99999999999999999999", "1e999"] {
            assert_eq!(text(token), None, "{token}");
        }
    }
}
