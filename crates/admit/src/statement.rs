//! What Counterfoil itself states: events of its own, about its logs and about who used them.
//!
//! Promises: they are admitted as everybody's are, under the same schema, spoken by the service
//! `counterfoil` alone.
//!
//! Never: reads a clock; the time is an argument.

use capture::Record;
use event::{Number, Object, Value, format_time};

use crate::{Admitted, Peer, Policy, Refusal, admit};

/// The service and the system that speaks.
pub(crate) const SELF: &str = "counterfoil";

/// Bytes that are kept of an id; longer ones are somebody's who asked, and name nothing.
const ID_BYTES_MAX: usize = 256;

/// An event that the server makes, on its way to admission.
#[derive(Clone, Debug)]
pub struct Statement {
    event: Object<'static>,
}

impl Statement {
    /// What was done, as `action`, `kind` and `verb` of the event say it. The server itself did it,
    /// unless [`Statement::by`] names somebody else.
    pub fn new(action: &str, kind: &str, verb: &str) -> Statement {
        let statement = Statement { event: Object::new() };
        statement
            .with(&["action"], action.to_owned())
            .with(&["kind"], kind.to_owned())
            .with(&["verb"], verb.to_owned())
            .with(&["service", "name"], SELF)
            .by("system", SELF)
    }

    /// Who did it.
    #[must_use]
    pub fn by(self, actor_type: &str, id: &str) -> Statement {
        self.with(&["actor", "type"], actor_type.to_owned()).with(&["actor", "id"], id.to_owned())
    }

    /// Why.
    #[must_use]
    pub fn because(self, text: &str) -> Statement {
        self.with(&["reason", "text"], text.to_owned())
    }

    /// What it was done to.
    #[must_use]
    pub fn to(mut self, resource_type: &str, id: &str) -> Statement {
        let mut resource = Object::new();
        resource.set("role", "target");
        resource.set("type", resource_type.to_owned());
        resource.set("id", id[..id.floor_char_boundary(ID_BYTES_MAX)].to_owned());
        let mut all = match self.event.take("resources") {
            Some(Value::Array(all)) => all,
            _ => Vec::new(),
        };
        all.push(Value::Object(resource));
        self.event.set("resources", all);
        self
    }

    /// How it ended: `success`, `failure` or `unknown`.
    #[must_use]
    pub fn ended(self, result: &str) -> Statement {
        self.with(&["outcome", "result"], result.to_owned())
    }

    /// A detail of our own.
    #[must_use]
    pub fn noting(self, name: &str, value: impl Into<Value<'static>>) -> Statement {
        self.with(&["attributes", name], value)
    }

    /// A number among the details.
    #[must_use]
    pub fn counting(self, name: &str, count: u64) -> Statement {
        self.noting(name, number(count))
    }

    /// Any member of the event, by the keys that lead to it.
    #[must_use]
    pub fn with(mut self, path: &[&str], value: impl Into<Value<'static>>) -> Statement {
        place(&mut self.event, path, value.into());
        self
    }

    /// What was done.
    pub fn action(&self) -> &str {
        self.event.str("action").unwrap_or_default()
    }

    /// Another one about the same action, without who, what and why.
    #[must_use]
    pub fn again(&self) -> Statement {
        let word = |name| self.event.str(name).unwrap_or_default();
        Statement::new(word("action"), word("kind"), word("verb"))
    }

    /// Admits it for a tenant's log.
    pub fn admit(
        mut self,
        now: i64,
        tenant: &str,
        give_id: impl FnOnce() -> String,
    ) -> Result<Admitted, Refusal> {
        self.event.set("occurred_at", format_time(now));
        let record = Record { event: self.event, secrets: Vec::new() };
        admit(record, &Peer::server(tenant), &Policy::default(), give_id)
    }
}

/// A count as an event has it; beyond 2^53 − 1 it says that much.
pub fn number(count: u64) -> Value<'static> {
    const LARGEST: u64 = (1 << 53) - 1;
    Number::from_integer(count.min(LARGEST) as i64).map_or(Value::Null, Value::Number)
}

fn place(object: &mut Object<'static>, path: &[&str], value: Value<'static>) {
    match path {
        [] => {}
        [key] => object.set((*key).to_owned(), value),
        [key, rest @ ..] => {
            let mut inner = match object.take(key) {
                Some(Value::Object(inner)) => inner,
                _ => Object::new(),
            };
            place(&mut inner, rest, value);
            object.set((*key).to_owned(), inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_an_event_of_the_servers() {
        let statement = Statement::new("token.create", "audit", "create")
            .by("user", "ops")
            .because("asked for")
            .to("token", "1f")
            .to("role", "reader")
            .ended("success")
            .counting("shown", u64::MAX)
            .with(&["outcome", "counts", "succeeded"], number(3));
        let admitted = statement.admit(5, "acme", || "given".into()).expect("conforms");
        let event = Value::Object(admitted.fields().to_value().expect("well formed")).to_json();
        assert_eq!(
            event,
            r#"{"action":"token.create","actor":{"id":"ops","type":"user"},"attributes":{"shown":9007199254740991},"id":"given","kind":"audit","occurred_at":"1970-01-01T00:00:00.000000005Z","outcome":{"counts":{"succeeded":3},"result":"success"},"reason":{"text":"asked for"},"recorded":{"id_given":true,"identity":{"id":"counterfoil","kind":"local"},"policy":"builtin/1"},"resources":[{"id":"1f","role":"target","type":"token"},{"id":"reader","role":"target","type":"role"}],"service":{"name":"counterfoil"},"verb":"create"}"#
        );
    }

    #[test]
    fn an_id_that_names_nothing_takes_little_room() {
        let statement =
            Statement::new("token.revoke", "audit", "delete").to("token", &"ü".repeat(400));
        let admitted = statement.admit(5, "acme", || "given".into()).expect("conforms");
        let event = Value::Object(admitted.fields().to_value().expect("well formed")).to_json();
        assert!(event.contains(&format!("\"{}\"", "ü".repeat(128))), "{event}");
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let refusal = Statement::new("a", "no such kind", "read").admit(0, "acme", || "x".into());
        assert_eq!(refusal.expect_err("refused").path, "/kind");
    }
}
