//! Events that the log itself states.

use admit::{Admitted, Peer, Policy, admit};
use capture::Record;
use event::{Hash, Object, Value, format_time};

use crate::log::{LogMeta, hex};
use crate::world::World;

/// Two events with one id.
pub(crate) struct Conflict<'a> {
    pub(crate) id: &'a str,
    /// Event digest of the one that was there.
    pub(crate) first: Option<Hash>,
    /// Event digest of the one that came.
    pub(crate) second: Hash,
}

/// A log was created. The event states the digest of what is fixed for the log, so that the tree
/// contradicts whoever changes it.
pub(crate) fn opened(world: &World, meta: &LogMeta, why: &str) -> Admitted {
    let mut event = own(world, "log.open", "admin", "create");
    let mut attributes = Object::new();
    attributes.set("log_file", meta.digest_text());
    event.set("attributes", attributes);
    let mut reason = Object::new();
    reason.set("text", why.to_owned());
    event.set("reason", reason);
    admitted(world, event, &meta.tenant)
}

/// A frame that was never acknowledged was cut from the journal.
pub(crate) fn cut(world: &World, tenant: &str, file: &str, offset: u64) -> Admitted {
    let mut event = own(world, "journal.cut", "system", "delete");
    let mut reason = Object::new();
    reason.set("text", "a write that a crash interrupted stood behind the last whole frame");
    event.set("reason", reason);
    let mut attributes = Object::new();
    attributes.set("file", file.to_owned());
    attributes.set("offset", offset.to_string());
    event.set("attributes", attributes);
    admitted(world, event, tenant)
}

/// An event came whose id another event of the same producer has.
pub(crate) fn conflict(world: &World, tenant: &str, conflict: &Conflict<'_>) -> Admitted {
    let mut event = own(world, "id.conflict", "finding", "other");
    let mut reason = Object::new();
    reason.set("text", "two events with other content came from one producer under one id");
    event.set("reason", reason);
    let link = |digest: &Hash| {
        let mut link = Object::new();
        link.set("rel", "caused_by");
        link.set("id", conflict.id.to_owned());
        link.set("digest", format!("sha256:{}", hex(digest)));
        Value::Object(link)
    };
    let links: Vec<Value<'static>> =
        conflict.first.iter().chain([&conflict.second]).map(link).collect();
    event.set("links", links);
    admitted(world, event, tenant)
}

fn own(world: &World, action: &str, kind: &str, verb: &str) -> Object<'static> {
    let mut actor = Object::new();
    actor.set("type", "system");
    actor.set("id", "counterfoil");
    let mut service = Object::new();
    service.set("name", "counterfoil");
    let mut event = Object::new();
    event.set("action", action.to_owned());
    event.set("kind", kind.to_owned());
    event.set("verb", verb.to_owned());
    event.set("actor", actor);
    event.set("service", service);
    event.set("occurred_at", format_time(world.clock.now()));
    event
}

fn admitted(world: &World, event: Object<'static>, tenant: &str) -> Admitted {
    let record = Record { event, secrets: Vec::new() };
    admit(record, &Peer::server(tenant), &Policy::default(), || world.new_id())
        .expect("our own events conform; a test makes each")
}
