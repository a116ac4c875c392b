//! Whatever is sent: no panic, nothing lost, and an event that conforms or a reason why not.

mod support;

use capture::{Body, Format};
use event::limits::FIELDS_SENT_MAX;
use event::{Fields, Number, Object, Schema, Value};
use proptest::prelude::*;

/// Members that adapters look at, so that many records get past the first check.
const KEYS: [&str; 60] = [
    "eventSource",
    "eventName",
    "eventID",
    "eventTime",
    "eventType",
    "userIdentity",
    "type",
    "arn",
    "principalId",
    "accountId",
    "userName",
    "invokedBy",
    "sessionContext",
    "sessionIssuer",
    "sourceIdentity",
    "attributes",
    "onBehalfOf",
    "userId",
    "responseElements",
    "credentials",
    "accessKeyId",
    "resources",
    "ARN",
    "requestParameters",
    "instancesSet",
    "items",
    "instanceId",
    "errorCode",
    "errorMessage",
    "sourceIPAddress",
    "addendum",
    "reason",
    "readOnly",
    "verb",
    "auditID",
    "stage",
    "user",
    "username",
    "groups",
    "extra",
    "impersonatedUser",
    "objectRef",
    "resource",
    "subresource",
    "name",
    "uid",
    "responseStatus",
    "code",
    "requestObject",
    "responseObject",
    "kind",
    "data",
    "metadata",
    "annotations",
    "sourceIPs",
    "specversion",
    "id",
    "source",
    "time",
    "password",
];

const TEXTS: [&str; 16] = [
    "",
    "s3.amazonaws.com",
    "GetObject",
    "AssumedRole",
    "AWSService",
    "Secret",
    "SecretList",
    "secrets",
    "2026-01-02T03:04:05Z",
    "1.0",
    "get",
    "ResponseComplete",
    "Role",
    "UPDATED_DATA",
    "HIDDEN_DUE_TO_SECURITY_REASONS",
    "Bearer abcdefghij",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![proptest::sample::select(&TEXTS[..]).prop_map(str::to_owned), "\\PC{0,12}"]
}

fn value() -> impl Strategy<Value = Value<'static>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-9_i64..999).prop_map(|i| Value::Number(Number::Integer(i))),
        Just(Value::Oversize("12345678901234567890".into())),
        text().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            object(inner).prop_map(Value::Object),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    let known = || proptest::sample::select(&KEYS[..]).prop_map(str::to_owned);
    prop_oneof![known(), known(), known(), "\\PC{0,6}", Just("k".repeat(300))]
}

fn object(inner: impl Strategy<Value = Value<'static>>) -> impl Strategy<Value = Object<'static>> {
    proptest::collection::vec((key(), inner), 0..10).prop_map(|members| {
        let mut object = Object::new();
        for (key, value) in members {
            object.set(key, value);
        }
        object
    })
}

/// The members without which a record of the format is refused at once.
fn seed(format: Format, mut object: Object<'static>) -> Object<'static> {
    let seeds: &[(&str, &str)] = match format {
        Format::Native => &[],
        Format::CloudTrail => &[("eventName", "PutThing"), ("eventSource", "x.amazonaws.com")],
        Format::Kubernetes => &[("verb", "create"), ("auditID", "a-1")],
        Format::CloudEvents => {
            &[("specversion", "1.0"), ("id", "i"), ("source", "s"), ("type", "t")]
        }
    };
    for (key, text) in seeds {
        object.set(*key, *text);
    }
    object
}

/// A foreign record of any number of fields is admitted: what is too much becomes text.
#[test]
fn crowds_fit() {
    let many = |item: &str| vec![item; 6_000].join(",");
    let trail = format!(
        r#"{{"eventName":"A","eventSource":"x.amazonaws.com","eventTime":"2026-01-02T03:04:05Z",
        "userIdentity":{{"type":"IAMUser","arn":"a"}},"resources":[{}],"requestParameters":{{"password":"p","l":[{}]}}}}"#,
        many(r#"{"type":"T","ARN":"a"}"#),
        many("12345678901234567890"),
    );
    let audit = format!(
        r#"{{"verb":"get","auditID":"i","stage":"Panic","stageTimestamp":"2026-01-02T03:04:05Z",
        "user":{{"username":"u","groups":[{0}]}},"sourceIPs":[{0}],"responseObject":{{"kind":"SecretList","items":[{1}]}}}}"#,
        many("\"g\""),
        many(r#"{"data":{"k":"v"}}"#),
    );
    for (format, json, secret) in [
        (Format::CloudTrail, trail, "/attributes/cloudtrail/requestParameters"),
        (Format::Kubernetes, audit, "/attributes/kubernetes/responseObject"),
    ] {
        let source = event::json::read(json.as_bytes()).expect("JSON");
        let record = format.adapt(source.clone()).expect("adapted");
        support::nothing_is_lost(&source, &record.event).expect("kept");
        let places: Vec<String> = record.secrets.iter().map(|path| event::pointer(path)).collect();
        assert_eq!(places, [secret]);
        let mut event = record.event;
        Schema::event().conform(&mut event).expect("conforms");
        let fields = Fields::flatten(&event).expect("within limits");
        assert!(fields.len() <= FIELDS_SENT_MAX, "{}", fields.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_object_conforms_or_is_refused(object in object(value()), seeded in any::<bool>()) {
        for (_, format) in Format::ALL {
            let object = if seeded { seed(format, object.clone()) } else { object.clone() };
            let source = Value::Object(object);
            let Ok(record) = format.adapt(source.clone()) else { continue };
            if matches!(format, Format::CloudTrail | Format::Kubernetes) {
                support::nothing_is_lost(&source, &record.event).map_err(TestCaseError::fail)?;
                support::secrets_stand(&record).map_err(TestCaseError::fail)?;
            }
            let mut event = record.event;
            let conformed = Schema::event().conform(&mut event);
            if matches!(format, Format::CloudTrail | Format::Kubernetes) {
                // What a foreign source sends can lack something; it cannot be of a wrong shape.
                if let Err(problem) = &conformed {
                    prop_assert_eq!(problem.code, "missing", "{}", problem);
                }
            }
            if conformed.is_ok() {
                prop_assert!(Fields::flatten(&event).is_ok());
            }
            let words = Value::from(event).to_json();
            prop_assert!(!words.contains("\"stringified\":[]"));
        }
    }

    #[test]
    fn bodies_end(text in "[\\[\\]{}\",:0-9aRecords\\n tune]{0,60}", lines in any::<bool>()) {
        for (_, format) in Format::ALL {
            let Ok(mut body) = Body::new(text.as_bytes(), format.wrapper(), lines) else { continue };
            let mut parts = 0;
            while let Ok(Some(_)) = body.next_part() {
                parts += 1;
                prop_assert!(parts <= text.len());
            }
        }
    }

    /// However records stand in a body, the same come out.
    #[test]
    fn layouts_agree(records in proptest::collection::vec(object(value()), 1..5)) {
        let texts: Vec<String> =
            records.into_iter().map(|record| Value::Object(record).to_json()).collect();
        let array = texts.join(",");
        let lines: Vec<String> = texts.iter().map(|t| format!("{{\"Records\":[{t}]}}")).collect();
        for body in [format!("[{array}]"), format!("{{\"v\":1,\"Records\":[{array}],\"w\":[]}}"), lines.join("\n")] {
            let mut parts = Vec::new();
            let mut read = Body::new(body.as_bytes(), Some("Records"), false).map_err(|e| TestCaseError::fail(e.to_string()))?;
            while let Some(part) = read.next_part().map_err(|e| TestCaseError::fail(e.to_string()))? {
                parts.push(part.value.map_err(|e| TestCaseError::fail(e.to_string()))?.to_json());
            }
            prop_assert_eq!(&parts, &texts);
        }
    }
}
