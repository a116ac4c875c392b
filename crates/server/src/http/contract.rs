//! `GET /openapi.json` and `GET /v1/schema/event`: what this server answers, and what it admits.
//!
//! Both are files of docs/, inside the program as they stand. `contract.rs` of the command line's
//! tests holds the first against the router, `.ci/contract` against a running server; the second
//! is the very text that admission is compiled from.

use axum::http::{HeaderName, HeaderValue, header};
use event::Schema;

const OPENAPI: &str = include_str!("../../../../docs/openapi.json");

type File = ([(HeaderName, HeaderValue); 2], &'static str);

pub(super) async fn openapi() -> File {
    file(OPENAPI, "application/json")
}

pub(super) async fn event_schema() -> File {
    file(Schema::EVENT_TEXT, "application/schema+json")
}

fn file(text: &'static str, kind: &'static str) -> File {
    let nosniff = HeaderValue::from_static("nosniff");
    let kind = HeaderValue::from_static(kind);
    ([(header::CONTENT_TYPE, kind), (header::X_CONTENT_TYPE_OPTIONS, nosniff)], text)
}
