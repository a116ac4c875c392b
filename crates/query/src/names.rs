//! Names in a filter: members of the event with dots, and the short words people use.
//!
//! `actor.on_behalf_of.id` is the keys of a path joined by dots; indices are left out, so it means
//! any element. A key may itself hold a dot: `attributes.http.method` finds `{"http.method": …}`
//! and `{"http": {"method": …}}` alike.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use event::{Object, Schema, Value, json};

use crate::hash::Column;

/// A short word and the members it stands for.
struct Alias {
    word: &'static str,
    members: &'static [&'static str],
}

const fn alias(word: &'static str, members: &'static [&'static str]) -> Alias {
    Alias { word, members }
}

const WHO: &[&str] = &[
    "actor.id",
    "actor.name",
    "actor.email",
    "actor.acting_as",
    "actor.on_behalf_of.id",
    "actor.on_behalf_of.name",
];
const RESOURCE: &[&str] = &["resources.id", "resources.name"];

const ALIASES: [Alias; 23] = [
    alias("who", WHO),
    alias("actor", &["actor.id"]),
    alias("did", &["action"]),
    alias("kind", &["kind", "facets"]),
    alias("what", RESOURCE),
    alias("resource", RESOURCE),
    alias("service", &["service.name"]),
    alias("outcome", &["outcome.result"]),
    alias("ended", &["outcome.result"]),
    alias("decision", &["decision.effect"]),
    alias("why", &["reason.text", "reason.ticket", "reason.purpose"]),
    alias("owner", &["recorded.owner.team"]),
    alias("trace", &["correlation.trace_id"]),
    alias("correlation", &["correlation.correlation_id"]),
    alias("session", &["correlation.session_id", "actor.session_id"]),
    alias("operation", &["correlation.operation_id"]),
    alias("request", &["correlation.request_id"]),
    alias("producer", &["producer.id"]),
    alias("stream", &["producer.stream"]),
    alias("environment", &["service.environment"]),
    alias("region", &["where.region"]),
    alias("account", &["where.account"]),
    alias("cluster", &["where.cluster"]),
];

/// Names that are no members: what they ask for is no value of one.
pub(crate) const OTHER_WORDS: [&str; 5] =
    ["text", "since", "until", "recorded_since", "recorded_until"];

/// A name that a filter may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// As it is shown: the alias if one was used.
    pub(crate) shown: String,
    /// The members it stands for.
    pub(crate) members: Vec<String>,
    /// The values it can have, if the event's schema lists them.
    pub(crate) values: &'static [String],
}

/// What the event's schema says of a member.
#[derive(Debug, Default)]
struct Member {
    values: Vec<String>,
    /// Whether anything may stand below.
    free: bool,
    /// Whether it is an object with members of its own.
    container: bool,
}

/// Finds a name; the error says what is allowed.
pub(crate) fn find(text: &str) -> Result<Name, String> {
    let members = members();
    if let Some(alias) = ALIASES.iter().find(|alias| alias.word == text) {
        let values = members.get(alias.members[0]).map_or(&[][..], |m| &m.values);
        let members = alias.members.iter().map(|m| (*m).to_owned()).collect();
        return Ok(Name { shown: text.to_owned(), members, values });
    }
    let name = |values| Name { shown: text.to_owned(), members: vec![text.to_owned()], values };
    match members.get(text) {
        Some(member) if !member.container => return Ok(name(&member.values)),
        Some(_) => return Err(below(text)),
        None => {}
    }
    let mut parts = text.match_indices('.').map(|(at, _)| &text[..at]);
    if parts.any(|part| members.get(part).is_some_and(|m| m.free)) {
        return Ok(name(&[]));
    }
    Err(unknown(text))
}

fn below(text: &str) -> String {
    let prefix = format!("{text}.");
    let inside = members().keys().filter_map(|k| k.strip_prefix(&prefix));
    let mut inside: Vec<&str> = inside.filter(|rest| !rest.contains('.')).collect();
    if inside.is_empty() {
        inside.push("…");
    }
    format!("{text} has members; name one: {prefix}{}", inside.join(&format!(", {prefix}")))
}

fn unknown(text: &str) -> String {
    let shown: String = text.chars().take(64).flat_map(char::escape_debug).collect();
    // Half of a time that was written with a blank.
    if matches!(text.len(), 1..=2) && text.bytes().all(|b| b.is_ascii_digit()) {
        return format!(
            "no member \"{shown}\"; a time has a T and a zone: since:2026-01-02T{text:0>2}:00:00Z"
        );
    }
    let words = ALIASES.iter().map(|alias| alias.word).chain(OTHER_WORDS);
    match nearest(text, words.chain(members().keys().map(String::as_str))) {
        Some(near) => format!("no member \"{shown}\"; did you mean \"{near}\"?"),
        None => format!(
            "no member \"{shown}\"; a name is a member with dots such as actor.id, or one of {}; \
             to search for the text itself, quote it",
            ALIASES.map(|alias| alias.word).join(", ")
        ),
    }
}

/// The nearest of some words, if one is near.
pub fn nearest<'w>(text: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let near_max = 1 + text.len().min(12) / 4;
    if text.len() > 64 {
        return None;
    }
    let distances = words.map(|word| match word.starts_with(text) && text.len() >= 3 {
        true => (1, word),
        false => (distance(text, word), word),
    });
    let (found, word) = distances.min_by_key(|(distance, _)| *distance)?;
    (found <= near_max).then_some(word)
}

/// Levenshtein's distance, a swap of neighbours counting once.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// Where the index keeps a member's values; values that only `who` asks for share its column.
pub(crate) fn column(member: &str) -> Option<Column> {
    Some(match member {
        "actor.id" | "actor.name" | "actor.email" | "actor.acting_as" => Column::Who,
        "actor.on_behalf_of.id" | "actor.on_behalf_of.name" => Column::Who,
        "action" => Column::Action,
        "verb" => Column::Verb,
        "kind" | "facets" => Column::Kind,
        "resources.id" | "resources.name" => Column::Resource,
        "service.name" => Column::Service,
        "outcome.result" => Column::Outcome,
        "decision.effect" => Column::Decision,
        "correlation.correlation_id" => Column::Correlation,
        "correlation.session_id" | "actor.session_id" => Column::Session,
        "correlation.operation_id" => Column::Operation,
        "correlation.request_id" => Column::Request,
        "producer.id" => Column::Producer,
        "producer.stream" => Column::Stream,
        "where.account" => Column::Account,
        _ => return None,
    })
}

/// The members of the event, by dotted name.
fn members() -> &'static BTreeMap<String, Member> {
    static MEMBERS: OnceLock<BTreeMap<String, Member>> = OnceLock::new();
    MEMBERS.get_or_init(|| {
        let root = json::read(Schema::EVENT_TEXT.as_bytes());
        let root = root.expect("the schema that is built in is JSON; a test compiles it");
        let mut members = BTreeMap::new();
        if let Some(root) = root.as_object() {
            collect(root, root, "", &mut members);
        }
        members
    })
}

fn collect(root: &Object<'_>, schema: &Object<'_>, at: &str, into: &mut BTreeMap<String, Member>) {
    let Some(properties) = schema.object("properties") else { return };
    for (key, value) in &properties.0 {
        let name = if at.is_empty() { key.to_string() } else { format!("{at}.{key}") };
        let mut value = value;
        if let Some(items) = value.as_object().and_then(|v| v.get("items")) {
            value = items;
        }
        if let Some(reference) = value.as_object().and_then(|v| v.str("$ref")) {
            let defined = reference.rsplit('/').next().and_then(|n| root.object("$defs")?.get(n));
            value = defined.unwrap_or(value);
        }
        let mut member = Member { free: *value == Value::Bool(true), ..Member::default() };
        if let Some(object) = value.as_object() {
            let words = object.get("enum").and_then(Value::as_array).unwrap_or_default();
            member.values = words.iter().filter_map(|w| Some(w.as_str()?.to_owned())).collect();
            member.free |= object.get("additionalProperties") == Some(&Value::Bool(true));
            member.container = object.str("type") == Some("object");
            collect(root, object, &name, into);
        }
        into.insert(name, member);
    }
}

/// Whether a canonical path text is of the member with this dotted name.
pub(crate) fn is_member(path: &str, name: &str) -> bool {
    let mut rest = name;
    let mut first = true;
    for key in Keys(path) {
        if !first {
            let Some(after) = rest.strip_prefix('.') else { return false };
            rest = after;
        }
        first = false;
        let after = if key.contains('\\') {
            match json::read(format!("\"{key}\"").as_bytes()) {
                Ok(Value::String(key)) => rest.strip_prefix(key.as_ref()),
                _ => None,
            }
        } else {
            rest.strip_prefix(key)
        };
        let Some(after) = after else { return false };
        rest = after;
    }
    rest.is_empty() && !first
}

/// The keys of a canonical path text, escapes left as they are.
struct Keys<'p>(&'p str);

impl<'p> Iterator for Keys<'p> {
    type Item = &'p str;

    fn next(&mut self) -> Option<&'p str> {
        let start = self.0.find('"')? + 1;
        let bytes = self.0.as_bytes();
        let mut end = start;
        while *bytes.get(end)? != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let key = self.0.get(start..end)?;
        self.0 = &self.0[end + 1..];
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_stands_for_members_that_exist() {
        for alias in &ALIASES {
            for member in alias.members {
                assert!(members().contains_key(*member), "{member}");
            }
        }
    }

    #[test]
    fn paths_are_matched_without_their_indices() {
        for (path, name) in [
            (r#"["actor","id"]"#, "actor.id"),
            (r#"["resources",0,"id"]"#, "resources.id"),
            (r#"["resources",12,"changes",3,"before","x"]"#, "resources.changes.before.x"),
            (r#"["attributes","http.method"]"#, "attributes.http.method"),
            (r#"["attributes","a\"b"]"#, "attributes.a\"b"),
            (r#"["attributes",""]"#, "attributes."),
        ] {
            assert!(is_member(path, name), "{path} {name}");
        }
        for (path, name) in [
            (r#"["actor","id"]"#, "actor"),
            (r#"["actor","id"]"#, "actor.i"),
            (r#"["actor","id"]"#, "actor.id.x"),
            (r#"["actorid"]"#, "actor.id"),
            (r#"["resources",0,"id"]"#, "resources.0.id"),
        ] {
            assert!(!is_member(path, name), "{path} {name}");
        }
    }

    #[test]
    fn names_are_found_or_explained() {
        assert_eq!(find("who").expect("known").members.len(), 6);
        assert_eq!(find("outcome").expect("known").values, ["success", "failure", "unknown"]);
        for name in ["attributes.k8s.x", "resources.changes.before.a", "attestations.sig", "verb"] {
            assert!(find(name).is_ok(), "{name}");
        }
        for (name, error) in [
            ("actr.id", "did you mean \"actor.id\"?"),
            ("resorce", "did you mean \"resource\"?"),
            ("source", "name one: source.address, source.forwarded_for"),
            ("attributes", "name one: attributes.…"),
            ("zzzzzzzzz", "one of who, actor"),
        ] {
            let found = find(name).expect_err(name);
            assert!(found.contains(error), "{found}");
        }
    }
}
