//! The search language.
//!
//! ```text
//! filter = clause *(space clause)                  all must hold
//! clause = ["-"] name ":" value | ["-"] words      - is not
//! value  = text ["*"] | quoted ["*"]               * begins with; name:* has any value
//! words  = text ["*"] | quoted ["*"]               whole words, any case, in any value sent
//! quoted = DQUOTE text DQUOTE                      \" and \\ inside
//! time   = 30s | 15m | 24h | 7d | 2w | 2026-01-02 | 2026-01-02T03:04:05Z
//! ```
//!
//! `OR`, `AND`, `NOT` and parentheses are no part of it, and are refused unless quoted: read as
//! words they would find nothing, and nobody would know why.
//!
//! `since` and `until` take times and are about when it happened (`occurred_at`, else
//! `observed_at`); `recorded_since` and `recorded_until` about when it was recorded.
//! `outcome:denied` means `decision:deny`. `id` takes short ids, `trace` the first eight digits or
//! more.

use event::parse_time;

use crate::filter::uuid_tail;
use crate::filter::{Bound, CLAUSES_MAX, Clause, Filter, FilterError, TEXT_BYTES_MAX, Test};
use crate::names::{self, Name, nearest};
use crate::text::Phrase;

/// Nanoseconds of the last moment that an event's times can name.
const TIME_MAX: i64 = 9_214_646_399_999_999_999;

impl Filter {
    /// Reads a filter; times that are ages count back from `now_ns`.
    pub fn parse(text: &str, now_ns: i64) -> Result<Filter, FilterError> {
        if text.len() > TEXT_BYTES_MAX {
            let reason = format!("a filter has at most {TEXT_BYTES_MAX} bytes");
            return Err(FilterError { column: 1, reason });
        }
        let mut reader = Reader { text, at: 0 };
        let mut filter = Filter::default();
        while reader.skip_space() {
            let column = reader.column();
            let clause = reader.clause(now_ns)?;
            filter.push(clause).map_err(|reason| FilterError { column, reason })?;
        }
        Ok(filter)
    }

    /// Adds a clause from its parts, as query parameters bring them: `name` may begin with `-`,
    /// `value` may end with `*`, and nothing is quoted.
    pub fn and(mut self, name: &str, value: &str, now_ns: i64) -> Result<Filter, FilterError> {
        let failed = |reason| FilterError { column: 1, reason };
        if name.len() + value.len() > TEXT_BYTES_MAX {
            return Err(failed(format!("a clause has at most {TEXT_BYTES_MAX} bytes")));
        }
        let (negated, name) = match name.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, name),
        };
        let (text, star) = match value.strip_suffix('*') {
            Some(text) => (text, true),
            None => (value, false),
        };
        let value = Piece { text: text.to_owned(), star };
        self.push(clause(negated, name, value, now_ns).map_err(failed)?).map_err(failed)?;
        Ok(self)
    }

    /// The filter for one value, taken as it is.
    pub(crate) fn is(name: &str, value: &str) -> Result<Filter, String> {
        let value = Piece { text: value.to_owned(), star: false };
        Ok(Filter { clauses: vec![clause(false, name, value, 0)?] })
    }

    /// The filter for values that begin so.
    pub(crate) fn begins(name: &str, start: &str) -> Result<Filter, String> {
        let value = Piece { text: start.to_owned(), star: true };
        Ok(Filter { clauses: vec![clause(false, name, value, 0)?] })
    }

    fn push(&mut self, clause: Clause) -> Result<(), String> {
        if self.clauses.len() == CLAUSES_MAX {
            return Err(format!("a filter has at most {CLAUSES_MAX} clauses"));
        }
        self.clauses.push(clause);
        self.times_in_order()
    }
}

/// A text and whether a star stood behind it.
struct Piece {
    text: String,
    star: bool,
}

/// Name and value of a word that is a clause of another language, such as `who=alice`: taken for
/// words it would find nothing, and look as if there were nothing.
fn compared(word: &str) -> Option<(&str, &str)> {
    let at = word.find(['=', '!', '<', '>', '~'])?;
    let (name, value) = (&word[..at], word[at..].trim_start_matches(['=', '!', '<', '>', '~']));
    let is_name = names::OTHER_WORDS.contains(&name) || names::find(name).is_ok();
    is_name.then_some((name, if value.is_empty() { "value" } else { value }))
}

/// What other languages have and this one has not.
const OPERATORS: [&str; 3] = ["OR", "AND", "NOT"];
const SIDE_BY_SIDE: &str = "clauses stand side by side and all must hold, -name:value is not";

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn column(&self) -> usize {
        self.text[..self.at].chars().count() + 1
    }

    fn fail<T>(&self, column: usize, reason: impl Into<String>) -> Result<T, FilterError> {
        Err(FilterError { column, reason: reason.into() })
    }

    /// Goes to the next clause; `false` at the end.
    fn skip_space(&mut self) -> bool {
        self.at = self.text.len() - self.rest().trim_start().len();
        !self.rest().is_empty()
    }

    fn eat(&mut self, c: char) -> bool {
        let there = self.rest().starts_with(c);
        self.at += if there { c.len_utf8() } else { 0 };
        there
    }

    fn clause(&mut self, now_ns: i64) -> Result<Clause, FilterError> {
        let column = self.column();
        let negated = self.eat('-');
        let quoted = self.rest().starts_with('"');
        let head = self.piece(true)?;
        if !self.eat(':') {
            if !quoted && !head.star && OPERATORS.contains(&head.text.as_str()) {
                let word = head.text;
                let reason = format!("there is no {word}: {SIDE_BY_SIDE}; for the word quote it");
                return self.fail(column, reason);
            }
            if let (false, Some((name, value))) = (quoted, compared(&head.text)) {
                let reason = format!(
                    "a clause is name:value, as {name}:{value}; -{name}:{value} is not; for the \
                     words quote them"
                );
                return self.fail(column, reason);
            }
            let reason = "there is no word in it: free text is letters and digits";
            return match Phrase::new(&head.text, head.star) {
                Some(phrase) => Ok(Clause::Words { negated, phrase }),
                None => self.fail(column, reason),
            };
        }
        if head.star {
            return self.fail(column, "a name has no *");
        }
        let at_value = self.column();
        let value = self.piece(false)?;
        let name = head.text.as_str();
        let is_known = names::OTHER_WORDS.contains(&name) || names::find(name).is_ok();
        let column = if is_known { at_value } else { column + usize::from(negated) };
        clause(negated, &head.text, value, now_ns).map_err(|reason| FilterError { column, reason })
    }

    /// Reads a name or free text up to `:`, or a value up to the next space.
    fn piece(&mut self, is_head: bool) -> Result<Piece, FilterError> {
        let column = self.column();
        if self.eat('"') {
            let text = self.quoted(column)?;
            let star = self.eat('*');
            let next = self.rest().chars().next();
            let may_follow = |c: char| c.is_whitespace() || is_head && c == ':';
            if !next.is_none_or(may_follow) {
                return self.fail(self.column(), "a space must follow what is quoted");
            }
            return Ok(Piece { text, star });
        }
        let ends = |c: char| c.is_whitespace() || is_head && c == ':';
        let end = self.rest().find(ends).unwrap_or(self.rest().len());
        let found = self.rest()[..end].to_owned();
        self.at += end;
        if found.is_empty() {
            let what = if is_head { "a name or a word" } else { "a value" };
            return self.fail(column, format!("{what} is missing; an empty one is \"\""));
        }
        let is_group = if is_head { found.contains(['(', ')']) } else { found.starts_with('(') };
        if is_group {
            let reason = format!("there are no parentheses: {SIDE_BY_SIDE}; for one quote it");
            return self.fail(column, reason);
        }
        let (text, star) = match found.strip_suffix('*') {
            Some(text) => (text, true),
            None => (found.as_str(), false),
        };
        if text.contains('*') {
            return self.fail(column, "* stands at the end only; to mean the character, quote it");
        }
        Ok(Piece { text: text.to_owned(), star })
    }

    fn quoted(&mut self, column: usize) -> Result<String, FilterError> {
        let mut text = String::new();
        let mut chars = self.text[self.at..].char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += at + 1;
                    return Ok(text);
                }
                '\\' => match chars.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                    Some((_, escaped)) => text.push(escaped),
                    None => text.push(c),
                },
                _ => text.push(c),
            }
        }
        self.fail(column, "the quotation has no end")
    }
}

/// The clause that a name and a value make; the error says what is allowed.
fn clause(negated: bool, name: &str, value: Piece, now_ns: i64) -> Result<Clause, String> {
    if let Some(bound) = Bound::ALL.into_iter().find(|bound| bound.word() == name) {
        if negated || value.star {
            return Err(format!("{name} takes one time and neither - nor *"));
        }
        return Ok(Clause::Time { bound, at: moment(&value.text, now_ns)? });
    }
    if name == "text" {
        let phrase = Phrase::new(&value.text, value.star);
        let phrase = phrase.ok_or("there is no word in it: free text is letters and digits")?;
        return Ok(Clause::Words { negated, phrase });
    }
    let (name, value) = match (name, value.text.as_str()) {
        ("outcome" | "ended", "denied") => ("decision", Piece { text: "deny".into(), ..value }),
        _ => (name, value),
    };
    let name = names::find(name)?;
    let test = test(&name, value)?;
    Ok(Clause::Value { negated, name, test })
}

fn test(name: &Name, value: Piece) -> Result<Test, String> {
    let Piece { mut text, star } = value;
    let is_hex = text.bytes().all(|b| b.is_ascii_hexdigit());
    match name.members[0].as_str() {
        "correlation.trace_id" if is_hex => {
            text.make_ascii_lowercase();
            if (8..32).contains(&text.len()) {
                return Ok(Test::Begins(text));
            }
        }
        // Ids that are no UUIDs keep their case: they are found as they are written.
        "id" if uuid_tail(&text).is_some() => text.make_ascii_lowercase(),
        _ => {}
    }
    if star {
        return Ok(Test::Begins(text));
    }
    if !name.values.is_empty() && !name.values.contains(&text) {
        let shown: String = text.chars().take(64).flat_map(char::escape_debug).collect();
        let near = nearest(&text, name.values.iter().map(String::as_str));
        let near = near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
        let allowed = name.values.join(", ");
        return Err(format!("{} is never \"{shown}\", only {allowed}{near}", name.shown));
    }
    Ok(Test::Is(text))
}

/// A time: an age, a day or a moment.
fn moment(text: &str, now_ns: i64) -> Result<i64, String> {
    if let Some(age) = age(text) {
        return Ok(now_ns.saturating_sub(age).clamp(0, TIME_MAX));
    }
    let day = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    parse_time(&day).map_err(|why| {
        let shown: String = text.chars().take(64).flat_map(char::escape_debug).collect();
        let allowed = "30s, 15m, 24h, 7d, 2w, 2026-01-02 or 2026-01-02T03:04:05Z";
        format!("\"{shown}\" is no time ({why}); write {allowed}")
    })
}

/// An age as people write it, `30s`, `15m`, `24h`, `7d`, `2w`, in nanoseconds.
pub fn age(text: &str) -> Option<i64> {
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3_600,
        b'd' => 86_400,
        b'w' => 7 * 86_400,
        _ => return None,
    };
    let number = &text[..text.len() - 1];
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count = number.parse::<i64>().unwrap_or(i64::MAX);
    Some(count.saturating_mul(unit).saturating_mul(1_000_000_000))
}
