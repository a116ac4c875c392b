//! `GET /v1/events`: what is asked for, and one page of it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use query::{Ask, Count, Cursor, Filter, LIMIT_MAX, Order, Scope, Unreadable, count_exact, gaps};
use serde::Serialize;

use super::auth::Caller;
use super::error::Failure;
use super::extract::Parameters;
use super::read::{readable, reading};
use super::shown::{Shown, ShownGap, answer};
use crate::access::stated::{self, Access, Answered};
use crate::app::App;

/// Events that one list may read before it says that it is partial.
const ROWS_MAX: u64 = 500_000;
/// Events that an exact count may read.
const COUNT_ROWS_MAX: u64 = 20_000_000;

/// Open gaps that stand beside a page; `/v1/gaps` has the others.
const GAPS_SHOWN: usize = 100;

/// Parameters that are no filter.
const OWN: [&str; 5] = ["order", "count", "limit", "cursor", "log"];

/// A list as its query parameters ask for it; a name that is not ours is a filter by that name.
struct Listing {
    filter: Filter,
    ask: Ask,
    count: bool,
    /// The one log that is read.
    log: Option<String>,
}

impl Listing {
    fn parse(parameters: &[(String, String)], now: i64) -> Result<Listing, Failure> {
        let wrong = |what: String| Failure::bad_request("query", what);
        let filter = filter_of(parameters, &OWN, now)?;
        let ask = Ask { limit: 100, rows_max: ROWS_MAX, ..Ask::default() };
        let mut listing = Listing { filter, ask, count: false, log: None };
        for (name, value) in parameters {
            let allowed = |what: &str| wrong(format!("{name}={value}: allowed is {what}"));
            match (name.as_str(), value.as_str()) {
                ("order", "newest") => listing.ask.order = Order::Newest,
                ("order", "oldest") => listing.ask.order = Order::Oldest,
                ("order", _) => return Err(allowed("newest or oldest")),
                ("log", name) => listing.log = Some(name.to_owned()),
                ("count", "exact") => listing.count = true,
                ("count", _) => return Err(allowed("exact")),
                ("limit", limit) => {
                    let limit = limit.parse().ok().filter(|n| (1..=LIMIT_MAX).contains(n));
                    listing.ask.limit = limit.ok_or_else(|| allowed("a number from 1 to 1000"))?;
                }
                ("cursor", cursor) => {
                    let cursor = cursor.parse::<Cursor>().map_err(|e| wrong(e.to_string()))?;
                    listing.ask.cursor = Some(cursor);
                }
                _ => {}
            }
        }
        Ok(listing)
    }
}

/// The filter that parameters make: each `q`, and each name of the search language; `own` are none.
pub(super) fn filter_of(
    parameters: &[(String, String)],
    own: &[&str],
    now: i64,
) -> Result<Filter, Failure> {
    let wrong = |what: String| Failure::bad_request("query", what);
    let query = parameters.iter().filter(|(name, _)| name == "q").map(|(_, text)| text.as_str());
    let query = query.collect::<Vec<_>>().join(" ");
    let mut filter = Filter::parse(&query, now).map_err(|error| wrong(format!("q: {error}")))?;
    for (name, value) in parameters {
        if name != "q" && !own.contains(&name.as_str()) {
            let narrowed = filter.and(name, value, now);
            filter = narrowed.map_err(|e| wrong(format!("{name}: {}", e.reason)))?;
        }
    }
    Ok(filter)
}

pub(crate) async fn search(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    Parameters(parameters): Parameters,
) -> Result<Response, Failure> {
    stated::turn_away(&app, &caller, Access::new("events.search", "list")).await?;
    let listing = Listing::parse(&parameters, app.clock.now())?;
    let asked: Vec<String> = parameters.iter().map(|(n, value)| format!("{n}={value}")).collect();
    let access = Access::new("events.search", "list").asking(&asked.join(" "));
    let access = match &listing.log {
        Some(name) => access.of_log(name),
        None => access,
    };
    let read = async |scope| {
        app.backlog.indexed().await?;
        app.turns.long(|| list(&app, &scope, &listing)).await
    };
    stated::read(&app, &caller, access, read).await
}

/// One page of a list, as it is answered.
#[derive(Serialize)]
struct List<'a> {
    events: Vec<Shown<'a>>,
    next: Option<String>,
    partial: bool,
    scanned: u64,
    unreadable: Vec<ShownUnreadable<'a>>,
    count: Option<ShownCount>,
    gaps: Vec<ShownGap<'a>>,
    gaps_more: u64,
    /// The log that took over from the one that was asked for: the newest events are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    followed_by: Option<&'a str>,
    took_ms: f64,
}

#[derive(Serialize)]
struct ShownUnreadable<'a> {
    log: &'a str,
    seq: u64,
    reason: &'a str,
}

#[derive(Serialize)]
struct ShownCount {
    count: u64,
    partial: bool,
}

fn list(app: &App, scope: &Scope, listing: &Listing) -> Result<Answered, Failure> {
    let started = app.clock.elapsed();
    // A name that is none is a slip of the pen, and an empty list would hide it.
    let log = listing.log.as_ref().map(|name| readable(app, scope, name)).transpose()?;
    let (page, counted, gaps) = reading(app, |source| {
        let page = query::search(source, scope, &listing.filter, &listing.ask)?;
        let count = || count_exact(source, scope, &listing.filter, COUNT_ROWS_MAX);
        Ok((page, listing.count.then(count).transpose()?, gaps(source, scope)))
    })?;
    let unreadable = page.unreadable.iter();
    let (shown, hidden) = gaps.gaps.split_at(gaps.gaps.len().min(GAPS_SHOWN));
    let response = answer(&List {
        events: Shown::all(&page.hits)?,
        next: page.next.as_ref().map(ToString::to_string),
        partial: page.partial,
        scanned: page.scanned,
        unreadable: unreadable
            .map(|Unreadable { log, seq, reason }| ShownUnreadable { log, seq: *seq, reason })
            .collect(),
        count: counted.map(|Count { count, partial, .. }| ShownCount { count, partial }),
        gaps: ShownGap::all(shown),
        gaps_more: gaps.more + hidden.len() as u64,
        followed_by: log.as_ref().and_then(|log| log.successor()),
        took_ms: app.clock.elapsed().saturating_sub(started).as_secs_f64() * 1_000.0,
    });
    Ok(Answered { response, events: page.hits.len() as u64 })
}
