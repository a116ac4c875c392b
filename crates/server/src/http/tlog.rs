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

use super::auth::MaybeCaller;
use super::error::Failure;
use super::extract::InPath;
use crate::app::App;

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// What a private log's tiles may be kept by: the caller alone.
const IMMUTABLE_PRIVATE: &str = "private, max-age=31536000, immutable";

pub(crate) async fn serve(
    State(app): State<Arc<App>>,
    MaybeCaller(caller): MaybeCaller,
    InPath((name, rest)): InPath<(String, String)>,
) -> Result<Response, Failure> {
    let log = app.store.logs().get(&name).ok_or_else(absent)?;
    let resource = Resource::parse(&rest).ok_or_else(absent)?;
    if resource == Resource::Checkpoint {
        let note = log.checkpoint().note.clone().into_bytes();
        return Ok(respond(note, "text/plain; charset=utf-8", "no-store"));
    }
    let reads = caller
        .is_some_and(|principal| principal.tenant == log.meta.tenant && principal.scope().is_ok());
    if !log.meta.public && !reads {
        return Err(absent());
    }
    let bytes = bytes(log, &resource).ok_or_else(absent)?;
    let kept = if log.meta.public { IMMUTABLE } else { IMMUTABLE_PRIVATE };
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

#[derive(Debug, PartialEq, Eq)]
enum Resource {
    Checkpoint,
    Tile { level: u8, index: u64, width: u64 },
    Bundle { index: u64, width: u64 },
}

impl Resource {
    /// Reads `checkpoint`, `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.
    fn parse(path: &str) -> Option<Resource> {
        if path == "checkpoint" {
            return Some(Resource::Checkpoint);
        }
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => {
                let parsed: u64 = width.parse().ok()?;
                let canonical = parsed.to_string() == width && (1..TILE_WIDTH).contains(&parsed);
                (index, canonical.then_some(parsed)?)
            }
            None => (rest, TILE_WIDTH),
        };
        let index = parse_index(index)?;
        if level == "entries" {
            return Some(Resource::Bundle { index, width });
        }
        let number: u8 = level.parse().ok()?;
        (number.to_string() == level && number < 8).then_some(Resource::Tile {
            level: number,
            index,
            width,
        })
    }
}

/// Reads `x001/x234/067` as 1234067.
fn parse_index(text: &str) -> Option<u64> {
    let (mut index, mut parts) = (0_u64, text.split('/').peekable());
    while let Some(part) = parts.next() {
        let digits = if parts.peek().is_some() { part.strip_prefix('x')? } else { part };
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    let leading = text.starts_with("x000");
    (!leading).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_tlog_tiles() {
        let tile = |level, index, width| Some(Resource::Tile { level, index, width });
        assert_eq!(Resource::parse("checkpoint"), Some(Resource::Checkpoint));
        assert_eq!(Resource::parse("tile/0/000"), tile(0, 0, 256));
        assert_eq!(Resource::parse("tile/1/x001/x234/067"), tile(1, 1_234_067, 256));
        assert_eq!(Resource::parse("tile/0/x001/234.p/5"), tile(0, 1234, 5));
        let bundle = Some(Resource::Bundle { index: 7, width: 1 });
        assert_eq!(Resource::parse("tile/entries/007.p/1"), bundle);
        for wrong in [
            "tile/0/0",
            "tile/0/1000",
            "tile/00/000",
            "tile/8/000",
            "tile/0/x000/001",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/001/002",
            "",
            "tile/entries/x01/002",
            "checkpoint/",
            "tile/0/../../x",
        ] {
            assert_eq!(Resource::parse(wrong), None, "{wrong}");
        }
    }
}
