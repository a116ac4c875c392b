//! SHA-256 (FIPS 180-4) of short messages in parts.
//!
//! An event takes some sixty hashes of one or two blocks. Padded on the stack and given to the
//! compression function as whole blocks they cost half of what they do through a buffering hasher.

use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// Blocks that are padded here; longer messages take the way of all messages.
const BLOCKS_MAX: usize = 4;
/// Bytes that padding takes at least: one bit and the length.
const PADDING_BYTES: usize = 9;
/// The hash value that hashing begins with (FIPS 180-4, section 5.3.3).
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// The hash of the parts, one behind the other.
pub(crate) fn sha256<const N: usize>(parts: [&[u8]; N]) -> Hash {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let count = (length + PADDING_BYTES).div_ceil(64);
    if count > BLOCKS_MAX {
        let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part));
        return hash.finalize().into();
    }
    let mut blocks = [[0; 64]; BLOCKS_MAX];
    let message = blocks.as_flattened_mut();
    let mut at = 0;
    for part in parts {
        message[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    message[at] = 0x80;
    message[count * 64 - 8..count * 64].copy_from_slice(&(length as u64 * 8).to_be_bytes());
    let mut state = INITIAL;
    compress256(&mut state, &blocks[..count]);
    let mut hash = [0; 32];
    for (bytes, word) in hash.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_equals_the_whole_hasher() {
        let bytes: Vec<u8> = (0..600_u32).map(|n| (n * 7 + 3) as u8).collect();
        for length in 0..bytes.len() {
            let message = &bytes[..length];
            let whole: Hash = Sha256::digest(message).into();
            let (a, b) = message.split_at(length / 3);
            assert_eq!(sha256([message]), whole, "{length}");
            assert_eq!(sha256([a, &[], b]), whole, "{length}");
        }
    }
}
