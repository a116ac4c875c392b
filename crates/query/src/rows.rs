//! What the index keeps of a batch: made in the sender's task, before the lane, in one pass.

use event::{Fields, parse_time};

use crate::filter::{is_clock, is_searched, uuid_tail};
use crate::hash::{Column, term};
use crate::heard::{self, Heard, Said};
use crate::text::{with_content, word_hashes};

/// Words kept of one event; one with more is read for every text.
const WORDS_MAX: usize = 4_096;
/// Values remembered, by their terms, so as not to list them once more.
const SPOKEN: usize = 256;

/// The index rows of consecutive events.
#[derive(Debug, Default)]
pub struct Rows {
    heads: Vec<Head>,
    terms: Vec<u32>,
    words: Vec<u32>,
    /// Whether any of them had more words than are kept.
    flooded: bool,
    /// What completeness wants to know of them.
    pub(crate) heard: Heard,
    /// Values of the columns whose beginnings can be looked up; some of them more than once.
    pub(crate) spoken: Vec<(Column, String)>,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    terms_end: u32,
    words_end: u32,
    /// `None`: no clock, which no filter on time may pass over.
    occurred_at: Option<i64>,
    /// Whether it had more words than are kept.
    flooded: bool,
}

/// One row as the index sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'r> {
    pub(crate) terms: &'r [u32],
    pub(crate) words: &'r [u32],
    pub(crate) occurred_at: Option<i64>,
    pub(crate) flooded: bool,
}

/// What a row needs to know of all its fields before it is closed.
#[derive(Default)]
struct Draft<'f> {
    occurred_at: Option<&'f str>,
    observed_at: Option<&'f str>,
    said: Said<'f>,
}

/// What is remembered from row to row.
struct Before<'f> {
    heard: heard::Before<'f>,
    /// Where in `spoken` a value with such a term was listed.
    spoken: [u32; SPOKEN],
}

/// What one event usually has, to make room once.
const TERMS_USUAL: usize = 16;
const WORDS_USUAL: usize = 80;

impl Rows {
    /// The rows of some events.
    pub fn build<'f>(events: impl Iterator<Item = &'f Fields>) -> Rows {
        let count = events.size_hint().0;
        let mut rows = Rows {
            heads: Vec::with_capacity(count),
            terms: Vec::with_capacity(count * TERMS_USUAL),
            words: Vec::with_capacity(count * WORDS_USUAL),
            ..Rows::default()
        };
        let mut before = Before { heard: heard::Before::default(), spoken: [u32::MAX; SPOKEN] };
        for fields in events {
            rows.add(fields, &mut before);
        }
        rows
    }

    /// The rows of several, one behind the other, without what is taken out of rows to show them.
    pub(crate) fn joined<'r>(parts: impl Iterator<Item = &'r Rows> + Clone) -> Rows {
        let count = |each: fn(&Rows) -> usize| parts.clone().map(each).sum();
        let mut rows = Rows {
            heads: Vec::with_capacity(count(|rows| rows.heads.len())),
            terms: Vec::with_capacity(count(|rows| rows.terms.len())),
            words: Vec::with_capacity(count(|rows| rows.words.len())),
            ..Rows::default()
        };
        for part in parts {
            let (terms, words) = (rows.terms.len() as u32, rows.words.len() as u32);
            rows.flooded |= part.flooded;
            let moved = |head: &Head| Head {
                terms_end: head.terms_end + terms,
                words_end: head.words_end + words,
                ..*head
            };
            rows.heads.extend(part.heads.iter().map(moved));
            rows.terms.extend(&part.terms);
            rows.words.extend(&part.words);
        }
        rows
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// What all of them have: where it does not pass, none of them does.
    pub(crate) fn together(&self) -> Row<'_> {
        let (terms, words) = (&self.terms[..], &self.words[..]);
        Row { terms, words, occurred_at: None, flooded: self.flooded }
    }

    pub(crate) fn row(&self, nth: usize) -> Row<'_> {
        let before = match nth.checked_sub(1) {
            Some(before) => (self.heads[before].terms_end, self.heads[before].words_end),
            None => (0, 0),
        };
        let head = self.heads[nth];
        Row {
            terms: &self.terms[before.0 as usize..head.terms_end as usize],
            words: &self.words[before.1 as usize..head.words_end as usize],
            occurred_at: head.occurred_at,
            flooded: head.flooded,
        }
    }

    fn add<'f>(&mut self, fields: &'f Fields, before: &mut Before<'f>) {
        let words_start = self.words.len();
        let mut draft = Draft::default();
        for field in fields.iter() {
            if is_clock(field.path) {
                let is_source = field.path.starts_with("[\"oc");
                let clock = if is_source { &mut draft.occurred_at } else { &mut draft.observed_at };
                *clock = Some(field.text);
                continue;
            }
            self.columns(field.path, field.text, &mut draft, before);
            if is_searched(field.path) && self.words.len() - words_start <= WORDS_MAX {
                with_content(field.text, |text| word_hashes(text, |word| self.words.push(word)));
            }
        }
        let flooded = self.words.len() - words_start > WORDS_MAX;
        if flooded {
            self.words.truncate(words_start);
            self.flooded = true;
        }
        draft.said.bytes = fields.bytes();
        self.heard.add(self.heads.len() as u32, &draft.said, &mut before.heard);
        self.heads.push(Head {
            terms_end: self.terms.len() as u32,
            words_end: self.words.len() as u32,
            occurred_at: draft.occurred_at.or(draft.observed_at).and_then(time),
            flooded,
        });
    }

    fn columns<'f>(
        &mut self,
        path: &str,
        text: &'f str,
        draft: &mut Draft<'f>,
        before: &mut Before<'f>,
    ) {
        let column = match path.as_bytes().get(2) {
            Some(b'a') if path == "[\"action\"]" => {
                draft.said.action = text;
                Some(Column::Action)
            }
            Some(b'a') => actor_column(path),
            Some(b'c') => return self.correlation(path, text),
            Some(b'd') if path == "[\"decision\",\"effect\"]" => Some(Column::Decision),
            Some(b'f') if path.starts_with("[\"facets\",") => Some(Column::Kind),
            Some(b'i') if path == "[\"id\"]" => return self.id(text),
            Some(b'k') if path == "[\"kind\"]" => Some(Column::Kind),
            Some(b'o') if path == "[\"outcome\",\"result\"]" => Some(Column::Outcome),
            Some(b'p') => return self.producer(path, text, draft),
            Some(b'r') if path == "[\"recorded\",\"identity\",\"id\"]" => {
                draft.said.principal = text;
                None
            }
            Some(b'r') => match element(path, "[\"resources\",") {
                Some(",\"id\"]" | ",\"name\"]") => Some(Column::Resource),
                _ => None,
            },
            Some(b's') if path == "[\"service\",\"name\"]" => {
                draft.said.service = text;
                Some(Column::Service)
            }
            Some(b'v') if path == "[\"verb\"]" => Some(Column::Verb),
            Some(b'w') if path == "[\"where\",\"account\"]" => Some(Column::Account),
            _ => None,
        };
        let Some(column) = column else { return };
        let term = term(column, text.as_bytes());
        self.terms.push(term);
        if matches!(column, Column::Action | Column::Service) {
            self.speak(column, text, &mut before.spoken[term as usize % SPOKEN]);
        }
    }

    fn correlation(&mut self, path: &str, text: &str) {
        let column = match path {
            "[\"correlation\",\"trace_id\"]" => {
                let head = text.get(1..9).unwrap_or_default();
                self.terms.push(term(Column::Trace, head.as_bytes()));
                return;
            }
            "[\"correlation\",\"correlation_id\"]" => Column::Correlation,
            "[\"correlation\",\"session_id\"]" => Column::Session,
            "[\"correlation\",\"operation_id\"]" => Column::Operation,
            "[\"correlation\",\"request_id\"]" => Column::Request,
            _ => return,
        };
        self.terms.push(term(column, text.as_bytes()));
    }

    fn id(&mut self, text: &str) {
        let tail = with_content(text, uuid_tail);
        self.terms.push(match tail {
            Some(tail) => term(Column::ShortId, &tail[..8]),
            None => term(Column::Id, text.as_bytes()),
        });
    }

    fn producer<'f>(&mut self, path: &str, text: &'f str, draft: &mut Draft<'f>) {
        match path {
            "[\"producer\",\"id\"]" => {
                draft.said.producer = Some(text);
                self.terms.push(term(Column::Producer, text.as_bytes()));
            }
            "[\"producer\",\"stream\"]" => {
                draft.said.stream = Some(text);
                self.terms.push(term(Column::Stream, text.as_bytes()));
            }
            "[\"producer\",\"seq\"]" => draft.said.seq = text.parse().ok(),
            "[\"producer\",\"dropped_before\"]" => draft.said.dropped = text.parse().unwrap_or(0),
            _ => {}
        }
    }

    /// Lists a value, if it is not the one that was listed at `before`.
    fn speak(&mut self, column: Column, text: &str, before: &mut u32) {
        with_content(text, |value| {
            let known = self.spoken.get(*before as usize);
            if known.is_none_or(|(c, known)| *c != column || known != value) {
                *before = self.spoken.len() as u32;
                self.spoken.push((column, value.to_owned()));
            }
        });
    }
}

fn time(text: &str) -> Option<i64> {
    with_content(text, |text| parse_time(text).ok())
}

fn actor_column(path: &str) -> Option<Column> {
    match path {
        "[\"actor\",\"session_id\"]" => return Some(Column::Session),
        "[\"actor\",\"id\"]" | "[\"actor\",\"name\"]" | "[\"actor\",\"email\"]" => {}
        "[\"actor\",\"acting_as\"]" => {}
        _ => match element(path, "[\"actor\",\"on_behalf_of\",") {
            Some(",\"id\"]" | ",\"name\"]") => {}
            _ => return None,
        },
    }
    Some(Column::Who)
}

/// What stands behind the index of an array's element.
fn element<'p>(path: &'p str, array: &str) -> Option<&'p str> {
    Some(path.strip_prefix(array)?.trim_start_matches(|c: char| c.is_ascii_digit()))
}
