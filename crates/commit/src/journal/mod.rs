//! The journal: the write-ahead files of one lane.
//!
//! Promises: frame N+1 is not written before the fdatasync of frame N has returned, so a frame's
//! existence says that all before it were durable; what a reader accepts was written here.
//!
//! Never: decides what is committed. The bytes stand in docs/formats/journal.md.

pub(crate) mod bytes;
pub mod event_list;
pub mod file;
pub mod frame;
pub mod mark;
pub mod section;

mod scan;
mod spare;
mod writer;

pub use scan::{Damage, Found, Scan, scan};
pub use writer::{Journal, JournalError, Place};
