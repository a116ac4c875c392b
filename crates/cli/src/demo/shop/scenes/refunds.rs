//! Refunds by the agent, for alice: small ones, and the one that needs a second person.

use serde_json::{Value, json};

use crate::demo::shop::cast::{self, ALICE, IDENTITY, MAIL, ORDERS, PAYMENTS};
use crate::demo::shop::stage::{Span, Stage, changed, euro, target};
use crate::demo::shop::world::World;

/// The trace of the first denied refund, the example of the W3C's recommendation.
pub const TOUR_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// How the id of the denial ends: `…-9d1e-40c2a8b3f6d7`.
const TOUR_ID: u64 = 0x9d1e_40c2_a8b3_f6d7;
const BOT: &str = "refund-bot/1.4.0";

/// What is refunded, and why.
struct Refund {
    order: String,
    payment: String,
    amount: String,
    ticket: String,
    why: &'static str,
}

impl Refund {
    fn reason(&self) -> Value {
        json!({"text": self.why, "ticket": self.ticket})
    }

    fn attributes(&self) -> Value {
        json!({"amount": self.amount, "currency": "EUR"})
    }
}

/// 812 euro for a lost parcel: over the limit, so denied.
pub(super) fn denied(stage: &mut Stage<'_>, world: &mut World) {
    let refund = Refund {
        order: "o/1932".into(),
        payment: "pay/7f31".into(),
        amount: "812.00".into(),
        ticket: "SUP-4812".into(),
        why: "parcel lost",
    };
    let first = !std::mem::replace(&mut world.toured, true);
    if first {
        stage.trace_id = TOUR_TRACE.into();
    }
    let bot = cast::refund_bot();
    let web = stage.visit(&bot, ["POST", "/refunds", "403"], BOT, 339);
    exchange_and_read(stage, &web, &refund);
    let pay = stage.call(&web, PAYMENTS, 113, 198);
    check_limit(stage, &pay, &refund);
    let mail = stage.call(&pay, MAIL, 155, 38);
    stage.act(
        &mail,
        "notify.owner",
        json!({
            "kind": "integration", "verb": "execute", "actor": PAYMENTS.actor(),
            "outcome": {"result": "success"},
            "resources": [target("message", "msg/refund-denied", MAIL),
                          {"role": "affected", "type": "user", "id": ALICE.account()}],
            "reason": {"text": "refund denied", "ticket": refund.ticket},
        }),
    );
    let id = first.then(|| stage.random.uuid7_with(stage.now_ns + 311_000_000, TOUR_ID));
    let told = stage.act(
        &pay,
        "refund.create",
        json!({
            "kind": "transaction", "verb": "create", "actor": bot, "agent": run(&refund),
            "outcome": {"result": "failure", "code": "policy_denied",
                        "message": "over 500 EUR needs a second person"},
            "decision": decision("deny", "2"),
            "reason": refund.reason(), "attributes": refund.attributes(),
            "resources": [target("payment", &refund.payment, PAYMENTS)],
        }),
    );
    if let Some(id) = id {
        told.event["id"] = id.into();
    }
}

/// A few euro: within the limit, and told to the customer.
pub(super) fn small(stage: &mut Stage<'_>, world: &mut World) {
    let order = world.oldest(stage.random);
    let refund = Refund {
        order: order.id(),
        payment: order.payment.clone(),
        amount: euro(order.cents),
        ticket: world.ticket(),
        why: stage.random.pick(&["parcel lost", "wrong size", "arrived broken", "sent twice"]),
    };
    let web = stage.visit(&cast::refund_bot(), ["POST", "/refunds", "201"], BOT, 296);
    exchange_and_read(stage, &web, &refund);
    let pay = stage.call(&web, PAYMENTS, 109, 171);
    check_limit(stage, &pay, &refund);
    let paid = changed(
        "payment",
        &refund.payment,
        PAYMENTS,
        &[
            ("/status", json!("captured"), json!("refunded")),
            ("/refunded", json!("0.00"), json!(refund.amount)),
        ],
    );
    stage.act(
        &pay,
        "refund.create",
        json!({
            "kind": "transaction", "verb": "create", "actor": cast::refund_bot(),
            "agent": run(&refund), "outcome": {"result": "success"},
            "decision": decision("allow", "1"), "resources": [paid],
            "reason": refund.reason(), "attributes": refund.attributes(),
        }),
    );
    let mail = stage.call(&pay, MAIL, 130, 33);
    stage.act(
        &mail,
        "notify.customer",
        json!({
            "kind": "integration", "verb": "execute", "actor": PAYMENTS.actor(),
            "outcome": {"result": "success"},
            "resources": [target("message", "msg/refund-paid", MAIL)],
            "subjects": [{"type": "customer", "id": cast::customer_id(order.customer)}],
        }),
    );
}

fn exchange_and_read(stage: &mut Stage<'_>, web: &Span, refund: &Refund) {
    let identity = stage.call(web, IDENTITY, 14, 21);
    let token = format!("tok/{}", stage.random.span_id());
    stage.act(
        &identity,
        "token.exchange",
        json!({
            "kind": "authentication", "verb": "assume", "actor": cast::refund_bot(),
            "outcome": {"result": "success"},
            "authentication": {"method": "token_exchange", "token_id": token,
                               "issuer": "https://identity.shop.example"},
            "resources": [{"role": "affected", "type": "user", "id": ALICE.account()}],
            "attributes": {"scopes": ["orders:read", "refunds:create"]},
        }),
    );
    let orders = stage.call(web, ORDERS, 42, 44);
    stage.act(
        &orders,
        "order.read",
        json!({
            "kind": "data_read", "verb": "read", "actor": cast::refund_bot(),
            "outcome": {"result": "success"}, "reason": refund.reason(),
            "resources": [target("order", &refund.order, ORDERS)],
        }),
    );
}

fn check_limit(stage: &mut Stage<'_>, pay: &Span, refund: &Refund) {
    let check = stage.call(pay, PAYMENTS, 5, 17);
    stage.act(
        &check,
        "limit.check",
        json!({
            "kind": "authorization", "verb": "read", "actor": PAYMENTS.actor(),
            "outcome": {"result": "success"},
            "resources": [target("limit", "refunds.limit", PAYMENTS),
                          {"role": "affected", "type": "payment", "id": refund.payment}],
            "attributes": {"limit": "500.00", "amount": refund.amount, "currency": "EUR"},
        }),
    );
}

fn decision(effect: &str, rule: &str) -> Value {
    json!({"effect": effect, "mode": "enforced", "basis": "matched", "engine": "cedar",
           "policy": "refunds.limit", "rule": rule})
}

fn run(refund: &Refund) -> Value {
    json!({"run_id": format!("run/{}", refund.ticket), "model": "helpdesk-small",
           "version": "1.4.0", "tool": "refunds.create", "oversight": "supervised"})
}
