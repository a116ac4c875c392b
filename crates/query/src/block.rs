//! Blocks: the index of some thousand consecutive rows, packed and never changed again.
//!
//! One table says which rows have a term, one which granules of 64 rows have a word. Both are exact
//! but for hashes that fall together, so what is not there costs no reading.

use crate::probe::{Probe, Probes};
use crate::rows::Row;
use crate::table::{PLACES_MAX, Pair, Table};

/// Rows of which it is known together which words they have: one machine word of a row set.
const GRANULE: usize = 64;
/// Rows of a block at most: each is a place in a table.
pub(crate) const ROWS_MAX: usize = PLACES_MAX;

/// Words remembered while packing, to pass over those that come again.
const RECENT: usize = 4_096;

/// A packed block.
#[derive(Debug)]
pub(crate) struct Block {
    /// Seq of its first row.
    pub(crate) first: u64,
    /// How many rows.
    pub(crate) rows: usize,
    /// Rows by their terms.
    terms: Table,
    /// Granules by their words.
    words: Table,
    granules: Box<[Granule]>,
}

#[derive(Clone, Copy, Debug)]
struct Granule {
    /// Earliest and latest time that its rows happened.
    occurred: (i64, i64),
    /// Whether a row had more words than are kept: then every word may be there.
    flooded: bool,
}

impl Block {
    /// Packs rows; they are at most [`ROWS_MAX`].
    pub(crate) fn pack<'r>(first: u64, rows: &[Row<'r>]) -> Block {
        let mut pairs: Vec<Pair> = Vec::with_capacity(rows.len() * 16);
        for (place, row) in (0..).zip(rows) {
            pairs.extend(row.terms.iter().map(|term| Pair { hash: *term, place }));
        }
        let terms = Table::new(&pairs, rows.len());
        pairs.clear();
        let (mut granules, mut recent) = (Vec::new(), vec![(0, u16::MAX); RECENT]);
        for (place, rows) in (0..).zip(rows.chunks(GRANULE)) {
            for hash in rows.iter().flat_map(|row| row.words).copied() {
                // Most words come many times in a granule; the table has to sort out few of them.
                let seen = std::mem::replace(&mut recent[hash as usize % RECENT], (hash, place));
                if seen != (hash, place) {
                    pairs.push(Pair { hash, place });
                }
            }
            let flooded = rows.iter().any(|row| row.flooded);
            granules.push(Granule { occurred: span(rows), flooded });
        }
        let words = Table::new(&pairs, granules.len());
        Block { first, rows: rows.len(), terms, words, granules: granules.into() }
    }

    /// Seq behind its last row.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.rows as u64
    }

    /// The rows that may match: one bit each. Nothing if there is none for sure, which most blocks
    /// tell without more ado.
    pub(crate) fn candidates(&self, probes: &Probes) -> Vec<u64> {
        if !probes.all.iter().all(|probe| self.may_pass(probe)) {
            return Vec::new();
        }
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
                Probe::Words(words) => words.iter().for_each(|w| self.keep_word(*w, &mut set)),
            }
        }
        set
    }

    fn may_pass(&self, probe: &Probe) -> bool {
        let is_flooded = || self.granules.iter().any(|granule| granule.flooded);
        match probe {
            Probe::Terms(terms) => terms.iter().any(|term| self.terms.has(*term)),
            Probe::Words(words) => words.iter().all(|w| self.words.has(*w)) || is_flooded(),
        }
    }

    fn keep_terms(&self, terms: &[u32], set: &mut [u64]) {
        let mut found = vec![0; set.len()];
        for term in terms {
            self.terms.each(*term, |row| found[row / GRANULE] |= 1_u64 << (row % GRANULE));
        }
        set.iter_mut().zip(found).for_each(|(word, found)| *word &= found);
    }

    fn keep_word(&self, word: u32, set: &mut [u64]) {
        let mut found: Vec<bool> = self.granules.iter().map(|granule| granule.flooded).collect();
        self.words.each(word, |granule| found[granule] = true);
        set.iter_mut().zip(found).filter(|(_, found)| !found).for_each(|(rows, _)| *rows = 0);
    }
}

fn span(rows: &[Row<'_>]) -> (i64, i64) {
    rows.iter().fold((i64::MAX, i64::MIN), |(from, to), row| match row.occurred_at {
        Some(at) => (from.min(at), to.max(at)),
        None => (i64::MIN, i64::MAX),
    })
}
