//! What is said of an event that is not as its schema says: the place and what is allowed, never a
//! value that was sent. Names of members may stand in it, cut short.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;

use super::{Fault, SchemaError};

/// Characters of a reason, and of a place.
const REASON_CHARS_MAX: usize = 200;
const PATH_CHARS_MAX: usize = 256;

pub(super) fn fault(error: &ValidationError<'_>) -> Fault {
    let reason = match error.kind() {
        // What it says by itself is the value: a name.
        Kind::PropertyNames { error } => {
            format!("a name in it: {}", error.masked_with("the name"))
        }
        Kind::AnyOf { .. } => "is like none of what anyOf allows".to_owned(),
        Kind::OneOfNotValid { .. } => "is like none of what oneOf allows".to_owned(),
        Kind::OneOfMultipleValid { .. } => "is like several of what oneOf allows".to_owned(),
        Kind::FalseSchema => "is not allowed here".to_owned(),
        _ => error.masked_with("the value").to_string(),
    };
    Fault {
        path: cut(error.instance_path().as_str(), PATH_CHARS_MAX),
        reason: cut(&reason, REASON_CHARS_MAX),
    }
}

/// Why a schema is none.
pub(super) fn unusable(error: &ValidationError<'_>) -> SchemaError {
    SchemaError {
        path: cut(error.instance_path().as_str(), PATH_CHARS_MAX),
        reason: cut(&error.to_string(), REASON_CHARS_MAX),
    }
}

/// At most so many characters, none of them a control character.
fn cut(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut chars = text.chars().map(plain);
    let mut short: String = chars.by_ref().take(most).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}
