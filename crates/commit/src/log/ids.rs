//! Which ids are in a log: tag → the first seq that has it.
//!
//! A window: the newest [`IDS_MAX`] events or 24 hours, the lesser. Past it a retry is a new event.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::journal::section::IdTag;

/// Ids kept at most.
pub const IDS_MAX: usize = 8_000_000;
/// How long an id is kept, nanoseconds.
pub const WINDOW_NS: i64 = 24 * 3_600 * 1_000_000_000;

/// Makes id tags.
#[derive(Clone)]
pub struct IdKey(Hmac<Sha256>);

impl IdKey {
    /// From 32 secret bytes.
    pub fn new(bytes: &[u8; 32]) -> IdKey {
        IdKey(Hmac::new_from_slice(bytes).expect("HMAC takes keys of any length"))
    }

    /// The tag of an id: first half of HMAC-SHA-256(key, u16 len ‖ tenant ‖ u16 len ‖ producer ‖ id).
    pub fn tag(&self, tenant: &str, producer: &str, id: &str) -> IdTag {
        let mut mac = self.0.clone();
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
    seqs: HashMap<u64, u64, BuildHasherDefault<Taken>>,
    /// In the order they came: short tag, recorded_at.
    order: VecDeque<(u64, i64)>,
}

impl Ids {
    /// The first event in the window with this tag.
    pub fn get(&self, tag: &IdTag) -> Option<u64> {
        self.seqs.get(&short(tag)).copied()
    }

    /// Adds an event.
    pub fn add(&mut self, tag: &IdTag, seq: u64, recorded_at: i64) {
        let tag = short(tag);
        if let std::collections::hash_map::Entry::Vacant(place) = self.seqs.entry(tag) {
            place.insert(seq);
            self.order.push_back((tag, recorded_at));
        }
        while self.order.front().is_some_and(|(_, at)| {
            self.order.len() > IDS_MAX || recorded_at.saturating_sub(*at) > WINDOW_NS
        }) {
            if let Some((old, _)) = self.order.pop_front() {
                self.seqs.remove(&old);
            }
        }
    }
}

fn short(tag: &IdTag) -> u64 {
    u64::from_be_bytes([tag[0], tag[1], tag[2], tag[3], tag[4], tag[5], tag[6], tag[7]])
}
