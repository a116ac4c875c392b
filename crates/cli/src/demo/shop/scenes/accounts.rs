//! Sign-ins and what people may do: sessions, passwords, roles.

use event::format_time;
use serde_json::json;

use crate::demo::shop::cast::{self, ALICE, BOB, BROWSERS, CAROL, ERIN, IDENTITY, MAIL, STAFF};
use crate::demo::shop::stage::{Stage, changed, target};
use crate::demo::shop::world::World;

const ISSUER: &str = "https://identity.shop.example";

/// One of the staff, or a customer, signs in.
pub(super) fn sign_in(stage: &mut Stage<'_>, _: &mut World) {
    let (actor, account, method, mfa) = match stage.random.below(3) {
        0 => {
            let person = stage.random.pick(&STAFF);
            (person.actor(), person.account(), "webauthn", true)
        }
        _ => {
            let number = stage.random.within(1_001, 1_400);
            (
                cast::customer(number),
                format!("user/{}", cast::customer_id(number)),
                "password",
                false,
            )
        }
    };
    let client = stage.random.pick(&BROWSERS);
    let web = stage.visit(&actor, ["POST", "/login", "200"], client, 132);
    let identity = stage.call(&web, IDENTITY, 7, 115);
    let session = stage.random.span_id();
    stage.act(&identity, "session.login", json!({
        "kind": "session", "verb": "login", "actor": actor, "outcome": {"result": "success"},
        "authentication": {"method": method, "issuer": ISSUER, "mfa": mfa, "tls_version": "1.3"},
        "resources": [target("account", &account, IDENTITY)],
        "correlation": {"session_id": session},
    }));
}

/// Somebody leaves.
pub(super) fn sign_out(stage: &mut Stage<'_>, _: &mut World) {
    let person = stage.random.pick(&STAFF);
    let web = stage.visit(&person.actor(), ["POST", "/logout", "204"], BROWSERS[0], 24);
    let identity = stage.call(&web, IDENTITY, 5, 12);
    let session = stage.random.span_id();
    stage.act(
        &identity,
        "session.logout",
        json!({
            "kind": "session", "verb": "logout", "actor": person.actor(),
            "outcome": {"result": "success"},
            "resources": [target("session", &format!("session/{session}"), IDENTITY)],
            "correlation": {"session_id": session},
        }),
    );
}

/// Bob mistypes his password.
pub(super) fn bob_fails(stage: &mut Stage<'_>, _: &mut World) {
    let web = stage.visit(&BOB.actor(), ["POST", "/login", "401"], BROWSERS[0], 139);
    let identity = stage.call(&web, IDENTITY, 7, 118);
    let attempt = stage.random.within(1, 4);
    stage.act(&identity, "session.login", json!({
        "kind": "session", "verb": "login", "actor": BOB.actor(),
        "outcome": {"result": "failure", "code": "bad_credentials", "message": "wrong password"},
        "authentication": {"method": "password", "issuer": ISSUER, "mfa": false},
        "resources": [target("account", &BOB.account(), IDENTITY)],
        "attributes": {"attempt": attempt},
    }));
}

/// A customer changes the password; what it was is nobody's business.
pub(super) fn password_change(stage: &mut Stage<'_>, _: &mut World) {
    let number = stage.random.within(1_001, 1_400);
    let (actor, account) = (cast::customer(number), format!("user/{}", cast::customer_id(number)));
    let web = stage.visit(&actor, ["PUT", "/account/password", "204"], BROWSERS[2], 210);
    let identity = stage.call(&web, IDENTITY, 8, 176);
    let version = stage.random.within(2, 9);
    stage.act(&identity, "credential.change", json!({
        "kind": "authentication", "verb": "update", "actor": actor,
        "outcome": {"result": "success"},
        "authentication": {"method": "password", "issuer": ISSUER, "mfa": true},
        "resources": [changed("account", &account, IDENTITY,
                              &[("/credential_version", version.into(), (version + 1).into())])],
        "reason": {"text": "asked for by its owner"},
    }));
    let mail = stage.call(&identity, MAIL, 150, 24);
    stage.act(
        &mail,
        "notify.owner",
        json!({
            "kind": "integration", "verb": "execute", "actor": IDENTITY.actor(),
            "outcome": {"result": "success"},
            "resources": [target("message", "msg/password-changed", MAIL)],
            "subjects": [{"type": "customer", "id": cast::customer_id(number)}],
        }),
    );
}

/// Erin gives alice a role for a day; carol has said yes.
pub(super) fn role_grant(stage: &mut Stage<'_>, world: &mut World) {
    let web = stage.visit(&ERIN.actor(), ["POST", "/admin/grants", "201"], BROWSERS[1], 96);
    let identity = stage.call(&web, IDENTITY, 10, 70);
    let (approved_ns, until_ns) =
        (stage.now_ns - 412_000_000_000, stage.now_ns.saturating_add(86_400_000_000_000));
    let role = stage.random.pick(&["refunds.reviewer", "orders.editor", "reports.reader"]);
    let approval = stage.random.uuid7(approved_ns);
    stage.act(
        &identity,
        "role.grant",
        json!({
            "kind": "permission", "verb": "grant", "actor": ERIN.actor(),
            "outcome": {"result": "success"},
            "resources": [changed("role", role, IDENTITY, &[("/members/-", json!(null),
                                                             json!(ALICE.id()))]),
                          {"role": "affected", "type": "user", "id": ALICE.account()}],
            "reason": {"text": "stands in for a colleague", "ticket": world.ticket(),
                       "valid_until": format_time(until_ns),
                       "approvals": [{"by": CAROL.id(), "at": format_time(approved_ns),
                                      "decision": "approved", "role": "owner", "event": approval}]},
            "links": [{"rel": "approved_by", "id": approval}],
        }),
    );
}
