//! Fitting a foreign value into the limits of an event.
//!
//! Promises: nothing is cut off. A number without canonical form becomes its token as a string;
//! a container that is too deep, has a key that is too long, or has too many fields becomes a
//! string that holds its JSON. Every such place is named.
//!
//! Never: touches what an event can hold.

use std::mem;

use event::limits::{FIELDS_SENT_MAX, KEY_BYTES_MAX, PATH_STEPS_MAX};
use event::{Object, Step, Value};

use crate::trail::Trail;

/// Fits `event` into the limits; says which places became strings.
pub(crate) fn fit(event: &mut Object<'_>, adapter: &'static str) -> Vec<Vec<Step>> {
    let mut done = thin(event, adapter);
    fit_members(event, &Trail::Root, 0, &mut done);
    done
}

/// Fits the value at `trail`, `depth` steps from the event's root.
pub(crate) fn fit_value(
    value: &mut Value<'_>,
    trail: &Trail<'_>,
    depth: usize,
    done: &mut Vec<Vec<Step>>,
) {
    if too_deep(value, depth) || has_long_key(value) {
        done.push(trail.steps());
        stringify(value);
        return;
    }
    match value {
        Value::Oversize(token) => {
            done.push(trail.steps());
            *value = Value::String(mem::take(token));
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                fit_value(item, &Trail::Index(trail, index), depth + 1, done);
            }
        }
        Value::Object(object) => fit_members(object, trail, depth, done),
        _ => {}
    }
}

fn fit_members(
    object: &mut Object<'_>,
    trail: &Trail<'_>,
    depth: usize,
    done: &mut Vec<Vec<Step>>,
) {
    for (key, value) in &mut object.0 {
        fit_value(value, &Trail::Key(trail, key), depth + 1, done);
    }
}

fn stringify(value: &mut Value<'_>) {
    *value = Value::from(value.to_json());
}

/// Whether something in this container would be further from the root than a field may be.
fn too_deep(value: &Value<'_>, depth: usize) -> bool {
    depth >= PATH_STEPS_MAX && is_filled(value)
}

fn is_filled(value: &Value<'_>) -> bool {
    match value {
        Value::Object(object) => !object.0.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn has_long_key(value: &Value<'_>) -> bool {
    let keys = value.as_object().map_or(&[][..], |object| &object.0);
    keys.iter().any(|(key, _)| key.len() > KEY_BYTES_MAX)
}

/// Where there are too many fields, makes the fullest members of `attributes.<adapter>` strings
/// until there are few enough, and if that is not enough, all of `attributes.<adapter>`.
fn thin(event: &mut Object<'_>, adapter: &'static str) -> Vec<Vec<Step>> {
    let mut done = Vec::new();
    let mut total: usize = event.0.iter().map(|(_, value)| weight(value)).sum();
    if total <= FIELDS_SENT_MAX {
        return done;
    }
    let Some(Value::Object(attributes)) = event.get_mut("attributes") else { return done };
    let Some(rest) = attributes.get_mut(adapter) else { return done };
    let root = Trail::Root;
    let root = Trail::Key(&root, "attributes");
    let root = Trail::Key(&root, adapter);
    let excess = total - FIELDS_SENT_MAX;
    match rest {
        Value::Object(members) if savings(members) >= excess => {
            let mut fullest: Vec<_> =
                members.0.iter_mut().map(|(key, value)| (weight(value), key, value)).collect();
            fullest.sort_by_key(|(weight, ..)| std::cmp::Reverse(*weight));
            for (weight, key, value) in fullest {
                if total <= FIELDS_SENT_MAX {
                    break;
                }
                done.push(Trail::Key(&root, key).steps());
                stringify(value);
                total = total - weight + STRINGIFIED_WEIGHT;
            }
        }
        _ => {
            done.push(root.steps());
            stringify(rest);
        }
    }
    done
}

/// The string is one field, its place in `origin.stringified` another.
const STRINGIFIED_WEIGHT: usize = 2;

/// How many fields fewer there are when every member is a string that can be.
fn savings(members: &Object<'_>) -> usize {
    let weights = members.0.iter().map(|(_, value)| weight(value));
    weights.map(|weight| weight.saturating_sub(STRINGIFIED_WEIGHT)).sum()
}

/// How many fields a value has, its places in `origin.stringified` included.
fn weight(value: &Value<'_>) -> usize {
    match value {
        Value::Oversize(_) => 2,
        Value::Array(items) if !items.is_empty() => items.iter().map(weight).sum(),
        Value::Object(object) if !object.0.is_empty() => {
            object.0.iter().map(|(_, value)| weight(value)).sum()
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::PathText;
    use event::json;

    fn fitted(json: &str) -> (String, Vec<String>) {
        let Ok(Value::Object(mut event)) = json::read(json.as_bytes()) else { panic!("{json}") };
        let done = fit(&mut event, "x");
        let texts = done.iter().map(|p| PathText::from_steps(p).as_str().to_owned()).collect();
        (Value::Object(event).to_json(), texts)
    }

    #[test]
    fn numbers_and_depth_and_keys() {
        let (json, done) = fitted(r#"{"attributes":{"x":[1e999,12345678901234567890,1.5]}}"#);
        assert_eq!(json, r#"{"attributes":{"x":["1e999","12345678901234567890",1.5]}}"#);
        assert_eq!(done, [r#"["attributes","x",0]"#, r#"["attributes","x",1]"#]);

        let deep = |n: usize| format!("{}1{}", r#"{"k":"#.repeat(n), "}".repeat(n));
        assert_eq!(fitted(&deep(16)).1, Vec::<String>::new());
        let (json, done) = fitted(&deep(18));
        assert!(json.contains(r#"{"k":"{\"k\":{\"k\":1}}"}"#), "{json}");
        assert_eq!(done.len(), 1);

        let long = format!(r#"{{"attributes":{{"x":{{"{}":1}}}}}}"#, "k".repeat(257));
        assert_eq!(fitted(&long).1, [r#"["attributes","x"]"#]);
    }

    #[test]
    fn too_many_fields() {
        let many = "1,".repeat(3_000);
        let (json, done) = fitted(&format!(
            r#"{{"attributes":{{"x":{{"a":[{many}1],"b":[{many}1],"c":{{"d":2}}}}}}}}"#
        ));
        assert_eq!(done, [r#"["attributes","x","a"]"#]);
        assert!(json.ends_with(r#""c":{"d":2}}}}"#));
        let flat: Vec<String> = (0..5_000).map(|i| format!(r#""k{i}":0"#)).collect();
        let (_, done) = fitted(&format!(r#"{{"attributes":{{"x":{{{}}}}}}}"#, flat.join(",")));
        assert_eq!(done, [r#"["attributes","x"]"#]);
    }
}
