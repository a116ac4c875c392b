//! Completeness of one log: which numbers of which producers' streams came, which did not, and who
//! was heard when.
//!
//! A stream is one run of one producer; it counts its events from 0 without holes
//! (`producer.seq`). A number that was passed over is missing until it comes. Not every event has
//! a number: this finds losses between a producer that numbers and the log, no others.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::heard::{HeardAt, StreamName};
use crate::services::Activities;

/// Streams kept of one log.
const STREAMS_MAX: usize = 100_000;
/// Missing ranges kept of one stream.
const RANGES_MAX: usize = 1_000;
/// Missing ranges kept of one log.
const ALL_RANGES_MAX: usize = 200_000;

/// What is known of a log's producers.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    /// Seq behind the last row that was taken in.
    applied: u64,
    pub(crate) streams: HashMap<StreamName, Stream>,
    pub(crate) activities: Activities,
    /// Streams with missing ranges.
    gapped: BTreeSet<StreamName>,
    /// Missing ranges of all streams.
    ranges: usize,
    /// Missing ranges of all streams that are not kept any more.
    more: u64,
    /// Whether streams were forgotten: one that is new may then be an old one.
    forgot: bool,
}

/// One stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    /// The number that would come next.
    pub(crate) next: u64,
    /// First missing number of a range → the number behind its last, and when that showed.
    pub(crate) missing: BTreeMap<u64, (u64, i64)>,
    /// Events that were missing and came.
    pub(crate) late: u64,
    /// Events whose number had come before.
    pub(crate) repeated: u64,
    /// Events that the producer says it dropped itself.
    pub(crate) dropped: u64,
    /// Missing ranges that are not kept any more.
    pub(crate) more: u64,
    /// When the last event of it was recorded.
    pub(crate) last_seen: i64,
}

impl Tail {
    /// Takes in a batch, each once.
    pub(crate) fn take(&mut self, batch: &HeardAt) {
        if batch.first < self.applied {
            return;
        }
        self.applied = batch.end();
        let heard = &batch.heard;
        for tally in &heard.tallies {
            self.activities.take(tally, batch.recorded_at[tally.last as usize]);
        }
        for numbered in &heard.numbered {
            let name = &heard.streams[numbered.stream as usize];
            let at = batch.recorded_at[numbered.row as usize];
            self.number(name, numbered.seq, numbered.dropped, at);
        }
    }

    /// The streams with missing ranges, in order.
    pub(crate) fn gapped(&self) -> impl Iterator<Item = (&StreamName, &Stream)> {
        self.gapped.iter().filter_map(|name| Some((name, self.streams.get(name)?)))
    }

    /// How many ranges are missing, kept or not.
    pub(crate) fn gaps(&self) -> u64 {
        self.ranges as u64 + self.more
    }

    pub(crate) fn number(&mut self, name: &StreamName, seq: u64, dropped: u64, at: i64) {
        if !self.streams.contains_key(name) {
            if self.streams.len() >= STREAMS_MAX {
                self.forget_some();
            }
            let next = if self.forgot { seq } else { 0 };
            self.streams.insert(name.clone(), Stream { next, ..Stream::default() });
        }
        let Some(stream) = self.streams.get_mut(name) else { return };
        let before = stream.missing.len();
        stream.last_seen = at;
        stream.dropped = stream.dropped.saturating_add(dropped);
        stream.number(seq, at);
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
        let mut times: Vec<i64> = self.streams.values().map(|stream| stream.last_seen).collect();
        let (_, limit, _) = times.select_nth_unstable(STREAMS_MAX / 10);
        let limit = *limit;
        self.streams.retain(|_, stream| stream.last_seen > limit);
        self.gapped.retain(|name| self.streams.contains_key(name));
        self.ranges = self.streams.values().map(|stream| stream.missing.len()).sum();
        self.more = self.streams.values().map(|stream| stream.more).sum();
        self.forgot = true;
    }
}

impl Stream {
    /// Takes in a number. The next one, or one passed over, or one beyond, or one again.
    fn number(&mut self, seq: u64, at: i64) {
        if seq >= self.next {
            if seq > self.next {
                self.missing.insert(self.next, (seq, at));
            }
            self.next = seq.saturating_add(1);
            return;
        }
        let range = self.missing.range(..=seq).next_back().map(|(from, range)| (*from, *range));
        let Some((from, (to, since))) = range.filter(|(_, (to, _))| seq < *to) else {
            self.repeated += 1;
            return;
        };
        self.late += 1;
        self.missing.remove(&from);
        if from < seq {
            self.missing.insert(from, (seq, since));
        }
        if seq + 1 < to {
            self.missing.insert(seq + 1, (to, since));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(stream: &str) -> StreamName {
        StreamName { principal: "p".into(), producer: "mail".into(), stream: stream.into() }
    }

    fn after(seqs: &[u64]) -> Stream {
        let mut tail = Tail::default();
        for (n, seq) in seqs.iter().enumerate() {
            tail.number(&name("s"), *seq, 0, n as i64);
        }
        let stream = &tail.streams[&name("s")];
        assert_eq!(tail.ranges, stream.missing.len());
        assert_eq!(tail.more, stream.more);
        assert_eq!(tail.gapped().count(), usize::from(!stream.missing.is_empty()));
        tail.streams[&name("s")].clone()
    }

    fn check(seqs: &[u64], missing: &[(u64, u64)], late: u64, repeated: u64) {
        let stream = after(seqs);
        let found: Vec<_> = stream.missing.iter().map(|(from, (to, _))| (*from, *to)).collect();
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
        let found: Vec<_> = stream.missing.into_values().collect();
        assert_eq!(found, [(3, 2), (7, 2)]);
    }

    #[test]
    fn a_restart_is_another_stream() {
        let mut tail = Tail::default();
        for (stream, seq) in [("a", 0), ("a", 1), ("b", 0), ("b", 1)] {
            tail.number(&name(stream), seq, 0, 0);
        }
        assert!(tail.streams.values().all(|s| s.missing.is_empty() && s.next == 2));
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
        let mut tail = Tail::default();
        for n in 0..=STREAMS_MAX {
            tail.number(&name(&n.to_string()), 0, 0, n as i64);
        }
        assert!(tail.streams.len() < STREAMS_MAX);
        tail.number(&name("0"), 7, 0, 1 << 40);
        assert!(tail.streams[&name("0")].missing.is_empty(), "it may have been heard before");
    }
}
