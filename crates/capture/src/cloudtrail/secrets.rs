//! Where CloudTrail records may carry credentials.
//!
//! AWS holds most of them back itself; session tokens in answers of STS are the one that it does
//! not. The rest are named for records of services that forget to.

use event::{Object, Step, Value};

use crate::moves::{Names, at, text};
use crate::secrets::{Reach, is_withheld, search_members};
use crate::trail::Trail;

/// Services, words of event names, and places that no name gives away.
const PLACES: [(&str, &str, Names); 6] = [
    ("ssm.amazonaws.com", "PutParameter", &["requestParameters", "value"]),
    ("apigateway.amazonaws.com", "ApiKey", &["requestParameters", "createApiKeyInput", "value"]),
    ("apigateway.amazonaws.com", "ApiKey", &["requestParameters", "value"]),
    ("apigateway.amazonaws.com", "ApiKey", &["responseElements", "value"]),
    ("lambda.amazonaws.com", "Function", &["requestParameters", "environment", "variables"]),
    ("lambda.amazonaws.com", "Function", &["responseElements", "environment", "variables"]),
];

/// The places in a record, from its root.
pub(super) fn places(source: &Object<'_>) -> Vec<Vec<Step>> {
    let mut found = Vec::new();
    search_members(source, &Trail::Root, Reach::Containers, &mut found);
    let service = text(source, &["eventSource"]).unwrap_or_default();
    let name = text(source, &["eventName"]).unwrap_or_default();
    for (of, word, path) in PLACES {
        if service == of && name.contains(word) && at(source, path).is_some_and(is_open) {
            found.push(path.iter().map(|name| Step::Key((*name).to_owned())).collect());
        }
    }
    found
}

fn is_open(value: &Value<'_>) -> bool {
    match value {
        Value::String(text) => !is_withheld(text),
        Value::Object(object) => !object.0.is_empty(),
        _ => false,
    }
}
