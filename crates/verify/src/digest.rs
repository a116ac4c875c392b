//! From field to leaf: commitments, field digests, the event digest, the leaf.
//!
//! ```text
//! C            = SHA-256( 0x02 ‖ salt ‖ text )
//! D            = SHA-256( 0x03 ‖ C ‖ path )
//! event digest = SHA-256( 0x04 ‖ "counterfoil/event/v1" ‖ 0x00
//!                         ‖ u16(len(origin)) ‖ origin ‖ u32(n) ‖ D_1 ‖ … ‖ D_n )
//! leaf data    = 0x01 ‖ i64(recorded_at, unix ns) ‖ event digest              (41 bytes)
//! ```
//!
//! The D of an event stand strictly ascending; two equal ones are a contradiction.

use sha2::{Digest as _, Sha256};

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// The 16 bytes that hide a field's text.
pub type Salt = [u8; 16];

/// Bytes of a leaf of version 1.
pub const LEAF_BYTES: usize = 41;

const LEAF_VERSION: u8 = 0x01;
const EVENT_LABEL: &[u8] = b"\x04counterfoil/event/v1\0";

/// A leaf of version 1: when the log recorded an event, and the event's digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Unix time in nanoseconds, by the log's clock.
    pub recorded_at: i64,
    /// Digest of the event's fields.
    pub digest: Hash,
}

impl Leaf {
    /// Reads leaf data; `None` if it is not 41 bytes or of another version.
    pub fn decode(data: &[u8]) -> Option<Leaf> {
        let data: &[u8; LEAF_BYTES] = data.try_into().ok()?;
        let (version, rest) = data.split_first()?;
        let (time, digest) = rest.split_first_chunk::<8>()?;
        let digest = digest.try_into().ok()?;
        (*version == LEAF_VERSION)
            .then_some(Leaf { recorded_at: i64::from_be_bytes(*time), digest })
    }

    /// The 41 bytes.
    pub fn encode(&self) -> [u8; LEAF_BYTES] {
        let mut data = [0; LEAF_BYTES];
        data[0] = LEAF_VERSION;
        data[1..9].copy_from_slice(&self.recorded_at.to_be_bytes());
        data[9..].copy_from_slice(&self.digest);
        data
    }
}

/// C: hides a field's text, given its salt.
pub fn commitment(salt: &Salt, text: &[u8]) -> Hash {
    Sha256::new_with_prefix([0x02]).chain_update(salt).chain_update(text).finalize().into()
}

/// D: hides a field's path as well.
pub fn field_digest(commitment: &Hash, path: &[u8]) -> Hash {
    Sha256::new_with_prefix([0x03]).chain_update(commitment).chain_update(path).finalize().into()
}

/// The digest of an event of the log `origin`. Sorts `fields`; `None` if two are equal, or if there
/// are more of them, or a longer origin, than their length prefixes can say.
pub fn event_digest(origin: &str, fields: &mut [Hash]) -> Option<Hash> {
    // Hashes differ early: few comparisons look past the first eight bytes.
    fields.sort_unstable_by(|a, b| head(a).cmp(&head(b)).then_with(|| a.cmp(b)));
    if fields.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    let origin_bytes = u16::try_from(origin.len()).ok()?;
    let count = u32::try_from(fields.len()).ok()?;
    let mut sha = Sha256::new_with_prefix(EVENT_LABEL);
    sha.update(origin_bytes.to_be_bytes());
    sha.update(origin);
    sha.update(count.to_be_bytes());
    sha.update(fields.as_flattened());
    Some(sha.finalize().into())
}

fn head(hash: &Hash) -> u64 {
    hash.first_chunk().copied().map_or(0, u64::from_be_bytes)
}
