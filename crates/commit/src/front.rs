//! What happens before the lane, on any thread: batches are prepared, and the log's own statements
//! made.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use admit::Admitted;

use crate::aside::{self, SetAside};
use crate::clock_watch::{ClockWatch, JUMP_MIN_NS, Jump};
use crate::folder::LogSpec;
use crate::log::{Log, ReadError};
use crate::logs::Logs;
use crate::open::Settings;
use crate::own;
use crate::prepare::{Prepared, prepare};
use crate::put_back::Accepted;
use crate::rotate::Order;
use crate::store::Indexer;
use crate::submission::Index;
use crate::world::World;

/// How the process before left the folder.
pub(crate) struct Before {
    /// Whether it closed it in order.
    pub(crate) closed: bool,
    /// Where a torn tail was cut off.
    pub(crate) cut: Option<(String, u64)>,
    /// What had been signed, where somebody put back an older folder on purpose.
    pub(crate) accepted: Option<Accepted>,
}

/// A log of fewer entries has no limit that could close it.
const ENTRIES_MIN: u64 = 100;

/// When a log is closed without an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionLimits {
    /// It has so many entries; at least a hundred.
    pub entries_max: Option<u64>,
    /// Its first entry is so old.
    pub age_max: Option<Duration>,
}

/// What stands before the lane.
pub(crate) struct Front {
    pub(crate) world: World,
    pub(crate) logs: Logs,
    pub(crate) indexer: Arc<Indexer>,
    /// Stated when the server starts and stops.
    version: Option<String>,
    limits: PartitionLimits,
    /// The logs that the settings name.
    specs: Vec<LogSpec>,
    /// What was set aside, when the folder was opened.
    pub(crate) aside: Vec<SetAside>,
    /// What whoever opened it should hear.
    pub(crate) remarks: Vec<String>,
    watch: Mutex<ClockWatch>,
    /// Held while a log is being closed: one at a time.
    pub(crate) rotating: Mutex<()>,
}

/// A batch of the log's own statements, for the lane.
pub(crate) type OwnBatch = (Prepared, Index);

impl Front {
    pub(crate) fn new(
        world: World,
        logs: Logs,
        indexer: Arc<Indexer>,
        settings: &Settings,
        aside: Vec<SetAside>,
    ) -> Front {
        let watch = ClockWatch::new(world.clock.now(), world.clock.elapsed());
        let (version, limits) = (settings.version.clone(), settings.partitions.clone());
        let (watch, rotating) = (Mutex::new(watch), Mutex::new(()));
        let specs = settings.logs.clone();
        let remarks = Vec::new();
        Front { world, logs, indexer, version, limits, specs, aside, remarks, watch, rotating }
    }

    /// The logs that take events.
    fn open_logs(&self) -> Vec<Arc<Log>> {
        let logs = self.logs.all();
        let open = logs.values().filter(|log| log.is_open());
        open.cloned().collect()
    }

    /// Logs that are to be closed, for the one that follows is there and has no entry: a process
    /// ended before it came to that.
    pub(crate) fn unfinished(&self) -> Vec<String> {
        let logs = self.logs.all();
        let waiting = logs.values().filter(|log| log.is_waiting());
        let closing = waiting.filter_map(|log| Some(log.predecessor()?.meta.name().to_owned()));
        closing.collect()
    }

    /// The log that took over from the one of this name, perhaps through others; itself if it is
    /// open.
    pub(crate) fn newest(&self, name: &str) -> Option<Arc<Log>> {
        let logs = self.logs.all();
        let newest = aside::newest(&logs, name);
        // What it leads to was taken away: the tenant's open log is meant.
        let of = newest.as_ref().map(|log| LogSpec::of(&log.meta));
        let of = of.or_else(|| self.specs.iter().find(|spec| spec.name == name).cloned());
        newest.filter(|log| log.damaged().is_none()).or_else(|| {
            let of = of?;
            logs.values().find(|log| log.is_open() && of.is_of(&log.meta)).cloned()
        })
    }

    /// The open logs that have reached a limit, and how to say it.
    pub(crate) fn full(&self) -> Vec<(String, Order)> {
        let now = self.world.clock.now();
        let why = |log: &Log| {
            let (size, limits) = (log.checkpoint().size, &self.limits);
            if limits.entries_max.is_some_and(|max| size >= max.max(ENTRIES_MIN)) {
                return Some(format!("the log has {size} entries, which is the limit"));
            }
            let opened_at = log.published().tree.recorded_at(0)?;
            let age = Duration::from_nanos(u64::try_from(now.saturating_sub(opened_at)).ok()?);
            let days = age.as_secs() / 86_400;
            let is_old = limits.age_max.is_some_and(|max| age >= max);
            is_old.then(|| format!("the log is {days} days old, which is the limit"))
        };
        let named = |log: Arc<Log>| {
            let order = Order { why: why(&log)?, by: None };
            Some((log.meta.name().to_owned(), order))
        };
        self.open_logs().into_iter().filter_map(named).collect()
    }

    /// Gives back what closed logs need not keep.
    pub(crate) fn tidy(&self) {
        let now = self.world.clock.now();
        let logs = self.logs.all();
        logs.values().filter(|log| log.successor().is_some()).for_each(|log| log.forget_ids(now));
    }

    /// Makes a batch of the log's own statements.
    pub(crate) fn own_batch(
        &self,
        log: &Arc<Log>,
        events: &[Admitted],
    ) -> Result<OwnBatch, ReadError> {
        let prepared = prepare(&self.world, log, events)?;
        let index = (self.indexer)(&prepared, events);
        Ok((prepared, index))
    }

    /// What each open log states of a start, in one batch each.
    pub(crate) fn at_start(&self, before: &Before) -> Result<Vec<OwnBatch>, ReadError> {
        let mut batches = Vec::new();
        for log in self.open_logs() {
            let events = self.start_events(&log, before);
            if !events.is_empty() {
                batches.push(self.own_batch(&log, &events)?);
            }
        }
        Ok(batches)
    }

    fn start_events(&self, log: &Log, before: &Before) -> Vec<Admitted> {
        let (world, tenant) = (&self.world, &log.meta.tenant[..]);
        let size = log.checkpoint().size;
        let newest = |name: &str| self.newest(name);
        let mut events = Vec::new();
        if size == 0 {
            events.push(self.opening_event(log));
        }
        let put_back = before.accepted.iter().flat_map(|it| it.events(world, log, &newest));
        events.extend(put_back);
        if let Some((file, offset)) = &before.cut {
            events.push(own::cut(world, tenant, file, *offset));
        }
        let Some(version) = self.version.as_deref().filter(|_| size > 0) else { return events };
        let cut = before.cut.is_some();
        events.push(own::started(world, tenant, version, size, before.closed, cut));
        let newest = log.published().tree.recorded_at(size - 1).unwrap_or(i64::MIN);
        let jump = Jump { expected: newest, found: world.clock.now(), untold: 0 };
        if jump.by_ns() <= -JUMP_MIN_NS {
            events.push(own::clock_behind(world, tenant, &jump));
        }
        events
    }

    /// A log that no log was closed for is opened: there was none, or it was damaged.
    fn opening_event(&self, log: &Log) -> Admitted {
        let Some(note) = &log.meta.damage else {
            let why = "declared in the configuration and not there at start-up".to_owned();
            return own::opened(&self.world, &log.meta, &Order { why, by: None }, None);
        };
        let ended = log.predecessor().map(|ended| (ended.meta.origin.as_str(), ended.checkpoint()));
        let before = ended.as_ref().map(|(origin, newest)| own::Before {
            origin,
            size: newest.size,
            root: newest.root,
        });
        own::went_on(&self.world, &log.meta, note, before.as_ref())
    }

    /// What each open log states before the folder is closed in order.
    pub(crate) fn at_stop(&self) -> Vec<OwnBatch> {
        let Some(version) = &self.version else { return Vec::new() };
        self.state(|log| own::stopped(&self.world, &log.meta.tenant, version))
    }

    /// Looks at the clocks, and says what each open log has to state of them.
    pub(crate) fn clock_statements(&self) -> Vec<OwnBatch> {
        let clock = &self.world.clock;
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let jump = watch.look(clock.now(), clock.elapsed());
        drop(watch);
        let Some(jump) = jump else { return Vec::new() };
        self.state(|log| own::clock_jump(&self.world, &log.meta.tenant, &jump))
    }

    /// One statement for each open log. Such statements have ids of their own, so nothing is read
    /// for them that could fail.
    fn state(&self, make: impl Fn(&Log) -> Admitted) -> Vec<OwnBatch> {
        let logs = self.open_logs();
        logs.iter().filter_map(|log| self.own_batch(log, &[make(log)]).ok()).collect()
    }
}
