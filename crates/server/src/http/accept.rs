//! The listener: takes connections up to a bound, and stops in order.
//!
//! Promises: whatever connections do or leave undone, a stop ends within [`Patience::answers`]: who
//! waits for an answer gets it, and nobody else is waited for. An error of `accept` ends nothing.
//!
//! No peer may have all of them (`peers.rs`). At either bound a connection is answered 503 and
//! closed. To let it wait unaccepted would be less work, but the sender would learn nothing, and a
//! probe that waits looks like a dead server.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connection::serve;
use super::error::Failure;
use super::peers::Peers;
use super::request_id::{RequestId, RequestIds};
use super::seen::Patience;
use crate::app::Connections;

/// How long to wait where the system has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);
/// Connections that are being turned away at once, and no more than there may be open ones; further
/// ones are closed without a word.
const TURNED_AWAY_MAX: usize = 64;
/// How long one that is turned away has to read why.
const TURN_AWAY_MAX: Duration = Duration::from_secs(1);

/// Serves connections until `stopped` says so, and then until the last answer.
pub(crate) async fn listen(
    listener: TcpListener,
    router: Router,
    connections: Arc<Connections>,
    patience: Patience,
    ids: Arc<RequestIds>,
    stopped: watch::Receiver<bool>,
) {
    let mut stop = stopped.clone();
    let mut open = JoinSet::new();
    let mut turned_away = JoinSet::new();
    let peers = Peers::default();
    loop {
        tokio::select! {
            // The sender lives as long as the server; its end is a stop as well.
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = open.join_next() => {
                connections.open.store(open.len() as u64, Relaxed);
            }
            Some(_) = turned_away.join_next() => {}
            (stream, address) = next(|| listener.accept()) => {
                let max = connections.max.load(Relaxed);
                let of_peer = connections.per_peer_max.load(Relaxed);
                let place = peers.enter(address.ip(), of_peer).filter(|_| open.len() < max);
                if let Some(place) = place {
                    let served = serve(stream, router.clone(), patience, stopped.clone());
                    open.spawn(async move {
                        let _place = place;
                        served.await;
                    });
                    connections.open.store(open.len() as u64, Relaxed);
                    continue;
                }
                connections.refused.fetch_add(1, Relaxed);
                if turned_away.len() < TURNED_AWAY_MAX.min(max) {
                    turned_away.spawn(timeout(TURN_AWAY_MAX, turn_away(stream, ids.make())));
                }
            }
        }
    }
    drop(listener);
    drop(turned_away);
    let ended = async { while open.join_next().await.is_some() {} };
    if timeout(patience.answers, ended).await.is_err() {
        let busy = open.len();
        tracing::warn!(busy, "connections were still busy and are cut off");
        // One that is in the middle of a read ends when that does; nobody waits for it.
        open.abort_all();
    }
}

/// The next connection. Errors are traced: some are a peer's, and the others pass when something
/// is closed.
async fn next<T, F: Future<Output = io::Result<T>>>(accept: impl Fn() -> F) -> T {
    loop {
        match accept().await {
            Ok(stream) => return stream,
            Err(error) if is_of_peer(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted now");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The peer hung up before it was accepted; the next one is none the worse for it.
fn is_of_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Says that there is no room, and reads on until the peer has heard it: to close before would make
/// TCP throw the answer away together with the request.
async fn turn_away(mut stream: TcpStream, id: RequestId) -> io::Result<()> {
    stream.write_all(full(id).as_bytes()).await?;
    stream.shutdown().await?;
    let mut piece = [0; 4096];
    while stream.read(&mut piece).await? > 0 {}
    Ok(())
}

/// The answer at the bound. No request was read: the id is one of ours.
fn full(id: RequestId) -> String {
    let detail = "the server has as many connections as it may, in all or from this address; \
                  retry soon";
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
         retry-after: 1\r\nx-request-id: {id}\r\nconnection: close\r\n"
    );
    let failure = Failure::busy("connections", detail);
    // Texts and numbers are always JSON.
    let body = serde_json::to_string(&failure.problem(Some(id))).unwrap_or_default();
    format!("{head}content-length: {}\r\n\r\n{body}", body.len())
}

#[cfg(test)]
mod tests;
