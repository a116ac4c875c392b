//! Finding: filters, lists, traces and completeness over the events of a scope.
//!
//! Promises: a list holds exactly the events that match its filter and that the scope sees; an
//! index only spares reading. What was answered is found, what is not durable is not. Every read
//! has a bound and says when it was reached.
//!
//! Never: reads without a [`Scope`]; writes; judges whether the log is intact.
//!
//! ```text
//! text ─ Filter::parse ─▶ Filter ─ probes ─▶ index (superset) ─▶ journal ─ Filter::matches ─▶ Hit
//! ```

mod block;
mod chain;

mod cursor;
mod dictionary;
mod each;
mod filter;
mod follow;
mod hash;
mod heard;
mod hot;
mod mark;
mod names;
mod parse;
mod probe;
mod rows;
mod run;
mod scope;
mod search;
mod services;
mod streams;
mod table;
mod tail;
mod text;
mod trace;
mod view;
mod walk;

pub use cursor::{Cursor, CursorError};
pub use each::{Walked, each};
pub use filter::{CLAUSES_MAX, Filter, FilterError, TEXT_BYTES_MAX};
pub use follow::{Batch, Followed, Room, beginnings, ends, follow, newest};
pub use hot::{Hot, Settings};
pub use mark::{Mark, MarkError, Places};
pub use names::nearest;
pub use parse::age;
pub use rows::Rows;
pub use scope::{Overview, Scope};
pub use search::{
    Ask, Count, Hit, LIMIT_MAX, OfId, Order, PAGE_BYTES_MAX, Page, QueryError, ROWS_MAX, Source,
    Unreadable, by_id, by_seq, count_exact, search,
};
pub use services::{Activities, Activity, Counts, activities};
pub use streams::{Gap, Gaps, Losses, Seen, StreamState, gaps, losses, services, streams};
pub use trace::{
    Bond, Counted, Hop, MissingParent, Session, Skew, TRACE_EVENTS_MAX, Trace, session, trace,
};
