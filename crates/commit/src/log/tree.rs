//! The Merkle tree of one log (RFC 6962): growing, roots, proofs, tiles.
//!
//! Leaves are kept as their bytes; of whole subtrees the roots of those with at least 16 leaves,
//! by level: what lies below is hashed again when it is asked for, which takes a microsecond and
//! saves 60 bytes a leaf. Growth is computed beside the tree ([`Frontier`]) and applied once it is
//! durable, so that readers never see a tree that a crash could take back.

use event::{Hash, Leaf};
use sha2::{Digest, Sha256};

use super::pages::Pages;

/// Entries of a full tile or bundle (C2SP tlog-tiles).
pub const TILE_WIDTH: u64 = 256;
/// The lowest level that is kept.
const KEPT: usize = 4;

/// The right edge of a tree: enough to append and to know the root.
#[derive(Clone, Debug, Default)]
pub struct Frontier {
    size: u64,
    /// Roots of the whole subtrees that make up the tree, largest first.
    peaks: Vec<Hash>,
}

/// What appending some leaves adds beside the leaves: every kept node that became whole.
#[derive(Clone, Debug, Default)]
pub struct Growth {
    /// New nodes by level, from [`KEPT`] on.
    levels: Vec<Vec<Hash>>,
}

impl Frontier {
    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf; `growth` collects the kept nodes that become whole.
    pub fn push(&mut self, leaf: &Leaf, growth: &mut Growth) {
        let mut hash = leaf.hash();
        let mut level = 0;
        growth.add(level, hash);
        while self.size >> level & 1 == 1 {
            let left = self.peaks.pop().expect("one peak for each bit of the size");
            hash = node(&left, &hash);
            level += 1;
            growth.add(level, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root; of the empty tree SHA-256("").
    pub fn root(&self) -> Hash {
        let folded = self.peaks.iter().rev().copied().reduce(|right, left| node(&left, &right));
        folded.unwrap_or_else(|| Sha256::digest([]).into())
    }
}

impl Growth {
    fn add(&mut self, level: usize, hash: Hash) {
        let Some(level) = level.checked_sub(KEPT) else { return };
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        self.levels[level].push(hash);
    }
}

/// A tree and all its proofs.
#[derive(Debug, Default)]
pub struct Tree {
    leaves: Pages<[u8; Leaf::BYTES]>,
    /// Roots of whole subtrees: `levels[l - KEPT]` at i covers leaves i·2^l to (i+1)·2^l.
    levels: Vec<Pages<Hash>>,
}

impl Tree {
    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// Adds what a frontier computed; `leaves` are those it was computed from.
    pub fn grow(&mut self, leaves: &[Leaf], growth: Growth) {
        leaves.iter().for_each(|leaf| self.leaves.push(leaf.encode()));
        for (level, hashes) in growth.levels.into_iter().enumerate() {
            if self.levels.len() == level {
                self.levels.push(Pages::default());
            }
            hashes.into_iter().for_each(|hash| self.levels[level].push(hash));
        }
    }

    /// The bytes of a leaf.
    pub fn leaf(&self, seq: u64) -> Option<&[u8; Leaf::BYTES]> {
        self.leaves.get(usize::try_from(seq).ok()?)
    }

    /// The leaf at `seq`.
    pub fn entry(&self, seq: u64) -> Option<Leaf> {
        Leaf::decode(self.leaf(seq)?).ok()
    }

    /// When the leaf at `seq` was recorded.
    pub fn recorded_at(&self, seq: u64) -> Option<i64> {
        Some(self.entry(seq)?.recorded_at)
    }

    /// The root of the first `size` leaves.
    pub fn root(&self, size: u64) -> Option<Hash> {
        if size > self.size() {
            return None;
        }
        Some(if size == 0 { Sha256::digest([]).into() } else { self.subtree(0, size) })
    }

    /// The hashes that prove leaves `first` to `end` in the tree of `size`: of every subtree that
    /// misses them, from left to right.
    pub fn run_proof(&self, first: u64, end: u64, size: u64) -> Option<Vec<Hash>> {
        let sound = first < end && end <= size && size <= self.size();
        let mut proof = Vec::new();
        sound.then(|| self.run_hashes((0, size), (first, end), &mut proof))?;
        Some(proof)
    }

    fn run_hashes(&self, (lo, hi): (u64, u64), run: (u64, u64), proof: &mut Vec<Hash>) {
        if hi <= run.0 || run.1 <= lo {
            proof.push(self.subtree(lo, hi));
        } else if hi - lo > 1 && !(run.0 <= lo && hi <= run.1) {
            let middle = lo + split(hi - lo);
            self.run_hashes((lo, middle), run, proof);
            self.run_hashes((middle, hi), run, proof);
        }
    }

    /// The audit path of one leaf, from its sibling up to the root's child (RFC 6962, 2.1.1).
    pub fn inclusion_proof(&self, seq: u64, size: u64) -> Option<Vec<Hash>> {
        if seq >= size || size > self.size() {
            return None;
        }
        let (mut lo, mut hi) = (0, size);
        let mut path = Vec::new();
        while hi - lo > 1 {
            let middle = lo + split(hi - lo);
            if seq < middle {
                path.push(self.subtree(middle, hi));
                hi = middle;
            } else {
                path.push(self.subtree(lo, middle));
                lo = middle;
            }
        }
        path.reverse();
        Some(path)
    }

    /// The proof that the tree of `old` leaves begins the tree of `new` (RFC 6962, 2.1.2).
    pub fn consistency_proof(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        if old == 0 || old > new || new > self.size() {
            return None;
        }
        let mut proof = Vec::new();
        let (mut lo, mut hi) = (0, new);
        while hi != old {
            let middle = lo + split(hi - lo);
            if old <= middle {
                proof.push(self.subtree(middle, hi));
                hi = middle;
            } else {
                proof.push(self.subtree(lo, middle));
                lo = middle;
            }
        }
        // The old root itself is known to who asks; any other last subtree is not.
        if lo != 0 {
            proof.push(self.subtree(lo, hi));
        }
        proof.reverse();
        Some(proof)
    }

    /// The hash over leaves `lo` to `hi`, which lie inside the tree.
    fn subtree(&self, lo: u64, hi: u64) -> Hash {
        let width = hi - lo;
        if width == 1 {
            return self.leaf_hash(lo);
        }
        if width.is_power_of_two() && lo.is_multiple_of(width) {
            let level = (width.trailing_zeros() as usize).checked_sub(KEPT);
            if let Some(hash) = level.and_then(|l| self.levels[l].get((lo / width) as usize)) {
                return *hash;
            }
        }
        let middle = lo + split(width);
        node(&self.subtree(lo, middle), &self.subtree(middle, hi))
    }

    fn leaf_hash(&self, seq: u64) -> Hash {
        let leaf = self.leaves.get(seq as usize).expect("callers stay inside the tree");
        leaf_hash(leaf)
    }

    /// A hash tile: up to 256 hashes of level 8·`level`, from 256·`index` (C2SP tlog-tiles).
    pub fn tile(&self, level: u8, index: u64, width: u64) -> Option<Vec<u8>> {
        let (start, count) = range(index, width)?;
        match (usize::from(level) * 8).checked_sub(KEPT) {
            None => Some(self.leaves.slice(start, count)?.iter().flat_map(leaf_hash).collect()),
            Some(level) => {
                Some(self.levels.get(level)?.slice(start, count)?.as_flattened().to_vec())
            }
        }
    }

    /// An entry bundle: up to 256 entries, each with its length in 16 bits (C2SP tlog-tiles).
    pub fn bundle(&self, index: u64, width: u64) -> Option<Vec<u8>> {
        let (start, count) = range(index, width)?;
        let leaves = self.leaves.slice(start, count)?;
        let mut out = Vec::with_capacity(leaves.len() * (Leaf::BYTES + 2));
        for leaf in leaves {
            out.extend_from_slice(&(Leaf::BYTES as u16).to_be_bytes());
            out.extend_from_slice(leaf);
        }
        Some(out)
    }
}

/// Where a tile begins and how many hashes it has.
fn range(index: u64, width: u64) -> Option<(usize, usize)> {
    let start = usize::try_from(index.checked_mul(TILE_WIDTH)?).ok()?;
    (1..=TILE_WIDTH).contains(&width).then_some((start, width as usize))
}

/// The largest power of two below `n`, which is at least 2.
fn split(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

fn leaf_hash(leaf: &[u8; Leaf::BYTES]) -> Hash {
    let mut data = [0; 1 + Leaf::BYTES];
    data[1..].copy_from_slice(leaf);
    Sha256::digest(data).into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let mut data = [1; 65];
    data[1..33].copy_from_slice(left);
    data[33..].copy_from_slice(right);
    Sha256::digest(data).into()
}
