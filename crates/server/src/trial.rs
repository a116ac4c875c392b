//! Trials: what a schema or rules would have made of past events, before they are put in force.
//!
//! Promises: counts of every event that was looked at; groups and lists are bounded, and what is
//! beyond them is counted too.
//!
//! Never: puts anything in force, or shows a value of an event.

pub(crate) mod schema;
pub(crate) mod scope;

use std::collections::BTreeMap;
use std::fmt;

use event::{Object, Value};
use query::{Filter, Hit, Order};
use serde::Serialize;

/// Events that a trial reads at most.
pub(crate) const ROWS_MAX: u64 = 200_000;

/// What is tried: it hears the events one after the other, and shows what it found.
pub(crate) trait Trial: Serialize {
    /// In which order it wants to hear them.
    const ORDER: Order;
    /// Hears one.
    fn add(&mut self, hit: &Hit);
    /// Of how many events it tells something, if so many were read.
    fn events(&self, read: u64) -> u64;
    /// What only all of them together can tell.
    fn judged(self) -> Self;
}

/// Which past events are tried.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    /// A time or an age, as the search language has it: `24h`.
    since: String,
    /// A search that narrows them further.
    query: String,
}

impl Past {
    /// A day, and all of it, where nothing is said.
    pub(crate) fn new(since: Option<String>, query: Option<String>) -> Past {
        Past { since: since.unwrap_or_else(|| "24h".into()), query: query.unwrap_or_default() }
    }

    /// The filter that they pass, or what is wrong with it.
    pub(crate) fn filter(&self, now: i64) -> Result<Filter, String> {
        let narrowed = Filter::parse(&self.query, now).map_err(|e| format!("query: {e}"))?;
        narrowed
            .and("recorded_since", &self.since, now)
            .map_err(|error| format!("since: {}", error.reason))
    }
}

impl fmt::Display for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "recorded_since:{} {}", self.since, self.query)
    }
}

/// The event as admission had it before it, and the bytes of its JSON.
fn sent(hit: &Hit) -> Option<(Object<'static>, u64)> {
    let mut event = hit.fields.to_value().ok()?;
    event.take("recorded");
    let event = Value::Object(event);
    let bytes = event.to_json().len() as u64;
    match event {
        Value::Object(event) => Some((event, bytes)),
        _ => None,
    }
}

fn service(event: &Object<'_>) -> String {
    event.object("service").and_then(|service| service.str("name")).unwrap_or_default().to_owned()
}

/// The value of `key`, made if there is room; else that of all others together.
fn slot<V: Default>(map: &mut BTreeMap<String, V>, key: String, most: usize) -> &mut V {
    let has_room = map.len() < most || map.contains_key(&key);
    map.entry(if has_room { key } else { "(others)".to_owned() }).or_default()
}
