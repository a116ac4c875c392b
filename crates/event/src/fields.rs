//! Fields: an event as a list of paths and texts, in path order.
//!
//! A field is a scalar or an empty container. Its path text and its value's RFC 8785 text are what
//! is digested and stored; [`Fields::to_value`] turns them back into the one JSON value they
//! came from.

use std::fmt;

use crate::json;
use crate::limits;
use crate::path::{PathText, Step, write_index, write_string};
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
        let mut flat = Flattening {
            fields: Fields { buffer: String::with_capacity(4096), places: Vec::with_capacity(48) },
            path: String::with_capacity(256),
        };
        flat.path.push('[');
        flat.members(event, 0)?;
        let Fields { buffer, places } = flat.fields;
        // Most paths differ soon, and numbers compare faster than texts.
        let keyed = places.into_iter().map(|place| (start(place.path(&buffer)), place));
        let mut keyed: Vec<(u128, Place)> = keyed.collect();
        keyed.sort_unstable_by(|(a, p), (b, q)| {
            a.cmp(b).then_with(|| p.path(&buffer).cmp(q.path(&buffer)))
        });
        // Copied, for it is kept: what was made room for is several times what an event takes.
        let buffer = buffer.as_str().to_owned();
        Ok(Fields { buffer, places: keyed.into_iter().map(|(_, place)| place).collect() })
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
        let mut root = Node::Object(Vec::new());
        for field in self.iter() {
            let steps = PathText::parse(field.path)
                .ok_or(MalformedFields("a path is not in its one form"))?;
            let leaf = json::read(field.text.as_bytes())
                .map_err(|_| MalformedFields("a text is not JSON"))?
                .into_owned();
            root.insert(&steps, leaf)?;
        }
        match root.into_value()? {
            Value::Object(object) => Ok(object),
            _ => Err(MalformedFields("an event is an object")),
        }
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

/// The 16 bytes behind a path's bracket as a number, zeros behind its end: no path holds a zero, so
/// numbers that differ order as the paths do.
fn start(path: &str) -> u128 {
    let bytes = path.as_bytes().get(1..).unwrap_or_default();
    match bytes.first_chunk() {
        Some(sixteen) => u128::from_be_bytes(*sixteen),
        None => {
            let mut sixteen = [0; 16];
            sixteen[..bytes.len()].copy_from_slice(bytes);
            u128::from_be_bytes(sixteen)
        }
    }
}

/// A walk over an event; `path` is the path text so far, without its closing bracket.
struct Flattening {
    fields: Fields,
    path: String,
}

impl Flattening {
    fn members(&mut self, object: &Object<'_>, depth: usize) -> Result<(), TooManyFields> {
        for (key, value) in &object.0 {
            let mark = self.step(depth, |path| write_string(path, key))?;
            self.value(value, depth + 1)?;
            self.path.truncate(mark);
        }
        Ok(())
    }

    fn step(
        &mut self,
        depth: usize,
        write: impl FnOnce(&mut String),
    ) -> Result<usize, TooManyFields> {
        if depth == limits::PATH_STEPS_MAX {
            let most = limits::PATH_STEPS_MAX;
            return Err(TooManyFields(format!("a path has more than {most} steps")));
        }
        let mark = self.path.len();
        if depth > 0 {
            self.path.push(',');
        }
        write(&mut self.path);
        Ok(mark)
    }

    fn value(&mut self, value: &Value<'_>, depth: usize) -> Result<(), TooManyFields> {
        match value {
            Value::Object(object) if !object.0.is_empty() => self.members(object, depth),
            Value::Array(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    let mark = self.step(depth, |path| write_index(path, index))?;
                    self.value(item, depth + 1)?;
                    self.path.truncate(mark);
                }
                Ok(())
            }
            scalar => self.scalar(scalar),
        }
    }

    fn scalar(&mut self, value: &Value<'_>) -> Result<(), TooManyFields> {
        let Flattening { fields, path } = self;
        if fields.places.len() == limits::FIELDS_RECORDED_MAX {
            let most = limits::FIELDS_RECORDED_MAX;
            return Err(TooManyFields(format!("more than {most} fields")));
        }
        let long = |_| TooManyFields("a path or a value is too long".into());
        let start = fields.buffer.len();
        if start + path.len() > limits::FIELDS_BYTES_MAX {
            let most = limits::FIELDS_BYTES_MAX;
            let what = "bytes with the full path of every value";
            return Err(TooManyFields(format!("an event takes at most {most} {what}")));
        }
        fields.buffer.push_str(path);
        fields.buffer.push(']');
        let split = fields.buffer.len();
        value.write_json(&mut fields.buffer);
        fields.places.push(Place {
            start: u32::try_from(start).map_err(long)?,
            path_len: u16::try_from(split - start).map_err(long)?,
            text_len: u32::try_from(fields.buffer.len() - split).map_err(long)?,
        });
        Ok(())
    }
}

/// A value being put together from fields; array elements may come in any order.
enum Node {
    Leaf(Value<'static>),
    Object(Vec<(String, Node)>),
    Array(Vec<(usize, Node)>),
}

impl Node {
    fn insert(&mut self, steps: &[Step], leaf: Value<'static>) -> Result<(), MalformedFields> {
        let Some((step, rest)) = steps.split_first() else {
            return Err(MalformedFields("a path stands twice or begins another"));
        };
        let child = match (self, step) {
            // Path order keeps the members of one container together: the last one is the one.
            (Node::Object(members), Step::Key(key)) => {
                if members.last().is_none_or(|(last, _)| last != key) {
                    members.push((key.clone(), Node::seed(rest, &leaf)));
                    if rest.is_empty() {
                        return Ok(());
                    }
                }
                members.last_mut().map(|(_, node)| node)
            }
            (Node::Array(items), Step::Index(index)) => {
                if items.last().is_none_or(|(last, _)| last != index) {
                    items.push((*index, Node::seed(rest, &leaf)));
                    if rest.is_empty() {
                        return Ok(());
                    }
                }
                items.last_mut().map(|(_, node)| node)
            }
            _ => None,
        };
        let child = child.ok_or(MalformedFields("one container has both keys and indices"))?;
        child.insert(rest, leaf)
    }

    /// The empty node that the rest of a path asks for.
    fn seed(rest: &[Step], leaf: &Value<'static>) -> Node {
        match rest.first() {
            None => Node::Leaf(leaf.clone()),
            Some(Step::Key(_)) => Node::Object(Vec::new()),
            Some(Step::Index(_)) => Node::Array(Vec::new()),
        }
    }

    fn into_value(self) -> Result<Value<'static>, MalformedFields> {
        Ok(match self {
            Node::Leaf(value) => value,
            Node::Object(members) => {
                let mut object = Object::new();
                for (key, node) in members {
                    object.0.push((key.into(), node.into_value()?));
                }
                Value::Object(object)
            }
            Node::Array(mut items) => {
                items.sort_unstable_by_key(|(index, _)| *index);
                if items.iter().enumerate().any(|(want, (index, _))| want != *index) {
                    return Err(MalformedFields("an array has a hole"));
                }
                let values: Result<_, _> = items.into_iter().map(|(_, n)| n.into_value()).collect();
                Value::Array(values?)
            }
        })
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
