//! The canonical event: the JSON reader, the one form, fields, paths and times.

use event::{
    Fields, Object, PathText, Schema, Value, format_time, json as reader, normalise_time,
    parse_time, pointer,
};

/// JSON that is read can be written, and what was written is read as the same.
pub fn json(bytes: &[u8]) {
    let Ok(value) = reader::read(bytes) else { return };
    let written = value.to_json();
    let again = reader::read(written.as_bytes()).expect("what was written can be read");
    assert_eq!(again.to_json(), written);
}

/// An event becomes fields and comes back; its one form is one, and the verifier knows its texts.
pub fn fields(bytes: &[u8]) {
    let Ok(Value::Object(mut event)) = reader::read(bytes) else { return };
    there_and_back(&event);
    if Schema::event().conform(&mut event).is_err() {
        return;
    }
    let once = event.clone();
    Schema::event().conform(&mut event).expect("one form conforms");
    assert_eq!(event, once, "one form changes no more");
    if let Some(fields) = there_and_back(&event) {
        judged(&fields);
    }
}

fn there_and_back(event: &Object<'_>) -> Option<Fields> {
    let fields = Fields::flatten(event).ok()?;
    let back = fields.to_value().expect("fields that were made of an event are one");
    assert_eq!(Fields::flatten(&back).expect("as many fields as before"), fields);
    let stored = fields.iter().map(|field| (field.path, field.text));
    assert_eq!(Fields::from_stored(stored).as_ref(), Ok(&fields));
    Some(fields)
}

/// What we write is what the verifier, which shares no code with us, takes for canonical.
pub(crate) fn judged(fields: &Fields) {
    for field in fields.iter() {
        assert!(verify::scalar::is_canonical(field.text.as_bytes()), "{}", field.text);
        let path = verify::Path::from_json(field.path).expect("a path");
        assert_eq!(path.text(), field.path);
    }
}

/// A path text has one spelling, for us and for the verifier.
pub fn path(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(steps) = PathText::parse(text) else { return };
    assert_eq!(PathText::from_steps(&steps).as_str(), text);
    let judged = verify::Path::from_json(text).expect("a path for both");
    assert_eq!(judged.text(), text);
    assert_eq!(judged.to_string(), pointer(&steps));
}

/// A time has one text, and any nanosecond can be written.
pub fn time(bytes: &[u8]) {
    if let Some(nanos) = bytes.first_chunk::<8>() {
        assert_eq!(format_time(i64::from_be_bytes(*nanos)).len(), 30);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(nanos) = parse_time(text) else { return };
    let kept = format_time(nanos);
    assert_eq!(parse_time(&kept), Ok(nanos));
    assert_eq!(normalise_time(text), Ok(kept));
}
