//! Trials over past events: the read, and what every answer to one says beside what was found.

use std::sync::Arc;

use axum::response::Response;
use query::{Filter, Hit, Scope};
use serde::Serialize;

use super::error::Failure;
use super::read::reading;
use super::shown::answer;
use crate::access::Principal;
use crate::access::stated::{self, Access, Answered};
use crate::app::App;
use crate::trial::{ROWS_MAX, Trial};

#[derive(Serialize)]
struct Tried<T> {
    #[serde(flatten)]
    found: T,
    scanned: u64,
    partial: bool,
    unreadable: u64,
    took_ms: f64,
}

/// Lets a trial hear the events that pass a filter, and answers what it found.
pub(super) async fn answered<T: Trial + Send>(
    app: &Arc<App>,
    caller: &Principal,
    access: Access,
    filter: &Filter,
    trial: T,
) -> Result<Response, Failure> {
    let read = async move |scope| {
        app.backlog.indexed().await?;
        app.turns.long(|| tried(app, &scope, filter, trial)).await
    };
    stated::read(app, caller, access, read).await
}

fn tried<T: Trial>(
    app: &App,
    scope: &Scope,
    filter: &Filter,
    mut trial: T,
) -> Result<Answered, Failure> {
    let started = app.clock.elapsed();
    let walked = reading(app, |source| {
        let add = |hit: &Hit| trial.add(hit);
        query::each(source, scope, filter, T::ORDER, ROWS_MAX, add)
    })?;
    let events = trial.events(walked.scanned);
    let response = answer(&Tried {
        found: trial.judged(),
        scanned: walked.scanned,
        partial: walked.partial,
        unreadable: walked.unreadable,
        took_ms: app.clock.elapsed().saturating_sub(started).as_secs_f64() * 1_000.0,
    });
    Ok(Answered { response, events })
}
