//! Lists: the events of a scope that match a filter, newest or oldest first, page by page.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use commit::{Log, ReadError};
use event::Fields;

use crate::cursor::{Cursor, CursorError, Position};
use crate::filter::Filter;
use crate::hot::Hot;
use crate::scope::Scope;
use crate::walk::{Step, Walk};

/// Hits on one page.
pub const LIMIT_MAX: usize = 1_000;
/// Bytes of the events on one page; the event that passes it is the page's last.
pub const PAGE_BYTES_MAX: usize = 16 << 20;
/// Events that a search reads unless told otherwise.
pub const ROWS_MAX: u64 = 100_000;
/// Unreadable events that a page lists.
const UNREADABLE_MAX: usize = 100;
/// Events that one id finds.
const BY_ID_MAX: usize = 100;
/// Events that are read for one id: those whose hashes are alike, and those that are not indexed.
const BY_ID_ROWS_MAX: u64 = 1_000_000;

/// Everything there is to read.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The logs by name, as the store has them.
    pub logs: &'a BTreeMap<String, Arc<Log>>,
    /// What is known of their events.
    pub hot: &'a Hot,
    /// Asked every few hundred events: whether reading has to end here. What was found until then
    /// is partial.
    pub is_over: &'a (dyn Fn() -> bool + Sync),
    /// Told of every entry that was read and is not what was signed, or cannot be read as such.
    pub damaged: &'a (dyn Fn(&Arc<Log>, u64) + Sync),
}

/// Which end of a list comes first, by (recorded_at, log, seq).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

/// How a list is asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Which end first.
    pub order: Order,
    /// Hits on the page, 1 to [`LIMIT_MAX`].
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
    /// Events read at most; when they are used up the page is partial.
    pub rows_max: u64,
}

impl Default for Ask {
    fn default() -> Ask {
        Ask { order: Order::Newest, limit: 50, cursor: None, rows_max: ROWS_MAX }
    }
}

/// An event that was found.
#[derive(Clone)]
pub struct Hit {
    /// The log that has it.
    pub log: Arc<Log>,
    /// Its place there.
    pub seq: u64,
    /// When the log took it, nanoseconds since 1970.
    pub recorded_at: i64,
    /// What it says.
    pub fields: Fields,
}

impl Hit {
    pub(crate) fn place(&self) -> Position {
        let log = self.log.meta.name().to_owned();
        Position { recorded_at: self.recorded_at, log, seq: self.seq }
    }
}

impl fmt::Debug for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.log.meta.name(), self.seq)
    }
}

/// One page of a list.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The events, in the order asked for.
    pub hits: Vec<Hit>,
    /// Where to go on; `None` if there is nothing more. What follows may still be an empty page.
    pub next: Option<Cursor>,
    /// Events that were read and compared.
    pub scanned: u64,
    /// Whether the rows allowed were used up before the page was full.
    pub partial: bool,
    /// Events that the disk did not give back as they were written, up to a hundred.
    pub unreadable: Vec<Unreadable>,
}

/// An event that cannot be read. Whether it matches is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Name of its log.
    pub log: String,
    /// Its place there.
    pub seq: u64,
    /// What is wrong.
    pub reason: String,
}

/// How many events match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Events that match, of those looked at.
    pub count: u64,
    /// Events that were read and compared.
    pub scanned: u64,
    /// Whether the rows allowed were used up: there may be more.
    pub partial: bool,
    /// Events that cannot be read.
    pub unreadable: u64,
}

/// Why a question cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The cursor is not one of this list.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// Too many or too few hits were asked for.
    #[error("limit is {0}, allowed are 1 to {LIMIT_MAX}")]
    Limit(usize),
    /// The short form of an id stands for several.
    #[error("\"{short}\" is short for several: {}", .found.join(", "))]
    Ambiguous {
        /// What was asked for.
        short: String,
        /// Some of those it stands for.
        found: Vec<String>,
    },
    /// What was asked for has not the form of an id.
    #[error("{0}")]
    Form(String),
    /// The index does not reach far enough back, and reading all took too much, or too long.
    #[error(
        "not found in the {0} events that were read, and there are more; try again, or search \
         within a shorter time"
    )]
    Spent(u64),
    /// The disk did not answer.
    #[error("an event could not be read")]
    Read(#[source] ReadError),
    /// Nothing was found, and what may be it cannot be read.
    #[error("not found; in the log {}, {}, and it may be what was asked for", .0.log, .0.reason)]
    Damaged(Unreadable),
}

/// Lists events.
pub fn search(
    source: &Source<'_>,
    scope: &Scope,
    filter: &Filter,
    ask: &Ask,
) -> Result<Page, QueryError> {
    if !(1..=LIMIT_MAX).contains(&ask.limit) {
        return Err(QueryError::Limit(ask.limit));
    }
    let after = match &ask.cursor {
        Some(cursor) => Some(cursor.place_in(filter, ask.order)?),
        None => None,
    };
    let mut walk = Walk::new(source, scope, filter, ask.order, after, ask.rows_max);
    let (mut page, mut bytes, mut spent) = (Page::default(), 0, None);
    while page.hits.len() < ask.limit && bytes < PAGE_BYTES_MAX {
        match walk.step()? {
            Step::Hit(hit) => {
                bytes += hit.fields.bytes();
                page.hits.push(hit);
            }
            Step::Unreadable(found) => {
                if page.unreadable.len() < UNREADABLE_MAX {
                    page.unreadable.push(found);
                }
            }
            Step::Spent(place) => {
                page.partial = true;
                spent = place.or_else(|| Some(ask.cursor.as_ref()?.place.clone()));
                break;
            }
            Step::End => break,
        }
    }
    page.scanned = walk.read();
    let more = page.partial || walk.has_more();
    let last = spent.or_else(|| Some(page.hits.last()?.place()));
    page.next = last.filter(|_| more).map(|place| Cursor::new(place, filter, ask.order));
    Ok(page)
}

/// Counts the events that match by reading every one that may.
pub fn count_exact(
    source: &Source<'_>,
    scope: &Scope,
    filter: &Filter,
    rows_max: u64,
) -> Result<Count, QueryError> {
    let mut walk = Walk::new(source, scope, filter, Order::Newest, None, rows_max).unshown();
    let mut count = Count::default();
    loop {
        match walk.step()? {
            Step::Hit(_) => count.count += 1,
            Step::Unreadable(_) => count.unreadable += 1,
            Step::Spent(_) => {
                count.partial = true;
                break;
            }
            Step::End => break,
        }
    }
    count.scanned = walk.read();
    Ok(count)
}

/// The events with one id.
#[derive(Debug)]
pub struct OfId {
    /// Newest first.
    pub hits: Vec<Hit>,
    /// Those that may have this id and cannot be read, up to a hundred.
    pub unreadable: Vec<Unreadable>,
    /// Whether there may be older ones, for want of room.
    pub more: bool,
}

impl OfId {
    /// The events, of which there is one at least unless none has this id for sure.
    pub fn known(self) -> Result<Vec<Hit>, QueryError> {
        if self.hits.is_empty() {
            absent::<()>(self.unreadable.into_iter().next())?;
        }
        Ok(self.hits)
    }
}

/// That nothing was found, unless something that cannot be read may have been it.
pub(crate) fn absent<T>(lost: Option<Unreadable>) -> Result<Option<T>, QueryError> {
    lost.map_or(Ok(None), |damaged| Err(QueryError::Damaged(damaged)))
}

/// The events with an id, or with the id that a short one stands for, newest first. One id can
/// name several: different producers may use it, and a producer may use it twice for different
/// things.
pub fn by_id(source: &Source<'_>, scope: &Scope, id: &str) -> Result<OfId, QueryError> {
    let filter = Filter::is("id", id).map_err(QueryError::Form)?;
    let ask = Ask { limit: BY_ID_MAX, rows_max: BY_ID_ROWS_MAX, ..Ask::default() };
    let page = search(source, scope, &filter, &ask)?;
    if page.partial {
        return Err(QueryError::Spent(page.scanned));
    }
    let Page { hits, next, unreadable, .. } = page;
    let mut ids: Vec<String> = hits.iter().filter_map(|h| h.fields.string("[\"id\"]")).collect();
    ids.sort();
    ids.dedup();
    if ids.len() > 1 && !ids.iter().any(|found| found == id) {
        ids.truncate(5);
        return Err(QueryError::Ambiguous { short: id.to_owned(), found: ids });
    }
    let exact = |hit: &Hit| hit.fields.string("[\"id\"]").as_deref() == Some(id);
    let any_exact = ids.len() > 1;
    let hits = hits.into_iter().filter(|hit| !any_exact || exact(hit)).collect();
    Ok(OfId { hits, unreadable, more: next.is_some() })
}

/// The event at a place, if the scope reaches there. `log` is its name or its origin.
pub fn by_seq(
    source: &Source<'_>,
    scope: &Scope,
    log: &str,
    seq: u64,
) -> Result<Option<Hit>, QueryError> {
    let mut logs = source.logs.values();
    let found =
        logs.find(|l| (l.meta.name() == log || l.meta.origin == log) && scope.sees(&l.meta));
    let Some(log) = found else { return Ok(None) };
    if seq >= log.checkpoint().size {
        return Ok(None);
    }
    let recorded_at = log.published().tree.recorded_at(seq);
    let fields = match log.read_checked(seq) {
        Ok((fields, _)) => fields,
        Err(ReadError::Absent(_)) => return Ok(None),
        Err(error) => {
            if matches!(error, ReadError::Damaged(..)) {
                (source.damaged)(log, seq);
            }
            return Err(QueryError::Read(error));
        }
    };
    Ok(recorded_at.map(|recorded_at| Hit { log: log.clone(), seq, recorded_at, fields }))
}
