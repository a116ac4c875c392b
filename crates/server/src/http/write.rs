//! `POST /v1/events` and `POST /v1/intake/<source>`.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use admit::{Peer, Policy};
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use capture::Format;
use commit::{Log, Purpose};

use super::auth::Caller;
use super::body::{self, Arrived};
use super::error::Failure;
use super::extract::Parameters;
use super::receipt::{Outcome, Wanted, refuse_all};
use super::request_id::outliving;
use crate::app::App;
use crate::ingest::{self, Admission, Intake, Item, Stored};
use crate::permits::Permit;
use crate::quotas::Want;

/// A request to write, from somebody who may.
pub(crate) struct Write {
    app: Arc<App>,
    peer: Peer,
    parameters: Parameters,
    headers: HeaderMap,
    body: Body,
}

impl FromRequest<Arc<App>> for Write {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Write, Failure> {
        let (mut parts, body) = request.into_parts();
        let Caller(caller) = Caller::from_request_parts(&mut parts, app).await?;
        let peer = caller.peer()?;
        let parameters = Parameters::from_request_parts(&mut parts, app).await?;
        Ok(Write { app: app.clone(), peer, parameters, headers: parts.headers, body })
    }
}

pub(crate) async fn events(write: Write) -> Result<Response, Failure> {
    let (format, lines) = media_type(&write.headers)?;
    accept(write, format, lines).await
}

pub(crate) async fn kubernetes(write: Write) -> Result<Response, Failure> {
    accept(write, Format::Kubernetes, false).await
}

pub(crate) async fn cloudtrail(write: Write) -> Result<Response, Failure> {
    accept(write, Format::CloudTrail, false).await
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

/// How a batch is to be taken and answered.
struct Terms {
    /// All is to be refused if one event is.
    atomic: bool,
    wanted: Wanted,
}

async fn accept(write: Write, format: Format, lines: bool) -> Result<Response, Failure> {
    let Write { app, peer, parameters, headers, body } = write;
    app.counters.requests.fetch_add(1, Relaxed);
    app.room.take_in()?;
    let asked = app.quotas.ask(app.clock.elapsed(), &peer.tenant, &peer.identity.id, Want::Send);
    asked.map_err(Failure::over_quota)?;
    let terms = Terms { atomic: is_atomic(parameters, format)?, wanted: Wanted::of(&headers) };
    let log = app.open_log(&peer.tenant, Purpose::Events);
    let log = log.ok_or_else(|| Failure::not_found("this tenant has no open log"))?;
    let mut permit = app.permits.permit(&peer.tenant);
    // The same bounds from here on, whatever a reload changes meanwhile.
    let limits = app.limits();
    let arrived = body::read(&headers, body, limits.body_bytes_max, &mut permit).await?;
    let request = app.left_out.request();
    let intake = Intake { format, lines, peer, limits, request };
    // What was accepted is finished even if the sender hangs up: the task is not theirs.
    let task = outliving(finish(app, log, arrived, intake, terms, permit));
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

async fn finish(
    app: Arc<App>,
    log: Arc<Log>,
    arrived: Arrived,
    intake: Intake,
    terms: Terms,
    mut permit: Permit,
) -> Result<Response, Failure> {
    let (app_, weight, tenant) = (app.clone(), arrived.weight(), intake.peer.tenant.clone());
    let turn = app.turns.admission(weight).await?;
    let policy = app.policies.of(&tenant);
    let mut windows = Windows::of(&app, &intake, &policy);
    let admit = move || {
        let body = arrived.decode(intake.limits.body_bytes_max, &mut permit)?;
        let admission = ingest::admit_body(&app_, &body, &intake, &policy)?;
        let (peer, events) = (&intake.peer, admission.items.len());
        let (now, principal) = (app_.clock.elapsed(), &peer.identity.id);
        app_.quotas.take(now, &peer.tenant, principal, events, body.len());
        Ok::<_, Failure>((admission, body.len(), permit))
    };
    let (admission, bytes, mut permit) = ingest::work(weight, admit).await??;
    let Admission { items, admitted, state } = admission;
    let refused = items.iter().filter(|item| matches!(item, Item::Refused(_))).count();
    if items.is_empty() {
        return Err(Failure::bad_request("empty", "the body holds no event"));
    }
    if state {
        // A rule begins to leave out events of a service: the log says so before their sender
        // hears that they need not come again.
        app.state_left_out(&tenant, false).await?;
    }
    if refused > 0 && (admitted.is_empty() || terms.atomic) {
        return Ok(refuse_all(items));
    }
    if admitted.is_empty() {
        // All of it was left out, as it should be: nothing stands anywhere, and nothing is wrong.
        let (logs, checkpoint) = (Vec::new(), log.checkpoint());
        let stored = Stored { fates: Vec::new(), logs, first: 0, checkpoint };
        let outcome = Outcome { items, given: Vec::new(), stored };
        return outcome.answer(terms.wanted.where_bytes_are(usize::MAX));
    }
    // Events take more room than their bodies: what many senders hold together stays bounded.
    let flattened: usize = admitted.iter().map(|event| event.fields().bytes()).sum();
    if !permit.grow(flattened.saturating_sub(bytes)) {
        return Err(Failure::busy("busy", "too many bytes are in flight; retry soon"));
    }
    let given: Vec<Option<String>> =
        admitted.iter().map(|a| a.id_given().then(|| a.id().to_owned())).collect();
    let stored = ingest::commit(&app, &log, admitted, turn).await?;
    windows.committed();
    ingest::count(&app, &stored.fates);
    let wanted = terms.wanted.where_bytes_are(flattened);
    let outcome = Outcome { items, given, stored };
    match wanted {
        // Read back from the disk.
        Wanted::Representation => {
            ingest::work(ingest::WITH_DISK, move || outcome.answer(wanted)).await?
        }
        _ => outcome.answer(wanted),
    }
}

/// The windows of the audit scope that a request opened: they are undone unless its events came
/// into the log, whatever ended it.
struct Windows {
    app: Arc<App>,
    tenant: String,
    request: u64,
    open: bool,
}

impl Windows {
    fn of(app: &Arc<App>, intake: &Intake, policy: &Policy) -> Windows {
        let (tenant, request) = (intake.peer.tenant.clone(), intake.request);
        let open = policy.scope.is_some();
        Windows { app: app.clone(), tenant, request, open }
    }

    fn committed(&mut self) {
        if std::mem::take(&mut self.open) {
            self.app.left_out.committed(&self.tenant, self.request);
        }
    }
}

impl Drop for Windows {
    fn drop(&mut self) {
        if self.open {
            self.app.left_out.undone(&self.tenant, self.request);
        }
    }
}
