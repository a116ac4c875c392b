//! Completeness as callers see it: gaps in what producers numbered, and who was heard when.

use crate::heard::StreamName;
use crate::scope::Scope;
use crate::search::Source;
use crate::tail::{Stream, Tail};

/// Gaps, streams or services in one answer.
const ANSWERS_MAX: usize = 10_000;

/// Numbers of a stream that did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Name of the log.
    pub log: String,
    /// Who sent the stream's events.
    pub principal: String,
    /// `producer.id`, else the service's name.
    pub producer: String,
    /// `producer.stream`.
    pub stream: String,
    /// The first missing number.
    pub first: u64,
    /// How many are missing from there on.
    pub count: u64,
    /// When the event was recorded that passed them over.
    pub since: i64,
}

/// The open gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// By log, producer, stream and number.
    pub gaps: Vec<Gap>,
    /// Gaps that are known of and not listed.
    pub more: u64,
}

/// What is known of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamState {
    /// Name of the log.
    pub log: String,
    /// Who sends its events.
    pub principal: String,
    /// `producer.id`, else the service's name.
    pub producer: String,
    /// `producer.stream`.
    pub stream: String,
    /// The number that comes next.
    pub next: u64,
    /// Numbers that are missing, of the ranges that are kept.
    pub missing: u64,
    /// Missing ranges that are not kept any more.
    pub more: u64,
    /// Events that were missing and came.
    pub late: u64,
    /// Events whose number had come before.
    pub repeated: u64,
    /// Events that the producer says it dropped itself.
    pub dropped: u64,
    /// When its last event was recorded.
    pub last_seen: i64,
}

/// A service that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Name of the log.
    pub log: String,
    /// The service's name, as it claims.
    pub service: String,
    /// When its last event was recorded.
    pub last_seen: i64,
    /// Its events in the log.
    pub events: u64,
}

/// The open gaps in a scope.
pub fn gaps(source: &Source<'_>, scope: &Scope) -> Gaps {
    let mut found = Gaps::default();
    each(source, scope, |log, tail| {
        let listed = found.gaps.len();
        let gaps = tail.gapped().flat_map(|(name, stream)| stream_gaps(log, name, stream));
        found.gaps.extend(gaps.take(ANSWERS_MAX - listed));
        found.more += tail.gaps() - (found.gaps.len() - listed) as u64;
    });
    found
}

/// The streams in a scope, at most ten thousand of a log.
pub fn streams(source: &Source<'_>, scope: &Scope) -> Vec<StreamState> {
    let mut found = Vec::new();
    each(source, scope, |log, tail| {
        let streams = sorted(tail).into_iter().take(ANSWERS_MAX);
        found.extend(streams.map(|(name, stream)| StreamState {
            log: log.to_owned(),
            principal: name.principal.clone(),
            producer: name.producer.clone(),
            stream: name.stream.clone(),
            next: stream.next,
            missing: stream.missing.iter().map(|(from, (to, _))| to - from).sum(),
            more: stream.more,
            late: stream.late,
            repeated: stream.repeated,
            dropped: stream.dropped,
            last_seen: stream.last_seen,
        }));
    });
    found
}

/// The services that were heard in a scope.
pub fn services(source: &Source<'_>, scope: &Scope) -> Vec<Seen> {
    let mut found = Vec::new();
    each(source, scope, |log, tail| {
        found.extend(tail.activities.services.iter().map(|(service, known)| Seen {
            log: log.to_owned(),
            service: service.clone(),
            last_seen: known.all.last_seen,
            events: known.all.events,
        }));
    });
    found
}

/// The open gaps of one stream of one log that `wanted` asks for.
pub(crate) fn gaps_of(
    source: &Source<'_>,
    log: &commit::Log,
    name: &StreamName,
    wanted: impl Fn(&Gap) -> bool,
) -> Vec<Gap> {
    source.hot.with_tail(log.meta.name(), log.checkpoint().size, |tail| {
        let stream = tail.streams.get(name);
        let gaps = stream.into_iter().flat_map(|s| stream_gaps(log.meta.name(), name, s));
        gaps.filter(wanted).collect()
    })
}

fn stream_gaps<'s>(
    log: &'s str,
    name: &'s StreamName,
    stream: &'s Stream,
) -> impl Iterator<Item = Gap> + 's {
    stream.missing.iter().map(move |(first, (end, since))| Gap {
        log: log.to_owned(),
        principal: name.principal.clone(),
        producer: name.producer.clone(),
        stream: name.stream.clone(),
        first: *first,
        count: end - first,
        since: *since,
    })
}

fn sorted(tail: &Tail) -> Vec<(&StreamName, &Stream)> {
    let mut streams: Vec<_> = tail.streams.iter().collect();
    streams.sort_unstable_by_key(|(name, _)| *name);
    streams
}

pub(crate) fn each(source: &Source<'_>, scope: &Scope, mut look: impl FnMut(&str, &Tail)) {
    for log in source.logs.values().filter(|log| scope.sees(&log.meta)) {
        let name = log.meta.name();
        source.hot.with_tail(name, log.checkpoint().size, |tail| look(name, tail));
    }
}
