//! Our values as the validator reads them. Nothing is read a second time: our reader has judged
//! the bytes already.

use event::{Number, Object, Value};
use serde_json::{Map, Number as Plain, Value as Json};

pub(super) fn value(value: &Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Number(n) => number(*n),
        // An event in its one form has none; in a schema it is no number one could compare with.
        Value::Oversize(token) => Json::String(token.to_string()),
        Value::String(text) => Json::String(text.to_string()),
        Value::Array(items) => Json::Array(items.iter().map(self::value).collect()),
        Value::Object(members) => object(members),
    }
}

pub(super) fn object(object: &Object<'_>) -> Json {
    let members = object.0.iter().map(|(key, item)| (key.to_string(), value(item)));
    Json::Object(members.collect::<Map<String, Json>>())
}

fn number(number: Number) -> Json {
    if let Some(integer) = number.as_integer() {
        return Json::Number(integer.into());
    }
    let mut text = String::new();
    number.write_canonical(&mut text);
    let float = text.parse::<f64>().ok().and_then(Plain::from_f64);
    float.map_or(Json::Null, Json::Number)
}
