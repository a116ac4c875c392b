//! What one frame does to one log.

use std::collections::HashSet;

use crate::journal::Place;
use crate::journal::event_list::Chunk;
use crate::journal::section::{EpochRecord, IdTag, SectionDraft};
use crate::lane::LaneLog;
use crate::log::{Addition, ChunkPlace, Log, Plan};
use crate::submission::{Answer, Placed, Submission};

/// One log's part of a frame.
pub(crate) struct Part {
    /// The log's name.
    pub(crate) name: String,
    pub(crate) plan: Plan,
    /// Epochs that no earlier frame has listed.
    epochs: Vec<EpochRecord>,
    tags: Vec<IdTag>,
    chunks: Vec<Chunk>,
    pub(crate) submissions: Vec<Submission>,
    /// Where in the frame the event list begins.
    event_list_at: usize,
}

impl Part {
    /// Plans the entries of some batches of one log; `None` if all of them have to be prepared
    /// again, which they are answered. Nothing of the log changes.
    pub(crate) fn plan(
        name: String,
        lane_log: &LaneLog,
        submissions: Vec<Submission>,
        now: i64,
    ) -> Option<Part> {
        let mut submissions = settle(&lane_log.log, submissions);
        if submissions.is_empty() {
            return None;
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
        let tags = submissions.iter().flat_map(|s| s.prepared.tags.iter().copied()).collect();
        let chunks = submissions.iter_mut().flat_map(|s| s.prepared.chunks.drain(..)).collect();
        Some(Part { name, plan, epochs, tags, chunks, submissions, event_list_at: 0 })
    }

    /// Appends the part's section to a frame.
    pub(crate) fn encode(&mut self, log: &Log, frame: &mut Vec<u8>) {
        let checkpoint = log.checkpoint();
        let draft = SectionDraft {
            first: self.plan.first,
            origin: &log.meta.origin,
            checkpoint: &checkpoint.note,
            root_after: self.plan.root,
            leaves: &self.plan.leaves,
            tags: &self.tags,
            epochs: &self.epochs,
            chunks: &self.chunks,
        };
        self.event_list_at = draft.encode(frame);
    }

    /// Lets every batch hang its rows into the index.
    pub(crate) fn index(&mut self) {
        let mut at = 0;
        for submission in &mut self.submissions {
            let count = submission.prepared.digests.len();
            let first = self.plan.first + at as u64;
            let index = std::mem::replace(&mut submission.index, Box::new(|_| {}));
            index(Placed { first, leaves: &self.plan.leaves[at..at + count] });
            at += count;
        }
    }

    /// Does what is to be done once the part is durable, before its checkpoint is signed.
    pub(crate) fn became_durable(&mut self) {
        self.submissions.iter_mut().filter_map(|s| s.durable.take()).for_each(|done| done());
    }

    /// Shows the part, which is durable at `place`, to readers. Returns the newest checkpoint with
    /// its origin, and adds to `answers` what is to be answered once the head has it.
    pub(crate) fn publish(
        self,
        lane_log: &mut LaneLog,
        place: Place,
        answers: &mut Vec<(crate::Reply, Answer)>,
    ) -> (String, String) {
        let chunks = self.chunk_places(place);
        let log = &lane_log.log;
        let mut first = self.plan.first;
        let size = first + self.plan.leaves.len() as u64;
        let checkpoint = std::sync::Arc::new(log.sign(size, self.plan.root));
        lane_log.epochs.extend(self.epochs.iter().map(|epoch| epoch.number));
        let (leaves, growth) = lane_log.sequencer.apply(self.plan);
        let (tags, epochs) = (&self.tags[..], &self.epochs[..]);
        let addition = Addition { growth, leaves: &leaves, tags, epochs, chunks };
        log.publish(addition, checkpoint.clone());
        for submission in self.submissions {
            let count = submission.prepared.digests.len() as u64;
            let checkpoint = checkpoint.clone();
            answers.push((submission.reply, Answer::Committed { first, checkpoint }));
            first += count;
        }
        (log.meta.origin.clone(), checkpoint.note.clone())
    }

    fn chunk_places(&self, place: Place) -> Vec<ChunkPlace> {
        let (mut first, mut offset) = (self.plan.first, place.offset + self.event_list_at as u64);
        let placed = self.chunks.iter().map(|chunk| {
            let (bytes, raw_bytes) = (chunk.bytes.len() as u32, chunk.raw_bytes);
            let found = ChunkPlace { first, place: Place { offset, ..place }, bytes, raw_bytes };
            first += u64::from(chunk.events);
            offset += u64::from(bytes);
            found
        });
        placed.collect()
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
                .any(|(seen, tag)| ids.get(tag).last() > *seen || entering.contains(tag))
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
