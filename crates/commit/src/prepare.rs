//! What a sender's task does before the lane: find duplicates, digest, compress.
//!
//! The rule of ids (docs/formats/event.md): same id and same content answers with the first one's
//! seq; same id and other content is stored like any other event, and an event of our own links
//! both. Refusing it would let a squatter, or an id that clients choose, silence a true event.

use std::collections::HashMap;
use std::sync::Arc;

use admit::Admitted;
use event::{Fields, Hash};

use crate::journal::event_list::{Chunk, ChunkWriter};
use crate::journal::section::{EpochRecord, IdTag};
use crate::log::{Log, ReadError, hex};
use crate::own;
use crate::world::World;

/// What becomes of one event that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is the n-th new event of this batch.
    New(u32),
    /// It is the n-th new event, though an event with its id stands at this place already.
    Conflict(u32, Earlier),
    /// It stands in the log already.
    Duplicate(Earlier),
}

/// An event that was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// At this seq.
    Stored(u64),
    /// The n-th new event of the same batch.
    Same(u32),
}

/// A batch ready for the lane.
pub struct Prepared {
    pub(crate) log: Arc<Log>,
    /// One for each event sent, in order.
    pub(crate) fates: Vec<Fate>,
    pub(crate) digests: Vec<Hash>,
    pub(crate) tags: Vec<IdTag>,
    /// Which of `tags` were not in the log when they were looked up and must not be there now.
    pub(crate) unseen: Vec<bool>,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) epochs: Vec<EpochRecord>,
    /// Events of our own about conflicts; they follow the new ones.
    own: Vec<Admitted>,
    /// Which of the events sent are new.
    new: Vec<usize>,
}

impl Prepared {
    /// The events this batch adds, in the order of their seqs; `sent` is what it was made from.
    pub fn added<'a>(&'a self, sent: &'a [Admitted]) -> impl Iterator<Item = &'a Admitted> {
        self.new.iter().map(|i| &sent[*i]).chain(&self.own)
    }

    /// What becomes of each event sent, in order.
    pub fn fates(&self) -> &[Fate] {
        &self.fates
    }

    /// The log it goes to.
    pub fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Compressed bytes of the events.
    pub(crate) fn bytes(&self) -> usize {
        let list: usize = self.chunks.iter().map(|c| c.bytes.len()).sum();
        list + self.digests.len() * 56 + self.epochs.len() * 38
    }
}

/// Prepares a batch for one log. Reads the log where an id is known already.
pub fn prepare(world: &World, log: &Arc<Log>, sent: &[Admitted]) -> Result<Prepared, ReadError> {
    let mut sorting = Sorting { log, sent, first: HashMap::new(), new: Vec::new(), own: Vec::new() };
    let tags: Vec<IdTag> = sent
        .iter()
        .map(|event| world.id_key.tag(&log.meta.tenant, event.producer(), event.id()))
        .collect();
    let mut fates = Vec::with_capacity(sent.len());
    let mut known = Vec::with_capacity(sent.len());
    {
        let published = log.published();
        known.extend(tags.iter().map(|tag| published.ids.get(tag)));
    }
    for (index, tag) in tags.iter().enumerate() {
        fates.push(sorting.fate(index, tag, known[index])?);
    }
    let Sorting { new, own, .. } = sorting;
    let mut prepared = Prepared {
        log: log.clone(),
        fates,
        digests: Vec::with_capacity(new.len() + own.len()),
        unseen: new.iter().map(|i| known[*i].is_none()).collect(),
        tags: new.iter().map(|i| tags[*i]).collect(),
        chunks: Vec::new(),
        epochs: Vec::new(),
        own: Vec::new(),
        new,
    };
    for finding in own {
        let event = own::conflict(world, &log.meta.tenant, &finding);
        prepared.tags.push(world.id_key.tag(&log.meta.tenant, event.producer(), event.id()));
        prepared.unseen.push(false);
        prepared.own.push(event);
    }
    digest_all(world, &mut prepared, sent);
    Ok(prepared)
}

/// The sorting of a batch into new events, duplicates and conflicts.
struct Sorting<'a> {
    log: &'a Log,
    sent: &'a [Admitted],
    /// The first new event of this batch with a tag.
    first: HashMap<IdTag, u32>,
    new: Vec<usize>,
    own: Vec<own::Conflict>,
}

impl Sorting<'_> {
    fn fate(&mut self, index: usize, tag: &IdTag, known: Option<u64>) -> Result<Fate, ReadError> {
        let event = &self.sent[index];
        let earlier = if event.id_given() {
            None
        } else if let Some(nth) = self.first.get(tag) {
            let other = &self.sent[self.new[*nth as usize]];
            Some((Earlier::Same(*nth), other.fields().clone()))
        } else if let Some(seq) = known {
            let stored = self.log.read(seq)?.fields;
            // Short tags of different ids can be equal, if hardly ever.
            let same_id = stored.string("[\"id\"]").as_deref() == Some(event.id());
            same_id.then_some((Earlier::Stored(seq), stored))
        } else {
            None
        };
        Ok(match earlier {
            Some((earlier, stored)) if same_content(&stored, event.fields()) => {
                Fate::Duplicate(earlier)
            }
            Some((earlier, _)) => {
                self.own.push(self.conflict(event, earlier));
                Fate::Conflict(self.add(index, tag), earlier)
            }
            None => Fate::New(self.add(index, tag)),
        })
    }

    fn add(&mut self, index: usize, tag: &IdTag) -> u32 {
        let nth = self.new.len() as u32;
        self.new.push(index);
        self.first.entry(*tag).or_insert(nth);
        nth
    }

    fn conflict(&self, event: &Admitted, earlier: Earlier) -> own::Conflict {
        let (seq, digest) = match earlier {
            Earlier::Stored(seq) => {
                let entry = self.log.published().tree.entry(seq);
                (Some(seq), entry.map(|leaf| hex(&leaf.digest)))
            }
            Earlier::Same(_) => (None, None),
        };
        own::Conflict { id: event.id().to_owned(), first_seq: seq, first_digest: digest }
    }
}

/// Whether two recorded events say the same: what the server added, and when the producer saw
/// it, does not count.
fn same_content(a: &Fields, b: &Fields) -> bool {
    let counts = |path: &str| {
        !path.starts_with("[\"recorded\"") && path != "[\"observed_at\"]"
    };
    let a = a.iter().filter(|field| counts(field.path));
    let b = b.iter().filter(|field| counts(field.path));
    a.eq(b)
}

fn digest_all(world: &World, prepared: &mut Prepared, sent: &[Admitted]) {
    let log = prepared.log.clone();
    let mut writer = ChunkWriter::default();
    let total = (prepared.new.len() + prepared.own.len()) as u64;
    let (mut digests, mut epochs) = (Vec::with_capacity(total as usize), Vec::new());
    let mut counters = log.epochs.take(total, world.clock.as_ref(), world.entropy.as_ref());
    let mut used = 0;
    for (n, event) in prepared.added(sent).enumerate() {
        if used == counters.count {
            epochs.push(counters.record.clone());
            let left = total - n as u64;
            counters = log.epochs.take(left, world.clock.as_ref(), world.entropy.as_ref());
            used = 0;
        }
        let salts = counters.place(used);
        used += 1;
        digests.push(log.digest.of_fields(event.fields(), &counters.key.event_key(salts.counter)));
        writer.push(event.fields(), salts);
    }
    if used > 0 {
        epochs.push(counters.record);
    }
    prepared.digests = digests;
    prepared.epochs = epochs;
    prepared.chunks = writer.finish();
}
