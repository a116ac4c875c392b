//! Where Kubernetes audit events may carry credentials: the bodies.
//!
//! A body says its `kind`; the items of a list and the body of a patch do not, and have the kind
//! of the object that the request is about.

use event::{Object, Step, Value};

use crate::moves::{Names, at, object_at, text};
use crate::secrets::{Reach, search};
use crate::trail::Trail;

/// Holds a whole earlier body as text.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Annotations that hold the patch a webhook made of the body.
const WEBHOOK_PATCH: &str = "patch.webhook.admission.k8s.io/";

/// A kind of object that has secrets, and where.
#[derive(Debug)]
struct Holder {
    kind: &'static str,
    list: &'static str,
    resource: &'static str,
    places: &'static [Names],
}

const HOLDERS: [Holder; 4] = [
    Holder {
        kind: "Secret",
        list: "SecretList",
        resource: "secrets",
        places: &[&["data"], &["stringData"]],
    },
    Holder {
        kind: "ConfigMap",
        list: "ConfigMapList",
        resource: "configmaps",
        places: &[&["data"], &["binaryData"]],
    },
    Holder {
        kind: "TokenReview",
        list: "",
        resource: "tokenreviews",
        places: &[&["spec", "token"]],
    },
    Holder {
        kind: "TokenRequest",
        list: "",
        resource: "serviceaccounts/token",
        places: &[&["status", "token"]],
    },
];

/// The places in an audit event, from its root.
pub(super) fn places(source: &Object<'_>) -> Vec<Vec<Step>> {
    let mut found = Vec::new();
    let about = requested(source);
    for (key, value) in &source.0 {
        let trail = Trail::Key(&Trail::Root, key);
        match key.as_ref() {
            "requestObject" | "responseObject" => body(value, &trail, about, &mut found),
            _ => search(value, &trail, Reach::Strings, &mut found),
        }
    }
    if about.is_some() {
        for side in ["responseStatus", "responseObject"] {
            if text(source, &[side, "message"]).is_some_and(quotes_body) {
                let outer = Trail::Key(&Trail::Root, side);
                found.push(Trail::Key(&outer, "message").steps());
            }
        }
        let annotations = object_at(source, &["annotations"]).map_or(&[][..], |a| &a.0);
        for (key, _) in annotations.iter().filter(|(key, _)| key.starts_with(WEBHOOK_PATCH)) {
            let outer = Trail::Key(&Trail::Root, "annotations");
            found.push(Trail::Key(&outer, key).steps());
        }
    }
    found
}

/// Whether the API server's message repeats a part of a body that has secrets.
pub(super) fn message_quotes_secret(source: &Object<'_>) -> bool {
    requested(source).is_some()
        && text(source, &["responseStatus", "message"]).is_some_and(quotes_body)
}

/// Decoding errors show where they happened: `error found in #10 byte of ...|sword":"x"|...`.
fn quotes_body(message: &str) -> bool {
    message.contains("error found in #")
}

/// What the request is about, if that has secrets.
fn requested(source: &Object<'_>) -> Option<&'static Holder> {
    let resource = text(source, &["objectRef", "resource"])?;
    let whole = match text(source, &["objectRef", "subresource"]) {
        Some(subresource) => format!("{resource}/{subresource}"),
        None => resource.to_owned(),
    };
    HOLDERS.iter().find(|holder| holder.resource == whole)
}

/// A body: an object, a list or table of objects, or a JSON patch.
fn body(
    value: &Value<'_>,
    trail: &Trail<'_>,
    about: Option<&'static Holder>,
    found: &mut Vec<Vec<Step>>,
) {
    match value {
        Value::Object(object) => {
            let kind = object.str("kind").unwrap_or_default();
            let own =
                HOLDERS.iter().find(|h| kind == h.kind || (kind == h.list && !kind.is_empty()));
            object_body(object, trail, own.or(about), found);
            for (member, inner) in [("items", None), ("rows", Some("object"))] {
                let items = object.get(member).and_then(Value::as_array).unwrap_or_default();
                let trail = Trail::Key(trail, member);
                for (index, item) in items.iter().enumerate() {
                    let trail = Trail::Index(&trail, index);
                    match (inner, item) {
                        (None, _) => body(item, &trail, own.or(about), found),
                        (Some(name), Value::Object(row)) => {
                            let trail = Trail::Key(&trail, name);
                            row.get(name).into_iter().for_each(|i| body(i, &trail, about, found));
                        }
                        _ => {}
                    }
                }
            }
        }
        Value::Array(operations) => {
            for (index, operation) in operations.iter().enumerate() {
                patch(operation, &Trail::Index(trail, index), about, found);
            }
        }
        _ => search(value, trail, Reach::Strings, found),
    }
}

/// One object. Where anything in it is secret, so is the copy that kubectl keeps of it.
fn object_body(
    object: &Object<'_>,
    trail: &Trail<'_>,
    holder: Option<&Holder>,
    found: &mut Vec<Vec<Step>>,
) {
    let before = found.len();
    for place in holder.map_or(&[][..], |holder| holder.places) {
        if at(object, place).is_some_and(is_filled) {
            let mut steps = trail.steps();
            steps.extend(place.iter().map(|name| Step::Key((*name).to_owned())));
            found.push(steps);
        }
    }
    for (key, value) in &object.0 {
        if !matches!(key.as_ref(), "items" | "rows") {
            search(value, &Trail::Key(trail, key), Reach::Strings, found);
        }
    }
    let applied = text(object, &["metadata", "annotations", LAST_APPLIED]).is_some();
    if applied && (found.len() > before || holder.is_some()) {
        let metadata = Trail::Key(trail, "metadata");
        let annotations = Trail::Key(&metadata, "annotations");
        found.push(Trail::Key(&annotations, LAST_APPLIED).steps());
    }
}

/// One operation of a JSON patch: `{"op": …, "path": "/data/key", "value": …}`.
fn patch(
    operation: &Value<'_>,
    trail: &Trail<'_>,
    about: Option<&'static Holder>,
    found: &mut Vec<Vec<Step>>,
) {
    let Some(object) = operation.as_object() else { return };
    let into = object.str("path").unwrap_or_default();
    let inside = |place: &&Names| into.trim_start_matches('/').starts_with(place[0]);
    let held = about.is_some_and(|holder| holder.places.iter().any(|place| inside(&place)));
    let whole =
        about.is_some() && (into.trim_matches('/').is_empty() || into.contains("last-applied"));
    if (held || whole) && object.get("value").is_some_and(is_filled) {
        found.push(Trail::Key(trail, "value").steps());
    } else {
        search(operation, trail, Reach::Strings, found);
    }
}

fn is_filled(value: &Value<'_>) -> bool {
    match value {
        Value::Object(object) => !object.0.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => false,
    }
}
