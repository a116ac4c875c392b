//! What a schema may be, looked at before it is compiled.
//!
//! A schema with references in a circle, or with references that double at every step, can take
//! for ever over a small event. So references stay inside the schema, go in no circle, and all of
//! it with every reference followed has at most [`PARTS_MAX`] parts: an event of n values is then
//! compared with no more than n × [`PARTS_MAX`] of them.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::{SchemaError, Weight};

/// Parts of a schema, with every reference followed.
const PARTS_MAX: usize = 1_000;
/// Parts within parts, references included.
const DEPTH_MAX: usize = 48;
/// Patterns of a schema, and bytes of one.
const PATTERNS_MAX: usize = 100;
const PATTERN_BYTES_MAX: usize = 1_024;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// What leads outside a schema, or to where one cannot see beforehand.
const NOT_ALLOWED: [&str; 7] = [
    "$id",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
    "$vocabulary",
];
/// Keywords that hold a schema, a list of schemas, schemas by name.
const ONE: [&str; 11] = [
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "items",
    "unevaluatedItems",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "contentSchema",
];
const LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
const NAMED: [&str; 4] = ["properties", "patternProperties", "dependentSchemas", "$defs"];

/// Weighs a schema, or says why it is not allowed.
pub(super) fn inspect(schema: &Json) -> Result<Weight, SchemaError> {
    let mut walk = Walk { root: schema, parts: 0, patterns: BTreeSet::new(), open: Vec::new() };
    walk.part(schema, "", 0)?;
    Ok(Weight { parts: walk.parts, patterns: walk.patterns.len() })
}

struct Walk<'s> {
    root: &'s Json,
    parts: usize,
    patterns: BTreeSet<&'s str>,
    /// References being followed.
    open: Vec<&'s str>,
}

fn wrong(path: &str, reason: impl Into<String>) -> SchemaError {
    let path: String = path.chars().take(256).collect();
    SchemaError { path, reason: reason.into() }
}

impl<'s> Walk<'s> {
    fn part(&mut self, schema: &'s Json, path: &str, depth: usize) -> Result<(), SchemaError> {
        self.parts += 1;
        if self.parts > PARTS_MAX {
            let what = "more than {} parts when every reference is followed";
            return Err(wrong(path, what.replace("{}", &PARTS_MAX.to_string())));
        }
        if depth > DEPTH_MAX {
            return Err(wrong(path, format!("nested more than {DEPTH_MAX} deep")));
        }
        let Json::Object(members) = schema else {
            // What is no schema at all is named by the compiler.
            return Ok(());
        };
        self.names(members, path)?;
        self.patterns(members, path)?;
        self.below(members, path, depth)?;
        match members.get("$ref") {
            Some(Json::String(to)) => self.follow(to, path, depth),
            Some(_) => Err(wrong(path, "$ref must be a text such as \"#/$defs/money\"")),
            None => Ok(()),
        }
    }

    fn names(&self, members: &Map<String, Json>, path: &str) -> Result<(), SchemaError> {
        if let Some(name) = NOT_ALLOWED.iter().find(|name| members.contains_key(**name)) {
            return Err(wrong(path, format!("{name} is not allowed; refer with #/$defs/…")));
        }
        match members.get("$schema") {
            None => Ok(()),
            Some(Json::String(draft)) if draft.trim_end_matches('#') == DRAFT => Ok(()),
            Some(_) => Err(wrong(path, format!("$schema must be \"{DRAFT}\""))),
        }
    }

    fn patterns(&mut self, members: &'s Map<String, Json>, path: &str) -> Result<(), SchemaError> {
        let own = members.get("pattern").and_then(Json::as_str);
        let named = members.get("patternProperties").and_then(Json::as_object);
        for pattern in
            own.into_iter().chain(named.into_iter().flat_map(|n| n.keys()).map(String::as_str))
        {
            if pattern.len() > PATTERN_BYTES_MAX {
                return Err(wrong(
                    path,
                    format!("a pattern has at most {PATTERN_BYTES_MAX} bytes"),
                ));
            }
            self.patterns.insert(pattern);
        }
        if self.patterns.len() > PATTERNS_MAX {
            return Err(wrong(path, format!("more than {PATTERNS_MAX} patterns")));
        }
        Ok(())
    }

    fn below(
        &mut self,
        members: &'s Map<String, Json>,
        path: &str,
        depth: usize,
    ) -> Result<(), SchemaError> {
        for (name, value) in members {
            let at = format!("{path}/{}", escape(name));
            match value {
                part if ONE.contains(&name.as_str()) => self.part(part, &at, depth + 1)?,
                Json::Array(parts) if LIST.contains(&name.as_str()) => {
                    for (nth, part) in parts.iter().enumerate() {
                        self.part(part, &format!("{at}/{nth}"), depth + 1)?;
                    }
                }
                Json::Object(parts) if NAMED.contains(&name.as_str()) => {
                    for (key, part) in parts {
                        self.part(part, &format!("{at}/{}", escape(key)), depth + 1)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn follow(&mut self, to: &'s str, path: &str, depth: usize) -> Result<(), SchemaError> {
        let shown: String = to.chars().take(128).flat_map(char::escape_debug).collect();
        let Some(pointer) = to.strip_prefix('#').filter(|p| p.is_empty() || p.starts_with('/'))
        else {
            let reason = format!("$ref \"{shown}\" leads outside the schema; only #/… is followed");
            return Err(wrong(path, reason));
        };
        // The compiler would undo it, and see another place than is seen here.
        if pointer.contains('%') {
            return Err(wrong(path, format!("$ref \"{shown}\" has a %; name it without")));
        }
        if pointer.is_empty() || self.open.contains(&to) {
            return Err(wrong(path, format!("$ref \"{shown}\" goes in a circle")));
        }
        let Some(part) = self.root.pointer(pointer) else {
            return Err(wrong(path, format!("$ref \"{shown}\" leads nowhere")));
        };
        self.open.push(to);
        let seen = self.part(part, pointer, depth + 1);
        self.open.pop();
        seen
    }
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
