//! What a log shows: shared between the lane, which alone changes it, and everybody who reads.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard};

use event::{EventKey, Fields, Hash, Leaf, OriginDigest};
use platform::File;

use super::{
    Addition, Checkpoint, ChunkPlace, Epochs, Ids, KeyPeriod, Keyring, LogMeta, Published, Reader,
    WINDOW_NS,
};
use crate::aside::SetAside;
use crate::journal::Place;
use crate::journal::event_list::{SaltPlace, StoredEvent};

/// The journal files that events are read from, by number.
pub type Files = RwLock<BTreeMap<u64, Arc<dyn File>>>;

/// One log.
pub struct Log {
    /// What is fixed.
    pub meta: LogMeta,
    /// Changed by who rotates a key, of whom there is one, and in the lane by order of that one;
    /// read by everybody.
    keys: RwLock<Keyring>,
    pub(crate) digest: OriginDigest,
    /// Handed out by senders' tasks.
    pub(crate) epochs: Epochs,
    pub(crate) files: Arc<Files>,
    /// The partition that was closed when this log was opened.
    predecessor: Option<Arc<Log>>,
    /// Name of the partition that was opened when this log was closed. Set by the lane, once, or
    /// at start-up.
    successor: OnceLock<String>,
    /// Set if it was damaged: it is closed for good, and nothing is written to its files.
    damaged: Option<Damaged>,
    /// Entries that start-up found. Those behind them came since.
    found: u64,
    /// Written by the lane after the frame is durable, and once by who looked into what start-up
    /// found; read by everybody.
    published: RwLock<Published>,
}

/// That a log was set aside with the folder it stood in, and what is left of it.
#[derive(Clone, Debug)]
pub struct Damaged {
    /// The folder, and what was found in it.
    pub aside: Arc<SetAside>,
    /// Entries that can be proved, and read but for those that are not what they say.
    pub readable: u64,
    /// Entries under the newest signature that was found.
    pub signed: u64,
    /// The entry that was found so when the folder was set aside, if it still is.
    suspect: OnceLock<u64>,
    /// That one, and those that the comparison with the entries found.
    unfit: Arc<AtomicU64>,
}

impl Damaged {
    pub(crate) fn new(aside: Arc<SetAside>, readable: u64, signed: u64) -> Damaged {
        let (suspect, unfit) = (OnceLock::new(), Arc::default());
        Damaged { aside, readable, signed, suspect, unfit }
    }

    /// Takes in that an entry is known not to be what it says.
    pub(crate) fn suspect(&self, seq: u64) {
        if self.suspect.set(seq).is_ok() {
            self.unfit.fetch_add(1, Relaxed);
        }
    }

    /// Entries that were signed and cannot be read, as far as that is known: those that can be
    /// proved are compared with what they say one after the other.
    pub fn unreadable(&self) -> u64 {
        self.signed.saturating_sub(self.readable) + self.unfit.load(Relaxed)
    }

    /// Takes in that the entries of a range were compared, once for each, and how many of them
    /// cannot be read.
    pub(crate) fn compared(&self, range: Range<u64>, unfit: u64) {
        let known = self.suspect.get().is_some_and(|seq| range.contains(seq));
        self.unfit.fetch_add(unfit, Relaxed);
        self.unfit.fetch_sub(u64::from(known), Relaxed);
    }
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
        keys: Keyring,
        files: Arc<Files>,
        next_epoch: u32,
        published: Published,
        predecessor: Option<Arc<Log>>,
    ) -> Log {
        let digest = OriginDigest::new(&meta.origin);
        let (epochs, found) = (Epochs::new(next_epoch), published.tree.size());
        let (successor, published) = (OnceLock::new(), RwLock::new(published));
        let (keys, damaged) = (RwLock::new(keys), None);
        Log { meta, keys, digest, epochs, files, predecessor, successor, damaged, found, published }
    }

    /// The log as one that was set aside.
    pub(crate) fn damaged_as(self, damaged: Damaged) -> Log {
        Log { damaged: Some(damaged), ..self }
    }

    /// What was found, if it was damaged and set aside.
    pub fn damaged(&self) -> Option<&Damaged> {
        self.damaged.as_ref()
    }

    /// The folder below the data folder in which its files stand, with a slash behind it if there
    /// is one.
    pub(crate) fn base(&self) -> String {
        let aside = self.damaged().map(|damaged| format!("damaged/{}/", damaged.aside.number));
        aside.unwrap_or_default()
    }

    /// Name of the log that took over when this one was closed.
    pub fn successor(&self) -> Option<&str> {
        self.successor.get().map(String::as_str)
    }

    /// The log that this one took over from.
    pub fn predecessor(&self) -> Option<&Arc<Log>> {
        self.predecessor.as_ref()
    }

    /// Whether it takes events.
    pub(crate) fn is_open(&self) -> bool {
        self.may_grow() && !self.is_waiting()
    }

    /// Whether there may be more of it: entries, and checkpoints that its keys sign.
    pub fn may_grow(&self) -> bool {
        self.successor().is_none() && self.damaged.is_none()
    }

    /// Whether it follows a log that is not closed yet.
    pub(crate) fn is_waiting(&self) -> bool {
        let follows = self.predecessor.is_some() && self.meta.damage.is_none();
        let follows = follows && self.damaged.is_none();
        follows && self.checkpoint().size == 0
    }

    /// Closes the log. It takes no events from here on.
    pub(crate) fn close(&self, successor: &str) {
        self.successor.get_or_init(|| successor.to_owned());
    }

    /// Whether its newest ids are still in the window at `now`.
    pub(crate) fn knows_ids(&self, now: i64) -> bool {
        let published = self.published();
        let last = published.tree.size().checked_sub(1);
        let newest = last.and_then(|last| published.tree.recorded_at(last));
        newest.is_some_and(|newest| now.saturating_sub(newest) <= WINDOW_NS)
    }

    /// Gives back the room of ids that are out of the window.
    pub(crate) fn forget_ids(&self, now: i64) {
        if !self.knows_ids(now) && !self.published().ids.is_empty() {
            self.publishing().ids = Ids::default();
        }
    }

    /// The public key; of two that sign, the newer one.
    pub fn vkey(&self) -> String {
        self.keys().newest().map(|key| key.public().to_string()).unwrap_or_default()
    }

    /// Every key that signs or ever signed, and when; oldest first.
    pub fn key_periods(&self) -> Vec<KeyPeriod> {
        let mut periods = self.keys().periods();
        periods.iter_mut().for_each(|period| period.signs &= self.may_grow());
        periods
    }

    /// The public keys that sign it, oldest first; of a log that nothing signs any more the last.
    pub fn signing_vkeys(&self) -> Vec<String> {
        match self.may_grow() {
            true => self.keys().signing().map(ToString::to_string).collect(),
            false => vec![self.vkey()],
        }
    }

    /// The public keys whose signature a checkpoint has, oldest first.
    pub fn signers(&self, checkpoint: &Checkpoint) -> Vec<String> {
        self.keys().signers(&checkpoint.note)
    }

    pub(crate) fn keys(&self) -> Keyring {
        self.keys.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    pub(crate) fn change_keys(&self, change: impl FnOnce(&mut Keyring)) {
        change(&mut self.keys.write().unwrap_or_else(|poisoned| poisoned.into_inner()));
    }

    /// Signs a tree with the keys that sign now.
    pub(crate) fn sign(&self, size: u64, root: Hash) -> Checkpoint {
        let keys = self.keys.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        keys.sign(&self.meta.origin, size, root)
    }

    /// Signs what start-up found.
    pub(crate) fn sign_found(&self) {
        let mut published = self.publishing();
        let (size, root) = (published.checkpoint.size, published.checkpoint.root);
        if size > 0 {
            published.checkpoint = Arc::new(self.sign(size, root));
        }
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
        let mut published = self.publishing();
        published.add(addition);
        published.checkpoint = checkpoint;
    }

    fn publishing(&self) -> RwLockWriteGuard<'_, Published> {
        self.published.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Reads the event at `seq` from the journal. Who reads several has a [`Reader`].
    pub fn read(self: &Arc<Log>, seq: u64) -> Result<StoredEvent, ReadError> {
        Reader::new(self).read(seq)
    }

    /// Where the chunk stands that has the event at `seq`.
    pub(crate) fn place_of(&self, seq: u64) -> Option<Place> {
        self.published().chunk(seq).map(|chunk| chunk.place)
    }

    /// The key that makes an event's salts.
    pub fn event_key(&self, salts: SaltPlace) -> Option<EventKey> {
        self.published().event_key(salts)
    }

    /// Reads an event and compares it with its entry. Who reads several has a [`Reader`].
    pub fn read_checked(self: &Arc<Log>, seq: u64) -> Result<(Fields, EventKey), ReadError> {
        Reader::new(self).read_checked(seq)
    }

    /// Compares an event with its entry.
    pub fn check(
        &self,
        seq: u64,
        stored: &StoredEvent,
        leaf: &Leaf,
    ) -> Result<EventKey, ReadError> {
        let key = self.event_key(stored.salts).ok_or(ReadError::Damaged(seq, "no epoch key"))?;
        if self.digest.of_fields(&stored.fields, &key) != leaf.digest {
            return Err(ReadError::Damaged(seq, "the content is not what was committed"));
        }
        Ok(key)
    }

    /// The entries from `first` to before `end`, as far as there are any.
    pub(crate) fn leaves(&self, first: u64, end: u64) -> Vec<Leaf> {
        let published = self.published();
        (first..end).map_while(|seq| published.tree.entry(seq)).collect()
    }

    /// How many events start-up found, and where they stand.
    pub(crate) fn found(&self) -> (u64, Vec<ChunkPlace>) {
        (self.found, self.published().chunks.below(self.found))
    }

    /// Takes the chunks of all event lists that start-up found.
    pub(crate) fn looked_into(&self, chunks: Vec<ChunkPlace>) {
        self.publishing().chunks.looked_into(chunks);
    }

    /// Start-up copied a frame: what stood at `from` and behind it now stands at `to`.
    pub(crate) fn moved(&self, from: Place, to: Place) {
        self.publishing().chunks.moved(from, to);
    }

    /// The journal's bytes at a place.
    pub(crate) fn bytes_at(&self, chunk: &ChunkPlace) -> Result<Vec<u8>, ReadError> {
        let files = self.files.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let file = files.get(&chunk.place.file).cloned();
        drop(files);
        let file = file.ok_or(ReadError::Damaged(chunk.first, "its journal file is gone"))?;
        let mut bytes = vec![0; chunk.bytes as usize];
        file.read_at(chunk.place.offset, &mut bytes)?;
        Ok(bytes)
    }
}
