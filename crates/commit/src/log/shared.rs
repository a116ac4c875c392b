//! What a log shows: shared between the lane, which alone changes it, and everybody who reads.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, RwLock, RwLockReadGuard};

use event::{EpochKey, EventKey, Fields, Leaf, OriginDigest};
use platform::File;
use serde::{Deserialize, Serialize};

use super::{Checkpoint, Epochs, Growth, Ids, LogKey, Tree};
use crate::journal::Place;
use crate::journal::event_list::{self, SaltPlace, StoredEvent};
use crate::journal::section::{EpochRecord, IdTag};

/// What is fixed when a log is created, as `logs/<log>/log.json` keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogMeta {
    /// `counterfoil.log/v1`.
    pub format: String,
    /// `<host>/tlog/<log>`.
    pub origin: String,
    /// Whose events these are.
    pub tenant: String,
    /// Whether anybody may read its tiles.
    pub public: bool,
    /// When it was created.
    pub opened_at: String,
}

impl LogMeta {
    /// The value of `format`.
    pub const FORMAT: &str = "counterfoil.log/v1";

    /// The text of `logs/<log>/log.json`.
    pub(crate) fn file_text(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("plain strings and booleans");
        line.push(b'\n');
        line
    }

    /// The log's short name, the last part of its origin.
    pub fn name(&self) -> &str {
        self.origin.rsplit('/').next().unwrap_or(&self.origin)
    }
}

/// The journal files that events are read from, by number.
pub type Files = RwLock<BTreeMap<u64, Arc<dyn File>>>;

/// One log.
pub struct Log {
    /// What is fixed.
    pub meta: LogMeta,
    pub(crate) key: LogKey,
    pub(crate) digest: OriginDigest,
    /// Handed out by senders' tasks.
    pub(crate) epochs: Epochs,
    pub(crate) files: Arc<Files>,
    /// Written by the lane alone, after the frame is durable; read by everybody.
    published: RwLock<Published>,
}

/// The log as readers may see it: durable, signed.
pub struct Published {
    /// The tree; never smaller than the checkpoint.
    pub tree: Tree,
    /// The newest signed checkpoint.
    pub checkpoint: Arc<Checkpoint>,
    /// Ids in the window.
    pub ids: Ids,
    epochs: HashMap<u32, EpochKey>,
    chunks: Vec<ChunkPlace>,
}

/// Where some consecutive events stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkPlace {
    pub(crate) first: u64,
    pub(crate) place: Place,
    pub(crate) bytes: u32,
    pub(crate) raw_bytes: u32,
}

/// What a frame adds to one log.
pub(crate) struct Addition<'a> {
    pub(crate) growth: Growth,
    pub(crate) leaves: &'a [Leaf],
    pub(crate) tags: &'a [IdTag],
    pub(crate) epochs: &'a [EpochRecord],
    pub(crate) chunks: Vec<ChunkPlace>,
}

/// Why a stored event could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such entry.
    #[error("the log has no entry {0}")]
    Absent(u64),
    /// The disk did not give it.
    #[error("the journal could not be read")]
    Io(#[from] io::Error),
    /// What the disk gave is not what was written.
    #[error("entry {0} is damaged: {1}")]
    Damaged(u64, &'static str),
}

impl Log {
    pub(crate) fn new(
        meta: LogMeta,
        key: LogKey,
        files: Arc<Files>,
        next_epoch: u32,
        published: Published,
    ) -> Log {
        let digest = OriginDigest::new(&meta.origin);
        let epochs = Epochs::new(next_epoch);
        Log { meta, key, digest, epochs, files, published: RwLock::new(published) }
    }

    /// The public key.
    pub fn vkey(&self) -> String {
        self.key.vkey()
    }

    /// What readers may see now.
    pub fn published(&self) -> RwLockReadGuard<'_, Published> {
        self.published.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The newest signed checkpoint.
    pub fn checkpoint(&self) -> Arc<Checkpoint> {
        self.published().checkpoint.clone()
    }

    pub(crate) fn publish(&self, addition: Addition<'_>, checkpoint: Arc<Checkpoint>) {
        let mut published = self.published.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        published.add(addition);
        published.checkpoint = checkpoint;
    }

    /// Reads the event at `seq` from the journal.
    pub fn read(&self, seq: u64) -> Result<StoredEvent, ReadError> {
        let chunk = self.published().chunk(seq).ok_or(ReadError::Absent(seq))?;
        let damaged = |error: event_list::EventListError| ReadError::Damaged(seq, error.0);
        let raw = self.unpack(chunk, seq)?;
        event_list::event_at(&raw, (seq - chunk.first) as u32).map_err(damaged)
    }

    /// Reads events from `seq` on, up to the end of their chunk: neighbours cost little.
    pub fn read_chunk(&self, seq: u64) -> Result<Vec<StoredEvent>, ReadError> {
        let chunk = self.published().chunk(seq).ok_or(ReadError::Absent(seq))?;
        let raw = self.unpack(chunk, seq)?;
        let events = event_list::events(&raw).skip((seq - chunk.first) as usize);
        events.map(|e| e.map_err(|error| ReadError::Damaged(seq, error.0))).collect()
    }

    fn unpack(&self, chunk: ChunkPlace, seq: u64) -> Result<Vec<u8>, ReadError> {
        let files = self.files.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let file = files.get(&chunk.place.file).cloned();
        drop(files);
        let file = file.ok_or(ReadError::Damaged(seq, "its journal file is gone"))?;
        let mut bytes = vec![0; chunk.bytes as usize];
        file.read_at(chunk.place.offset, &mut bytes)?;
        event_list::unpack(&bytes, chunk.raw_bytes).map_err(|e| ReadError::Damaged(seq, e.0))
    }

    /// The key that makes an event's salts.
    pub fn event_key(&self, salts: SaltPlace) -> Option<EventKey> {
        Some(self.published().epochs.get(&salts.epoch)?.event_key(salts.counter))
    }

    /// Reads an event and checks it against its leaf before anybody relies on it.
    pub fn read_checked(&self, seq: u64) -> Result<(Fields, EventKey), ReadError> {
        let stored = self.read(seq)?;
        let key = self.event_key(stored.salts).ok_or(ReadError::Damaged(seq, "no epoch key"))?;
        let leaf = self.published().tree.entry(seq).ok_or(ReadError::Absent(seq))?;
        if self.digest.of_fields(&stored.fields, &key) != leaf.digest {
            return Err(ReadError::Damaged(seq, "the content is not what was committed"));
        }
        Ok((stored.fields, key))
    }
}

impl Published {
    pub(crate) fn new(checkpoint: Checkpoint) -> Published {
        Published {
            tree: Tree::default(),
            checkpoint: Arc::new(checkpoint),
            ids: Ids::default(),
            epochs: HashMap::new(),
            chunks: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, addition: Addition<'_>) {
        let first = self.tree.size();
        for (n, (leaf, tag)) in addition.leaves.iter().zip(addition.tags).enumerate() {
            self.ids.add(tag, first + n as u64, leaf.recorded_at);
        }
        for epoch in addition.epochs {
            self.epochs.insert(epoch.number, EpochKey::new(&epoch.key));
        }
        self.chunks.extend(addition.chunks);
        self.tree.grow(addition.leaves, addition.growth);
    }

    fn chunk(&self, seq: u64) -> Option<ChunkPlace> {
        if seq >= self.checkpoint.size {
            return None;
        }
        let after = self.chunks.partition_point(|chunk| chunk.first <= seq);
        self.chunks.get(after.checked_sub(1)?).copied()
    }

    /// Start-up copied a frame: what stood at `from` and behind it now stands at `to`.
    pub(crate) fn moved(&mut self, from: Place, to: Place) {
        for chunk in self.chunks.iter_mut().rev() {
            if chunk.place.file != from.file || chunk.place.offset < from.offset {
                break;
            }
            chunk.place =
                Place { file: to.file, offset: chunk.place.offset - from.offset + to.offset };
        }
    }
}
