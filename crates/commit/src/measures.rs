//! Numbers that the lane counts while it works, for whoever watches it.
//!
//! Promises: to count costs a few atomic additions, no lock and no allocation, and changes nothing
//! of what happens. What is read while the lane works may be a few frames old.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Upper bounds of frames by events.
const EVENTS: [u64; 9] = [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536];
/// Upper bounds of syncs, in microseconds: from a disk with a battery to one that is in trouble.
const SYNC_MICROS: [u64; 12] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_000_000];

/// What one lane has done and has to do.
pub struct Measures {
    /// Frames by the events that they hold.
    pub frame_events: Histogram,
    /// How long an fdatasync took, in microseconds.
    pub sync_micros: Histogram,
    /// Bytes of all frames.
    pub frame_bytes: AtomicU64,
    /// Bytes of the journal's files, those made ahead not counted.
    pub journal_bytes: AtomicU64,
    /// Batches that were handed to the lane and have no answer.
    pub waiting: AtomicU64,
    /// Batches that heard that there is no room.
    pub no_room: AtomicU64,
}

impl Default for Measures {
    fn default() -> Measures {
        Measures {
            frame_events: Histogram::new(&EVENTS),
            sync_micros: Histogram::new(&SYNC_MICROS),
            frame_bytes: AtomicU64::new(0),
            journal_bytes: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            no_room: AtomicU64::new(0),
        }
    }
}

/// One batch that has no answer yet; counted until it is dropped.
pub(crate) struct Waiting(Arc<Measures>);

impl Waiting {
    pub(crate) fn new(measures: Arc<Measures>) -> Waiting {
        measures.waiting.fetch_add(1, Relaxed);
        Waiting(measures)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

/// Counts of values in ranges that are fixed.
pub struct Histogram {
    bounds: &'static [u64],
    /// One for each bound, and one for what is above all.
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

impl Histogram {
    /// With these upper bounds, each larger than the one before.
    pub fn new(bounds: &'static [u64]) -> Histogram {
        debug_assert!(bounds.is_sorted_by(|a, b| a < b), "{bounds:?}");
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Histogram { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Counts a value.
    pub fn add(&self, value: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        self.counts[at].fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    /// For each bound the values up to it, and then all of them with no bound; and their sum.
    pub fn read(&self) -> (Vec<(Option<u64>, u64)>, u64) {
        let mut all = 0;
        let bounds = self.bounds.iter().map(|bound| Some(*bound)).chain([None]);
        let summed = bounds.zip(&self.counts).map(|(bound, count)| {
            all += count.load(Relaxed);
            (bound, all)
        });
        (summed.collect(), self.sum.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_at_its_bound_and_all_above() {
        let histogram = Histogram::new(&[1, 10]);
        for value in [0, 1, 2, 10, 11] {
            histogram.add(value);
        }
        let (counts, sum) = histogram.read();
        assert_eq!(counts, [(Some(1), 2), (Some(10), 4), (None, 5)]);
        assert_eq!(sum, 24);
    }
}
