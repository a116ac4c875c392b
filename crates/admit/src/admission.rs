//! The decision.

use std::sync::Arc;

use capture::Record;
use event::{Fields, Object, PathText, Schema, Step, Value, limits};

use crate::{Admitted, Owners, Peer, Refusal};

/// What is let in and how.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Names these rules in `recorded.policy`.
    pub name: String,
    /// Whether places known to hold credentials are redacted.
    pub redact_credentials: bool,
    /// Which team owns which service.
    pub owners: Arc<Owners>,
}

impl Default for Policy {
    fn default() -> Self {
        Policy { name: "builtin/1".into(), redact_credentials: true, owners: Arc::default() }
    }
}

/// What stands in place of a redacted value.
const REDACTED: &str = "[redacted]";

/// Admits a record or says why not. `give_id` makes an id for an event that brings none.
pub fn admit(
    record: Record<'_>,
    peer: &Peer,
    policy: &Policy,
    give_id: impl FnOnce() -> String,
) -> Result<Admitted, Refusal> {
    let Record { mut event, secrets } = record;
    let redacted =
        if policy.redact_credentials { redact(&mut event, &secrets) } else { Vec::new() };
    Schema::event().conform(&mut event)?;
    let service = event.object("service").and_then(|s| s.str("name")).unwrap_or_default();
    if !peer.speaks_for(service) {
        return Err(out_of_scope(peer, service));
    }
    let claimed = event.object("producer").and_then(|p| p.str("id")).unwrap_or(service);
    let producer = peer.producer(claimed);
    let owner = policy.owners.recorded(service);
    let (id, id_given) = identify(&mut event, give_id);
    event.set("recorded", recorded(peer, policy, id_given, redacted, owner));
    let fields = Fields::flatten(&event).map_err(|e| Refusal::new("too_many_fields", e.0))?;
    let sent = fields.iter().filter(|f| !f.path.starts_with("[\"recorded\",")).count();
    if sent > limits::FIELDS_SENT_MAX {
        let most = limits::FIELDS_SENT_MAX;
        let reason = format!("an event has at most {most} fields, this one {sent}");
        return Err(Refusal::new("too_many_fields", reason));
    }
    Ok(Admitted::new(fields, id, id_given, producer))
}

fn out_of_scope(peer: &Peer, service: &str) -> Refusal {
    let allowed = match &peer.speaks {
        crate::Speaks::For(names) => names.join(", "),
        crate::Speaks::ForMany => "any".into(),
    };
    let shown: String = service.chars().take(64).flat_map(char::escape_debug).collect();
    Refusal {
        code: "scope",
        path: "/service/name".into(),
        reason: format!("this token does not speak for \"{shown}\", only for: {allowed}"),
    }
}

/// The event's id: its own; else made of producer, stream and seq; else given by the server.
fn identify(event: &mut Object<'_>, give_id: impl FnOnce() -> String) -> (String, bool) {
    if let Some(id) = event.str("id") {
        return (id.to_owned(), false);
    }
    let numbered = event.object("producer").and_then(|producer| {
        let (id, stream) = (producer.str("id")?, producer.str("stream")?);
        Some(format!("{id}/{stream}/{}", producer.get("seq")?.as_integer()?))
    });
    let (id, given) = match numbered.filter(|id| id.len() <= limits::ID_BYTES_MAX) {
        Some(id) => (id, false),
        None => (give_id(), true),
    };
    event.set("id", id.clone());
    (id, given)
}

fn recorded<'a>(
    peer: &Peer,
    policy: &Policy,
    id_given: bool,
    redacted: Vec<String>,
    owner: Option<Object<'a>>,
) -> Object<'a> {
    let mut identity = Object::new();
    identity.set("kind", peer.identity.kind);
    identity.set("id", peer.identity.id.clone());
    let mut recorded = Object::new();
    recorded.set("identity", identity);
    recorded.set("policy", policy.name.clone());
    if let Some(owner) = owner {
        recorded.set("owner", owner);
    }
    if id_given {
        recorded.set("id_given", true);
    }
    if !redacted.is_empty() {
        let paths: Vec<Value<'a>> = redacted.into_iter().map(Value::from).collect();
        recorded.set("redacted", paths);
    }
    recorded
}

/// Replaces the values at `secrets` and returns their path texts. A place that is not there, or
/// null, or below one already redacted, is passed over.
fn redact(event: &mut Object<'_>, secrets: &[Vec<Step>]) -> Vec<String> {
    let mut done = Vec::new();
    for steps in secrets {
        match place(event, steps) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text == REDACTED => {}
            Some(value) => {
                *value = Value::from(REDACTED);
                done.push(PathText::from_steps(steps).as_str().to_owned());
            }
        }
    }
    done.sort();
    done
}

fn place<'v, 'a>(event: &'v mut Object<'a>, steps: &[Step]) -> Option<&'v mut Value<'a>> {
    let (Step::Key(first), rest) = steps.split_first()? else { return None };
    rest.iter().try_fold(event.get_mut(first)?, |value, step| match (value, step) {
        (Value::Object(object), Step::Key(key)) => object.get_mut(key),
        (Value::Array(items), Step::Index(index)) => items.get_mut(*index),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Identity, Speaks};

    fn peer(speaks: Speaks) -> Peer {
        let identity = Identity { kind: "token", id: "billing".into() };
        Peer { identity, tenant: "acme".into(), speaks }
    }

    fn try_admit(json: &str, peer: &Peer, secrets: Vec<Vec<Step>>) -> Result<Admitted, Refusal> {
        let Ok(Value::Object(event)) = event::json::read(json.as_bytes()) else { panic!("{json}") };
        admit(Record { event, secrets }, peer, &Policy::default(), || "given".into())
    }

    const EVENT: &str = r#"{"action":"a","actor":{"type":"anonymous"},"service":{"name":"shop"},
        "occurred_at":"2026-01-02T03:04:05+01:00","attributes":{"password":{"a":1},"n":null}"#;

    #[test]
    fn the_recorded_event_says_who_and_what_was_redacted() {
        let secret = |k: &str| vec![Step::Key("attributes".into()), Step::Key(k.into())];
        let secrets = vec![secret("password"), secret("n"), secret("absent")];
        let admitted =
            try_admit(&format!("{EVENT}}}"), &peer(Speaks::ForMany), secrets).expect("ok");
        let event = Value::Object(admitted.fields().to_value().expect("well formed")).to_json();
        assert_eq!(
            event,
            r#"{"action":"a","actor":{"type":"anonymous"},"attributes":{"n":null,"password":"[redacted]"},"id":"given","occurred_at":"2026-01-02T02:04:05.000000000Z","recorded":{"id_given":true,"identity":{"id":"billing","kind":"token"},"policy":"builtin/1","redacted":["[\"attributes\",\"password\"]"]},"service":{"name":"shop"}}"#
        );
        assert_eq!(admitted.producer(), "billing\0shop");
    }

    #[test]
    fn the_recorded_event_says_who_owns_its_service() {
        let owners = [("sh*", "team-shop"), ("pay", "team-pay")];
        let owners = owners.into_iter().map(|(name, team)| (name.to_owned(), team.to_owned()));
        let owners = Arc::new(Owners::new(1_795_356_000_000_000_000, owners));
        let policy = Policy { owners, ..Policy::default() };
        let text = |service: &str| {
            let json = format!("{EVENT}}}").replace("\"shop\"", &format!("\"{service}\""));
            let Ok(Value::Object(event)) = event::json::read(json.as_bytes()) else { panic!() };
            let record = Record { event, secrets: Vec::new() };
            let admitted = admit(record, &peer(Speaks::ForMany), &policy, || "given".into());
            let fields = admitted.expect("admitted").fields().clone();
            Value::Object(fields.to_value().expect("well formed")).to_json()
        };
        let owner = r#""owner":{"as_of":"2026-11-22T14:00:00.000000000Z","team":"team-shop"}"#;
        assert!(text("shop").contains(owner), "{}", text("shop"));
        assert!(!text("web").contains("\"owner\""), "{}", text("web"));
    }

    #[test]
    fn a_numbered_event_needs_no_id() {
        let json = format!(r#"{EVENT},"producer":{{"id":"p","stream":"s","seq":7}}}}"#);
        let admitted = try_admit(&json, &peer(Speaks::ForMany), Vec::new()).expect("admitted");
        assert_eq!((admitted.id(), admitted.id_given()), ("p/s/7", false));
        assert_eq!(admitted.producer(), "billing\0p");
    }

    #[test]
    fn a_token_speaks_for_its_services_alone() {
        let own = peer(Speaks::For(vec!["pay".into(), "sh*".into()]));
        assert_eq!(
            try_admit(&format!("{EVENT}}}"), &own, Vec::new()).expect("ok").producer(),
            "billing"
        );
        let other = peer(Speaks::For(vec!["pay".into()]));
        let refusal = try_admit(&format!("{EVENT}}}"), &other, Vec::new()).expect_err("refused");
        assert_eq!((refusal.code, refusal.path.as_str()), ("scope", "/service/name"));
        assert_eq!(refusal.reason, "this token does not speak for \"shop\", only for: pay");
    }
}
