//! The logs as C2SP tlog-tiles, read-only, below `/tlog/<log>/`.
//!
//! The checkpoint of every log is open (docs/decisions/0013-open-checkpoints.md). Tiles and bundles
//! are open where the log is declared public; else they want a token of the tenant's that may read,
//! and answer 404 without one, as those of a log that is not there.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use commit::{Log, TILE_WIDTH};
use query::Scope;

use super::auth::MaybeCaller;
use super::error::Failure;
use super::extract::InPath;
use crate::access::stated::{self, Access, Answered};
use crate::access::strangers::Stranger;
use crate::app::App;
use crate::tile_path::Resource;

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// What a private log's tiles may be kept by: the caller alone.
const IMMUTABLE_PRIVATE: &str = "private, max-age=31536000, immutable";

pub(crate) async fn serve(
    State(app): State<Arc<App>>,
    MaybeCaller(caller): MaybeCaller,
    InPath((name, rest)): InPath<(String, String)>,
) -> Result<Response, Failure> {
    let resource = Resource::parse(&rest).ok_or_else(absent)?;
    let log = app.store.logs().get(&name).cloned();
    if resource == Resource::Checkpoint {
        let note = log.ok_or_else(absent)?.checkpoint().note.clone().into_bytes();
        return Ok(respond(note, "text/plain; charset=utf-8", "no-store"));
    }
    if let Some(log) = log.as_ref().filter(|log| log.meta.public) {
        return tile(log, &resource, IMMUTABLE);
    }
    let Some(caller) = caller else {
        app.metrics.strangers.add(Stranger::Missing);
        return Err(absent());
    };
    let now = app.clock.elapsed();
    let known = log.as_ref().filter(|_| app.verifications.is_stated(&caller.token_id, &name, now));
    if let Some(log) = known {
        return tile(log, &resource, IMMUTABLE_PRIVATE);
    }
    let access = Access::new("log.verify", "read").of_log(&name);
    // A log that is not there is stated as one that the caller may not know of: what is stated, and
    // how long that takes, tells nobody which names there are.
    let read = async |scope: Scope| {
        let log = log.filter(|log| scope.may_see(&log.meta)).ok_or_else(absent)?;
        Ok(Answered { response: tile(&log, &resource, IMMUTABLE_PRIVATE)?, events: 0 })
    };
    let answer = stated::read(&app, &caller, access, read).await;
    let answer = answer.map_err(|f| if f.is_forbidden() { absent() } else { f })?;
    app.verifications.stated(&caller.token_id, &name, now);
    Ok(answer)
}

fn tile(log: &Log, resource: &Resource, kept: &'static str) -> Result<Response, Failure> {
    let bytes = bytes(log, resource).ok_or_else(absent)?;
    Ok(respond(bytes, "application/octet-stream", kept))
}

/// A tile or bundle, if it lies below the signed size: nothing unsigned is shown.
fn bytes(log: &Log, resource: &Resource) -> Option<Vec<u8>> {
    let tree = |level, index, width| within(log, level, index, width).then(|| log.published());
    match *resource {
        Resource::Checkpoint => None,
        Resource::Tile { level, index, width } => {
            tree(level, index, width)?.tree.tile(level, index, width)
        }
        Resource::Bundle { index, width } => tree(0, index, width)?.tree.bundle(index, width),
    }
}

fn within(log: &Log, level: u8, index: u64, width: u64) -> bool {
    let size = log.checkpoint().size >> (8 * u32::from(level)).min(63);
    index
        .checked_mul(TILE_WIDTH)
        .and_then(|at| at.checked_add(width))
        .is_some_and(|end| end <= size)
}

fn respond(bytes: Vec<u8>, media_type: &'static str, kept: &'static str) -> Response {
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static(kept)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, bytes).into_response()
}

fn absent() -> Failure {
    Failure::not_found("no such log, or no such tile of it")
}
