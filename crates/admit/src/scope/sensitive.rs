//! What an auditor would miss.
//!
//! Rules are written to be rid of noise, by people who look at volume. What is kept whole all the
//! same is what an investigation begins with: who came in, who was let do what, what was refused or
//! failed, what left the house, and what was said about the record itself. A sender may leave
//! `kind` out, so verbs and the decision speak too.

use event::{Object, Value};

/// Kinds that are kept.
pub(super) const KINDS: [&str; 7] =
    ["authentication", "permission", "admin", "config", "privacy", "finding", "audit"];
/// Verbs that are kept.
pub(super) const VERBS: [&str; 9] =
    ["login", "logout", "grant", "revoke", "approve", "reject", "assume", "export", "share"];

/// Why an event is kept whole unless a rule says `allow_sensitive`; `None` if it need not be.
pub fn sensitive(event: &Object<'_>) -> Option<&'static str> {
    let within = |object: &str, member: &str| event.object(object).and_then(|o| o.str(member));
    let facets = event.get("facets").and_then(Value::as_array).unwrap_or_default();
    let natures = event.str("kind").into_iter().chain(facets.iter().filter_map(Value::as_str));
    let of_kind = |nature: &str| KINDS.iter().find(|kind| **kind == nature).copied();
    if let Some(kind) = natures.into_iter().find_map(of_kind) {
        return Some(kind);
    }
    if let Some(verb) = event.str("verb").and_then(|v| VERBS.iter().find(|verb| **verb == v)) {
        return Some(verb);
    }
    if within("decision", "effect") == Some("deny") {
        return Some("denied");
    }
    if within("outcome", "result") == Some("failure") {
        return Some("failed");
    }
    if event.get("disclosure").is_some() {
        return Some("disclosure");
    }
    let broken = event.object("reason").and_then(|reason| reason.get("break_glass"));
    (broken.and_then(Value::as_bool) == Some(true)).then_some("break_glass")
}
