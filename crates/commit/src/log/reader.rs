//! Reading events of one log: the chunk unpacked last is kept, so that neighbours cost little and
//! only what is asked for is decoded.

use std::ops::Range;
use std::sync::Arc;

use event::{EventKey, Fields};

use super::{Log, ReadError};
use crate::journal::event_list::{self, EventListError, StoredEvent};

/// Reads events of one log.
pub struct Reader {
    log: Arc<Log>,
    /// Seq of the first event in `raw`.
    first: u64,
    raw: Vec<u8>,
    /// Where in `raw` each of its events stands.
    events: Vec<Range<usize>>,
}

impl Reader {
    /// A reader that has read nothing.
    pub fn new(log: &Arc<Log>) -> Reader {
        Reader { log: log.clone(), first: 0, raw: Vec::new(), events: Vec::new() }
    }

    /// The log.
    pub fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Reads the event at `seq`.
    pub fn read(&mut self, seq: u64) -> Result<StoredEvent, ReadError> {
        if self.kept(seq).is_none() {
            self.load(seq)?;
        }
        let damaged = |error: EventListError| ReadError::Damaged(seq, error.0);
        let missing = EventListError("its chunk ends before it");
        let bytes = self.kept(seq).ok_or(missing).map_err(damaged)?;
        event_list::decode(bytes).map_err(damaged)
    }

    /// Reads an event and compares it with its entry, before anybody relies on it.
    pub fn read_checked(&mut self, seq: u64) -> Result<(Fields, EventKey), ReadError> {
        let stored = self.read(seq)?;
        let key = self.check(seq, &stored)?;
        Ok((stored.fields, key))
    }

    /// Compares an event that was read with its entry.
    pub fn check(&self, seq: u64, stored: &StoredEvent) -> Result<EventKey, ReadError> {
        let leaf = self.log.published().tree.entry(seq).ok_or(ReadError::Absent(seq))?;
        self.log.check(seq, stored, &leaf)
    }

    fn kept(&self, seq: u64) -> Option<&[u8]> {
        let nth = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        self.raw.get(self.events.get(nth)?.clone())
    }

    fn load(&mut self, seq: u64) -> Result<(), ReadError> {
        self.events.clear();
        let place = self.log.published().chunk(seq).ok_or(ReadError::Absent(seq))?;
        let bytes = self.log.bytes_at(&place)?;
        let damaged = |error: EventListError| ReadError::Damaged(seq, error.0);
        let nth = seq - place.first;
        let chunk = event_list::chunk_with(&bytes, place.raw_bytes, nth).map_err(damaged)?;
        self.first = place.first + chunk.before;
        (self.raw, self.events) = (chunk.raw, chunk.events);
        Ok(())
    }
}
