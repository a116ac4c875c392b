//! Blooms: which words a granule of rows may have.
//!
//! A bloom is made as large as it may get and then folded: its upper half is laid over its lower
//! one as long as it stays sparse, so that each granule takes the room its words need.

/// 64-bit words of a bloom before folding: 4 KiB.
const LENGTH_MAX: usize = 512;
/// 64-bit words below which folding spares nothing worth having.
const LENGTH_MIN: usize = 8;
/// Bits that a word sets.
const PROBES: u32 = 4;

/// A bloom in the making.
pub(crate) struct Bloom(Vec<u64>);

impl Bloom {
    pub(crate) fn new() -> Bloom {
        Bloom(vec![0; LENGTH_MAX])
    }

    pub(crate) fn add(&mut self, word: u32) {
        for bit in bits(word, LENGTH_MAX) {
            self.0[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// The bloom's bits, folded.
    pub(crate) fn fold(mut self) -> Vec<u64> {
        while self.0.len() > LENGTH_MIN {
            let (low, high) = self.0.split_at(self.0.len() / 2);
            let folded: Vec<u64> = low.iter().zip(high).map(|(low, high)| low | high).collect();
            let ones: u32 = folded.iter().map(|word| word.count_ones()).sum();
            // Two bits of five: one word in forty that is not there seems to be.
            if ones as usize * 5 > folded.len() * 64 * 2 {
                break;
            }
            self.0 = folded;
        }
        self.0
    }
}

/// Whether a folded bloom may have a word.
pub(crate) fn may_have(bloom: &[u64], word: u32) -> bool {
    bits(word, bloom.len()).all(|bit| bloom[bit / 64] >> (bit % 64) & 1 == 1)
}

/// `length` is a power of two, so that a bit keeps its place, modulo the length, when folded.
fn bits(word: u32, length: usize) -> impl Iterator<Item = usize> {
    let step = word.wrapping_mul(0x85eb_ca6b).rotate_left(15) | 1;
    let bit = move |n: u32| word.wrapping_add(n.wrapping_mul(step)) as usize % (length * 64);
    (0..PROBES).map(bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_was_added_is_there_at_any_size() {
        for count in [0_u32, 1, 60, 600, 3_000, 60_000] {
            let word = |n: u32| n.wrapping_mul(0x9e37_79b9) ^ n >> 3;
            let mut bloom = Bloom::new();
            (0..count).for_each(|n| bloom.add(word(n)));
            let bits = bloom.fold();
            assert!((0..count).all(|n| may_have(&bits, word(n))), "{count}");
            let false_ones = (1 << 20..(1 << 20) + 4_000).filter(|n| may_have(&bits, word(*n)));
            let allowed = if count <= 3_000 { 200 } else { 4_000 };
            assert!(false_ones.count() <= allowed, "{count}");
        }
    }
}
