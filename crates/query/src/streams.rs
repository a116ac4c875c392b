//! Completeness as callers see it: gaps in what producers numbered, and who was heard when.
//!
//! Gaps are judged over a chain of logs, each following the one before: what came in any of them
//! is not missing. A gap stands under the log in which it showed.

use std::collections::BTreeMap;
use std::sync::Arc;

use commit::LogMeta;

use crate::chain::{Chain, Missing, Stream, Streams};
use crate::heard::StreamName;
use crate::scope::Overview;
use crate::search::Source;
use crate::tail::Tail;

/// Gaps in one answer.
const GAPS_MAX: usize = 10_000;

/// Numbers of a stream that did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Name of the log whose event passed them over.
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
    /// By chain of logs, producer, stream and number.
    pub gaps: Vec<Gap>,
    /// Gaps that are known of and not listed.
    pub more: u64,
}

/// What is known of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamState {
    /// Name of the log that has its last event.
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

/// What a producer's streams lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Numbers that never came, of the ranges that are kept.
    pub missing: u64,
    /// Events that the producer says it dropped itself.
    pub dropped: u64,
}

/// A service that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Name of the log that has its last event.
    pub log: String,
    /// The service's name, as it claims.
    pub service: String,
    /// When its last event was recorded.
    pub last_seen: i64,
    /// Its events in all logs.
    pub events: u64,
}

impl Gap {
    /// How gaps are ordered beside the events of several logs.
    pub(crate) fn place(&self) -> impl Ord {
        (&self.log, &self.producer, &self.stream, &self.principal, self.first)
    }
}

/// The open gaps in a scope.
pub fn gaps(source: &Source<'_>, scope: &impl AsRef<Overview>) -> Gaps {
    let scope = scope.as_ref();
    let mut found = Gaps::default();
    for chain in chains(source, scope) {
        let streams = chain.streams();
        let seen = seen(source, scope, &streams);
        let is_seen = |(_, range): &(&u64, &Missing)| seen[range.since.log as usize];
        for (name, stream) in streams.gapped() {
            for range in stream.missing.iter().filter(is_seen) {
                if found.gaps.len() < GAPS_MAX {
                    found.gaps.push(gap(&streams, name, range));
                } else {
                    found.more += 1;
                }
            }
        }
        found.more += streams.more;
    }
    found
}

/// What the streams in a scope lost, by producer: all that are kept, however many they are.
pub fn losses(source: &Source<'_>, scope: &impl AsRef<Overview>) -> BTreeMap<String, Losses> {
    let scope = scope.as_ref();
    let mut found: BTreeMap<String, Losses> = BTreeMap::new();
    for chain in chains(source, scope) {
        let streams = chain.streams();
        let seen = seen(source, scope, &streams);
        for (name, stream) in streams.iter().filter(|(_, it)| seen[it.last_seen.log as usize]) {
            let (missing, dropped) = (stream.numbers_missing(), stream.dropped);
            if missing == 0 && dropped == 0 {
                continue;
            }
            let losses = match found.get_mut(&name.producer) {
                Some(losses) => losses,
                None => found.entry(name.producer.clone()).or_default(),
            };
            losses.missing = losses.missing.saturating_add(missing);
            losses.dropped = losses.dropped.saturating_add(dropped);
        }
    }
    found
}

/// All streams in a scope, in order, for tests.
pub fn streams(source: &Source<'_>, scope: &impl AsRef<Overview>) -> Vec<StreamState> {
    let scope = scope.as_ref();
    let mut found = Vec::new();
    for chain in chains(source, scope) {
        let streams = chain.streams();
        let seen = seen(source, scope, &streams);
        let is_seen = |(_, stream): &(&StreamName, &Stream)| seen[stream.last_seen.log as usize];
        let mut sorted: Vec<_> = streams.iter().filter(is_seen).collect();
        sorted.sort_unstable_by_key(|(name, _)| *name);
        found.extend(sorted.into_iter().map(|(name, stream)| state(&streams, name, stream)));
    }
    found
}

/// The services that were heard in a scope, each once: what a closed log heard of one is not all
/// there is.
pub fn services(source: &Source<'_>, scope: &impl AsRef<Overview>) -> Vec<Seen> {
    let mut found: BTreeMap<String, Seen> = BTreeMap::new();
    each(source, scope.as_ref(), |log, tail| {
        for (service, known) in &tail.activities.services {
            let (last_seen, events) = (known.all.last_seen, known.all.events);
            let Some(seen) = found.get_mut(service) else {
                let (log, name) = (log.to_owned(), service.clone());
                let seen = Seen { log, service: name, last_seen, events };
                found.insert(service.clone(), seen);
                continue;
            };
            seen.events = seen.events.saturating_add(events);
            if seen.last_seen < last_seen {
                (seen.log, seen.last_seen) = (log.to_owned(), last_seen);
            }
        }
    });
    found.into_values().collect()
}

/// The chains of one tenant's logs, by the logs' names.
pub(crate) struct Chains<'s>(BTreeMap<&'s str, Arc<Chain>>);

impl<'s> Chains<'s> {
    /// The chains of the logs that `wanted` names, with what all of their durable events say.
    pub(crate) fn of(source: &Source<'s>, wanted: impl Fn(&LogMeta) -> bool) -> Chains<'s> {
        let logs = source.logs.values().filter(|log| wanted(&log.meta));
        Chains(
            logs.filter_map(|log| {
                let name = log.meta.name();
                Some((name, source.hot.chain(name, log.checkpoint().size)?))
            })
            .collect(),
        )
    }

    /// A number that is the same for logs of one chain.
    pub(crate) fn which(&self, log: &str) -> usize {
        self.0.get(log).map_or(0, |chain| Arc::as_ptr(chain) as usize)
    }

    /// The open gaps of one stream of one log's chain that `wanted` asks for.
    pub(crate) fn gaps_of(
        &self,
        log: &str,
        name: &StreamName,
        wanted: impl Fn(&Gap) -> bool,
    ) -> Vec<Gap> {
        let Some(chain) = self.0.get(log) else { return Vec::new() };
        let streams = chain.streams();
        let ranges = streams.get(name).into_iter().flat_map(|stream| &stream.missing);
        ranges.map(|range| gap(&streams, name, range)).filter(wanted).collect()
    }
}

/// The chains with a log that a scope sees. Logs that it does not see are heard too: they may have
/// what is missing in one that it sees.
fn chains(source: &Source<'_>, scope: &Overview) -> Vec<Arc<Chain>> {
    let all = Chains::of(source, |log| scope.may_see(log));
    let mut seen: Vec<Arc<Chain>> = Vec::new();
    for (name, chain) in &all.0 {
        let is_seen = source.logs.get(*name).is_some_and(|log| scope.sees(&log.meta));
        if is_seen && !seen.iter().any(|known| Arc::ptr_eq(known, chain)) {
            seen.push(chain.clone());
        }
    }
    seen
}

/// Which logs of a chain a scope sees.
fn seen(source: &Source<'_>, scope: &Overview, streams: &Streams) -> Vec<bool> {
    let log = |name: &Arc<str>| source.logs.get(&**name);
    streams.logs().iter().map(|name| log(name).is_some_and(|l| scope.sees(&l.meta))).collect()
}

fn gap(streams: &Streams, name: &StreamName, (first, range): (&u64, &Missing)) -> Gap {
    Gap {
        log: streams.log(range.since).to_owned(),
        principal: name.principal.clone(),
        producer: name.producer.clone(),
        stream: name.stream.clone(),
        first: *first,
        count: range.end - first,
        since: range.since.at,
    }
}

fn state(streams: &Streams, name: &StreamName, stream: &Stream) -> StreamState {
    StreamState {
        log: streams.log(stream.last_seen).to_owned(),
        principal: name.principal.clone(),
        producer: name.producer.clone(),
        stream: name.stream.clone(),
        next: stream.next,
        missing: stream.numbers_missing(),
        more: stream.more,
        late: stream.late,
        repeated: stream.repeated,
        dropped: stream.dropped,
        last_seen: stream.last_seen.at,
    }
}

pub(crate) fn each(source: &Source<'_>, scope: &Overview, mut look: impl FnMut(&str, &Tail)) {
    for log in source.logs.values().filter(|log| scope.sees(&log.meta)) {
        let name = log.meta.name();
        source.hot.with_tail(name, log.checkpoint().size, |tail| look(name, tail));
    }
}
