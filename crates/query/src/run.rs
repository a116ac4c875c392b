//! A run of rows of one log: grown at its end by the lane, packed by senders and readers.
//!
//! Completeness takes in the same rows in order, once they are durable; what it has not taken in
//! waits apart from the rows, so that rows can be packed first. A log that follows another one
//! goes on with its producers' streams: that one is heard to its end before.

use std::collections::VecDeque;
use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};

use event::Leaf;

use crate::block::Block;
use crate::chain::Chain;
use crate::heard::HeardAt;
use crate::hot::Settings;
use crate::rows::Rows;
use crate::tail::Tail;
use crate::view::{OpenRows, View};

/// Batches with fewer rows are put together when there are as many of them: readers look at each.
const SMALL: usize = 64;

/// Consecutive rows of one log.
#[derive(Default)]
pub(crate) struct Run {
    /// Grown by the lane, packed by who holds the tail.
    shown: RwLock<Shown>,
    /// Held by who packs; never by the lane. `None` while what was before is still to come.
    tail: Mutex<Option<Tail>>,
    /// The rows of the log that this one follows. Who holds the tail may wait for that one's tail,
    /// never the other way round.
    before: OnceLock<Arc<Run>>,
}

/// What readers see: the older rows in blocks.
#[derive(Default)]
struct Shown {
    blocks: Arc<Vec<Arc<Block>>>,
    /// Seq of the first row that is open; rows of `open` below it are in a block.
    packed: u64,
    open: VecDeque<Arc<OpenRows>>,
    /// Seq behind the last row.
    end: u64,
    /// What completeness has not taken in, ascending.
    heard: VecDeque<HeardAt>,
}

impl Run {
    /// A run that begins with the log.
    pub(crate) fn from_start(log: &str) -> Run {
        Run { tail: Mutex::new(Some(Tail::of(log))), ..Run::default() }
    }

    /// A run whose past is found out later and put before it by [`Run::join`].
    pub(crate) fn without_past() -> Run {
        Run::default()
    }

    /// Says whose rows are before the first of these. What was said first stays.
    pub(crate) fn follow(&self, before: Arc<Run>) {
        let _ = self.before.set(before);
    }

    /// Whether that was said.
    pub(crate) fn follows(&self) -> bool {
        self.before.get().is_some()
    }

    /// Adds rows at the end.
    pub(crate) fn add(&self, first: u64, leaves: &[Leaf], mut rows: Rows) {
        let heard = std::mem::take(&mut rows.heard).at(first, leaves);
        let usable = rows.len() == leaves.len();
        let open = Arc::new(OpenRows { first, rows });
        let mut shown = self.write();
        // Rows that do not follow would be found at the wrong place. Beginning anew costs speed:
        // what the index does not cover is read.
        if shown.end != first || !usable {
            let first = if usable { first } else { heard.end() };
            let mut waiting = std::mem::take(&mut shown.heard);
            waiting.retain(|heard| heard.end() <= first);
            *shown = Shown { packed: first, end: first, heard: waiting, ..Shown::default() };
        }
        if usable {
            shown.end = open.end();
            shown.open.push_back(open);
            shown.heard.push_back(heard);
        }
    }

    /// What there is.
    pub(crate) fn view(&self) -> View {
        let shown = self.read();
        View {
            blocks: shown.blocks.clone(),
            packed: shown.packed,
            open: shown.open.iter().cloned().collect(),
            end: shown.end,
        }
    }

    /// Looks at the completeness of the durable rows; there is none before the past is known.
    pub(crate) fn with_tail<R>(&self, durable: u64, look: impl FnOnce(&Tail) -> R) -> R {
        let mut tail = self.tail();
        match tail.as_mut() {
            Some(tail) => {
                self.hear(tail, durable);
                look(tail)
            }
            None => look(&Tail::default()),
        }
    }

    /// Packs durable rows as long as they fill a block. One at a time does it; others go on.
    pub(crate) fn pack(&self, durable: u64, settings: &Settings) {
        let block_rows = settings.block_rows as u64;
        let is_due = |end: u64, packed: u64| end.min(durable) >= packed + block_rows;
        {
            let shown = self.read();
            if !is_due(shown.end, shown.packed) && shown.small() < SMALL {
                return;
            }
        }
        let Some(mut tail) = self.tail_if_free() else { return };
        if let Some(tail) = tail.as_mut() {
            self.hear(tail, durable);
        }
        loop {
            let view = self.view();
            if !is_due(view.end, view.packed) {
                return self.merge();
            }
            let rows: Vec<_> = view.open_rows(view.packed, view.packed + block_rows).collect();
            self.show_packed(&view, Block::pack(view.packed, &rows), settings.rows_max);
        }
    }

    /// Puts small batches at the end together. Who calls it holds the tail.
    fn merge(&self) {
        let small: Vec<Arc<OpenRows>> = {
            let shown = self.read();
            let start = shown.open.len() - shown.small();
            shown.open.range(start..).cloned().collect()
        };
        let Some(front) = small.first().filter(|_| small.len() >= SMALL) else { return };
        let rows = Rows::joined(small.iter().map(|open| &open.rows));
        let merged = Arc::new(OpenRows { first: front.first, rows });
        let mut shown = self.write();
        // The lane may have added batches, or begun anew.
        let Some(at) = shown.open.iter().position(|open| Arc::ptr_eq(open, front)) else { return };
        shown.open.drain(at + 1..at + small.len());
        shown.open[at] = merged;
    }

    /// Puts the rows of `past` before these, to be told and packed as one run from here on.
    pub(crate) fn join(&self, past: &Run, settings: &Settings) {
        let before = past.finish(settings);
        let mut tail = self.tail();
        *tail = past.tail().take();
        let mut shown = self.write();
        if shown.end == 0 {
            (shown.packed, shown.end) = (before.end, before.end);
        }
        let begin = shown.blocks.first().map_or(shown.packed, |block| block.first);
        let older = before.blocks.iter().filter(|block| block.end() <= begin);
        let mut blocks: Vec<_> = older.chain(shown.blocks.iter()).cloned().collect();
        drop_oldest(&mut blocks, shown.packed, settings.rows_max);
        shown.blocks = Arc::new(blocks);
    }

    /// Takes in and packs everything, the last rows into a block that may be short.
    pub(crate) fn finish(&self, settings: &Settings) -> View {
        self.with_tail(u64::MAX, |_| ());
        self.pack(u64::MAX, settings);
        let view = self.view();
        if view.packed < view.end {
            let rows: Vec<_> = view.open_rows(view.packed, view.end).collect();
            self.show_packed(&view, Block::pack(view.packed, &rows), settings.rows_max);
        }
        self.view()
    }

    /// Lets completeness take in what is durable.
    fn hear(&self, tail: &mut Tail, durable: u64) {
        let is_due = |heard: &HeardAt| heard.end() <= durable;
        if !self.read().heard.front().is_some_and(is_due) {
            return;
        }
        if self.chain(tail).is_none() {
            return;
        }
        let due: Vec<HeardAt> = {
            let mut shown = self.write();
            let count = shown.heard.iter().take_while(|heard| is_due(heard)).count();
            shown.heard.drain(..count).collect()
        };
        tail.take(&due);
    }

    /// The chain of logs whose streams go on here; none while what was before is still to come.
    fn chain(&self, tail: &mut Tail) -> Option<Arc<Chain>> {
        if tail.chain().is_none() {
            tail.enter(match self.before.get() {
                Some(before) => before.heard_to_its_end()?,
                None => Arc::default(),
            });
        }
        tail.chain().cloned()
    }

    /// Lets completeness take in everything: the log is closed, so all of it is durable.
    fn heard_to_its_end(&self) -> Option<Arc<Chain>> {
        let mut tail = self.tail();
        let tail = tail.as_mut()?;
        self.hear(tail, u64::MAX);
        self.chain(tail)
    }

    /// Puts a block in the place of the rows it was made of.
    fn show_packed(&self, view: &View, block: Block, rows_max: u64) {
        let packed = block.end();
        let mut blocks: Vec<_> = view.blocks.as_ref().clone();
        blocks.push(Arc::new(block));
        drop_oldest(&mut blocks, packed, rows_max);
        let mut shown = self.write();
        // Only who holds the tail changes these, but for `add`, which may begin anew.
        if !Arc::ptr_eq(&shown.blocks, &view.blocks) {
            return;
        }
        (shown.blocks, shown.packed) = (Arc::new(blocks), packed);
        while shown.open.front().is_some_and(|open| open.end() <= packed) {
            shown.open.pop_front();
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Shown> {
        self.shown.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shown> {
        self.shown.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn tail(&self) -> MutexGuard<'_, Option<Tail>> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tail_if_free(&self) -> Option<MutexGuard<'_, Option<Tail>>> {
        match self.tail.try_lock() {
            Ok(tail) => Some(tail),
            Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(std::sync::TryLockError::WouldBlock) => None,
        }
    }
}

impl Shown {
    /// How many small batches there are at the end.
    fn small(&self) -> usize {
        self.open.iter().rev().take_while(|open| open.rows.len() < SMALL).count()
    }
}

/// Drops the oldest blocks of more than `rows_max` packed rows, but never all.
fn drop_oldest(blocks: &mut Vec<Arc<Block>>, packed: u64, rows_max: u64) {
    let too_many = blocks.iter().take_while(|block| packed - block.first > rows_max).count();
    blocks.drain(..too_many.min(blocks.len().saturating_sub(1)));
}

#[cfg(test)]
mod tests {
    use event::Fields;

    use super::*;

    fn add(run: &Run, first: u64, count: usize) {
        let fields = Fields::from_stored([("[\"action\"]", "\"a\"")].into_iter()).expect("fields");
        let leaves = vec![Leaf { recorded_at: 0, digest: [0; 32] }; count];
        run.add(first, &leaves, Rows::build(std::iter::repeat_n(&fields, count)));
    }

    fn shape(run: &Run) -> (Vec<(u64, usize)>, u64, usize, u64) {
        let view = run.view();
        let blocks = view.blocks.iter().map(|block| (block.first, block.rows)).collect();
        (blocks, view.packed, view.open.len(), view.end)
    }

    #[test]
    fn what_is_durable_is_packed_into_full_blocks() {
        let (run, settings) = (Run::from_start("acme-0"), Settings { block_rows: 4, rows_max: 8 });
        (0..3).for_each(|n| add(&run, n * 3, 3));
        run.pack(3, &settings);
        assert_eq!(shape(&run), (vec![], 0, 3, 9));
        run.pack(6, &settings);
        assert_eq!(shape(&run), (vec![(0, 4)], 4, 2, 9));
        add(&run, 9, 5);
        run.pack(14, &settings);
        assert_eq!(shape(&run), (vec![(4, 4), (8, 4)], 12, 1, 14), "the oldest is dropped");
    }

    #[test]
    fn small_batches_are_put_together() {
        let (run, settings) =
            (Run::from_start("acme-0"), Settings { block_rows: 300, rows_max: 1_000 });
        for n in 0..299 {
            add(&run, n, 1);
            run.pack(0, &settings);
            assert!(run.view().open.len() < SMALL + 5);
        }
        let view = run.view();
        let sizes: Vec<usize> = view.open.iter().map(|open| open.rows.len()).collect();
        assert_eq!(sizes[..5], [64, 64, 64, 64, 1]);
        assert_eq!((view.open_rows(10, 299).count(), view.open[1].first), (289, 64));
        assert!(view.open_rows(0, 299).all(|row| row.terms.len() == 1));
        add(&run, 299, 1);
        run.pack(300, &settings);
        assert_eq!(shape(&run), (vec![(0, 300)], 300, 0, 300));
    }

    #[test]
    fn a_past_is_put_before_with_a_short_block() {
        let settings = Settings { block_rows: 4, rows_max: 100 };
        let (past, present) = (Run::from_start("acme-0"), Run::without_past());
        add(&present, 7, 5);
        present.pack(12, &settings);
        assert_eq!(shape(&present), (vec![(7, 4)], 11, 1, 12), "packed though nothing is heard");
        present.with_tail(12, |tail| assert!(tail.activities.services.is_empty()));
        add(&past, 0, 7);
        present.join(&past, &settings);
        assert_eq!(shape(&present), (vec![(0, 4), (4, 3), (7, 4)], 11, 1, 12));
        let empty = Run::without_past();
        empty.join(&Run::from_start("acme-0"), &settings);
        add(&empty, 0, 1);
        assert_eq!(shape(&empty), (vec![], 0, 1, 1));
    }
}
