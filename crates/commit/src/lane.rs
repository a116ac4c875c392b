//! The lane: one thread, one journal, many logs.
//!
//! For each frame: take what waits, settle ids that entered since, plan seqs, write, fdatasync,
//! sign, publish, answer. What a crash leaves after each step is said beside it.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use platform::{Clock, Disk};

use crate::fair::Fair;
use crate::head::Head;
use crate::journal::frame::HEADER_BYTES;
use crate::journal::{Journal, JournalError, Place};
use crate::log::{Files, Log, Sequencer};
use crate::logs::Logs;
use crate::measures::Measures;
use crate::open::OpenError;
use crate::part::Part;
use crate::rotate::Rotation;
use crate::signed::{Said, Signed};
use crate::submission::{Answer, Message, Submission};

/// Compressed bytes that a frame is filled with; one request alone may be larger.
const FRAME_BYTES: usize = 4 << 20;
/// More than a section has beside its entries: its head, origin, checkpoint, epochs' lengths.
const SECTION_BYTES_MAX: usize = 2 << 10;
/// How long a head may stay unsynced.
const HEAD_AGE_MAX: Duration = Duration::from_secs(1);

/// The lane's own state; nobody else touches it.
pub struct Lane {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) journal: Journal,
    pub(crate) head: Head,
    /// What the folder of keys says, behind every sync of the head.
    pub(crate) signed: Signed,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) logs: BTreeMap<String, LaneLog>,
    /// Grows when the journal goes on in a new file.
    pub(crate) files: Arc<Files>,
    pub(crate) head_synced_at: Duration,
    pub(crate) waiting: Fair<Submission>,
    /// Logs to be closed; they come before what waits.
    pub(crate) rotations: VecDeque<Rotation>,
    /// Readers find a log here once it is open.
    pub(crate) shown: Logs,
    /// Room that frames are built in, kept over frames.
    pub(crate) frame: Vec<u8>,
    pub(crate) measures: Arc<Measures>,
}

/// One log as the lane sees it.
pub(crate) struct LaneLog {
    pub(crate) log: Arc<Log>,
    pub(crate) sequencer: Sequencer,
    /// Epochs that the journal has.
    pub(crate) epochs: HashSet<u32>,
}

impl LaneLog {
    /// A log without entries.
    pub(crate) fn new(log: Arc<Log>) -> LaneLog {
        LaneLog { log, sequencer: Sequencer::default(), epochs: HashSet::new() }
    }
}

/// The journal failed; the process must end.
#[derive(Debug, thiserror::Error)]
#[error("the journal failed; the process must end and start-up find out what is durable")]
pub struct Fatal(#[source] pub std::io::Error);

impl Lane {
    /// Runs until told to close or until writing fails.
    pub(crate) fn run(mut self, inbox: &Receiver<Message>) -> Result<(), Fatal> {
        loop {
            let message = if !self.waits() { self.wait(inbox) } else { Ok(None) };
            let mut closing = match message {
                Ok(Some(message)) => self.take(message),
                Ok(None) => false,
                Err(_) => true,
            };
            while let Ok(message) = inbox.try_recv() {
                closing |= self.take(message);
            }
            while self.waits() {
                self.frame()?;
                if !closing {
                    break;
                }
            }
            if closing {
                return self.close();
            }
            self.rest()?;
        }
    }

    /// Whether anything waits.
    pub(crate) fn waits(&self) -> bool {
        !self.waiting.is_empty() || !self.rotations.is_empty()
    }

    /// Keeps the head young while nothing comes.
    pub(crate) fn rest(&mut self) -> Result<(), Fatal> {
        self.keep_head(HEAD_AGE_MAX)
    }

    fn wait(&self, inbox: &Receiver<Message>) -> Result<Option<Message>, RecvTimeoutError> {
        if self.head.is_synced() {
            return inbox.recv().map(Some).map_err(|_| RecvTimeoutError::Disconnected);
        }
        match inbox.recv_timeout(HEAD_AGE_MAX) {
            Err(RecvTimeoutError::Timeout) => Ok(None),
            other => other.map(Some),
        }
    }

    fn take(&mut self, message: Message) -> bool {
        match message {
            Message::Submit(submission) => {
                self.submit(submission);
                false
            }
            Message::Ping(heard) => {
                heard();
                false
            }
            Message::Rotate(rotation) => {
                self.order(*rotation);
                false
            }
            Message::Close => true,
        }
    }

    /// Adds a log that is to be closed.
    pub(crate) fn order(&mut self, rotation: Rotation) {
        self.rotations.push_back(rotation);
    }

    /// Adds a batch to what waits.
    pub fn submit(&mut self, submission: Submission) {
        if submission.prepared.log.successor().is_some() {
            return (submission.reply)(Answer::Stale);
        }
        let name = submission.prepared.log.meta.name().to_owned();
        let bytes = submission.prepared.bytes() + SECTION_BYTES_MAX;
        self.waiting.push(&name, bytes, submission);
    }

    /// Commits one frame of what waits.
    pub fn frame(&mut self) -> Result<(), Fatal> {
        if let Some(rotation) = self.rotations.pop_front() {
            return self.rotate(rotation);
        }
        let parts = self.plan();
        self.commit(parts, |_| {}).map(|_| ())
    }

    /// Commits a frame; `durable` is done once it is, before anybody hears of it. Says whether
    /// there was room.
    fn commit(
        &mut self,
        mut parts: Vec<Part>,
        durable: impl FnOnce(&mut Lane),
    ) -> Result<bool, Fatal> {
        if parts.is_empty() {
            return Ok(true);
        }
        match self.write(&mut parts) {
            Ok(place) => {
                durable(self);
                parts.iter_mut().for_each(Part::became_durable);
                self.publish(parts, place).map(|()| true)
            }
            Err(JournalError::NoRoom(_)) => {
                let batches = parts.iter().map(|part| part.submissions.len() as u64).sum();
                self.measures.no_room.fetch_add(batches, Relaxed);
                answer_all(parts, &Answer::NoRoom);
                Ok(false)
            }
            Err(JournalError::Fatal(error)) => {
                answer_all(parts, &Answer::Unknown);
                self.abandon();
                Err(Fatal(error))
            }
        }
    }

    /// Closes a log and opens the next, in one frame. A crash before it is durable leaves the next
    /// one without an entry: start-up does this again.
    fn rotate(&mut self, rotation: Rotation) -> Result<(), Fatal> {
        let Rotation { closing, next, close, open } = rotation;
        let (old, new) = (closing.meta.name().to_owned(), next.log.meta.name().to_owned());
        let Some(last_log) = self.logs.get(&old) else {
            (close.reply)(Answer::Stale);
            return Ok(());
        };
        let now = self.clock.now();
        let last = Part::plan(old.clone(), last_log, vec![close], now);
        let Some(last) = last else { return Ok(()) };
        let first = open(last.plan.first + last.plan.leaves.len() as u64, last.plan.root);
        let first = first.and_then(|first| Part::plan(new.clone(), &next, vec![first], now));
        let Some(first) = first else {
            answer_all(vec![last], &Answer::NoRoom);
            return Ok(());
        };
        let log = next.log.clone();
        self.logs.insert(new.clone(), next);
        let durable = |lane: &mut Lane| {
            lane.shown.add(log);
            closing.close(&new);
        };
        if !self.commit(vec![last, first], durable)? {
            self.logs.remove(&new);
            return Ok(());
        }
        self.logs.remove(&old);
        for submission in self.waiting.remove(&old) {
            (submission.reply)(Answer::Stale);
        }
        Ok(())
    }

    /// Everybody who still waits hears that nothing is known.
    fn abandon(&mut self) {
        for rotation in self.rotations.drain(..) {
            (rotation.close.reply)(Answer::Unknown);
        }
        while !self.waiting.is_empty() {
            for submission in self.waiting.take(FRAME_BYTES) {
                (submission.reply)(Answer::Unknown);
            }
        }
    }

    /// Decides what the next frame holds. Takes it from what waits, and sends back what has to be
    /// prepared again.
    fn plan(&mut self) -> Vec<Part> {
        let now = self.clock.now();
        let mut by_log: BTreeMap<String, Vec<Submission>> = BTreeMap::new();
        let room = usize::try_from(self.journal.sections_bytes_max()).unwrap_or(FRAME_BYTES);
        for submission in self.waiting.take(FRAME_BYTES.min(room)) {
            let name = submission.prepared.log.meta.name().to_owned();
            by_log.entry(name).or_default().push(submission);
        }
        let planned = by_log.into_iter().filter_map(|(name, submissions)| {
            let lane_log = &self.logs[&name];
            Part::plan(name, lane_log, submissions, now)
        });
        planned.collect()
    }

    /// Makes the frame durable.
    fn write(&mut self, parts: &mut [Part]) -> Result<Place, JournalError> {
        self.frame.clear();
        self.frame.resize(HEADER_BYTES, 0);
        for part in parts.iter_mut() {
            part.encode(&self.logs[&part.name].log, &mut self.frame);
        }
        // A crash up to here leaves nothing: nobody was answered.
        if self.journal.make_room(self.frame.len())? {
            self.measures.journal_bytes.fetch_add(self.journal.file_bytes(), Relaxed);
            let (number, file) = self.journal.file();
            let mut files = self.files.write().unwrap_or_else(|poisoned| poisoned.into_inner());
            files.insert(number, file.clone());
        }
        let place = self.journal.write(&mut self.frame, parts.len() as u16, self.clock.now())?;
        for part in parts.iter_mut() {
            part.index();
        }
        // A crash here leaves a frame that may or may not be whole. Nobody was answered; start-up
        // keeps it if it is whole, and retries are duplicates.
        let began = self.clock.elapsed();
        self.journal.sync()?;
        // Durable is what a start would find.
        if !self.disk.is_here() {
            let what = "the data folder does not stand where it was opened any more";
            return Err(JournalError::Fatal(io::Error::new(io::ErrorKind::NotFound, what)));
        }
        self.measure(parts, self.clock.elapsed().saturating_sub(began));
        Ok(place)
    }

    /// Counts a frame that is durable.
    fn measure(&self, parts: &[Part], sync: Duration) {
        let measures = &self.measures;
        measures.frame_events.add(parts.iter().map(|part| part.plan.leaves.len() as u64).sum());
        measures.frame_bytes.fetch_add(self.frame.len() as u64, Relaxed);
        measures.sync_micros.add(u64::try_from(sync.as_micros()).unwrap_or(u64::MAX));
    }

    /// Signs, publishes, answers. A crash in here leaves a durable frame without its checkpoint;
    /// start-up signs the same root.
    fn publish(&mut self, parts: Vec<Part>, place: Place) -> Result<(), Fatal> {
        let mut newest = Vec::with_capacity(parts.len());
        let mut answers = Vec::new();
        for part in parts {
            let lane_log = self.logs.get_mut(&part.name).expect("a part is of one of our logs");
            newest.push(part.publish(lane_log, place, &mut answers));
        }
        let kept = self.head.write(newest, false).map_err(Fatal);
        let kept = kept.and_then(|()| self.keep_head(HEAD_AGE_MAX));
        for (reply, answer) in answers {
            reply(if kept.is_ok() { answer } else { Answer::Unknown });
        }
        if kept.is_err() {
            self.abandon();
        }
        kept
    }

    /// Makes the head durable if it is older than `age_max`.
    fn keep_head(&mut self, age_max: Duration) -> Result<(), Fatal> {
        let now = self.clock.elapsed();
        if !self.head.is_synced() && now.saturating_sub(self.head_synced_at) >= age_max {
            self.sync_head().map_err(Fatal)?;
            self.head_synced_at = now;
        }
        Ok(())
    }

    /// Closes in order: what waits is committed, the head says so.
    pub fn close(mut self) -> Result<(), Fatal> {
        while self.waits() {
            self.frame()?;
        }
        self.sync_head().map_err(Fatal)?;
        self.head.write([], true).map_err(Fatal)?;
        self.head.sync().map_err(Fatal)
    }

    /// Makes the head durable, and then says so beside the keys. A crash in between leaves there
    /// what is older, never what the data folder could lose.
    fn sync_head(&mut self) -> io::Result<()> {
        self.head.sync()?;
        // The journal is sound, and another disk may be meant.
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("keys/signed: {error}"));
        self.signed.keep(&self.head).map_err(named)
    }

    /// The end of a start: from here on the folder of keys says how far the logs were signed.
    /// Answers what the operator should hear.
    pub(crate) fn begin_signed(
        &mut self,
        keys: &Arc<dyn Disk>,
        folder: [u8; 16],
        said: &Said,
    ) -> Result<Option<String>, OpenError> {
        self.head.sync().map_err(|error| OpenError::io("head", error))?;
        self.head_synced_at = self.clock.elapsed();
        let (signed, remark) = Signed::begin(keys, folder, said, &self.head)?;
        self.signed = signed;
        Ok(remark)
    }
}

fn answer_all(parts: Vec<Part>, answer: &Answer) {
    for submission in parts.into_iter().flat_map(|part| part.submissions) {
        (submission.reply)(answer.clone());
    }
}
