//! The lane: one thread, one journal, many logs.
//!
//! For each frame: take what waits, settle ids that entered since, plan seqs, write, fdatasync,
//! sign, publish, answer. What a crash leaves after each step is said beside it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use event::Leaf;
use platform::Clock;

use crate::fair::Fair;
use crate::head::Head;
use crate::journal::frame::HEADER_BYTES;
use crate::journal::section::{EpochRecord, IdTag, SectionDraft};
use crate::journal::{Journal, JournalError, Place};
use crate::log::{Addition, Checkpoint, ChunkPlace, Files, Log, Plan, Sequencer};
use crate::prepare::Prepared;

/// Compressed bytes that a frame is filled with; one request alone may be larger.
const FRAME_BYTES: usize = 4 << 20;
/// More than a section has beside its entries: its head, origin, checkpoint, epochs' lengths.
const SECTION_BYTES_MAX: usize = 2 << 10;
/// How long a head may stay unsynced.
const HEAD_AGE_MAX: Duration = Duration::from_secs(1);

/// What the lane answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The batch is durable and under this checkpoint; its new events begin at `first`.
    Committed {
        /// Seq of the first new event.
        first: u64,
        /// A signed checkpoint that covers the batch.
        checkpoint: Arc<Checkpoint>,
    },
    /// An id of the batch entered the log since it was looked up: prepare the batch again.
    Stale,
    /// The disk has no room; nothing was written. A later try may succeed.
    NoRoom,
    /// Writing failed: whether the batch is durable is not known. Retry with the same ids.
    Unknown,
}

/// New entries, about to become durable: for those who index them meanwhile.
pub struct Placed<'a> {
    /// Seq of the first.
    pub first: u64,
    /// The entries.
    pub leaves: &'a [Leaf],
}

/// Indexes a batch; runs in the lane between write and answer.
pub type Index = Box<dyn FnOnce(Placed<'_>) + Send>;
/// Takes the lane's answer.
pub type Reply = Box<dyn FnOnce(Answer) + Send>;

/// A batch on its way into the log.
pub struct Submission {
    pub(crate) prepared: Prepared,
    pub(crate) index: Index,
    pub(crate) reply: Reply,
}

impl Submission {
    /// A batch that adds nothing, or more than a section may have, is answered at once.
    pub(crate) fn new(prepared: Prepared, index: Index, reply: Reply) -> Option<Submission> {
        if prepared.is_empty() {
            let checkpoint = prepared.log.checkpoint();
            reply(Answer::Committed { first: checkpoint.size, checkpoint });
            return None;
        }
        if prepared.is_too_large() {
            reply(Answer::NoRoom);
            return None;
        }
        Some(Submission { prepared, index, reply })
    }
}

#[expect(clippy::large_enum_variant, reason = "nearly every message is a submission")]
pub(crate) enum Message {
    Submit(Submission),
    Close,
}

/// The lane's own state; nobody else touches it.
pub struct Lane {
    pub(crate) journal: Journal,
    pub(crate) head: Head,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) logs: BTreeMap<String, LaneLog>,
    /// Grows when the journal goes on in a new file.
    pub(crate) files: Arc<Files>,
    pub(crate) head_synced_at: Duration,
    pub(crate) waiting: Fair<Submission>,
    /// Room that frames are built in, kept over frames.
    pub(crate) frame: Vec<u8>,
}

/// One log as the lane sees it.
pub(crate) struct LaneLog {
    pub(crate) log: Arc<Log>,
    pub(crate) sequencer: Sequencer,
    /// Epochs that the journal has.
    pub(crate) epochs: HashSet<u32>,
}

/// What one frame does to one log.
struct Part {
    name: String,
    plan: Plan,
    epochs: Vec<EpochRecord>,
    submissions: Vec<Submission>,
    event_list_at: usize,
}

/// The journal failed; the process must end.
#[derive(Debug, thiserror::Error)]
#[error("the journal failed; the process must end and start-up find out what is durable")]
pub struct Fatal(#[source] pub std::io::Error);

impl Lane {
    /// Runs until told to close or until writing fails.
    pub(crate) fn run(mut self, inbox: &Receiver<Message>) -> Result<(), Fatal> {
        loop {
            let message = if self.waiting.is_empty() { self.wait(inbox) } else { Ok(None) };
            let mut closing = match message {
                Ok(Some(message)) => self.take(message),
                Ok(None) => false,
                Err(_) => true,
            };
            while let Ok(message) = inbox.try_recv() {
                closing |= self.take(message);
            }
            while !self.waiting.is_empty() {
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
        !self.waiting.is_empty()
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
            Message::Close => true,
        }
    }

    /// Adds a batch to what waits.
    pub fn submit(&mut self, submission: Submission) {
        let name = submission.prepared.log.meta.name().to_owned();
        let bytes = submission.prepared.bytes() + SECTION_BYTES_MAX;
        self.waiting.push(&name, bytes, submission);
    }

    /// Commits one frame of what waits.
    pub fn frame(&mut self) -> Result<(), Fatal> {
        let mut parts = self.plan();
        if parts.is_empty() {
            return Ok(());
        }
        match self.write(&mut parts) {
            Ok(place) => self.publish(parts, place),
            Err(JournalError::NoRoom(_)) => {
                answer_all(parts, &Answer::NoRoom);
                Ok(())
            }
            Err(JournalError::Fatal(error)) => {
                answer_all(parts, &Answer::Unknown);
                self.abandon();
                Err(Fatal(error))
            }
        }
    }

    /// Everybody who still waits hears that nothing is known.
    fn abandon(&mut self) {
        while !self.waiting.is_empty() {
            for submission in self.waiting.take(FRAME_BYTES) {
                (submission.reply)(Answer::Unknown);
            }
        }
    }

    /// Decides what the next frame holds. Changes nothing but what waits.
    fn plan(&mut self) -> Vec<Part> {
        let now = self.clock.now();
        let mut by_log: BTreeMap<String, Vec<Submission>> = BTreeMap::new();
        let room = usize::try_from(self.journal.sections_bytes_max()).unwrap_or(FRAME_BYTES);
        for submission in self.waiting.take(FRAME_BYTES.min(room)) {
            let name = submission.prepared.log.meta.name().to_owned();
            by_log.entry(name).or_default().push(submission);
        }
        let mut parts = Vec::new();
        for (name, submissions) in by_log {
            let lane_log = &self.logs[&name];
            let submissions = settle(&lane_log.log, submissions);
            if submissions.is_empty() {
                continue;
            }
            let digests = submissions.iter().flat_map(|s| s.prepared.digests.iter().copied());
            let plan = lane_log.sequencer.plan(digests, now);
            let mut epochs: Vec<EpochRecord> = Vec::new();
            for epoch in submissions.iter().flat_map(|s| &s.prepared.epochs) {
                let known = lane_log.epochs.contains(&epoch.number);
                if !known && epochs.iter().all(|e| e.number != epoch.number) {
                    epochs.push(epoch.clone());
                }
            }
            parts.push(Part { name, plan, epochs, submissions, event_list_at: 0 });
        }
        parts
    }

    /// Makes the frame durable.
    fn write(&mut self, parts: &mut [Part]) -> Result<Place, JournalError> {
        self.frame.clear();
        self.frame.resize(HEADER_BYTES, 0);
        for part in parts.iter_mut() {
            let lane_log = &self.logs[&part.name];
            let tags: Vec<IdTag> =
                part.submissions.iter().flat_map(|s| s.prepared.tags.iter().copied()).collect();
            let chunks: Vec<_> =
                part.submissions.iter_mut().flat_map(|s| s.prepared.chunks.drain(..)).collect();
            let checkpoint = lane_log.log.checkpoint();
            let draft = SectionDraft {
                first: part.plan.first,
                origin: &lane_log.log.meta.origin,
                checkpoint: &checkpoint.note,
                root_after: part.plan.root,
                leaves: &part.plan.leaves,
                tags: &tags,
                epochs: &part.epochs,
                chunks: &chunks,
            };
            part.event_list_at = draft.encode(&mut self.frame);
            part.submissions[0].prepared.chunks = chunks;
        }
        // A crash up to here leaves nothing: nobody was answered.
        if self.journal.make_room(self.frame.len())? {
            let (number, file) = self.journal.file();
            let mut files = self.files.write().unwrap_or_else(|poisoned| poisoned.into_inner());
            files.insert(number, file.clone());
        }
        let place = self.journal.write(&mut self.frame, parts.len() as u16, self.clock.now())?;
        for part in parts.iter_mut() {
            index(part);
        }
        // A crash here leaves a frame that may or may not be whole. Nobody was answered; start-up
        // keeps it if it is whole, and retries are duplicates.
        self.journal.sync()?;
        Ok(place)
    }

    /// Signs, publishes, answers. A crash in here leaves a durable frame without its checkpoint;
    /// start-up signs the same root.
    fn publish(&mut self, parts: Vec<Part>, place: Place) -> Result<(), Fatal> {
        let mut newest = Vec::with_capacity(parts.len());
        let mut answers = Vec::new();
        for mut part in parts {
            let lane_log = self.logs.get_mut(&part.name).expect("a part is of one of our logs");
            let log = &lane_log.log;
            let size = part.plan.first + part.plan.leaves.len() as u64;
            let checkpoint = Arc::new(log.key.sign(size, part.plan.root));
            newest.push((log.meta.origin.clone(), checkpoint.note.clone()));
            lane_log.epochs.extend(part.epochs.iter().map(|e| e.number));
            let chunks = chunk_places(&mut part, place);
            let mut first = part.plan.first;
            let tags: Vec<IdTag> =
                part.submissions.iter().flat_map(|s| s.prepared.tags.iter().copied()).collect();
            let (leaves, growth) = lane_log.sequencer.apply(part.plan);
            let addition =
                Addition { growth, leaves: &leaves, tags: &tags, epochs: &part.epochs, chunks };
            log.publish(addition, checkpoint.clone());
            for submission in part.submissions {
                let count = submission.prepared.digests.len() as u64;
                let checkpoint = checkpoint.clone();
                answers.push((submission.reply, Answer::Committed { first, checkpoint }));
                first += count;
            }
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
            self.head.sync().map_err(Fatal)?;
            self.head_synced_at = now;
        }
        Ok(())
    }

    /// Closes in order: what waits is committed, the head says so.
    pub fn close(mut self) -> Result<(), Fatal> {
        while !self.waiting.is_empty() {
            self.frame()?;
        }
        self.head.sync().map_err(Fatal)?;
        self.head.write([], true).map_err(Fatal)?;
        self.head.sync().map_err(Fatal)
    }
}

/// Sends batches back whose ids entered since they were looked up, in an earlier frame or earlier
/// in this one. What their retry finds is then in the log.
fn settle(log: &Log, submissions: Vec<Submission>) -> Vec<Submission> {
    let mut entering: HashSet<IdTag> = HashSet::new();
    let mut kept = Vec::with_capacity(submissions.len());
    let single = submissions.len() == 1;
    for submission in submissions {
        let prepared = &submission.prepared;
        let entered = {
            let ids = &log.published().ids;
            prepared
                .seen
                .iter()
                .zip(&prepared.tags)
                .any(|(seen, tag)| ids.get(tag).count() > *seen || entering.contains(tag))
        };
        if entered {
            (submission.reply)(Answer::Stale);
            continue;
        }
        if !single {
            entering.extend(&prepared.tags);
        }
        kept.push(submission);
    }
    kept
}

fn index(part: &mut Part) {
    let mut at = 0;
    for submission in &mut part.submissions {
        let count = submission.prepared.digests.len();
        let first = part.plan.first + at as u64;
        let index = std::mem::replace(&mut submission.index, Box::new(|_| {}));
        index(Placed { first, leaves: &part.plan.leaves[at..at + count] });
        at += count;
    }
}

fn chunk_places(part: &mut Part, place: Place) -> Vec<ChunkPlace> {
    let (mut first, mut offset) = (part.plan.first, place.offset + part.event_list_at as u64);
    let chunks = std::mem::take(&mut part.submissions[0].prepared.chunks);
    let placed = chunks.iter().map(|chunk| {
        let bytes = chunk.bytes.len() as u32;
        let found = ChunkPlace {
            first,
            place: Place { file: place.file, offset },
            bytes,
            raw_bytes: chunk.raw_bytes,
        };
        first += u64::from(chunk.events);
        offset += u64::from(bytes);
        found
    });
    placed.collect()
}

fn answer_all(parts: Vec<Part>, answer: &Answer) {
    for submission in parts.into_iter().flat_map(|part| part.submissions) {
        (submission.reply)(answer.clone());
    }
}
