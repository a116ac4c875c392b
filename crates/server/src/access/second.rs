//! The second pair of eyes: who agreed to what a single person must not do.
//!
//! Promises: somebody's word counts for fifteen minutes, for one act, once, and for nobody who
//! gave it. KNOWN: people are not known here, only their tokens; one person may hold two.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// How long somebody's word counts.
const COUNTS_NS: i64 = 15 * 60 * 1_000_000_000;
/// Words that are kept; there are few, and older ones fall away.
const KEPT_MAX: usize = 1_000;

/// What takes two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// A tenant's last admin is revoked: the token's id.
    RevokeToken(String),
    /// A log's signing key is replaced: the log's name.
    RotateKey(String),
}

/// Who agreed to which act, and when. It does not survive a restart: whoever meant it says it
/// again.
#[derive(Default)]
pub(crate) struct SecondPerson(Mutex<BTreeMap<Act, (String, i64)>>);

impl SecondPerson {
    /// The holder of the token `by` agrees.
    pub(crate) fn agree(&self, act: Act, by: &str, now: i64) {
        let mut all = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if all.len() >= KEPT_MAX {
            all.retain(|_, (_, at)| counts(*at, now));
        }
        if all.len() < KEPT_MAX {
            all.insert(act, (by.to_owned(), now));
        }
    }

    /// Whether somebody other than `by` has agreed, not long ago. That word is spent with it.
    pub(crate) fn take(&self, act: &Act, by: &str, now: i64) -> bool {
        let mut all = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let has_agreed = all.get(act).is_some_and(|(who, at)| who != by && counts(*at, now));
        if has_agreed {
            all.remove(act);
        }
        has_agreed
    }
}

fn counts(at: i64, now: i64) -> bool {
    (0..COUNTS_NS).contains(&(now - at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_two_people_and_a_word_grows_old() {
        let second = SecondPerson::default();
        let [x, y] = ["x", "y"].map(|id| Act::RevokeToken(id.into()));
        assert!(!second.take(&x, "a", 0));
        second.agree(x.clone(), "a", 0);
        assert!(!second.take(&x, "a", 1), "the same one");
        assert!(!second.take(&x, "b", COUNTS_NS), "too long ago");
        assert!(!second.take(&x, "b", -1), "the clock was set back");
        assert!(!second.take(&y, "b", 1) && !second.take(&Act::RotateKey("x".into()), "b", 1));
        assert!(second.take(&x, "b", COUNTS_NS - 1));
        assert!(!second.take(&x, "b", COUNTS_NS - 1), "a word counts once");
    }
}
