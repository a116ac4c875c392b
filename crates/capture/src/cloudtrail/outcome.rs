//! How it ended, and whether somebody decided that it must not be.

use crate::draft::Draft;
use crate::moves::{put, put_some, text};

/// Sets `outcome.result` and `decision`. Code and message are moved as they are.
pub(super) fn map(draft: &mut Draft<'_>) {
    let result = result(draft);
    put_some(&mut draft.event, &["outcome", "result"], result);
    if text(&draft.source, &["errorCode"]).is_some_and(is_denial) {
        let basis = text(&draft.source, &["errorMessage"]).and_then(basis);
        put(&mut draft.event, &["decision", "effect"], "deny");
        put(&mut draft.event, &["decision", "mode"], "enforced");
        put_some(&mut draft.event, &["decision", "basis"], basis);
    }
}

fn result(draft: &Draft<'_>) -> Option<&'static str> {
    let read = |path: &[&str]| text(&draft.source, path);
    if read(&["errorCode"]).is_some() || read(&["errorMessage"]).is_some() {
        return Some("failure");
    }
    // Sign-in records answer under the event's own name: `"ConsoleLogin": "Success"`.
    match read(&["eventName"]).and_then(|name| read(&["responseElements", name])) {
        Some("Success") => return Some("success"),
        Some("Failure") => return Some("failure"),
        _ => {}
    }
    // Of a call, CloudTrail says that an error code stands whenever there was an error.
    match read(&["eventType"]) {
        Some("AwsApiCall" | "AwsConsoleAction" | "AwsVpceEvents") => Some("success"),
        _ => None,
    }
}

/// Codes that say: the caller was known, and not allowed to.
const DENIALS: [&str; 6] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "AuthorizationErrorException",
    "VpceAccessDenied",
];

fn is_denial(code: &str) -> bool {
    let bare = code.strip_prefix("Client.").or(code.strip_prefix("Server.")).unwrap_or(code);
    DENIALS.contains(&bare)
}

/// What IAM's message says about why: a statement that denies, or none that allows.
fn basis(message: &str) -> Option<&'static str> {
    if message.contains(" with an explicit deny") {
        return Some("matched");
    }
    let unmet = message.contains(" because no ") && message.contains(" allows the ");
    unmet.then_some("no_match")
}
