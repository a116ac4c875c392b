//! Paths, query parameters and small JSON bodies, read so that what is wrong with them is answered
//! as every other failure is.
//!
//! Promises: 400, 413 or 415 as problem details; a query parameter stands once, but for searches,
//! which narrow each other; a write's unknown one is refused with a suggestion. A seq has one
//! spelling, so that an entry has one address.
//!
//! Never: for bodies of events; those are bounded and counted in `body`.

use std::collections::BTreeSet;

use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Json, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use super::arrival::Late;
use super::error::Failure;

/// The parameter that may stand several times.
const SEARCH: &str = "q";

/// What stands in the braces of a route.
pub(crate) struct InPath<T>(pub(crate) T);

/// An entry's place in its log, in decimal digits and with no zero before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seq(pub(crate) u64);

/// Query parameters in the order they were sent, each once but for `q`.
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
        let Query(pairs) = read.map_err(|error| wrong(error.body_text()))?;
        match twice(&pairs) {
            Some(name) => Err(wrong(format!("{name} stands twice; allowed is once"))),
            None => Ok(Parameters(pairs)),
        }
    }
}

/// A name that stands twice. Which of two values counts would be a guess.
fn twice(pairs: &[(String, String)]) -> Option<&str> {
    let mut seen = BTreeSet::new();
    let names = pairs.iter().map(|(name, _)| name.as_str()).filter(|name| *name != SEARCH);
    names.into_iter().find(|name| !seen.insert(*name))
}

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Seq, D::Error> {
        let text = String::deserialize(text)?;
        let seq = text.parse().ok().filter(|seq: &u64| seq.to_string() == text);
        let wrong =
            || format!("{text:?} is no seq; allowed is a number from 0 without zeros before");
        seq.map(Seq).ok_or_else(|| D::Error::custom(wrong()))
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
            found = Some(value);
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
