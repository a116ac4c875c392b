//! What the commit path takes from outside.

use std::sync::Arc;

use platform::{Clock, Disk, Entropy};

use crate::log::IdKey;

/// The world of one data folder.
#[derive(Clone)]
pub struct World {
    /// The data folder.
    pub disk: Arc<dyn Disk>,
    /// The folder of keys.
    pub keys: Arc<dyn Disk>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Makes id tags.
    pub id_key: IdKey,
}

impl World {
    /// A fresh UUIDv7 (RFC 9562).
    pub fn new_id(&self) -> String {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        let millis = (self.clock.now() / 1_000_000) as u64;
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6] = bytes[6] & 0x0f | 0x70;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = crate::log::hex(&bytes);
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        parts.join("-")
    }
}
