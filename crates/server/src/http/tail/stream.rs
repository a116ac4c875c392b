//! One tail, from its first event to its end.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
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
use crate::access::stated::still_may;
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
    /// Events that the connection took.
    taken: Arc<AtomicU64>,
    pace: Pace,
}

/// Nobody listens any more.
struct Gone;

type Pipe = mpsc::Sender<Piece>;

/// What is said at once, with how many events it shows.
pub(super) struct Piece {
    text: Bytes,
    events: u64,
}

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
        let (places, pace) = (Places::new(), Pace::new());
        let taken = Arc::default();
        Tail { app, seat, caller, scope, filter, began, token, places, taken, pace }
    }

    /// What its connection takes.
    pub(super) fn body(&self, take: mpsc::Receiver<Piece>) -> Pieces {
        Pieces { take, taken: self.taken.clone() }
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
            let text = text::end(why, self.events()).into();
            let _ = give.send(Piece { text, events: 0 }).await;
        }
    }

    /// States how many events were shown. Before the last word: a stop waits for that.
    async fn state_end(&self, why: Option<Why>) {
        let events = self.events();
        let statement = Statement::new("events.tail", "audit", "list")
            .with(&["phase"], "end")
            .with(&["outcome", "counts", "succeeded"], number(events))
            .with(&["outcome", "code"], why.map_or("left", Why::word))
            .ended("success");
        let statement = self.caller.does(statement);
        let stated = self.app.state(&self.caller.tenant, Purpose::Access, statement).await;
        if stated.is_err() {
            tracing::error!(events, "the end of a tail could not be stated");
        }
    }

    async fn follow(&mut self, first: Batch, give: &Pipe) -> Result<Why, Gone> {
        let mut moved = self.seat.moved();
        self.send(give, text::hello(&self.mark(&first.before())), 0).await?;
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
            let events = batch.items.iter().filter(|item| item.is_event()).count() as u64;
            self.send(give, said, events).await?;
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

    async fn send(&mut self, give: &Pipe, text: String, events: u64) -> Result<(), Gone> {
        give.send(Piece { text: text.into(), events }).await.map_err(|_| Gone)?;
        // The pipe has room for one: who gets it empty took what was before.
        let room = give.reserve().await.map_err(|_| Gone)?;
        drop(room);
        self.pace.sent();
        Ok(())
    }

    /// Events that the connection took until now.
    fn events(&self) -> u64 {
        self.taken.load(Relaxed)
    }

    fn mark(&self, places: &Places) -> Mark {
        Mark::new(self.began, &self.filter, places.clone())
    }

    /// Whether the token still stands for who may read here.
    fn is_allowed(&self) -> bool {
        let principal = self.app.tokens.authenticate(&self.token);
        principal.is_ok_and(|principal| still_may(&principal, &self.scope))
    }
}

async fn stopped(mut stop: watch::Receiver<bool>, app: &App) -> Why {
    // The sender lives as long as the server; its end is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
    if app.failed.load(Relaxed) { Why::Failed } else { Why::Stopping }
}

/// The answer's body: what the tail says, when it says it. Counts the events that the connection
/// takes.
pub(super) struct Pieces {
    take: mpsc::Receiver<Piece>,
    taken: Arc<AtomicU64>,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let taken = self.taken.clone();
        self.take.poll_recv(cx).map(|piece| {
            piece.map(|Piece { text, events }| {
                taken.fetch_add(events, Relaxed);
                Ok(Frame::data(text))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn what_the_connection_did_not_take_is_not_counted() {
        let (give, take) = mpsc::channel(2);
        let taken = Arc::new(AtomicU64::new(0));
        let mut body = Pieces { take, taken: taken.clone() };
        for events in [3, 4] {
            let piece = Piece { text: "data: {}\n\n".into(), events };
            give.send(piece).await.map_err(|_| "closed").expect("there is room");
        }
        assert_eq!(taken.load(Relaxed), 0);
        assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
        drop(body);
        assert_eq!(taken.load(Relaxed), 3, "the connection is gone, and with it the rest");
    }
}
