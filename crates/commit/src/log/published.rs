//! A log as it was published, and how a frame grows it.

use std::collections::HashMap;
use std::sync::Arc;

use event::{EpochKey, EventKey, Leaf};

use super::{Checkpoint, ChunkPlace, Chunks, Growth, Ids, Tree};
use crate::journal::event_list::SaltPlace;
use crate::journal::section::{EpochRecord, IdTag};

/// The log as readers may see it: durable, signed.
pub struct Published {
    /// The tree; never smaller than the checkpoint.
    pub tree: Tree,
    /// The newest signed checkpoint.
    pub checkpoint: Arc<Checkpoint>,
    /// Ids in the window.
    pub ids: Ids,
    epochs: HashMap<u32, EpochKey>,
    pub(crate) chunks: Chunks,
}

/// What a frame adds to one log.
pub(crate) struct Addition<'a> {
    pub(crate) growth: Growth,
    pub(crate) leaves: &'a [Leaf],
    pub(crate) tags: &'a [IdTag],
    pub(crate) epochs: &'a [EpochRecord],
    pub(crate) chunks: Vec<ChunkPlace>,
}

impl Published {
    pub(crate) fn new(checkpoint: Checkpoint) -> Published {
        Published {
            tree: Tree::default(),
            checkpoint: Arc::new(checkpoint),
            ids: Ids::default(),
            epochs: HashMap::new(),
            chunks: Chunks::default(),
        }
    }

    /// The key that makes an event's salts.
    pub(crate) fn event_key(&self, salts: SaltPlace) -> Option<EventKey> {
        Some(self.epochs.get(&salts.epoch)?.event_key(salts.counter))
    }

    pub(crate) fn add(&mut self, addition: Addition<'_>) {
        let first = self.tree.size();
        for (n, (leaf, tag)) in addition.leaves.iter().zip(addition.tags).enumerate() {
            self.ids.add(tag, first + n as u64, leaf.recorded_at);
        }
        for epoch in addition.epochs {
            self.epochs.insert(epoch.number, EpochKey::new(&epoch.key));
        }
        self.chunks.add(addition.chunks);
        self.tree.grow(addition.leaves, addition.growth);
    }

    /// What holds the event at `seq`.
    pub(super) fn chunk(&self, seq: u64) -> Option<ChunkPlace> {
        (seq < self.checkpoint.size).then(|| self.chunks.find(seq)).flatten()
    }
}
