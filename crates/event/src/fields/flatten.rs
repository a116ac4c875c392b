//! An event becomes its fields: a walk over its values, then a sort by path.

use super::{Fields, Place, TooManyFields};
use crate::limits;
use crate::path::{write_index, write_string};
use crate::value::{Object, Value};

pub(super) fn flatten(event: &Object<'_>) -> Result<Fields, TooManyFields> {
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
