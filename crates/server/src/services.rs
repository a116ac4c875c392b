//! The services of a tenant: what the catalogue declares, beside what was heard.
//!
//! Promises: every service that was heard and every one that is declared stands in it once, but for
//! those that a question leaves out; what is not listed for want of room is counted.
//!
//! Never: judges by the catalogue of another time: owners are those in force, not those stamped.

use std::collections::{BTreeMap, BTreeSet};

use catalogue::{Catalogue, Service};
use event::format_time;
use query::{Activities, Activity, Counts, Losses};
use serde::Serialize;

use crate::left_out::Saved;

/// Rows of an answer, unless fewer are asked for.
pub(crate) const ROWS_MAX: usize = 10_000;
/// Names of actions in a row, unless it is the only one.
const NAMES_MAX: usize = 20;
/// The service that speaks for the server itself.
const SELF: &str = "counterfoil";

/// What is asked of the services.
#[derive(Debug, Default)]
pub(crate) struct Question {
    /// Of this team alone.
    pub(crate) owner: Option<String>,
    /// Of those that are not in the catalogue alone.
    pub(crate) unowned: bool,
    /// Not heard since then, or never.
    pub(crate) silent_since: Option<i64>,
    /// This one alone, with all of its actions.
    pub(crate) service: Option<String>,
    pub(crate) rows_max: usize,
}

/// What there is to tell of them.
pub(crate) struct Known<'k> {
    pub(crate) catalogue: &'k Catalogue,
    pub(crate) activities: &'k Activities,
    /// What producers lost, by name, which is the service's unless it has another one.
    pub(crate) losses: &'k BTreeMap<String, Losses>,
    /// Records refused since the start, by service.
    pub(crate) refusals: &'k BTreeMap<String, u64>,
    /// What rules of the audit scope left out since the start, by service.
    pub(crate) left_out: &'k BTreeMap<String, Saved>,
}

/// The services, heaviest first.
#[derive(Debug, Serialize)]
pub(crate) struct Table<'k> {
    pub(crate) services: Vec<Row<'k>>,
    /// Rows that are left out for want of room.
    more: usize,
    /// How many were heard that are not in the catalogue.
    undeclared: usize,
    /// How many are declared and were never heard.
    never_seen: usize,
    total: Total,
    /// Of services that are not kept by name.
    other: Weight,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Total {
    #[serde(flatten)]
    weight: Weight,
    #[serde(flatten)]
    saved: Saved,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Weight {
    events: u64,
    bytes: u64,
}

/// One service, or a pattern under which none was heard.
#[derive(Debug, Serialize)]
pub(crate) struct Row<'k> {
    service: &'k str,
    owner: Option<&'k str>,
    contact: Option<&'k str>,
    tier: Option<&'k str>,
    lifecycle: Option<&'k str>,
    /// The name or pattern of the catalogue that it stands under.
    declared_as: Option<&'k str>,
    /// Whether it is this server itself.
    #[serde(rename = "self")]
    own: bool,
    last_seen: Option<String>,
    events: u64,
    bytes: u64,
    /// Its part of all bytes, 0 to 1.
    share: f64,
    refusals: u64,
    /// Numbers of its streams that never came.
    missing: u64,
    /// Events that it says it dropped itself.
    dropped: u64,
    /// What rules of the audit scope made of its events since the start.
    #[serde(flatten)]
    saved: Saved,
    actions: Actions<'k>,
}

#[derive(Debug, Default, Serialize)]
struct Actions<'k> {
    seen: usize,
    /// Events of actions that are not kept by name.
    other_events: u64,
    /// Seen, though its service declares others; nothing if it declares none.
    undeclared: Names<'k>,
    /// Declared, and never seen of any service under the same name or pattern.
    never_seen: Names<'k>,
    /// All of them, where one service is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    all: Vec<Action<'k>>,
}

#[derive(Debug, Default, Serialize)]
struct Names<'k> {
    count: usize,
    names: Vec<&'k str>,
}

#[derive(Debug, Serialize)]
struct Action<'k> {
    action: &'k str,
    events: u64,
    bytes: u64,
    last_seen: String,
}

/// Answers a question.
pub(crate) fn table<'k>(known: &Known<'k>, question: &Question) -> Table<'k> {
    let seen = seen_by_declaration(known);
    let total = total(known);
    let row = |name: &'k str| {
        let mut row = Row::new(name, known, &seen, question);
        row.share = row.bytes as f64 / total.weight.bytes.max(1) as f64;
        let Losses { missing, dropped } = known.losses.get(name).copied().unwrap_or_default();
        (row.missing, row.dropped) = (missing, dropped);
        row
    };
    let heard = heard(known).map(row);
    let unheard = known.catalogue.services().filter(|(name, _)| !seen.contains_key(name));
    let unheard = unheard.map(|(name, _)| Row::new(name, known, &seen, question));
    let mut rows: Vec<Row<'k>> = heard.chain(unheard).collect();
    let undeclared = rows.iter().filter(|row| row.is_undeclared()).count();
    let never_seen = rows.iter().filter(|row| row.last_seen.is_none()).count();
    let since = question.silent_since.map(format_time);
    rows.retain(|row| row.is_asked_for(question, since.as_deref()));
    rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.service.cmp(b.service)));
    let more = rows.len().saturating_sub(question.rows_max);
    rows.truncate(question.rows_max);
    let other = Weight::from(&known.activities.other);
    Table { services: rows, more, undeclared, never_seen, total, other }
}

/// Every service that sent something since the log began, or that something was left out of since
/// the start: once.
fn heard<'k>(known: &Known<'k>) -> impl Iterator<Item = &'k str> {
    let (activities, left_out) = (known.activities, known.left_out);
    let stored = activities.services.keys();
    let not_stored = left_out.keys().filter(|name| !activities.services.contains_key(*name));
    stored.chain(not_stored).map(String::as_str)
}

fn total(known: &Known<'_>) -> Total {
    let mut total =
        Total { weight: Weight::from(&known.activities.other), saved: Saved::default() };
    for activity in known.activities.services.values() {
        total.weight.events += activity.all.events;
        total.weight.bytes += activity.all.bytes;
    }
    known.left_out.values().for_each(|saved| total.saved.join(saved));
    total
}

/// The actions seen under each name or pattern of the catalogue.
fn seen_by_declaration<'k>(known: &Known<'k>) -> BTreeMap<&'k str, BTreeSet<&'k str>> {
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for name in heard(known) {
        let Some((declared, _)) = known.catalogue.of(name) else { continue };
        let actions = known.activities.services.get(name).into_iter();
        let actions = actions.flat_map(|activity| activity.actions.keys());
        seen.entry(declared).or_default().extend(actions.map(String::as_str));
    }
    seen
}

impl<'k> Row<'k> {
    fn new(
        service: &'k str,
        known: &Known<'k>,
        seen: &BTreeMap<&'k str, BTreeSet<&'k str>>,
        question: &Question,
    ) -> Row<'k> {
        let declared = known.catalogue.of(service);
        let entry = declared.map(|(_, entry)| entry);
        let activity = known.activities.services.get(service);
        let all = activity.map(|activity| activity.all).unwrap_or_default();
        let saved = known.left_out.get(service).copied();
        let seen_at = [activity.map(|all| all.all.last_seen), saved.map(|saved| saved.last)];
        let is_only = question.service.is_some();
        let names_max = if is_only { usize::MAX } else { NAMES_MAX };
        Row {
            service,
            owner: entry.map(|entry| entry.team.as_str()),
            contact: entry.and_then(|entry| entry.contact.as_deref()),
            tier: entry.and_then(|entry| entry.tier.as_deref()),
            lifecycle: entry.and_then(|entry| entry.lifecycle.as_deref()),
            declared_as: declared.map(|(name, _)| name),
            own: service == SELF,
            last_seen: seen_at.into_iter().flatten().max().map(format_time),
            events: all.events,
            bytes: all.bytes,
            share: 0.0,
            refusals: known.refusals.get(service).copied().unwrap_or_default(),
            missing: 0,
            dropped: 0,
            saved: saved.unwrap_or_default(),
            actions: Actions::new(declared, activity, seen, names_max, is_only),
        }
    }

    fn is_undeclared(&self) -> bool {
        self.declared_as.is_none() && !self.own
    }

    fn is_asked_for(&self, question: &Question, silent_since: Option<&str>) -> bool {
        // Times in the event's form are ordered as their texts are.
        let is_silent = |since: &str| self.last_seen.as_deref().is_none_or(|seen| seen < since);
        question.owner.as_ref().is_none_or(|owner| self.owner == Some(owner))
            && question.service.as_ref().is_none_or(|name| self.service == name)
            && (!question.unowned || self.is_undeclared())
            && silent_since.is_none_or(is_silent)
    }
}

impl<'k> Actions<'k> {
    fn new(
        declared: Option<(&'k str, &'k Service)>,
        activity: Option<&'k Activity>,
        seen: &BTreeMap<&'k str, BTreeSet<&'k str>>,
        names_max: usize,
        with_all: bool,
    ) -> Actions<'k> {
        let nothing = BTreeSet::new();
        let mut actions = Actions::default();
        if let Some((name, entry)) = declared.filter(|(_, entry)| !entry.actions.is_empty()) {
            let seen = seen.get(name).unwrap_or(&nothing);
            let is_unseen = |declared: &&str| !is_any_seen(declared, seen);
            let never = entry.actions.iter().map(String::as_str).filter(is_unseen);
            actions.never_seen = Names::of(never, names_max);
            let names = activity.into_iter().flat_map(|activity| activity.actions.keys());
            let is_undeclared = |action: &&str| !is_declared(action, entry);
            let undeclared = names.map(String::as_str).filter(is_undeclared);
            actions.undeclared = Names::of(undeclared, names_max);
        }
        let Some(activity) = activity else { return actions };
        actions.seen = activity.actions.len();
        actions.other_events = activity.other.events;
        if with_all {
            actions.all =
                activity.actions.iter().map(|(name, counts)| Action::new(name, counts)).collect();
        }
        actions
    }
}

impl<'k> Action<'k> {
    fn new(action: &'k str, counts: &Counts) -> Action<'k> {
        let last_seen = format_time(counts.last_seen);
        Action { action, events: counts.events, bytes: counts.bytes, last_seen }
    }
}

impl<'k> Names<'k> {
    fn of(all: impl Iterator<Item = &'k str>, names_max: usize) -> Names<'k> {
        let mut names: Vec<&str> = all.collect();
        let count = names.len();
        names.truncate(names_max);
        Names { count, names }
    }
}

impl From<&Counts> for Weight {
    fn from(counts: &Counts) -> Weight {
        Weight { events: counts.events, bytes: counts.bytes }
    }
}

fn is_any_seen(declared: &str, seen: &BTreeSet<&str>) -> bool {
    match declared.strip_suffix('*') {
        Some(start) => seen.range(start..).next().is_some_and(|action| action.starts_with(start)),
        None => seen.contains(declared),
    }
}

fn is_declared(action: &str, entry: &Service) -> bool {
    entry.actions.iter().any(|declared| match declared.strip_suffix('*') {
        Some(start) => action.starts_with(start),
        None => declared == action,
    })
}

#[cfg(test)]
mod tests;
