//! `POST /v1/events` and `POST /v1/intake/<source>`.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use admit::Peer;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use capture::Format;
use commit::receipt::{ReceiptLog, runs};
use commit::{Log, hex};
use serde::Serialize;

use super::auth::Caller;
use super::body;
use super::error::Failure;
use super::extract::Parameters;
use crate::app::App;
use crate::ingest::{self, Admission, Intake, Stored};
use crate::permits::Permit;

#[derive(Serialize)]
struct Receipt {
    format: &'static str,
    events: Vec<Entry>,
    logs: Vec<ReceiptLog>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Entry {
    Stored {
        log: u32,
        seq: u64,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        conflict: Option<Place>,
    },
    Refused {
        refused: Refused,
    },
}

#[derive(Serialize)]
struct Place {
    log: u32,
    seq: u64,
}

#[derive(Serialize)]
struct Refused {
    code: &'static str,
    path: String,
    reason: String,
}

pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    parameters: Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let peer = caller.peer()?;
    let (format, lines) = media_type(&headers)?;
    accept(app, peer, parameters, headers, body, format, lines).await
}

pub(crate) async fn kubernetes(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    parameters: Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    accept(app, caller.peer()?, parameters, headers, body, Format::Kubernetes, false).await
}

pub(crate) async fn cloudtrail(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    parameters: Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    accept(app, caller.peer()?, parameters, headers, body, Format::CloudTrail, false).await
}

/// The format that a content type means, and whether it is NDJSON.
fn media_type(headers: &HeaderMap) -> Result<(Format, bool), Failure> {
    let value = headers.get(header::CONTENT_TYPE).map(|v| v.to_str().unwrap_or("unreadable"));
    let essence = |v: &str| v.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match value.map(essence).as_deref() {
        None | Some("application/json") => Ok((Format::Native, false)),
        Some("application/x-ndjson" | "application/ndjson" | "application/jsonl") => {
            Ok((Format::Native, true))
        }
        Some("application/cloudevents+json" | "application/cloudevents-batch+json") => {
            Ok((Format::CloudEvents, false))
        }
        Some(_) => Err(Failure::unsupported(
            "content-type must be application/json, application/x-ndjson, \
             application/cloudevents+json or application/cloudevents-batch+json",
        )),
    }
}

async fn accept(
    app: Arc<App>,
    peer: Peer,
    parameters: Parameters,
    headers: HeaderMap,
    body: Body,
    format: Format,
    lines: bool,
) -> Result<Response, Failure> {
    app.counters.requests.fetch_add(1, Relaxed);
    let atomic = is_atomic(parameters, format)?;
    let log = app.store.log_of(&peer.tenant).cloned();
    let log = log.ok_or_else(|| Failure::not_found("this tenant has no open log"))?;
    let mut permit = app.permits.permit(&peer.tenant);
    let body = body::read(&headers, body, app.limits.body_bytes_max, &mut permit).await?;
    let intake = Intake { body, format, lines, peer };
    let minimal = prefers_minimal(&headers);
    // What was accepted is finished even if the sender hangs up: the task is not theirs.
    let task = tokio::spawn(finish(app, log, intake, atomic, minimal, permit));
    task.await.map_err(|error| Failure::internal(&error))?
}

/// Whether all is to be refused if one event is. A Kubernetes API server adds to the address how
/// long it will wait.
fn is_atomic(parameters: Parameters, format: Format) -> Result<bool, Failure> {
    let others: &[&str] = if format == Format::Kubernetes { &["timeout"] } else { &[] };
    match parameters.only("atomic", others)?.as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => {
            let what = format!("atomic={other}: allowed is true or false");
            Err(Failure::bad_request("query", what))
        }
    }
}

fn prefers_minimal(headers: &HeaderMap) -> bool {
    let prefers = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    prefers.flat_map(|value| value.split(',')).any(|p| p.trim() == "return=minimal")
}

async fn finish(
    app: Arc<App>,
    log: Arc<Log>,
    intake: Intake,
    atomic: bool,
    minimal: bool,
    mut permit: Permit,
) -> Result<Response, Failure> {
    let (app_, bytes) = (app.clone(), intake.body.len());
    let admission = ingest::work(bytes, move || ingest::admit_body(&app_, &intake)).await??;
    let Admission { items, admitted } = admission;
    let refused = items.iter().filter(|item| item.is_err()).count();
    if items.is_empty() {
        return Err(Failure::bad_request("empty", "the body holds no event"));
    }
    if admitted.is_empty() || (atomic && refused > 0) {
        return Ok(refuse_all(items));
    }
    // Events take more room than their bodies: what many senders hold together stays bounded.
    let flattened: usize = admitted.iter().map(|event| event.fields().bytes()).sum();
    if !permit.grow(flattened.saturating_sub(bytes)) {
        return Err(Failure::busy("busy", "too many bytes are in flight; retry soon"));
    }
    let given: Vec<Option<String>> =
        admitted.iter().map(|a| a.id_given().then(|| a.id().to_owned())).collect();
    let stored = ingest::commit(&app, &log, admitted).await?;
    answer(&log, items, given, &stored, minimal)
}

/// Nothing was admitted, or all had to be and were not.
fn refuse_all(items: Vec<Result<usize, admit::Refusal>>) -> Response {
    let entry = |item: Result<usize, admit::Refusal>| {
        let refusal = item.err().unwrap_or_else(|| {
            let reason = "admitted alone, but the request is atomic and another event is refused";
            admit::Refusal::new("atomic", reason)
        });
        refused(refusal)
    };
    let events = items.into_iter().map(entry).collect();
    let receipt = Receipt { format: "counterfoil.receipt/v1", events, logs: Vec::new() };
    (StatusCode::UNPROCESSABLE_ENTITY, Json(receipt)).into_response()
}

fn refused(refusal: admit::Refusal) -> Entry {
    let admit::Refusal { code, path, reason } = refusal;
    Entry::Refused { refused: Refused { code, path, reason } }
}

fn answer(
    log: &Log,
    items: Vec<Result<usize, admit::Refusal>>,
    mut given: Vec<Option<String>>,
    stored: &Stored,
    minimal: bool,
) -> Result<Response, Failure> {
    let mut seqs = Vec::with_capacity(items.len());
    let entry = |item: Result<usize, admit::Refusal>| match item {
        Err(refusal) => refused(refusal),
        Ok(nth) => {
            let standing = stored.fates[nth].standing(stored.first);
            seqs.push(standing.seq);
            Entry::Stored {
                log: 0,
                seq: standing.seq,
                duplicate: standing.duplicate,
                id: given[nth].take(),
                conflict: standing.conflict.map(|seq| Place { log: 0, seq }),
            }
        }
    };
    let events = items.into_iter().map(entry).collect();
    seqs.sort_unstable();
    seqs.dedup();
    let checkpoint = &stored.checkpoint;
    let proofs = if minimal {
        None
    } else {
        let proved = runs(log, checkpoint, &seqs);
        Some(proved.ok_or_else(|| {
            let root = hex(&checkpoint.root);
            Failure::internal(&format!("the tree does not bear out its signed root {root}"))
        })?)
    };
    let format = if minimal { "counterfoil.acknowledgement/v1" } else { "counterfoil.receipt/v1" };
    let proved = ReceiptLog {
        origin: log.meta.origin.clone(),
        checkpoint: checkpoint.note.clone(),
        runs: proofs,
    };
    Ok(Json(Receipt { format, events, logs: vec![proved] }).into_response())
}
