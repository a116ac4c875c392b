//! The bearer token of a request.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use super::error::Failure;
use crate::access::Principal;
use crate::app::App;

/// Who calls. A handler that takes this cannot be reached without a known token.
pub(crate) struct Caller(pub(crate) Principal);

/// Who calls, where nobody need be known.
pub(crate) struct MaybeCaller(pub(crate) Option<Principal>);

fn principal(app: &App, parts: &Parts) -> Result<Option<Principal>, Failure> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Err(Failure::unauthorized("the authorization must be: Bearer <token>")),
    };
    match app.tokens.authenticate(token) {
        Some(principal) => Ok(Some(principal)),
        None => Err(Failure::unauthorized("this token is not known here, or was revoked")),
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let missing = "this needs a token: authorization: Bearer <token>";
        principal(app, parts)?.map(Caller).ok_or_else(|| Failure::unauthorized(missing))
    }
}

impl FromRequestParts<Arc<App>> for MaybeCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        Ok(MaybeCaller(principal(app, parts)?))
    }
}
