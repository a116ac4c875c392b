//! Who reads the tiles of a log: a verifier takes thousands of them, and the access log tells it
//! once.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// Tiles that a token takes of a log within this time are one verification.
const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(600);
/// Pairs of token and log that are remembered. Beyond it, older ones are told again.
const REMEMBERED_MAX: usize = 10_000;

/// When each verification began, by token and log.
#[derive(Default)]
pub(crate) struct Verifications(Mutex<BTreeMap<(String, String), Duration>>);

impl Verifications {
    /// Whether the access log has this verification.
    pub(crate) fn is_stated(&self, token_id: &str, log: &str, now: Duration) -> bool {
        let all = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let began = all.get(&(token_id.to_owned(), log.to_owned()));
        began.is_some_and(|began| now.saturating_sub(*began) < TOLD_AGAIN_AFTER)
    }

    /// The access log has it, durably.
    pub(crate) fn stated(&self, token_id: &str, log: &str, now: Duration) {
        let mut all = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if all.len() >= REMEMBERED_MAX {
            all.clear();
        }
        all.insert((token_id.to_owned(), log.to_owned()), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verification_is_told_once() {
        let all = Verifications::default();
        let begins = |token: &str, log: &str, s| {
            let now = Duration::from_secs(s);
            let begins = !all.is_stated(token, log, now);
            if begins {
                all.stated(token, log, now);
            }
            begins
        };
        assert!(begins("a", "x", 0) && !begins("a", "x", 599));
        assert!(begins("a", "y", 1) && begins("b", "x", 1));
        assert!(begins("a", "x", 600), "after ten minutes it is another");
        for n in 0..REMEMBERED_MAX {
            begins("many", &n.to_string(), 600);
        }
        assert!(all.0.lock().expect("whole").len() <= REMEMBERED_MAX);
    }
}
