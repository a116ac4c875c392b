//! The second pair of eyes: who agreed to what a single person must not do.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// How long somebody's word counts.
const COUNTS_NS: i64 = 15 * 60 * 1_000_000_000;
/// Words that are kept; there are few, and older ones fall away.
const KEPT_MAX: usize = 1_000;

/// Who agreed that which token be revoked, and when. It does not survive a restart: whoever meant
/// it says it again.
#[derive(Default)]
pub(super) struct SecondPerson(Mutex<BTreeMap<String, (String, i64)>>);

impl SecondPerson {
    /// The holder of the token `by` agrees.
    pub(super) fn agree(&self, id: &str, by: &str, now: i64) {
        let mut all = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if all.len() >= KEPT_MAX {
            all.retain(|_, (_, at)| counts(*at, now));
        }
        if all.len() < KEPT_MAX {
            all.insert(id.to_owned(), (by.to_owned(), now));
        }
    }

    /// Whether somebody other than `by` has agreed, not long ago.
    pub(super) fn agreed(&self, id: &str, by: &str, now: i64) -> bool {
        let all = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        all.get(id).is_some_and(|(who, at)| who != by && counts(*at, now))
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
        assert!(!second.agreed("x", "a", 0));
        second.agree("x", "a", 0);
        assert!(!second.agreed("x", "a", 1), "the same one");
        assert!(second.agreed("x", "b", COUNTS_NS - 1) && !second.agreed("y", "b", 1));
        assert!(!second.agreed("x", "b", COUNTS_NS), "too long ago");
        assert!(!second.agreed("x", "b", -1), "the clock was set back");
    }
}
