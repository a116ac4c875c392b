//! One connection, from its first byte to its end.
//!
//! Promises: it ends when its peer has had its time (`seen` says how much). At a stop it ends once
//! the request that is worked on has its whole answer; without one, at once.

#![expect(clippy::disallowed_methods, reason = "a peer's time on its connection is real time")]

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until};

use super::arrival::Arrival;
use super::seen::{Busy, Patience, Seen, Socket};

/// Bytes of a request's head, and of what is read ahead.
const BUFFER_BYTES_MAX: usize = 64 << 10;

/// Serves one connection to its end.
pub(super) async fn serve(
    stream: TcpStream,
    router: Router,
    patience: Patience,
    mut stopped: watch::Receiver<bool>,
) {
    // An answer is written whole; to wait for more to send with it gains nothing.
    let _ = stream.set_nodelay(true);
    let seen = Seen::new();
    let requests = Requests {
        router: TowerToHyperService::new(router),
        seen: seen.clone(),
        stopped: stopped.clone(),
    };
    let socket = TokioIo::new(Socket { stream, seen: seen.clone() });
    let mut http = http1::Builder::new();
    http.max_buf_size(BUFFER_BYTES_MAX).max_header_size(BUFFER_BYTES_MAX);
    // Who has sent all it has to send is answered all the same.
    http.half_close(true);
    let mut connection = pin!(http.serve_connection(socket, requests));
    let mut overdue = pin!(sleep_until(Instant::now() + patience.idle));
    let mut stop = pin!(stopped.wait_for(|stop| *stop));
    let mut stopping = false;
    poll_fn(|cx| {
        while connection.as_mut().poll(cx).is_pending() {
            if stopping || stop.as_mut().poll(cx).is_pending() {
                return poll_overdue(&seen, &patience, overdue.as_mut(), cx);
            }
            stopping = true;
            if !seen.asked() {
                break;
            }
            // Closes at once what waits between two requests; an answer is finished first.
            connection.as_mut().graceful_shutdown();
        }
        // How it ended is its peer's affair: it hung up, or sent what is no HTTP and heard so.
        Poll::Ready(())
    })
    .await;
}

/// Ready once the peer has had its time. The timer follows the deadline lazily: as long as requests
/// come and are answered, it is hardly touched.
fn poll_overdue(
    seen: &Seen,
    patience: &Patience,
    mut timer: Pin<&mut Sleep>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    loop {
        let Some(deadline) = seen.deadline(patience) else { return Poll::Pending };
        if deadline <= Instant::now() {
            return Poll::Ready(());
        }
        if deadline < timer.deadline() || timer.is_elapsed() {
            timer.as_mut().reset(deadline);
        }
        ready!(timer.as_mut().poll(cx));
    }
}

/// Answers the requests of one connection.
struct Requests {
    router: TowerToHyperService<Router>,
    seen: Seen,
    stopped: watch::Receiver<bool>,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Answer>, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let busy = Busy::new(&self.seen);
        let request = request.map(|body| Arrival::new(body, self.stopped.clone()));
        let answer = self.router.call(request);
        Box::pin(async { Ok(answer.await?.map(|body| Answer { body, _busy: busy })) })
    }
}

/// An answer's body; the request counts as worked on until it has been handed over.
struct Answer {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
