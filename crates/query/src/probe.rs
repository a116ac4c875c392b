//! What of a filter the index can answer. A probe may let rows through that do not match; it never
//! keeps one back that does.

use event::Value;

use crate::dictionary::Dictionary;
use crate::filter::{Clause, Filter, Test, is_resource, short_id, uuid_tail};
use crate::hash::{Column, term};
use crate::names::{self, Name};
use crate::rows::Row;
use crate::text::Phrase;

/// Terms that one clause looks up; with more, reading is as quick.
const TERMS_MAX: usize = 256;

/// All probes of a filter; a row must pass each.
#[derive(Debug)]
pub(crate) struct Probes {
    pub(crate) all: Vec<Probe>,
    /// The times between which a row happened, first and past the last.
    pub(crate) occurred: (i64, i64),
}

/// One condition on a row.
#[derive(Debug)]
pub(crate) enum Probe {
    /// It has one of these terms.
    Terms(Vec<u32>),
    /// It has all of these words.
    Words(Vec<u32>),
}

impl Probes {
    /// The probes of a filter, with the values that a log has.
    pub(crate) fn new(filter: &Filter, dictionary: &Dictionary) -> Probes {
        let all = filter.clauses.iter().filter_map(|clause| match clause {
            Clause::Value { negated: false, name, test } => value(name, test, dictionary),
            Clause::Words { negated: false, phrase } => Some(Probe::Words(phrase.hashes())),
            _ => None,
        });
        Probes { all: all.collect(), occurred: filter.occurred() }
    }

    /// Whether a row may match.
    pub(crate) fn pass(&self, row: Row<'_>) -> bool {
        let (from, to) = self.occurred;
        row.occurred_at.is_none_or(|at| (from..to).contains(&at))
            && self.all.iter().all(|probe| match probe {
                Probe::Terms(terms) => terms.iter().any(|term| row.terms.contains(term)),
                Probe::Words(words) => row.flooded || words.iter().all(|w| row.words.contains(w)),
            })
    }
}

fn value(name: &Name, test: &Test, dictionary: &Dictionary) -> Option<Probe> {
    match name.members[0].as_str() {
        "id" => {
            return if let Test::Is(id) = test { Some(Probe::Terms(id_terms(id))) } else { None };
        }
        "correlation.trace_id" => {
            let (Test::Is(text) | Test::Begins(text)) = test;
            let head = text.as_bytes().get(..8)?;
            return Some(Probe::Terms(vec![term(Column::Trace, head)]));
        }
        _ => {}
    }
    if let Some(terms) = terms(name, test, dictionary) {
        return Some(Probe::Terms(terms));
    }
    // Words of what free text does not look at are not kept.
    let is_kept = |member: &String| {
        !member.starts_with("recorded.")
            && !matches!(member.as_str(), "occurred_at" | "observed_at")
    };
    if !name.members.iter().all(is_kept) {
        return None;
    }
    let phrase = match test {
        Test::Is(text) => Phrase::new(text, false),
        Test::Begins(text) => Phrase::new(text, true),
    };
    Some(Probe::Words(phrase?.hashes()))
}

fn id_terms(id: &str) -> Vec<u32> {
    if let Some(tail) = uuid_tail(id) {
        return vec![term(Column::ShortId, &tail[..8])];
    }
    let mut terms = vec![json_term(Column::Id, id)];
    terms.extend(short_id(id).map(|short| term(Column::ShortId, &short.as_bytes()[..8])));
    terms
}

/// The terms of which a match has one, if the columns of the name tell.
fn terms(name: &Name, test: &Test, dictionary: &Dictionary) -> Option<Vec<u32>> {
    let columns: Option<Vec<Column>> = name.members.iter().map(|m| names::column(m)).collect();
    let mut columns = columns?;
    columns.dedup();
    match test {
        Test::Is(text) => {
            let mut values = vec![text.as_str()];
            if is_resource(name) {
                values.extend(text.match_indices('/').map(|(at, _)| &text[at + 1..]));
            }
            let terms = columns.iter().flat_map(|c| values.iter().map(|v| json_term(*c, v)));
            let terms: Vec<u32> = terms.collect();
            (terms.len() <= TERMS_MAX).then_some(terms)
        }
        Test::Begins(start) => {
            let [column] = columns[..] else { return None };
            let values = dictionary.beginning(column, start, TERMS_MAX)?;
            Some(values.into_iter().map(|value| json_term(column, value)).collect())
        }
    }
}

fn json_term(column: Column, value: &str) -> u32 {
    term(column, Value::from(value).to_json().as_bytes())
}
