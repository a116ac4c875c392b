//! The shop's own affairs: starts, jobs, settings, and a door broken open.

use serde_json::{Value, json};

use crate::demo::shop::cast::{
    BROWSERS, CAROL, CAST, DAVE, INVENTORY, MAIL, ORDERS, PAYMENTS, Service,
};
use crate::demo::shop::stage::{Act, Stage, changed, target};
use crate::demo::shop::world::World;

/// All six services come up.
pub(super) fn start_all(stage: &mut Stage<'_>, _: &mut World) {
    for service in &CAST {
        start(stage, service, "rollout");
    }
}

/// One service comes up: the first event of a stream.
pub(super) fn start(stage: &mut Stage<'_>, service: &'static Service, why: &str) {
    let span = stage.root(service, 0);
    let memory_mib = stage.random.within(96, 140);
    stage.act(&span, "service.start", json!({
        "kind": "system", "verb": "enable", "actor": {"type": "system", "id": "scheduler"},
        "outcome": {"result": "success"}, "reason": {"text": why},
        "resources": [changed("deployment", &format!("deployment/{}", service.name), service,
                              &[("/version", Value::Null, json!(service.version))])],
        "attributes": {"memory_mib": memory_mib, "image": format!("registry.shop.example/{}:{}",
                                                                  service.name, service.version)},
    }));
}

/// Mail ran out of memory and is started anew.
pub(in crate::demo::shop) fn restart(stage: &mut Stage<'_>, _: &mut World) {
    start(stage, MAIL, "out of memory, started again");
}

/// An old build of a warehouse tool writes `resource` for `resources`, and does not number.
pub(in crate::demo::shop) fn unreadable(stage: &mut Stage<'_>, _: &mut World) {
    let span = stage.root(INVENTORY, 12);
    let Act { event, refused, .. } = stage.act(
        &span,
        "label.print",
        json!({
            "kind": "other", "verb": "execute", "actor": INVENTORY.actor(),
            "outcome": {"result": "success"},
            "resource": [target("printer", "printer/dock-3", INVENTORY)],
        }),
    );
    event["service"]["version"] = "1.2.0".into();
    *refused = true;
}

/// Work that nobody asked for but the clock.
pub(super) fn job(stage: &mut Stage<'_>, _: &mut World) {
    let jobs = [
        (ORDERS, "orders.archive", "30 2 * * *"),
        (INVENTORY, "stock.recount", "*/15 * * * *"),
        (PAYMENTS, "payouts.settle", "0 * * * *"),
    ];
    let (service, name, schedule) = jobs[stage.random.below(3) as usize];
    let operation = format!("job/{}", stage.random.span_id());
    let begin = stage.root(service, 0);
    let scheduler = json!({"type": "system", "id": "scheduler"});
    stage.act(
        &begin,
        "job.run",
        json!({
            "kind": "system", "verb": "execute", "phase": "start", "actor": scheduler,
            "resources": [target("job", name, service)], "attributes": {"schedule": schedule},
            "correlation": {"operation_id": operation},
        }),
    );
    let took_ms = stage.random.within(120, 420);
    let work = stage.call(&begin, service, 1, took_ms);
    let attempted = stage.random.within(20, 400);
    stage.act(
        &work,
        "job.run",
        json!({
            "kind": "system", "verb": "execute", "actor": scheduler,
            "outcome": {"result": "success",
                        "counts": {"attempted": attempted, "succeeded": attempted, "failed": 0}},
            "resources": [target("job", name, service)], "attributes": {"schedule": schedule},
            "correlation": {"operation_id": operation},
        }),
    );
}

/// A setting is changed after a second person looked at it.
pub(super) fn config_change(stage: &mut Stage<'_>, world: &mut World) {
    let approval = approve(stage);
    let span = stage.root(PAYMENTS, 18);
    let (setting, before, after) = match stage.random.below(3) {
        0 => ("acquirer.timeout_ms", json!(800), json!(1_200)),
        1 => ("capture.batch_size", json!(50), json!(80)),
        _ => ("payouts.currencies", json!(["EUR"]), json!(["EUR", "SEK"])),
    };
    stage.act(
        &span,
        "config.update",
        json!({
            "kind": "config", "verb": "update", "actor": DAVE.actor(),
            "outcome": {"result": "success"},
            "resources": [changed("setting", setting, PAYMENTS, &[("/value", before, after)])],
            "reason": {"text": "agreed in the weekly round", "ticket": world.ticket()},
            "links": [{"rel": "approved_by", "id": approval}],
        }),
    );
}

fn approve(stage: &mut Stage<'_>) -> Value {
    let span = stage.root(PAYMENTS, 0);
    let act = stage.act(
        &span,
        "change.approve",
        json!({
            "kind": "admin", "verb": "approve", "actor": CAROL.actor(),
            "outcome": {"result": "success"},
            "resources": [target("change", "change/payments", PAYMENTS)],
            "authentication": {"method": "webauthn", "mfa": true},
        }),
    );
    act.event["id"].clone()
}

/// Dave reads the payments' database himself, in an emergency.
pub(super) fn break_glass(stage: &mut Stage<'_>, world: &mut World) {
    let ticket = world.ticket();
    let path = "/admin/break-glass";
    let web = stage.visit(&DAVE.actor(), ["POST", path, "201"], BROWSERS[0], 420);
    let pay = stage.call(&web, PAYMENTS, 30, 360);
    let mut database = target("database", "db/payments", PAYMENTS);
    database["sensitivity"] = "restricted".into();
    stage.act(
        &pay,
        "database.read",
        json!({
            "kind": "admin", "facets": ["data_read"], "verb": "read", "actor": DAVE.actor(),
            "outcome": {"result": "success"}, "resources": [database],
            "statement": {"language": "sql",
                          "text": "select id, status from payments where status = 'stuck'"},
            "reason": {"text": "payouts stuck, nobody from payments reachable", "ticket": ticket,
                       "purpose": "incident", "break_glass": true},
            "decision": {"effect": "allow", "mode": "enforced", "basis": "matched",
                         "engine": "cedar", "policy": "break-glass", "rule": "1"},
        }),
    );
    let mail = stage.call(&pay, MAIL, 40, 29);
    stage.act(
        &mail,
        "notify.owner",
        json!({
            "kind": "integration", "verb": "execute", "actor": PAYMENTS.actor(),
            "outcome": {"result": "success"}, "reason": {"ticket": ticket},
            "resources": [target("message", "msg/break-glass", MAIL)],
        }),
    );
}
