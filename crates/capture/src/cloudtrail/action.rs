//! Which service, which action, which verb, which kind.
//!
//! CloudTrail names an action by `eventSource` and `eventName`. Both stay under
//! `attributes.cloudtrail`, for `service.name` and `action` are made from them.

use crate::draft::Draft;
use crate::moves::{at, put, put_some, text};
use event::Value;

/// What a rule may look at.
struct Call<'v> {
    service: &'v str,
    name: &'v str,
    event_type: &'v str,
    category: &'v str,
    read_only: Option<bool>,
}

/// The type of records that CloudTrail writes about other records.
const INSIGHT: &str = "AwsCloudTrailInsight";

/// Verbs of event names whose first word would mislead.
const WHOLE: [(&str, &str); 22] = [
    ("ConsoleLogin", "login"),
    ("UserAuthentication", "login"),
    ("Authenticate", "login"),
    ("Federate", "login"),
    ("Logout", "logout"),
    ("SwitchRole", "assume"),
    ("GetSessionToken", "create"),
    ("GetFederationToken", "create"),
    ("AttachUserPolicy", "grant"),
    ("AttachRolePolicy", "grant"),
    ("AttachGroupPolicy", "grant"),
    ("AddUserToGroup", "grant"),
    ("CreateGrant", "grant"),
    ("DetachUserPolicy", "revoke"),
    ("DetachRolePolicy", "revoke"),
    ("DetachGroupPolicy", "revoke"),
    ("RemoveUserFromGroup", "revoke"),
    ("RetireGrant", "revoke"),
    ("StartLogging", "enable"),
    ("StopLogging", "disable"),
    ("StartSession", "connect"),
    ("ResumeSession", "connect"),
];

/// Verbs of the first words of event names; of two that fit, the first counts.
const FIRST_WORDS: [(&str, &str); 73] = [
    ("AddPermission", "grant"),
    ("RemovePermission", "revoke"),
    ("GenerateDataKey", "execute"),
    ("Get", "read"),
    ("Describe", "read"),
    ("Head", "read"),
    ("Select", "read"),
    ("Query", "read"),
    ("Scan", "read"),
    ("View", "read"),
    ("Check", "read"),
    ("Test", "execute"),
    ("Simulate", "execute"),
    ("List", "list"),
    ("Lookup", "list"),
    ("Search", "list"),
    ("Create", "create"),
    ("Run", "create"),
    ("Launch", "create"),
    ("Allocate", "create"),
    ("Register", "create"),
    ("Request", "create"),
    ("Import", "create"),
    ("Upload", "create"),
    ("Copy", "create"),
    ("Clone", "create"),
    ("Provision", "create"),
    ("Put", "update"),
    ("Update", "update"),
    ("Modify", "update"),
    ("Set", "update"),
    ("Change", "update"),
    ("Edit", "update"),
    ("Tag", "update"),
    ("Untag", "update"),
    ("Add", "update"),
    ("Remove", "update"),
    ("Attach", "update"),
    ("Detach", "update"),
    ("Associate", "update"),
    ("Disassociate", "update"),
    ("Replace", "update"),
    ("Reset", "update"),
    ("Rotate", "update"),
    ("Delete", "delete"),
    ("Terminate", "delete"),
    ("Deregister", "delete"),
    ("Release", "delete"),
    ("Purge", "delete"),
    ("Authorize", "grant"),
    ("Grant", "grant"),
    ("Revoke", "revoke"),
    ("Enable", "enable"),
    ("Activate", "enable"),
    ("Disable", "disable"),
    ("Deactivate", "disable"),
    ("Invoke", "execute"),
    ("Execute", "execute"),
    ("Start", "execute"),
    ("Reboot", "execute"),
    ("Encrypt", "execute"),
    ("Decrypt", "execute"),
    ("Sign", "execute"),
    ("Verify", "execute"),
    ("SendCommand", "execute"),
    ("Assume", "assume"),
    ("Accept", "approve"),
    ("Approve", "approve"),
    ("Reject", "reject"),
    ("Export", "export"),
    ("Share", "share"),
    ("Restore", "restore"),
    ("Connect", "connect"),
];

/// Sets `service.name`, `action`, `verb` and `kind`.
pub(super) fn map(draft: &mut Draft<'_>) {
    let read = |name| text(&draft.source, &[name]).unwrap_or_default();
    let source = read("eventSource");
    let call = Call {
        service: source.strip_suffix(".amazonaws.com").unwrap_or(source),
        name: read("eventName"),
        event_type: read("eventType"),
        category: read("eventCategory"),
        read_only: at(&draft.source, &["readOnly"]).and_then(flag),
    };
    if !call.service.is_empty() {
        put(&mut draft.event, &["service", "name"], call.service.to_owned());
    }
    if call.name.is_empty() {
        return;
    }
    let action = match call.service {
        "" => call.name.to_owned(),
        service => format!("{service}.{}", call.name),
    };
    let kind = kind(&call);
    put(&mut draft.event, &["action"], action);
    // An insight is about calls of that name; it is none itself.
    let verb = (call.event_type != INSIGHT).then(|| verb(&call));
    put_some(&mut draft.event, &["verb"], verb);
    put_some(&mut draft.event, &["kind"], kind);
}

/// Older records have the flag as text.
fn flag(value: &Value<'_>) -> Option<bool> {
    match value.as_str() {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => value.as_bool(),
    }
}

fn verb(call: &Call<'_>) -> &'static str {
    if let Some((_, verb)) = WHOLE.iter().find(|(name, _)| *name == call.name) {
        return verb;
    }
    let name = ["Batch", "Admin"].iter().find_map(|p| call.name.strip_prefix(p));
    let name = name.filter(|rest| rest.starts_with(char::is_uppercase)).unwrap_or(call.name);
    let verb = FIRST_WORDS.iter().find(|(word, _)| starts_with_word(name, word)).map(|(_, v)| *v);
    match (verb, call.read_only) {
        // The name promises a reading, the record says that something changed.
        (Some("read" | "list"), Some(false)) => "other",
        (Some(verb), _) => verb,
        (None, Some(true)) => "read",
        (None, _) => "other",
    }
}

fn starts_with_word(name: &str, word: &str) -> bool {
    name.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_lowercase))
}

/// Management calls that read what is kept, not how things are set up.
const DATA_READS: [&str; 7] = [
    "GetSecretValue",
    "BatchGetSecretValue",
    "GetParameter",
    "Decrypt",
    "GetPasswordData",
    "GetObject",
    "GetItem",
];

/// Words in the names of calls that change who may do what.
const PERMISSION_WORDS: [&str; 13] = [
    "Policy",
    "Permission",
    "Grant",
    "Acl",
    "PublicAccessBlock",
    "Authorize",
    "Revoke",
    "UserToGroup",
    "UserFromGroup",
    "SnapshotAttribute",
    "ImageAttribute",
    "Role",
    "AccessKey",
];

/// The services that people, accounts and keys live in.
const ADMIN_SERVICES: [&str; 6] =
    ["iam", "organizations", "sso", "account", "identitystore", "cognito-idp"];

fn kind(call: &Call<'_>) -> Option<&'static str> {
    match (call.event_type, call.service) {
        (INSIGHT, _) => return Some("finding"),
        ("AwsConsoleSignIn", _) | (_, "signin") => return Some("authentication"),
        _ => {}
    }
    let token = call.name.starts_with("Assume") || call.name.ends_with("Token");
    if call.service == "sts" && token {
        return Some("authentication");
    }
    match call.read_only? {
        true => Some(kind_of_reading(call)),
        false => Some(kind_of_change(call)),
    }
}

fn kind_of_reading(call: &Call<'_>) -> &'static str {
    let data = call.category == "Data" || DATA_READS.iter().any(|n| call.name.starts_with(n));
    if data { "data_read" } else { "admin" }
}

fn kind_of_change(call: &Call<'_>) -> &'static str {
    if call.service == "cloudtrail" {
        return "audit";
    }
    if PERMISSION_WORDS.iter().any(|word| call.name.contains(word)) {
        return "permission";
    }
    if call.category == "Data" {
        return "data_change";
    }
    if call.event_type == "AwsServiceEvent" {
        return "system";
    }
    if call.name.ends_with("Session") || call.service == "ec2-instance-connect" {
        return "session";
    }
    if ADMIN_SERVICES.contains(&call.service) { "admin" } else { "config" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_and_kinds() {
        for (service, name, read_only, want) in [
            ("s3", "GetBucketAcl", Some(true), "read admin"),
            ("s3", "ListBuckets", Some(true), "list admin"),
            ("secretsmanager", "BatchGetSecretValue", Some(true), "read data_read"),
            ("sts", "GetFederationToken", Some(false), "create authentication"),
            ("sts", "AssumeRoleWithSAML", Some(true), "assume authentication"),
            ("iam", "AttachUserPolicy", Some(false), "grant permission"),
            ("iam", "CreateUser", Some(false), "create admin"),
            ("lambda", "AddPermission20150331v2", Some(false), "grant permission"),
            ("lambda", "Invoke", Some(false), "execute config"),
            ("ec2", "RunInstances", Some(false), "create config"),
            ("ec2", "ModifyImageAttribute", Some(false), "update permission"),
            ("ec2", "AuthorizeSecurityGroupIngress", Some(false), "grant permission"),
            ("ec2-instance-connect", "SendSSHPublicKey", Some(false), "other session"),
            ("kms", "GenerateDataKeyWithoutPlaintext", Some(true), "execute admin"),
            ("cloudtrail", "StopLogging", Some(false), "disable audit"),
            ("signin", "ConsoleLogin", Some(false), "login authentication"),
            ("x", "GetThingAndChangeIt", Some(false), "other config"),
            ("x", "Getaway", None, "other -"),
            ("x", "Settle", Some(true), "read admin"),
        ] {
            let call =
                Call { service, name, event_type: "AwsApiCall", category: "Management", read_only };
            let got = format!("{} {}", verb(&call), kind(&call).unwrap_or("-"));
            assert_eq!(got, want, "{service}.{name}");
        }
    }
}
