//! Following: the events of a scope that match a filter, as they come.
//!
//! Promises: who goes on at the places that a batch names gets every matching event once, in the
//! order of its log; events of several logs come by the time at which they were recorded, as far as
//! they were durable when the batch was read. A batch has bounds and is read at its reader's pace:
//! nothing waits for a slow one.
//!
//! Never: waits. Who finds nothing comes again.

use std::collections::BTreeSet;
use std::sync::Arc;

use commit::{Log, LogMap};

use crate::filter::Filter;
use crate::mark::Places;
use crate::scope::Scope;
use crate::search::{Hit, Order, QueryError, Source, Unreadable};
use crate::walk::{Step, Walk, first_at};

/// How much one batch may hold and read.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Events shown.
    pub events_max: usize,
    /// Bytes of the events shown; the event that passes it is the batch's last.
    pub bytes_max: usize,
    /// Events read.
    pub rows_max: u64,
}

/// Some of the events that were waiting, in the order in which they are to be shown.
#[derive(Debug, Default)]
pub struct Batch {
    /// What was found.
    pub items: Vec<Followed>,
    /// Where to go on behind the last item.
    pub end: Places,
    /// Entries of the scope's logs that lie behind the end; they need not match.
    pub behind: u64,
    /// Whether its bounds ended the batch: more is there to be read at once.
    pub more: bool,
}

/// Something found on the way.
#[derive(Debug)]
pub enum Followed {
    /// An event that matches.
    Hit(Hit),
    /// An event that cannot be read. Whether it matches is not known.
    Unreadable(Unreadable),
}

impl Followed {
    /// Whether it is an event, and not the place of one that cannot be read.
    pub fn is_event(&self) -> bool {
        matches!(self, Followed::Hit(_))
    }

    /// The log and the place in it.
    pub fn place(&self) -> (&str, u64) {
        match self {
            Followed::Hit(hit) => (hit.log.meta.name(), hit.seq),
            Followed::Unreadable(found) => (&found.log, found.seq),
        }
    }
}

impl Batch {
    /// Where to go on behind each item: with what is still to be shown of a log, else at its end.
    pub fn places(&self) -> Vec<Places> {
        let mut now = self.end.clone();
        let mut places = Vec::with_capacity(self.items.len());
        for item in self.items.iter().rev() {
            places.push(now.clone());
            let (log, seq) = item.place();
            now.insert(log.to_owned(), seq);
        }
        places.reverse();
        places
    }

    /// Where to go on for all of it.
    pub fn before(&self) -> Places {
        let mut now = self.end.clone();
        for item in self.items.iter().rev() {
            let (log, seq) = item.place();
            now.insert(log.to_owned(), seq);
        }
        now
    }
}

/// The ends of the scope's logs: who begins here sees what comes from now on.
pub fn ends(source: &Source<'_>, scope: &Scope) -> Places {
    let logs = source.logs.values().filter(|log| scope.sees(&log.meta));
    let ends = logs.map(|log| (log.meta.name().to_owned(), log.checkpoint().size)).collect();
    that_matter(source, ends)
}

/// Where a reader begins whose filter says from when on, and `None` if it does not.
pub fn beginnings(source: &Source<'_>, scope: &Scope, filter: &Filter) -> Option<Places> {
    let (recorded, occurred) = (filter.recorded().0, filter.occurred().0);
    if recorded == i64::MIN && occurred == i64::MIN {
        return None;
    }
    let logs = source.logs.values().filter(|log| scope.sees(&log.meta));
    let begin = |size, log: &Log| first_at(log, size, recorded);
    let all = logs.map(|l| (l.meta.name().to_owned(), begin(l.checkpoint().size, l))).collect();
    Some(that_matter(source, all))
}

/// The next events from `places` on. A log that has no place there is read from its beginning,
/// unless one that took over from it has: then it was seen to its end.
pub fn follow(
    source: &Source<'_>,
    scope: &Scope,
    filter: &Filter,
    places: &Places,
    room: Room,
) -> Result<Batch, QueryError> {
    let mut walk = Walk::from(source, scope, filter, places, room.rows_max);
    let (items, more) = take(&mut walk, room)?;
    let mut end: Places = walk.places();
    // Where a filter ends in time, nothing behind it is looked at, and nothing is left to look at.
    end.iter_mut().for_each(|(log, seq)| *seq = (*seq).max(places.get(log).copied().unwrap_or(0)));
    let end = that_matter(source, end);
    let behind = behind(source, scope, &end);
    Ok(Batch { items, end, behind, more })
}

/// The newest events that are there, oldest of them first; then comes what [`follow`] finds.
pub fn newest(
    source: &Source<'_>,
    scope: &Scope,
    filter: &Filter,
    room: Room,
) -> Result<Batch, QueryError> {
    let mut walk = Walk::new(source, scope, filter, Order::Newest, None, room.rows_max);
    let end = that_matter(source, walk.ends());
    let (mut items, _) = take(&mut walk, room)?;
    items.reverse();
    let behind = behind(source, scope, &end);
    Ok(Batch { items, end, behind, more: true })
}

/// What a walk brings within bounds, and whether there may be more.
fn take(walk: &mut Walk<'_>, room: Room) -> Result<(Vec<Followed>, bool), QueryError> {
    let (mut items, mut bytes) = (Vec::new(), 0);
    while items.len() < room.events_max && bytes < room.bytes_max {
        match walk.step()? {
            Step::Hit(hit) => {
                bytes += hit.fields.bytes();
                items.push(Followed::Hit(hit));
            }
            Step::Unreadable(found) => items.push(Followed::Unreadable(found)),
            Step::Spent(_) => break,
            Step::End => return Ok((items, false)),
        }
    }
    Ok((items, true))
}

fn behind(source: &Source<'_>, scope: &Scope, end: &Places) -> u64 {
    let left =
        open_to(source, scope, end).map(|(log, at)| log.checkpoint().size.saturating_sub(at));
    left.sum()
}

/// The logs of a scope that were not seen to their ends and closed, each with where to go on.
pub(crate) fn open_to<'a>(
    source: &Source<'a>,
    scope: &Scope,
    places: &Places,
) -> impl Iterator<Item = (&'a Arc<Log>, u64)> {
    let passed = passed(source.logs, places);
    let logs = source.logs.values().filter(|log| scope.sees(&log.meta));
    logs.filter_map(move |log| match places.get(log.meta.name()) {
        Some(at) => Some((log, *at)),
        None => (!passed.contains(log.meta.name())).then_some((log, 0)),
    })
}

/// Leaves out logs that were seen to their ends and will not grow: a reader that has followed a
/// thousand of them need not name them with each event.
fn that_matter(source: &Source<'_>, mut places: Places) -> Places {
    let passed = passed(source.logs, &places);
    let is_done = |name: &str, at: u64| {
        let log = source.logs.get(name).filter(|_| passed.contains(name))?;
        // The next one's first entry is shown after the closed one's last: only then is its size
        // the last one.
        let next = source.logs.get(log.successor()?)?;
        (next.checkpoint().size > 0 && at >= log.checkpoint().size).then_some(())
    };
    places.retain(|name, at| is_done(name, *at).is_none());
    places
}

/// The names of the logs from which those with a place took over.
fn passed<'a>(logs: &'a LogMap, places: &Places) -> BTreeSet<&'a str> {
    let mut passed = BTreeSet::new();
    for log in places.keys().filter_map(|name| logs.get(name)) {
        let mut before = log.predecessor();
        while let Some(log) = before {
            if !passed.insert(log.meta.name()) {
                break;
            }
            before = log.predecessor();
        }
    }
    passed
}
