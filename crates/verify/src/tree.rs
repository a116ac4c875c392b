//! The Merkle tree of RFC 6962 over SHA-256, from the judge's side.
//!
//! ```text
//! leaf hash  = SHA-256( 0x00 ‖ leaf data )
//! node       = SHA-256( 0x01 ‖ left ‖ right )
//! empty tree = SHA-256( "" )
//! ```
//!
//! Every function answers from what it is given alone. None panics, whatever the proof.

use sha2::{Digest as _, Sha256};

use crate::digest::Hash;

/// Hash of one leaf's data.
pub fn leaf_hash(data: &[u8]) -> Hash {
    Sha256::new_with_prefix([0x00]).chain_update(data).finalize().into()
}

/// Hash of a node over its two children.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    Sha256::digest(bytes).into()
}

/// Root of the tree without leaves.
pub fn empty_root() -> Hash {
    Sha256::digest(b"").into()
}

/// A tree that grows leaf by leaf and keeps one hash per complete subtree: O(log n) memory.
#[derive(Clone, Debug, Default)]
pub struct Frontier {
    size: u64,
    /// Roots of the complete subtrees, widest first: one per set bit of `size`.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self.peaks.pop().expect("one peak stands for each set bit of the size");
            hash = node_hash(&left, &hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// Root over all leaves so far.
    pub fn root(&self) -> Hash {
        let join = |right: Hash, left: &Hash| node_hash(left, &right);
        match self.peaks.split_last() {
            None => empty_root(),
            Some((last, wider)) => wider.iter().rev().fold(*last, join),
        }
    }
}

/// R(0, n) of a run: the root that leaves `first`, `first`+1, … with these hashes and this proof
/// have in a tree of `size` leaves. `None` if the run does not lie in the tree, is empty, or does
/// not use up the proof exactly.
pub fn run_root(first: u64, leaves: &[Hash], proof: &[Hash], size: u64) -> Option<Hash> {
    let end = first.checked_add(u64::try_from(leaves.len()).ok()?)?;
    if leaves.is_empty() || end > size {
        return None;
    }
    let mut walk = RunWalk { first, end, leaves: leaves.iter(), proof: proof.iter() };
    let root = walk.root(0, size)?;
    walk.proof.next().is_none().then_some(root)
}

struct RunWalk<'a> {
    first: u64,
    end: u64,
    leaves: std::slice::Iter<'a, Hash>,
    proof: std::slice::Iter<'a, Hash>,
}

impl RunWalk<'_> {
    /// R(lo, hi). Goes down only where [lo, hi) meets the run, so at most 64 levels.
    fn root(&mut self, lo: u64, hi: u64) -> Option<Hash> {
        if hi <= self.first || lo >= self.end {
            return self.proof.next().copied();
        }
        if hi - lo == 1 {
            return self.leaves.next().copied();
        }
        let middle = lo + split(hi - lo);
        let left = self.root(lo, middle)?;
        let right = self.root(middle, hi)?;
        Some(node_hash(&left, &right))
    }
}

/// The largest power of two below `n`, for n ≥ 2.
fn split(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

/// Root of a tree of `size` leaves from one leaf's hash and its audit path, sibling first, as in
/// RFC 6962 §2.1.1 and tlog-proof. `None` if the path has not the right length.
pub fn inclusion_root(index: u64, leaf: Hash, path: &[Hash], size: u64) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    let mut path = path.iter();
    while last > 0 {
        if node & 1 == 1 {
            hash = node_hash(path.next()?, &hash);
        } else if node < last {
            hash = node_hash(&hash, path.next()?);
        }
        node >>= 1;
        last >>= 1;
    }
    path.next().is_none().then_some(hash)
}

/// Does `proof` show that the tree of `new_size` with `new_root` begins with that of `old_size`?
/// Follows RFC 9162 §2.1.4.2. Every tree begins with the empty one, whose proof is empty.
pub fn is_consistent(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> bool {
    if old_size > new_size || (old_size == 0 && *old_root != empty_root()) {
        return false;
    }
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    if old_size == 0 {
        return proof.is_empty();
    }
    consistent_roots(old_size, old_root, new_size, proof) == Some((*old_root, *new_root))
}

/// The old and the new root that `proof` leads to, for 0 < old < new.
fn consistent_roots(old: u64, old_root: &Hash, new: u64, proof: &[Hash]) -> Option<(Hash, Hash)> {
    let mut proof = proof.iter();
    let shift = (old - 1).trailing_ones();
    let (mut node, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
    let start = if old.is_power_of_two() { *old_root } else { *proof.next()? };
    let (mut first, mut second) = (start, start);
    for hash in proof {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            first = node_hash(hash, &first);
            second = node_hash(hash, &second);
            let up = if node & 1 == 1 { 0 } else { node.trailing_zeros() };
            node >>= up;
            last >>= up;
        } else {
            second = node_hash(&second, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some((first, second))
}
