//! Chance, randomness and time, all from a seed.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::{Clock, Entropy};

/// A sequence of numbers that a seed determines (SplitMix64: Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// True `part` times in `whole`.
    pub fn chance(&mut self, part: u64, whole: u64) -> bool {
        self.below(whole) < part
    }

    /// One of `items`, of which there is at least one.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}

/// Random bytes from a seed.
#[derive(Debug)]
pub struct SimEntropy(Mutex<Dice>);

impl SimEntropy {
    /// The bytes of a seed.
    pub fn new(seed: u64) -> SimEntropy {
        SimEntropy(Mutex::new(Dice::new(seed)))
    }
}

impl Entropy for SimEntropy {
    fn fill(&self, out: &mut [u8]) {
        let mut dice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in out.chunks_mut(8) {
            piece.copy_from_slice(&dice.roll().to_le_bytes()[..piece.len()]);
        }
    }
}

/// Clocks that stand still until they are told otherwise.
#[derive(Debug)]
pub struct SimClock {
    now: AtomicI64,
    /// Nanoseconds.
    elapsed: AtomicU64,
}

impl SimClock {
    /// Clocks that show `now`, in nanoseconds since 1970.
    pub fn new(now: i64) -> SimClock {
        SimClock { now: AtomicI64::new(now), elapsed: AtomicU64::new(0) }
    }

    /// Time passes.
    pub fn pass(&self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.elapsed.fetch_add(ns, Ordering::Relaxed);
        self.jump(i64::try_from(ns).unwrap_or(i64::MAX));
    }

    /// Somebody sets the clock, forward or back, by `ns`; no time passes.
    pub fn jump(&self, ns: i64) {
        self.now.fetch_add(ns, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.elapsed.load(Ordering::Relaxed))
    }
}
