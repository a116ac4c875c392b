//! Customers and what they buy: browsing, orders, payments, stock.

use serde_json::{Value, json};

use crate::demo::shop::cast::{
    self, BOB, BROWSERS, IDENTITY, INVENTORY, MAIL, ORDERS, ORGANISATIONS, PAYMENTS, WEB,
};
use crate::demo::shop::stage::{Span, Stage, changed, euro, target};
use crate::demo::shop::world::{Order, World};

/// Somebody looks around.
pub(super) fn browse(stage: &mut Stage<'_>, _: &mut World) {
    let visitor = match stage.random.below(3) {
        0 => json!({"type": "anonymous", "session_id": stage.random.span_id()}),
        _ => cast::customer(stage.random.within(1_001, 1_400)),
    };
    let page = stage.random.pick(&["lamps", "chairs", "shelves", "kettles", "blankets"]);
    let took_ms = stage.random.within(28, 70);
    let client = stage.random.pick(&BROWSERS);
    let web = stage.visit(&visitor, ["GET", &format!("/c/{page}"), "200"], client, took_ms);
    let list = stage.call(&web, INVENTORY, 4, took_ms - 12);
    let count = stage.random.within(6, 48);
    stage.act(
        &list,
        "article.list",
        json!({
            "kind": "data_read", "verb": "list", "actor": WEB.actor(),
            "outcome": {"result": "success"},
            "resources": [{"role": "target", "type": "article", "owning_team": INVENTORY.team,
                           "set": {"count": count, "selector": {"category": page}}}],
        }),
    );
}

/// An order, through all six services.
pub(super) fn order(stage: &mut Stage<'_>, world: &mut World) {
    let order = world.order(stage.random);
    let buyer = cast::customer(order.customer);
    let client = stage.random.pick(&BROWSERS);
    let web = stage.visit(&buyer, ["POST", "/orders", "201"], client, 240);
    let identity = stage.call(&web, IDENTITY, 6, 9);
    stage.act(
        &identity,
        "token.verify",
        json!({
            "kind": "authentication", "verb": "read", "actor": WEB.actor(),
            "outcome": {"result": "success"},
            "authentication": {"method": "session", "subject": cast::customer_id(order.customer),
                               "issuer": "https://identity.shop.example"},
        }),
    );
    let orders = stage.call(&web, ORDERS, 20, 205);
    reserve(stage, world, &orders, &order);
    let pay = stage.call(&orders, PAYMENTS, 58, 96);
    stage.act(&pay, "payment.authorize", payment(&order, &["none", "authorized"]));
    let mut members = json!({
        "kind": "data_change", "verb": "create", "actor": buyer,
        "outcome": {"result": "success"},
        "resources": [changed("order", &order.id(), ORDERS, &[
            ("/status", Value::Null, json!("placed")),
            ("/total", Value::Null, json!(euro(order.cents)))])],
        "attributes": {"currency": "EUR", "items": 1 + order.cents % 3},
    });
    if order.number.is_multiple_of(4) {
        let at = (order.number / 4) as usize % ORGANISATIONS.len();
        members["organization"] = ORGANISATIONS[at].into();
    }
    stage.act(&orders, "order.create", members);
    let mail = stage.call(&orders, MAIL, 160, 31);
    tell(stage, &mail, "msg/order-placed", &order);
}

fn reserve(stage: &mut Stage<'_>, world: &mut World, orders: &Span, order: &Order) {
    let inventory = stage.call(orders, INVENTORY, 11, 34);
    let (sku, before, after) = world.take(stage.random, 1 + order.cents % 3);
    stage.act(&inventory, "stock.reserve", json!({
        "kind": "data_change", "verb": "update", "actor": ORDERS.actor(),
        "outcome": {"result": "success"},
        "resources": [changed("sku", &sku, INVENTORY, &[("/free", before.into(), after.into())]),
                      {"role": "affected", "type": "order", "id": order.id()}],
    }));
}

/// The goods left, so the money is taken.
pub(super) fn capture(stage: &mut Stage<'_>, world: &mut World) {
    let order = world.oldest(stage.random);
    let orders = stage.root(ORDERS, 164);
    let pay = stage.call(&orders, PAYMENTS, 8, 118);
    stage.act(&pay, "payment.capture", payment(&order, &["authorized", "captured"]));
    let bank = stage.call(&pay, PAYMENTS, 12, 88);
    let bytes = stage.random.within(600, 900);
    stage.act(
        &bank,
        "acquirer.capture",
        json!({
            "kind": "integration", "verb": "connect", "actor": PAYMENTS.actor(),
            "outcome": {"result": "success"},
            "destination": {"service": "acquirer", "address": "api.acquirer.example", "port": 443},
            "request": {"protocol": "HTTP/1.1", "method": "POST", "path": "/v2/captures"},
            "response": {"status": "200", "bytes": bytes},
        }),
    );
    stage.act(
        &orders,
        "order.update",
        json!({
            "kind": "data_change", "verb": "update", "actor": ORDERS.actor(),
            "outcome": {"result": "success"},
            "resources": [changed("order", &order.id(), ORDERS,
                                  &[("/status", json!("placed"), json!("shipped"))])],
        }),
    );
    let mail = stage.call(&orders, MAIL, 130, 27);
    tell(stage, &mail, "msg/order-shipped", &order);
}

/// Bob counts the shelf and mends the number.
pub(super) fn stock_adjust(stage: &mut Stage<'_>, world: &mut World) {
    let add = stage.random.within(4, 12);
    let (sku, before, after) = world.restock(stage.random, add);
    let path = format!("/admin/stock/{sku}");
    let web = stage.visit(&BOB.actor(), ["PATCH", &path, "200"], BROWSERS[0], 74);
    let inventory = stage.call(&web, INVENTORY, 9, 52);
    let why = stage.random.pick(&["goods received", "shelf counted", "customer return"]);
    stage.act(&inventory, "stock.adjust", json!({
        "kind": "data_change", "verb": "update", "actor": BOB.actor(),
        "outcome": {"result": "success"}, "reason": {"text": why},
        "resources": [changed("sku", &sku, INVENTORY, &[("/free", before.into(), after.into())])],
    }));
}

/// Inventory does not answer in time.
pub(super) fn reserve_fails(stage: &mut Stage<'_>, world: &mut World) {
    let order = world.order(stage.random);
    let buyer = cast::customer(order.customer);
    let web = stage.visit(&buyer, ["POST", "/orders", "503"], BROWSERS[2], 288);
    let orders = stage.call(&web, ORDERS, 15, 252);
    stage.act(
        &orders,
        "stock.reserve",
        json!({
            "kind": "data_change", "verb": "update", "actor": ORDERS.actor(),
            "outcome": {"result": "failure", "code": "DEADLINE_EXCEEDED",
                        "message": "no answer from inventory within 250 ms"},
            "destination": {"service": "inventory", "identity": INVENTORY.identity()},
            "resources": [target("sku", "sku/88-2", INVENTORY),
                          {"role": "affected", "type": "order", "id": order.id()}],
        }),
    );
}

/// The card is refused by its bank.
pub(super) fn declined(stage: &mut Stage<'_>, world: &mut World) {
    let order = world.order(stage.random);
    let buyer = cast::customer(order.customer);
    let web = stage.visit(&buyer, ["POST", "/orders", "402"], BROWSERS[1], 180);
    let orders = stage.call(&web, ORDERS, 12, 160);
    reserve(stage, world, &orders, &order);
    let pay = stage.call(&orders, PAYMENTS, 52, 90);
    let mut members = payment(&order, &["none", "declined"]);
    members["outcome"] = json!({"result": "failure", "code": "card_declined",
                                "message": "the issuer gave no reason"});
    stage.act(&pay, "payment.authorize", members);
    stage.act(
        &orders,
        "order.drop",
        json!({
            "kind": "data_change", "verb": "reject", "actor": ORDERS.actor(),
            "outcome": {"result": "success"}, "reason": {"text": "not paid"},
            "resources": [changed("order", &order.id(), ORDERS,
                                  &[("/status", Value::Null, json!("dropped"))])],
        }),
    );
}

fn payment(order: &Order, status: &[&str; 2]) -> Value {
    json!({
        "kind": "transaction", "verb": "execute", "actor": ORDERS.actor(),
        "outcome": {"result": "success"},
        "resources": [changed("payment", &order.payment, PAYMENTS,
                              &[("/status", json!(status[0]), json!(status[1]))]),
                      {"role": "parent", "type": "order", "id": order.id()}],
        "attributes": {"amount": euro(order.cents), "currency": "EUR"},
    })
}

fn tell(stage: &mut Stage<'_>, mail: &Span, message: &str, order: &Order) {
    stage.act(
        mail,
        "notify.customer",
        json!({
            "kind": "integration", "verb": "execute", "actor": ORDERS.actor(),
            "outcome": {"result": "success"},
            "resources": [target("message", message, MAIL),
                          {"role": "parent", "type": "order", "id": order.id()}],
            "subjects": [{"type": "customer", "id": cast::customer_id(order.customer)}],
        }),
    );
}
