//! An open data folder whose lane moves only when it is told to.
//!
//! Start-up is done in it, before the lane has its thread; a simulation never gives it one, so
//! that what happens depends on nothing but the seed.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use admit::Admitted;

use crate::aside::SetAside;
use crate::front::{Before, Front};
use crate::lane::{Fatal, Lane};
use crate::log::{Log, ReadError};
use crate::logs::LogMap;
use crate::open::{self, OpenError, Opened, Progress, Settings};
use crate::prepare::{Prepared, prepare};
use crate::rekey::{KeyError, KeyOrder, KeyTurn};
use crate::replay::Replay;
use crate::rotate::{Order, RotateError};
use crate::store::{Indexer, TickError};
use crate::submission::{Answer, Index, Reply, Submission};
use crate::suspect::{self, Unfit};
use crate::world::World;

/// An open data folder without threads (but for the journal's, if the settings ask for files
/// ahead).
pub struct Stepped {
    pub(crate) front: Arc<Front>,
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
        let opened = open::open(&world, settings, progress)?;
        let Opened { folder, lane, logs, before, said, sweep, aside, remarks } = opened;
        let mut front = Front::new(world, logs, indexer.clone(), settings, aside);
        front.remarks = remarks;
        let mut stepped = Stepped { front: Arc::new(front), lane };
        stepped.state(&before)?;
        stepped.finish()?;
        let world = stepped.front.world.clone();
        // A crash up to here leaves what was cut where it was: it is found and stated again.
        sweep.run(world.disk.as_ref())?;
        // And that the folder was put back: each log that has stated it does not do so again.
        let remark = stepped.lane.begin_signed(&world.keys, folder, &said)?;
        // Nobody else has it yet.
        if let Some(front) = Arc::get_mut(&mut stepped.front) {
            front.remarks.extend(remark);
        }
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

    /// Closes what was being closed when a process ended.
    fn finish(&mut self) -> Result<(), OpenError> {
        for name in self.front.unfinished() {
            let why = "a process ended while it closed this log".to_owned();
            let closed = self.rotate(&name, &Order { why, by: None });
            closed.map_err(|error| OpenError::io("the journal", io::Error::other(error)))?;
        }
        Ok(())
    }

    /// Reads what start-up found in the logs, from their beginning.
    pub fn replay(&self) -> Replay {
        Replay::new(self.logs().values())
    }

    /// The logs by name, as they are now.
    pub fn logs(&self) -> Arc<LogMap> {
        self.front.logs.all()
    }

    /// What was set aside, now or at an earlier start.
    pub fn set_aside(&self) -> &[SetAside] {
        &self.front.aside
    }

    /// As [`Store::remarks`](crate::Store::remarks).
    pub fn remarks(&self) -> &[String] {
        &self.front.remarks
    }

    /// As [`Store::keep`](crate::Store::keep).
    pub fn keep(&self, unfit: &Unfit) -> io::Result<()> {
        suspect::keep(&self.front.world, unfit)
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

    /// As [`Store::tick`](crate::Store::tick), but for that its statements wait for the next
    /// [`Stepped::frame`].
    pub fn tick(&mut self) -> Vec<(String, TickError)> {
        self.front.tidy();
        let mut failed = Vec::new();
        for (name, order) in self.front.full() {
            let closed = self.rotate(&name, &order);
            failed.extend(closed.err().map(|error| (name, TickError::Partition(error))));
        }
        let Stepped { front, lane } = self;
        let keys = front.tick_keys(&mut |batch, answers| commit(lane, batch, &answers));
        failed.extend(keys.into_iter().map(|(name, error)| (name, TickError::Keys(error))));
        // A log that is closed would send them back.
        for (prepared, index) in self.front.clock_statements() {
            self.submit(prepared, index, Box::new(|_| {}));
        }
        failed
    }

    /// As [`Store::rotate_key`](crate::Store::rotate_key).
    pub fn rotate_key(&mut self, name: &str, order: &KeyOrder) -> Result<KeyTurn, KeyError> {
        let Stepped { front, lane } = self;
        let mut commit = |batch, answers: Receiver<Answer>| commit(lane, batch, &answers);
        front.rotate_key(name, order, &mut commit)
    }

    /// As [`Store::newest`](crate::Store::newest).
    pub fn newest(&self, name: &str) -> Option<Arc<Log>> {
        self.front.newest(name)
    }

    /// As [`Store::rotate`](crate::Store::rotate); it goes before all that waits.
    pub fn rotate(&mut self, name: &str, order: &Order) -> Result<Arc<Log>, RotateError> {
        let (rotation, answers) = self.front.rotation(name, order)?;
        self.lane.order(rotation);
        // What became of it is answered, whatever this says.
        let ended = self.frame();
        let answer = answers.try_recv().unwrap_or(Answer::Unknown);
        ended.map_err(|_| RotateError::Failed)?;
        self.front.rotated(name, &answer)
    }

    /// Commits what is waiting and closes the folder in order.
    pub fn close(self) -> Result<(), Fatal> {
        self.close_told().map(|_| ())
    }

    /// The same; says whether there was room for the logs to state it.
    pub fn close_told(mut self) -> Result<bool, Fatal> {
        let (give, answers) = channel();
        for (prepared, index) in self.front.at_stop() {
            let give = give.clone();
            self.submit(prepared, index, Box::new(move |answer| drop(give.send(answer))));
        }
        self.lane.close()?;
        Ok(answers.try_iter().all(|answer| matches!(answer, Answer::Committed { .. })))
    }
}

/// Commits what waits until a batch is answered.
fn commit(lane: &mut Lane, batch: Submission, answers: &Receiver<Answer>) -> Answer {
    lane.submit(batch);
    loop {
        if let Ok(answer) = answers.try_recv() {
            return answer;
        }
        // What became of it is answered, whatever a frame says.
        if !lane.waits() || lane.frame().is_err() {
            return answers.try_recv().unwrap_or(Answer::Unknown);
        }
    }
}
