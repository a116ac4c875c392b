//! `GET /docs/errors`, `/docs/errors/{code}`: what errors mean, where their `type` points.

use axum::http::{HeaderName, HeaderValue, header};

use super::error::Failure;
use super::extract::InPath;
use crate::errors;

type Page = ([(HeaderName, HeaderValue); 2], &'static str);

pub(super) async fn index() -> Page {
    markdown(errors::INDEX)
}

pub(super) async fn page(InPath(code): InPath<String>) -> Result<Page, Failure> {
    // The index links to the files of docs/errors/, and so its links work here as well.
    let page = errors::page(code.strip_suffix(".md").unwrap_or(&code));
    page.map(markdown).ok_or_else(|| Failure::not_found("no such code; /docs/errors lists them"))
}

fn markdown(text: &'static str) -> Page {
    let kind = HeaderValue::from_static("text/markdown; charset=utf-8");
    let nosniff = HeaderValue::from_static("nosniff");
    ([(header::CONTENT_TYPE, kind), (header::X_CONTENT_TYPE_OPTIONS, nosniff)], text)
}
