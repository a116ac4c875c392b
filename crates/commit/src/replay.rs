//! The events that start-up found, read beside the lane: for who indexes and checks them.
//!
//! Opening reads frames, leaves and ids, which is all that writing needs. Unpacking the events
//! takes several times as long and is done here. What cannot be read, or is not what its entry
//! says, is damage like any other, though the checksums of its frame hold.

use std::fmt;
use std::sync::Arc;
use std::vec::IntoIter;

use event::{Fields, Leaf};

use crate::journal::Damage;
use crate::journal::event_list::{self, StoredEvent};
use crate::journal::file::file_name;
use crate::log::{ChunkPlace, Log, ReadError, Reader};
use crate::open::OpenError;
use crate::suspect::Unfit;

/// Where a log's first event states the digest of its log.json.
const LOG_FILE: &str = r#"["attributes","log_file"]"#;

/// Consecutive events of one log.
pub struct Replayed {
    /// The log.
    pub log: Arc<Log>,
    /// Seq of the first.
    pub first: u64,
    /// Their entries.
    pub leaves: Vec<Leaf>,
    /// What they say.
    pub events: Vec<StoredEvent>,
    place: ChunkPlace,
}

/// Consecutive events that cannot be read. What comes behind them can be asked for all the same.
pub struct Unreadable {
    /// The log.
    pub log: Arc<Log>,
    /// Seq of the first.
    pub first: u64,
    /// Their entries.
    pub leaves: Vec<Leaf>,
    /// Why.
    pub error: OpenError,
}

impl fmt::Debug for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unreadable({}, {}: {})", self.log.meta.name(), self.first, self.error)
    }
}

impl Unreadable {
    /// The events that cannot be read one by one either, with the seq.
    fn misfits(&self) -> impl Iterator<Item = (u64, OpenError)> {
        let seqs = self.first..self.first + self.leaves.len() as u64;
        let mut reader = Reader::new(&self.log);
        seqs.filter_map(move |seq| {
            Some((seq, OpenError::read(&self.log, &reader.read_checked(seq).err()?)))
        })
    }
}

/// Reads log after log, each from its first event to the last that start-up found.
pub struct Replay {
    logs: IntoIter<OneLog>,
    current: Option<OneLog>,
    done: u64,
    events: u64,
}

struct OneLog {
    log: Arc<Log>,
    /// Events that start-up found.
    size: u64,
    lists: IntoIter<ChunkPlace>,
    /// Chunks of the lists so far.
    chunks: Vec<ChunkPlace>,
}

impl Replay {
    pub(crate) fn new<'l>(logs: impl Iterator<Item = &'l Arc<Log>>) -> Replay {
        let one = |log: &Arc<Log>| {
            let (size, lists) = log.found();
            OneLog { log: log.clone(), size, lists: lists.into_iter(), chunks: Vec::new() }
        };
        let logs: Vec<OneLog> = logs.map(one).collect();
        let events = logs.iter().map(|log| log.size).sum();
        Replay { logs: logs.into_iter(), current: None, done: 0, events }
    }

    /// Events read, and events in all.
    pub fn progress(&self) -> (u64, u64) {
        (self.done, self.events)
    }
}

impl Iterator for Replay {
    type Item = Result<Replayed, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.current.is_none() {
                self.current = Some(self.logs.next()?);
            }
            let one = self.current.as_mut()?;
            if let Some(list) = one.lists.next() {
                let end = one.lists.as_slice().first().map_or(one.size, |next| next.first);
                self.done += end - list.first;
                let replayed = one.read(list, end).map_err(|error| {
                    // It stands for its chunks, of which some may be whole.
                    one.chunks.push(list);
                    let (log, first) = (one.log.clone(), list.first);
                    let leaves = log.leaves(first, end);
                    Unreadable { log, first, leaves, error }
                });
                return Some(replayed);
            }
            let one = self.current.take()?;
            one.log.looked_into(one.chunks);
        }
    }
}

impl OneLog {
    fn read(&mut self, list: ChunkPlace, end: u64) -> Result<Replayed, OpenError> {
        let damaged = |what: &str| self.damaged(&list, list.first, what);
        let bytes = self.log.bytes_at(&list).map_err(|error| self.failed(&list, error))?;
        let raw = event_list::unpack(&bytes, list.raw_bytes).map_err(|e| damaged(e.0))?;
        let events: Vec<StoredEvent> =
            event_list::events(&raw).collect::<Result<_, _>>().map_err(|e| damaged(e.0))?;
        if events.len() as u64 != end - list.first {
            return Err(damaged("there are not as many events as entries"));
        }
        let lengths = event_list::chunk_lengths(&bytes, &raw).map_err(|e| damaged(e.0))?;
        self.chunks.extend(chunk_places(&list, lengths));
        let leaves = self.log.leaves(list.first, end);
        Ok(Replayed { log: self.log.clone(), first: list.first, leaves, events, place: list })
    }

    fn failed(&self, list: &ChunkPlace, error: ReadError) -> OpenError {
        match error {
            ReadError::Io(error) => OpenError::io(&file_name(list.place.file), error),
            error => self.damaged(list, list.first, &error.to_string()),
        }
    }

    fn damaged(&self, list: &ChunkPlace, seq: u64, what: &str) -> OpenError {
        damaged(&self.log, list, seq, what)
    }
}

impl Replayed {
    /// Compares every event with its signed entry, and the first of a log with what was fixed when
    /// the log was created; the first that does not fit is the error.
    pub fn check(&self) -> Result<(), Unfit> {
        let unfit = |(seq, error)| Unfit { log: self.log.clone(), seq, error };
        self.check_log_file().map_err(|error| unfit((self.first, error)))?;
        self.misfits().next().map_or(Ok(()), |found| Err(unfit(found)))
    }

    /// Compares the first event of a log with what was fixed when the log was created.
    pub fn check_log_file(&self) -> Result<(), OpenError> {
        let first = self.events.first().filter(|_| self.first == 0);
        first.map_or(Ok(()), |stored| check_log_file(&self.log, &stored.fields))
    }

    /// Compares every event with its signed entry; those that are not what it says, with the seq.
    pub fn misfits(&self) -> impl Iterator<Item = (u64, OpenError)> {
        let events = self.events.iter().zip(&self.leaves).enumerate();
        events.filter_map(|(nth, (stored, leaf))| {
            let seq = self.first + nth as u64;
            let error = self.log.check(seq, stored, leaf).err()?;
            Some((seq, damaged(&self.log, &self.place, seq, &error.to_string())))
        })
    }
}

/// Compares what was read with its entries. Of the living folder the first that does not fit is
/// the error; of what was set aside each is counted with its log, and answered.
pub fn compare(read: Result<Replayed, Unreadable>) -> Result<Vec<Unfit>, Unfit> {
    let log = read.as_ref().map_or_else(|it| &it.log, |it| &it.log).clone();
    let Some(damaged) = log.damaged() else {
        return read.map_err(Unfit::from)?.check().map(|()| Vec::new());
    };
    let unfit = |(seq, error)| Unfit { log: log.clone(), seq, error };
    let (first, entries, found): (_, _, Vec<Unfit>) = match &read {
        Ok(read) => (read.first, read.leaves.len(), read.misfits().map(unfit).collect()),
        Err(read) => (read.first, read.leaves.len(), read.misfits().map(unfit).collect()),
    };
    damaged.compared(first..first + entries as u64, found.len() as u64);
    let other = read.ok().and_then(|read| read.check_log_file().err());
    Ok(other.map(|error| unfit((first, error))).into_iter().chain(found).collect())
}

/// Compares what the first event of a log says with what was fixed when the log was created.
pub(crate) fn check_log_file(log: &Log, first: &Fields) -> Result<(), OpenError> {
    if first.string(LOG_FILE) == Some(log.meta.digest_text()) {
        return Ok(());
    }
    let file = format!("{}logs/{}/log.json", log.base(), log.meta.name());
    Err(OpenError::damaged(&file, "is not what the log's first event states"))
}

fn damaged(log: &Log, list: &ChunkPlace, seq: u64, what: &str) -> OpenError {
    OpenError::Damaged(Damage {
        file: format!("{}{}", log.base(), file_name(list.place.file)),
        offset: list.place.offset,
        what: format!("log {}, entries from {seq}: {what}", log.meta.name()),
    })
}

fn chunk_places(list: &ChunkPlace, lengths: Vec<(u32, u32, u32)>) -> Vec<ChunkPlace> {
    let (mut first, mut place) = (list.first, list.place);
    let placed = lengths.into_iter().map(|(bytes, raw_bytes, count)| {
        let chunk = ChunkPlace { first, place, bytes, raw_bytes };
        first += u64::from(count);
        place.offset += u64::from(bytes);
        chunk
    });
    placed.collect()
}
