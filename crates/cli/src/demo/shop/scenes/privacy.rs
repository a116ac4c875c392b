//! Personal data: who read whose, on what basis, and to whom it went.

use serde_json::json;

use crate::demo::shop::cast::{self, ALICE, BROWSERS, FARID, IDENTITY, ORDERS};
use crate::demo::shop::stage::{Stage, target};
use crate::demo::shop::world::World;

/// Alice opens a customer's record to answer a ticket.
pub(super) fn customer_read(stage: &mut Stage<'_>, world: &mut World) {
    let customer = cast::customer_id(stage.random.within(1_001, 1_400));
    let path = format!("/admin/customers/{customer}");
    let web = stage.visit(&ALICE.actor(), ["GET", &path, "200"], BROWSERS[0], 88);
    let identity = stage.call(&web, IDENTITY, 6, 31);
    let mut record = target("customer", &customer, IDENTITY);
    record["sensitivity"] = "personal".into();
    stage.act(
        &identity,
        "customer.read",
        json!({
            "kind": "data_read", "facets": ["privacy"], "verb": "read", "actor": ALICE.actor(),
            "outcome": {"result": "success"}, "resources": [record],
            "subjects": [{"type": "customer", "id": customer}],
            "reason": {"ticket": world.ticket(), "purpose": "customer support",
                       "legal_basis": "contract"},
            "decision": {"effect": "allow", "mode": "shadow", "basis": "no_match",
                         "engine": "cedar", "policy": "customers.need-to-know"},
        }),
    );
    let orders = stage.call(&web, ORDERS, 41, 36);
    let count = stage.random.within(1, 12);
    stage.act(
        &orders,
        "order.list",
        json!({
            "kind": "data_read", "verb": "list", "actor": ALICE.actor(),
            "outcome": {"result": "success"},
            "subjects": [{"type": "customer", "id": customer}],
            "resources": [{"role": "target", "type": "order", "owning_team": ORDERS.team,
                           "set": {"count": count, "selector": {"customer": customer}}}],
        }),
    );
}

/// The carrier needs an address to bring a parcel.
pub(super) fn disclosure(stage: &mut Stage<'_>, world: &mut World) {
    let order = world.oldest(stage.random);
    let orders = stage.root(ORDERS, 143);
    stage.act(
        &orders,
        "address.disclose",
        json!({
            "kind": "privacy", "verb": "share", "actor": ORDERS.actor(),
            "outcome": {"result": "success"},
            "resources": [target("order", &order.id(), ORDERS)],
            "subjects": [{"type": "customer", "id": cast::customer_id(order.customer)}],
            "disclosure": {"recipient": "parcels.example", "purpose": "delivery",
                           "categories": ["name", "postal address", "telephone"], "records": 1},
            "reason": {"purpose": "delivery", "legal_basis": "contract"},
            "destination": {"service": "parcels", "address": "api.parcels.example", "port": 443},
        }),
    );
    let call = stage.call(&orders, ORDERS, 14, 120);
    let label = format!("label/{}", stage.random.span_id());
    stage.act(
        &call,
        "label.create",
        json!({
            "kind": "integration", "verb": "create", "actor": ORDERS.actor(),
            "outcome": {"result": "success"},
            "resources": [target("label", &label, ORDERS)],
            "destination": {"service": "parcels", "address": "api.parcels.example", "port": 443},
            "request": {"protocol": "HTTP/1.1", "method": "POST", "path": "/labels"},
            "response": {"status": "201"},
        }),
    );
}

/// Farid exports a month of orders for the quarterly figures.
pub(super) fn export(stage: &mut Stage<'_>, _: &mut World) {
    let web = stage.visit(&FARID.actor(), ["POST", "/reports/orders", "200"], BROWSERS[1], 480);
    let orders = stage.call(&web, ORDERS, 22, 440);
    let records = stage.random.within(4_000, 9_000);
    let digest = format!("sha-256:{}{}", stage.random.trace_id(), stage.random.trace_id());
    stage.act(
        &orders,
        "order.export",
        json!({
            "kind": "data_read", "facets": ["privacy"], "verb": "export", "actor": FARID.actor(),
            "outcome": {"result": "success",
                        "counts": {"attempted": records, "succeeded": records, "failed": 0}},
            "resources": [{"role": "target", "type": "order", "owning_team": ORDERS.team,
                           "set": {"count": records, "selector": {"month": "last"},
                                   "ids_digest": digest}}],
            "statement": {"language": "sql", "fingerprint": "q7c1e",
                          "text": "select id, total, country from orders where month = $1"},
            "reason": {"purpose": "quarterly figures", "legal_basis": "legitimate interests"},
        }),
    );
}
