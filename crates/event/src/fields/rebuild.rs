//! Fields become the event that they came from, or are found to come from none.

use super::{Fields, MalformedFields};
use crate::json;
use crate::path::{PathText, Step};
use crate::value::{Object, Value};

pub(super) fn rebuild(fields: &Fields) -> Result<Object<'static>, MalformedFields> {
    let mut root = Node::Object(Vec::new());
    for field in fields.iter() {
        let steps =
            PathText::parse(field.path).ok_or(MalformedFields("a path is not in its one form"))?;
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
