//! On what it was done, and who gains by it.

use event::{Object, Value};

use crate::draft::Draft;
use crate::moves::{at, copy, object_at, put, put_some, text};

/// Subjects of a binding that are named as resources, at most; all stand in the body.
const SUBJECTS_MAX: usize = 100;

/// Sets `resources`: the object first, then whom a role binding binds.
pub(super) fn map(draft: &mut Draft<'_>) {
    let Some(target) = take_target(draft) else { return };
    let mut resources = vec![Value::from(target)];
    if text(&draft.source, &["objectRef", "resource"]).is_some_and(|r| r.ends_with("rolebindings"))
    {
        bound(&draft.source, &mut resources);
    }
    put(&mut draft.event, &["resources"], resources);
}

fn take_target<'a>(draft: &mut Draft<'a>) -> Option<Object<'a>> {
    let resource = text(&draft.source, &["objectRef", "resource"])?;
    let kind = match text(&draft.source, &["objectRef", "apiGroup"]) {
        Some(group) => format!("{resource}.{group}"),
        None => resource.to_owned(),
    };
    let mut target = Object::new();
    target.set("role", "target");
    target.set("type", kind);
    for (from, to) in [("uid", "id"), ("name", "name"), ("namespace", "namespace")] {
        let known = crate::moves::take(&mut draft.source, &["objectRef", from])
            .or_else(|| answered(&draft.source, from));
        put_some(&mut target, &[to], known);
    }
    Some(target)
}

/// What only the answer knows: the name the server made up, the uid of what was created.
fn answered<'a>(source: &Object<'a>, member: &str) -> Option<event::Text<'a>> {
    let subresource = text(source, &["objectRef", "subresource"]).is_some();
    let single = !matches!(text(source, &["verb"]), Some("list" | "watch" | "deletecollection"));
    let status = text(source, &["responseObject", "kind"]) == Some("Status");
    if subresource || status || !single {
        return None;
    }
    copy(source, &["responseObject", "metadata", member])
}

fn bound<'a>(source: &Object<'a>, resources: &mut Vec<Value<'a>>) {
    let body = ["requestObject", "responseObject"]
        .iter()
        .filter_map(|side| object_at(source, &[side]))
        .find_map(|body| at(body, &["subjects"]).and_then(Value::as_array));
    for subject in body.unwrap_or_default().iter().take(SUBJECTS_MAX) {
        let Some(subject) = subject.as_object() else { continue };
        let mut affected = Object::new();
        put_some(&mut affected, &["type"], copy(subject, &["kind"]));
        put_some(&mut affected, &["name"], copy(subject, &["name"]));
        put_some(&mut affected, &["namespace"], copy(subject, &["namespace"]));
        if !affected.0.is_empty() {
            affected.set("role", "affected");
            resources.push(Value::from(affected));
        }
    }
}
