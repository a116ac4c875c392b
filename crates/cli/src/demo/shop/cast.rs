//! Who plays: six services with their teams, the staff, the customers, and one agent.
//!
//! Every name is of `shop.example`, every address from the ranges kept for documentation.

use serde_json::{Value, json};

use random::Random;

/// One of the six services.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) team: &'static str,
    pub(super) version: &'static str,
    /// How far its clock is ahead.
    pub(super) clock_ns: i64,
}

pub(super) const WEB: &Service = &CAST[0];
pub(super) const ORDERS: &Service = &CAST[1];
pub(super) const PAYMENTS: &Service = &CAST[2];
pub(super) const INVENTORY: &Service = &CAST[3];
pub(super) const IDENTITY: &Service = &CAST[4];
pub(super) const MAIL: &Service = &CAST[5];

/// The services in the order of [`super::SERVICES`].
pub(super) static CAST: [Service; 6] = [
    service("web", "team-storefront", "5.12.0", 0),
    service("orders", "team-orders", "4.7.2", -300_000),
    service("payments", "team-payments", "2.3.1", 1_200_000),
    service("inventory", "team-warehouse", "1.19.4", 200_000),
    service("identity", "team-identity", "3.0.6", -100_000),
    service("mail", "team-mail", "0.9.8", 2_100_000),
];

const fn service(
    name: &'static str,
    team: &'static str,
    version: &'static str,
    clock_ns: i64,
) -> Service {
    Service { name, team, version, clock_ns }
}

impl Service {
    /// Its place in [`CAST`].
    pub(super) fn index(&self) -> usize {
        CAST.iter().position(|s| s.name == self.name).unwrap_or(0)
    }

    /// Its service account, acting for itself.
    pub(super) fn actor(&self) -> Value {
        json!({"type": "service", "id": self.name})
    }

    /// The name its certificate carries.
    pub(super) fn identity(&self) -> String {
        format!("spiffe://demo.local/ns/shop/sa/{}", self.name)
    }

    pub(super) fn as_event(&self) -> Value {
        json!({"name": self.name, "version": self.version, "environment": "prod"})
    }
}

/// One of the staff.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) name: &'static str,
    group: &'static str,
}

pub(super) const ALICE: Person = Person { name: "alice", group: "support" };
pub(super) const BOB: Person = Person { name: "bob", group: "warehouse" };
pub(super) const CAROL: Person = Person { name: "carol", group: "finance" };
pub(super) const DAVE: Person = Person { name: "dave", group: "on-call" };
pub(super) const ERIN: Person = Person { name: "erin", group: "identity-admins" };
pub(super) const FARID: Person = Person { name: "farid", group: "analysts" };
pub(super) const STAFF: [&Person; 6] = [&ALICE, &BOB, &CAROL, &DAVE, &ERIN, &FARID];

impl Person {
    pub(super) fn id(&self) -> String {
        format!("{}@shop.example", self.name)
    }

    pub(super) fn actor(&self) -> Value {
        json!({"type": "user", "id": self.id(), "name": self.name, "groups": [self.group]})
    }

    /// The account as a resource.
    pub(super) fn account(&self) -> String {
        format!("user/{}", self.name)
    }
}

/// The agent that refunds, for alice.
pub(super) fn refund_bot() -> Value {
    json!({"type": "agent", "id": "refund-bot", "on_behalf_of": [
        {"type": "user", "id": ALICE.id(), "name": ALICE.name, "relation": "token_exchange"}]})
}

/// A customer of the shop.
pub(super) fn customer(number: u64) -> Value {
    json!({"type": "user", "id": customer_id(number), "groups": ["customers"]})
}

pub(super) fn customer_id(number: u64) -> String {
    format!("customer-{number}")
}

/// A business customer, whose own people order.
pub(super) const ORGANISATIONS: [&str; 4] =
    ["acme.example", "harbor.example", "orchard.example", "westward.example"];

pub(super) const BROWSERS: [&str; 3] = [
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
    "Mozilla/5.0 (Macintosh) Version/19.1 Safari/605.1",
    "ShopApp/8.4 (Android 16)",
];

/// An address of the ranges that RFC 5737 keeps for documentation.
pub(super) fn address(random: &mut Random) -> String {
    let net = random.pick(&["198.51.100", "203.0.113"]);
    format!("{net}.{}", random.within(2, 250))
}
