//! Filters: what an event must be like, all clauses at once.
//!
//! [`Filter::matches`] is the meaning of a filter. Everything else (indexes, blooms) only spares
//! reading events that cannot match.

use std::fmt;

use event::{Fields, PathText, Step, format_time, parse_time};

use crate::names::{self, Name};
use crate::text::{Phrase, with_content};

/// Clauses in one filter.
pub const CLAUSES_MAX: usize = 64;
/// Bytes of one filter's text.
pub const TEXT_BYTES_MAX: usize = 4 << 10;

/// A filter; without clauses it matches every event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub(crate) clauses: Vec<Clause>,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Clause {
    /// One of the values of `name` passes `test`; if negated, none does.
    Value { negated: bool, name: Name, test: Test },
    /// One of the values sent has these words; if negated, none has.
    Words { negated: bool, phrase: Phrase },
    /// It happened, or was recorded, on this side of a time.
    Time { bound: Bound, at: i64 },
}

/// How a value is compared: byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Is(String),
    Begins(String),
}

/// Which side of a time. `Since` holds the moment itself, `Until` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Since,
    Until,
    RecordedSince,
    RecordedUntil,
}

/// Why a filter cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {reason}")]
pub struct FilterError {
    /// The character at which the trouble begins, counted from 1.
    pub column: usize,
    /// What is wrong there, and what is allowed.
    pub reason: String,
}

impl Filter {
    /// The filter that every event matches.
    pub fn all() -> Filter {
        Filter::default()
    }

    /// Whether an event, recorded at this time, is what the filter asks for.
    pub fn matches(&self, fields: &Fields, recorded_at: i64) -> bool {
        self.clauses.iter().all(|clause| clause.matches(fields, recorded_at))
    }

    /// The times between which it must have happened, first and past the last.
    pub(crate) fn occurred(&self) -> (i64, i64) {
        self.between(Bound::Since, Bound::Until)
    }

    /// The times between which it must have been recorded, first and past the last.
    pub(crate) fn recorded(&self) -> (i64, i64) {
        self.between(Bound::RecordedSince, Bound::RecordedUntil)
    }

    fn between(&self, since: Bound, until: Bound) -> (i64, i64) {
        self.clauses.iter().fold((i64::MIN, i64::MAX), |(from, to), clause| match clause {
            Clause::Time { bound, at } if *bound == since => (from.max(*at), to),
            Clause::Time { bound, at } if *bound == until => (from, to.min(*at)),
            _ => (from, to),
        })
    }

    /// Whether there is a time between its times; the error says which are not in order.
    pub(crate) fn times_in_order(&self) -> Result<(), String> {
        for (since, until) in
            [(Bound::Since, Bound::Until), (Bound::RecordedSince, Bound::RecordedUntil)]
        {
            let (from, to) = self.between(since, until);
            if from >= to {
                let (since, until) = (since.word(), until.word());
                let (from, to) = (format_time(from), format_time(to));
                return Err(format!(
                    "{since}:{from} is not before {until}:{to}, so no event can match; an age \
                     counts back from now, as in {since}:2h {until}:1h"
                ));
            }
        }
        Ok(())
    }

    /// The clauses that do not depend on when the filter was read: `since:24h` moves on with the
    /// clock, and a cursor must outlive that.
    pub(crate) fn timeless(&self) -> String {
        let clauses = self.clauses.iter().filter(|c| !matches!(c, Clause::Time { .. }));
        clauses.map(|clause| format!("{clause} ")).collect()
    }
}

impl Clause {
    fn matches(&self, fields: &Fields, recorded_at: i64) -> bool {
        match self {
            Clause::Value { negated, name, test } => *negated != has_value(fields, name, test),
            Clause::Words { negated, phrase } => {
                let mut texts = fields.iter().filter(|field| is_searched(field.path));
                *negated != texts.any(|field| with_content(field.text, |text| phrase.is_in(text)))
            }
            Clause::Time { bound, at } => match bound {
                Bound::Since => occurred_at(fields).unwrap_or(recorded_at) >= *at,
                Bound::Until => occurred_at(fields).unwrap_or(recorded_at) < *at,
                Bound::RecordedSince => recorded_at >= *at,
                Bound::RecordedUntil => recorded_at < *at,
            },
        }
    }
}

/// Whether free text looks at a field: at everything that was sent but for the clocks. What the
/// server found out has names of its own.
pub(crate) fn is_searched(path: &str) -> bool {
    !path.starts_with("[\"recorded\"") && !is_clock(path)
}

/// Whether a field is one of the two clocks.
pub(crate) fn is_clock(path: &str) -> bool {
    matches!(path, "[\"occurred_at\"]" | "[\"observed_at\"]")
}

/// When an event happened: by the source's clock, else by the producer's.
pub(crate) fn occurred_at(fields: &Fields) -> Option<i64> {
    let text = fields.text("[\"occurred_at\"]").or_else(|| fields.text("[\"observed_at\"]"))?;
    with_content(text, |time| parse_time(time).ok())
}

fn has_value(fields: &Fields, name: &Name, test: &Test) -> bool {
    let of_name = |path: &str| name.members.iter().any(|member| names::is_member(path, member));
    let mut values = fields.iter().filter(|field| of_name(field.path));
    values.any(|field| with_content(field.text, |text| passes(name, test, text)))
        || is_resource(name) && has_typed_resource(fields, test)
}

fn passes(name: &Name, test: &Test, text: &str) -> bool {
    match test {
        Test::Begins(start) => text.starts_with(start.as_str()),
        Test::Is(whole) if text == whole => true,
        Test::Is(short) if name.shown == "id" => uuid_tail(text)
            .is_some_and(|tail| short_id(short).is_some_and(|s| tail.starts_with(s.as_bytes()))),
        Test::Is(_) => false,
    }
}

/// The digits that tell UUIDs apart at a glance: of version 7, the head is time, the last sixteen
/// are random.
pub(crate) fn uuid_tail(id: &str) -> Option<[u8; 16]> {
    let bytes: &[u8; 36] = id.as_bytes().try_into().ok()?;
    let is_uuid = bytes.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    let mut tail = [0; 16];
    tail[..4].copy_from_slice(&bytes[19..23]);
    tail[4..].copy_from_slice(&bytes[24..]);
    tail.make_ascii_lowercase();
    is_uuid.then_some(tail)
}

/// A short id, 8 to 16 digits with which the last sixteen of a UUID begin, without its hyphen.
pub(crate) fn short_id(text: &str) -> Option<String> {
    let digits = match text.as_bytes().get(4) {
        Some(b'-') => format!("{}{}", text.get(..4)?, text.get(5..)?),
        _ => text.to_owned(),
    };
    let fits = (8..=16).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    fits.then(|| digits.to_ascii_lowercase())
}

/// Whether a name means resources as people write them, `type/id` too.
pub(crate) fn is_resource(name: &Name) -> bool {
    matches!(name.shown.as_str(), "resource" | "what")
}

fn has_typed_resource(fields: &Fields, test: &Test) -> bool {
    let ids = fields.iter().filter(|field| names::is_member(field.path, "resources.id"));
    ids.into_iter().any(|field| {
        let Some(mut steps) = PathText::parse(field.path) else { return false };
        steps.pop();
        steps.push(Step::Key("type".into()));
        let Some(kind) = fields.text(PathText::from_steps(&steps).as_str()) else { return false };
        let typed =
            with_content(kind, |kind| with_content(field.text, |id| format!("{kind}/{id}")));
        match test {
            Test::Is(whole) => typed == *whole,
            Test::Begins(start) => typed.starts_with(start.as_str()),
        }
    })
}

/// The canonical text: what [`Filter::parse`] reads back as the same filter.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, clause) in self.clauses.iter().enumerate() {
            if n > 0 {
                f.write_str(" ")?;
            }
            clause.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = |negated: &bool| if *negated { "-" } else { "" };
        match self {
            Clause::Value { negated, name, test } => {
                let (value, star) = match test {
                    Test::Is(value) => (value, ""),
                    Test::Begins(value) => (value, "*"),
                };
                let value =
                    if value.is_empty() && !star.is_empty() { "".into() } else { quoted(value) };
                write!(f, "{}{}:{value}{star}", not(negated), quoted(&name.shown))
            }
            Clause::Words { negated, phrase } => {
                let star = if phrase.open { "*" } else { "" };
                write!(f, "{}{}{star}", not(negated), quoted(&phrase.words.join(" ")))
            }
            Clause::Time { bound, at } => write!(f, "{}:{}", bound.word(), format_time(*at)),
        }
    }
}

impl Bound {
    pub(crate) const ALL: [Bound; 4] =
        [Bound::Since, Bound::Until, Bound::RecordedSince, Bound::RecordedUntil];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Bound::Since => "since",
            Bound::Until => "until",
            Bound::RecordedSince => "recorded_since",
            Bound::RecordedUntil => "recorded_until",
        }
    }
}

/// A name or value as the search language reads it, quoted where it must be.
fn quoted(text: &str) -> String {
    let bare = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '@' | '+');
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(bare) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
