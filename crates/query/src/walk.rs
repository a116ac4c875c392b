//! The one walk over the events of a scope: candidates of all logs, merged in order, each one read
//! and compared with the filter.
//!
//! A reader's cut is the log's newest checkpoint, taken before the index is looked at. Rows are
//! indexed before they are durable, so everything below the cut that was answered is found, and
//! nothing above it is seen.
//!
//! What is read is compared with its signed entry, whether it matches or not: an event that
//! somebody changed so that it does not match any more would else be missing without a word.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use commit::{Log, ReadError, Reader};
use event::Fields;

use crate::cursor::Position;
use crate::filter::Filter;
use crate::follow::open_to;
use crate::mark::Places;
use crate::probe::Probes;
use crate::search::{Hit, Order, QueryError, Source, Unreadable};
use crate::view::{Piece, View};

/// What a step of the walk brought.
pub(crate) enum Step {
    /// An event that matches.
    Hit(Hit),
    /// An event that cannot be read, or is not what its entry says.
    Unreadable(Unreadable),
    /// The rows allowed are used up; all up to this place were looked at, none if there is none.
    Spent(Option<Position>),
    /// Nothing is left.
    End,
}

/// Events that are read before it is asked whether there is time for more.
const ROWS_BETWEEN: u64 = 256;
/// Events that are compared with their entries though they do not match and the index did not name
/// them: where a word stands is known of 64 rows together, and of some rows nothing is. They cost
/// a tenth of a second; to compare all would make the longest reads three times as long.
///
/// KNOWN: behind these, one that was changed so that it does not match is not noticed.
const UNNAMED_MAX: u64 = 16_384;

/// A walk in progress.
pub(crate) struct Walk<'a> {
    lanes: Vec<Lane>,
    filter: &'a Filter,
    order: Order,
    rows_max: u64,
    is_over: &'a (dyn Fn() -> bool + Sync),
    damaged: &'a (dyn Fn(&Arc<Log>, u64) + Sync),
    read: u64,
    /// Events that the index did not name and that can still be compared.
    unnamed: u64,
    /// Whether hits are compared with their signed entries.
    shows: bool,
    /// The last candidate that was looked at: lane, recorded_at, seq.
    last: Option<(usize, i64, u64)>,
}

impl<'a> Walk<'a> {
    /// A walk that begins behind `after`.
    pub(crate) fn new(
        source: &Source<'a>,
        scope: &crate::Scope,
        filter: &'a Filter,
        order: Order,
        after: Option<&Position>,
        rows_max: u64,
    ) -> Walk<'a> {
        let logs = source.logs.values().filter(|log| scope.sees(&log.meta));
        let lane = |log| Lane::new(source, log, filter, order, bounds(log, filter, order, after));
        let lanes = logs.map(lane).collect();
        Walk::over(lanes, source, filter, order, rows_max)
    }

    /// A walk, oldest first, that goes on in each log at its place.
    pub(crate) fn from(
        source: &Source<'a>,
        scope: &crate::Scope,
        filter: &'a Filter,
        places: &Places,
        rows_max: u64,
    ) -> Walk<'a> {
        let order = Order::Oldest;
        let lane = |(log, place): (&Arc<Log>, u64)| {
            let (low, high) = bounds(log, filter, order, None);
            let low = low.max(place);
            Lane::new(source, log, filter, order, (low, high.max(low)))
        };
        let lanes = open_to(source, scope, places).map(lane).collect();
        Walk::over(lanes, source, filter, order, rows_max)
    }

    fn over(
        lanes: Vec<Lane>,
        source: &Source<'a>,
        filter: &'a Filter,
        order: Order,
        rows_max: u64,
    ) -> Walk<'a> {
        let Source { is_over, damaged, .. } = *source;
        let (read, unnamed, shows, last) = (0, UNNAMED_MAX, true, None);
        Walk { lanes, filter, order, rows_max, is_over, damaged, read, unnamed, shows, last }
    }

    /// The entry of each log behind the last one that the walk may see.
    pub(crate) fn ends(&self) -> Places {
        let lanes = self.lanes.iter();
        lanes.map(|lane| (lane.log.meta.name().to_owned(), lane.bounds.1)).collect()
    }

    /// The first entry of each log that a walk, oldest first, has not looked at.
    pub(crate) fn places(&mut self) -> Places {
        let place = |lane: &mut Lane| {
            let next = lane.peek().map_or(lane.bounds.1, |(_, seq)| seq);
            (lane.log.meta.name().to_owned(), next)
        };
        self.lanes.iter_mut().map(place).collect()
    }

    /// The same for hits that are counted and not shown.
    pub(crate) fn unshown(self) -> Walk<'a> {
        Walk { shows: false, ..self }
    }

    /// Events read so far.
    pub(crate) fn read(&self) -> u64 {
        self.read
    }

    /// Whether there are candidates left.
    pub(crate) fn has_more(&mut self) -> bool {
        self.lanes.iter_mut().any(|lane| lane.peek().is_some())
    }

    /// Goes on to the next event that matches.
    pub(crate) fn step(&mut self) -> Result<Step, QueryError> {
        while let Some(nth) = self.nearest() {
            if self.read == self.rows_max || self.is_over() {
                return Ok(Step::Spent(self.last()));
            }
            self.read += 1;
            let lane = &mut self.lanes[nth];
            let Some((recorded_at, seq)) = lane.queue.front().copied() else { continue };
            let found = lane.read(seq, recorded_at, self.filter, self.shows, &mut self.unnamed);
            lane.queue.pop_front();
            self.last = Some((nth, recorded_at, seq));
            match found {
                Ok(Some(fields)) => {
                    let log = lane.log.clone();
                    return Ok(Step::Hit(Hit { log, seq, recorded_at, fields }));
                }
                Ok(None) => {}
                Err(ReadError::Io(error)) => return Err(QueryError::Read(ReadError::Io(error))),
                Err(error) => {
                    (self.damaged)(&lane.log, seq);
                    let (log, reason) = (lane.log.meta.name().to_owned(), error.to_string());
                    return Ok(Step::Unreadable(Unreadable { log, seq, reason }));
                }
            }
        }
        Ok(Step::End)
    }

    fn is_over(&self) -> bool {
        self.read % ROWS_BETWEEN == ROWS_BETWEEN - 1 && (self.is_over)()
    }

    fn last(&self) -> Option<Position> {
        let (nth, recorded_at, seq) = self.last?;
        Some(Position { recorded_at, log: self.lanes[nth].log.meta.name().to_owned(), seq })
    }

    /// The log whose next candidate comes first.
    fn nearest(&mut self) -> Option<usize> {
        let order = self.order;
        let mut best: Option<(usize, (i64, u64))> = None;
        for (nth, lane) in self.lanes.iter_mut().enumerate() {
            let Some(place) = lane.peek() else { continue };
            // Logs stand in the order of their names, so the earlier one has the lesser name.
            let is_nearer = best.is_none_or(|(_, other)| match (place.0.cmp(&other.0), order) {
                (Ordering::Equal, Order::Newest) => true,
                (Ordering::Equal, Order::Oldest) => false,
                (found, Order::Newest) => found == Ordering::Greater,
                (found, Order::Oldest) => found == Ordering::Less,
            });
            if is_nearer {
                best = Some((nth, place));
            }
        }
        best.map(|(nth, _)| nth)
    }
}

/// The candidates of one log.
struct Lane {
    log: Arc<Log>,
    view: View,
    probes: Probes,
    order: Order,
    /// First seq of the walk, and the one past its last.
    bounds: (u64, u64),
    /// Pieces not looked at, the next one last.
    pieces: Vec<Piece>,
    /// Candidates of the piece at hand: recorded_at and seq.
    queue: VecDeque<(i64, u64)>,
    /// Whether the index names each of these, and not only what stands around it.
    named: bool,
    reader: Reader,
}

impl Lane {
    fn new(
        source: &Source<'_>,
        log: &Arc<Log>,
        filter: &Filter,
        order: Order,
        // The cut first, the index second: what is below the cut is in the index.
        bounds: (u64, u64),
    ) -> Lane {
        let (view, probes) = source.hot.view(log.meta.name(), bounds.1, filter);
        let mut pieces = view.pieces(bounds);
        if order == Order::Oldest {
            pieces.reverse();
        }
        let (queue, named, reader) = (VecDeque::new(), false, Reader::new(log));
        Lane { log: log.clone(), view, probes, order, bounds, pieces, queue, named, reader }
    }

    /// Reads an event that matches. It is compared with its signed entry if it is shown or stands
    /// in a log that was set aside, and so is one that the index names and that does not match; of
    /// others as many as `unnamed` says.
    fn read(
        &mut self,
        seq: u64,
        recorded_at: i64,
        filter: &Filter,
        shows: bool,
        unnamed: &mut u64,
    ) -> Result<Option<Fields>, ReadError> {
        let stored = self.reader.read(seq)?;
        let is_match = filter.matches(&stored.fields, recorded_at);
        let is_due = (is_match || self.named) && (shows || self.log.damaged().is_some());
        if is_due || *unnamed > 0 {
            *unnamed -= u64::from(!is_due);
            self.reader.check(seq, &stored)?;
        }
        Ok(is_match.then_some(stored.fields))
    }

    /// The next candidate: recorded_at and seq.
    fn peek(&mut self) -> Option<(i64, u64)> {
        while self.queue.is_empty() {
            let piece = self.pieces.pop()?;
            let seqs = self.view.candidates(&piece, &self.probes, self.bounds);
            if seqs.is_empty() {
                continue;
            }
            self.named = piece.is_named_by(&self.probes);
            let published = self.log.published();
            let timed = seqs.into_iter().filter_map(|s| Some((published.tree.recorded_at(s)?, s)));
            self.queue.extend(timed);
            if self.order == Order::Newest {
                self.queue.make_contiguous().reverse();
            }
        }
        self.queue.front().copied()
    }
}

/// The seqs of a log that a walk may see.
fn bounds(log: &Log, filter: &Filter, order: Order, after: Option<&Position>) -> (u64, u64) {
    let size = log.checkpoint().size;
    let (from, to) = filter.recorded();
    let (mut low, mut high) = (first_at(log, size, from), first_at(log, size, to));
    if let Some(after) = after {
        // Times rise strictly within a log: only one row can be recorded at that very time.
        let at = first_at(log, size, after.recorded_at);
        let time = (at < size).then(|| log.published().tree.recorded_at(at)).flatten();
        let row = (log.meta.name(), at).cmp(&(after.log.as_str(), after.seq));
        let same = time == Some(after.recorded_at);
        match order {
            Order::Newest => high = high.min(at + u64::from(same && row == Ordering::Less)),
            Order::Oldest => low = low.max(at + u64::from(same && row != Ordering::Greater)),
        }
    }
    (low, high.max(low))
}

/// The first seq below `size` that was recorded at `time` or later.
pub(crate) fn first_at(log: &Log, size: u64, time: i64) -> u64 {
    let published = log.published();
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        match published.tree.recorded_at(middle) {
            Some(at) if at < time => low = middle + 1,
            _ => high = middle,
        }
    }
    low
}
