//! The hot index: what is known in memory of the events in the journal.
//!
//! Rows are made in the sender's task; the lane does no more than hang them in ([`Hot::add`]). When
//! some thousand durable rows hang there, the next sender packs them into a block, beside the lane:
//! some milliseconds for one sender in many.
//! Readers take a view under a short lock and look at it without one.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};

use admit::Admitted;
use commit::journal::event_list::StoredEvent;
use commit::{Indexer, LogMeta, Placed};
use event::Leaf;

use crate::block::{self, Block};
use crate::dictionary::Dictionary;
use crate::filter::Filter;
use crate::probe::Probes;
use crate::rows::{Row, Rows};
use crate::tail::Tail;

/// Rows of a piece that has no index.
const PIECE_ROWS: u64 = 4_096;

/// How the index is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Rows of a block, 1 to 65,536.
    pub block_rows: usize,
    /// Rows of one log that are indexed; older ones are found by reading.
    pub rows_max: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { block_rows: 4_096, rows_max: 1 << 24 }
    }
}

/// The index of all logs.
#[derive(Default)]
pub struct Hot {
    settings: Settings,
    logs: RwLock<BTreeMap<String, Arc<LogIndex>>>,
}

/// The index of one log.
#[derive(Default)]
struct LogIndex {
    /// Grown by the lane, packed by senders.
    shown: RwLock<Shown>,
    /// Learned before rows are shown, so that it never knows less than they hold.
    dictionary: RwLock<Dictionary>,
    /// Held by who packs; never by the lane.
    tail: Mutex<Tail>,
}

/// What readers see: consecutive rows, the older ones in blocks.
#[derive(Default)]
struct Shown {
    /// Seq of the first row in the index.
    first: u64,
    blocks: Arc<Vec<Arc<Block>>>,
    /// Seq behind the last packed row; rows of `open` below it are in a block.
    packed: u64,
    open: VecDeque<Arc<OpenRows>>,
    /// Seq behind the last row.
    end: u64,
}

/// Rows of one batch that are not packed, or not all.
pub(crate) struct OpenRows {
    pub(crate) first: u64,
    pub(crate) rows: Rows,
    /// When each was recorded.
    pub(crate) recorded_at: Vec<i64>,
}

impl OpenRows {
    pub(crate) fn end(&self) -> u64 {
        self.first + self.recorded_at.len() as u64
    }
}

impl Hot {
    /// An empty index.
    pub fn new() -> Hot {
        Hot::default()
    }

    /// An empty index with other settings.
    pub fn with(settings: Settings) -> Hot {
        let block_rows = settings.block_rows.clamp(1, block::ROWS_MAX);
        Hot { settings: Settings { block_rows, ..settings }, logs: RwLock::default() }
    }

    /// What the store calls to index each batch.
    pub fn indexer(self: &Arc<Hot>) -> Box<Indexer> {
        let hot = Arc::clone(self);
        Box::new(move |prepared, sent| {
            let log = prepared.log();
            let index = hot.log(log.meta.name());
            index.pack(log.checkpoint().size, &hot.settings);
            let rows = Rows::build(prepared.added(sent).map(Admitted::fields));
            index.learn(&rows);
            Box::new(move |placed: Placed<'_>| index.add(placed.first, placed.leaves, rows))
        })
    }

    /// Indexes what start-up finds in the journal.
    pub fn replay(&self, meta: &LogMeta, first: u64, leaves: &[Leaf], events: &[StoredEvent]) {
        let rows = Rows::build(events.iter().map(|event| &event.fields));
        let index = self.log(meta.name());
        index.learn(&rows);
        index.add(first, leaves, rows);
        index.pack(first + leaves.len() as u64, &self.settings);
    }

    /// Adds consecutive rows by hand, as [`Hot::indexer`] does for the lane.
    pub fn add(&self, log: &str, first: u64, leaves: &[Leaf], rows: Rows) {
        let index = self.log(log);
        index.learn(&rows);
        index.add(first, leaves, rows);
    }

    /// Bytes that packed blocks take, and how many rows are in them.
    pub fn packed_bytes(&self) -> (usize, u64) {
        let logs = self.logs.read().unwrap_or_else(PoisonError::into_inner);
        let blocks =
            logs.values().flat_map(|index| index.view().blocks.iter().cloned().collect::<Vec<_>>());
        blocks.fold((0, 0), |(bytes, rows), b| (bytes + b.bytes(), rows + b.rows as u64))
    }

    /// What is known of a log, and what of the filter that can answer.
    pub(crate) fn view(&self, log: &str, filter: &Filter) -> (View, Probes) {
        let index = self.log(log);
        let view = index.view();
        let dictionary = index.dictionary.read().unwrap_or_else(PoisonError::into_inner);
        (view, Probes::new(filter, &dictionary))
    }

    /// Looks at the completeness of a log's durable rows.
    pub(crate) fn with_tail<R>(&self, log: &str, durable: u64, look: impl FnOnce(&Tail) -> R) -> R {
        let index = self.log(log);
        let mut tail = index.tail();
        tail.apply(&index.view().open, durable);
        look(&tail)
    }

    fn log(&self, name: &str) -> Arc<LogIndex> {
        let logs = self.logs.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = logs.get(name) {
            return index.clone();
        }
        drop(logs);
        let mut logs = self.logs.write().unwrap_or_else(PoisonError::into_inner);
        logs.entry(name.to_owned()).or_default().clone()
    }
}

impl LogIndex {
    fn learn(&self, rows: &Rows) {
        let dictionary = self.dictionary.read().unwrap_or_else(PoisonError::into_inner);
        if !dictionary.knows(&rows.spoken) {
            drop(dictionary);
            self.dictionary.write().unwrap_or_else(PoisonError::into_inner).learn(&rows.spoken);
        }
    }

    fn add(&self, first: u64, leaves: &[Leaf], rows: Rows) {
        let recorded_at: Vec<i64> = leaves.iter().map(|leaf| leaf.recorded_at).collect();
        let usable = rows.len() == leaves.len();
        let open = Arc::new(OpenRows { first, rows, recorded_at });
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        // Rows that do not follow would be found at the wrong place. Beginning anew costs speed:
        // what the index does not cover is read.
        if shown.end != first || !usable {
            let first = if usable { first } else { open.end() };
            *shown = Shown { first, packed: first, end: first, ..Shown::default() };
        }
        if usable {
            shown.end = open.end();
            shown.open.push_back(open);
        }
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> View {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        View {
            first: shown.first,
            blocks: shown.blocks.clone(),
            packed: shown.packed,
            open: shown.open.iter().cloned().collect(),
            end: shown.end,
        }
    }

    /// Packs durable rows as long as they fill a block. One at a time does it; others go on.
    fn pack(&self, durable: u64, settings: &Settings) {
        let waiting = |shown: &Shown| shown.end.min(durable).saturating_sub(shown.packed);
        let block_rows = settings.block_rows as u64;
        if waiting(&self.shown.read().unwrap_or_else(PoisonError::into_inner)) < block_rows {
            return;
        }
        let mut tail = match self.tail.try_lock() {
            Ok(tail) => tail,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        loop {
            let view = self.view();
            tail.apply(&view.open, durable);
            if view.end.min(durable) < view.packed + block_rows {
                return;
            }
            let rows = view.open_rows(view.packed, view.packed + block_rows);
            self.show_packed(&view, Block::pack(view.packed, &rows), settings.rows_max);
        }
    }

    /// Puts a block in the place of the rows it was made of.
    fn show_packed(&self, view: &View, block: Block, rows_max: u64) {
        let packed = block.first + block.rows as u64;
        let mut blocks: Vec<_> = view.blocks.as_ref().clone();
        blocks.push(Arc::new(block));
        let too_many = blocks.iter().take_while(|block| packed - block.first > rows_max).count();
        blocks.drain(..too_many.min(blocks.len() - 1));
        let first = blocks.first().map_or(packed, |block| block.first);
        let blocks = Arc::new(blocks);
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        // Only who holds the tail changes these, but for `add`, which may begin anew.
        if shown.packed != view.packed || shown.first != view.first {
            return;
        }
        *shown =
            Shown { first, packed, blocks, open: std::mem::take(&mut shown.open), end: shown.end };
        while shown.open.front().is_some_and(|open| open.end() <= packed) {
            shown.open.pop_front();
        }
    }
}

/// The index of one log at one moment.
pub(crate) struct View {
    first: u64,
    blocks: Arc<Vec<Arc<Block>>>,
    packed: u64,
    open: Vec<Arc<OpenRows>>,
    end: u64,
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

impl View {
    /// The pieces that reach into `low..high`, ascending.
    pub(crate) fn pieces(&self, (low, high): (u64, u64)) -> Vec<Piece> {
        let reaches = |from: u64, to: u64| from < high && to > low;
        let unknown = |from: u64, to: u64| {
            let (from, to) = (from.max(low), to.min(high));
            let starts = (from..to).step_by(PIECE_ROWS as usize);
            starts.map(move |at| Piece::Unknown(at, to.min(at + PIECE_ROWS)))
        };
        let blocks = self.blocks.iter().enumerate();
        let blocks = blocks.filter(|(_, b)| reaches(b.first, b.first + b.rows as u64));
        let open = (reaches(self.packed, self.end)).then_some(Piece::Open);
        unknown(0, self.first)
            .chain(blocks.map(|(nth, _)| Piece::Packed(nth)))
            .chain(open)
            .chain(unknown(self.end, u64::MAX))
            .collect()
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
                let rows = self.open_rows(self.packed, self.end).into_iter().enumerate();
                let passed = rows.filter(|(_, row)| probes.pass(*row));
                found.extend(passed.map(|(nth, _)| self.packed + nth as u64));
            }
        }
        found.retain(|seq| (low..high).contains(seq));
        found
    }

    /// Rows that are not packed; `from` and `to` lie within them.
    fn open_rows(&self, from: u64, to: u64) -> Vec<Row<'_>> {
        let mut rows = Vec::with_capacity((to - from) as usize);
        for open in &self.open {
            let (low, high) = (open.first.max(from), open.end().min(to));
            rows.extend((low..high).map(|seq| open.rows.row((seq - open.first) as usize)));
        }
        rows
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
