//! Which numbers of which producers' streams came, and which did not, in one chain of logs: a log,
//! the one that follows it, and so on. A stream goes on where a log was closed.
//!
//! A stream is one run of one producer; it counts its events from 0 without holes
//! (`producer.seq`). A number that was passed over is missing until it comes, in whichever log of
//! the chain. Not every event has a number: this finds losses between a producer that numbers and
//! the logs, no others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::heard::StreamName;

/// Streams kept of one chain.
const STREAMS_MAX: usize = 100_000;
/// Missing ranges kept of one stream.
const RANGES_MAX: usize = 1_000;
/// Missing ranges kept of one chain.
const ALL_RANGES_MAX: usize = 200_000;

/// The streams of a chain of logs. Each log takes in its own rows, after all rows of the log that
/// it follows.
#[derive(Debug, Default)]
pub(crate) struct Chain(Mutex<Streams>);

/// What is known of a chain's streams.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// Names of its logs that were heard, in order.
    logs: Vec<Arc<str>>,
    by_name: HashMap<StreamName, Stream>,
    /// Streams with missing ranges.
    gapped: BTreeSet<StreamName>,
    /// Missing ranges of all streams.
    ranges: usize,
    /// Missing ranges of all streams that are not kept any more.
    pub(crate) more: u64,
    /// Whether streams were forgotten: one that is new may then be an old one.
    forgot: bool,
}

/// One stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    /// The number that would come next.
    pub(crate) next: u64,
    /// By its first number.
    pub(crate) missing: BTreeMap<u64, Missing>,
    /// Events that were missing and came.
    pub(crate) late: u64,
    /// Events whose number had come before.
    pub(crate) repeated: u64,
    /// Events that the producer says it dropped itself.
    pub(crate) dropped: u64,
    /// Missing ranges that are not kept any more.
    pub(crate) more: u64,
    /// When and where the last event of it was recorded.
    pub(crate) last_seen: Place,
}

/// A range of numbers that did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The number behind its last.
    pub(crate) end: u64,
    /// When and where that showed.
    pub(crate) since: Place,
}

/// When an event was recorded, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: i64,
    /// Which of the chain's logs.
    pub(crate) log: u32,
}

/// One numbered event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) seq: u64,
    pub(crate) dropped: u64,
    pub(crate) place: Place,
}

impl Chain {
    pub(crate) fn streams(&self) -> MutexGuard<'_, Streams> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that a log goes on with these streams. Returns which of the chain's logs it is.
    pub(crate) fn enter(&self, log: &str) -> u32 {
        let mut streams = self.streams();
        streams.logs.push(log.into());
        streams.logs.len() as u32 - 1
    }
}

impl Streams {
    /// The streams with missing ranges, in order.
    pub(crate) fn gapped(&self) -> impl Iterator<Item = (&StreamName, &Stream)> {
        self.gapped.iter().filter_map(|name| Some((name, self.by_name.get(name)?)))
    }

    /// All streams.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&StreamName, &Stream)> {
        self.by_name.iter()
    }

    /// One stream.
    pub(crate) fn get(&self, name: &StreamName) -> Option<&Stream> {
        self.by_name.get(name)
    }

    /// The names of its logs, in order.
    pub(crate) fn logs(&self) -> &[Arc<str>] {
        &self.logs
    }

    /// The name of the log of a place.
    pub(crate) fn log(&self, place: Place) -> &str {
        &self.logs[place.log as usize]
    }

    /// Takes in a numbered event.
    pub(crate) fn take(&mut self, name: &StreamName, heard: Heard) {
        let Heard { seq, dropped, place } = heard;
        if !self.by_name.contains_key(name) {
            if self.by_name.len() >= STREAMS_MAX {
                self.forget_some();
            }
            let next = if self.forgot { seq } else { 0 };
            self.by_name.insert(name.clone(), Stream { next, ..Stream::default() });
        }
        let Some(stream) = self.by_name.get_mut(name) else { return };
        let before = stream.missing.len();
        stream.last_seen = place;
        stream.dropped = stream.dropped.saturating_add(dropped);
        stream.number(seq, place);
        if stream.missing.len() > RANGES_MAX
            || self.ranges - before + stream.missing.len() > ALL_RANGES_MAX
        {
            let lost = u64::from(stream.missing.pop_first().is_some());
            (stream.more, self.more) = (stream.more + lost, self.more + lost);
        }
        let after = stream.missing.len();
        self.ranges = self.ranges - before + after;
        if before == 0 && after > 0 {
            self.gapped.insert(name.clone());
        } else if before > 0 && after == 0 {
            self.gapped.remove(name);
        }
    }

    /// Drops a tenth of the streams, those quiet for longest.
    fn forget_some(&mut self) {
        let mut times: Vec<i64> = self.by_name.values().map(|stream| stream.last_seen.at).collect();
        let (_, limit, _) = times.select_nth_unstable(STREAMS_MAX / 10);
        let limit = *limit;
        self.by_name.retain(|_, stream| stream.last_seen.at > limit);
        self.gapped.retain(|name| self.by_name.contains_key(name));
        self.ranges = self.by_name.values().map(|stream| stream.missing.len()).sum();
        self.more = self.by_name.values().map(|stream| stream.more).sum();
        self.forgot = true;
    }
}

impl Stream {
    /// Numbers that did not come, of the ranges that are kept.
    pub(crate) fn numbers_missing(&self) -> u64 {
        let ranges = self.missing.iter().map(|(first, range)| range.end - first);
        ranges.fold(0, u64::saturating_add)
    }

    /// Takes in a number. The next one, or one passed over, or one beyond, or one again.
    fn number(&mut self, seq: u64, place: Place) {
        if seq >= self.next {
            if seq > self.next {
                self.missing.insert(self.next, Missing { end: seq, since: place });
            }
            self.next = seq.saturating_add(1);
            return;
        }
        let range = self.missing.range(..=seq).next_back().map(|(from, range)| (*from, *range));
        let Some((from, Missing { end, since })) = range.filter(|(_, range)| seq < range.end)
        else {
            self.repeated += 1;
            return;
        };
        self.late += 1;
        self.missing.remove(&from);
        if from < seq {
            self.missing.insert(from, Missing { end: seq, since });
        }
        if seq + 1 < end {
            self.missing.insert(seq + 1, Missing { end, since });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(stream: &str) -> StreamName {
        StreamName { principal: "p".into(), producer: "mail".into(), stream: stream.into() }
    }

    fn heard(seq: u64, at: i64) -> Heard {
        Heard { seq, dropped: 0, place: Place { at, log: 0 } }
    }

    fn after(seqs: &[u64]) -> Stream {
        let mut streams = Streams::default();
        for (n, seq) in seqs.iter().enumerate() {
            streams.take(&name("s"), heard(*seq, n as i64));
        }
        let stream = &streams.by_name[&name("s")];
        assert_eq!(streams.ranges, stream.missing.len());
        assert_eq!(streams.more, stream.more);
        assert_eq!(streams.gapped().count(), usize::from(!stream.missing.is_empty()));
        streams.by_name[&name("s")].clone()
    }

    fn check(seqs: &[u64], missing: &[(u64, u64)], late: u64, repeated: u64) {
        let stream = after(seqs);
        let found: Vec<_> = stream.missing.iter().map(|(from, range)| (*from, range.end)).collect();
        assert_eq!((found.as_slice(), stream.late, stream.repeated), (missing, late, repeated));
    }

    #[test]
    fn numbers_that_were_passed_over_are_missing_until_they_come() {
        check(&[0, 1, 2], &[], 0, 0);
        check(&[1], &[(0, 1)], 0, 0);
        check(&[0, 5], &[(1, 5)], 0, 0);
        check(&[0, 5, 3], &[(1, 3), (4, 5)], 1, 0);
        check(&[0, 5, 1, 4, 2, 3], &[], 4, 0);
        check(&[0, 0, 2, 2, 1, 1], &[], 1, 3);
        let most = event::limits::INTEGER_MAX as u64;
        check(&[most, most], &[(0, most)], 0, 1);
    }

    #[test]
    fn a_gap_dates_from_when_it_showed() {
        let stream = after(&[0, 1, 7, 8, 3]);
        let found: Vec<_> = stream.missing.values().map(|m| (m.end, m.since.at)).collect();
        assert_eq!(found, [(3, 2), (7, 2)]);
    }

    #[test]
    fn a_restart_is_another_stream() {
        let mut streams = Streams::default();
        for (stream, seq) in [("a", 0), ("a", 1), ("b", 0), ("b", 1)] {
            streams.take(&name(stream), heard(seq, 0));
        }
        assert!(streams.by_name.values().all(|s| s.missing.is_empty() && s.next == 2));
    }

    #[test]
    fn ranges_have_a_bound() {
        let seqs: Vec<u64> = (0..=2 * RANGES_MAX as u64 + 20).step_by(2).collect();
        let stream = after(&seqs);
        assert_eq!((stream.missing.len(), stream.more), (RANGES_MAX, 10));
        assert_eq!(stream.missing.first_key_value().map(|(from, _)| *from), Some(21));
    }

    #[test]
    fn streams_have_a_bound() {
        let mut streams = Streams::default();
        for n in 0..=STREAMS_MAX {
            streams.take(&name(&n.to_string()), heard(0, n as i64));
        }
        assert!(streams.by_name.len() < STREAMS_MAX);
        streams.take(&name("0"), heard(7, 1 << 40));
        assert!(streams.by_name[&name("0")].missing.is_empty(), "it may have been heard before");
    }
}
