//! What goes into the lane and what comes out.

use std::sync::Arc;

use event::Leaf;

use crate::log::Checkpoint;
use crate::prepare::Prepared;
use crate::rotate::Rotation;

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
    /// An id of the batch entered the log since it was looked up, or the log was closed: prepare
    /// the batch again, for the log that is open now.
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
    /// Done once the batch is durable, before its checkpoint is signed.
    pub(crate) durable: Option<Box<dyn FnOnce() + Send>>,
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
        Some(Submission { prepared, index, reply, durable: None })
    }
}

#[expect(clippy::large_enum_variant, reason = "nearly every message is a submission")]
pub(crate) enum Message {
    Submit(Submission),
    /// Heard between two frames, or while nothing comes.
    Ping(Box<dyn FnOnce() + Send>),
    Rotate(Box<Rotation>),
    Close,
}
