//! Every event that matches, one after the other, for whoever asks something of each of them.

use crate::filter::Filter;
use crate::scope::Scope;
use crate::search::{Hit, Order, QueryError, Source};
use crate::walk::{Step, Walk};

/// How far a walk came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Events that were read and compared.
    pub scanned: u64,
    /// Whether the rows or the time allowed were used up: there may be more.
    pub partial: bool,
    /// Events that cannot be read.
    pub unreadable: u64,
}

/// Gives `take` the events that match. They are not compared with their signed entries: what is
/// made of them is a number, not something shown.
pub fn each(
    source: &Source<'_>,
    scope: &Scope,
    filter: &Filter,
    order: Order,
    rows_max: u64,
    mut take: impl FnMut(&Hit),
) -> Result<Walked, QueryError> {
    let mut walk = Walk::new(source, scope, filter, order, None, rows_max).unshown();
    let mut walked = Walked::default();
    loop {
        match walk.step()? {
            Step::Hit(hit) => take(&hit),
            Step::Unreadable(_) => walked.unreadable += 1,
            Step::Spent(_) => {
                walked.partial = true;
                break;
            }
            Step::End => break,
        }
    }
    walked.scanned = walk.read();
    Ok(walked)
}
