//! Tables: at which places of a block a hash was seen; packed, never changed, small.
//!
//! Hashes are parted by their first bits into buckets of about a dozen. A bucket holds the next 16
//! bits of each hash beside the place, so that looking up a hash that is not there costs two reads
//! of memory. The bits behind those are dropped: a table may name places that have another hash.
//! What stands at more than [`FEW`] places has one entry that says so, and a set of its own.

/// Places of a hash that stand in its bucket.
const FEW: usize = 4;
/// The place that stands for a set.
const IN_SET: u16 = u16::MAX;
/// Places of a table at most.
pub(crate) const PLACES_MAX: usize = IN_SET as usize;
/// Pairs to a bucket when a table is made; about half of them end in sets.
const BUCKET_PAIRS: usize = 16;
/// First bits of a hash that choose its bucket, at most.
const BUCKET_BITS_MAX: u32 = 16;

/// A hash and a place where it was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) hash: u32,
    pub(crate) place: u16,
}

/// Which places have which hashes.
#[derive(Debug)]
pub(crate) struct Table {
    /// How many places there are.
    places_count: usize,
    bucket_bits: u32,
    /// Where each bucket begins in `keys` and `places`, and where the last one ends.
    starts: Box<[u32]>,
    keys: Box<[u16]>,
    places: Box<[u16]>,
    /// Bucket and key of hashes with a set, ascending, and where the set ends in `sets`.
    set_keys: Box<[(u32, u32)]>,
    /// Places ascending, or one bit for each place where that takes no more room.
    sets: Box<[u16]>,
}

impl Table {
    /// A table of pairs in any order; places are below `places_count`, at most [`PLACES_MAX`].
    pub(crate) fn new(pairs: &[Pair], places_count: usize) -> Table {
        let bucket_bits = (pairs.len() / BUCKET_PAIRS + 1).ilog2().min(BUCKET_BITS_MAX);
        let (mut bucketed, ends) = bucketed(pairs, bucket_bits);
        let mut draft = Draft { places_count, ..Draft::default() };
        let mut start = 0;
        draft.starts.push(0);
        for (bucket, end) in ends.into_iter().enumerate() {
            let entries = &mut bucketed[start..end as usize];
            entries.sort_unstable();
            for same in entries.chunk_by(|a, b| a >> 16 == b >> 16) {
                draft.add(bucket as u32, same);
            }
            draft.starts.push(draft.keys.len() as u32);
            start = end as usize;
        }
        Table {
            places_count,
            bucket_bits,
            starts: draft.starts.into(),
            keys: draft.keys.into(),
            places: draft.places.into(),
            set_keys: draft.set_keys.into(),
            sets: draft.sets.into(),
        }
    }

    /// Whether a hash may stand anywhere.
    pub(crate) fn has(&self, hash: u32) -> bool {
        let (_, key, range) = self.bucket(hash);
        self.keys[range].contains(&key)
    }

    /// Calls `take` with every place where a hash may stand.
    pub(crate) fn each(&self, hash: u32, mut take: impl FnMut(usize)) {
        let (bucket, key, range) = self.bucket(hash);
        let start = range.start;
        for (nth, _) in self.keys[range].iter().enumerate().filter(|(_, k)| **k == key) {
            match self.places[start + nth] {
                IN_SET => self.each_in_set(bucket << 16 | u32::from(key), &mut take),
                place => take(usize::from(place)),
            }
        }
    }

    fn each_in_set(&self, key: u32, take: &mut impl FnMut(usize)) {
        let Ok(nth) = self.set_keys.binary_search_by_key(&key, |(key, _)| *key) else { return };
        let start = nth.checked_sub(1).map_or(0, |before| self.set_keys[before].1);
        let set = &self.sets[start as usize..self.set_keys[nth].1 as usize];
        if set.len() < bits_len(self.places_count) {
            set.iter().for_each(|place| take(usize::from(*place)));
            return;
        }
        for (nth, word) in set.iter().enumerate() {
            let mut word = *word;
            while word != 0 {
                take(nth * 16 + word.trailing_zeros() as usize);
                word &= word - 1;
            }
        }
    }

    fn bucket(&self, hash: u32) -> (u32, u16, std::ops::Range<usize>) {
        let (bucket, key) = parts(hash, self.bucket_bits);
        let nth = bucket as usize;
        (bucket, key, self.starts[nth] as usize..self.starts[nth + 1] as usize)
    }
}

/// The bucket of a hash, and what is kept of the hash there.
fn parts(hash: u32, bucket_bits: u32) -> (u32, u16) {
    let wide = u64::from(hash) << bucket_bits;
    ((wide >> 32) as u32, (wide >> 16) as u16)
}

/// `key << 16 | place` of each pair, by bucket, and where each bucket ends.
fn bucketed(pairs: &[Pair], bucket_bits: u32) -> (Vec<u32>, Vec<u32>) {
    let mut ends = vec![0_u32; 1 << bucket_bits];
    pairs.iter().for_each(|pair| ends[parts(pair.hash, bucket_bits).0 as usize] += 1);
    let mut sum = 0;
    for end in &mut ends {
        // For now where the bucket begins: filling it moves this to its end.
        sum += std::mem::replace(end, sum);
    }
    let mut bucketed = vec![0; pairs.len()];
    for pair in pairs {
        let (bucket, key) = parts(pair.hash, bucket_bits);
        let at = &mut ends[bucket as usize];
        bucketed[*at as usize] = u32::from(key) << 16 | u32::from(pair.place);
        *at += 1;
    }
    (bucketed, ends)
}

/// 16-bit words with a bit for each place.
fn bits_len(places_count: usize) -> usize {
    places_count.div_ceil(16)
}

/// A table in the making.
#[derive(Default)]
struct Draft {
    places_count: usize,
    starts: Vec<u32>,
    keys: Vec<u16>,
    places: Vec<u16>,
    set_keys: Vec<(u32, u32)>,
    sets: Vec<u16>,
}

impl Draft {
    /// Adds the entries of one key, ascending; a place may stand there twice.
    fn add(&mut self, bucket: u32, same: &[u32]) {
        let key = same[0] >> 16;
        let places = || same.chunk_by(|a, b| a == b).map(|equal| equal[0] as u16);
        let count = places().count();
        if count <= FEW {
            self.keys.extend(std::iter::repeat_n(key as u16, count));
            self.places.extend(places());
            return;
        }
        self.keys.push(key as u16);
        self.places.push(IN_SET);
        let (start, bits) = (self.sets.len(), bits_len(self.places_count));
        if count < bits {
            self.sets.extend(places());
        } else {
            self.sets.resize(start + bits, 0);
            let set = &mut self.sets[start..];
            places().for_each(|place| set[usize::from(place) / 16] |= 1 << (place % 16));
        }
        self.set_keys.push((bucket << 16 | key, self.sets.len() as u32));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn mix(n: u32) -> u32 {
        let n = (n ^ n >> 16).wrapping_mul(0x85eb_ca6b);
        let n = (n ^ n >> 13).wrapping_mul(0xc2b2_ae35);
        n ^ n >> 16
    }

    /// Pairs of which some hashes stand at few places, some at many, some everywhere.
    fn check(count: u32, hashes: u32, places_count: usize) {
        let pair = |n: u32| {
            let hash = mix(mix(n) % hashes % (1 + mix(n ^ 77) % hashes));
            Pair { hash, place: (mix(n.wrapping_mul(31)) as usize % places_count) as u16 }
        };
        let mut pairs: Vec<Pair> = (0..count).map(pair).collect();
        if count > 0 {
            pairs.extend(
                (0..places_count).map(|place| Pair { hash: mix(1 << 20), place: place as u16 }),
            );
        }
        let table = Table::new(&pairs, places_count);
        let mut want: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
        for pair in &pairs {
            want.entry(pair.hash).or_default().insert(usize::from(pair.place));
        }
        let mut more = 0;
        for (hash, want) in &want {
            let mut found = BTreeSet::new();
            table.each(*hash, |place| {
                found.insert(place);
            });
            assert!(table.has(*hash) && found.is_superset(want), "{hash}: {found:?} {want:?}");
            more += usize::from(found != *want);
        }
        assert!(more <= want.len() / 64, "{more} of {}", want.len());
        let absent = (0..10_000).map(|n| mix(n | 1 << 30)).filter(|hash| !want.contains_key(hash));
        let seen = absent.filter(|hash| table.has(*hash)).count();
        assert!(seen <= 30, "{seen} of 10,000 that are not there");
    }

    #[test]
    fn every_hash_is_found_at_its_places() {
        for (count, hashes, places) in [
            (0, 1, 1),
            (1, 1, 1),
            (5, 2, 4),
            (300, 40, 64),
            (9_000, 700, 64),
            (60_000, 30_000, 4_096),
        ] {
            check(count, hashes, places);
        }
        check(90_000, 1_000, PLACES_MAX);
    }
}
