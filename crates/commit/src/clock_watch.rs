//! Notices that the wall clock was set: it then disagrees with the clock that only counts.
//!
//! Promises: a difference of [`JUMP_MIN_NS`] or more is a jump, in either direction; a clock that
//! jitters makes at most [`STATED_MAX`] jumps in [`STATED_WINDOW`], and the next one says how many
//! were passed over. Pure: who has clocks looks, once a second or so.
//!
//! Never: corrects a clock. `recorded_at` rises whatever the clock does.

use std::collections::VecDeque;
use std::time::Duration;

/// Nanoseconds by which the two clocks have to disagree.
pub const JUMP_MIN_NS: i64 = 2_000_000_000;
/// Jumps told in [`STATED_WINDOW`].
pub const STATED_MAX: usize = 6;
/// See [`STATED_MAX`].
pub const STATED_WINDOW: Duration = Duration::from_secs(3_600);

/// The wall clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// What it should have shown.
    pub expected: i64,
    /// What it showed.
    pub found: i64,
    /// Jumps before this one that were not told.
    pub untold: u64,
}

impl Jump {
    /// Nanoseconds, negative if the clock went back.
    pub fn by_ns(&self) -> i64 {
        self.found.saturating_sub(self.expected)
    }
}

/// Looks at two clocks.
#[derive(Debug)]
pub struct ClockWatch {
    wall: i64,
    elapsed: Duration,
    /// When the newest jumps were told.
    told: VecDeque<Duration>,
    untold: u64,
}

impl ClockWatch {
    /// Takes the clocks as they are.
    pub fn new(wall: i64, elapsed: Duration) -> ClockWatch {
        ClockWatch { wall, elapsed, told: VecDeque::new(), untold: 0 }
    }

    /// Compares the clocks with the last look. A difference too small to tell is kept, so that a
    /// clock set back a little at a time is noticed too.
    pub fn look(&mut self, wall: i64, elapsed: Duration) -> Option<Jump> {
        let passed = i64::try_from(elapsed.saturating_sub(self.elapsed).as_nanos());
        let expected = self.wall.saturating_add(passed.unwrap_or(i64::MAX));
        let by = wall.saturating_sub(expected);
        if by.unsigned_abs() < JUMP_MIN_NS.unsigned_abs() {
            return None;
        }
        (self.wall, self.elapsed) = (wall, elapsed);
        while self.told.front().is_some_and(|at| elapsed.saturating_sub(*at) >= STATED_WINDOW) {
            self.told.pop_front();
        }
        if self.told.len() >= STATED_MAX {
            self.untold += 1;
            return None;
        }
        self.told.push_back(elapsed);
        Some(Jump { expected, found: wall, untold: std::mem::take(&mut self.untold) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    /// Looks at `(seconds elapsed, wall clock in seconds)` and shows what was told.
    fn check(looks: &[(u64, i64)], expected: &[(i64, u64)]) {
        let mut watch = ClockWatch::new(1_000 * S, Duration::ZERO);
        let told = looks
            .iter()
            .filter_map(|(elapsed, wall)| watch.look(wall * S, Duration::from_secs(*elapsed)));
        let told: Vec<(i64, u64)> = told.map(|jump| (jump.by_ns() / S, jump.untold)).collect();
        assert_eq!(told, expected, "{looks:?}");
    }

    #[test]
    fn a_clock_that_runs_is_no_jump() {
        check(&[(1, 1_001), (2, 1_002), (3, 1_004), (4, 1_003), (9_000, 10_000)], &[]);
    }

    #[test]
    fn a_clock_that_was_set_is_told_once() {
        check(&[(1, 1_003), (2, 1_004), (3, 905)], &[(2, 0), (-100, 0)]);
    }

    #[test]
    fn small_steps_add_up() {
        check(&[(1, 1_000), (2, 1_000), (3, 1_001)], &[(-2, 0)]);
    }

    #[test]
    fn a_clock_that_jitters_is_told_of_a_few_times_an_hour() {
        let jitter = |n: u64| (n, 1_000 + n as i64 + if n.is_multiple_of(2) { 0 } else { 50 });
        let looks: Vec<_> = (1..=11).map(jitter).chain([jitter(3_601)]).collect();
        let mut told: Vec<_> =
            (1..=6).map(|n: i64| (if n % 2 == 1 { 50 } else { -50 }, 0)).collect();
        check(&looks[..11], &told);
        // An hour after the first, the next one is told, with those between.
        let later = [&looks[..11], &[(3_602, 4_602)]].concat();
        told.push((-50, 5));
        check(&later, &told);
    }
}
