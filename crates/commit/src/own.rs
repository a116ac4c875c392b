//! Events that the log itself states.

use admit::{Admitted, Peer, Policy, admit};
use capture::Record;
use event::{Hash, Object, Value, format_time};
use sha2::{Digest, Sha256};

use crate::clock_watch::Jump;
use crate::log::{Log, LogMeta, hex};
use crate::rotate::Order;
use crate::world::World;

/// Two events with one id.
pub(crate) struct Conflict<'a> {
    pub(crate) id: &'a str,
    /// Event digest of the one that was there.
    pub(crate) first: Option<Hash>,
    /// Event digest of the one that came.
    pub(crate) second: Hash,
}

/// How the log ended that another one follows.
pub(crate) struct Before<'a> {
    pub(crate) origin: &'a str,
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

/// A log was created. The event states the digest of what is fixed for the log, so that the tree
/// contradicts whoever changes it.
pub(crate) fn opened(
    world: &World,
    meta: &LogMeta,
    order: &Order,
    before: Option<&Before<'_>>,
) -> Admitted {
    let mut event = own(world, "log.open", "admin", "create");
    let mut attributes = Object::new();
    attributes.set("log_file", meta.digest_text());
    if let Some(before) = before {
        let mut follows = Object::new();
        follows.set("origin", before.origin.to_owned());
        follows.set("size", before.size.to_string());
        follows.set("root", hex(&before.root));
        attributes.set("follows", follows);
    }
    event.set("attributes", attributes);
    ordered(&mut event, order);
    admitted(world, event, &meta.tenant)
}

/// A log was closed: this is its last event.
pub(crate) fn closed(world: &World, meta: &LogMeta, order: &Order, next: &Log) -> Admitted {
    let mut event = own(world, "log.close", "admin", "disable");
    let mut successor = Object::new();
    successor.set("origin", next.meta.origin.clone());
    let vkey: Hash = Sha256::digest(next.vkey()).into();
    successor.set("vkey", format!("sha256:{}", hex(&vkey)));
    let mut attributes = Object::new();
    attributes.set("successor", successor);
    event.set("attributes", attributes);
    ordered(&mut event, order);
    admitted(world, event, &meta.tenant)
}

/// Why, and on whose behalf.
fn ordered(event: &mut Object<'static>, order: &Order) {
    let mut reason = Object::new();
    reason.set("text", order.why.clone());
    event.set("reason", reason);
    let Some(by) = &order.by else { return };
    let mut principal = Object::new();
    principal.set("type", "user");
    principal.set("id", by.clone());
    principal.set("relation", "invoked_by");
    let mut actor = actor();
    actor.set("on_behalf_of", vec![Value::Object(principal)]);
    event.set("actor", actor);
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

/// The server started on a folder that was used before.
pub(crate) fn started(
    world: &World,
    tenant: &str,
    version: &str,
    size: u64,
    closed: bool,
    cut: bool,
) -> Admitted {
    let why = match closed {
        true => "the server started; the folder had been closed in order",
        false => {
            "the server started; the one before had not closed the folder: it was killed, or \
                  the machine stopped"
        }
    };
    let attributes = [
        ("version", Value::from(version.to_owned())),
        ("closed_in_order", Value::from(closed)),
        ("cut", Value::from(cut)),
        ("size", Value::from(size.to_string())),
    ];
    told(world, "server.start", tenant, why, attributes)
}

/// The server stops, and closes the folder in order.
pub(crate) fn stopped(world: &World, tenant: &str, version: &str) -> Admitted {
    let attributes = [("version", Value::from(version.to_owned()))];
    told(
        world,
        "server.stop",
        tenant,
        "the server stops and closes the folder in order",
        attributes,
    )
}

/// The wall clock was set while the server ran.
pub(crate) fn clock_jump(world: &World, tenant: &str, jump: &Jump) -> Admitted {
    let why = "the wall clock and the clock that only counts disagree: it was set, or the machine \
               slept";
    told(world, "clock.jump", tenant, why, jump_attributes(jump))
}

/// At a start the wall clock shows less than the newest entry.
pub(crate) fn clock_behind(world: &World, tenant: &str, jump: &Jump) -> Admitted {
    let why = "the wall clock is behind the newest entry: it was set back since, or was wrong then";
    told(world, "clock.jump", tenant, why, jump_attributes(jump))
}

fn jump_attributes(jump: &Jump) -> [(&'static str, Value<'static>); 4] {
    [
        ("by_ms", Value::from((jump.by_ns() / 1_000_000).to_string())),
        ("expected", Value::from(format_time(jump.expected))),
        ("found", Value::from(format_time(jump.found))),
        ("untold", Value::from(jump.untold.to_string())),
    ]
}

/// An event about the server itself.
fn told<const N: usize>(
    world: &World,
    action: &str,
    tenant: &str,
    why: &str,
    attributes: [(&'static str, Value<'static>); N],
) -> Admitted {
    let mut event = own(world, action, "system", "other");
    let mut reason = Object::new();
    reason.set("text", why.to_owned());
    event.set("reason", reason);
    let mut members = Object::new();
    for (name, value) in attributes {
        members.set(name, value);
    }
    event.set("attributes", members);
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
    let actor = actor();
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

fn actor() -> Object<'static> {
    let mut actor = Object::new();
    actor.set("type", "system");
    actor.set("id", "counterfoil");
    actor
}

fn admitted(world: &World, event: Object<'static>, tenant: &str) -> Admitted {
    let record = Record { event, secrets: Vec::new() };
    admit(record, &Peer::server(tenant), &Policy::default(), || world.new_id())
        .expect("our own events conform; a test makes each")
}
