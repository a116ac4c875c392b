//! Brings an event to its one form while checking it against the schema.
//!
//! What is refused is refused with the place, what is wrong there and what is allowed. What is
//! accepted is changed in four ways only: null members are dropped, times get their one text,
//! a UUID id and trace context ids become lower case.

mod problem;
mod text;

use crate::limits::{KEY_BYTES_MAX, PATH_STEPS_MAX};
use crate::path::Step;
use crate::schema::{Member, ObjectShape, Schema, Shape};
use crate::value::{Object, Value};
pub use problem::Problem;
use problem::{shown, wrong};
use text::conform_text;

impl Schema {
    /// Checks `event` and brings it to its one form.
    pub fn conform(&self, event: &mut Object<'_>) -> Result<(), Problem> {
        match &self.root {
            Shape::Object(shape) => conform_object(shape, event, 0),
            _ => Err(Problem::new("schema", "the schema does not describe an object")),
        }
    }
}

fn conform_object(
    shape: &ObjectShape,
    object: &mut Object<'_>,
    depth: usize,
) -> Result<(), Problem> {
    let mut has_null = false;
    for (key, value) in &mut object.0 {
        has_null |= matches!(value, Value::Null);
        let conformed = check_key(key, depth).and_then(|()| match shape.member(key) {
            Some(member) => conform_member(member, value, depth + 1),
            None if shape.open => check_free(value, depth + 1),
            None => Err(unknown_member(shape, key)),
        });
        conformed.map_err(|problem| problem.under(Step::Key(key.to_string())))?;
    }
    if has_null && !shape.open {
        object.0.retain(|(key, value)| {
            let free = shape.member(key).is_some_and(|m| matches!(m.shape, Shape::Any));
            free || !matches!(value, Value::Null)
        });
    }
    check_required(shape, object)
}

fn conform_member(member: &Member, value: &mut Value<'_>, depth: usize) -> Result<(), Problem> {
    if member.reserved {
        let reason = "is the server's own and not accepted from senders; leave it out";
        return Err(Problem::new("reserved", reason));
    }
    match (&member.shape, &*value) {
        (Shape::Any, _) => check_free(value, depth),
        (_, Value::Null) => Ok(()),
        (shape, _) => conform_value(shape, value, depth),
    }
}

fn conform_value(shape: &Shape, value: &mut Value<'_>, depth: usize) -> Result<(), Problem> {
    match (shape, value) {
        (Shape::Any, value) => check_free(value, depth),
        (_, Value::Null) => Err(wrong("null is not allowed in an array here")),
        (Shape::Text(form), Value::String(text)) => conform_text(*form, text),
        (Shape::Word(words), Value::String(text)) if words.iter().any(|w| w == text) => Ok(()),
        (Shape::Word(words), Value::String(text)) => {
            Err(wrong(format!("\"{}\" is not one of {}", shown(text), words.join(", "))))
        }
        (Shape::Boolean, Value::Bool(_)) => Ok(()),
        (Shape::Integer { min, max }, value @ (Value::Number(_) | Value::Oversize(_))) => {
            match value.as_integer() {
                Some(i) if (*min..=*max).contains(&i) => Ok(()),
                _ => Err(wrong(format!("must be a whole number from {min} to {max}"))),
            }
        }
        (Shape::Array(items), Value::Array(values)) => {
            for (index, item) in values.iter_mut().enumerate() {
                conform_value(items, item, depth + 1)
                    .map_err(|problem| problem.under(Step::Index(index)))?;
            }
            Ok(())
        }
        (Shape::Object(object), Value::Object(members)) => conform_object(object, members, depth),
        (shape, value) => {
            let (want, found) = (wanted(shape), value.type_name());
            Err(wrong(format!("must be {want}, not {found}")))
        }
    }
}

/// Free JSON keeps everything, null included, but what has no canonical form.
fn check_free(value: &Value<'_>, depth: usize) -> Result<(), Problem> {
    match value {
        Value::Oversize(token) => Err(Problem::new(
            "number",
            format!(
                "{} has no exact form here: integers reach to ±9007199254740991, others must be \
                 finite doubles; send a string",
                shown(token)
            ),
        )),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| {
            check_depth(depth)
                .and_then(|()| check_free(item, depth + 1))
                .map_err(|problem| problem.under(Step::Index(index)))
        }),
        Value::Object(object) => object.0.iter().try_for_each(|(key, item)| {
            check_key(key, depth)
                .and_then(|()| check_free(item, depth + 1))
                .map_err(|problem| problem.under(Step::Key(key.to_string())))
        }),
        _ => Ok(()),
    }
}

fn check_depth(depth: usize) -> Result<(), Problem> {
    if depth < PATH_STEPS_MAX {
        return Ok(());
    }
    Err(Problem::new("too_deep", format!("a path has at most {PATH_STEPS_MAX} steps")))
}

fn check_key(key: &str, depth: usize) -> Result<(), Problem> {
    if key.len() > KEY_BYTES_MAX {
        let reason = format!("a key has at most {KEY_BYTES_MAX} bytes, this one {}", key.len());
        return Err(Problem::new("key", reason));
    }
    check_depth(depth)
}

fn check_required(shape: &ObjectShape, object: &Object<'_>) -> Result<(), Problem> {
    if let Some(name) = shape.required.iter().find(|name| object.get(name).is_none()) {
        let problem = Problem::new("missing", "is required");
        return Err(problem.under(Step::Key(name.clone())));
    }
    if !shape.any_of.is_empty() && shape.any_of.iter().all(|name| object.get(name).is_none()) {
        let names = shape.any_of.join(" or ");
        return Err(Problem::new("missing", format!("needs {names}")));
    }
    match &shape.unless {
        Some(rule)
            if object.str(&rule.member) != Some(&rule.word)
                && object.get(&rule.required).is_none() =>
        {
            let reason = format!("is required unless {} is {}", rule.member, rule.word);
            Err(Problem::new("missing", reason).under(Step::Key(rule.required.clone())))
        }
        _ => Ok(()),
    }
}

fn unknown_member(shape: &ObjectShape, key: &str) -> Problem {
    let near = shape
        .members
        .iter()
        .filter(|m| !m.reserved)
        .map(|m| (strsim::damerau_levenshtein(&m.name, key), m.name.as_str()))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(key.len()) / 4)
        .min();
    let reason = match near {
        Some((_, name)) => format!("is no member of an event here; did you mean \"{name}\"?"),
        None => {
            let mut names: Vec<&str> = shape.members.iter().map(|m| m.name.as_str()).collect();
            names.sort_unstable();
            format!(
                "is no member of an event here; allowed: {} (free values go under attributes)",
                names.join(", ")
            )
        }
    };
    Problem::new("unknown_member", reason)
}

fn wanted(shape: &Shape) -> &'static str {
    match shape {
        Shape::Any => "any value",
        Shape::Boolean => "a boolean",
        Shape::Integer { .. } => "a whole number",
        Shape::Word(_) | Shape::Text(_) => "a string",
        Shape::Array(_) => "an array",
        Shape::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn conform(json: &str) -> Result<String, String> {
        let Value::Object(mut event) = json::read(json.as_bytes()).expect("valid JSON") else {
            panic!("an event is an object")
        };
        Schema::event().conform(&mut event).map_err(|problem| problem.to_string())?;
        Ok(Value::Object(event).to_json())
    }

    /// A small valid event, with `more` as further members.
    fn with(more: &str) -> String {
        format!(
            r#"{{"action":"a.b","actor":{{"type":"user","id":"u"}},"service":{{"name":"s"}},"occurred_at":"2026-01-02T03:04:05Z"{more}}}"#
        )
    }

    #[test]
    fn one_form() {
        let sent = with(
            r#","id":"01890A5D-AC96-774B-BCCE-B302099A8057","verb":null,"correlation":{"trace_id":"4BF92F3577B34DA6A3CE929D0E0E4736"},"attributes":{"n":null},"reason":{},"resources":[{"changes":[{"before":null,"after":1}]}]"#,
        );
        let kept = conform(&sent).expect("admitted");
        assert_eq!(
            kept,
            r#"{"action":"a.b","actor":{"type":"user","id":"u"},"service":{"name":"s"},"occurred_at":"2026-01-02T03:04:05.000000000Z","id":"01890a5d-ac96-774b-bcce-b302099a8057","correlation":{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"},"attributes":{"n":null},"reason":{},"resources":[{"changes":[{"before":null,"after":1}]}]}"#
        );
    }

    #[test]
    fn refusals_say_where_and_what_is_allowed() {
        let deep = format!(r#","attributes":{}1{}"#, r#"{"k":"#.repeat(16), "}".repeat(16));
        for (more, want) in [
            (
                r#","resource":[]"#,
                "/resource: is no member of an event here; did you mean \"resources\"?",
            ),
            (
                r#","recorded":{}"#,
                "/recorded: is the server's own and not accepted from senders; leave it out",
            ),
            (
                r#","verb":"remove""#,
                "/verb: \"remove\" is not one of create, read, update, delete, list, login, logout, grant, revoke, execute, approve, reject, export, connect, assume, enable, disable, share, restore, other",
            ),
            (r#","response":{"status":404}"#, "/response/status: must be a string, not number"),
            (
                r#","duration_ns":1.5"#,
                "/duration_ns: must be a whole number from 0 to 9007199254740991",
            ),
            (r#","links":[null]"#, "/links/0: null is not allowed in an array here"),
            (
                r#","observed_at":"yesterday""#,
                "/observed_at: not an RFC 3339 time such as 2026-01-02T03:04:05.678Z or 2026-01-02T03:04:05+01:00",
            ),
            (
                r#","correlation":{"span_id":"12"}"#,
                "/correlation/span_id: must be 16 hexadecimal digits",
            ),
            (r#","id":"""#, "/id: must have 1 to 128 bytes, not 0"),
            (
                r#","attributes":{"big":12345678901234567890}"#,
                "/attributes/big: 12345678901234567890 has no exact form here: integers reach to ±9007199254740991, others must be finite doubles; send a string",
            ),
            (
                deep.as_str(),
                "/attributes/k/k/k/k/k/k/k/k/k/k/k/k/k/k/k/k: a path has at most 16 steps",
            ),
        ] {
            assert_eq!(conform(&with(more)).expect_err(more), want);
        }
        assert_eq!(
            conform(r#"{"actor":{"type":"user","id":"u"},"service":{"name":"s"}}"#).expect_err("x"),
            "/action: is required"
        );
        assert_eq!(conform(r#"{"action":"a","actor":{"type":"user"},"service":{"name":"s"},"occurred_at":"2026-01-02T03:04:05Z"}"#).expect_err("x"), "/actor/id: is required unless type is anonymous");
        assert_eq!(
            conform(r#"{"action":"a","actor":{"type":"anonymous"},"service":{"name":"s"}}"#)
                .expect_err("x"),
            "the event: needs occurred_at or observed_at"
        );
    }

    #[test]
    fn a_keyword_that_is_not_enforced_is_refused() {
        assert!(Schema::compile(r#"{"type":"string","const":"a"}"#).is_err());
        assert!(Schema::compile(r#"{"type":"string","pattern":"^x$"}"#).is_err());
    }
}
