//! A log while the journal is read at start-up.
//!
//! Each section goes through the sequencer that made it; what it adds up to must be the root that
//! stands with it, and what came before must be what the section's own checkpoint signs. The events
//! themselves stay packed ([`crate::Replay`]), for writing does not need them; but those that no
//! checkpoint covers yet are compared with their entries, before anything is signed.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use event::{Leaf, OriginDigest};

use crate::head::Head;
use crate::journal::event_list::{self, LIST_BYTES_MAX};
use crate::journal::file::file_name;
use crate::journal::frame::{Frame, HEADER_BYTES};
use crate::journal::section::{Section, sections};
use crate::journal::{Damage, Place};
use crate::keys::{self, FoundKeys};
use crate::log::{
    Addition, Checkpoint, ChunkPlace, EPOCH_NUMBER_MAX, LogMeta, Published, Sequencer,
    read_unverified,
};
use crate::marks::Marks;
use crate::open::OpenError;
use crate::settle::Awaited;
use crate::world::World;

/// A log while the journal is read.
pub(crate) struct Rising {
    pub(crate) meta: LogMeta,
    pub(crate) keys: FoundKeys,
    /// The event about its keys that it may have.
    pub(crate) awaited: Option<Awaited>,
    /// A key that signed it and is in none of its files.
    pub(crate) stranger: Option<Stranger>,
    pub(crate) sequencer: Sequencer,
    pub(crate) published: Published,
    /// Entries under the head's checkpoint.
    pub(crate) signed: u64,
    pub(crate) digest: OriginDigest,
    /// Epochs that its sections list.
    pub(crate) epochs: HashSet<u32>,
    pub(crate) next_epoch: u32,
    /// An entry in whose section damage was found by the process before.
    pub(crate) suspect: Option<u64>,
}

/// A key that signed a checkpoint and is not the log's, as far as its files say.
pub(crate) struct Stranger {
    pub(crate) id: String,
    /// The checkpoint's size.
    pub(crate) size: u64,
    /// The file in which it stands.
    pub(crate) file: String,
}

/// Takes in a frame.
pub(crate) fn visit_frame(
    rising: &mut BTreeMap<String, Rising>,
    marks: &mut Marks<'_>,
    frame: &Frame<'_>,
    place: Place,
) -> Result<(), Damage> {
    let damage = |what: &str| Damage {
        file: file_name(place.file),
        offset: place.offset,
        what: what.to_owned(),
    };
    let found = sections(frame.sections, frame.header.sections).map_err(|e| damage(e.0))?;
    // A section that is skipped is under no signature.
    let is_signed = found.len() == usize::from(frame.header.sections)
        && !found.is_empty()
        && found.iter().all(|section| is_signed(rising, section));
    marks.check(frame.header, frame.sections, is_signed, place)?;
    for section in found {
        let log =
            rising.get_mut(section.origin).ok_or_else(|| damage("a section of no known log"))?;
        log.visit(&section, place).map_err(|what| {
            let name = log.meta.name();
            damage(&format!("log {name}, entries from {}: {what}", section.first))
        })?;
    }
    Ok(())
}

/// Whether the head's checkpoint covers a section.
fn is_signed(rising: &BTreeMap<String, Rising>, section: &Section<'_>) -> bool {
    let end = section.first.saturating_add(section.leaves.len() as u64);
    rising.get(section.origin).is_some_and(|log| end <= log.signed)
}

impl Rising {
    /// A log of which nothing was read but its small files.
    pub(crate) fn new(
        world: &World,
        head: Option<&Head>,
        meta: LogMeta,
    ) -> Result<Rising, OpenError> {
        let keys = keys::read(world.disk.as_ref(), world.keys.as_ref(), "", &meta)?;
        // That the signature holds is checked once the journal is read.
        let newest = head.and_then(|head| head.slot().checkpoints.get(&meta.origin));
        let signed = newest.and_then(|note| read_unverified(note, &meta.origin));
        Ok(Rising {
            awaited: Awaited::new(world, &meta, &keys),
            stranger: None,
            sequencer: Sequencer::default(),
            published: Published::new(keys.birth.clone()),
            signed: signed.map_or(0, |signed| signed.size),
            digest: OriginDigest::new(&meta.origin),
            epochs: HashSet::new(),
            next_epoch: 0,
            suspect: None,
            keys,
            meta,
        })
    }

    fn visit(&mut self, section: &Section<'_>, place: Place) -> Result<(), String> {
        let before = read_unverified(section.checkpoint, &self.meta.origin);
        let before = before.ok_or("its checkpoint cannot be read")?;
        if section.first != self.sequencer.size() || before.size != section.first {
            return Err("they do not follow the entries before".into());
        }
        if before.root != self.sequencer.root() {
            return Err("the entries before them are not those that were signed".into());
        }
        if self.stranger.is_none() {
            let id = self.keys.stranger(section.checkpoint, &self.meta.origin);
            let at = |id| Stranger { id, size: before.size, file: file_name(place.file) };
            self.stranger = id.map(at);
        }
        // Up to the head one signature covers all; behind it each section brings the next. With a
        // key missing the start is refused for that.
        let open = |note| self.keys.ring.open(note, &self.meta.origin);
        let is_looked_at = section.first > self.signed && self.stranger.is_none();
        if is_looked_at && open(section.checkpoint).is_err() {
            return Err("the checkpoint before them is not signed by the log's key".into());
        }
        if !self.sequencer.accepts(&section.leaves) {
            return Err("their times do not rise".into());
        }
        let plan = self.sequencer.replay(section.leaves.clone());
        if plan.root != section.root_after {
            return Err("they do not add up to the root that stands with them".into());
        }
        if section.event_list_raw > LIST_BYTES_MAX {
            return Err("the event list is longer than 64 MiB".into());
        }
        if let Some(awaited) = &mut self.awaited {
            awaited.look(section.first, section.tags);
        }
        if section.epochs.iter().any(|epoch| epoch.number > EPOCH_NUMBER_MAX) {
            return Err(format!("an epoch's number is larger than {EPOCH_NUMBER_MAX}"));
        }
        for epoch in &section.epochs {
            self.epochs.insert(epoch.number);
            self.next_epoch = self.next_epoch.max(epoch.number.saturating_add(1));
        }
        let (leaves, growth) = self.sequencer.apply(plan);
        let (tags, epochs) = (section.tags, &section.epochs[..]);
        let chunks = Vec::new();
        let last = section.first + leaves.len() as u64;
        self.published.chunks.add_list(list_place(section, place));
        self.published.add(Addition { growth, leaves: &leaves, tags, epochs, chunks });
        let is_suspect = self.suspect.is_some_and(|seq| (section.first..last).contains(&seq));
        if last > self.signed || is_suspect {
            self.check(section, &leaves)?;
        }
        // Its root is signed at the end of start-up, or was: the section that follows carries the
        // checkpoint.
        let root = section.root_after;
        let size = self.sequencer.size();
        self.published.checkpoint = Arc::new(Checkpoint { size, root, note: String::new() });
        Ok(())
    }
}

impl Rising {
    /// Compares events that are about to be signed with their entries: once signed, what does not
    /// fit would keep the folder from opening for ever. The same for those among which one was
    /// found that does not fit.
    fn check(&self, section: &Section<'_>, leaves: &[Leaf]) -> Result<(), String> {
        let raw =
            event_list::unpack(section.event_list, section.event_list_raw).map_err(|e| e.0)?;
        let mut events = event_list::events(&raw);
        for (seq, leaf) in (section.first..).zip(leaves) {
            let stored = events.next().ok_or("there are fewer events than entries")?;
            let stored = stored.map_err(|e| e.0)?;
            let key = self.published.event_key(stored.salts).ok_or("an event has no epoch key")?;
            if self.digest.of_fields(&stored.fields, &key) != leaf.digest {
                return Err(format!("entry {seq}: an event is not what its entry says"));
            }
        }
        events.next().map_or(Ok(()), |_| Err("there are more events than entries".into()))
    }
}

/// Where a section's event list stands.
pub(crate) fn list_place(section: &Section<'_>, place: Place) -> ChunkPlace {
    let offset = place.offset + (HEADER_BYTES + section.event_list_at) as u64;
    ChunkPlace {
        first: section.first,
        place: Place { file: place.file, offset },
        bytes: section.event_list.len() as u32,
        raw_bytes: section.event_list_raw,
    }
}
