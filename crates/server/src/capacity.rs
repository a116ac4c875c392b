//! How long the disk will last: what is free, and how fast the journal has grown.
//!
//! Promises: no forecast before there is something to make it from; numbers and no guess beyond
//! "as it went since the start, so it goes on".

use std::time::Duration;

use serde::Serialize;

/// A forecast rests on so much time at least.
const SEEN_MIN: Duration = Duration::from_secs(600);
/// Beyond so many days it says nothing that anybody needs.
const DAYS_MAX: u64 = 3_650;
const DAY_SECONDS: f64 = 86_400.0;

/// Room and how long it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Capacity {
    pub(crate) bytes: u64,
    pub(crate) free_bytes: u64,
    pub(crate) journal_bytes: u64,
    /// What the journal grows by in a day; `None` before there is a forecast.
    pub(crate) bytes_a_day: Option<u64>,
    /// Whole days until the disk is full; `None` where it does not grow, or nobody knows.
    pub(crate) days_left: Option<u64>,
}

impl Capacity {
    /// Reckons with `written` bytes in the time `seen`.
    pub(crate) fn of(
        volume: platform::Volume,
        journal_bytes: u64,
        written: u64,
        seen: Duration,
    ) -> Capacity {
        let rate = written as f64 / seen.as_secs_f64() * DAY_SECONDS;
        let bytes_a_day = (seen >= SEEN_MIN).then_some(rate as u64);
        let days = bytes_a_day.filter(|rate| *rate > 0).map(|rate| volume.bytes_free / rate);
        Capacity {
            bytes: volume.bytes,
            free_bytes: volume.bytes_free,
            journal_bytes,
            bytes_a_day,
            days_left: days.filter(|days| *days <= DAYS_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(free: u64, written: u64, seconds: u64) -> (Option<u64>, Option<u64>) {
        let volume = platform::Volume { bytes: 1 << 40, bytes_free: free, ..Default::default() };
        let capacity = Capacity::of(volume, 0, written, Duration::from_secs(seconds));
        (capacity.bytes_a_day, capacity.days_left)
    }

    #[test]
    fn as_it_went_so_it_goes_on() {
        assert_eq!(days(8_640, 1, 599), (None, None), "too early to say");
        assert_eq!(days(8_640, 10, 600), (Some(1_440), Some(6)));
        assert_eq!(days(8_640, 0, 600), (Some(0), None), "nothing comes");
        assert_eq!(days(u64::MAX, 10, 600), (Some(1_440), None), "longer than matters");
        assert_eq!(days(0, 10, 86_400), (Some(10), Some(0)));
    }
}
