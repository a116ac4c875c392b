//! Who acted: the user the API server authenticated, and whom it acted as.

use event::{Object, Value};

use crate::draft::Draft;
use crate::moves::{at, copy, put, put_some, take, text};

/// Name prefixes of users that are not people, and their types; the first that fits counts.
const PREFIXES: [(&str, &str); 3] = [
    ("system:serviceaccount:", "service"),
    ("system:anonymous", "anonymous"),
    ("system:", "system"),
];

/// Where a service account's token says its id; a certificate's fingerprint stands there too.
const CREDENTIAL: &str = "authentication.kubernetes.io/credential-id";

/// Groups that an actor has, at most. More stay where the source has them.
const GROUPS_MAX: usize = 1_000;

/// Sets `actor` and `authentication.token_id`.
pub(super) fn map(draft: &mut Draft<'_>) {
    let actor_type = text(&draft.source, &["user", "username"]).map_or("anonymous", type_of);
    put(&mut draft.event, &["actor", "type"], actor_type);
    draft.carry(&["user", "username"], &["actor", "id"]);
    map_groups(draft);
    map_impersonation(draft);
    let credential = at(&draft.source, &["user", "extra", CREDENTIAL]);
    let credential = match credential.and_then(Value::as_array) {
        Some([Value::String(only)]) if !only.is_empty() => Some(only.clone()),
        _ => None,
    };
    put_some(&mut draft.event, &["authentication", "token_id"], credential);
}

fn type_of(username: &str) -> &'static str {
    let known = PREFIXES.iter().find(|(prefix, _)| username.starts_with(prefix));
    known.map_or("user", |(_, actor_type)| actor_type)
}

fn map_groups(draft: &mut Draft<'_>) {
    let Some(Value::Object(user)) = draft.source.get_mut("user") else { return };
    let texts = |groups: &Value<'_>| {
        let groups = groups.as_array().unwrap_or_default();
        (1..=GROUPS_MAX).contains(&groups.len())
            && groups.iter().all(|group| group.as_str().is_some())
    };
    if !user.get("groups").is_some_and(texts) {
        return;
    }
    let groups = user.take("groups");
    let emptied = user.0.is_empty();
    put_some(&mut draft.event, &["actor", "groups"], groups);
    if emptied {
        draft.source.take("user");
    }
}

fn map_impersonation(draft: &mut Draft<'_>) {
    let Some(actor_type) = text(&draft.source, &["impersonatedUser", "username"]).map(type_of)
    else {
        return;
    };
    let name = copy(&draft.source, &["impersonatedUser", "username"]);
    put_some(&mut draft.event, &["actor", "acting_as"], name);
    let mut other = Object::new();
    other.set("type", actor_type);
    put_some(&mut other, &["id"], take(&mut draft.source, &["impersonatedUser", "username"]));
    other.set("relation", "impersonation");
    put(&mut draft.event, &["actor", "on_behalf_of"], vec![Value::from(other)]);
}
