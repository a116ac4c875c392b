//! Sessions: what one session did across services, in the order in which it happened.
//!
//! The events are those that name the session, as the session of the transaction or of the actor.
//! A page says whether it is the whole session; what is told of who, where and what failed is told
//! of the page.

use std::collections::BTreeMap;

use event::Fields;

use super::{AMBIGUOUS_MAX, Bond, Hop, Skew, TRACE_ROWS_MAX, build};
use crate::cursor::Cursor;
use crate::filter::Filter;
use crate::scope::Scope;
use crate::search::{Ask, Order, Page, QueryError, Source, absent, search};
use crate::streams::Gap;

/// Characters that a short id has at least.
const SHORT_CHARS_MIN: usize = 8;
/// Events that are read to find the session that a short id stands for.
const SHORT_HITS_MAX: usize = 100;
/// Actors and addresses that are listed.
const LISTED_MAX: usize = 100;

/// A page of a session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id, in full.
    pub id: String,
    /// Its events by the time at which they began, by their sources' clocks; no parents.
    pub hops: Vec<Hop>,
    /// Who acted: type and id; in the order they appear. More than one is worth a look.
    pub actors: Vec<Counted<(String, String)>>,
    /// From where, as services saw it.
    pub addresses: Vec<Counted<String>>,
    /// Services, in the order they appear.
    pub services: Vec<Counted<String>>,
    /// When the first event began, nanoseconds since 1970, by the sources' clocks.
    pub started_at: i64,
    /// When the last one ended.
    pub ended_at: i64,
    /// Hops that a guard denied, and the first of them.
    pub denied: u64,
    /// The first of them.
    pub first_denied: Option<usize>,
    /// Hops that failed and were not denied.
    pub failed: u64,
    /// The first of them.
    pub first_failed: Option<usize>,
    /// Clocks that cannot both be right.
    pub skews: Vec<Skew>,
    /// Open gaps beside the events here: what is missing may belong here.
    pub gaps: Vec<Gap>,
    /// Events that the disk did not give back.
    pub unreadable: u64,
    /// Whether this is not all of the session: a page went before, or more is to come.
    pub partial: bool,
    /// Where to go on.
    pub next: Option<Cursor>,
}

/// Something of the session's events, and how many of them have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted<T> {
    /// What it is.
    pub what: T,
    /// How many events have it.
    pub events: u64,
    /// When the first of them began.
    pub first_at: i64,
}

/// One page of the session with an id, or with the id that begins so; `None` if the scope sees
/// nothing of the kind. The cursor is one that the page before gave.
pub fn session(
    source: &Source<'_>,
    scope: &Scope,
    id: &str,
    limit: usize,
    cursor: Option<Cursor>,
) -> Result<Option<Session>, QueryError> {
    let went_before = cursor.is_some();
    let ask = Ask { order: Order::Oldest, limit, cursor, rows_max: TRACE_ROWS_MAX };
    let page = of_id(source, scope, id, &ask)?;
    if !page.hits.is_empty() || went_before {
        return Ok(Some(told(source, id, page, went_before)));
    }
    if page.partial {
        return Err(QueryError::Spent(page.scanned));
    }
    let lost = page.unreadable.into_iter().next();
    let Some(id) = whole_id(source, scope, id)? else {
        return absent(lost);
    };
    let page = of_id(source, scope, &id, &ask)?;
    Ok(Some(told(source, &id, page, false)))
}

fn of_id(source: &Source<'_>, scope: &Scope, id: &str, ask: &Ask) -> Result<Page, QueryError> {
    let filter = Filter::is(Bond::Session.name(), id).map_err(QueryError::Form)?;
    search(source, scope, &filter, ask)
}

/// The id that a short one stands for.
fn whole_id(source: &Source<'_>, scope: &Scope, short: &str) -> Result<Option<String>, QueryError> {
    if short.chars().count() < SHORT_CHARS_MIN {
        return Ok(None);
    }
    let filter = Filter::begins(Bond::Session.name(), short).map_err(QueryError::Form)?;
    let ask = Ask { limit: SHORT_HITS_MAX, rows_max: TRACE_ROWS_MAX, ..Ask::default() };
    let page = search(source, scope, &filter, &ask)?;
    let ids = page.hits.iter().flat_map(|hit| ids(&hit.fields)).filter(|id| id.starts_with(short));
    let mut found: Vec<String> = ids.collect();
    found.sort();
    found.dedup();
    match found.len() {
        0 if page.partial => Err(QueryError::Spent(page.scanned)),
        0 => absent(page.unreadable.into_iter().next()),
        1 => Ok(found.pop()),
        _ => {
            found.truncate(AMBIGUOUS_MAX);
            Err(QueryError::Ambiguous { short: short.to_owned(), found })
        }
    }
}

fn ids(fields: &Fields) -> impl Iterator<Item = String> + use<> {
    let paths = ["[\"correlation\",\"session_id\"]", "[\"actor\",\"session_id\"]"];
    paths.map(|path| fields.string(path)).into_iter().flatten()
}

/// What a page tells.
fn told(source: &Source<'_>, id: &str, page: Page, went_before: bool) -> Session {
    let partial = went_before || page.next.is_some() || page.partial;
    let trace = build(source, Bond::Session, id.to_owned(), page.hits, partial);
    let mut hops = trace.hops;
    hops.sort_by_key(|hop| (hop.started_at, hop.hit.recorded_at, hop.hit.seq));
    hops.iter_mut().for_each(|hop| (hop.parent, hop.depth) = (None, 0));
    let places = |wanted: bool| {
        let mut of_kind =
            (0..hops.len()).filter(|at| hops[*at].failed && denied(&hops[*at]) == wanted);
        let first = of_kind.next();
        (first, first.map_or(0, |_| 1 + of_kind.count() as u64))
    };
    let ((first_denied, denied), (first_failed, failed)) = (places(true), places(false));
    let string = |hop: &Hop, path: &str| hop.hit.fields.string(path);
    let actor = |hop: &Hop| {
        let id = string(hop, "[\"actor\",\"id\"]").unwrap_or_default();
        Some((string(hop, "[\"actor\",\"type\"]")?, id))
    };
    Session {
        id: trace.id,
        actors: counted(&hops, actor),
        addresses: counted(&hops, |hop| string(hop, "[\"source\",\"address\"]")),
        services: counted(&hops, |hop| Some(hop.service.clone())),
        started_at: trace.started_at,
        ended_at: trace.ended_at,
        denied,
        first_denied,
        failed,
        first_failed,
        skews: trace.skews,
        gaps: trace.gaps,
        unreadable: page.unreadable.len() as u64,
        partial,
        next: page.next,
        hops,
    }
}

fn denied(hop: &Hop) -> bool {
    hop.hit.fields.text("[\"decision\",\"effect\"]") == Some("\"deny\"")
        && hop.hit.fields.text("[\"decision\",\"mode\"]") != Some("\"shadow\"")
}

/// What hops have, in the order in which it appears; at most a hundred.
fn counted<T: Ord + Clone>(hops: &[Hop], what: impl Fn(&Hop) -> Option<T>) -> Vec<Counted<T>> {
    let (mut places, mut found) = (BTreeMap::new(), Vec::<Counted<T>>::new());
    for hop in hops {
        let Some(what) = what(hop) else { continue };
        match places.get(&what) {
            Some(at) => {
                let counted: &mut Counted<T> = &mut found[*at];
                counted.events += 1;
            }
            None if found.len() < LISTED_MAX => {
                places.insert(what.clone(), found.len());
                found.push(Counted { what, events: 1, first_at: hop.started_at });
            }
            None => {}
        }
    }
    found
}
