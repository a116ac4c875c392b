//! Capture: the bytes of a wire format become records.
//!
//! Promises: every record of a body comes out, in order, or is named with what is wrong with it;
//! an adapter says what its source really said, keeps what it does not map under
//! `attributes.<adapter>`, and names the places where that source carries credentials.
//!
//! Never: decides whether a record is accepted, invents a value, defaults a value.
//!
//! ```text
//! body ─ Body::next_part ─▶ values, one at a time ─ Format::adapt ─▶ Record ─▶ admit
//! ```
//!
//! An adapter works on a draft (draft.rs): it moves members of the source's record to where the
//! event has them; what is left is what it does not map. docs/senders/ has the mapping tables.

mod body;
mod cloudevents;
mod cloudtrail;
mod draft;
mod items;
mod kubernetes;
mod moves;
mod native;
mod secrets;
mod shape;
mod trail;

pub use body::{Body, BodyError, Layout, Part};

use event::{Object, Problem, Step, Value};

/// What a source sent, in the event's shape but not yet judged.
#[derive(Debug)]
pub struct Record<'a> {
    /// The event as the source meant it.
    pub event: Object<'a>,
    /// Places that are known to hold credentials, scalar or container, none within another;
    /// admission redacts them by default. Paths lead into `event` as it stands here.
    pub secrets: Vec<Vec<Step>>,
}

/// The wire formats that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `audit.event/1`.
    Native,
    /// CloudEvents 1.0, structured or batched, with the event as data.
    CloudEvents,
    /// Kubernetes `audit.k8s.io/v1`.
    Kubernetes,
    /// AWS CloudTrail records.
    CloudTrail,
}

impl Format {
    /// All formats, with the names they have on the command line and in the API.
    pub const ALL: [(&'static str, Format); 4] = [
        ("native", Format::Native),
        ("cloudevents", Format::CloudEvents),
        ("kubernetes", Format::Kubernetes),
        ("cloudtrail", Format::CloudTrail),
    ];

    /// The member that holds the records where a source wraps them in an object.
    pub fn wrapper(self) -> Option<&'static str> {
        match self {
            Format::Native | Format::CloudEvents => None,
            Format::Kubernetes => Some("items"),
            Format::CloudTrail => Some("Records"),
        }
    }

    /// Turns one value of this format into a record.
    pub fn adapt(self, value: Value<'_>) -> Result<Record<'_>, Problem> {
        let Value::Object(object) = value else {
            let found = value.type_name();
            return Err(Problem::new("schema", format!("must be an object, not {found}")));
        };
        match self {
            Format::Native => Ok(native::adapt(object)),
            Format::CloudEvents => cloudevents::adapt(object),
            Format::Kubernetes => kubernetes::adapt(object),
            Format::CloudTrail => cloudtrail::adapt(object),
        }
    }
}
