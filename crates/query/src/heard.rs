//! What completeness wants to know of a batch: who was heard, and which numbers came.
//!
//! A small part of what rows hold, and apart from them: rows can be packed while what came before
//! them is still to be replayed, but numbers are taken in one after the other.

use event::Leaf;

use crate::text::with_content;

/// Bytes of a name that completeness is kept for.
pub(crate) const NAME_BYTES_MAX: usize = 256;

/// Who was heard in consecutive rows.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Which of `streams` has numbered which row, and how.
    pub(crate) numbered: Vec<Numbered>,
    pub(crate) streams: Vec<StreamName>,
    /// Service and row, where the service is another than in the row before.
    pub(crate) services: Vec<(String, u32)>,
}

/// The same with the rows' place in the log.
#[derive(Debug)]
pub(crate) struct HeardAt {
    pub(crate) first: u64,
    /// When each row was recorded.
    pub(crate) recorded_at: Vec<i64>,
    pub(crate) heard: Heard,
}

/// A row that its producer numbered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbered {
    pub(crate) row: u32,
    pub(crate) stream: u32,
    pub(crate) seq: u64,
    pub(crate) dropped: u64,
}

/// One run of one producer, under the principal that sends for it. Ordered as answers list them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct StreamName {
    /// `producer.id`, else `service.name`.
    pub(crate) producer: String,
    pub(crate) stream: String,
    pub(crate) principal: String,
}

/// What one event says of where it comes from; names are JSON texts.
#[derive(Default)]
pub(crate) struct Said<'f> {
    pub(crate) service: &'f str,
    pub(crate) principal: &'f str,
    pub(crate) producer: Option<&'f str>,
    pub(crate) stream: Option<&'f str>,
    pub(crate) seq: Option<u64>,
    pub(crate) dropped: u64,
}

impl Heard {
    /// Takes in what the event of a row says; `before` is the stream of the row before.
    pub(crate) fn add<'f>(&mut self, row: u32, said: &Said<'f>, before: &mut Option<[&'f str; 3]>) {
        with_content(said.service, |service| {
            let is_other = self.services.last().is_none_or(|(last, _)| last != service);
            if is_other && service.len() <= NAME_BYTES_MAX {
                self.services.push((service.to_owned(), row));
            }
        });
        let Some(seq) = said.seq else { return };
        let producer = said.producer.unwrap_or(said.service);
        let texts = [said.principal, producer, said.stream.unwrap_or("\"\"")];
        if *before != Some(texts) {
            let [principal, producer, stream] = texts.map(|text| with_content(text, str::to_owned));
            if [&principal, &producer, &stream].iter().any(|name| name.len() > NAME_BYTES_MAX) {
                return;
            }
            self.streams.push(StreamName { principal, producer, stream });
            *before = Some(texts);
        }
        let stream = self.streams.len() as u32 - 1;
        self.numbered.push(Numbered { row, stream, seq, dropped: said.dropped });
    }

    /// Says where the rows stand.
    pub(crate) fn at(self, first: u64, leaves: &[Leaf]) -> HeardAt {
        let recorded_at = leaves.iter().map(|leaf| leaf.recorded_at).collect();
        HeardAt { first, recorded_at, heard: self }
    }
}

impl HeardAt {
    /// Seq behind the last row.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.recorded_at.len() as u64
    }
}
