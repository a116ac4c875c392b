//! CloudEvents 1.0 in JSON, structured or batched, with an `audit.event/1` object as data.
//!
//! Promises: the data is the event, as strictly read as a native one; what the envelope knows and
//! the data does not (id, time, trace) is filled in; the rest of the envelope stays under
//! `attributes.cloudevents`.
//!
//! Never: overwrites what the data says. Never makes an action of the envelope's `type`: that
//! names a kind of message, not what somebody did.
//!
//! docs/senders/cloudevents.md has the table.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use event::limits::ID_BYTES_MAX;
use event::{Object, Problem, Step, Value, json, parse_time};

use crate::Record;
use crate::draft::note_stringified;
use crate::moves::{at, put, put_some, take, text};
use crate::secrets::{self, Reach};
use crate::shape::fit_value;
use crate::trail::Trail;

const ADAPTER: &str = "cloudevents";

/// Unwraps a CloudEvent.
pub(crate) fn adapt(mut envelope: Object<'_>) -> Result<Record<'_>, Problem> {
    check(&envelope)?;
    let mut event = data(&mut envelope)?;
    // A null member is none, and must not stand in the way of what the envelope knows.
    event.0.retain(|(_, value)| *value != Value::Null);
    if at(&event, &["attributes", ADAPTER]).is_some() {
        let reason = "is where this envelope goes; leave it out or send the event as it is";
        return Err(within_data(Problem::new("schema", reason).under(key(ADAPTER)), "attributes"));
    }
    fill_id(&mut envelope, &mut event);
    fill_time(&mut envelope, &mut event);
    fill_trace(&envelope, &mut event);
    Ok(finish(envelope, event))
}

/// The members that every CloudEvent has.
fn check(envelope: &Object<'_>) -> Result<(), Problem> {
    for name in ["specversion", "id", "source", "type"] {
        if text(envelope, &[name]).is_none() {
            let reason = "is required in a CloudEvent and must be a string that is not empty";
            return Err(Problem::new("missing", reason).under(key(name)));
        }
    }
    if envelope.str("specversion") != Some("1.0") {
        let reason = "must be 1.0: no other version of CloudEvents is understood";
        return Err(Problem::new("schema", reason).under(key("specversion")));
    }
    match envelope.get("datacontenttype") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(name)) if is_json(name) => Ok(()),
        Some(_) => {
            let reason = "must be application/json or end in +json";
            Err(Problem::new("schema", reason).under(key("datacontenttype")))
        }
    }
}

fn is_json(content_type: &str) -> bool {
    let name = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    name == "application/json" || name == "text/json" || name.ends_with("+json")
}

/// Takes the event out of its envelope.
fn data<'a>(envelope: &mut Object<'a>) -> Result<Object<'a>, Problem> {
    let both = envelope.get("data").is_some() && envelope.get("data_base64").is_some();
    if both {
        let reason = "stands beside data; a CloudEvent has one of them";
        return Err(Problem::new("schema", reason).under(key("data_base64")));
    }
    let (name, value) = match (envelope.take("data"), envelope.take("data_base64")) {
        (_, Some(text)) => ("data_base64", decode(&text)?),
        (Some(value), None) => ("data", value),
        (None, None) => {
            let reason = "is required and must be an audit.event/1 object";
            return Err(Problem::new("missing", reason).under(key("data")));
        }
    };
    match value {
        Value::Object(event) => Ok(event),
        other => {
            let reason = format!("must be an audit.event/1 object, not {}", other.type_name());
            Err(Problem::new("schema", reason).under(key(name)))
        }
    }
}

/// The JSON in `data_base64`: RFC 4648 §4, with padding, strict.
fn decode(encoded: &Value<'_>) -> Result<Value<'static>, Problem> {
    let wrong = |reason: String| Problem::new("schema", reason).under(key("data_base64"));
    let Some(encoded) = encoded.as_str() else {
        return Err(wrong(format!("must be a string, not {}", encoded.type_name())));
    };
    let bytes = STANDARD.decode(encoded).map_err(|error| wrong(format!("no base64: {error}")))?;
    match json::read(&bytes) {
        Ok(value) => Ok(value.into_owned()),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// A CloudEvent is identified by its source and id together, so an event's id is made of both.
fn fill_id(envelope: &mut Object<'_>, event: &mut Object<'_>) {
    if event.get("id").is_some() {
        return;
    }
    let part = |name| text(envelope, &[name]).unwrap_or_default();
    let id = format!("{}#{}", part("source"), part("id"));
    if id.len() <= ID_BYTES_MAX {
        event.set("id", id);
    }
}

/// The envelope's time is when it happened, if the data does not say.
fn fill_time<'a>(envelope: &mut Object<'a>, event: &mut Object<'a>) {
    let known = event.get("occurred_at").is_some();
    if !known && text(envelope, &["time"]).is_some_and(|time| parse_time(time).is_ok()) {
        put_some(event, &["occurred_at"], take(envelope, &["time"]));
    }
}

/// `traceparent` of the distributed tracing extension, if the data names no trace.
fn fill_trace(envelope: &Object<'_>, event: &mut Object<'_>) {
    if at(event, &["correlation", "trace_id"]).is_some_and(|id| *id != Value::Null) {
        return;
    }
    let Some((trace, span)) = text(envelope, &["traceparent"]).and_then(trace_parent) else {
        return;
    };
    put(event, &["correlation", "trace_id"], trace.to_owned());
    if at(event, &["correlation", "span_id"]).is_none() {
        put(event, &["correlation", "span_id"], span.to_owned());
    }
}

/// Trace and span id of a W3C `traceparent`: `00-<32 hex>-<16 hex>-<2 hex>`, neither all zero.
fn trace_parent(text: &str) -> Option<(&str, &str)> {
    let mut parts = text.split('-');
    let (version, trace, span, _flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex =
        |part: &str, digits| part.len() == digits && part.bytes().all(|b| b.is_ascii_hexdigit());
    let zero = |part: &str| part.bytes().all(|b| b == b'0');
    let sound = hex(version, 2) && version != "ff" && hex(trace, 32) && hex(span, 16);
    (sound && !zero(trace) && !zero(span)).then_some((trace, span))
}

/// Puts the rest of the envelope where it belongs. The data itself is not fitted into limits: it
/// is native, and what a native event must not have is refused.
fn finish<'a>(mut envelope: Object<'a>, mut event: Object<'a>) -> Record<'a> {
    if event.get("origin").is_none() {
        put(&mut event, &["origin", "adapter"], ADAPTER);
        put_some(&mut event, &["origin", "native_id"], take(&mut envelope, &["id"]));
    }
    let mut rest = Value::from(envelope);
    let outer = Trail::Key(&Trail::Root, "attributes");
    let trail = Trail::Key(&outer, ADAPTER);
    let mut found = Vec::new();
    secrets::search(&rest, &trail, Reach::Strings, &mut found);
    let mut stringified = Vec::new();
    fit_value(&mut rest, &trail, 2, &mut stringified);
    put(&mut event, &["attributes", ADAPTER], rest);
    note_stringified(&mut event, &stringified);
    Record { event, secrets: secrets::settle(found, &stringified) }
}

fn key(name: &str) -> Step {
    Step::Key(name.to_owned())
}

fn within_data(problem: Problem, member: &str) -> Problem {
    problem.under(key(member)).under(key("data"))
}
