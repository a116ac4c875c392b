//! The bearer token of a request.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::error::Failure;
use crate::access::Principal;
use crate::access::strangers::Stranger;
use crate::app::App;
use crate::tokens::Denied;

/// Who calls. A handler that takes this cannot be reached without a known token.
pub(crate) struct Caller(pub(crate) Principal);

/// Who calls, where nobody need be known.
pub(crate) struct MaybeCaller(pub(crate) Option<Principal>);

/// The token that a request brings, if it brings one as it should.
pub(crate) fn token_of(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn principal(app: &App, parts: &Parts) -> Result<Option<Principal>, Failure> {
    if !parts.headers.contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let found = match token_of(&parts.headers) {
        Some(token) => app.tokens.authenticate(token).map_err(|denied| match denied {
            Denied::Unknown => Stranger::Unknown,
            Denied::Expired => Stranger::Expired,
        }),
        None => Err(Stranger::Malformed),
    };
    found.map(Some).map_err(|stranger| turned_away(app, stranger))
}

/// Counts somebody without a token in force; what to answer.
fn turned_away(app: &App, stranger: Stranger) -> Failure {
    app.metrics.strangers.add(stranger);
    Failure::unauthorized(match stranger {
        Stranger::Missing => "this needs a token: authorization: Bearer <token>",
        Stranger::Malformed => "the authorization must be: Bearer <token>",
        Stranger::Unknown => "this token is not known here, or was revoked",
        Stranger::Expired => "this token has expired",
    })
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        principal(app, parts)?.map(Caller).ok_or_else(|| turned_away(app, Stranger::Missing))
    }
}

impl FromRequestParts<Arc<App>> for MaybeCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        Ok(MaybeCaller(principal(app, parts)?))
    }
}
