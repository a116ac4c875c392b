//! What the tests of adapters ask of every event.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::HashSet;

use capture::Record;
use event::{Object, Step, Value};

/// Every scalar and empty container of the source's record stands in the event: at its own path
/// under `attributes.<adapter>`, or, if it is a string, moved to a place outside `attributes`,
/// or in the JSON text that its container became.
pub(crate) fn nothing_is_lost(source: &Value<'_>, event: &Object<'_>) -> Result<(), String> {
    let rest = event.object("attributes").and_then(|all| all.0.first()).map(|(_, rest)| rest);
    let mut moved = HashSet::new();
    for (key, value) in event.0.iter().filter(|(key, _)| key != "attributes") {
        // `origin` repeats the id; what is found there alone has been lost elsewhere.
        if key != "origin" {
            scalars(value, &mut Vec::new(), &mut |_, text| {
                moved.insert(text);
            });
        }
    }
    let mut lost = Vec::new();
    scalars(source, &mut Vec::new(), &mut |steps, text| {
        let kept = stands(rest, steps, &text) || text.starts_with('"') && moved.contains(&text);
        if !kept {
            lost.push(format!("{} = {text}", event::pointer(steps)));
        }
    });
    if lost.is_empty() { Ok(()) } else { Err(format!("lost: {}", lost.join(", "))) }
}

/// Whether `text` is at `steps`, or inside a string that holds the JSON of a container.
fn stands(rest: Option<&Value<'_>>, steps: &[Step], text: &str) -> bool {
    let mut value = match rest {
        Some(value) => value,
        None => return false,
    };
    for step in steps {
        value = match (value, step) {
            (Value::Object(object), Step::Key(key)) => match object.get(key) {
                Some(inner) => inner,
                None => return false,
            },
            (Value::Array(items), Step::Index(index)) => match items.get(*index) {
                Some(inner) => inner,
                None => return false,
            },
            (Value::String(json), _) => return json.contains(text),
            _ => return false,
        };
    }
    let kept = value.to_json();
    // An oversize number is kept as a string.
    kept == text || kept == format!("\"{text}\"")
}

fn scalars(value: &Value<'_>, steps: &mut Vec<Step>, each: &mut dyn FnMut(&[Step], String)) {
    match value {
        Value::Object(object) if !object.0.is_empty() => {
            for (key, value) in &object.0 {
                steps.push(Step::Key(key.to_string()));
                scalars(value, steps, each);
                steps.pop();
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                steps.push(Step::Index(index));
                scalars(value, steps, each);
                steps.pop();
            }
        }
        scalar => each(steps, scalar.to_json()),
    }
}

/// Every secret's path leads to something in the event, and none lies within another.
pub(crate) fn secrets_stand(record: &Record<'_>) -> Result<(), String> {
    for (at, path) in record.secrets.iter().enumerate() {
        let mut value = &Value::from(record.event.clone());
        for step in path {
            let inner = match (value, step) {
                (Value::Object(object), Step::Key(key)) => object.get(key),
                (Value::Array(items), Step::Index(index)) => items.get(*index),
                _ => None,
            };
            value = inner.ok_or_else(|| format!("no {} here", event::pointer(path)))?;
        }
        let others = record.secrets.iter().enumerate().filter(|(other, _)| *other != at);
        if others.into_iter().any(|(_, other)| path.starts_with(other)) {
            return Err(format!("{} is named twice", event::pointer(path)));
        }
    }
    Ok(())
}

/// JSON as people read it: one member a line, short containers on one.
pub(crate) fn pretty(value: &Value<'_>, depth: usize, out: &mut String) {
    let compact = value.to_json();
    if compact.len() + depth <= 88 {
        out.push_str(&compact);
        return;
    }
    let parts: Vec<(Option<&str>, &Value<'_>)> = match value {
        Value::Object(object) => object.0.iter().map(|(k, v)| (Some(k.as_ref()), v)).collect(),
        Value::Array(items) => items.iter().map(|v| (None, v)).collect(),
        _ => return out.push_str(&compact),
    };
    let (open, close) = if value.as_array().is_some() { ('[', ']') } else { ('{', '}') };
    out.push(open);
    for (at, (key, value)) in parts.iter().enumerate() {
        out.push_str(if at > 0 { ",\n" } else { "\n" });
        out.push_str(&" ".repeat(depth + 1));
        if let Some(key) = key {
            out.push_str(&Value::from(*key).to_json());
            out.push_str(": ");
        }
        pretty(value, depth + 1, out);
    }
    out.push('\n');
    out.push_str(&" ".repeat(depth));
    out.push(close);
}
