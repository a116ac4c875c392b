//! The native format: the value is the event.

use event::Object;

use crate::Record;

/// Takes the object as it is.
pub(crate) fn adapt(event: Object<'_>) -> Record<'_> {
    Record { event, secrets: Vec::new() }
}
