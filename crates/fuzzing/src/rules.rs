//! What teams bring of their own: rules of the audit scope, schemas of actions.

use admit::schemas::Compiled;
use admit::scope::Rules;
use event::{Value, json};

const EVENT: &str = r#"{"action":"invoice.delete","kind":"data_change","verb":"delete",
    "actor":{"type":"user","id":"alice"},"service":{"name":"billing"},
    "occurred_at":"2026-01-02T03:04:05.000000000Z","request":{"path":"/healthz"},
    "outcome":{"result":"success"},
    "attributes":{"amount":812.5,"lines":[1,2,2,"geheim"],"token":"geheim"}}"#;

/// A rules file is refused or decides, and says the same of itself again.
pub fn scope(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(rules) = Rules::parse(text) else { return };
    let Ok(Value::Object(event)) = json::read(EVENT.as_bytes()) else { return };
    let again = Rules::parse(text).expect("it was read once");
    assert_eq!(again.digest(), rules.digest());
    assert_eq!(again.decide(&event), rules.decide(&event));
    assert!(rules.warnings().len() <= 3 * rules.iter().len());
}

/// A schema is refused or can be asked; what it says of an event holds no value of it.
pub fn schema(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(schema) = Compiled::new(text) else { return };
    let Ok(Value::Object(event)) = json::read(EVENT.as_bytes()) else { return };
    let faults = schema.faults(&event, &[]);
    // A schema that has the word itself may say it.
    let says = |text: &str| text.to_lowercase().contains("geheim");
    assert!(says(text) || text.contains('\\') || !faults.iter().any(|f| says(&f.reason)));
}
