//! Events that the log itself states.

use admit::{Admitted, Statement};
use event::{Hash, Object, Value, format_time};
use sha2::{Digest, Sha256};

use crate::clock_watch::Jump;
use crate::journal::section::IdTag;
use crate::log::{DamageNote, Log, LogKey, LogMeta, Vkey, hex};
use crate::rekey::KeyOrder;
use crate::rotate::Order;
use crate::world::World;

/// A log has a new key, and the old one signs no more.
pub(crate) const KEY_ROTATE: &str = "key.rotate";
pub(crate) const KEY_RETIRE: &str = "key.retire";

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
    admitted(world, ordered(open(meta, before), order), &meta.tenant)
}

/// A log was created because the one that it follows was damaged and set aside. `before` says how
/// far that one could be read.
pub(crate) fn went_on(
    world: &World,
    meta: &LogMeta,
    note: &DamageNote,
    before: Option<&Before<'_>>,
) -> Admitted {
    let DamageNote { number, file, offset, what, readable, signed } = note;
    let why = format!(
        "the data folder was damaged: {file}, byte {offset}: {what}; it was set aside as \
         damaged/{number}; {readable} of at least {signed} signed entries of the log before \
         could be proved then"
    );
    let statement = open(meta, before)
        .because(&why)
        .with(&["attributes", "damage", "number"], number.to_string())
        .with(&["attributes", "damage", "file"], file.clone())
        .with(&["attributes", "damage", "offset"], offset.to_string())
        .with(&["attributes", "damage", "what"], what.clone())
        .with(&["attributes", "damage", "readable"], readable.to_string())
        .with(&["attributes", "damage", "signed"], signed.to_string());
    admitted(world, statement, &meta.tenant)
}

fn open(meta: &LogMeta, before: Option<&Before<'_>>) -> Statement {
    let statement =
        Statement::new("log.open", "admin", "create").noting("log_file", meta.digest_text());
    match before {
        Some(before) => statement
            .with(&["attributes", "follows", "origin"], before.origin.to_owned())
            .with(&["attributes", "follows", "size"], before.size.to_string())
            .with(&["attributes", "follows", "root"], hex(&before.root)),
        None => statement,
    }
}

/// A log was closed: this is its last event.
pub(crate) fn closed(world: &World, meta: &LogMeta, order: &Order, next: &Log) -> Admitted {
    let vkey: Hash = Sha256::digest(next.vkey()).into();
    let statement = Statement::new("log.close", "admin", "disable")
        .with(&["attributes", "successor", "origin"], next.meta.origin.clone())
        .with(&["attributes", "successor", "vkey"], format!("sha256:{}", hex(&vkey)));
    admitted(world, ordered(statement, order), &meta.tenant)
}

/// A key took over from the one before: from here on both sign. The new key stands there whole, so
/// that who trusts the old one's signature over this event can come to trust the new one.
pub(crate) fn key_rotated(
    world: &World,
    meta: &LogMeta,
    order: &KeyOrder,
    [old, new]: [&LogKey; 2],
    together_until: i64,
) -> Admitted {
    let statement = Statement::new(KEY_ROTATE, "admin", "update")
        .with(&["id"], key_event_id(KEY_ROTATE, new.public()))
        .noting("vkey", new.public().to_string())
        .noting("old_vkey", old.public().digest_text())
        .noting("together_until", format_time(together_until));
    admitted(world, because(statement, &order.why, order.by.as_deref()), &meta.tenant)
}

/// The overlap is over: the new key signs alone.
pub(crate) fn key_retired(world: &World, meta: &LogMeta, [old, new]: [&LogKey; 2]) -> Admitted {
    let statement = Statement::new(KEY_RETIRE, "admin", "revoke")
        .with(&["id"], key_event_id(KEY_RETIRE, old.public()))
        .because("the time that both keys were to sign together is over")
        .noting("vkey", new.public().to_string())
        .noting("old_vkey", old.public().digest_text());
    admitted(world, statement, &meta.tenant)
}

/// The id of the event about a key, so that a start can tell whether the log has it.
fn key_event_id(action: &str, key: &Vkey) -> String {
    let digest = key.digest_text();
    let hex = digest.rsplit(':').next().unwrap_or_default();
    format!("{action}/{}", hex.get(..32).unwrap_or(hex))
}

/// The tag in the journal of the event about a key.
pub(crate) fn key_event_tag(world: &World, tenant: &str, action: &str, key: &Vkey) -> IdTag {
    let statement = Statement::new(action, "admin", "other");
    let event = admitted(world, statement.with(&["id"], key_event_id(action, key)), tenant);
    world.id_key.tag(tenant, event.producer(), event.id())
}

/// Why, and on whose behalf.
fn ordered(statement: Statement, order: &Order) -> Statement {
    because(statement, &order.why, order.by.as_deref())
}

fn because(statement: Statement, why: &str, by: Option<&str>) -> Statement {
    let statement = statement.because(why);
    let Some(by) = by else { return statement };
    let mut principal = Object::new();
    principal.set("type", "user");
    principal.set("id", by.to_owned());
    principal.set("relation", "invoked_by");
    statement.with(&["actor", "on_behalf_of"], vec![Value::Object(principal)])
}

/// A frame that was never acknowledged was cut from the journal.
pub(crate) fn cut(world: &World, tenant: &str, file: &str, offset: u64) -> Admitted {
    let statement = Statement::new("journal.cut", "system", "delete")
        .because("a write that a crash interrupted stood behind the last whole frame")
        .noting("file", file.to_owned())
        .noting("offset", offset.to_string());
    admitted(world, statement, tenant)
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
    let mut statement = Statement::new(action, "system", "other").because(why);
    for (name, value) in attributes {
        statement = statement.noting(name, value);
    }
    admitted(world, statement, tenant)
}

/// An event came whose id another event of the same producer has.
pub(crate) fn conflict(world: &World, tenant: &str, conflict: &Conflict<'_>) -> Admitted {
    let link = |digest: &Hash| {
        let mut link = Object::new();
        link.set("rel", "caused_by");
        link.set("id", conflict.id.to_owned());
        link.set("digest", format!("sha256:{}", hex(digest)));
        Value::Object(link)
    };
    let links: Vec<Value<'static>> =
        conflict.first.iter().chain([&conflict.second]).map(link).collect();
    let statement = Statement::new("id.conflict", "finding", "other")
        .because("two events with other content came from one producer under one id")
        .with(&["links"], links);
    admitted(world, statement, tenant)
}

pub(crate) fn admitted(world: &World, statement: Statement, tenant: &str) -> Admitted {
    statement
        .admit(world.clock.now(), tenant, || world.new_id())
        .expect("our own events conform; a test makes each")
}
