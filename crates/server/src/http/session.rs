//! `GET /v1/sessions/{id}`: what one session did, page by page.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use event::format_time;
use query::{Counted, Cursor, CursorError, Hop, LIMIT_MAX, Scope, Session};
use serde::Serialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::Failure;
use super::extract::{InPath, Parameters};
use super::read::reading;
use super::shown::{Place, Shown, ShownGap, answer};
use super::trace::{ShownSkew, millis, skew};
use crate::access::stated::{self, Access, Answered};
use crate::app::App;

/// Events of a page unless asked otherwise.
const LIMIT: usize = 500;

/// A page; times of events count from the page's start.
#[derive(Serialize)]
struct ShownSession<'a> {
    id: &'a str,
    started_at: String,
    duration_ms: f64,
    actors: Vec<Value>,
    addresses: Vec<Value>,
    services: Vec<Value>,
    denied: u64,
    first_denied: Option<Place<'a>>,
    failed: u64,
    first_failed: Option<Place<'a>>,
    skew: Vec<ShownSkew<'a>>,
    gaps: Vec<ShownGap<'a>>,
    unreadable: u64,
    partial: bool,
    next: Option<String>,
    events: Vec<ShownStep<'a>>,
}

#[derive(Serialize)]
struct ShownStep<'a> {
    #[serde(flatten)]
    event: Shown<'a>,
    start_ms: f64,
    failed: bool,
}

pub(crate) async fn session(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    InPath(id): InPath<String>,
    Parameters(parameters): Parameters,
) -> Result<Response, Failure> {
    let asked = || Access::new("session.read", "read").to("session", &id);
    stated::turn_away(&app, &caller, asked()).await?;
    let (limit, cursor) = page_of(&parameters)?;
    let access = asked();
    let page = |scope: &Scope| {
        let found = reading(&app, |s| query::session(s, scope, &id, limit, cursor.clone()))?;
        let absent = || Failure::not_found("no session has this id, or none that you may read");
        let found = found.ok_or_else(absent)?;
        let events = found.hops.len() as u64;
        Ok(Answered { response: answer(&ShownSession::new(&found)?), events })
    };
    let read = async |scope| {
        app.backlog.indexed().await?;
        app.turns.long(|| page(&scope)).await
    };
    stated::read(&app, &caller, access, read).await
}

fn page_of(parameters: &[(String, String)]) -> Result<(usize, Option<Cursor>), Failure> {
    let wrong = |what: String| Failure::bad_request("query", what);
    let (mut limit, mut cursor) = (LIMIT, None);
    for (name, value) in parameters {
        match name.as_str() {
            "limit" => {
                let number = value.parse().ok().filter(|n| (1..=LIMIT_MAX).contains(n));
                let allowed = || wrong(format!("limit={value}: allowed is 1 to {LIMIT_MAX}"));
                limit = number.ok_or_else(allowed)?;
            }
            "cursor" => {
                let read: Result<Cursor, CursorError> = value.parse();
                cursor = Some(read.map_err(|error| wrong(error.to_string()))?);
            }
            other => {
                return Err(wrong(format!(
                    "unknown parameter {other:?}; allowed are limit, cursor"
                )));
            }
        }
    }
    Ok((limit, cursor))
}

impl<'a> ShownSession<'a> {
    fn new(session: &'a Session) -> Result<ShownSession<'a>, Failure> {
        let step = |hop: &'a Hop| {
            let start_ms = millis(hop.started_at.saturating_sub(session.started_at));
            Ok(ShownStep { event: Shown::new(&hop.hit)?, start_ms, failed: hop.failed })
        };
        let place = |at: Option<usize>| Some(Place::new(&session.hops.get(at?)?.hit));
        Ok(ShownSession {
            id: &session.id,
            started_at: format_time(session.started_at),
            duration_ms: millis(session.ended_at.saturating_sub(session.started_at)),
            actors: session.actors.iter().map(actor).collect(),
            addresses: named("address", &session.addresses),
            services: named("service", &session.services),
            denied: session.denied,
            first_denied: place(session.first_denied),
            failed: session.failed,
            first_failed: place(session.first_failed),
            skew: session.skews.iter().map(skew).collect(),
            gaps: ShownGap::all(&session.gaps),
            unreadable: session.unreadable,
            partial: session.partial,
            next: session.next.as_ref().map(ToString::to_string),
            events: session.hops.iter().map(step).collect::<Result<_, Failure>>()?,
        })
    }
}

fn actor(counted: &Counted<(String, String)>) -> Value {
    let Counted { what: (kind, id), events, first_at } = counted;
    json!({"type": kind, "id": id, "events": events, "first_at": format_time(*first_at)})
}

fn named(name: &str, all: &[Counted<String>]) -> Vec<Value> {
    let shown = |counted: &Counted<String>| {
        let Counted { what, events, first_at } = counted;
        json!({name: what, "events": events, "first_at": format_time(*first_at)})
    };
    all.iter().map(shown).collect()
}
