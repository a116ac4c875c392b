//! How the request ended, and what the authorizer decided.
//!
//! The status and the annotations stay where they were: the code is a number there, and the
//! decision's words are Kubernetes' own.

use crate::draft::Draft;
use crate::moves::{at, put, put_some, text};
use event::Value;

/// Sets `outcome.result`, `response.status` and `decision`.
pub(super) fn map(draft: &mut Draft<'_>) {
    let code = at(&draft.source, &["responseStatus", "code"]).and_then(Value::as_integer);
    let code = code.filter(|code| (100..=999).contains(code));
    let result = match (code, text(&draft.source, &["responseStatus", "status"])) {
        (Some(..=399), _) => Some("success"),
        (Some(_), _) | (None, Some("Failure")) => Some("failure"),
        (None, Some("Success")) => Some("success"),
        _ => None,
    };
    let panic = text(&draft.source, &["stage"]) == Some("Panic");
    put_some(&mut draft.event, &["outcome", "result"], result.or(panic.then_some("failure")));
    if let Some(code) = code {
        put(&mut draft.event, &["response", "status"], code.to_string());
        // The reason is the better code, and is moved to the same place later.
        if text(&draft.source, &["responseStatus", "reason"]).is_none() {
            put(&mut draft.event, &["outcome", "code"], code.to_string());
        }
    }
    map_decision(draft);
}

fn map_decision(draft: &mut Draft<'_>) {
    let annotation = |name| text(&draft.source, &["annotations", name]);
    let effect = match annotation("authorization.k8s.io/decision") {
        Some("allow") => "allow",
        Some("forbid" | "deny") => "deny",
        _ => return,
    };
    let reason = annotation("authorization.k8s.io/reason").and_then(rbac_reason);
    let parts = reason.map(|(policy, rule)| (policy.to_owned(), rule.to_owned()));
    put(&mut draft.event, &["decision", "effect"], effect);
    put(&mut draft.event, &["decision", "mode"], "enforced");
    if let Some((policy, rule)) = parts {
        put(&mut draft.event, &["decision", "basis"], "matched");
        put(&mut draft.event, &["decision", "engine"], "RBAC");
        put(&mut draft.event, &["decision", "policy"], policy);
        put(&mut draft.event, &["decision", "rule"], rule);
    }
}

/// Binding and role of `RBAC: allowed by <binding> of <role> to <subject>`.
fn rbac_reason(reason: &str) -> Option<(&str, &str)> {
    let (policy, rest) = reason.strip_prefix("RBAC: allowed by ")?.split_once(" of ")?;
    let (rule, _) = rest.split_once(" to ")?;
    Some((policy, rule))
}
