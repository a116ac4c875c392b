//! The event digest: two layers of salted field digests.
//!
//! ```text
//! C      = SHA-256(0x02 ‖ salt ‖ text)          hides the value
//! D      = SHA-256(0x03 ‖ C ‖ path)             hides the name as well
//! digest = SHA-256(0x04 ‖ "counterfoil/event/v1" ‖ 0x00 ‖ u16 len ‖ origin
//!                  ‖ u32 n ‖ D_1 ‖ … ‖ D_n), D ascending
//! salt   = AES-256(event key, u128 rank of the path among the event's fields)
//! event key = HMAC-SHA-256(epoch key, "counterfoil/event-key/v1" ‖ 0x00 ‖ u64 counter)
//! ```
//!
//! A salt that is shown says nothing of the others: AES of distinct ranks under a secret key.

use aes::Aes256;
use aes::cipher::{Array, BlockCipherEncrypt, BlockSizeUser, KeyInit};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::fields::Fields;
use crate::hash::{Hash, sha256};

/// A secret of one tenant and retention class, for at most 65,536 events or 60 seconds.
#[derive(Clone)]
pub struct EpochKey(Hmac<Sha256>);

impl EpochKey {
    /// Takes 32 fresh random bytes.
    pub fn new(bytes: &[u8; 32]) -> EpochKey {
        EpochKey(Hmac::new_from_slice(bytes).expect("HMAC takes keys of any length"))
    }

    /// The key of the event with this counter.
    pub fn event_key(&self, counter: u64) -> EventKey {
        let mut mac = self.0.clone();
        mac.update(b"counterfoil/event-key/v1\0");
        mac.update(&counter.to_be_bytes());
        EventKey(Aes256::new(&mac.finalize().into_bytes()))
    }
}

/// The secret from which one event's salts are made.
pub struct EventKey(Aes256);

impl EventKey {
    /// The salt of the field with this rank in path order, from 0.
    pub fn salt(&self, rank: u32) -> [u8; 16] {
        let mut block = Array::from(u128::from(rank).to_be_bytes());
        self.0.encrypt_block(&mut block);
        block.into()
    }

    /// The salts of the first `count` fields: one call for all lets the processor do several at
    /// once.
    fn salts(&self, count: usize) -> Vec<Array<u8, <Aes256 as BlockSizeUser>::BlockSize>> {
        let ranks = 0..count as u128;
        let mut blocks: Vec<_> = ranks.map(|rank| Array::from(rank.to_be_bytes())).collect();
        self.0.encrypt_blocks(&mut blocks);
        blocks
    }
}

/// C: binds a value's text and hides it.
pub fn commitment(salt: &[u8; 16], text: &[u8]) -> Hash {
    sha256([&[0x02], salt, text])
}

/// D: binds a commitment to its path and hides both.
pub fn field_digest(commitment: &Hash, path: &[u8]) -> Hash {
    sha256([&[0x03], commitment, path])
}

/// Makes event digests for one log: the part of the hash that is the same for all its events.
#[derive(Clone)]
pub struct OriginDigest(Sha256);

impl OriginDigest {
    /// For the log with this origin.
    ///
    /// # Panics
    /// If the origin is longer than 65,535 bytes; an origin has at most 255.
    pub fn new(origin: &str) -> OriginDigest {
        let length = u16::try_from(origin.len()).expect("an origin has at most 255 bytes");
        OriginDigest(
            Sha256::new()
                .chain_update(b"\x04counterfoil/event/v1\0")
                .chain_update(length.to_be_bytes())
                .chain_update(origin),
        )
    }

    /// The digest of an event whose salts come from `key`.
    pub fn of_fields(&self, fields: &Fields, key: &EventKey) -> Hash {
        let mut digests = Vec::with_capacity(fields.len());
        for (salt, field) in key.salts(fields.len()).iter().zip(fields.iter()) {
            let hidden = commitment(&salt.0, field.text.as_bytes());
            digests.push(field_digest(&hidden, field.path.as_bytes()));
        }
        self.of_digests(&mut digests)
    }

    /// The digest of an event with these D's; sorts them.
    pub fn of_digests(&self, digests: &mut [Hash]) -> Hash {
        // Hashes hardly ever agree in their first half, and numbers compare faster than bytes.
        digests.sort_unstable_by(|a, b| start(a).cmp(&start(b)).then_with(|| a.cmp(b)));
        let mut hash = self.0.clone();
        hash.update((digests.len() as u32).to_be_bytes());
        hash.update(digests.as_flattened());
        hash.finalize().into()
    }
}

/// The first half of a hash as a number: numbers order as the bytes do.
fn start(hash: &Hash) -> u128 {
    u128::from_be_bytes(std::array::from_fn(|at| hash[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_salts_are_those_of_their_ranks() {
        let key = EpochKey::new(&[7; 32]).event_key(9);
        for count in [0, 1, 15, 64, 131] {
            let one_by_one = (0..count).map(|rank| key.salt(rank));
            let all: Vec<[u8; 16]> = key.salts(count as usize).iter().map(|s| s.0).collect();
            assert!(one_by_one.eq(all));
        }
    }

    #[test]
    fn digests_are_sorted_as_bytes() {
        let origin = OriginDigest::new("a/tlog/b");
        let mut near = [[0xff; 32]; 4];
        (near[0][31], near[1][0], near[2][15], near[3][16]) = (0, 0x7f, 1, 2);
        let mut sorted = near;
        sorted.sort();
        assert_eq!(origin.of_digests(&mut near.clone()), origin.of_digests(&mut sorted));
        origin.of_digests(&mut near);
        assert_eq!(near, sorted);
    }
}
