//! Reading: lists, single events, traces, proofs. All of it through a `Scope`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use commit::receipt::tlog_proof;
use commit::{Log, ReadError};
use event::format_time;
use query::{
    Ask, Cursor, Filter, Gap, Hit, LIMIT_MAX, Order, QueryError, Scope, Source, count_exact, gaps,
};
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::Failure;
use super::extract::{InPath, Parameters};
use crate::app::App;
use crate::ingest::work;

/// Events that one list may read before it says that it is partial.
const ROWS_MAX: u64 = 500_000;
/// Events that an exact count may read.
const COUNT_ROWS_MAX: u64 = 20_000_000;
/// Work of unknown size goes where it keeps no connection waiting.
pub(crate) const HEAVY: usize = usize::MAX;

/// A list as its query parameters ask for it; a name that is not ours is a filter by that name.
struct Listing {
    filter: Filter,
    ask: Ask,
    count: bool,
}

impl Listing {
    fn parse(parameters: &[(String, String)], now: i64) -> Result<Listing, Failure> {
        let wrong = |what: String| Failure::bad_request("query", what);
        let query =
            parameters.iter().filter(|(name, _)| name == "q").map(|(_, text)| text.as_str());
        let query = query.collect::<Vec<_>>().join(" ");
        let filter = Filter::parse(&query, now).map_err(|error| wrong(format!("q: {error}")))?;
        let ask = Ask { limit: 100, rows_max: ROWS_MAX, ..Ask::default() };
        let mut listing = Listing { filter, ask, count: false };
        for (name, value) in parameters {
            let allowed = |what: &str| wrong(format!("{name}={value}: allowed is {what}"));
            match (name.as_str(), value.as_str()) {
                ("q", _) => {}
                ("order", "newest") => listing.ask.order = Order::Newest,
                ("order", "oldest") => listing.ask.order = Order::Oldest,
                ("order", _) => return Err(allowed("newest or oldest")),
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
                (name, value) => {
                    let narrowed = listing.filter.and(name, value, now);
                    listing.filter =
                        narrowed.map_err(|e| wrong(format!("{name}: {}", e.reason)))?;
                }
            }
        }
        Ok(listing)
    }
}

/// What queries read from.
pub(crate) fn source(app: &App) -> Source<'_> {
    Source { logs: app.store.logs(), hot: &app.hot }
}

pub(crate) fn query_failure(error: &QueryError) -> Failure {
    match error {
        QueryError::Read(error) => read_failure(error),
        error => Failure::bad_request("query", error.to_string()),
    }
}

pub(crate) async fn search(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    Parameters(parameters): Parameters,
) -> Result<Json<Value>, Failure> {
    let scope = caller.scope()?;
    let listing = Listing::parse(&parameters, app.clock.now())?;
    app.backlog.indexed().await?;
    work(HEAVY, move || list(&app, &scope, &listing)).await?
}

fn list(app: &App, scope: &Scope, listing: &Listing) -> Result<Json<Value>, Failure> {
    let started = app.clock.elapsed();
    let source = source(app);
    let failure = |error: QueryError| query_failure(&error);
    let page = query::search(&source, scope, &listing.filter, &listing.ask).map_err(failure)?;
    let count = if listing.count {
        let counted = count_exact(&source, scope, &listing.filter, COUNT_ROWS_MAX);
        let counted = counted.map_err(failure)?;
        json!({ "count": counted.count, "partial": counted.partial })
    } else {
        Value::Null
    };
    let gaps = gaps(&source, scope);
    let unreadable = page
        .unreadable
        .iter()
        .map(|event| json!({ "log": event.log, "seq": event.seq, "reason": event.reason }));
    let took = app.clock.elapsed().saturating_sub(started);
    Ok(Json(json!({
        "events": page.hits.iter().map(hit).collect::<Result<Vec<_>, _>>()?,
        "next": page.next.as_ref().map(ToString::to_string),
        "partial": page.partial,
        "scanned": page.scanned,
        "unreadable": unreadable.collect::<Vec<_>>(),
        "count": count,
        "gaps": gaps.gaps.iter().map(gap).collect::<Vec<_>>(),
        "gaps_more": gaps.more,
        "took_ms": took.as_secs_f64() * 1_000.0,
    })))
}

/// An event as reads answer it.
pub(crate) fn hit(hit: &Hit) -> Result<Value, Failure> {
    let object = hit.fields.to_value().map_err(|error| Failure::internal(&error))?;
    let text = event::Value::Object(object).to_json();
    let event: Value = serde_json::from_str(&text).map_err(|error| Failure::internal(&error))?;
    Ok(json!({
        "log": hit.log.meta.name(),
        "origin": hit.log.meta.origin,
        "seq": hit.seq,
        "recorded_at": format_time(hit.recorded_at),
        "event": event,
    }))
}

pub(crate) fn gap(gap: &Gap) -> Value {
    json!({
        "log": gap.log, "principal": gap.principal, "producer": gap.producer,
        "stream": gap.stream, "first": gap.first, "count": gap.count,
        "since": format_time(gap.since),
    })
}

pub(crate) async fn open_gaps(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
) -> Result<Json<Value>, Failure> {
    let scope = caller.scope()?;
    app.backlog.indexed().await?;
    let found = gaps(&source(&app), &scope);
    let shown: Vec<Value> = found.gaps.iter().map(gap).collect();
    Ok(Json(json!({ "gaps": shown, "more": found.more })))
}

pub(crate) async fn by_id(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath(id): InPath<String>,
) -> Result<Json<Value>, Failure> {
    let scope = caller.scope()?;
    app.backlog.indexed().await?;
    let found = work(HEAVY, move || query::by_id(&source(&app), &scope, &id)).await?;
    let hits = found.map_err(|error| query_failure(&error))?;
    let Some((newest, others)) = hits.split_first() else {
        return Err(Failure::not_found("no event has this id, or none that you may read"));
    };
    let mut answer = hit(newest)?;
    if !others.is_empty() {
        let place = |hit: &Hit| json!({ "log": hit.log.meta.name(), "seq": hit.seq });
        answer["others"] = others.iter().map(place).collect();
    }
    Ok(Json(answer))
}

/// A log that the caller may read.
pub(crate) fn readable<'a>(
    app: &'a App,
    scope: &Scope,
    name: &str,
) -> Result<&'a Arc<Log>, Failure> {
    let log = app.store.logs().get(name).filter(|log| scope.sees(&log.meta));
    log.ok_or_else(|| Failure::not_found("no such log, or none that you may read"))
}

pub(crate) fn read_failure(error: &ReadError) -> Failure {
    match error {
        ReadError::Absent(seq) => Failure::not_found(format!("the log has no entry {seq}")),
        error => Failure::internal(error),
    }
}

pub(crate) async fn by_seq(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath((name, seq)): InPath<(String, u64)>,
) -> Result<Json<Value>, Failure> {
    let scope = caller.scope()?;
    let found = query::by_seq(&source(&app), &scope, &name, seq);
    let found = found.map_err(|error| query_failure(&error))?;
    let absent = || Failure::not_found("no such log or entry, or none that you may read");
    Ok(Json(hit(&found.ok_or_else(absent)?)?))
}

pub(crate) async fn logs(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
) -> Result<Json<Value>, Failure> {
    let scope = caller.scope()?;
    let logs = app.store.logs().values().filter(|log| scope.sees(&log.meta));
    let shown = logs.map(|log| {
        let checkpoint = log.checkpoint();
        json!({
            "name": log.meta.name(), "origin": log.meta.origin, "tenant": log.meta.tenant,
            "public": log.meta.public, "opened_at": log.meta.opened_at, "vkey": log.vkey(),
            "size": checkpoint.size, "checkpoint": checkpoint.note,
        })
    });
    Ok(Json(json!({ "logs": shown.collect::<Vec<_>>() })))
}

/// The proof of one entry (c2sp.org/tlog-proof@v1).
pub(crate) async fn receipt(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath((name, seq)): InPath<(String, u64)>,
) -> Result<Response, Failure> {
    let scope = caller.scope()?;
    let log = readable(&app, &scope, &name)?;
    let proof = tlog_proof(log, &log.checkpoint(), seq);
    let proof = proof.ok_or_else(|| Failure::not_found(format!("the log has no entry {seq}")))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], proof).into_response())
}

pub(crate) async fn trace(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath(id): InPath<String>,
) -> Result<Json<Value>, Failure> {
    let scope = caller.scope()?;
    app.backlog.indexed().await?;
    let found = work(HEAVY, move || query::trace(&source(&app), &scope, &id)).await?;
    let trace = found.map_err(|error| query_failure(&error))?;
    let absent = || Failure::not_found("nothing is recorded under this id that you may read");
    Ok(Json(super::trace::answer(&trace.ok_or_else(absent)?)?))
}
