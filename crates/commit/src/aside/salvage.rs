//! What can still be proved of a log that was set aside.
//!
//! A log takes its sections as long as they follow for *it*, whatever is missing between them, and
//! the newest one only once something that was signed covers it. Nothing is signed here.

use std::sync::Arc;

use crate::journal::Place;
use crate::journal::event_list::LIST_BYTES_MAX;
use crate::journal::section::{EpochRecord, IdTag, Section};
use crate::log::{
    Addition, Checkpoint, ChunkPlace, Keyring, LogMeta, Plan, Published, Sequencer, hex,
    read_unverified,
};
use crate::rising::list_place;
use crate::slots::Checkpoints;

/// A log of a part.
pub(crate) struct Salvaged {
    pub(crate) meta: LogMeta,
    pub(crate) keys: Keyring,
    /// What can be proved.
    pub(crate) published: Published,
    /// Entries under the newest signature of it that was found anywhere.
    pub(crate) signed: u64,
    /// Whether it had entries, be they readable or not.
    pub(crate) opened: bool,
    /// Entries up to the end of the last whole section, be they readable or not.
    stands: u64,
    sequencer: Sequencer,
    /// What the head and the folder of keys have of it, and what stands between frames, signed by
    /// its key.
    heads: Vec<Checkpoint>,
    /// The size that these have, but for what stands between frames.
    in_head: u64,
    /// The checkpoint of the newest section that was taken: of all entries but `pending`.
    before: Option<Checkpoint>,
    /// The largest checkpoint that any section brings, signed or not.
    claimed: Option<Checkpoint>,
    /// The newest section, until something that was signed covers it.
    pending: Option<Pending>,
}

struct Pending {
    plan: Plan,
    tags: Vec<IdTag>,
    epochs: Vec<EpochRecord>,
    list: ChunkPlace,
}

impl Salvaged {
    pub(super) fn new(
        meta: LogMeta,
        keys: Keyring,
        birth: Checkpoint,
        notes: &[Checkpoints],
    ) -> Salvaged {
        let open = |note: &String| keys.open(note, &meta.origin).ok();
        let notes = notes.iter().filter_map(|notes| open(notes.get(&meta.origin)?));
        let heads: Vec<Checkpoint> = notes.collect();
        let signed = heads.iter().map(|head| head.size).max().unwrap_or_default();
        Salvaged {
            meta,
            keys,
            published: Published::new(birth),
            signed,
            opened: signed > 0,
            stands: 0,
            sequencer: Sequencer::default(),
            heads,
            in_head: signed,
            before: None,
            claimed: None,
            pending: None,
        }
    }

    /// Takes a section if it follows what was taken.
    pub(super) fn visit(&mut self, section: &Section<'_>, place: Place, strict: bool) {
        self.opened = true;
        let Some(before) = read_unverified(section.checkpoint, &self.meta.origin) else { return };
        if self.claimed.as_ref().is_none_or(|claimed| claimed.size < before.size) {
            self.claimed = Some(before.clone());
        }
        if before.size != section.first || section.event_list_raw > LIST_BYTES_MAX {
            return;
        }
        self.stands = self.stands.max(section.first.saturating_add(section.leaves.len() as u64));
        let state = (section.first, before.root);
        let behind = self.pending.as_ref().is_some_and(|p| state == p.end());
        // A section that follows the same as the newest one replaces it: that one was torn or is
        // a copy's original.
        if !behind && state != (self.sequencer.size(), self.sequencer.root()) {
            return;
        }
        let looks = strict || section.first > self.in_head;
        if looks && self.keys.open(section.checkpoint, &self.meta.origin).is_err() {
            return;
        }
        if behind {
            self.flush();
        }
        if section.first > 0 {
            self.before = Some(before);
        }
        if !self.sequencer.accepts(&section.leaves) {
            return;
        }
        let plan = self.sequencer.replay(section.leaves.clone());
        if plan.root != section.root_after {
            return;
        }
        let (tags, epochs) = (section.tags.to_vec(), section.epochs.clone());
        self.pending = Some(Pending { plan, tags, epochs, list: list_place(section, place) });
    }

    /// Takes a checkpoint that stands alone, if every line of it is a signature of the log's.
    pub(super) fn take_note(&mut self, note: &str) {
        if self.keys.all_hold(note) {
            self.heads.extend(self.keys.open(note, &self.meta.origin));
        }
    }

    /// Takes the newest section in: something that was signed covers it.
    fn flush(&mut self) {
        let Some(Pending { plan, tags, epochs, list }) = self.pending.take() else { return };
        let (leaves, growth) = self.sequencer.apply(plan);
        self.published.chunks.add_list(list);
        let (tags, epochs, chunks) = (&tags[..], &epochs[..], Vec::new());
        self.published.add(Addition { growth, leaves: &leaves, tags, epochs, chunks });
    }

    /// Finds the signature that covers what was taken; says whether there is one.
    pub(super) fn settle(&mut self) -> bool {
        let claimed = self.claimed.take().filter(|claimed| claimed.size > self.signed);
        if let Some(claimed) =
            claimed.filter(|claimed| self.keys.open(&claimed.note, &self.meta.origin).is_ok())
        {
            self.signed = claimed.size;
        }
        self.signed = self.heads.iter().map(|head| head.size).fold(self.signed, u64::max);
        let covers = |size, root| {
            self.heads.iter().find(|head| (head.size, head.root) == (size, root)).cloned()
        };
        if let Some((size, root)) = self.pending.as_ref().map(Pending::end)
            && let Some(head) = covers(size, root)
        {
            self.flush();
            self.published.checkpoint = Arc::new(head);
            return true;
        }
        let (size, root) = (self.sequencer.size(), self.sequencer.root());
        if size == 0 {
            return true;
        }
        let before = self.before.take().filter(|before| (before.size, before.root) == (size, root));
        let before =
            before.filter(|before| self.keys.open(&before.note, &self.meta.origin).is_ok());
        let Some(newest) = before.or_else(|| covers(size, root)) else { return false };
        self.published.checkpoint = Arc::new(newest);
        true
    }

    /// Says which entries stand there that nothing signed covers: the last ones before a crash,
    /// which a start would have signed, or what somebody put there.
    pub(super) fn unsigned(&self) -> Option<String> {
        let (name, signed, stands) = (self.meta.name(), self.signed, self.stands);
        let last = stands.checked_sub(1).filter(|last| *last >= signed)?;
        Some(format!(
            "log {name}: no signature that was found covers its entries {signed} to {last}"
        ))
    }

    /// Says where something that was signed has another root than what stands here: two histories
    /// of one log were signed, and this is the one of them.
    pub(super) fn forked(&self) -> Option<String> {
        let root = |signed: &Checkpoint| self.published.tree.root(signed.size);
        let is_other = |signed: &&Checkpoint| root(signed).is_some_and(|root| root != signed.root);
        let other = self.heads.iter().find(is_other)?;
        Some(format!(
            "log {}: another history of it was signed, up to size {} (root {})",
            self.meta.name(),
            other.size,
            hex(&other.root)
        ))
    }
}

impl Pending {
    /// Size and root with it.
    fn end(&self) -> (u64, event::Hash) {
        (self.plan.first + self.plan.leaves.len() as u64, self.plan.root)
    }
}
