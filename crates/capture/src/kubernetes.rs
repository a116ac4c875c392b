//! Kubernetes audit events, `audit.k8s.io/v1` and the betas before it.
//!
//! Promises: one stage of a request, one event; the stages of one request share
//! `correlation.operation_id`; who impersonated whom is a chain; bodies of Secrets and ConfigMaps
//! and tokens are named as secrets; every member that is not moved as it is stays under
//! `attributes.kubernetes`.
//!
//! Never: trusts `auditID` to be unique. Clients may choose it, so the id is made of it and the
//! stage, and an id that comes twice with other content is for admission to report.
//!
//! docs/senders/kubernetes.md has the table.

mod action;
mod actor;
mod outcome;
mod resources;
mod secrets;

use event::limits::ID_BYTES_MAX;
use event::{Number, Object, Problem, Value, parse_time};

use crate::Record;
use crate::draft::Draft;
use crate::moves::{Names, copy, put, put_some, text};

const ADAPTER: &str = "kubernetes";

/// Strings that have the same meaning and form in an event.
const MOVES: [(Names, Names); 4] = [
    (&["auditID"], &["correlation", "operation_id"]),
    (&["userAgent"], &["source", "user_agent"]),
    (&["requestURI"], &["request", "path"]),
    (&["responseStatus", "reason"], &["outcome", "code"]),
];

/// Turns a Kubernetes audit event into an event.
pub(crate) fn adapt(source: Object<'_>) -> Result<Record<'_>, Problem> {
    if text(&source, &["verb"]).is_none() && text(&source, &["auditID"]).is_none() {
        let reason = "is no Kubernetes audit event: it has neither verb nor auditID";
        return Err(Problem::new("format", reason));
    }
    let mut draft = Draft::new(source);
    identify(&mut draft);
    action::map(&mut draft);
    actor::map(&mut draft);
    outcome::map(&mut draft);
    resources::map(&mut draft);
    map_duration(&mut draft);
    // The stage's own time; without it the best that is known of the same request.
    for time in ["stageTimestamp", "requestReceivedTimestamp", "timestamp"] {
        draft.carry_time(&[time], &["occurred_at"]);
    }
    map_addresses(&mut draft);
    draft.carry_all(&MOVES);
    if !secrets::message_quotes_secret(&draft.source) {
        draft.carry(&["responseStatus", "message"], &["outcome", "message"]);
    }
    if text(&draft.source, &["annotations", "audit.k8s.io/truncated"]) == Some("true") {
        put(&mut draft.event, &["origin", "truncated"], true);
    }
    let found = secrets::places(&draft.source);
    Ok(draft.finish(ADAPTER, found))
}

/// Stages and their phases.
const STAGES: [(&str, &str); 4] = [
    ("RequestReceived", "attempt"),
    ("ResponseStarted", "start"),
    ("ResponseComplete", "end"),
    ("Panic", "end"),
];

fn identify(draft: &mut Draft<'_>) {
    let audit_id = copy(&draft.source, &["auditID"]);
    let stage = text(&draft.source, &["stage"]);
    let phase = STAGES.iter().find(|(name, _)| Some(*name) == stage).map(|(_, phase)| *phase);
    if let (Some(audit_id), Some(stage)) = (&audit_id, stage) {
        let id = format!("{audit_id}/{stage}");
        if id.len() <= ID_BYTES_MAX {
            put(&mut draft.event, &["id"], id);
        }
    }
    put_some(&mut draft.event, &["origin", "native_id"], audit_id);
    put_some(&mut draft.event, &["phase"], phase);
}

/// A request's length is known when it is over.
fn map_duration(draft: &mut Draft<'_>) {
    if draft.event.str("phase") != Some("end") {
        return;
    }
    let time = |name| text(&draft.source, &[name]).and_then(|time| parse_time(time).ok());
    let (from, to) = (time("requestReceivedTimestamp"), time("stageTimestamp"));
    let length = from.zip(to).map(|(from, to)| to - from).filter(|length| *length >= 0);
    put_some(&mut draft.event, &["duration_ns"], length.and_then(Number::from_integer));
}

/// Source addresses of one request, at most. More stay where the source has them.
const ADDRESSES_MAX: usize = 100;

/// All source addresses but the last are what the client says; the last is the connection's.
fn map_addresses(draft: &mut Draft<'_>) {
    let Some(Value::Array(listed)) = draft.source.get("sourceIPs") else { return };
    let few = (1..=ADDRESSES_MAX).contains(&listed.len());
    if !few || !listed.iter().all(|address| address.as_str().is_some()) {
        return;
    }
    let Some(Value::Array(mut claimed)) = draft.source.take("sourceIPs") else { return };
    put_some(&mut draft.event, &["source", "address"], claimed.pop());
    if !claimed.is_empty() {
        put(&mut draft.event, &["source", "forwarded_for"], claimed);
    }
}
