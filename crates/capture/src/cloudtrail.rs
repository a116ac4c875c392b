//! AWS CloudTrail records, as trails deliver them (event versions 1.0 to 1.11).
//!
//! Promises: one record, one event; `id` is the record's `eventID`; who acted, through which role
//! and for whom is a chain; keys that were issued are named, never their secrets; every member
//! that is not moved as it is stays under `attributes.cloudtrail`.
//!
//! Never: says that something succeeded, was allowed or was done by a person where the record
//! does not.
//!
//! docs/senders/cloudtrail.md has the table.

mod action;
mod actor;
mod outcome;
mod resources;
mod secrets;

use event::limits::ID_BYTES_MAX;
use event::{Object, Problem, Text, Value};

use crate::Record;
use crate::draft::Draft;
use crate::moves::{Names, at, copy, put, put_some, take, text};

const ADAPTER: &str = "cloudtrail";

/// Strings that have the same meaning and form in an event.
const MOVES: [(Names, Names); 10] = [
    (&["awsRegion"], &["where", "region"]),
    (&["recipientAccountId"], &["where", "account"]),
    (&["userAgent"], &["source", "user_agent"]),
    (&["requestID"], &["correlation", "request_id"]),
    (&["sharedEventID"], &["correlation", "operation_id"]),
    (&["errorCode"], &["outcome", "code"]),
    (&["errorMessage"], &["outcome", "message"]),
    (&["tlsDetails", "tlsVersion"], &["authentication", "tls_version"]),
    (&["userIdentity", "accessKeyId"], &["authentication", "token_id"]),
    (&["userIdentity", "credentialId"], &["authentication", "token_id"]),
];

/// Turns a CloudTrail record into an event.
pub(crate) fn adapt(source: Object<'_>) -> Result<Record<'_>, Problem> {
    if text(&source, &["eventSource"]).is_none() && text(&source, &["eventName"]).is_none() {
        let reason = "is no CloudTrail record: it has neither eventSource nor eventName";
        return Err(Problem::new("format", reason));
    }
    let mut draft = Draft::new(source);
    identify(&mut draft);
    action::map(&mut draft);
    actor::map(&mut draft);
    outcome::map(&mut draft);
    resources::map(&mut draft);
    map_issued(&mut draft);
    map_origin_of_request(&mut draft);
    draft.carry_all(&MOVES);
    note_omissions(&mut draft);
    let found = secrets::places(&draft.source);
    Ok(draft.finish(ADAPTER, found))
}

fn identify(draft: &mut Draft<'_>) {
    put_some(&mut draft.event, &["origin", "native_id"], copy(&draft.source, &["eventID"]));
    if text(&draft.source, &["eventID"]).is_some_and(|id| id.len() <= ID_BYTES_MAX) {
        draft.carry(&["eventID"], &["id"]);
    }
    draft.carry_time(&["eventTime"], &["occurred_at"]);
    put(&mut draft.event, &["phase"], "point");
    put(&mut draft.event, &["where", "provider"], "aws");
    // Late truth: CloudTrail delivers a record again when the first one was wrong.
    if text(&draft.source, &["addendum", "reason"]) == Some("UPDATED_DATA")
        && let Some(id) = take(&mut draft.source, &["addendum", "originalEventID"])
    {
        let mut link = Object::new();
        link.set("rel", "corrects");
        link.set("id", id);
        put(&mut draft.event, &["links"], vec![Value::from(link)]);
    }
}

/// Where the keys of an answer stand.
const ISSUED: [Names; 4] = [
    &["responseElements", "credentials"],
    &["responseElements", "accessKey"],
    &["responseElements", "roleCredentials"],
    &["responseElements", "serviceSpecificCredential"],
];

/// For whom they were issued.
const ISSUED_TO: [Names; 4] = [
    &["responseElements", "assumedRoleUser", "arn"],
    &["responseElements", "federatedUser", "arn"],
    &["responseElements", "accessKey", "userName"],
    &["responseElements", "serviceSpecificCredential", "userName"],
];

/// Names the keys that the answer handed out, so that their use can be followed: the same text
/// is `authentication.token_id` of what is done with them.
fn map_issued(draft: &mut Draft<'_>) {
    let mut issued = Vec::new();
    for place in ISSUED {
        let Some(Value::Object(answer)) = at(&draft.source, place) else { continue };
        let id = copy(answer, &["accessKeyId"])
            .or_else(|| copy(answer, &["serviceSpecificCredentialId"]));
        let Some(id) = id else { continue };
        let mut key = Object::new();
        key.set("token_id", id);
        put_some(&mut key, &["expires"], copy(answer, &["expiration"]));
        let owner = ISSUED_TO.iter().find_map(|path| copy(&draft.source, path));
        put_some(&mut key, &["subject"], owner);
        issued.push(Value::from(key));
    }
    if !issued.is_empty() {
        put(&mut draft.event, &["authentication", "issued"], issued);
    }
}

/// `sourceIPAddress` is an address, the name of an AWS service, or held back.
fn map_origin_of_request(draft: &mut Draft<'_>) {
    let Some(from) = text(&draft.source, &["sourceIPAddress"]) else { return };
    if crate::secrets::is_withheld(from) {
        return;
    }
    let digits = from.bytes().any(|b| b.is_ascii_digit());
    let address = digits && from.bytes().all(|b| b.is_ascii_hexdigit() || b".:".contains(&b));
    let member = if address { "address" } else { "service" };
    draft.carry(&["sourceIPAddress"], &["source", member]);
}

/// CloudTrail leaves a member that is too large out and says so in its place.
fn note_omissions(draft: &mut Draft<'_>) {
    let omitted = |(_, value): &(Text<'_>, Value<'_>)| {
        value.as_object().is_some_and(|o| o.get("omitted") == Some(&Value::Bool(true)))
    };
    if draft.source.0.iter().any(omitted) {
        put(&mut draft.event, &["origin", "truncated"], true);
    }
}
