//! What a trace shows: who failed first, which parents are missing, which clocks disagree.

use std::collections::BTreeMap;

use super::facts::Facts;
use super::tree::Tree;
use super::{Hop, MissingParent, Skew};

/// The failing hop that others failed of: none beneath it failed; of several, the earliest.
pub(crate) fn first_failure(hops: &[Hop]) -> Option<usize> {
    let mut blamed_below = vec![false; hops.len()];
    // Causes stand before effects, so this meets every effect before its cause.
    for (at, hop) in hops.iter().enumerate().rev() {
        if let Some(parent) = hop.parent {
            blamed_below[parent] |= hop.failed || blamed_below[at];
        }
    }
    let deepest = (0..hops.len()).filter(|at| hops[*at].failed && !blamed_below[*at]);
    deepest.min_by_key(|at| hops[*at].started_at)
}

/// The spans that are named as parents and not there.
pub(crate) fn missing(tree: &Tree) -> Vec<MissingParent> {
    let places = tree.places();
    let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, span) in &tree.orphans {
        named.entry(span).or_default().push(places[*at]);
    }
    let named = named.into_iter().map(|(span, mut named_by)| {
        named_by.sort_unstable();
        MissingParent { span_id: span.to_owned(), named_by }
    });
    named.collect()
}

/// Services whose hops begin before what caused them, or end after the span around them.
///
/// KNOWN: work that a span started and did not wait for ends after it with every clock right.
pub(crate) fn skews(facts: &[Facts], tree: &Tree) -> Vec<Skew> {
    let mut found: BTreeMap<(&str, &str, bool), (i64, usize)> = BTreeMap::new();
    for (at, parent) in tree.parents.iter().enumerate() {
        let Some(parent) = *parent else { continue };
        let (hop, cause) = (&facts[at], &facts[parent]);
        if hop.service == cause.service {
            continue;
        }
        let early = cause.started_at.saturating_sub(hop.started_at);
        let late = hop.ended_at().saturating_sub(cause.ended_at());
        let ahead_ns = if early > 0 {
            -early
        } else if late > 0 && tree.by_span[at] && cause.duration_ns.is_some() {
            late
        } else {
            continue;
        };
        let key = (hop.service.as_str(), cause.service.as_str(), ahead_ns > 0);
        let skew = found.entry(key).or_insert((0, 0));
        skew.0 = if skew.0.abs() < ahead_ns.abs() { ahead_ns } else { skew.0 };
        skew.1 += 1;
    }
    let skews = found.into_iter().map(|((service, against, _), (ahead_ns, hops))| Skew {
        service: service.to_owned(),
        against: against.to_owned(),
        ahead_ns,
        hops,
    });
    skews.collect()
}
