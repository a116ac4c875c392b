//! The leaf: the 41 bytes of an event that the Merkle tree holds (RFC 6962 hashing).
//!
//! ```text
//! 0x01 ‖ i64 recorded_at, ns since 1970, big-endian ‖ 32 bytes event digest
//! ```

use std::fmt;

use sha2::{Digest, Sha256};

use crate::hash::Hash;

/// The data of one entry of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// When the log took the event, nanoseconds since 1970.
    pub recorded_at: i64,
    /// What the event is.
    pub digest: Hash,
}

/// Why some bytes are not a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafError;

impl fmt::Display for LeafError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a leaf has 41 bytes and begins with 0x01")
    }
}

impl std::error::Error for LeafError {}

impl Leaf {
    /// Bytes of a leaf.
    pub const BYTES: usize = 41;
    /// The first byte: it fixes every format that the digest rests on.
    pub const VERSION: u8 = 0x01;

    /// The leaf's bytes.
    pub fn encode(&self) -> [u8; Leaf::BYTES] {
        let mut out = [0; Leaf::BYTES];
        out[0] = Leaf::VERSION;
        out[1..9].copy_from_slice(&self.recorded_at.to_be_bytes());
        out[9..].copy_from_slice(&self.digest);
        out
    }

    /// Reads a leaf.
    pub fn decode(bytes: &[u8]) -> Result<Leaf, LeafError> {
        let bytes: &[u8; Leaf::BYTES] = bytes.try_into().map_err(|_| LeafError)?;
        if bytes[0] != Leaf::VERSION {
            return Err(LeafError);
        }
        let (time, digest) = bytes[1..].split_at(8);
        Ok(Leaf {
            recorded_at: i64::from_be_bytes(time.try_into().map_err(|_| LeafError)?),
            digest: digest.try_into().map_err(|_| LeafError)?,
        })
    }

    /// The leaf hash, SHA-256(0x00 ‖ leaf).
    pub fn hash(&self) -> Hash {
        let mut data = [0; Leaf::BYTES + 1];
        data[1..].copy_from_slice(&self.encode());
        Sha256::digest(data).into()
    }
}
