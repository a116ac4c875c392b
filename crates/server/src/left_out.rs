//! What the audit scope leaves out or only counts, until the log has it.
//!
//! Promises: every event that was not stored because a rule says so is in a count, by rule and
//! service, and the count goes into the tenant's log: at once where a rule begins to leave out
//! events of a service, then every minute, and at a stop. The first of the events that are counted
//! together is stored whole, and nobody's are counted before it is committed. Where there is no
//! room to count, events are stored.
//!
//! A pair of rule and service that was quiet for a minute makes room for others where there is
//! none; its counts stay those of its service.
//!
//! Never: leaves out anything by itself; decides what is sensitive.
//!
//! KNOWN: after a crash, what was left out since the last statement, at most a minute of it, is not
//! counted. That events of the service were being left out, and by which rule, stands in the log.

mod state;
mod told;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};

use admit::Refusal;
use admit::scope::{Decision, Rule};
use event::Object;

pub(crate) use told::{Saved, Sums};

/// Pairs of rule and service that are counted apart for a tenant; events beyond them are stored.
const KEYS_MAX: usize = 1_000;
/// Kinds of events that are counted together at once for a tenant; events beyond them are stored.
const WINDOWS_MAX: usize = 10_000;
/// Between two statements about a rule and a service.
const STATED_EVERY_NS: i64 = 60_000_000_000;
/// Between two searches for pairs that were quiet.
const SWEPT_EVERY_NS: i64 = 1_000_000_000;
/// So long is quiet.
const QUIET_NS: i64 = 60_000_000_000;

/// What becomes of an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is to be stored.
    Store,
    /// It is not, and this is its sender's answer. `state` says that the log has to have it before.
    Out { answer: Refusal, state: bool },
}

/// By tenant. Locked for as long as it takes to count.
#[derive(Default)]
pub(crate) struct LeftOut {
    tenants: Mutex<BTreeMap<String, Book>>,
    /// Held while a tenant's counts are stated: no count is stated twice.
    stating: tokio::sync::Mutex<()>,
    requests: AtomicU64,
}

#[derive(Default)]
struct Book {
    entries: BTreeMap<Key, Entry>,
    windows: BTreeMap<Kind, Window>,
    /// Windows that are over and not stated.
    ended: Vec<(Kind, Window)>,
    /// What all entries say together, and those that are gone.
    saved: Saved,
    /// What those say that made room for others, by service: at most as many as entries.
    earlier: BTreeMap<String, Saved>,
    swept_at: Option<i64>,
    /// Events that were stored because there was no room to count them.
    no_room: u64,
}

/// Rule and service.
type Key = (Named, String);

/// What a statement says of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    name: String,
    digest: String,
    reason: String,
}

/// Counts since the server started, and what of it is not stated.
#[derive(Clone, Debug, Default)]
struct Entry {
    saved: Saved,
    pending: Tally,
    /// When it was stated last, if events are being left out.
    stated_at: Option<i64>,
}

/// Events that are not in the log, and when they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    events: u64,
    bytes: u64,
    first: i64,
    last: i64,
}

/// Events that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    rule: Named,
    service: String,
    action: String,
    path: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct Window {
    /// The request whose event is to stand for the others, until it is committed: nobody else's
    /// is counted on its word.
    of_request: Option<u64>,
    opened: i64,
    window_s: u32,
    tally: Tally,
    succeeded: u64,
    failed: u64,
}

impl Tally {
    fn add(&mut self, now: i64, bytes: u64) {
        if self.events == 0 {
            self.first = now;
        }
        self.events += 1;
        self.bytes += bytes;
        self.last = now;
    }
}

impl LeftOut {
    /// Takes note of an event of `bytes`, and says whether it is to be stored.
    pub(crate) fn take(
        &self,
        tenant: &str,
        now: i64,
        event: &Object<'_>,
        bytes: u64,
        decision: Decision<'_>,
        request: u64,
    ) -> Taken {
        let (Decision::Spared(rule) | Decision::Drop(rule) | Decision::Aggregate(rule)) = decision
        else {
            return Taken::Store;
        };
        let within = |object: &str, member: &str| event.object(object).and_then(|o| o.str(member));
        let service = within("service", "name").unwrap_or_default().to_owned();
        let mut all = self.lock();
        let book = all.entry(tenant.to_owned()).or_default();
        let key = (named(rule), service);
        if !book.has_room(&key, now) {
            book.no_room += 1;
            return Taken::Store;
        }
        match decision {
            Decision::Drop(_) => {
                let entry = book.note(key, now, |saved| saved.leave_out(bytes));
                entry.pending.add(now, bytes);
                Taken::Out { answer: left_out(rule), state: entry.stated_at.is_none() }
            }
            Decision::Aggregate(_) => {
                let action = event.str("action").unwrap_or_default().to_owned();
                let path = within("request", "path").filter(|_| rule.by_path).map(str::to_owned);
                let (rule_, service) = key.clone();
                let kind = Kind { rule: rule_, service, action, path };
                let result = within("outcome", "result");
                if !book.is_counted(now, kind, rule.window_s, bytes, result, request) {
                    return Taken::Store;
                }
                book.note(key, now, |saved| saved.count(bytes));
                Taken::Out { answer: counted(rule), state: false }
            }
            _ => {
                book.note(key, now, |saved| saved.spared += 1);
                Taken::Store
            }
        }
    }

    /// A number for a request, by which its windows are known.
    pub(crate) fn request(&self) -> u64 {
        self.requests.fetch_add(1, Relaxed)
    }

    /// What a request brought is committed: its events stand for those that are counted.
    pub(crate) fn committed(&self, tenant: &str, request: u64) {
        let mut all = self.lock();
        let windows = all.get_mut(tenant).into_iter().flat_map(|book| book.windows.values_mut());
        for window in windows.filter(|window| window.of_request == Some(request)) {
            window.of_request = None;
        }
    }

    /// A request came to nothing: no event stands for what it would have counted, and its sender
    /// was told nothing of it. The next of the kind is stored.
    pub(crate) fn undone(&self, tenant: &str, request: u64) {
        let mut all = self.lock();
        let Some(book) = all.get_mut(tenant) else { return };
        book.windows.retain(|_, window| window.of_request != Some(request));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Book>> {
        self.tenants.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Book {
    /// Whether a pair is counted or can be. Where there is no room, those make it that were quiet:
    /// all of theirs is in the log.
    fn has_room(&mut self, key: &Key, now: i64) -> bool {
        if self.entries.len() < KEYS_MAX || self.entries.contains_key(key) {
            return true;
        }
        let swept = self.swept_at.is_some_and(|at| (0..SWEPT_EVERY_NS).contains(&(now - at)));
        if swept {
            return false;
        }
        self.swept_at = Some(now);
        let is_quiet = |_: &Key, entry: &mut Entry| {
            let silent = !(0..QUIET_NS).contains(&(now - entry.saved.last));
            silent && entry.pending.events == 0 && entry.stated_at.is_none()
        };
        for ((_, service), entry) in self.entries.extract_if(.., is_quiet) {
            if self.earlier.len() < KEYS_MAX || self.earlier.contains_key(&service) {
                self.earlier.entry(service).or_default().join(&entry.saved);
            }
        }
        self.entries.len() < KEYS_MAX
    }

    /// Notes what became of an event, for its rule and service and for all.
    fn note(&mut self, key: Key, now: i64, what: impl Fn(&mut Saved)) -> &mut Entry {
        let entry = self.entries.entry(key).or_default();
        for saved in [&mut self.saved, &mut entry.saved] {
            what(saved);
            saved.last = saved.last.max(now);
        }
        entry
    }

    /// Counts an event with others of its kind, unless it is the first of them in its window.
    fn is_counted(
        &mut self,
        now: i64,
        kind: Kind,
        window_s: u32,
        bytes: u64,
        result: Option<&str>,
        request: u64,
    ) -> bool {
        let is_over =
            |window: &Window| now >= window.opened + i64::from(window.window_s) * 1_000_000_000;
        let has_room = self.windows.len() + self.ended.len() < WINDOWS_MAX;
        match self.windows.get_mut(&kind) {
            Some(window) if !is_over(window) => {
                if window.of_request.is_some_and(|first| first != request) {
                    return false;
                }
                window.tally.add(now, bytes);
                window.succeeded += u64::from(result == Some("success"));
                window.failed += u64::from(result == Some("failure"));
                return true;
            }
            Some(window) => {
                let over = std::mem::take(window);
                (window.opened, window.window_s) = (now, window_s);
                window.of_request = Some(request);
                if over.tally.events > 0 {
                    self.ended.push((kind, over));
                }
            }
            None if !has_room => self.no_room += 1,
            None => {
                let of_request = Some(request);
                let window = Window { of_request, opened: now, window_s, ..Window::default() };
                self.windows.insert(kind, window);
            }
        }
        false
    }
}

fn named(rule: &Rule) -> Named {
    Named {
        name: rule.name.clone(),
        digest: rule.digest.clone(),
        reason: rule.reason.clone().unwrap_or_default(),
    }
}

fn left_out(rule: &Rule) -> Refusal {
    let Rule { name, digest, .. } = rule;
    let why = rule.reason.as_deref().unwrap_or_default();
    Refusal::new("left_out", format!("rule \"{name}\" ({digest}) leaves it out: {why}"))
}

fn counted(rule: &Rule) -> Refusal {
    let Rule { name, digest, window_s, .. } = rule;
    let reason = format!(
        "rule \"{name}\" ({digest}) counts it with others of its kind within {window_s} s; the \
         first of them is stored"
    );
    Refusal::new("counted", reason)
}

#[cfg(test)]
mod tests;
