//! What completeness wants to know of a batch: who was heard, and which numbers came.
//!
//! A small part of what rows hold, and apart from them: rows can be packed while what came before
//! them is still to be replayed, but numbers are taken in one after the other.

use event::Leaf;

use crate::hash::check;
use crate::text::with_content;

/// Bytes of a name that completeness is kept for.
pub(crate) const NAME_BYTES_MAX: usize = 256;

/// Who was heard in consecutive rows.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Which of `streams` has numbered which row, and how.
    pub(crate) numbered: Vec<Numbered>,
    pub(crate) streams: Vec<StreamName>,
    /// Who did what how often; the same pair may stand in several.
    pub(crate) tallies: Vec<Tally>,
}

/// How often a service did something.
#[derive(Debug)]
pub(crate) struct Tally {
    /// `None`: its name is longer than names are kept.
    pub(crate) service: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) events: u32,
    /// Bytes of the events' fields.
    pub(crate) bytes: u64,
    /// The last row of it.
    pub(crate) last: u32,
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
    pub(crate) action: &'f str,
    /// Bytes of its fields.
    pub(crate) bytes: usize,
    pub(crate) principal: &'f str,
    pub(crate) producer: Option<&'f str>,
    pub(crate) stream: Option<&'f str>,
    pub(crate) seq: Option<u64>,
    pub(crate) dropped: u64,
}

/// Pairs of service and action that are remembered from row to row.
const PAIRS: usize = 32;

/// What was said in rows before, as JSON texts.
#[derive(Default)]
pub(crate) struct Before<'f> {
    /// The stream of the row before.
    stream: Option<[&'f str; 3]>,
    /// A service and an action, and which of the tallies is theirs.
    pairs: [Option<([&'f str; 2], u32)>; PAIRS],
}

fn is_short(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
}

impl Heard {
    /// Takes in what the event of a row says; `before` is what was said in rows before.
    pub(crate) fn add<'f>(&mut self, row: u32, said: &Said<'f>, before: &mut Before<'f>) {
        self.tally(row, said, before);
        let Some(seq) = said.seq else { return };
        let producer = said.producer.unwrap_or(said.service);
        let texts = [said.principal, producer, said.stream.unwrap_or("\"\"")];
        if before.stream != Some(texts) {
            let [principal, producer, stream] = texts.map(|text| with_content(text, str::to_owned));
            if ![&principal, &producer, &stream].into_iter().all(|name| is_short(name)) {
                return;
            }
            self.streams.push(StreamName { principal, producer, stream });
            before.stream = Some(texts);
        }
        let stream = self.streams.len() as u32 - 1;
        self.numbered.push(Numbered { row, stream, seq, dropped: said.dropped });
    }

    fn tally<'f>(&mut self, row: u32, said: &Said<'f>, before: &mut Before<'f>) {
        let pair = [said.service, said.action];
        let [service, action] = pair.map(|text| check(text.as_bytes()));
        let known = &mut before.pairs[(service ^ action.rotate_left(1)) as usize % PAIRS];
        let nth = match known {
            Some((texts, nth)) if *texts == pair => *nth as usize,
            _ => {
                let kept =
                    |text| with_content(text, |name| is_short(name).then(|| name.to_owned()));
                let [service, action] = pair.map(kept);
                self.tallies.push(Tally { service, action, events: 0, bytes: 0, last: row });
                *known = Some((pair, self.tallies.len() as u32 - 1));
                self.tallies.len() - 1
            }
        };
        let tally = &mut self.tallies[nth];
        tally.events += 1;
        tally.bytes += said.bytes as u64;
        tally.last = row;
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
