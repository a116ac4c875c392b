//! What a connection is doing, as seen from its socket.
//!
//! | phase | begins with | may last |
//! | --- | --- | --- |
//! | waiting | the end of an answer, or the connection | [`Patience::idle`] |
//! | head | the first byte of a request | [`Patience::head`], however the bytes trickle |
//! | busy | the whole head | as long as body and work may, which have bounds of their own |
//!
//! A peer that takes nothing of its answer is idle, whatever the phase; one that takes some is not.
//!
//! Never: looks into what is sent.
//!
//! KNOWN: the beginning of a head that came with the request before it is not seen to have come:
//! its peer counts as waiting, until more of it comes. The connection is held no longer than an
//! idle one and then one head, and a peer has so many of them (`peers.rs`).

#![expect(clippy::disallowed_methods, reason = "a peer's time on its connection is real time")]

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For a request's head, from its first byte to its last.
    pub(crate) head: Duration,
    /// For anything at all, where no request is worked on or its answer is not taken.
    pub(crate) idle: Duration,
    /// At a stop, for the answers that are still to be given.
    pub(crate) answers: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        let seconds = Duration::from_secs;
        Patience { head: seconds(10), idle: seconds(60), answers: seconds(10) }
    }
}

/// What is seen of one connection. Its socket, its requests and its end share it, all in one task:
/// nobody ever waits for the lock.
#[derive(Clone)]
pub(super) struct Seen(Arc<Mutex<State>>);

struct State {
    phase: Phase,
    /// Whether a request was ever worked on.
    asked: bool,
    /// Since when something is to be written that the peer does not take.
    blocked: Option<Instant>,
}

#[derive(Clone, Copy)]
enum Phase {
    Waiting(Instant),
    Head(Instant),
    Busy,
}

impl Seen {
    pub(super) fn new() -> Seen {
        let phase = Phase::Waiting(Instant::now());
        Seen(Arc::new(Mutex::new(State { phase, asked: false, blocked: None })))
    }

    /// By when something must have happened; `None` while a request is worked on.
    pub(super) fn deadline(&self, patience: &Patience) -> Option<Instant> {
        match *self.lock() {
            State { blocked: Some(since), .. } => Some(since + patience.idle),
            State { phase: Phase::Waiting(since), .. } => Some(since + patience.idle),
            State { phase: Phase::Head(since), .. } => Some(since + patience.head),
            State { phase: Phase::Busy, .. } => None,
        }
    }

    /// Whether a request was ever worked on. If not, a stop leaves nothing to be answered.
    pub(super) fn asked(&self) -> bool {
        self.lock().asked
    }

    fn received(&self) {
        let mut state = self.lock();
        if let Phase::Waiting(_) = state.phase {
            state.phase = Phase::Head(Instant::now());
        }
    }

    fn wrote(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        state.blocked = match polled {
            Poll::Pending => Some(state.blocked.unwrap_or_else(Instant::now)),
            Poll::Ready(_) => None,
        };
        if let (Poll::Ready(Ok(1..)), Phase::Waiting(since)) = (&polled, &mut state.phase) {
            *since = Instant::now();
        }
        polled
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Held from a request's head to the end of its answer's body.
pub(super) struct Busy(Seen);

impl Busy {
    pub(super) fn new(seen: &Seen) -> Busy {
        let mut state = seen.lock();
        (state.phase, state.asked) = (Phase::Busy, true);
        Busy(seen.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.lock().phase = Phase::Waiting(Instant::now());
    }
}

/// A connection's socket.
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    pub(super) seen: Seen,
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, into);
        if into.filled().len() > before {
            self.seen.received();
        }
        polled
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.seen.wrote(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.seen.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
