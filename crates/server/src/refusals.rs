//! What was refused: counted by producer and reason, the last 100 kept, never with a body.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use admit::Refusal;
use serde::Serialize;

const KEPT: usize = 100;
/// Pairs of producer and reason that are counted apart; further ones count as "other".
const COUNTED_MAX: usize = 10_000;

/// One refusal as it is shown.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Shown {
    pub(crate) at: String,
    pub(crate) tenant: String,
    pub(crate) producer: String,
    pub(crate) code: &'static str,
    pub(crate) path: String,
    pub(crate) reason: String,
}

/// How often one producer was refused for one reason.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Count {
    pub(crate) producer: String,
    pub(crate) code: String,
    pub(crate) count: u64,
}

#[derive(Default)]
struct Kept {
    total: u64,
    counts: BTreeMap<(String, String, String), u64>,
    last: VecDeque<Shown>,
}

/// All refusals since start.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<Kept>);

impl Refusals {
    pub(crate) fn add(&self, at: i64, tenant: &str, producer: &str, refusal: &Refusal) {
        let mut kept = self.lock();
        kept.total += 1;
        let key = (tenant.to_owned(), producer.to_owned(), refusal.code.to_owned());
        let full = kept.counts.len() >= COUNTED_MAX && !kept.counts.contains_key(&key);
        let other = || (tenant.to_owned(), "other".to_owned(), refusal.code.to_owned());
        *kept.counts.entry(if full { other() } else { key }).or_default() += 1;
        if kept.last.len() == KEPT {
            kept.last.pop_front();
        }
        kept.last.push_back(Shown {
            at: event::format_time(at),
            tenant: tenant.to_owned(),
            producer: producer.to_owned(),
            code: refusal.code,
            path: refusal.path.clone(),
            reason: refusal.reason.clone(),
        });
    }

    pub(crate) fn total(&self) -> u64 {
        self.lock().total
    }

    /// Counts and the last refusals of a tenant, newest first.
    pub(crate) fn of_tenant(&self, tenant: &str) -> (Vec<Count>, Vec<Shown>) {
        let kept = self.lock();
        let count = |((_, producer, code), count): (&(String, String, String), &u64)| Count {
            producer: producer.clone(),
            code: code.clone(),
            count: *count,
        };
        let counts = kept.counts.iter().filter(|((t, ..), _)| t == tenant).map(count).collect();
        let last = kept.last.iter().rev().filter(|shown| shown.tenant == tenant).cloned().collect();
        (counts, last)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
