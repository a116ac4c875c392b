//! Who calls without a token in force. There is no tenant in whose access log it could stand, so
//! it is counted, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is wrong with a caller's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// There is none.
    Missing,
    /// What there is has not the form of one.
    Malformed,
    /// It is not known, or was revoked.
    Unknown,
    /// Its time is over.
    Expired,
}

impl Stranger {
    const ALL: [(Stranger, &'static str); 4] = [
        (Stranger::Missing, "missing"),
        (Stranger::Malformed, "malformed"),
        (Stranger::Unknown, "unknown"),
        (Stranger::Expired, "expired"),
    ];
}

/// How many there were.
#[derive(Default)]
pub(crate) struct Strangers([AtomicU64; Stranger::ALL.len()]);

impl Strangers {
    /// One was turned away.
    pub(crate) fn add(&self, stranger: Stranger) {
        self.0[stranger as usize].fetch_add(1, Relaxed);
    }

    /// How many there were, by a word for what was wrong.
    pub(crate) fn counts(&self) -> [(&'static str, u64); Stranger::ALL.len()] {
        Stranger::ALL.map(|(stranger, word)| (word, self.0[stranger as usize].load(Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_count_of_its_own() {
        let strangers = Strangers::default();
        for (times, (stranger, _)) in Stranger::ALL.iter().enumerate() {
            (0..times).for_each(|_| strangers.add(*stranger));
        }
        let want = [("missing", 0), ("malformed", 1), ("unknown", 2), ("expired", 3)];
        assert_eq!(strangers.counts(), want);
    }
}
