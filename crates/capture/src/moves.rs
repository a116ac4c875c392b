//! Reading, taking and putting members by path: what adapters are written with.
//!
//! Promises: a string is taken or it stays, whole. What is not a string, or is empty, is never
//! taken, so a member of an unexpected type ends up with what is not mapped.

use event::{Object, Text, Value};

/// Names of members, outermost first.
pub(crate) type Names = &'static [&'static str];

/// The value at `path`.
pub(crate) fn at<'v, 'a>(object: &'v Object<'a>, path: &[&str]) -> Option<&'v Value<'a>> {
    let (last, outer) = path.split_last()?;
    let mut object = object;
    for name in outer {
        object = object.object(name)?;
    }
    object.get(last)
}

/// The object at `path`.
pub(crate) fn object_at<'v, 'a>(object: &'v Object<'a>, path: &[&str]) -> Option<&'v Object<'a>> {
    at(object, path)?.as_object()
}

/// The string at `path`, unless it is empty.
pub(crate) fn text<'v>(object: &'v Object<'_>, path: &[&str]) -> Option<&'v str> {
    at(object, path)?.as_str().filter(|text| !text.is_empty())
}

/// A copy of the string at `path`, unless it is empty.
pub(crate) fn copy<'a>(object: &Object<'a>, path: &[&str]) -> Option<Text<'a>> {
    match at(object, path)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// Takes the string at `path` out of `object`, unless it is empty. Containers that held nothing
/// else go with it.
pub(crate) fn take<'a>(object: &mut Object<'a>, path: &[&str]) -> Option<Text<'a>> {
    let (first, rest) = path.split_first()?;
    match object.get_mut(first)? {
        Value::String(text) if rest.is_empty() && !text.is_empty() => {
            let text = std::mem::take(text);
            object.take(first);
            Some(text)
        }
        Value::Object(inner) if !rest.is_empty() => {
            let text = take(inner, rest)?;
            if inner.0.is_empty() {
                object.take(first);
            }
            Some(text)
        }
        _ => None,
    }
}

/// Puts `value` at `path`, making the objects on the way. Does nothing if a scalar or an array
/// stands in the way.
pub(crate) fn put<'a>(object: &mut Object<'a>, path: &[&'static str], value: impl Into<Value<'a>>) {
    let Some((last, outer)) = path.split_last() else { return };
    let mut object = object;
    for name in outer {
        if object.get(name).is_none() {
            object.set(*name, Object::new());
        }
        match object.get_mut(name) {
            Some(Value::Object(inner)) => object = inner,
            _ => return,
        }
    }
    object.set(*last, value);
}

/// Puts `value` at `path` if there is one.
pub(crate) fn put_some<'a, V: Into<Value<'a>>>(
    object: &mut Object<'a>,
    path: &[&'static str],
    value: Option<V>,
) {
    if let Some(value) = value {
        put(object, path, value);
    }
}
