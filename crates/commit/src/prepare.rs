//! What a sender's task does before the lane: find duplicates, digest, compress.
//!
//! The rule of ids (docs/formats/event.md): same id and same content answers with the first one's
//! seq; same id and other content is stored like any other event, and an event of our own links
//! both. Refusing it would let a squatter, or an id that clients choose, silence a true event.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use admit::Admitted;
use event::{EventKey, Fields, Hash};

use crate::journal::event_list::{Chunk, ChunkWriter, LIST_BYTES_MAX, SaltPlace};
use crate::journal::section::{EpochRecord, IdTag};
use crate::log::{Counters, Log, ReadError, Reader, SAME_ID_MAX};
use crate::own;
use crate::world::World;

/// So many bytes before compression weigh as one after: 4 MiB of frame hold at most 64 MiB, which
/// is what an event list may have.
const RAW_WEIGHT: usize = 16;

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

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 0: the log of the batch; n: the n-th of its closed logs that [`Prepared::logs`] lists.
    pub log: u32,
    /// Its seq there.
    pub seq: u64,
}

/// An event that was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// In this place.
    Stored(Place),
    /// The n-th new event of the same batch.
    Same(u32),
}

/// A batch ready for the lane.
pub struct Prepared {
    pub(crate) log: Arc<Log>,
    /// Logs that were closed before it and whose ids are known, newest first.
    closed: Vec<Arc<Log>>,
    /// One for each event sent, in order.
    pub(crate) fates: Vec<Fate>,
    pub(crate) digests: Vec<Hash>,
    pub(crate) tags: Vec<IdTag>,
    /// The newest event that the log had with each of `tags` when they were looked up; there must
    /// not be a newer one.
    pub(crate) seen: Vec<Option<u64>>,
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

    /// The log it goes to, and those that were closed before and may have a duplicate.
    pub fn logs(&self) -> Vec<Arc<Log>> {
        [&self.log].into_iter().chain(&self.closed).cloned().collect()
    }

    /// The log it goes to.
    pub fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Whether the batch has more than one event list may have.
    pub(crate) fn is_too_large(&self) -> bool {
        let raw: u64 = self.chunks.iter().map(|chunk| u64::from(chunk.raw_bytes)).sum();
        raw > u64::from(LIST_BYTES_MAX)
    }

    /// What the batch weighs in a frame: its compressed bytes, or what recovery will need to
    /// unpack it where that is far more.
    pub(crate) fn bytes(&self) -> usize {
        let list: usize = self.chunks.iter().map(|c| c.bytes.len()).sum();
        let raw: usize = self.chunks.iter().map(|c| c.raw_bytes as usize).sum();
        list.max(raw / RAW_WEIGHT) + self.digests.len() * 56 + self.epochs.len() * 38
    }
}

/// Prepares a batch for one log. Reads the log where an id is known already.
pub fn prepare(world: &World, log: &Arc<Log>, sent: &[Admitted]) -> Result<Prepared, ReadError> {
    let tenant = &log.meta.tenant;
    let tag = |event: &Admitted| world.id_key.tag(tenant, event.producer(), event.id());
    let tags: Vec<IdTag> = sent.iter().map(tag).collect();
    let known: Vec<Vec<u64>> = {
        let published = log.published();
        tags.iter().map(|tag| published.ids.get(tag).collect()).collect()
    };
    let closed = closed_before(log, world.clock.now());
    let readers = [log].into_iter().chain(&closed).map(Reader::new).collect();
    let mut sorting = Sorting { readers, sent, here: HashMap::new(), new: Vec::new() };
    let mut fates = Vec::with_capacity(sent.len());
    for (index, tag) in tags.iter().enumerate() {
        let mut places = Vec::new();
        for (nth, closed) in closed.iter().enumerate().rev() {
            places.extend(places_in(closed, nth as u32 + 1, tag));
        }
        places.extend(known[index].iter().map(|seq| Place { log: 0, seq: *seq }));
        fates.push(sorting.fate(index, tag, &places)?);
    }
    let new = sorting.new;
    let mut digesting = Digesting::new(world, log);
    digesting.add(new.iter().map(|index| &sent[*index]), new.len());
    let logs: Vec<_> = [log].into_iter().chain(&closed).collect();
    let own = conflicts(world, &logs, &fates, sent, &digesting.digests);
    digesting.add(own.iter(), own.len());
    let mut prepared = Prepared {
        log: log.clone(),
        closed,
        fates,
        tags: new.iter().map(|index| tags[*index]).collect(),
        seen: new.iter().map(|index| known[*index].last().copied()).collect(),
        digests: digesting.digests,
        epochs: digesting.epochs,
        chunks: digesting.writer.finish(),
        own,
        new,
    };
    prepared.tags.extend(prepared.own.iter().map(tag));
    prepared.seen.resize(prepared.tags.len(), None);
    Ok(prepared)
}

/// The logs that were closed before this one, newest first, as far as their ids are in the window.
fn closed_before(log: &Arc<Log>, now: i64) -> Vec<Arc<Log>> {
    let mut found: Vec<Arc<Log>> = Vec::new();
    let mut next = log.predecessor();
    while let Some(closed) = next.filter(|closed| closed.knows_ids(now)) {
        found.push(closed.clone());
        next = closed.predecessor();
    }
    found
}

/// Where a closed log has a tag, as far as what stands there can be proved.
fn places_in(closed: &Log, log: u32, tag: &IdTag) -> Vec<Place> {
    let published = closed.published();
    let proved = published.ids.get(tag).filter(|seq| *seq < published.checkpoint.size);
    proved.map(|seq| Place { log, seq }).collect()
}

/// One event of our own for each conflict: it links both by their digests, which name them
/// whatever their ids say.
fn conflicts(
    world: &World,
    logs: &[&Arc<Log>],
    fates: &[Fate],
    sent: &[Admitted],
    digests: &[Hash],
) -> Vec<Admitted> {
    let conflict = |(fate, event): (&Fate, &Admitted)| {
        let Fate::Conflict(nth, earlier) = *fate else { return None };
        let first = match earlier {
            Earlier::Stored(Place { log, seq }) => {
                logs[log as usize].published().tree.entry(seq).map(|leaf| leaf.digest)
            }
            Earlier::Same(nth) => Some(digests[nth as usize]),
        };
        let conflict = own::Conflict { id: event.id(), first, second: digests[nth as usize] };
        Some(own::conflict(world, &logs[0].meta.tenant, &conflict))
    };
    fates.iter().zip(sent).filter_map(conflict).collect()
}

/// The sorting of a batch into new events, duplicates and conflicts.
struct Sorting<'a> {
    /// One for each log. A batch that is sent again stands together in the log too.
    readers: Vec<Reader>,
    sent: &'a [Admitted],
    /// The new events of this batch by tag: the first, and others with its id, if there are any.
    here: HashMap<IdTag, (u32, Vec<u32>)>,
    new: Vec<usize>,
}

impl Sorting<'_> {
    fn fate(&mut self, index: usize, tag: &IdTag, known: &[Place]) -> Result<Fate, ReadError> {
        let event = &self.sent[index];
        let mut earlier = None;
        let known = if event.id_given() { &[] } else { known };
        for place in known {
            let Some(stored) = self.stored(place)? else { continue };
            // Short tags of different ids can be equal, if hardly ever.
            if stored.string("[\"id\"]").as_deref() != Some(event.id()) {
                continue;
            }
            if same_content(&stored, event.fields()) {
                return Ok(Fate::Duplicate(Earlier::Stored(*place)));
            }
            earlier = earlier.or(Some(Earlier::Stored(*place)));
        }
        let here = self.here.get(tag).filter(|_| !event.id_given());
        for nth in here.into_iter().flat_map(|(first, more)| [first].into_iter().chain(more)) {
            let other = &self.sent[self.new[*nth as usize]];
            if same_content(other.fields(), event.fields()) {
                return Ok(Fate::Duplicate(Earlier::Same(*nth)));
            }
            earlier = earlier.or(Some(Earlier::Same(*nth)));
        }
        let nth = self.add(index, tag);
        Ok(earlier.map_or(Fate::New(nth), |earlier| Fate::Conflict(nth, earlier)))
    }

    /// What stands at a place; `None` if it was set aside and is not what was committed: it is
    /// stored anew, as what was lost with it is.
    fn stored(&mut self, place: &Place) -> Result<Option<Fields>, ReadError> {
        let reader = &mut self.readers[place.log as usize];
        if reader.log().damaged().is_none() {
            return Ok(Some(reader.read(place.seq)?.fields));
        }
        match reader.read_checked(place.seq) {
            Ok((fields, _)) => Ok(Some(fields)),
            Err(ReadError::Damaged(..)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn add(&mut self, index: usize, tag: &IdTag) -> u32 {
        let nth = self.new.len() as u32;
        self.new.push(index);
        match self.here.entry(*tag) {
            Entry::Vacant(place) => drop(place.insert((nth, Vec::new()))),
            Entry::Occupied(mut place) if place.get().1.len() + 1 < SAME_ID_MAX => {
                place.get_mut().1.push(nth);
            }
            Entry::Occupied(_) => {}
        }
        nth
    }
}

/// Whether two recorded events say the same: what the server added, and when the producer saw
/// it, does not count.
fn same_content(a: &Fields, b: &Fields) -> bool {
    let counts = |path: &str| !path.starts_with("[\"recorded\"") && path != "[\"observed_at\"]";
    let a = a.iter().filter(|field| counts(field.path));
    let b = b.iter().filter(|field| counts(field.path));
    a.eq(b)
}

/// Digests and compresses events, in the order of their seqs.
struct Digesting<'a> {
    world: &'a World,
    log: &'a Log,
    counters: Option<Counters>,
    /// Counters used of those.
    used: u64,
    digests: Vec<Hash>,
    epochs: Vec<EpochRecord>,
    writer: ChunkWriter,
}

impl<'a> Digesting<'a> {
    fn new(world: &'a World, log: &'a Log) -> Self {
        Digesting {
            world,
            log,
            counters: None,
            used: 0,
            digests: Vec::new(),
            epochs: Vec::new(),
            writer: ChunkWriter::default(),
        }
    }

    fn add<'e>(&mut self, events: impl Iterator<Item = &'e Admitted>, count: usize) {
        self.digests.reserve(count);
        for (n, event) in events.enumerate() {
            let (key, salts) = self.next_key((count - n) as u64);
            self.digests.push(self.log.digest.of_fields(event.fields(), &key));
            self.writer.push(event.fields(), salts);
        }
    }

    /// The key of the next event, where `left` more are to come.
    fn next_key(&mut self, left: u64) -> (EventKey, SaltPlace) {
        if self.counters.as_ref().is_none_or(|counters| self.used == counters.count) {
            let (clock, entropy) = (self.world.clock.as_ref(), self.world.entropy.as_ref());
            let counters = self.log.epochs.take(left, clock, entropy);
            if self.epochs.last().is_none_or(|last| last.number != counters.record.number) {
                self.epochs.push(counters.record.clone());
            }
            self.counters = Some(counters);
            self.used = 0;
        }
        let counters = self.counters.as_ref().expect("taken above");
        let salts = counters.place(self.used);
        self.used += 1;
        (counters.key.event_key(salts.counter), salts)
    }
}
