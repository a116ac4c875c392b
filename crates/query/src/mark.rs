//! Marks: how far the logs of a scope have been followed, so that a reader goes on exactly there.
//!
//! A mark names the next entry of every log that still matters, so no event is lost or comes twice
//! over a break, however many logs there are and whenever each grew. A log that it does not name
//! was seen to its end and closed, if one that took over from it is named; else it was opened later
//! and is followed from its beginning. The text of a mark is for no one to read, fits into
//! a URL and a header, and carries a check against damage; it gives no authority.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::filter::Filter;
use crate::hash::check;
use crate::scope::Scope;
use crate::search::Source;

/// First character of a mark: how the rest is laid out.
const VERSION: &str = "2";

/// The first entry of each log that was not looked at.
pub type Places = BTreeMap<String, u64>;

/// Where a reader of new events is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When it began, nanoseconds since 1970: ages in its filter count from there for ever.
    pub began: i64,
    /// How far it is.
    pub places: Places,
    /// Of the filter that it belongs to.
    list: u64,
}

/// A mark that cannot be gone on from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarkError {
    /// No mark, or a damaged one.
    #[error("not a cursor of a tail: send the last \"id\" that the tail gave")]
    Form,
    /// It belongs to another filter.
    #[error("this cursor belongs to another filter: send the filter that the tail began with")]
    Filter,
    /// It names what the server does not have.
    #[error(
        "this cursor stands at entry {seq} of log {log}, which {has}; it is another server's, or \
         the data folder was put back: begin a new tail"
    )]
    Ahead {
        /// The log.
        log: String,
        /// Where the mark stands.
        seq: u64,
        /// What there is instead.
        has: String,
    },
}

impl Mark {
    /// A reader of this filter that began then and has come to these places.
    pub fn new(began: i64, filter: &Filter, places: Places) -> Mark {
        Mark { began, places, list: list(filter) }
    }

    /// The places, if the mark belongs to this filter and to what the scope sees.
    pub fn places_of(
        &self,
        source: &Source<'_>,
        scope: &Scope,
        filter: &Filter,
    ) -> Result<Places, MarkError> {
        if self.list != list(filter) {
            return Err(MarkError::Filter);
        }
        for (name, seq) in &self.places {
            let log = source.logs.get(name).filter(|log| scope.sees(&log.meta));
            // Of one that was set aside, less may be left than was shown: nothing is shown again.
            if log.is_some_and(|log| log.damaged().is_some()) {
                continue;
            }
            let size = log.map(|log| log.checkpoint().size);
            if size.is_none_or(|size| size < *seq) {
                let has = match size {
                    Some(size) => format!("has {size}"),
                    None => "is not here, or not for you".into(),
                };
                return Err(MarkError::Ahead { log: name.clone(), seq: *seq, has });
            }
        }
        Ok(self.places.clone())
    }
}

fn list(filter: &Filter) -> u64 {
    check(format!("follow {filter}").as_bytes())
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{VERSION}{:016x}{:016x}", self.began, self.list);
        for (log, seq) in &self.places {
            text.push_str(&format!("_{log}_{seq:x}"));
        }
        write!(f, "{text}.{:016x}", check(text.as_bytes()))
    }
}

impl FromStr for Mark {
    type Err = MarkError;

    fn from_str(text: &str) -> Result<Mark, MarkError> {
        let (sealed, _) = text.rsplit_once('.').ok_or(MarkError::Form)?;
        let number = |digits: Option<&str>| {
            u64::from_str_radix(digits.ok_or(MarkError::Form)?, 16).map_err(|_| MarkError::Form)
        };
        let (began, list) = (number(sealed.get(1..17))? as i64, number(sealed.get(17..33))?);
        let mut parts = sealed.get(33..).ok_or(MarkError::Form)?.split('_').skip(1);
        let mut places = Places::new();
        while let Some(log) = parts.next() {
            places.insert(log.to_owned(), number(parts.next())?);
        }
        let mark = Mark { began, places, list };
        // What is made of the parts must be the very text: nothing else was ever handed out.
        if mark.to_string() == text { Ok(mark) } else { Err(MarkError::Form) }
    }
}
