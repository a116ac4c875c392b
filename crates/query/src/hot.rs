//! The hot index: what is known in memory of the events in the journal.
//!
//! Rows are made in the sender's task; the lane does no more than hang them in ([`Hot::indexer`]).
//! When some thousand durable rows hang there, the next sender or reader packs them into a block,
//! beside the lane: some milliseconds for one in many.
//! Readers take a view under a short lock and look at it without one.
//!
//! At start, writes may go on before the journal is replayed ([`Hot::resuming`]): a log's index
//! then has a present, grown by the lane, and a past, grown by the replay, which
//! [`Hot::resumed`] joins. A reader that comes in between reads what the present does not cover.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use admit::Admitted;
use commit::journal::event_list::StoredEvent;
use commit::{Index, Indexer, LogMeta, Placed, Prepared};
use event::Leaf;

use crate::block;
use crate::chain::Chain;
use crate::dictionary::Dictionary;
use crate::filter::Filter;
use crate::probe::Probes;
use crate::rows::Rows;
use crate::run::Run;
use crate::tail::Tail;
use crate::view::View;

/// How the index is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Rows of a block, 1 to 65,535.
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
    logs: RwLock<Logs>,
}

#[derive(Default)]
struct Logs {
    /// Whether earlier rows are still to be replayed.
    resuming: bool,
    by_name: BTreeMap<String, Arc<LogIndex>>,
}

/// The index of one log.
struct LogIndex {
    present: Arc<Run>,
    /// Rows before the present's, while they are replayed.
    past: Mutex<Option<Arc<Run>>>,
    /// Learned before rows are shown, so that it never knows less than they hold.
    dictionary: RwLock<Dictionary>,
}

impl Hot {
    /// An empty index.
    pub fn new() -> Hot {
        Hot::default()
    }

    /// An empty index with other settings.
    pub fn with(settings: Settings) -> Hot {
        let block_rows = settings.block_rows.clamp(1, block::ROWS_MAX);
        Hot { settings: Settings { block_rows, ..settings }, ..Hot::default() }
    }

    /// An empty index where rows may be added before the earlier ones were replayed: these come
    /// through [`Hot::replay`] meanwhile, until [`Hot::resumed`] says that all have.
    pub fn resuming(settings: Settings) -> Hot {
        let logs = RwLock::new(Logs { resuming: true, ..Logs::default() });
        Hot { logs, ..Hot::with(settings) }
    }

    /// Joins what was replayed with what was added meanwhile. To be called once, when all is
    /// replayed: what is replayed later is taken for rows that are new.
    pub fn resumed(&self) {
        let logs: Vec<_> = {
            let mut logs = self.logs.write().unwrap_or_else(PoisonError::into_inner);
            logs.resuming = false;
            logs.by_name.values().cloned().collect()
        };
        // All are heard before any is joined: a log goes on with the streams of the one it follows.
        for log in &logs {
            let past = log.past().clone();
            past.iter().for_each(|past| drop(past.finish(&self.settings)));
        }
        for log in logs {
            if let Some(past) = log.past().take() {
                log.present.join(&past, &self.settings);
            }
        }
    }

    /// What the store calls to index each batch.
    pub fn indexer(self: &Arc<Hot>) -> Arc<Indexer> {
        let hot = Arc::clone(self);
        Arc::new(move |prepared: &Prepared, sent: &[Admitted]| {
            let log = prepared.log();
            let index = hot.log_of(&log.meta);
            index.present.pack(log.checkpoint().size, &hot.settings);
            let mut rows = Rows::build(prepared.added(sent).map(Admitted::fields));
            index.learn(&mut rows);
            let add =
                move |placed: Placed<'_>| index.present.add(placed.first, placed.leaves, rows);
            Box::new(add) as Index
        })
    }

    /// Indexes what start-up finds in the journal.
    pub fn replay(&self, meta: &LogMeta, first: u64, leaves: &[Leaf], events: &[StoredEvent]) {
        let mut rows = Rows::build(events.iter().map(|event| &event.fields));
        let index = self.log_of(meta);
        index.learn(&mut rows);
        let past = index.past();
        let run = past.as_deref().unwrap_or(&index.present);
        run.add(first, leaves, rows);
        run.pack(first + leaves.len() as u64, &self.settings);
    }

    /// Adds consecutive rows without a store, for tests: what [`Hot::indexer`] does for the lane.
    /// Those before them are taken to be durable.
    pub fn add(&self, log: &str, first: u64, leaves: &[Leaf], mut rows: Rows) {
        let index = self.log(log);
        index.present.pack(first, &self.settings);
        index.learn(&mut rows);
        index.present.add(first, leaves, rows);
    }

    /// What is known of a log, and what of the filter that can answer. Rows below `durable` that
    /// no sender came to pack are packed first.
    pub(crate) fn view(&self, log: &str, durable: u64, filter: &Filter) -> (View, Probes) {
        let index = self.log(log);
        index.present.pack(durable, &self.settings);
        let view = index.present.view();
        let dictionary = index.dictionary.read().unwrap_or_else(PoisonError::into_inner);
        (view, Probes::new(filter, &dictionary))
    }

    /// Looks at the completeness of a log's durable rows.
    pub(crate) fn with_tail<R>(&self, log: &str, durable: u64, look: impl FnOnce(&Tail) -> R) -> R {
        self.log(log).present.with_tail(durable, look)
    }

    /// The streams of a log's chain, with what its durable rows say; none if nothing is known yet.
    pub(crate) fn chain(&self, log: &str, durable: u64) -> Option<Arc<Chain>> {
        self.with_tail(log, durable, |tail| tail.chain().cloned())
    }

    /// A log's index, which knows whom the log follows.
    fn log_of(&self, meta: &LogMeta) -> Arc<LogIndex> {
        let index = self.log(meta.name());
        if let Some(origin) = &meta.follows
            && !index.present.follows()
        {
            index.follow(&self.log(origin.rsplit('/').next().unwrap_or(origin)));
        }
        index
    }

    fn log(&self, name: &str) -> Arc<LogIndex> {
        let logs = self.logs.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = logs.by_name.get(name) {
            return index.clone();
        }
        drop(logs);
        let mut logs = self.logs.write().unwrap_or_else(PoisonError::into_inner);
        let resuming = logs.resuming;
        let index = || Arc::new(LogIndex::new(name, resuming));
        logs.by_name.entry(name.to_owned()).or_insert_with(index).clone()
    }
}

impl LogIndex {
    fn new(name: &str, resuming: bool) -> LogIndex {
        let present = if resuming { Run::without_past() } else { Run::from_start(name) };
        LogIndex {
            present: Arc::new(present),
            past: Mutex::new(resuming.then(|| Arc::new(Run::from_start(name)))),
            dictionary: RwLock::default(),
        }
    }

    /// Says whose rows are before this log's. The past's first: who finds the present told takes
    /// both for told.
    fn follow(&self, before: &LogIndex) {
        let [past, past_before] = [self, before].map(|log| log.past().clone());
        if let (Some(past), Some(before)) = (past, past_before) {
            past.follow(before);
        }
        self.present.follow(before.present.clone());
    }

    fn past(&self) -> MutexGuard<'_, Option<Arc<Run>>> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns what rows have; they need not keep it.
    fn learn(&self, rows: &mut Rows) {
        let spoken = std::mem::take(&mut rows.spoken);
        let dictionary = self.dictionary.read().unwrap_or_else(PoisonError::into_inner);
        if !dictionary.knows(&spoken) {
            drop(dictionary);
            self.dictionary.write().unwrap_or_else(PoisonError::into_inner).learn(&spoken);
        }
    }
}
