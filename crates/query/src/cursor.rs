//! Cursors: where a page ended, so that the next one goes on there.
//!
//! A cursor names its place by what orders events, (recorded_at, log, seq), so events that come
//! meanwhile move nothing. It gives no authority: the scope is asked anew with every page. Its text
//! is for no one to read and carries a check against damage, and against use with another filter.

use std::fmt;
use std::str::FromStr;

use crate::filter::Filter;
use crate::hash::check;
use crate::search::Order;

/// A place in a list of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) place: Position,
    /// Of the filter and the order that it belongs to.
    list: u64,
}

/// A place among all events; ascending, this is the order of [`Order::Oldest`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) recorded_at: i64,
    pub(crate) log: String,
    pub(crate) seq: u64,
}

/// A text that is no cursor, or is one of another list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a cursor of this list: send \"next\" of the page before, with the same filter and order"
)]
pub struct CursorError;

/// First character of a cursor: how the rest is laid out.
const VERSION: &str = "1";

impl Cursor {
    pub(crate) fn new(place: Position, filter: &Filter, order: Order) -> Cursor {
        Cursor { place, list: list(filter, order) }
    }

    /// The place, if the cursor is one of this list.
    pub(crate) fn place_in(&self, filter: &Filter, order: Order) -> Result<&Position, CursorError> {
        if self.list == list(filter, order) { Ok(&self.place) } else { Err(CursorError) }
    }

    fn sealed(&self) -> String {
        let Position { recorded_at, log, seq } = &self.place;
        format!("{VERSION}{recorded_at:016x}{seq:016x}{:016x}{log}", self.list)
    }
}

fn list(filter: &Filter, order: Order) -> u64 {
    check(format!("{order:?} {}", filter.timeless()).as_bytes())
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.sealed();
        write!(f, "{text}.{:016x}", check(text.as_bytes()))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Cursor, CursorError> {
        let (sealed, _) = text.rsplit_once('.').ok_or(CursorError)?;
        let number = |from: usize| {
            let digits = sealed.get(from..from + 16).ok_or(CursorError)?;
            u64::from_str_radix(digits, 16).map_err(|_| CursorError)
        };
        let place = Position {
            recorded_at: number(1)? as i64,
            seq: number(17)?,
            log: sealed.get(49..).ok_or(CursorError)?.to_owned(),
        };
        let cursor = Cursor { place, list: number(33)? };
        // What is made of the parts must be the very text: nothing else was ever handed out.
        if cursor.to_string() == text { Ok(cursor) } else { Err(CursorError) }
    }
}
