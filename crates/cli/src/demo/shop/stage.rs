//! Where one scene is played: acts become events with times, ids and W3C trace context.
//!
//! An act is told when it has ended: `occurred_at` is its end by the clock of its service, its
//! beginning `duration_ns` earlier. Never: the numbering of streams, which is the shop's.

use event::format_time;
use serde_json::{Value, json};

use super::cast::{self, Service, WEB};
use random::Random;

/// A piece of work of one service, as tracing sees it.
#[derive(Clone, Debug)]
pub(super) struct Span {
    service: &'static Service,
    id: String,
    /// Whose call it answers, and that one's span.
    caller: Option<(&'static Service, String)>,
    begin_ms: u64,
    took_ms: u64,
}

/// An event that is ready but for its number.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) service: &'static Service,
    /// How long after the scene's start it ended.
    pub(super) end_ns: u64,
    pub(super) event: Value,
    pub(super) refused: bool,
}

/// One scene being played: one trace.
#[derive(Debug)]
pub(super) struct Stage<'r> {
    pub(super) random: &'r mut Random,
    pub(super) now_ns: i64,
    pub(super) trace_id: String,
    acts: Vec<Act>,
}

impl<'r> Stage<'r> {
    pub(super) fn new(random: &'r mut Random, now_ns: i64) -> Stage<'r> {
        let trace_id = random.trace_id();
        Stage { random, now_ns, trace_id, acts: Vec::new() }
    }

    /// The first piece of work of the trace.
    pub(super) fn root(&mut self, service: &'static Service, took_ms: u64) -> Span {
        self.span_at(service, None, 0, took_ms)
    }

    /// Work that `caller` asked for, `after_ms` after its own beginning.
    pub(super) fn call(
        &mut self,
        caller: &Span,
        service: &'static Service,
        after_ms: u64,
        took_ms: u64,
    ) -> Span {
        let begin_ms = caller.begin_ms + after_ms;
        self.span_at(service, Some((caller.service, caller.id.clone())), begin_ms, took_ms)
    }

    fn span_at(
        &mut self,
        service: &'static Service,
        caller: Option<(&'static Service, String)>,
        begin_ms: u64,
        took_ms: u64,
    ) -> Span {
        Span { service, id: self.random.span_id(), caller, begin_ms, took_ms }
    }

    /// Tells what was done in `span`. `members` are laid over what every event has.
    pub(super) fn act(&mut self, span: &Span, action: &str, members: Value) -> &mut Act {
        let below_ms = if span.took_ms == 0 { 0 } else { self.random.below(900_000) };
        let took_ns = span.took_ms * 1_000_000 + below_ms;
        let end_ns = span.begin_ms * 1_000_000 + took_ns;
        let service = span.service;
        let occurred_ns = self.now_ns.saturating_add_unsigned(end_ns) + service.clock_ns;
        let observed_ns = occurred_ns + self.random.within(400_000, 1_900_000) as i64;
        let mut event = json!({
            "id": self.random.uuid7(occurred_ns), "action": action,
            "phase": if took_ns == 0 { "point" } else { "end" },
            "occurred_at": micros(occurred_ns), "observed_at": micros(observed_ns),
            "service": service.as_event(),
            "where": {"region": "eu-1"},
            "correlation": self.correlation(span),
            "attributes": {"team": service.team},
        });
        if took_ns > 0 {
            event["duration_ns"] = took_ns.into();
        }
        if let Some((caller, _)) = span.caller.as_ref().filter(|c| c.0.name != service.name) {
            event["source"] = json!({"service": caller.name, "identity": caller.identity()});
        }
        lay_over(&mut event, members);
        self.acts.push(Act { service, end_ns, event, refused: false });
        self.acts.last_mut().expect("one was pushed just now")
    }

    /// What the web service tells of a request: the status it answered, not what it meant.
    pub(super) fn http(&mut self, span: &Span, actor: &Value, request: [&str; 3], client: &str) {
        let [method, path, status] = request;
        let members = json!({
            "kind": "mesh", "actor": actor,
            "source": {"address": cast::address(self.random), "user_agent": client},
            "request": {"method": method, "path": path},
            "response": {"status": status, "bytes": self.random.within(180, 9_000)},
        });
        self.act(span, "http.request", members);
    }

    /// A request to the web service: its whole span.
    pub(super) fn visit(
        &mut self,
        actor: &Value,
        request: [&str; 3],
        client: &str,
        took_ms: u64,
    ) -> Span {
        let span = self.root(WEB, took_ms);
        self.http(&span, actor, request, client);
        span
    }

    /// The acts in the order in which they ended.
    pub(super) fn into_acts(mut self) -> Vec<Act> {
        self.acts.sort_by_key(|act| act.end_ns);
        self.acts
    }

    fn correlation(&self, span: &Span) -> Value {
        let mut correlation = json!({"trace_id": self.trace_id, "span_id": span.id});
        if let Some((_, parent)) = &span.caller {
            correlation["parent_span_id"] = parent.as_str().into();
        }
        correlation
    }
}

/// Puts the members of `over` into `under`; where both have an object, member by member.
fn lay_over(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                lay_over(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

/// A time as the services write it, to the microsecond.
pub(super) fn micros(at_ns: i64) -> String {
    let text = format_time(at_ns);
    format!("{}Z", &text[..26])
}

/// The resource an act is about.
pub(super) fn target(kind: &str, id: &str, owner: &Service) -> Value {
    json!({"role": "target", "type": kind, "id": id, "owning_team": owner.team})
}

/// The same, and what became of it: path, before, after.
pub(super) fn changed(
    kind: &str,
    id: &str,
    owner: &Service,
    changes: &[(&str, Value, Value)],
) -> Value {
    let mut resource = target(kind, id, owner);
    resource["changes"] = changes
        .iter()
        .map(|(path, before, after)| json!({"path": path, "before": before, "after": after}))
        .collect();
    resource
}

/// Euro and cent as the events write them.
pub(super) fn euro(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
