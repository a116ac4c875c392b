//! The admitted event.

use event::Fields;

/// An event that admission let in: the recorded event, flattened, and whose id it has.
#[derive(Clone, Debug)]
pub struct Admitted {
    fields: Fields,
    id: String,
    id_given: bool,
    producer: String,
}

impl Admitted {
    pub(crate) fn new(fields: Fields, id: String, id_given: bool, producer: String) -> Admitted {
        Admitted { fields, id, id_given, producer }
    }

    /// The recorded event's fields: exactly what is digested.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The event's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the server gave the id.
    pub fn id_given(&self) -> bool {
        self.id_given
    }

    /// The producer for which the id is unique.
    pub fn producer(&self) -> &str {
        &self.producer
    }
}
