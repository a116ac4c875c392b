//! What the access log says of a catalogue.

use admit::{Statement, number};
use catalogue::{Change, Moved};
use event::{Object, Value, format_time};

use super::kept::InForce;

/// Services of one kind of difference that are named; more are counted.
const NAMED_MAX: usize = 100;

/// Another catalogue takes force.
pub(super) fn changed(tenant: &str, before: &InForce, now: &InForce, change: &Change) -> Statement {
    let moved = |moved: &Moved| {
        let mut object = Object::new();
        object.set("service", moved.service.clone());
        object.set("from", moved.from.clone());
        object.set("to", moved.to.clone());
        Value::Object(object)
    };
    let name = |name: &String| Value::from(name.clone());
    let statement = Statement::new("catalogue.change", "config", "update")
        .to("catalogue", tenant)
        .ended("success")
        .counting("version", now.version)
        .noting("as_of", format_time(now.as_of))
        .noting("digest_before", before.digest.clone())
        .noting("digest", now.digest.clone())
        .counting("services", now.catalogue.len() as u64);
    [
        ("added", named(&change.added, name)),
        ("removed", named(&change.removed, name)),
        ("moved", named(&change.moved, moved)),
        ("declared", named(&change.declared, name)),
    ]
    .into_iter()
    .filter_map(|(what, named)| Some((what, named?)))
    .fold(statement, |statement, (what, named)| statement.noting(what, named))
}

/// The files say nothing that can be taken; what was in force stays.
pub(super) fn refused(tenant: &str, reason: &str) -> Statement {
    Statement::new("catalogue.refuse", "config", "update")
        .to("catalogue", tenant)
        .ended("failure")
        .with(&["outcome", "code"], "catalogue")
        .with(&["outcome", "message"], reason.to_owned())
}

/// How many, and the first of them; nothing of none.
fn named<T>(all: &[T], show: impl Fn(&T) -> Value<'static>) -> Option<Object<'static>> {
    let mut object = Object::new();
    object.set("count", number(all.len() as u64));
    object.set("names", all.iter().take(NAMED_MAX).map(show).collect::<Vec<_>>());
    (!all.is_empty()).then_some(object)
}
