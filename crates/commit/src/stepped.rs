//! An open data folder whose lane moves only when it is told to.
//!
//! Start-up is done in it, before the lane has its thread; a simulation never gives it one, so
//! that what happens depends on nothing but the seed.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::channel;

use admit::Admitted;

use crate::lane::{Fatal, Lane};
use crate::log::{Log, ReadError};
use crate::open::{self, OpenError, Opened, Progress, Settings};
use crate::own;
use crate::prepare::{Prepared, prepare};
use crate::replay::Replay;
use crate::store::Indexer;
use crate::submission::{Answer, Index, Reply, Submission};
use crate::world::World;

/// An open data folder without threads (but for the journal's, if the settings ask for files
/// ahead).
pub struct Stepped {
    pub(crate) world: World,
    pub(crate) logs: BTreeMap<String, Arc<Log>>,
    pub(crate) lane: Lane,
}

impl Stepped {
    /// Opens a folder and writes what the log itself has to state: who opened it, and what was
    /// cut.
    pub fn open(
        world: World,
        settings: &Settings,
        progress: &mut Progress<'_>,
        indexer: &Indexer,
    ) -> Result<Stepped, OpenError> {
        let Opened { lane, logs, cut, sweep } = open::open(&world, settings, progress)?;
        let mut stepped = Stepped { world, logs, lane };
        stepped.state(cut.as_ref(), indexer)?;
        // A crash up to here leaves what was cut where it was: it is found and stated again.
        sweep.run(stepped.world.disk.as_ref())?;
        Ok(stepped)
    }

    /// Commits the log's own statements, those of all logs in one frame: either each log states
    /// the cut or the next start-up does.
    fn state(&mut self, cut: Option<&(String, u64)>, indexer: &Indexer) -> Result<(), OpenError> {
        let (give, take) = channel();
        for log in self.logs.clone().values() {
            let tenant = &log.meta.tenant;
            let mut events = Vec::new();
            if log.checkpoint().size == 0 {
                let why = "declared in the configuration and not there at start-up";
                events.push(own::opened(&self.world, &log.meta, why));
            }
            if let Some((file, offset)) = cut {
                events.push(own::cut(&self.world, tenant, file, *offset));
            }
            if !events.is_empty() {
                let failed = |error| OpenError::io("the journal", io::Error::other(error));
                let prepared = self.prepare(log, &events).map_err(failed)?;
                let index = indexer(&prepared, &events);
                let give = give.clone();
                self.submit(prepared, index, Box::new(move |answer| drop(give.send(answer))));
            }
        }
        drop(give);
        self.drain().map_err(|fatal| OpenError::io("the journal", fatal.0))?;
        let committed = take.iter().all(|answer| matches!(answer, Answer::Committed { .. }));
        let full = || OpenError::io("the journal", io::ErrorKind::StorageFull.into());
        committed.then_some(()).ok_or_else(full)
    }

    /// Reads what start-up found in the logs, from their beginning.
    pub fn replay(&self) -> Replay {
        Replay::new(self.logs.values())
    }

    /// The logs by name.
    pub fn logs(&self) -> &BTreeMap<String, Arc<Log>> {
        &self.logs
    }

    /// As [`Store::prepare`](crate::Store::prepare).
    pub fn prepare(&self, log: &Arc<Log>, sent: &[Admitted]) -> Result<Prepared, ReadError> {
        prepare(&self.world, log, sent)
    }

    /// As [`Store::submit`](crate::Store::submit), but for that nothing happens before the next
    /// [`Stepped::frame`].
    pub fn submit(&mut self, prepared: Prepared, index: Index, reply: Reply) {
        if let Some(submission) = Submission::new(prepared, index, reply) {
            self.lane.submit(submission);
        }
    }

    /// Commits one frame of what waits. After an error nothing but dropping this is left to do.
    pub fn frame(&mut self) -> Result<(), Fatal> {
        self.lane.frame()
    }

    /// Commits all that waits.
    pub fn drain(&mut self) -> Result<(), Fatal> {
        while self.lane.waits() {
            self.lane.frame()?;
        }
        Ok(())
    }

    /// What the lane does when nothing comes: keeps the head young.
    pub fn rest(&mut self) -> Result<(), Fatal> {
        self.lane.rest()
    }

    /// Commits what is waiting and closes the folder in order.
    pub fn close(self) -> Result<(), Fatal> {
        self.lane.close()
    }
}
