//! One tail, from its first event to its end.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use admit::{Statement, number};
use axum::body::Bytes;
use commit::Purpose;
use http_body::{Body as HttpBody, Frame};
use query::{Batch, Filter, Mark, Places, Room, Scope};
use tokio::sync::{mpsc, watch};

use super::super::error::Failure;
use super::super::read::reading;
use super::pace::Pace;
use super::text::{self, Why};
use crate::access::Principal;
use crate::app::App;
use crate::tails::Seat;

/// What is read at once, and held until the reader takes it.
const ROOM: Room = Room { events_max: 256, bytes_max: 256 << 10, rows_max: 4_096 };
/// A reader with more entries before it than these hears so.
const LAG_ENTRIES_MAX: u64 = 10_000;

/// A tail.
pub(super) struct Tail {
    app: Arc<App>,
    seat: Seat,
    caller: Principal,
    scope: Scope,
    filter: Filter,
    began: i64,
    token: String,
    /// How far it is.
    places: Places,
    events: u64,
    pace: Pace,
}

/// Nobody listens any more.
struct Gone;

type Pipe = mpsc::Sender<Bytes>;

impl Tail {
    pub(super) fn new(
        app: Arc<App>,
        seat: Seat,
        caller: Principal,
        scope: Scope,
        filter: Filter,
        began: i64,
        token: String,
    ) -> Tail {
        let (places, events, pace) = (Places::new(), 0, Pace::new());
        Tail { app, seat, caller, scope, filter, began, token, places, events, pace }
    }

    /// Follows until the server stops, the token ends or nobody listens.
    pub(super) async fn run(mut self, first: Batch, give: Pipe) {
        let (stop, app) = (self.seat.stop(), self.app.clone());
        let why = tokio::select! {
            why = self.follow(first, &give) => why,
            why = stopped(stop, &app) => Ok(why),
            () = give.closed() => Err(Gone),
        };
        self.state_end(why.as_ref().ok().copied()).await;
        if let Ok(why) = why {
            // Who does not take it is gone with the connection.
            let _ = give.send(text::end(why, self.events).into()).await;
        }
    }

    /// States how many events were shown. Before the last word: a stop waits for that.
    async fn state_end(&self, why: Option<Why>) {
        let statement = Statement::new("events.tail", "audit", "list")
            .with(&["phase"], "end")
            .with(&["outcome", "counts", "succeeded"], number(self.events))
            .with(&["outcome", "code"], why.map_or("left", Why::word))
            .ended("success");
        let statement = self.caller.does(statement);
        let stated = self.app.state(&self.caller.tenant, Purpose::Access, statement).await;
        if stated.is_err() {
            tracing::error!(events = self.events, "the end of a tail could not be stated");
        }
    }

    async fn follow(&mut self, first: Batch, give: &Pipe) -> Result<Why, Gone> {
        let mut moved = self.seat.moved();
        self.send(give, text::hello(&self.mark(&first.before()))).await?;
        let mut batch = first;
        loop {
            let more = batch.more;
            if self.show(batch, give).await?.is_err() {
                return Ok(Why::Unread);
            }
            if self.pace.look_is_due() && !self.is_allowed() {
                return Ok(Why::Token);
            }
            if !more {
                // An error means that nothing will be committed any more: the server stops.
                self.pace.rest(async { drop(moved.changed().await) }).await;
            }
            // Before the read: what is committed behind it wakes the next rest.
            moved.mark_unchanged();
            batch = match self.pull().await {
                Ok(batch) => batch,
                Err(_) => return Ok(Why::Unread),
            };
        }
    }

    /// Sends what a batch holds, and waits until it is taken.
    async fn show(&mut self, batch: Batch, give: &Pipe) -> Result<Result<(), Failure>, Gone> {
        let mut said = match text::events(&batch, |places| self.mark(places)) {
            Ok(said) => said,
            Err(failure) => return Ok(Err(failure)),
        };
        self.places = batch.end;
        if self.pace.lag_is_due(batch.behind > LAG_ENTRIES_MAX) {
            said.push_str(&text::lag(batch.behind));
        }
        if said.is_empty() && self.pace.beat_is_due() {
            said = text::beat(&self.mark(&self.places));
        }
        if !said.is_empty() {
            self.send(give, said).await?;
            self.events += batch.items.len() as u64;
        }
        Ok(Ok(()))
    }

    /// The next events; short, and in turn with other tails.
    async fn pull(&self) -> Result<Batch, Failure> {
        let read = || {
            reading(&self.app, |source| {
                query::follow(source, &self.scope, &self.filter, &self.places, ROOM)
            })
        };
        self.app.turns.follow(read).await
    }

    async fn send(&mut self, give: &Pipe, text: String) -> Result<(), Gone> {
        give.send(text.into()).await.map_err(|_| Gone)?;
        // The pipe has room for one: who gets it empty took what was before.
        let room = give.reserve().await.map_err(|_| Gone)?;
        drop(room);
        self.pace.sent();
        Ok(())
    }

    fn mark(&self, places: &Places) -> Mark {
        Mark::new(self.began, &self.filter, places.clone())
    }

    /// Whether the token still stands for who may read here.
    fn is_allowed(&self) -> bool {
        let principal = self.app.tokens.authenticate(&self.token);
        principal.is_ok_and(|principal| principal.overview().is_ok_and(|s| s == self.scope))
    }
}

async fn stopped(mut stop: watch::Receiver<bool>, app: &App) -> Why {
    // The sender lives as long as the server; its end is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
    if app.failed.load(Relaxed) { Why::Failed } else { Why::Stopping }
}

/// The answer's body: what the tail says, when it says it.
pub(super) struct Pieces(pub(super) mpsc::Receiver<Bytes>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
