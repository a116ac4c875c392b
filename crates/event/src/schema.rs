//! The event's JSON Schema file, compiled into shapes that admission walks.
//!
//! docs/formats/event.schema.json is the one place that says which members an event has. The
//! compiler knows the keywords that file uses, and refuses any other: a keyword that is not
//! enforced must not stand there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use crate::json;
use crate::value::{Object, Value};

/// A compiled schema.
#[derive(Debug)]
pub struct Schema {
    pub(crate) root: Shape,
}

/// Why a schema file cannot be compiled.
#[derive(Debug, PartialEq, Eq)]
pub struct SchemaError(String);

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SchemaError {}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// Free JSON.
    Any,
    Boolean,
    Integer {
        min: i64,
        max: i64,
    },
    Word(Vec<String>),
    Text(TextForm),
    Array(Box<Shape>),
    Object(ObjectShape),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextForm {
    /// Any string with at least `min` characters.
    Plain { min: usize },
    /// An identifier of at most `max` bytes; lower-cased if it has the shape of a UUID.
    Id { max: usize },
    /// An RFC 3339 time.
    Time,
    /// Exactly so many hexadecimal digits; lower-cased.
    Hex(usize),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ObjectShape {
    /// Ascending by length of the name, then by name.
    pub(crate) members: Vec<Member>,
    /// Whether members that are not listed are free JSON.
    pub(crate) open: bool,
    pub(crate) required: Vec<String>,
    /// At least one of these must stand.
    pub(crate) any_of: Vec<String>,
    pub(crate) unless: Option<Unless>,
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    /// The server's alone.
    pub(crate) reserved: bool,
}

/// `required` must stand unless `member` has the value `word`.
#[derive(Clone, Debug)]
pub(crate) struct Unless {
    pub(crate) member: String,
    pub(crate) word: String,
    pub(crate) required: String,
}

impl ObjectShape {
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        // Few names are of one length: numbers lead to them, and hardly any text is compared.
        let from = self.members.partition_point(|member| member.name.len() < name.len());
        let as_long = self.members[from..].iter().take_while(|m| m.name.len() == name.len());
        as_long.into_iter().find(|member| member.name == name)
    }
}

impl Schema {
    /// The text of docs/formats/event.schema.json.
    pub const EVENT_TEXT: &str = include_str!("../../../docs/formats/event.schema.json");

    /// The schema of `audit.event/1`.
    pub fn event() -> &'static Schema {
        static SCHEMA: OnceLock<Schema> = OnceLock::new();
        SCHEMA.get_or_init(|| {
            Schema::compile(Schema::EVENT_TEXT).expect("a test compiles the file that is built in")
        })
    }

    /// Compiles a schema file.
    pub fn compile(text: &str) -> Result<Schema, SchemaError> {
        let root = json::read(text.as_bytes()).map_err(|e| SchemaError(e.to_string()))?;
        let root = object(&root, "the schema")?;
        let mut defs = BTreeMap::new();
        if let Some(Value::Object(all)) = root.get("$defs") {
            for (name, def) in &all.0 {
                let shape = Compiler { defs: &defs }.shape(def)?;
                defs.insert(format!("#/$defs/{name}"), shape);
            }
        }
        Ok(Schema { root: Compiler { defs: &defs }.typed(root)? })
    }

    /// The words that a member may have, if its list is closed: those of `["outcome", "result"]`.
    pub fn words(&self, members: &[&str]) -> Option<&[String]> {
        let shape = members.iter().try_fold(&self.root, |shape, name| match shape {
            Shape::Object(object) => Some(&object.member(name)?.shape),
            _ => None,
        });
        match shape? {
            Shape::Word(words) => Some(words),
            _ => None,
        }
    }
}

struct Compiler<'d> {
    /// Definitions that stand before the one at hand.
    defs: &'d BTreeMap<String, Shape>,
}

const KEYWORDS: [&str; 22] = [
    "$schema",
    "$id",
    "$defs",
    "$ref",
    "title",
    "description",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "pattern",
    "format",
    "anyOf",
    "if",
    "else",
    "readOnly",
];

impl Compiler<'_> {
    fn shape(&self, schema: &Value<'_>) -> Result<Shape, SchemaError> {
        match schema {
            Value::Bool(true) => Ok(Shape::Any),
            Value::Object(object) => match object.str("$ref") {
                Some(name) => self.defs.get(name).cloned().ok_or_else(|| bad("$ref", name)),
                None => self.typed(object),
            },
            _ => Err(SchemaError("a schema is an object or true".into())),
        }
    }

    fn typed(&self, schema: &Object<'_>) -> Result<Shape, SchemaError> {
        if let Some((key, _)) = schema.0.iter().find(|(k, _)| !KEYWORDS.contains(&k.as_ref())) {
            return Err(bad("keyword", key));
        }
        match schema.str("type") {
            Some("boolean") => Ok(Shape::Boolean),
            Some("integer") => {
                let limit =
                    |name, default| schema.get(name).and_then(Value::as_integer).unwrap_or(default);
                let (min, max) = (-crate::limits::INTEGER_MAX, crate::limits::INTEGER_MAX);
                Ok(Shape::Integer { min: limit("minimum", min), max: limit("maximum", max) })
            }
            Some("string") => self.text(schema),
            Some("array") => {
                let items = schema.get("items").ok_or_else(|| bad("items", "missing"))?;
                Ok(Shape::Array(Box::new(self.shape(items)?)))
            }
            Some("object") => Ok(Shape::Object(self.object(schema)?)),
            other => Err(bad("type", other.unwrap_or("missing"))),
        }
    }

    fn text(&self, schema: &Object<'_>) -> Result<Shape, SchemaError> {
        if let Some(words) = schema.get("enum") {
            return Ok(Shape::Word(strings(words, "enum")?));
        }
        let length = |name| schema.get(name).and_then(Value::as_integer).map(|n| n as usize);
        let form = match (schema.str("format"), schema.str("pattern"), length("maxLength")) {
            (Some("date-time"), None, None) => TextForm::Time,
            (None, Some("^[0-9a-fA-F]{32}$"), None) => TextForm::Hex(32),
            (None, Some("^[0-9a-fA-F]{16}$"), None) => TextForm::Hex(16),
            (None, None, Some(max)) => TextForm::Id { max },
            (None, None, None) => TextForm::Plain { min: length("minLength").unwrap_or(0) },
            (format, pattern, _) => {
                return Err(bad("format or pattern", format.or(pattern).unwrap_or("mixed")));
            }
        };
        Ok(Shape::Text(form))
    }

    fn object(&self, schema: &Object<'_>) -> Result<ObjectShape, SchemaError> {
        let Some(Value::Bool(open)) = schema.get("additionalProperties") else {
            return Err(bad("additionalProperties", "must be true or false"));
        };
        let mut shape = ObjectShape { open: *open, ..ObjectShape::default() };
        if let Some(members) = schema.get("properties") {
            for (name, member) in &object(members, "properties")?.0 {
                shape.members.push(Member {
                    name: name.to_string(),
                    shape: self.shape(member)?,
                    reserved: member.as_object().is_some_and(|m| m.get("readOnly").is_some()),
                });
            }
        }
        shape.members.sort_by(|a, b| (a.name.len(), &a.name).cmp(&(b.name.len(), &b.name)));
        if let Some(names) = schema.get("required") {
            shape.required = strings(names, "required")?;
        }
        for choice in schema.get("anyOf").and_then(Value::as_array).unwrap_or_default() {
            let required = object(choice, "anyOf")?.get("required");
            shape.any_of.extend(strings(required.unwrap_or(&Value::Null), "anyOf")?);
        }
        shape.unless = unless(schema)?;
        Ok(shape)
    }
}

/// Reads `if {properties: {member: {const: word}}} else {required: [name]}`.
fn unless(schema: &Object<'_>) -> Result<Option<Unless>, SchemaError> {
    let (Some(condition), Some(otherwise)) = (schema.object("if"), schema.object("else")) else {
        return Ok(None);
    };
    let [(member, test)] = condition.object("properties").map_or(&[][..], |p| &p.0) else {
        return Err(bad("if", "must name one property"));
    };
    let word = test.as_object().and_then(|t| t.str("const"));
    let mut required = strings(otherwise.get("required").unwrap_or(&Value::Null), "else")?;
    match (word, required.pop()) {
        (Some(word), Some(name)) if required.is_empty() => {
            Ok(Some(Unless { member: member.to_string(), word: word.to_owned(), required: name }))
        }
        _ => Err(bad("if", "must be a const with one required member in else")),
    }
}

fn bad(what: &str, found: &str) -> SchemaError {
    SchemaError(format!("schema: {what} not understood: {found}"))
}

fn object<'v, 'a>(value: &'v Value<'a>, what: &str) -> Result<&'v Object<'a>, SchemaError> {
    value.as_object().ok_or_else(|| bad(what, "must be an object"))
}

fn strings(value: &Value<'_>, what: &str) -> Result<Vec<String>, SchemaError> {
    let items = value.as_array().ok_or_else(|| bad(what, "must be an array"))?;
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| bad(what, "must hold strings")))
        .collect()
}
