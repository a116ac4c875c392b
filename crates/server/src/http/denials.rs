//! The last word on a denial: whichever route turned somebody away, the access log has it before
//! the answer leaves. A route that says more of what was asked states it itself.

use std::sync::Arc;

use admit::Statement;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::Unstated;
use crate::access::stated;
use crate::app::App;

/// Bytes that are kept of the address asked for.
const PATH_BYTES_MAX: usize = 1 << 10;

/// Wraps all handlers.
pub(super) async fn state_denials(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let pattern = request.extensions().get::<MatchedPath>().cloned();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let mut response = next.run(request).await;
    let Some(Unstated(caller)) = response.extensions_mut().remove() else { return response };
    let route = format!("{method} {}", pattern.as_ref().map_or("", MatchedPath::as_str));
    let path = uri.path();
    let cut = path.floor_char_boundary(PATH_BYTES_MAX);
    let denied = Statement::new("request.deny", "audit", "other")
        .to("route", &route)
        .with(&["request", "method"], method.to_string())
        .with(&["request", "path"], path[..cut].to_owned());
    match stated::denied(&app, &caller, denied, &route).await {
        Ok(()) => response,
        Err(failure) => failure.into_response(),
    }
}
