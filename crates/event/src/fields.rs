//! Fields: an event as a list of paths and texts, in path order.
//!
//! A field is a scalar or an empty container. Its path text and its value's RFC 8785 text are what
//! is digested and stored; [`Fields::to_value`] turns them back into the one JSON value they
//! came from.

mod flatten;
mod rebuild;

use std::fmt;

use crate::json;
use crate::limits;
use crate::value::{Object, Value};

/// The fields of one event, ascending by the bytes of the path text.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// All paths and texts, one behind the other.
    buffer: String,
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    start: u32,
    path_len: u16,
    text_len: u32,
}

/// One field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The canonical path text.
    pub path: &'a str,
    /// The RFC 8785 text of a scalar, or `{}` or `[]`.
    pub text: &'a str,
}

/// The event has more fields than an event may have, or a path or key beyond the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooManyFields(pub String);

/// Stored fields that no event can have made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedFields(pub &'static str);

impl fmt::Display for TooManyFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for MalformedFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for TooManyFields {}
impl std::error::Error for MalformedFields {}

/// Equal fields, wherever they stand in their buffers.
impl PartialEq for Fields {
    fn eq(&self, other: &Fields) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Fields {}

impl Fields {
    /// Flattens an event in its one form.
    pub fn flatten(event: &Object<'_>) -> Result<Fields, TooManyFields> {
        flatten::flatten(event)
    }

    /// Puts fields together that were stored; they must ascend by path.
    pub fn from_stored<'a>(
        stored: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> Result<Fields, MalformedFields> {
        let bytes = stored.clone().map(|(path, text)| path.len() + text.len()).sum();
        let places = Vec::with_capacity(stored.size_hint().0);
        let mut fields = Fields { buffer: String::with_capacity(bytes), places };
        for (path, text) in stored {
            if fields.places.last().is_some_and(|last| last.path(&fields.buffer) >= path) {
                return Err(MalformedFields("paths do not ascend"));
            }
            fields.push(path, text).map_err(|_| MalformedFields("too many or too long fields"))?;
        }
        Ok(fields)
    }

    fn push(&mut self, path: &str, text: &str) -> Result<(), TooManyFields> {
        if self.places.len() == limits::FIELDS_RECORDED_MAX {
            let most = limits::FIELDS_RECORDED_MAX;
            return Err(TooManyFields(format!("more than {most} fields")));
        }
        let long = |_| TooManyFields("a path or a value is too long".into());
        self.places.push(Place {
            start: u32::try_from(self.buffer.len()).map_err(long)?,
            path_len: u16::try_from(path.len()).map_err(long)?,
            text_len: u32::try_from(text.len()).map_err(long)?,
        });
        self.buffer.push_str(path);
        self.buffer.push_str(text);
        Ok(())
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes of all paths and texts.
    pub fn bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Bytes of memory that they take.
    pub fn memory(&self) -> usize {
        size_of::<Fields>() + self.buffer.capacity() + self.places.capacity() * size_of::<Place>()
    }

    /// The fields in path order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Field<'_>> + Clone {
        self.places.iter().map(|place| place.field(&self.buffer))
    }

    /// The text at a canonical path.
    pub fn text(&self, path: &str) -> Option<&str> {
        let found =
            self.places.binary_search_by(|place| place.path(&self.buffer).cmp(path)).ok()?;
        Some(self.places[found].field(&self.buffer).text)
    }

    /// The string at a canonical path, unescaped.
    pub fn string(&self, path: &str) -> Option<String> {
        match json::read(self.text(path)?.as_bytes()) {
            Ok(Value::String(text)) => Some(text.into_owned()),
            _ => None,
        }
    }

    /// The event these fields came from, members in path order.
    pub fn to_value(&self) -> Result<Object<'static>, MalformedFields> {
        rebuild::rebuild(self)
    }
}

impl Place {
    #[inline]
    fn path<'a>(&self, buffer: &'a str) -> &'a str {
        let start = self.start as usize;
        &buffer[start..start + usize::from(self.path_len)]
    }

    #[inline]
    fn field<'a>(&self, buffer: &'a str) -> Field<'a> {
        let split = self.start as usize + usize::from(self.path_len);
        let text = &buffer[split..split + self.text_len as usize];
        Field { path: self.path(buffer), text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str) -> Object<'_> {
        match json::read(json.as_bytes()).expect("valid JSON") {
            Value::Object(object) => object,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn fields_come_back_as_the_event() {
        let many: Vec<String> = (0..12).map(|i| i.to_string()).collect();
        let json =
            format!(r#"{{"a":{{}},"a b":[{}],"a\"":{{"0":[[],null]}},"b":1.5}}"#, many.join(","));
        let fields = Fields::flatten(&event(&json)).expect("within limits");
        let back = Value::Object(fields.to_value().expect("well formed")).to_json();
        assert_eq!(Fields::flatten(&event(&back)).expect("within limits"), fields);
        assert!(back.contains("[0,1,2,3,4,5,6,7,8,9,10,11]"), "{back}");
    }

    #[test]
    fn path_order_is_by_bytes() {
        let fields =
            Fields::flatten(&event(r#"{"a":[1,2,3,4,5,6,7,8,9,10,11],"B":1}"#)).expect("ok");
        let paths: Vec<&str> = fields.iter().map(|f| f.path).collect();
        assert_eq!(&paths[..4], [r#"["B"]"#, r#"["a",0]"#, r#"["a",10]"#, r#"["a",1]"#]);
    }

    #[test]
    fn impossible_fields_are_refused() {
        for stored in
            [vec![(r#"["a"]"#, "1"), (r#"["a"]"#, "2")], vec![(r#"["b"]"#, "1"), (r#"["a"]"#, "2")]]
        {
            assert!(Fields::from_stored(stored.into_iter()).is_err());
        }
        for stored in [
            vec![(r#"["a",0]"#, "1"), (r#"["a","b"]"#, "1")],
            vec![(r#"["a",1]"#, "1")],
            vec![(r#"["a",0]"#, "1"), (r#"["a"]"#, "1")],
            vec![(r#"["a" ]"#, "1")],
            vec![(r#"["a"]"#, "x")],
        ] {
            let mut sorted = stored.clone();
            sorted.sort();
            let fields = Fields::from_stored(sorted.into_iter()).expect("ascending");
            assert!(fields.to_value().is_err(), "{stored:?}");
        }
    }

    #[test]
    fn limits_hold() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(17), "}".repeat(17));
        assert!(Fields::flatten(&event(&deep)).expect_err("deep").0.contains("16 steps"));
        let wide = format!("{{\"a\":[{}1]}}", "1,".repeat(4096));
        assert!(Fields::flatten(&event(&wide)).expect_err("wide").0.contains("4096 fields"));
    }
}
