//! Reading: single events, traces, proofs, gaps. All of it through a `Scope`; lists are in `list`.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use commit::receipt::tlog_proof;
use commit::{Log, LogMap, ReadError};
use query::{QueryError, Scope, Source, Unreadable, gaps};
use serde::Serialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::Failure;
use super::extract::{InPath, Seq};
use super::shown::{Place, Shown, ShownDamage, ShownGap, answer};
use super::trace::ShownTrace;
use crate::access::stated::{self, Access, Answered};
use crate::app::App;
use crate::backlog;

/// How long one read may take; what it found until then is partial.
const READ_MAX: Duration = Duration::from_secs(10);

/// Reads within the time that a read may take, or until the server stops.
pub(crate) fn reading<T>(
    app: &App,
    read: impl FnOnce(&Source<'_>) -> Result<T, QueryError>,
) -> Result<T, Failure> {
    let end = app.clock.elapsed() + READ_MAX;
    let is_over = || app.clock.elapsed() > end || app.stopping.load(Relaxed);
    let logs = app.store.logs();
    let damaged = |log: &Arc<Log>, seq| backlog::found_by_read(app, log, seq);
    let source = Source { logs: &logs, hot: &app.hot, is_over: &is_over, damaged: &damaged };
    read(&source).map_err(|error| query_failure(&logs, &error))
}

fn query_failure(logs: &LogMap, error: &QueryError) -> Failure {
    match error {
        QueryError::Read(error) => Failure::internal(error),
        QueryError::Damaged(Unreadable { log, seq, .. }) => {
            let aside = logs.get(log).is_some_and(|log| log.damaged().is_some());
            damaged(aside, &format!("nothing is found; entry {seq} of the log {log}, maybe it,"))
        }
        error => Failure::bad_request("query", error.to_string()),
    }
}

/// An entry cannot be read. What was set aside is known to have such ones, and they are answered as
/// what is not there.
fn damaged(aside: bool, entry: &str) -> Failure {
    if aside {
        let what = "stands in a part that was set aside as damaged, and cannot be read";
        return Failure::not_found(format!("{entry} {what}"));
    }
    Failure::damaged(&format!("{entry} is not what was signed"))
}

pub(crate) async fn open_gaps(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
) -> Result<Json<Value>, Failure> {
    let scope = caller.overview()?;
    app.backlog.indexed().await?;
    let open = || {
        let found = reading(&app, |source| Ok(gaps(source, &scope)))?;
        Ok(Json(json!({ "gaps": ShownGap::all(&found.gaps), "more": found.more })))
    };
    app.turns.short(open).await
}

/// The newest event with an id, and where the others stand.
#[derive(Serialize)]
struct OfId<'a> {
    #[serde(flatten)]
    newest: Shown<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<Place<'a>>,
    /// Whether there may be more than stand in `others`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    others_more: bool,
}

pub(crate) async fn by_id(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath(id): InPath<String>,
) -> Result<Response, Failure> {
    let access = Access::new("event.read", "read").to("event", &id);
    let read = async |scope| {
        app.backlog.indexed().await?;
        app.turns.short(|| newest_of(&app, &scope, &id)).await
    };
    stated::read(&app, &caller, access, read).await
}

fn newest_of(app: &App, scope: &Scope, id: &str) -> Result<Answered, Failure> {
    let (hits, others_more) = reading(app, |source| {
        let found = query::by_id(source, scope, id)?;
        let more = found.more || !found.unreadable.is_empty();
        Ok((found.known()?, more))
    })?;
    let Some((newest, others)) = hits.split_first() else {
        return Err(Failure::not_found("no event has this id, or none that you may read"));
    };
    let others = others.iter().map(Place::new).collect();
    let response = answer(&OfId { newest: Shown::new(newest)?, others, others_more });
    Ok(Answered { response, events: 1 })
}

/// A log that the caller may read.
pub(crate) fn readable(app: &App, scope: &Scope, name: &str) -> Result<Arc<Log>, Failure> {
    let log = app.store.logs().get(name).filter(|log| scope.sees(&log.meta)).cloned();
    log.ok_or_else(|| Failure::not_found("no such log, or none that you may read"))
}

/// Why an entry of a log is not answered with what it says; damage is told to who must hear of it.
pub(crate) fn failure_of(app: &App, log: &Arc<Log>, error: &ReadError) -> Failure {
    match error {
        ReadError::Absent(seq) => Failure::not_found(format!("the log has no entry {seq}")),
        ReadError::Damaged(seq, _) => {
            backlog::found_by_read(app, log, *seq);
            let what = format!("entry {seq} of the log {}", log.meta.name());
            damaged(log.damaged().is_some(), &what)
        }
        error => Failure::internal(error),
    }
}

pub(crate) async fn by_seq(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath((name, Seq(seq))): InPath<(String, Seq)>,
) -> Result<Response, Failure> {
    let access = Access::new("event.read", "read").of_log(&name).to("entry", &seq.to_string());
    let one = |scope: &Scope| {
        let found = reading(&app, |source| Ok(query::by_seq(source, scope, &name, seq)))?;
        let found = found.map_err(|error| match (&error, app.store.logs().get(&name)) {
            (QueryError::Read(error), Some(log)) => failure_of(&app, log, error),
            _ => query_failure(&app.store.logs(), &error),
        })?;
        let absent = || Failure::not_found("no such log or entry, or none that you may read");
        let hit = found.ok_or_else(absent)?;
        Ok(Answered { response: answer(&Shown::new(&hit)?), events: 1 })
    };
    let read = async |scope| app.turns.short(|| one(&scope)).await;
    stated::read(&app, &caller, access, read).await
}

pub(crate) async fn logs(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
) -> Result<Json<Value>, Failure> {
    let scope = caller.overview()?;
    let all = app.store.logs();
    let logs = all.values().filter(|log| scope.may_see(&log.meta));
    Ok(Json(json!({ "logs": logs.map(|log| shown_log(log)).collect::<Vec<_>>() })))
}

/// A log; `follows` and `damaged` stand only where there is something to say.
fn shown_log(log: &Log) -> Value {
    let checkpoint = log.checkpoint();
    let mut shown = json!({
        "name": log.meta.name(), "origin": log.meta.origin, "tenant": log.meta.tenant,
        "public": log.meta.public, "purpose": log.meta.purpose, "opened_at": log.meta.opened_at,
        "vkey": log.vkey(), "vkeys": log.signing_vkeys(), "size": checkpoint.size,
        "checkpoint": checkpoint.note,
    });
    if let Some(before) = &log.meta.follows {
        shown["follows"] = json!(before);
    }
    if let Some(damaged) = log.damaged() {
        shown["damaged"] = json!(ShownDamage::new(damaged));
    }
    shown
}

/// The proof of one entry (c2sp.org/tlog-proof@v1).
pub(crate) async fn receipt(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath((name, Seq(seq))): InPath<(String, Seq)>,
) -> Result<Response, Failure> {
    let access = Access::new("receipt.export", "export").of_log(&name);
    let access = access.to("entry", &seq.to_string());
    let read = async |scope| {
        let log = readable(&app, &scope, &name)?;
        let proof = tlog_proof(&log, &log.checkpoint(), seq);
        let absent = || Failure::not_found(format!("the log has no entry {seq}"));
        let text = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        let response = (text, proof.ok_or_else(absent)?).into_response();
        Ok(Answered { response, events: 0 })
    };
    stated::read(&app, &caller, access, read).await
}

pub(crate) async fn trace(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath(id): InPath<String>,
) -> Result<Response, Failure> {
    let access = Access::new("trace.read", "read").to("trace", &id);
    let whole = |scope: &Scope| {
        let found = reading(&app, |source| query::trace(source, scope, &id))?;
        let absent = || Failure::not_found("nothing is recorded under this id that you may read");
        let found = found.ok_or_else(absent)?;
        let events = found.hops.len() as u64;
        Ok(Answered { response: answer(&ShownTrace::new(&found)?), events })
    };
    let read = async |scope| {
        app.backlog.indexed().await?;
        app.turns.long(|| whole(&scope)).await
    };
    stated::read(&app, &caller, access, read).await
}
