//! What people ask: filters and cursors.

use std::sync::OnceLock;

use event::{Fields, Value, json};
use query::{Cursor, Filter, TEXT_BYTES_MAX};

/// 2026-11-22T14:00:00Z.
const NOW: i64 = 1_795_356_000_000_000_000;

/// A filter's text is read back as the same filter, and it can be asked of an event.
pub fn filter(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(filter) = Filter::parse(text, NOW) {
        written(&filter);
    }
    if let Some((name, value)) = text.split_once('=')
        && let Ok(filter) = Filter::all().and(name, value, NOW)
    {
        written(&filter);
    }
}

fn written(filter: &Filter) {
    filter.matches(event(), NOW);
    let text = filter.to_string();
    // Quoting can make a text longer than a filter may be.
    if text.len() <= TEXT_BYTES_MAX {
        let again = Filter::parse(&text, NOW);
        assert_eq!(again.as_ref(), Ok(filter), "{text}");
    }
}

fn event() -> &'static Fields {
    static EVENT: OnceLock<Fields> = OnceLock::new();
    EVENT.get_or_init(|| {
        let text = br#"{"id":"01a20390-809a-7e40-9d1e-40c2a8b3f6d7","action":"refund.create",
            "actor":{"type":"user","id":"al \"ice\""},"occurred_at":"2026-11-22T13:50:00Z",
            "resources":[{"type":"pay","id":"7f31"}],"attributes":{"n":[1,2.5,null],"e":{}}}"#;
        let Ok(Value::Object(event)) = json::read(text) else { panic!("an event") };
        Fields::flatten(&event).expect("few fields")
    })
}

/// A cursor has one text.
pub fn cursor(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(cursor) = text.parse::<Cursor>() {
        assert_eq!(cursor.to_string(), text);
    }
}
