//! The id of a request: by it, an answer, the traces and the log of accesses speak of the same one.
//!
//! Promises: every answer of the router has one in `x-request-id`, and so has every problem. One
//! that the caller sends is taken if it is 1 to 128 of `A-Z a-z 0-9 . _ -`; otherwise one is made,
//! which no other request of any start has (but for one chance in 2^32).
//!
//! Never: trusted. Two callers may send the same one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use platform::Entropy;
use tokio::task::JoinHandle;
use tracing::Instrument;

const NAME: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of one that is taken from the caller.
const CHARS_MAX: usize = 128;

/// One request's id. Handlers find it among the request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(Arc<str>);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

tokio::task_local! {
    static CURRENT: RequestId;
}

impl RequestId {
    /// That of the request which this task answers.
    pub(crate) fn current() -> Option<RequestId> {
        CURRENT.try_with(Clone::clone).ok()
    }

    fn sent(headers: &HeaderMap) -> Option<RequestId> {
        let text = headers.get(&NAME)?.to_str().ok()?;
        let sane = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let taken = (1..=CHARS_MAX).contains(&text.len()) && text.bytes().all(sane);
        taken.then(|| RequestId(text.into()))
    }
}

/// Makes ids: a random word for each start, and a number.
#[derive(Debug)]
pub(crate) struct RequestIds {
    start: String,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(entropy: &dyn Entropy) -> Arc<RequestIds> {
        let mut start = [0; 4];
        entropy.fill(&mut start);
        Arc::new(RequestIds { start: commit::hex(&start), next: AtomicU64::new(0) })
    }

    pub(super) fn make(&self) -> RequestId {
        let number = self.next.fetch_add(1, Relaxed);
        RequestId(format!("{}-{number:08x}", self.start).into())
    }
}

/// Work of a request that goes on if its caller hangs up. What it states and traces has the
/// request's id.
pub(crate) fn outliving<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    match RequestId::current() {
        Some(id) => tokio::spawn(CURRENT.scope(id, work).in_current_span()),
        None => tokio::spawn(work.in_current_span()),
    }
}

/// Wraps all handlers: whatever is answered or traced within has the id.
pub(super) async fn identify(
    State(ids): State<Arc<RequestIds>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId::sent(request.headers()).unwrap_or_else(|| ids.make());
    request.extensions_mut().insert(id.clone());
    let span = tracing::error_span!("request", id = %id);
    let answered = CURRENT.scope(id.clone(), next.run(request)).instrument(span);
    let mut response = answered.await;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(NAME, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_is_taken_as_it_is() {
        let longest = "x".repeat(CHARS_MAX);
        for (text, taken) in [
            ("a.B_c-9", true),
            (longest.as_str(), true),
            (&format!("{longest}x"), false),
            ("", false),
            ("a b", false),
            ("a/b", false),
            ("\"", false),
        ] {
            let value = HeaderValue::from_str(text).expect("a header");
            let found = RequestId::sent(&HeaderMap::from_iter([(NAME, value)]));
            assert_eq!(found.is_some(), taken, "{text:?}");
        }
    }

    #[test]
    fn ids_that_are_made_differ() {
        let ids = RequestIds::new(&platform::SystemEntropy);
        let (one, two) = (ids.make(), ids.make());
        assert_eq!(one.0.len(), 17, "{one}");
        assert_ne!(one, two);
    }
}
