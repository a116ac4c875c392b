//! Durations that were measured, and what is told of them.

use std::time::Duration;

/// Durations of the same thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    nanos: Vec<u64>,
}

impl Sample {
    pub(crate) fn add(&mut self, took: Duration) {
        self.nanos.push(took.as_nanos() as u64);
    }

    pub(crate) fn join(&mut self, other: Sample) {
        self.nanos.extend(other.nanos);
    }

    pub(crate) fn count(&self) -> usize {
        self.nanos.len()
    }

    /// The duration that this share of them does not exceed; zero if there is none.
    pub(crate) fn at(&self, share: f64) -> Duration {
        let mut nanos = self.nanos.clone();
        let Some(last) = nanos.len().checked_sub(1) else { return Duration::ZERO };
        let rank = (share * last as f64).round() as usize;
        let (_, nth, _) = nanos.select_nth_unstable(rank.min(last));
        Duration::from_nanos(*nth)
    }

    pub(crate) fn p50(&self) -> Duration {
        self.at(0.50)
    }

    pub(crate) fn p99(&self) -> Duration {
        self.at(0.99)
    }
}

/// How often one fits into the other.
pub(crate) fn ratio(part: Duration, whole: Duration) -> f64 {
    if whole.is_zero() { f64::NAN } else { part.as_secs_f64() / whole.as_secs_f64() }
}

/// So many things in that time, each second.
pub(crate) fn rate(count: u64, took: Duration) -> f64 {
    if took.is_zero() { f64::NAN } else { count as f64 / took.as_secs_f64() }
}

/// A duration for people: three digits.
pub(crate) fn time(took: Duration) -> String {
    let nanos = took.as_nanos() as f64;
    match nanos {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e6 => format!("{} µs", digits(n / 1e3)),
        n if n < 1e9 => format!("{} ms", digits(n / 1e6)),
        n => format!("{} s", digits(n / 1e9)),
    }
}

/// A number for people: three digits, thousands as k, millions as M.
pub(crate) fn number(n: f64) -> String {
    match n {
        n if n >= 1e6 => format!("{} M", digits(n / 1e6)),
        n if n >= 1e4 => format!("{} k", digits(n / 1e3)),
        n => digits(n),
    }
}

fn digits(n: f64) -> String {
    match n {
        n if n < 10.0 => format!("{n:.2}"),
        n if n < 100.0 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_rank() {
        let mut sample = Sample::default();
        assert_eq!(sample.p50(), Duration::ZERO);
        (0..=100).rev().for_each(|ms| sample.add(Duration::from_millis(ms)));
        assert_eq!(
            (sample.p50(), sample.p99()),
            (Duration::from_millis(50), Duration::from_millis(99))
        );
        assert_eq!(sample.at(1.0), Duration::from_millis(100));
    }

    #[test]
    fn three_digits() {
        let shown = [950, 1_500, 12_345_678, 2_000_000_000].map(|n| time(Duration::from_nanos(n)));
        assert_eq!(shown, ["950 ns", "1.50 µs", "12.3 ms", "2.00 s"]);
        assert_eq!([999.0, 81_234.0, 1_250_000.0].map(number), ["999", "81.2 k", "1.25 M"]);
    }
}
