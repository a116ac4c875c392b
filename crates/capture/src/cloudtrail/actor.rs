//! Who acted: `userIdentity` as an actor and the chain behind it.
//!
//! The actor is the credential: for a role session that is the session, with the role in
//! `acting_as` and, as everyone behind the credential, in `on_behalf_of`, nearest first: the AWS
//! service that called with it, the issuer of the session, the source identity, the Identity
//! Center user.

use event::{Object, Text, Value};

use crate::draft::Draft;
use crate::moves::{at, copy, object_at, put, put_some, take, text};
use crate::secrets::is_withheld;

const IDENTITY: &str = "userIdentity";

/// Where an actor's id stands, best first.
const IDS: [&[&str]; 4] = [
    &[IDENTITY, "arn"],
    &[IDENTITY, "onBehalfOf", "userId"],
    &[IDENTITY, "principalId"],
    &[IDENTITY, "userName"],
];

/// Sets `actor` and what `userIdentity` says about `authentication`.
pub(super) fn map(draft: &mut Draft<'_>) {
    let (actor_type, id_at) = decide(&draft.source);
    put(&mut draft.event, &["actor", "type"], actor_type);
    map_session_name(draft);
    if let Some(path) = id_at {
        let id = match path {
            // Tenant and service have further places to fill; these texts stay.
            [_, "accountId"] | ["eventSource"] => copy(&draft.source, path),
            path => take(&mut draft.source, path),
        };
        put_some(&mut draft.event, &["actor", "id"], id);
    }
    if !text(&draft.source, &[IDENTITY, "userName"]).is_some_and(is_withheld) {
        draft.carry(&[IDENTITY, "userName"], &["actor", "name"]);
    }
    if text(&draft.source, &[IDENTITY, "accountId"]) != Some(ANONYMOUS) {
        draft.carry(&[IDENTITY, "accountId"], &["actor", "tenant"]);
    }
    map_authentication(draft);
    map_chain(draft);
}

/// The account of those who sent no credential, in records of S3.
const ANONYMOUS: &str = "ANONYMOUS_PRINCIPAL";

/// The actor's type, and where its id stands.
fn decide(source: &Object<'_>) -> (&'static str, Option<&'static [&'static str]>) {
    let has = |path: &&&[&str]| text(source, path).is_some_and(|id| !is_withheld(id));
    let id = IDS.iter().find(has).copied();
    let service: &[&str] = &[IDENTITY, "invokedBy"];
    let account: &[&str] = &[IDENTITY, "accountId"];
    match text(source, &[IDENTITY, "type"]) {
        Some("AWSService") if has(&&service) => ("service", Some(service)),
        Some("AWSService") => (if id.is_some() { "service" } else { "anonymous" }, id),
        Some("AWSAccount") if text(source, account) == Some(ANONYMOUS) => ("anonymous", id),
        Some("AWSAccount" | "Root") if id.is_none() && has(&&account) => ("user", Some(account)),
        Some("AssumedRole" | "Role") if id.is_some() && is_workload(source) => ("service", id),
        _ if id.is_some() => ("user", id),
        _ if has(&&service) => ("service", Some(service)),
        // The AWS service wrote this of its own doing.
        _ if text(source, &["eventType"]) == Some("AwsServiceEvent")
            && text(source, &["eventSource"]).is_some() =>
        {
            ("service", Some(&["eventSource"]))
        }
        _ => ("anonymous", None),
    }
}

/// Whether the record says that a role session is a program's: an AWS service calls with it or
/// it was delivered to an instance or a function, or the role is an AWS service's own.
fn is_workload(source: &Object<'_>) -> bool {
    let context = |name| at(source, &[IDENTITY, "sessionContext", name]);
    let role = text(source, &[IDENTITY, "sessionContext", "sessionIssuer", "arn"]);
    let instance = session_name(source).is_some_and(|name| {
        name.strip_prefix("i-").is_some_and(|id| id.len() >= 8 && id.bytes().all(is_hex))
    });
    text(source, &[IDENTITY, "invokedBy"]).is_some()
        || context("ec2RoleDelivery").is_some()
        || at(source, &[IDENTITY, "inScopeOf"]).is_some()
        || role.is_some_and(|arn| arn.contains(":role/aws-service-role/"))
        || instance
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

/// The last part of `arn:aws:sts::<account>:assumed-role/<role>/<session>`.
fn session_name<'v>(source: &'v Object<'_>) -> Option<&'v str> {
    let arn = text(source, &[IDENTITY, "arn"])?;
    let (_, session) = arn.split_once(":assumed-role/")?;
    session.split_once('/').map(|(_, name)| name).filter(|name| !name.is_empty())
}

fn map_session_name(draft: &mut Draft<'_>) {
    let name = session_name(&draft.source).map(str::to_owned);
    put_some(&mut draft.event, &["actor", "name"], name);
}

fn map_authentication(draft: &mut Draft<'_>) {
    let web = &[IDENTITY, "sessionContext", "webIdFederationData"];
    let federated = object_at(&draft.source, web).is_some_and(|data| !data.0.is_empty());
    let method = match text(&draft.source, &[IDENTITY, "type"]) {
        Some("SAMLUser") => Some("saml"),
        Some("WebIdentityUser") => Some("web_identity"),
        _ if federated => Some("web_identity"),
        _ => None,
    };
    put_some(&mut draft.event, &["authentication", "method"], method);
    draft.carry(&[IDENTITY, "identityProvider"], &["authentication", "issuer"]);
    let provider = [IDENTITY, "sessionContext", "webIdFederationData", "federatedProvider"];
    draft.carry(&provider, &["authentication", "issuer"]);
    let used = text(&draft.source, &["additionalEventData", "MFAUsed"]);
    let attributes = [IDENTITY, "sessionContext", "attributes", "mfaAuthenticated"];
    let mfa = match used.or_else(|| text(&draft.source, &attributes)) {
        Some("Yes" | "true") => Some(true),
        Some("No" | "false") => Some(false),
        _ => None,
    };
    put_some(&mut draft.event, &["authentication", "mfa"], mfa);
}

fn map_chain(draft: &mut Draft<'_>) {
    let mut chain = Vec::new();
    if let Some(id) = take(&mut draft.source, &[IDENTITY, "invokedBy"]) {
        chain.push(link(Some("service"), id, "invoked_by"));
    }
    if let Some(issuer) = take_issuer(draft) {
        chain.push(issuer);
    }
    if let Some(id) = take(&mut draft.source, &[IDENTITY, "sessionContext", "sourceIdentity"]) {
        chain.push(link(None, id, "delegation"));
    }
    if let Some(id) = take(&mut draft.source, &[IDENTITY, "onBehalfOf", "userId"]) {
        chain.push(link(Some("user"), id, "delegation"));
    }
    if !chain.is_empty() {
        let chain: Vec<Value<'_>> = chain.into_iter().map(Value::from).collect();
        put(&mut draft.event, &["actor", "on_behalf_of"], chain);
    }
}

/// Who issued the session: a role that was assumed, or the user who asked for a federated token.
fn take_issuer<'a>(draft: &mut Draft<'a>) -> Option<Object<'a>> {
    let member = |name| [IDENTITY, "sessionContext", "sessionIssuer", name];
    let (who, relation) = match text(&draft.source, &member("type")) {
        Some("Role") => (None, "assumed_role"),
        Some("IAMUser" | "Root") => (Some("user"), "token_exchange"),
        _ => (None, "token_exchange"),
    };
    let id = take(&mut draft.source, &member("arn"))
        .or_else(|| take(&mut draft.source, &member("principalId")))?;
    if relation == "assumed_role" {
        put(&mut draft.event, &["actor", "acting_as"], id.clone());
    }
    let mut issuer = link(who, id, relation);
    put_some(&mut issuer, &["name"], take(&mut draft.source, &member("userName")));
    Some(issuer)
}

fn link<'a>(who: Option<&'static str>, id: Text<'a>, relation: &'static str) -> Object<'a> {
    let mut link = Object::new();
    put_some(&mut link, &["type"], who);
    link.set("id", id);
    link.set("relation", relation);
    link
}
