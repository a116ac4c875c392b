//! What a failed request is answered with: RFC 9457 problem details, one table of statuses.
//!
//! | status | when | what to do |
//! | --- | --- | --- |
//! | 400 | the request cannot be read | mend it |
//! | 401 | no token, or one that is not known | bring one |
//! | 403 | the token's role does not allow it | ask for another role |
//! | 404 | nothing there, or nothing you may know of | |
//! | 405 | an address that has other methods | use one that Allow names |
//! | 408 | the body stands still or trickles | send it again, at once |
//! | 409 | what is there does not allow it, or takes a second person | mend that first |
//! | 413 | larger than allowed | send less at once |
//! | 415 | a content type or encoding that is not understood | |
//! | 422 | nothing of it was admitted | mend the events |
//! | 429 | more than a principal may send, read or do in a day | wait as Retry-After says |
//! | 500 | our fault; a write may or may not have happened | retry with the same ids |
//! | 500 | what was to be read is not what was signed | call who operates the server |
//! | 503 | no room, or not yet | wait as long as Retry-After says, then retry with the same ids |

use std::io::{self, ErrorKind};
use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use platform::may_not_write;
use serde::Serialize;

use super::arrival::Late;
use super::request_id::RequestId;
use crate::access::Principal;
use crate::metrics::Coded;

/// Every status with its codes. docs/errors/ has a page for each; a code is stable.
pub(crate) const CODES: [(u16, &[&str]); 12] = [
    (
        400,
        &[
            "json",
            "schema",
            "empty",
            "encoding",
            "body",
            "query",
            "path",
            "evidence",
            "token",
            "catalogue",
            "action_schema",
            "scope_rules",
        ],
    ),
    (401, &["token"]),
    (403, &["role"]),
    (404, &["not_found"]),
    (405, &["method"]),
    (408, &["timeout"]),
    (409, &["closed", "config", "key_change", "restart", "second_person", "token", "unwritable"]),
    (413, &["too_large"]),
    (415, &["media_type"]),
    (429, &["quota", "read_quota", "too_soon"]),
    (500, &["damaged", "internal", "unstated"]),
    (503, &["busy", "disk", "indexing", "stopping", "connections"]),
];

/// A failed request.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after_s: Option<u32>,
    /// Who was denied what, as long as the access log does not have it.
    unstated: Option<Arc<Principal>>,
}

/// Left on an answer: who was denied something, and no access log has it yet.
#[derive(Clone)]
pub(super) struct Unstated(pub(super) Arc<Principal>);

/// Problem details. The type is a reference that leads to the page about the code, at the server
/// that answered: a self-hosted one has no other place that all its callers reach.
#[derive(Serialize)]
pub(super) struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl Failure {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Failure {
        debug_assert!(is_known(status.as_u16(), code), "{status} {code} stands in no table");
        Failure { status, code, detail: detail.into(), retry_after_s: None, unstated: None }
    }

    pub(crate) fn bad_request(code: &'static str, detail: impl Into<String>) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(crate) fn unauthorized(detail: &str) -> Failure {
        Failure::new(StatusCode::UNAUTHORIZED, "token", detail)
    }

    /// Somebody who is known may not do this. What [`Failure::stated`] does not say of it is
    /// stated before it is answered.
    pub(crate) fn forbidden(caller: &Principal, detail: impl Into<String>) -> Failure {
        let failure = Failure::new(StatusCode::FORBIDDEN, "role", detail);
        Failure { unstated: Some(Arc::new(caller.clone())), ..failure }
    }

    /// The access log has it.
    #[must_use]
    pub(crate) fn stated(self) -> Failure {
        Failure { unstated: None, ..self }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Failure {
        Failure::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Failure {
        Failure::new(StatusCode::CONFLICT, code, detail)
    }

    pub(crate) fn wrong_method(detail: impl Into<String>) -> Failure {
        Failure::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail)
    }

    /// A body did not come to its end.
    pub(super) fn late(late: Late) -> Failure {
        match late {
            Late::Stopping => Failure::busy("stopping", late.to_string()),
            Late::Still | Late::Slow => {
                Failure::new(StatusCode::REQUEST_TIMEOUT, "timeout", late.to_string())
            }
        }
    }

    /// One person alone must not do this.
    pub(crate) fn needs_second_person(detail: impl Into<String>) -> Failure {
        Failure::new(StatusCode::CONFLICT, "second_person", detail)
    }

    pub(crate) fn too_large(detail: impl Into<String>) -> Failure {
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    pub(crate) fn unsupported(detail: impl Into<String>) -> Failure {
        Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", detail)
    }

    pub(crate) fn busy(code: &'static str, detail: impl Into<String>) -> Failure {
        let failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        Failure { retry_after_s: Some(1), ..failure }
    }

    /// A principal has sent more than it may; in so many seconds it may again.
    pub(crate) fn over_quota(seconds: u32) -> Failure {
        let detail = format!(
            "this token's principal has sent more than it may; nothing of this was read: send it \
             again in {seconds} s, with the same ids"
        );
        let failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "quota", detail);
        Failure { retry_after_s: Some(seconds), ..failure }
    }

    /// Something was done too often; in so many seconds it may be done again.
    pub(crate) fn too_soon(detail: impl Into<String>, seconds: u32) -> Failure {
        let failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "too_soon", detail);
        Failure { retry_after_s: Some(seconds), ..failure }
    }

    /// A principal has read or changed more than it may, or was denied so often; in so many seconds
    /// it may ask again.
    pub(crate) fn over_read_quota(seconds: u32) -> Failure {
        let detail = format!(
            "this token's principal has read or changed more than it may, and each is stated in \
             the access log; nothing was done: ask again in {seconds} s"
        );
        let failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "read_quota", detail);
        Failure { retry_after_s: Some(seconds), ..failure }
    }

    /// The same, told in other words: what was done all the same.
    pub(crate) fn saying(&self, detail: String) -> Failure {
        let Failure { status, code, retry_after_s, .. } = *self;
        Failure { status, code, detail, retry_after_s, unstated: None }
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// What went wrong, for whoever asked.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Whether the caller is known and may not do this.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.status == StatusCode::FORBIDDEN
    }

    /// What was to be kept could not be written: for want of room, or for a reason of ours.
    pub(crate) fn unkept(error: &io::Error, what: &str) -> Failure {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                Failure::busy("disk", format!("there is no room on the disk for {what}"))
            }
            _ if may_not_write(error) => Failure::conflict(
                "unwritable",
                format!(
                    "the server may not write the folder in which {what} would stand; nothing was \
                     changed"
                ),
            ),
            _ => Failure::internal(error),
        }
    }

    /// A change took force, and the access log has its attempt alone. No time to ask again is
    /// given: it would be made twice.
    pub(crate) fn unended() -> Failure {
        let detail = "it was done, and the access log has not yet how it ended: look before you \
                      do it again";
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "unstated", detail)
    }

    /// What was to be read is not what was signed. To ask again changes nothing.
    pub(crate) fn damaged(what: &str) -> Failure {
        tracing::error!(what, "a read cannot be answered");
        let detail = format!(
            "{what}; whoever operates the server must hear of it: docs/operations/damage.md"
        );
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "damaged", detail)
    }

    /// Something of ours failed. The cause goes to the traces, not to the caller.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Failure {
        tracing::error!(%cause, "a request failed");
        let detail = "the server failed; its traces say why. A write may or may not have \
                      happened: retry with the same ids";
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }
}

impl Failure {
    /// What the caller is told.
    pub(super) fn problem(&self, request_id: Option<RequestId>) -> Problem<'_> {
        Problem {
            r#type: format!("/docs/errors/{}", self.code),
            title: self.status.canonical_reason().unwrap_or("error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            request_id: request_id.map(|id| id.to_string()),
        }
    }
}

fn is_known(status: u16, code: &str) -> bool {
    CODES.iter().any(|(known, codes)| *known == status && codes.contains(&code))
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.problem(RequestId::current()))).into_response();
        response.extensions_mut().insert(Coded(self.code));
        if let Some(caller) = self.unstated {
            response.extensions_mut().insert(Unstated(caller));
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
