//! Paths, query parameters and small JSON bodies, read so that what is wrong with them is answered
//! as every other failure is.
//!
//! Promises: 400, 413 or 415 as problem details; a write's unknown query parameter is refused with
//! a suggestion.
//!
//! Never: for bodies of events; those are bounded and counted in `body`.

use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Json, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::arrival::Late;
use super::error::Failure;

/// What stands in the braces of a route.
pub(crate) struct InPath<T>(pub(crate) T);

/// Query parameters in the order they were sent.
pub(crate) struct Parameters(pub(crate) Vec<(String, String)>);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let read = Path::<T>::from_request_parts(parts, state).await;
        read.map(|Path(value)| InPath(value)).map_err(|rejection| match rejection {
            PathRejection::FailedToDeserializePathParams(what) => {
                Failure::bad_request("path", what.body_text())
            }
            // The route and its handler disagree: nothing that a caller could mend.
            other => Failure::internal(&other.body_text()),
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let read = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let wrong = |what: String| Failure::bad_request("query", what);
        read.map(|Query(pairs)| Parameters(pairs)).map_err(|error| wrong(error.body_text()))
    }
}

impl Parameters {
    /// The one parameter there may be, if it stands; `others` may stand too and say nothing here.
    pub(crate) fn only(self, allowed: &str, others: &[&str]) -> Result<Option<String>, Failure> {
        let mut found = None;
        for (name, value) in self.0 {
            if others.contains(&name.as_str()) {
                continue;
            }
            if name != allowed {
                return Err(unknown(&name, allowed));
            }
            if found.replace(value).is_some() {
                return Err(Failure::bad_request("query", format!("{name} stands twice")));
            }
        }
        Ok(found)
    }
}

fn unknown(name: &str, allowed: &str) -> Failure {
    let near = strsim::damerau_levenshtein(name, allowed) <= 3;
    let hint =
        if near { format!("did you mean {allowed}?") } else { format!("allowed is {allowed}") };
    Failure::bad_request("query", format!("unknown parameter {name:?}; {hint}"))
}

/// Reads a small body. No extractor of a handler's, for those run before the handler has asked
/// whether the caller may do this at all.
pub(crate) async fn small_json<T: DeserializeOwned>(request: Request) -> Result<T, Failure> {
    let read = Json::<T>::from_request(request, &()).await;
    read.map(|Json(value)| value).map_err(|rejection| {
        Late::behind(&rejection).map_or_else(|| unread(rejection), Failure::late)
    })
}

fn unread(rejection: JsonRejection) -> Failure {
    match rejection {
        JsonRejection::JsonSyntaxError(what) => Failure::bad_request("json", what.body_text()),
        JsonRejection::JsonDataError(what) => Failure::bad_request("schema", what.body_text()),
        JsonRejection::MissingJsonContentType(_) => {
            Failure::unsupported("content-type must be application/json")
        }
        other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Failure::too_large(format!("this takes at most {} bytes", super::SMALL_BYTES_MAX))
        }
        other => Failure::bad_request("body", other.body_text()),
    }
}
