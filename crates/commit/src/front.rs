//! What happens before the lane, on any thread: batches are prepared, and the log's own statements
//! made.

use std::sync::{Arc, Mutex, PoisonError};

use admit::Admitted;

use crate::clock_watch::{ClockWatch, JUMP_MIN_NS, Jump};
use crate::log::{Log, ReadError};
use crate::logs::Logs;
use crate::own;
use crate::prepare::{Prepared, prepare};
use crate::store::Indexer;
use crate::submission::Index;
use crate::world::World;

/// How the process before left the folder.
pub(crate) struct Before {
    /// Whether it closed it in order.
    pub(crate) closed: bool,
    /// Where a torn tail was cut off.
    pub(crate) cut: Option<(String, u64)>,
}

/// What stands before the lane.
pub(crate) struct Front {
    pub(crate) world: World,
    pub(crate) logs: Logs,
    pub(crate) indexer: Arc<Indexer>,
    /// Stated when the server starts and stops.
    version: Option<String>,
    watch: Mutex<ClockWatch>,
}

/// A batch of the log's own statements, for the lane.
pub(crate) type OwnBatch = (Prepared, Index);

impl Front {
    pub(crate) fn new(
        world: World,
        logs: Logs,
        indexer: Arc<Indexer>,
        version: Option<String>,
    ) -> Front {
        let watch = ClockWatch::new(world.clock.now(), world.clock.elapsed());
        Front { world, logs, indexer, version, watch: Mutex::new(watch) }
    }

    /// The logs that take events.
    fn open_logs(&self) -> Vec<Arc<Log>> {
        self.logs.all().values().cloned().collect()
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
        let mut events = Vec::new();
        if size == 0 {
            let why = "declared in the configuration and not there at start-up";
            events.push(own::opened(world, &log.meta, why));
        }
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
