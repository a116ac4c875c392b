//! What a reader sees of one log's index, looked at without a lock.

use std::ops::Range;
use std::sync::Arc;

use crate::block::Block;
use crate::probe::{Probe, Probes};
use crate::rows::{Row, Rows};

/// Rows of a piece that has no index.
const PIECE_ROWS: u64 = 4_096;

/// Rows of one batch that are not packed, or not all.
pub(crate) struct OpenRows {
    pub(crate) first: u64,
    pub(crate) rows: Rows,
}

impl OpenRows {
    /// Seq behind the last row.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.rows.len() as u64
    }

    /// The seqs of its rows between `from` and `to`.
    fn seqs(&self, from: u64, to: u64) -> Range<u64> {
        self.first.max(from)..self.end().min(to)
    }

    fn row(&self, seq: u64) -> Row<'_> {
        self.rows.row((seq - self.first) as usize)
    }
}

/// The index of one log at one moment.
pub(crate) struct View {
    /// Ascending; between two of them may be rows that are in none.
    pub(crate) blocks: Arc<Vec<Arc<Block>>>,
    /// Seq of the first row that is open; rows of `open` below it are in a block.
    pub(crate) packed: u64,
    pub(crate) open: Vec<Arc<OpenRows>>,
    /// Seq behind the last row.
    pub(crate) end: u64,
}

/// Consecutive rows that are looked at together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Not in the index: each may match.
    Unknown(u64, u64),
    /// The nth block.
    Packed(usize),
    /// What is not packed.
    Open,
}

impl Piece {
    /// Whether each row that passes does so by itself, and not for a word of its neighbours.
    pub(crate) fn is_named_by(&self, probes: &Probes) -> bool {
        match self {
            Piece::Unknown(..) => false,
            Piece::Packed(_) => probes.all.iter().any(|probe| matches!(probe, Probe::Terms(_))),
            Piece::Open => !probes.all.is_empty(),
        }
    }
}

impl View {
    /// The pieces that reach into `low..high`, ascending.
    pub(crate) fn pieces(&self, (low, high): (u64, u64)) -> Vec<Piece> {
        let unknown = |from: u64, to: u64| {
            let (from, to) = (from.max(low), to.min(high));
            let starts = (from..to).step_by(PIECE_ROWS as usize);
            starts.map(move |at| Piece::Unknown(at, to.min(at + PIECE_ROWS)))
        };
        let reaches = |from: u64, to: u64| from < high && to > low;
        let (mut pieces, mut at) = (Vec::new(), 0);
        for (nth, block) in self.blocks.iter().enumerate() {
            pieces.extend(unknown(at, block.first));
            at = block.end();
            pieces.extend(reaches(block.first, at).then_some(Piece::Packed(nth)));
        }
        pieces.extend(unknown(at, self.packed));
        pieces.extend(reaches(self.packed, self.end).then_some(Piece::Open));
        pieces.extend(unknown(self.end, u64::MAX));
        pieces
    }

    /// The rows of a piece between `low` and `high` that may match, ascending.
    pub(crate) fn candidates(
        &self,
        piece: &Piece,
        probes: &Probes,
        (low, high): (u64, u64),
    ) -> Vec<u64> {
        let mut found = Vec::new();
        match piece {
            Piece::Unknown(from, to) => found.extend(*from..*to),
            Piece::Packed(nth) => {
                let block = &self.blocks[*nth];
                for (word, bits) in block.candidates(probes).into_iter().enumerate() {
                    let base = block.first + word as u64 * 64;
                    found.extend(Bits(bits).map(|bit| base + u64::from(bit)));
                }
            }
            Piece::Open => {
                for open in self.open.iter().filter(|open| probes.pass(open.rows.together())) {
                    let seqs = open.seqs(self.packed, self.end);
                    found.extend(seqs.filter(|seq| probes.pass(open.row(*seq))));
                }
            }
        }
        found.retain(|seq| (low..high).contains(seq));
        found
    }

    /// Rows that are not packed; `from` and `to` lie within them.
    pub(crate) fn open_rows(&self, from: u64, to: u64) -> impl Iterator<Item = Row<'_>> {
        self.open.iter().flat_map(move |open| open.seqs(from, to).map(|seq| open.row(seq)))
    }
}

/// The ones of a word, lowest first.
struct Bits(u64);

impl Iterator for Bits {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let bit = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        (bit < 64).then_some(bit)
    }
}
