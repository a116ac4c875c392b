//! The commit path as others use it: open, prepare, submit, read, close.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use admit::Admitted;

use crate::aside::SetAside;
use crate::front::Front;
use crate::lane::Fatal;
use crate::log::{Log, ReadError};
use crate::logs::LogMap;
use crate::measures::{Measures, Waiting};
use crate::open::{OpenError, Progress, Settings};
use crate::prepare::{Prepared, prepare};
use crate::rekey::{KeyError, KeyOrder, KeyTurn};
use crate::replay::Replay;
use crate::rotate::{Order, RotateError};
use crate::stepped::Stepped;
use crate::submission::{Answer, Index, Message, Reply, Submission};
use crate::suspect::{self, Unfit};
use crate::world::World;

/// Batches that may wait for the lane.
const INBOX_MAX: usize = 4096;

/// Makes what indexes a batch, from the batch and the events it was made of.
pub type Indexer = dyn Fn(&Prepared, &[Admitted]) -> Index + Send + Sync;

/// What a tick could not do for a log.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    /// It is over its limit and stays open.
    #[error("the log is over its limit and stays open")]
    Partition(#[source] RotateError),
    /// A change of its keys is not finished.
    #[error("the change of the log's key is not finished")]
    Keys(#[source] KeyError),
}

/// An open data folder with its lane running.
pub struct Store {
    front: Arc<Front>,
    inbox: SyncSender<Message>,
    lane: Mutex<Option<JoinHandle<Result<(), Fatal>>>>,
    measures: Arc<Measures>,
}

impl Store {
    /// Opens a folder, starts its lane and writes what the log itself has to state: who opened it,
    /// what was cut, and that the server started. `died` is called if writing fails: the process
    /// must then end.
    pub fn open(
        world: World,
        settings: &Settings,
        progress: &mut Progress<'_>,
        indexer: &Arc<Indexer>,
        died: impl FnOnce(&Fatal) + Send + 'static,
    ) -> Result<Store, OpenError> {
        let Stepped { front, lane } = Stepped::open(world, settings, progress, indexer)?;
        let (inbox, outbox) = sync_channel(INBOX_MAX);
        let measures = lane.measures.clone();
        let run = move || {
            // A panic is a failure like any other: the process must end, not go on without a lane.
            let panicked = |_| Err(Fatal(std::io::Error::other("the lane panicked")));
            let result =
                catch_unwind(AssertUnwindSafe(|| lane.run(&outbox))).unwrap_or_else(panicked);
            if let Err(fatal) = &result {
                died(fatal);
            }
            result
        };
        let thread = std::thread::Builder::new()
            .name("lane".into())
            .spawn(run)
            .map_err(|error| OpenError::io("the lane's thread", error))?;
        Ok(Store { front, inbox, lane: Mutex::new(Some(thread)), measures })
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

    /// What whoever opened the folder should hear, in sentences.
    pub fn remarks(&self) -> &[String] {
        &self.front.remarks
    }

    /// Keeps what was found wrong with an event of the living folder, for the next start: it looks
    /// at that event before it takes anything. Who calls it ends the process.
    pub fn keep(&self, unfit: &Unfit) -> io::Result<()> {
        suspect::keep(&self.front.world, unfit)
    }

    /// What the lane has done and has to do.
    pub fn measures(&self) -> &Measures {
        &self.measures
    }

    /// Makes fresh ids and times for who admits.
    pub fn world(&self) -> &World {
        &self.front.world
    }

    /// Looks up ids, digests and compresses: the work before the lane.
    pub fn prepare(&self, log: &Arc<Log>, sent: &[Admitted]) -> Result<Prepared, ReadError> {
        prepare(&self.front.world, log, sent)
    }

    /// Hands a batch to the lane; `reply` hears what became of it. A batch that adds nothing is
    /// answered at once.
    pub fn submit(&self, prepared: Prepared, index: Index, reply: Reply) {
        let waiting = Waiting::new(self.measures.clone());
        let reply = Box::new(move |answer| {
            drop(waiting);
            reply(answer);
        });
        let Some(submission) = Submission::new(prepared, index, reply) else { return };
        match self.inbox.try_send(Message::Submit(submission)) {
            Ok(()) => {}
            Err(TrySendError::Full(Message::Submit(s))) => {
                self.measures.no_room.fetch_add(1, Relaxed);
                (s.reply)(Answer::NoRoom);
            }
            Err(TrySendError::Disconnected(Message::Submit(s))) => (s.reply)(Answer::Unknown),
            Err(_) => unreachable!("the message that was sent comes back"),
        }
    }

    /// To be called once a second or so: has the logs state that the clock was set, closes those
    /// that have reached a limit, and ends the time that two keys of a log sign together. Answers
    /// those where that failed; the next call tries again.
    pub fn tick(&self) -> Vec<(String, TickError)> {
        self.front.tidy();
        let mut failed = Vec::new();
        for (name, order) in self.front.full() {
            let closed = self.rotate(&name, &order);
            failed.extend(closed.err().map(|error| (name, TickError::Partition(error))));
        }
        // A log that is closed meanwhile would send them back.
        let _none = self.front.rotating.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = self.front.tick_keys(&mut |batch, answers| self.commit(batch, &answers));
        failed.extend(keys.into_iter().map(|(name, error)| (name, TickError::Keys(error))));
        let (give, answers) = channel();
        for (prepared, index) in self.front.clock_statements() {
            let give = give.clone();
            self.submit(prepared, index, Box::new(move |answer| drop(give.send(answer))));
        }
        drop(give);
        answers.iter().for_each(drop);
        failed
    }

    /// The log that takes what the one of this name took: itself if it is open, else the newest
    /// of those that followed it.
    pub fn newest(&self, name: &str) -> Option<Arc<Log>> {
        self.front.newest(name)
    }

    /// Closes a log and opens the next one of its tenant, while writes go on; answers that one.
    /// Waits for the disk.
    pub fn rotate(&self, name: &str, order: &Order) -> Result<Arc<Log>, RotateError> {
        let _one = self.front.rotating.lock().unwrap_or_else(PoisonError::into_inner);
        let (rotation, answers) = self.front.rotation(name, order)?;
        // A lane that has ended drops the message, and with it what would answer.
        let _ = self.inbox.send(Message::Rotate(Box::new(rotation)));
        self.front.rotated(name, &answers.recv().unwrap_or(Answer::Unknown))
    }

    /// Whether a log's key can be replaced now: it is open, and one key signs for it.
    pub fn may_rotate_key(&self, name: &str) -> Result<(), KeyError> {
        self.front.to_rekey(name).map(drop)
    }

    /// Gives a log a new signing key, while writes go on; the old one signs on for as long as
    /// ordered. Waits for the disk.
    pub fn rotate_key(&self, name: &str, order: &KeyOrder) -> Result<KeyTurn, KeyError> {
        let _one = self.front.rotating.lock().unwrap_or_else(PoisonError::into_inner);
        let mut commit = |batch, answers: Receiver<Answer>| self.commit(batch, &answers);
        self.front.rotate_key(name, order, &mut commit)
    }

    /// Hands a batch to the lane and waits for the answer.
    fn commit(&self, batch: Submission, answers: &Receiver<Answer>) -> Answer {
        // A lane that has ended drops the message, and with it what would answer.
        let _ = self.inbox.send(Message::Submit(batch));
        answers.recv().unwrap_or(Answer::Unknown)
    }

    /// Asks the lane to call `heard` before it takes its next turn: one that hangs in a write never
    /// does. Returns whether it was asked; it is not when it has ended or too much waits.
    pub fn ping(&self, heard: impl FnOnce() + Send + 'static) -> bool {
        self.inbox.try_send(Message::Ping(Box::new(heard))).is_ok()
    }

    /// Commits what is waiting and closes the folder in order.
    pub fn close(&self) -> Result<(), Fatal> {
        let thread = self.lane.lock().unwrap_or_else(|p| p.into_inner()).take();
        let Some(thread) = thread else { return Ok(()) };
        for (prepared, index) in self.front.at_stop() {
            self.submit(prepared, index, Box::new(|_| {}));
        }
        // A lane that has ended does not hear this; its result says why.
        let _ = self.inbox.send(Message::Close);
        let ended = thread.join();
        ended.unwrap_or_else(|_| Err(Fatal(std::io::Error::other("the lane panicked"))))
    }
}
