//! Traces: all events of one transaction or session, in causal order.

mod facts;
mod findings;
mod session;
mod tree;

use std::collections::BTreeMap;

use crate::filter::Filter;
use crate::heard::StreamName;
use crate::scope::Scope;
use crate::search::{Hit, Order, QueryError, Source, Unreadable, absent, by_id};
use crate::streams::{Chains, Gap};
use crate::walk::{Step, Walk};

use facts::Facts;
pub use session::{Counted, Session, session};
use tree::Tree;

/// Events of one trace; the oldest are kept.
pub const TRACE_EVENTS_MAX: usize = 10_000;
/// Bytes of the events of one trace.
const TRACE_BYTES_MAX: usize = 64 << 20;
/// Events read to find those of one trace.
const TRACE_ROWS_MAX: u64 = 500_000;
/// Ids that are named when a short one stands for several.
const AMBIGUOUS_MAX: usize = 5;

/// What the events of a trace have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bond {
    /// `correlation.trace_id`
    Trace,
    /// `correlation.correlation_id`
    Correlation,
    /// `correlation.session_id` or `actor.session_id`
    Session,
    /// `correlation.operation_id`
    Operation,
}

impl Bond {
    /// The name that finds the trace in a filter.
    pub fn name(self) -> &'static str {
        match self {
            Bond::Trace => "trace",
            Bond::Correlation => "correlation",
            Bond::Session => "session",
            Bond::Operation => "operation",
        }
    }
}

/// A transaction or session across services.
#[derive(Clone, Debug)]
pub struct Trace {
    /// What its events have in common.
    pub bond: Bond,
    /// The id they share, in full.
    pub id: String,
    /// Its events: causes before effects, else by time.
    pub hops: Vec<Hop>,
    /// The services, in the order they appear.
    pub services: Vec<String>,
    /// When the first event began, nanoseconds since 1970, by the sources' clocks.
    pub started_at: i64,
    /// When the last one ended.
    pub ended_at: i64,
    /// Which hop failed first: of the failures that no other failure lies beneath, the earliest.
    pub first_failure: Option<usize>,
    /// Spans that hops name as their parents and that no event here is of.
    pub missing: Vec<MissingParent>,
    /// Clocks that cannot both be right.
    pub skews: Vec<Skew>,
    /// Open gaps beside the events here: what is missing may belong here.
    pub gaps: Vec<Gap>,
    /// Events that may belong here and cannot be read.
    pub unreadable: u64,
    /// Whether there are more events than are shown, or may be.
    pub more: bool,
}

/// One event of a trace.
#[derive(Clone, Debug)]
pub struct Hop {
    /// The event.
    pub hit: Hit,
    /// Its cause, as a place in the trace's hops.
    pub parent: Option<usize>,
    /// How many causes stand above it.
    pub depth: usize,
    /// When it began, by its source's clock.
    pub started_at: i64,
    /// How long it took, if it says so.
    pub duration_ns: Option<i64>,
    /// The service that it claims to come from.
    pub service: String,
    /// Whether it failed or was denied.
    pub failed: bool,
}

/// A parent that nothing is known of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingParent {
    /// Its span id.
    pub span_id: String,
    /// The hops that name it.
    pub named_by: Vec<usize>,
}

/// Two services whose clocks contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skew {
    /// Whose hop begins before, or ends after, the one that caused it.
    pub service: String,
    /// Whose hop that is.
    pub against: String,
    /// By how much at least `service`'s clock is ahead, nanoseconds; below zero: behind.
    pub ahead_ns: i64,
    /// How many hops show it.
    pub hops: usize,
}

/// The trace with an id: a trace id or its first eight digits or more, a correlation, session or
/// operation id, or the id of an event of it. `None` if the scope sees nothing of the kind.
pub fn trace(source: &Source<'_>, scope: &Scope, id: &str) -> Result<Option<Trace>, QueryError> {
    let mut lost = None;
    if let Some(found) = bound(source, scope, id, &mut lost)? {
        return Ok(Some(found));
    }
    let Some(hit) = by_id(source, scope, id)?.known()?.into_iter().next() else {
        return absent(lost);
    };
    for (bond, path) in [
        (Bond::Trace, "[\"correlation\",\"trace_id\"]"),
        (Bond::Correlation, "[\"correlation\",\"correlation_id\"]"),
        (Bond::Operation, "[\"correlation\",\"operation_id\"]"),
        (Bond::Session, "[\"correlation\",\"session_id\"]"),
        (Bond::Session, "[\"actor\",\"session_id\"]"),
    ] {
        if let Some(shared) = hit.fields.string(path) {
            return of_bond(source, scope, bond, &shared, &mut lost);
        }
    }
    Ok(None)
}

fn bound(
    source: &Source<'_>,
    scope: &Scope,
    id: &str,
    lost: &mut Option<Unreadable>,
) -> Result<Option<Trace>, QueryError> {
    for bond in [Bond::Trace, Bond::Correlation, Bond::Session, Bond::Operation] {
        let is_trace_id = (8..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit());
        if bond != Bond::Trace || is_trace_id {
            let found = of_bond(source, scope, bond, id, lost)?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}

/// The trace of those that share this id; `lost` learns of one that may and cannot be read.
fn of_bond(
    source: &Source<'_>,
    scope: &Scope,
    bond: Bond,
    id: &str,
    lost: &mut Option<Unreadable>,
) -> Result<Option<Trace>, QueryError> {
    let filter = Filter::is(bond.name(), id).map_err(QueryError::Form)?;
    let mut walk = Walk::new(source, scope, &filter, Order::Oldest, None, TRACE_ROWS_MAX);
    let (mut hits, mut bytes, mut more, mut unreadable) = (Vec::new(), 0, false, 0);
    loop {
        match walk.step()? {
            Step::Hit(_) if hits.len() == TRACE_EVENTS_MAX || bytes >= TRACE_BYTES_MAX => {
                more = true;
            }
            Step::Hit(hit) => {
                bytes += hit.fields.bytes();
                hits.push(hit);
                continue;
            }
            Step::Unreadable(found) => {
                (more, unreadable) = (true, unreadable + 1);
                lost.get_or_insert(found);
                continue;
            }
            Step::Spent(_) if hits.is_empty() => return Err(QueryError::Spent(walk.read())),
            Step::Spent(_) => more = true,
            Step::End => {}
        }
        break;
    }
    let id = match bond {
        Bond::Trace => one_trace_id(id, &hits)?,
        _ => id.to_owned(),
    };
    if hits.is_empty() {
        return Ok(None);
    }
    Ok(Some(Trace { unreadable, ..build(source, bond, id, hits, more) }))
}

/// The trace id that a short one stands for.
fn one_trace_id(short: &str, hits: &[Hit]) -> Result<String, QueryError> {
    let ids = hits.iter().filter_map(|h| h.fields.string("[\"correlation\",\"trace_id\"]"));
    let mut found: Vec<String> = ids.collect();
    found.sort();
    found.dedup();
    if found.len() > 1 {
        found.truncate(AMBIGUOUS_MAX);
        return Err(QueryError::Ambiguous { short: short.to_owned(), found });
    }
    Ok(found.pop().unwrap_or_else(|| short.to_owned()))
}

fn build(source: &Source<'_>, bond: Bond, id: String, hits: Vec<Hit>, more: bool) -> Trace {
    let mut pairs: Vec<(Facts, Hit)> = hits.into_iter().map(|hit| (Facts::of(&hit), hit)).collect();
    pairs.sort_by_key(|(facts, hit)| (facts.started_at, hit.recorded_at, hit.seq));
    let (facts, hits): (Vec<Facts>, Vec<Hit>) = pairs.into_iter().unzip();
    let tree = Tree::grow(&facts);
    let gaps = gaps_beside(source, &facts, &hits);
    let mut services: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for place in &tree.order {
        let service = &facts[*place].service;
        if seen.insert(service) {
            services.push(service.clone());
        }
    }
    let mut hits: Vec<Option<Hit>> = hits.into_iter().map(Some).collect();
    let place_of = tree.places();
    let hops = tree.order.iter().filter_map(|at| {
        let facts = &facts[*at];
        Some(Hop {
            hit: hits[*at].take()?,
            parent: tree.parents[*at].map(|parent| place_of[parent]),
            depth: tree.depths[*at],
            started_at: facts.started_at,
            duration_ns: facts.duration_ns,
            service: facts.service.clone(),
            failed: facts.failed,
        })
    });
    let hops: Vec<Hop> = hops.collect();
    Trace {
        bond,
        id,
        services,
        started_at: facts.iter().map(|f| f.started_at).min().unwrap_or_default(),
        ended_at: facts.iter().map(Facts::ended_at).max().unwrap_or_default(),
        first_failure: findings::first_failure(&hops),
        missing: findings::missing(&tree),
        skews: findings::skews(&facts, &tree),
        gaps,
        unreadable: 0,
        more,
        hops,
    }
}

/// The open gaps that touch the numbers of the events here, which are one tenant's.
fn gaps_beside(source: &Source<'_>, facts: &[Facts], hits: &[Hit]) -> Vec<Gap> {
    if facts.iter().all(|facts| facts.numbered.is_none()) {
        return Vec::new();
    }
    let tenant = hits.first().map(|hit| hit.log.meta.tenant.as_str());
    let chains = Chains::of(source, |log| Some(log.tenant.as_str()) == tenant);
    let mut ranges: BTreeMap<(usize, &StreamName), (u64, u64, usize)> = BTreeMap::new();
    for (nth, facts) in facts.iter().enumerate() {
        let Some((stream, seq)) = &facts.numbered else { continue };
        let key = (chains.which(hits[nth].log.meta.name()), stream);
        let range = ranges.entry(key).or_insert((*seq, *seq, nth));
        (range.0, range.1) = (range.0.min(*seq), range.1.max(*seq));
    }
    let mut found = Vec::new();
    for ((_, stream), (low, high, nth)) in ranges {
        let beside = |gap: &Gap| {
            gap.first <= high.saturating_add(1) && gap.first.saturating_add(gap.count) >= low
        };
        found.extend(chains.gaps_of(hits[nth].log.meta.name(), stream, beside));
    }
    found.sort_by(|a, b| Gap::place(a).cmp(&Gap::place(b)));
    found
}
