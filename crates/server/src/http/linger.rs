//! Reading on behind a failure, so that its answer arrives.
//!
//! A request that is refused before its body was read leaves bytes on the connection. To close it
//! then makes TCP throw away the answer together with them: the sender sees a broken connection and
//! not why. So what is still coming is read and forgotten first, within bounds.
//!
//! Never holds more than one piece of the rest; never waits for a sender who waits for an answer
//! (`Expect: 100-continue`), and for others not longer than [`WAIT_MAX`].

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;

/// What is read at most.
const BYTES_MAX: usize = 64 << 20;
/// How long at most.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Where a body goes that nobody wants to read any more.
type Left = Arc<Mutex<Option<Body>>>;

/// A body that is kept when it is dropped before its end.
struct Kept {
    body: Option<Body>,
    left: Left,
}

/// Wraps all handlers.
pub(crate) async fn linger(request: Request, next: Next) -> Response {
    let waits = request.headers().contains_key(header::EXPECT);
    if waits || request.body().is_end_stream() {
        return next.run(request).await;
    }
    let left = Left::default();
    let keep = left.clone();
    let request = request.map(|body| Body::new(Kept { body: Some(body), left: keep }));
    let response = next.run(request).await;
    let rest = left.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
    if let Some(body) = rest.filter(|_| !response.status().is_success()) {
        // Out of time or not: the answer goes out either way.
        let _ = tokio::time::timeout(WAIT_MAX, forget(body)).await;
    }
    response
}

async fn forget(mut body: Body) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > BYTES_MAX {
            return;
        }
    }
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(Default::default, HttpBody::size_hint)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| !body.is_end_stream());
        *self.left.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = rest;
    }
}
