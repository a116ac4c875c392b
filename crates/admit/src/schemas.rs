//! Schemas of actions: what a team says its own events must look like, beyond `audit.event/1`.
//!
//! Promises: a schema is JSON Schema 2020-12 without anything that reaches outside it; checking an
//! event against it takes a time that its size bounds. What is said of an event names the place and
//! what the schema allows, never a value that was sent.
//!
//! Never: changes an event, reads a disk or a network, or judges an event whose action has no
//! schema.

mod convert;
mod inspect;
mod say;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use event::Object;
use jsonschema::{Draft, PatternOptions, Validator};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Refusal;

/// Bytes of one schema.
pub const SCHEMA_BYTES_MAX: usize = 256 << 10;
/// Bytes of an action's name.
pub const ACTION_BYTES_MAX: usize = 128;
/// Faults of one event that are named in `recorded.warnings`.
const WARNINGS_MAX: usize = 8;
/// Values of an event times parts of a schema up to which it is said where they differ: some
/// hundred bytes each.
const EXPLAINED_MAX: usize = 50_000;
/// Faults of one event that are looked at.
const FAULTS_MAX: usize = 100;
/// Bytes of a compiled pattern, and of what matching it caches.
const PATTERN_MEMORY_MAX: usize = 1 << 20;

/// What a schema that an event does not meet leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// Nothing: it is not looked at.
    Off,
    /// The event is stored, with warnings.
    #[default]
    Warn,
    /// The event is refused.
    Refuse,
}

impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Enforcement::Off => "off",
            Enforcement::Warn => "warn",
            Enforcement::Refuse => "refuse",
        })
    }
}

/// A schema that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", if .path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct SchemaError {
    /// JSON Pointer into the schema; empty for all of it.
    pub path: String,
    /// What is wrong, and what is allowed.
    pub reason: String,
}

/// One place of an event that is not as its schema says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// JSON Pointer into the event.
    pub path: String,
    /// What is wrong; holds nothing that was sent but names of members.
    pub reason: String,
}

/// A schema that can be asked.
#[derive(Debug)]
pub struct Compiled {
    validator: Validator,
    weight: Weight,
}

/// What a schema takes to hold, for whoever bounds many of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Parts, with every reference followed.
    pub parts: usize,
    /// Patterns; each may take some MiB.
    pub patterns: usize,
}

impl Compiled {
    /// Reads a schema.
    pub fn new(text: &str) -> Result<Compiled, SchemaError> {
        let whole = |reason: String| SchemaError { path: String::new(), reason };
        if text.len() > SCHEMA_BYTES_MAX {
            return Err(whole(format!("a schema has at most {SCHEMA_BYTES_MAX} bytes")));
        }
        let value = event::json::read(text.as_bytes()).map_err(|e| whole(e.to_string()))?;
        let schema = convert::value(&value);
        let weight = inspect::inspect(&schema)?;
        let patterns = PatternOptions::regex()
            .size_limit(PATTERN_MEMORY_MAX)
            .dfa_size_limit(PATTERN_MEMORY_MAX);
        let options =
            jsonschema::options().with_draft(Draft::Draft202012).with_pattern_options(patterns);
        let built = options.build(&schema);
        let validator = built.map_err(|error| say::unusable(&error))?;
        Ok(Compiled { validator, weight })
    }

    /// What of an event in its one form is not as the schema says. Places that the server itself
    /// has redacted are passed over: their sender is not to blame.
    pub fn faults(&self, event: &Object<'_>, redacted: &[String]) -> Vec<Fault> {
        let instance = convert::object(event);
        if self.validator.is_valid(&instance) {
            return Vec::new();
        }
        // Each part of an `anyOf` says of each value why not, and all of that is held at once.
        if self.weight.parts.saturating_mul(values(&instance)) > EXPLAINED_MAX {
            let reason =
                "it is not as the schema says; event and schema are too large to say where";
            return vec![Fault { path: String::new(), reason: reason.into() }];
        }
        let faults =
            self.validator.iter_errors(&instance).take(FAULTS_MAX).map(|error| say::fault(&error));
        faults.filter(|fault| !redacted.contains(&fault.path)).collect()
    }
}

/// How many values there are, containers included.
fn values(instance: &serde_json::Value) -> usize {
    match instance {
        serde_json::Value::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
        serde_json::Value::Object(members) => 1 + members.values().map(values).sum::<usize>(),
        _ => 1,
    }
}

/// The schema in force of an action.
#[derive(Debug)]
pub struct ActionSchema {
    /// The action, or with `.*` at the end the beginning of several.
    pub action: String,
    /// Which version of its schema.
    pub version: u32,
    /// What happens to an event that does not meet it.
    pub enforcement: Enforcement,
    /// SHA-256 of the schema's text.
    pub hash: [u8; 32],
    compiled: Compiled,
    checked: AtomicU64,
    failed: AtomicU64,
}

impl ActionSchema {
    /// Puts a schema in force.
    pub fn new(
        action: &str,
        version: u32,
        enforcement: Enforcement,
        text: &str,
    ) -> Result<ActionSchema, SchemaError> {
        Ok(ActionSchema {
            action: action.to_owned(),
            version,
            enforcement,
            hash: Sha256::digest(text.as_bytes()).into(),
            compiled: Compiled::new(text)?,
            checked: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        })
    }

    /// What it takes to hold.
    pub fn weight(&self) -> Weight {
        self.compiled.weight
    }

    /// Events that were checked since it is in force, and those that failed.
    pub fn counts(&self) -> (u64, u64) {
        (self.checked.load(Relaxed), self.failed.load(Relaxed))
    }

    /// Checks an event: the warnings to record, or the refusal.
    fn check(&self, event: &Object<'_>, redacted: &[String]) -> Result<Vec<String>, Refusal> {
        let faults = self.compiled.faults(event, redacted);
        self.checked.fetch_add(1, Relaxed);
        let Some(first) = faults.first() else { return Ok(Vec::new()) };
        self.failed.fetch_add(1, Relaxed);
        let name = format!("schema {}/{}", self.action, self.version);
        if self.enforcement == Enforcement::Refuse {
            let reason = format!("{name}: {}{}", first.reason, more(faults.len() - 1));
            return Err(Refusal {
                code: "schema_action",
                path: first.path.clone(),
                reason,
                service: None,
            });
        }
        let said = faults.iter().take(WARNINGS_MAX);
        let said = said.map(|fault| format!("{name}: {}: {}", place(&fault.path), fault.reason));
        let left = faults.len().saturating_sub(WARNINGS_MAX);
        let rest = (left > 0).then(|| format!("{name}: {left} more"));
        Ok(said.chain(rest).collect())
    }
}

fn place(path: &str) -> &str {
    if path.is_empty() { "the event" } else { path }
}

fn more(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" (and {count} more)") }
}

/// The schemas in force of one tenant.
#[derive(Debug, Default)]
pub struct Schemas {
    /// By action; one of several actions by their beginning with its dot, `invoice.`.
    exact: BTreeMap<String, std::sync::Arc<ActionSchema>>,
    beginning: BTreeMap<String, std::sync::Arc<ActionSchema>>,
    digest: String,
}

impl Schemas {
    /// Puts these in force; those that are off are left aside.
    pub fn new(all: impl IntoIterator<Item = std::sync::Arc<ActionSchema>>) -> Schemas {
        let mut schemas = Schemas::default();
        for schema in all.into_iter().filter(|schema| schema.enforcement != Enforcement::Off) {
            match schema.action.strip_suffix('*') {
                Some(beginning) => schemas.beginning.insert(beginning.to_owned(), schema),
                None => schemas.exact.insert(schema.action.clone(), schema),
            };
        }
        let mut digest = Sha256::new();
        for schema in schemas.exact.values().chain(schemas.beginning.values()) {
            let named = format!("{}/{} {}\n", schema.action, schema.version, schema.enforcement);
            digest.update(named.as_bytes());
            digest.update(schema.hash);
        }
        schemas.digest =
            digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        schemas
    }

    /// Whether none is in force.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.beginning.is_empty()
    }

    /// Digest of names, versions, enforcements and texts, 16 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The schema of an action: its own, else the one with the longest beginning.
    pub fn of(&self, action: &str) -> Option<&ActionSchema> {
        if let Some(own) = self.exact.get(action) {
            return Some(own);
        }
        let dots = action.match_indices('.').map(|(at, _)| &action[..=at]);
        dots.rev().find_map(|beginning| self.beginning.get(beginning)).map(std::sync::Arc::as_ref)
    }

    /// Checks an event in its one form: the warnings to record, or the refusal.
    pub(crate) fn check(
        &self,
        event: &Object<'_>,
        redacted: &[String],
    ) -> Result<Vec<String>, Refusal> {
        match event.str("action").and_then(|action| self.of(action)) {
            Some(schema) => schema.check(event, redacted),
            None => Ok(Vec::new()),
        }
    }
}

/// Checks the name under which a schema is registered: an action, or `invoice.*`.
pub fn check_action(action: &str) -> Result<(), String> {
    let stem = action.strip_suffix(".*").unwrap_or(action);
    let sound = !stem.contains('*') && !stem.chars().any(char::is_control);
    if sound && (1..=ACTION_BYTES_MAX).contains(&stem.len()) {
        return Ok(());
    }
    Err(format!(
        "a schema is for one action such as invoice.delete, or with .* at the end for all that \
         begin so: 1 to {ACTION_BYTES_MAX} bytes, no other *"
    ))
}

#[cfg(test)]
mod tests;
