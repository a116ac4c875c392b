//! The limits of one event. A setting may lower them, never raise them: proofs and files made by
//! one installation must be readable by every other.

/// Bytes of one event as received.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;
/// Steps (keys and indices) from the event's root to a field.
pub const PATH_STEPS_MAX: usize = 16;
/// Bytes of one object key, unescaped.
pub const KEY_BYTES_MAX: usize = 256;
/// Fields that a sender may send in one event.
pub const FIELDS_SENT_MAX: usize = 4_000;
/// Fields of a recorded event, the server's `recorded` included.
pub const FIELDS_RECORDED_MAX: usize = 4_096;
/// Bytes of an event's `id`.
pub const ID_BYTES_MAX: usize = 128;
/// Bytes of all paths and texts of one event: long keys high up stand in the path of every field.
pub const FIELDS_BYTES_MAX: usize = 16 << 20;
/// Nesting at which the JSON reader gives up, whatever the format: a bound on its recursion.
pub const JSON_DEPTH_MAX: usize = 96;
/// The largest integer that every JSON reader keeps: 2^53 − 1.
pub const INTEGER_MAX: i64 = (1 << 53) - 1;
