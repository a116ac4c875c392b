//! Admission: a record, who sent it and what is allowed become an admitted event or a refusal.
//!
//! Promises: what is admitted is in its one form, carries who sent it (`recorded.identity`) and
//! what was redacted, and has an id. A refusal says what, where and what is allowed, and never
//! repeats a body.
//!
//! Beside what is built in, a tenant may have schemas for its actions ([`schemas`]) and rules for
//! what is kept, counted or left out ([`scope`]).
//!
//! Never: reads a clock, a disk or a network; knows HTTP. [`Admitted`] can be made here alone, so
//! nothing reaches a log unadmitted.

mod admission;
mod admitted;
mod owners;
mod peer;
mod refusal;
pub mod schemas;
pub mod scope;
mod statement;

pub use admission::{Judged, Policy, admit, judge};
pub use admitted::Admitted;
pub use owners::Owners;
pub use peer::{Identity, Peer, Speaks};
pub use refusal::Refusal;
pub use statement::{Statement, number};
