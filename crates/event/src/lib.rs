//! The canonical event: how one is read, brought to its one form, flattened and digested.
//!
//! Promises: one event has one list of fields and, with its salts, one digest, whatever the
//! spelling it arrived in. Two readers never see two different events.
//!
//! Never: the time, the disk, the network, a policy. Everything here is a pure function.
//!
//! The life of an event inside this crate:
//!
//! ```text
//! bytes ─ json::read ─▶ Value ─ Schema::conform ─▶ Value in its one form
//!       ─ Fields::flatten ─▶ Fields ─ digest ─▶ Leaf
//! ```
//!
//! The bytes are fixed by docs/formats/event.md and docs/formats/digest.md.

mod conform;
mod digest;
mod fields;
mod hash;
pub mod json;
mod leaf;
pub mod limits;
mod number;
mod path;
mod scan;
mod schema;
mod time;
mod value;

pub use conform::Problem;
pub use digest::{EpochKey, EventKey, OriginDigest, commitment, field_digest};
pub use fields::{Field, Fields, MalformedFields, TooManyFields};
pub use hash::Hash;
pub use leaf::{Leaf, LeafError};
pub use number::{Number, canonical_float};
pub use path::{PathText, Step, pointer};
pub use schema::{Schema, SchemaError};
pub use time::{TimeError, format_time, normalise_time, parse_time};
pub use value::{Object, Text, Value};
