//! Blocks: the index of some thousand consecutive rows, packed and never changed again.
//!
//! About six bytes a term (hashes and rows, sorted by hash) and one bloom and one span of times
//! for each 64 rows.

use crate::bloom::{Bloom, may_have};
use crate::probe::{Probe, Probes};
use crate::rows::Row;

/// Rows that share a bloom: one machine word of a row set.
const GRANULE: usize = 64;
/// Rows of a block at most; a row's place in its block has 16 bits.
pub(crate) const ROWS_MAX: usize = 1 << 16;

/// A packed block.
#[derive(Debug)]
pub(crate) struct Block {
    /// Seq of its first row.
    pub(crate) first: u64,
    /// How many rows.
    pub(crate) rows: usize,
    /// Terms, ascending; `places` has the row of each.
    terms: Box<[u32]>,
    places: Box<[u16]>,
    granules: Box<[Granule]>,
    blooms: Box<[u64]>,
}

#[derive(Clone, Copy, Debug)]
struct Granule {
    /// Where its bloom ends in `blooms`; without one, every word may be there.
    bloom_end: u32,
    /// Earliest and latest time that its rows happened.
    occurred: (i64, i64),
}

impl Block {
    /// Packs rows; they are at most [`ROWS_MAX`].
    pub(crate) fn pack<'r>(first: u64, rows: &[Row<'r>]) -> Block {
        let mut pairs: Vec<u64> = Vec::with_capacity(rows.len() * 14);
        for (place, row) in rows.iter().enumerate() {
            pairs.extend(row.terms.iter().map(|term| u64::from(*term) << 16 | place as u64));
        }
        pairs.sort_unstable();
        pairs.dedup();
        let (mut granules, mut blooms) = (Vec::new(), Vec::new());
        for rows in rows.chunks(GRANULE) {
            blooms.extend(words(rows));
            granules.push(Granule { bloom_end: blooms.len() as u32, occurred: span(rows) });
        }
        Block {
            first,
            rows: rows.len(),
            terms: pairs.iter().map(|pair| (pair >> 16) as u32).collect(),
            places: pairs.iter().map(|pair| *pair as u16).collect(),
            granules: granules.into(),
            blooms: blooms.into(),
        }
    }

    /// Seq behind its last row.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.rows as u64
    }

    /// Bytes that the block takes.
    pub(crate) fn bytes(&self) -> usize {
        let granules = self.granules.len() * size_of::<Granule>();
        size_of::<Block>() + self.terms.len() * 6 + granules + self.blooms.len() * 8
    }

    /// The rows that may match: one bit each.
    pub(crate) fn candidates(&self, probes: &Probes) -> Vec<u64> {
        let mut set = vec![u64::MAX; self.granules.len()];
        if let (Some(last), rest @ 1..) = (set.last_mut(), self.rows % GRANULE) {
            *last = (1 << rest) - 1;
        }
        for (word, granule) in set.iter_mut().zip(&self.granules) {
            let (from, to) = probes.occurred;
            if granule.occurred.1 < from || granule.occurred.0 >= to {
                *word = 0;
            }
        }
        for probe in &probes.all {
            match probe {
                Probe::Terms(terms) => self.keep_terms(terms, &mut set),
                Probe::Words(words) => self.keep_words(words, &mut set),
            }
        }
        set
    }

    fn keep_terms(&self, terms: &[u32], set: &mut [u64]) {
        let mut found = vec![0; set.len()];
        for term in terms {
            let from = self.terms.partition_point(|t| t < term);
            let same = self.terms[from..].iter().take_while(|t| *t == term).count();
            for place in &self.places[from..from + same] {
                found[usize::from(*place) / GRANULE] |= 1_u64 << (usize::from(*place) % GRANULE);
            }
        }
        set.iter_mut().zip(found).for_each(|(word, found)| *word &= found);
    }

    fn keep_words(&self, words: &[u32], set: &mut [u64]) {
        let mut start = 0;
        for (kept, granule) in set.iter_mut().zip(&self.granules) {
            let bloom = &self.blooms[start..granule.bloom_end as usize];
            start = granule.bloom_end as usize;
            if *kept != 0 && !bloom.is_empty() && !words.iter().all(|w| may_have(bloom, *w)) {
                *kept = 0;
            }
        }
    }
}

/// The bloom of some rows' words; none if one of them has more than are kept.
fn words(rows: &[Row<'_>]) -> Vec<u64> {
    if rows.iter().any(|row| row.flooded) {
        return Vec::new();
    }
    let mut bloom = Bloom::new();
    rows.iter().flat_map(|row| row.words).for_each(|word| bloom.add(*word));
    bloom.fold()
}

fn span(rows: &[Row<'_>]) -> (i64, i64) {
    rows.iter().fold((i64::MAX, i64::MIN), |(from, to), row| match row.occurred_at {
        Some(at) => (from.min(at), to.max(at)),
        None => (i64::MIN, i64::MAX),
    })
}
