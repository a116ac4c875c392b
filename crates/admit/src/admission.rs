//! The decision.
//!
//! In two steps, because what the audit scope leaves out is counted by whoever has a clock:
//! [`judge`] says whose event it is and what the rules want, [`Judged::admit`] lets it in.

use std::sync::Arc;

use capture::Record;
use event::{Fields, Object, PathText, Schema, Step, Value, limits, pointer};

use crate::schemas::Schemas;
use crate::scope::{Decision, Rules};
use crate::statement::SELF;
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
    /// The audit scope; without one every event is kept.
    pub scope: Option<Arc<Rules>>,
    /// The schemas of actions; without any there is nothing to check.
    pub schemas: Option<Arc<Schemas>>,
}

const BUILTIN: &str = "builtin/1";

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            name: BUILTIN.into(),
            redact_credentials: true,
            owners: Arc::default(),
            scope: None,
            schemas: None,
        }
    }
}

impl Policy {
    /// The policy with these rules instead; its name tells which.
    #[must_use]
    pub fn with_scope(self, rules: Option<Arc<Rules>>) -> Policy {
        Policy { scope: rules.filter(|rules| rules.iter().len() > 0), ..self }.named()
    }

    /// The policy with these schemas instead; its name tells which.
    #[must_use]
    pub fn with_schemas(self, schemas: Option<Arc<Schemas>>) -> Policy {
        Policy { schemas: schemas.filter(|schemas| !schemas.is_empty()), ..self }.named()
    }

    fn named(self) -> Policy {
        let mut name = BUILTIN.to_owned();
        for (what, digest) in [
            ("scope", self.scope.as_ref().map(|rules| rules.digest())),
            ("schemas", self.schemas.as_ref().map(|schemas| schemas.digest())),
        ] {
            if let Some(digest) = digest {
                name.push_str(&format!(" {what}/{digest}"));
            }
        }
        Policy { name, ..self }
    }
}

/// What stands in place of a redacted value.
const REDACTED: &str = "[redacted]";

/// An event in its one form, of a service that its sender speaks for.
#[derive(Debug)]
pub struct Judged<'a> {
    event: Object<'a>,
    /// Path texts of what was redacted.
    redacted: Vec<String>,
    /// The same as JSON Pointers; empty if there are no schemas to tell.
    redacted_at: Vec<String>,
}

/// Admits a record or says why not, whatever the audit scope wants. `give_id` makes an id for an
/// event that brings none.
pub fn admit(
    record: Record<'_>,
    peer: &Peer,
    policy: &Policy,
    give_id: impl FnOnce() -> String,
) -> Result<Admitted, Refusal> {
    judge(record, peer, policy)?.admit(peer, policy, give_id)
}

/// Redacts a record, brings it to its one form and asks whether its sender speaks for its service.
pub fn judge<'a>(record: Record<'a>, peer: &Peer, policy: &Policy) -> Result<Judged<'a>, Refusal> {
    let Record { mut event, secrets } = record;
    let redacted =
        if policy.redact_credentials { redact(&mut event, &secrets) } else { Vec::new() };
    let redacted_at = match (&policy.schemas, redacted.is_empty()) {
        (Some(_), false) => secrets.iter().map(|steps| pointer(steps)).collect(),
        _ => Vec::new(),
    };
    if let Err(problem) = Schema::event().conform(&mut event) {
        return Err(Refusal::from(problem).of(service_of(&event, peer)));
    }
    let service = event.object("service").and_then(|s| s.str("name")).unwrap_or_default();
    // What the server states must not be told from what somebody else says by one member alone.
    if !peer.speaks_for(service) || (service == SELF && peer.identity.kind != "local") {
        return Err(out_of_scope(peer, service));
    }
    Ok(Judged { event, redacted, redacted_at })
}

impl<'a> Judged<'a> {
    /// The event in its one form, without `recorded`.
    pub fn event(&self) -> &Object<'a> {
        &self.event
    }

    /// What the audit scope wants done with it.
    pub fn decision<'p>(&self, policy: &'p Policy) -> Decision<'p> {
        policy.scope.as_ref().map_or(Decision::Default, |rules| rules.decide(&self.event))
    }

    /// Checks it against its action's schema, identifies it and adds `recorded`.
    pub fn admit(
        self,
        peer: &Peer,
        policy: &Policy,
        give_id: impl FnOnce() -> String,
    ) -> Result<Admitted, Refusal> {
        let Judged { mut event, redacted, redacted_at } = self;
        let warnings = match &policy.schemas {
            Some(schemas) => {
                let checked = schemas.check(&event, &redacted_at);
                checked.map_err(|refusal| refusal.of(service_of(&event, peer)))?
            }
            None => Vec::new(),
        };
        let service = event.object("service").and_then(|s| s.str("name")).unwrap_or_default();
        let claimed = event.object("producer").and_then(|p| p.str("id")).unwrap_or(service);
        let producer = peer.producer(claimed);
        let owner = policy.owners.recorded(service);
        let (id, id_given) = identify(&mut event, give_id);
        let found = Found { owner, id_given, redacted, warnings };
        event.set("recorded", recorded(peer, policy, found));
        let too_many =
            |reason: String| Refusal::new("too_many_fields", reason).of(service_of(&event, peer));
        let fields = Fields::flatten(&event).map_err(|error| too_many(error.0))?;
        let sent = fields.iter().filter(|f| !f.path.starts_with("[\"recorded\",")).count();
        if sent > limits::FIELDS_SENT_MAX {
            let most = limits::FIELDS_SENT_MAX;
            let reason = format!("an event has at most {most} fields, this one {sent}");
            return Err(too_many(reason));
        }
        Ok(Admitted::new(fields, id, id_given, producer))
    }
}

/// What admission found out about an event.
struct Found<'a> {
    owner: Option<Object<'a>>,
    id_given: bool,
    redacted: Vec<String>,
    warnings: Vec<String>,
}

fn out_of_scope(peer: &Peer, service: &str) -> Refusal {
    let allowed = match &peer.speaks {
        crate::Speaks::For(names) => names.join(", "),
        crate::Speaks::ForMany => "any but the server itself".into(),
    };
    let shown: String = service.chars().take(64).flat_map(char::escape_debug).collect();
    Refusal {
        code: "scope",
        path: "/service/name".into(),
        reason: format!("this token does not speak for \"{shown}\", only for: {allowed}"),
        service: None,
    }
}

/// Bytes of a service's name that a refusal keeps.
const SERVICE_BYTES_MAX: usize = 256;

/// The service that an event names, if its sender speaks for it.
fn service_of(event: &Object<'_>, peer: &Peer) -> Option<String> {
    let service = event.object("service")?.str("name")?;
    let is_kept = service.len() <= SERVICE_BYTES_MAX && peer.speaks_for(service);
    is_kept.then(|| service.to_owned())
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

fn recorded<'a>(peer: &Peer, policy: &Policy, found: Found<'a>) -> Object<'a> {
    let mut identity = Object::new();
    identity.set("kind", peer.identity.kind);
    identity.set("id", peer.identity.id.clone());
    let mut recorded = Object::new();
    recorded.set("identity", identity);
    recorded.set("policy", policy.name.clone());
    if let Some(owner) = found.owner {
        recorded.set("owner", owner);
    }
    if found.id_given {
        recorded.set("id_given", true);
    }
    for (name, texts) in [("redacted", found.redacted), ("warnings", found.warnings)] {
        if !texts.is_empty() {
            recorded.set(name, texts.into_iter().map(Value::from).collect::<Vec<Value<'a>>>());
        }
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
    use crate::schemas::{ActionSchema, Enforcement};
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
        let own_name = EVENT.replace("\"shop\"", "\"counterfoil\"");
        for speaks in [Speaks::ForMany, Speaks::For(vec!["counterfoil".into()])] {
            let posing = try_admit(&format!("{own_name}}}"), &peer(speaks), Vec::new());
            assert_eq!(posing.expect_err("the server's own").code, "scope");
        }
        let other = peer(Speaks::For(vec!["pay".into()]));
        let refusal = try_admit(&format!("{EVENT}}}"), &other, Vec::new()).expect_err("refused");
        assert_eq!((refusal.code, refusal.path.as_str()), ("scope", "/service/name"));
        assert_eq!(refusal.reason, "this token does not speak for \"shop\", only for: pay");
    }
    #[test]
    fn the_policy_names_what_is_in_force() {
        let rule = "[[rule]]\nname = \"r\"\nservice = \"shop\"\nthen = \"drop\"\nreason = \"x\"\n";
        let rules = Arc::new(Rules::parse(rule).expect("sound"));
        let text = r#"{"properties":{"attributes":{"required":["amount"]}}}"#;
        let schema = ActionSchema::new("a", 1, Enforcement::Warn, text).expect("sound");
        let schemas = Arc::new(Schemas::new([Arc::new(schema)]));
        let none =
            Policy::default().with_scope(Some(Arc::default())).with_schemas(Some(Arc::default()));
        assert_eq!((none.name.as_str(), none.scope.is_none()), ("builtin/1", true));
        let policy =
            Policy::default().with_schemas(Some(schemas.clone())).with_scope(Some(rules.clone()));
        let (scope, schemas) = (rules.digest(), schemas.digest());
        assert_eq!(policy.name, format!("builtin/1 scope/{scope} schemas/{schemas}"));

        let text = format!("{EVENT}}}");
        let Ok(Value::Object(event)) = event::json::read(text.as_bytes()) else { panic!() };
        let record = Record { event, secrets: Vec::new() };
        let peer = peer(Speaks::ForMany);
        let judged = judge(record, &peer, &policy).expect("judged");
        assert!(matches!(judged.decision(&policy), Decision::Drop(rule) if rule.name == "r"));
        let admitted = judged.admit(&peer, &policy, || "given".into()).expect("admitted");
        let recorded = |member: &str| admitted.fields().string(&format!("[\"recorded\",{member}]"));
        assert_eq!(recorded("\"policy\""), Some(policy.name.clone()));
        let warning = "schema a/1: /attributes: \"amount\" is a required property";
        assert_eq!(recorded("\"warnings\",0").as_deref(), Some(warning));
    }
}
