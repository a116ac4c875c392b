//! Epoch keys: 32 fresh random bytes, for at most 65,536 events or 60 seconds, never across a
//! start. Numbers are unique in a log.

use std::sync::Mutex;
use std::time::Duration;

use event::EpochKey;
use platform::{Clock, Entropy};

use crate::journal::event_list::SaltPlace;
use crate::journal::section::EpochRecord;

const EVENTS_MAX: u64 = 65_536;
const AGE_MAX: Duration = Duration::from_secs(60);
/// The largest number that a journal may have: years of more events than any log holds. So no
/// process comes to the end of the numbers, whoever put a record into a folder.
pub const NUMBER_MAX: u32 = u32::MAX >> 1;
/// The one retention class that exists.
const CLASS: u16 = 0;

/// Hands out epochs and counters for one log.
pub struct Epochs {
    current: Mutex<Current>,
}

struct Current {
    next_number: u32,
    open: Option<Open>,
}

struct Open {
    record: EpochRecord,
    key: EpochKey,
    used: u64,
    since: Duration,
}

/// Counters of one epoch, for some consecutive events.
pub struct Counters {
    /// The epoch as the journal keeps it.
    pub record: EpochRecord,
    /// Its key, ready for use.
    pub key: EpochKey,
    /// The first counter.
    pub first: u64,
    /// How many.
    pub count: u64,
}

impl Counters {
    /// Where the salts of the event with the n-th of these counters come from.
    pub fn place(&self, n: u64) -> SaltPlace {
        SaltPlace { epoch: self.record.number, counter: self.first + n }
    }
}

impl Epochs {
    /// `next_number`: one more than any number that the journal knows.
    pub fn new(next_number: u32) -> Epochs {
        Epochs { current: Mutex::new(Current { next_number, open: None }) }
    }

    /// Counters for up to `count` events; fewer if the epoch ends before.
    ///
    /// # Panics
    /// If this process alone has used 2^31 epochs, each of which lasts a minute or 65,536 events.
    pub fn take(&self, count: u64, clock: &dyn Clock, entropy: &dyn Entropy) -> Counters {
        let mut current = self.current.lock().unwrap_or_else(|e| e.into_inner());
        let now = clock.elapsed();
        let spent = |open: &Open| open.used >= EVENTS_MAX || now - open.since >= AGE_MAX;
        if current.open.as_ref().is_none_or(spent) {
            let mut key = [0; 32];
            entropy.fill(&mut key);
            let number = current.next_number;
            current.next_number = number.checked_add(1).expect("a start takes numbers below 2^31");
            let record = EpochRecord { number, class: CLASS, key };
            current.open = Some(Open { record, key: EpochKey::new(&key), used: 0, since: now });
        }
        let open = current.open.as_mut().expect("opened above");
        let (first, count) = (open.used, count.min(EVENTS_MAX - open.used));
        open.used += count;
        Counters { record: open.record.clone(), key: open.key.clone(), first, count }
    }
}
