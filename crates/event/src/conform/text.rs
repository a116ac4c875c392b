//! Texts of a form: ids, hexadecimal digits, times.

use std::borrow::Cow;

use super::problem::{Problem, wrong};
use crate::schema::TextForm;
use crate::time::one_text;
use crate::value::Text;

/// Checks a text and brings it to its one form.
#[inline]
pub(super) fn conform_text(form: TextForm, text: &mut Text<'_>) -> Result<(), Problem> {
    match form {
        TextForm::Plain { min } if text.len() < min => Err(wrong("must not be empty")),
        TextForm::Plain { .. } => Ok(()),
        TextForm::Id { max } => {
            if text.is_empty() || text.len() > max {
                return Err(wrong(format!("must have 1 to {max} bytes, not {}", text.len())));
            }
            if is_uuid(text) {
                lower(text);
            }
            Ok(())
        }
        TextForm::Hex(digits) => {
            if text.len() != digits || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(wrong(format!("must be {digits} hexadecimal digits")));
            }
            lower(text);
            Ok(())
        }
        TextForm::Time => {
            let kept = one_text(text).map_err(|e| Problem::new("time", e.to_string()))?;
            if let Some(kept) = kept {
                *text = Cow::Owned(kept);
            }
            Ok(())
        }
    }
}

fn lower(text: &mut Text<'_>) {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        text.to_mut().make_ascii_lowercase();
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}
