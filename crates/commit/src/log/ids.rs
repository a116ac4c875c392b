//! Which ids are in a log: tag → the seqs that have it.
//!
//! A window: the newest [`IDS_MAX`] events or 24 hours, the lesser. Past it a retry is a new event.
//! An id has several seqs if events with other content came under it. KNOWN: of those only the
//! first [`SAME_ID_MAX`] are kept, so that comparing with them stays cheap; the retry of a later
//! one is stored again.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::journal::section::IdTag;

/// Ids kept at most.
pub const IDS_MAX: usize = 8_000_000;
/// Seqs kept for one id at most.
pub const SAME_ID_MAX: usize = 8;
/// How long an id is kept, nanoseconds.
pub const WINDOW_NS: i64 = 24 * 3_600 * 1_000_000_000;

/// Makes id tags.
#[derive(Clone)]
pub struct IdKey {
    mac: Hmac<Sha256>,
    /// Its bytes, while no file has them.
    fresh: Option<[u8; 32]>,
}

impl IdKey {
    /// From 32 secret bytes.
    pub fn new(bytes: &[u8; 32]) -> IdKey {
        let mac = Hmac::new_from_slice(bytes).expect("HMAC takes keys of any length");
        IdKey { mac, fresh: None }
    }

    /// One that was made up and is yet to be written.
    pub(crate) fn fresh(bytes: &[u8; 32]) -> IdKey {
        IdKey { fresh: Some(*bytes), ..IdKey::new(bytes) }
    }

    /// What is to be written of it.
    pub(crate) fn unwritten(&self) -> Option<&[u8; 32]> {
        self.fresh.as_ref()
    }

    /// What tells this key from another and says nothing of it: the first half of
    /// HMAC-SHA-256(key, "counterfoil/id-key/v1"). No tag is made of a text that begins so.
    pub(crate) fn mark(&self) -> [u8; 16] {
        let mut mac = self.mac.clone();
        mac.update(b"counterfoil/id-key/v1");
        let whole: [u8; 32] = mac.finalize().into_bytes().into();
        std::array::from_fn(|i| whole[i])
    }

    /// The tag of an id: the first half of
    /// HMAC-SHA-256(key, u16 len ‖ tenant ‖ u16 len ‖ producer ‖ id).
    pub fn tag(&self, tenant: &str, producer: &str, id: &str) -> IdTag {
        let mut mac = self.mac.clone();
        for name in [tenant, producer] {
            mac.update(&(name.len() as u16).to_be_bytes());
            mac.update(name.as_bytes());
        }
        mac.update(id.as_bytes());
        let whole: [u8; 32] = mac.finalize().into_bytes().into();
        std::array::from_fn(|i| whole[i])
    }
}

/// Tags are outputs of a keyed hash: hashing them again would add nothing.
#[derive(Default)]
pub struct Taken(u64);

impl Hasher for Taken {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// The ids of one log.
#[derive(Default)]
pub struct Ids {
    /// The first event in the window.
    seqs: HashMap<u64, u64, BuildHasherDefault<Taken>>,
    /// Later ones, of those few tags that have any.
    more: HashMap<u64, VecDeque<u64>, BuildHasherDefault<Taken>>,
    /// In the order they came: short tag, recorded_at.
    order: VecDeque<(u64, i64)>,
}

impl Ids {
    /// The events in the window with this tag, oldest first; at most [`SAME_ID_MAX`].
    pub fn get(&self, tag: &IdTag) -> impl Iterator<Item = u64> {
        let tag = short(tag);
        let first = self.seqs.get(&tag);
        let more = first.and_then(|_| self.more.get(&tag));
        first.into_iter().chain(more.into_iter().flatten()).copied()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Adds an event.
    pub fn add(&mut self, tag: &IdTag, seq: u64, recorded_at: i64) {
        let tag = short(tag);
        match self.seqs.entry(tag) {
            Entry::Vacant(place) => {
                place.insert(seq);
                self.order.push_back((tag, recorded_at));
            }
            Entry::Occupied(_) => {
                let more = self.more.entry(tag).or_default();
                if more.len() + 1 < SAME_ID_MAX {
                    more.push_back(seq);
                    self.order.push_back((tag, recorded_at));
                }
            }
        }
        while self.order.front().is_some_and(|(_, at)| {
            self.order.len() > IDS_MAX || recorded_at.saturating_sub(*at) > WINDOW_NS
        }) {
            if let Some((old, _)) = self.order.pop_front() {
                self.forget_first(old);
            }
        }
    }

    fn forget_first(&mut self, tag: u64) {
        let next = self.more.get_mut(&tag).and_then(VecDeque::pop_front);
        match next {
            Some(next) => drop(self.seqs.insert(tag, next)),
            None => {
                self.seqs.remove(&tag);
                self.more.remove(&tag);
            }
        }
    }
}

fn short(tag: &IdTag) -> u64 {
    u64::from_be_bytes([tag[0], tag[1], tag[2], tag[3], tag[4], tag[5], tag[6], tag[7]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seqs(ids: &Ids, tag: u8) -> Vec<u64> {
        ids.get(&[tag; 16]).collect()
    }

    #[test]
    fn seqs_leave_the_window_in_the_order_they_came() {
        let mut ids = Ids::default();
        for (tag, seq, at) in [(1, 0, 0), (2, 1, 5), (1, 2, 10), (1, 3, 20)] {
            ids.add(&[tag; 16], seq, at);
        }
        assert_eq!((seqs(&ids, 1), seqs(&ids, 2), seqs(&ids, 3)), (vec![0, 2, 3], vec![1], vec![]));
        ids.add(&[3; 16], 4, WINDOW_NS + 7);
        assert_eq!((seqs(&ids, 1), seqs(&ids, 2), seqs(&ids, 3)), (vec![2, 3], vec![], vec![4]));
        ids.add(&[3; 16], 5, 2 * WINDOW_NS);
        assert_eq!((seqs(&ids, 1), seqs(&ids, 3)), (vec![], vec![4, 5]));
    }

    #[test]
    fn one_id_has_a_few_seqs_at_most() {
        let mut ids = Ids::default();
        (0..100).for_each(|seq| ids.add(&[1; 16], seq, seq as i64));
        assert_eq!(seqs(&ids, 1), (0..SAME_ID_MAX as u64).collect::<Vec<_>>());
    }
}
