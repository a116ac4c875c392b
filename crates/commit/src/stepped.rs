//! An open data folder whose lane moves only when it is told to.
//!
//! Start-up is done in it, before the lane has its thread; a simulation never gives it one, so
//! that what happens depends on nothing but the seed.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::channel;

use admit::Admitted;

use crate::front::{Before, Front};
use crate::lane::{Fatal, Lane};
use crate::log::{Log, ReadError};
use crate::logs::LogMap;
use crate::open::{self, OpenError, Opened, Progress, Settings};
use crate::prepare::{Prepared, prepare};
use crate::replay::Replay;
use crate::store::Indexer;
use crate::submission::{Answer, Index, Reply, Submission};
use crate::world::World;

/// An open data folder without threads (but for the journal's, if the settings ask for files
/// ahead).
pub struct Stepped {
    pub(crate) front: Front,
    pub(crate) lane: Lane,
}

impl Stepped {
    /// Opens a folder and writes what the log itself has to state: who opened it, what was cut,
    /// and that the server started.
    pub fn open(
        world: World,
        settings: &Settings,
        progress: &mut Progress<'_>,
        indexer: &Arc<Indexer>,
    ) -> Result<Stepped, OpenError> {
        let Opened { lane, logs, before, sweep } = open::open(&world, settings, progress)?;
        let front = Front::new(world, logs, indexer.clone(), settings.version.clone());
        let mut stepped = Stepped { front, lane };
        stepped.state(&before)?;
        // A crash up to here leaves what was cut where it was: it is found and stated again.
        sweep.run(stepped.front.world.disk.as_ref())?;
        Ok(stepped)
    }

    /// Commits the log's own statements, those of all logs in one frame: either each log states
    /// the cut or the next start-up does.
    fn state(&mut self, before: &Before) -> Result<(), OpenError> {
        let failed = |error| OpenError::io("the journal", io::Error::other(error));
        let (give, take) = channel();
        for (prepared, index) in self.front.at_start(before).map_err(failed)? {
            let give = give.clone();
            self.submit(prepared, index, Box::new(move |answer| drop(give.send(answer))));
        }
        drop(give);
        self.drain().map_err(|fatal| OpenError::io("the journal", fatal.0))?;
        let committed = take.iter().all(|answer| matches!(answer, Answer::Committed { .. }));
        let full = || OpenError::io("the journal", io::ErrorKind::StorageFull.into());
        committed.then_some(()).ok_or_else(full)
    }

    /// Reads what start-up found in the logs, from their beginning.
    pub fn replay(&self) -> Replay {
        Replay::new(self.logs().values())
    }

    /// The logs by name, as they are now.
    pub fn logs(&self) -> Arc<LogMap> {
        self.front.logs.all()
    }

    /// As [`Store::prepare`](crate::Store::prepare).
    pub fn prepare(&self, log: &Arc<Log>, sent: &[Admitted]) -> Result<Prepared, ReadError> {
        prepare(&self.front.world, log, sent)
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

    /// As [`Store::tick`](crate::Store::tick).
    pub fn tick(&mut self) {
        for (prepared, index) in self.front.clock_statements() {
            self.submit(prepared, index, Box::new(|_| {}));
        }
    }

    /// Commits what is waiting and closes the folder in order.
    pub fn close(mut self) -> Result<(), Fatal> {
        for (prepared, index) in self.front.at_stop() {
            self.submit(prepared, index, Box::new(|_| {}));
        }
        self.lane.close()
    }
}
