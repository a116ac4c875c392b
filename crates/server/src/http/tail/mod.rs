//! `GET /v1/tail`: events as they are committed, as server-sent events (WHATWG HTML, 9.2).
//!
//! Promises: who comes again with the last `id` gets every matching event once. What is shown was
//! compared with its signed entry, as everywhere. The reader sets the pace: a batch is read when
//! the one before it is taken, so a slow reader costs one batch and falls behind, and hears by how
//! much. A tail ends within a beat of its token's end.

mod pace;
mod stream;
mod text;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use query::{Batch, Filter, LIMIT_MAX, Mark, MarkError, Places, Room, Scope};
use tokio::sync::mpsc;

use super::auth::{Caller, token_of};
use super::error::Failure;
use super::extract::Parameters;
use super::list::filter_of;
use super::read::reading;
use crate::access::Principal;
use crate::access::stated::{self, Access, Answered};
use crate::app::App;
use crate::tails::Seat;
use stream::Tail;

/// Parameters that are no filter.
const OWN: [&str; 2] = ["cursor", "last"];
/// Events that are read to find the last ones.
const LAST_ROWS_MAX: u64 = 500_000;

/// A tail as it is asked for.
struct Wanted {
    filter: Filter,
    /// When the filter was read for the first time.
    began: i64,
    mark: Option<Mark>,
    /// How many that are there already.
    last: usize,
}

impl Wanted {
    fn parse(
        parameters: &[(String, String)],
        headers: &HeaderMap,
        now: i64,
    ) -> Result<Wanted, Failure> {
        let wrong = |what: String| Failure::bad_request("query", what);
        let own = |name: &str| parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        // A browser that connects again sends the header, to the address it began with.
        let header = headers.get("last-event-id").and_then(|id| id.to_str().ok());
        let mark = header.filter(|id| !id.is_empty()).or_else(|| own("cursor"));
        let mark: Option<Mark> = mark
            .map(|mark| mark.parse().map_err(|error: MarkError| wrong(error.to_string())))
            .transpose()?;
        let began = mark.as_ref().map_or(now, |mark| mark.began);
        let last = own("last").map_or(Some(0), |text| text.parse().ok());
        let last = last
            .filter(|last| *last <= LIMIT_MAX)
            .ok_or_else(|| wrong(format!("last: allowed is a number from 0 to {LIMIT_MAX}")))?;
        Ok(Wanted { filter: filter_of(parameters, &OWN, began)?, began, mark, last })
    }

    /// Where it begins, with what is shown first.
    fn begin(&self, app: &App, scope: &Scope) -> Result<Batch, Failure> {
        let at = |end: Places| Batch { end, more: true, ..Batch::default() };
        let room = Room { events_max: self.last, bytes_max: 16 << 20, rows_max: LAST_ROWS_MAX };
        match &self.mark {
            Some(mark) => {
                let places =
                    reading(app, |source| Ok(mark.places_of(source, scope, &self.filter)))?;
                places.map(at).map_err(|e| Failure::bad_request("query", e.to_string()))
            }
            None if self.last > 0 => {
                reading(app, |source| query::newest(source, scope, &self.filter, room))
            }
            None => reading(app, |source| {
                let beginnings = query::beginnings(source, scope, &self.filter);
                Ok(at(beginnings.unwrap_or_else(|| query::ends(source, scope))))
            }),
        }
    }
}

pub(crate) async fn tail(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    headers: HeaderMap,
    Parameters(parameters): Parameters,
) -> Result<Response, Failure> {
    stated::turn_away(&app, &caller, Access::new("events.tail", "list")).await?;
    let wanted = Wanted::parse(&parameters, &headers, app.clock.now())?;
    let asked: Vec<String> = parameters.iter().map(|(n, value)| format!("{n}={value}")).collect();
    let access = Access::new("events.tail", "list").asking(&asked.join(" "));
    let read = async |scope| {
        let response = begin(&app, &caller, &headers, wanted, scope).await?;
        // What it shows comes after its beginning is stated.
        Ok(Answered { response, events: 0 })
    };
    stated::read(&app, &caller, access, read).await
}

async fn begin(
    app: &Arc<App>,
    caller: &Principal,
    headers: &HeaderMap,
    wanted: Wanted,
    scope: Scope,
) -> Result<Response, Failure> {
    app.backlog.indexed().await?;
    let seat: Seat = app.tails.enter(&caller.tenant)?;
    let first = {
        let (scope, wanted) = (&scope, &wanted);
        app.turns.long(move || wanted.begin(app, scope)).await?
    };
    let (give, take) = mpsc::channel(1);
    let token = token_of(headers).unwrap_or_default().to_owned();
    let tail =
        Tail::new(app.clone(), seat, caller.clone(), scope, wanted.filter, wanted.began, token);
    let body = Body::new(tail.body(take));
    tokio::spawn(tail.run(first, give));
    let no_buffer = HeaderName::from_static("x-accel-buffering");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (no_buffer, HeaderValue::from_static("no")),
    ];
    Ok((headers, body).into_response())
}
