//! What was refused: counted by producer and reason, the last ones kept, never with a body. Each
//! tenant has room of its own: a flood of refusals hides nobody else's.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use admit::Refusal;
use serde::Serialize;

/// Refusals that are kept for each tenant.
const KEPT: usize = 100;
/// Pairs of producer and reason that are counted apart for each tenant; further ones count as
/// "other".
const COUNTED_MAX: usize = 1_000;
/// Services that refusals are counted for, for each tenant; of further ones nobody counts them.
const SERVICES_MAX: usize = 10_000;
/// Characters of a place that are kept.
const PATH_CHARS_MAX: usize = 256;

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
    pub(crate) code: &'static str,
    pub(crate) count: u64,
}

/// All refusals since start, by tenant. Tenants are those of the configuration, and so bounded.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<BTreeMap<String, Kept>>);

#[derive(Default)]
struct Kept {
    total: u64,
    /// By producer and code.
    counts: BTreeMap<(String, &'static str), u64>,
    by_service: BTreeMap<String, u64>,
    last: VecDeque<Shown>,
}

impl Refusals {
    pub(crate) fn add(&self, at: i64, tenant: &str, producer: &str, refusal: &Refusal) {
        let mut all = self.lock();
        let kept = match all.get_mut(tenant) {
            Some(kept) => kept,
            None => all.entry(tenant.to_owned()).or_default(),
        };
        kept.total += 1;
        let key = (producer.to_owned(), refusal.code);
        let full = kept.counts.len() >= COUNTED_MAX && !kept.counts.contains_key(&key);
        let key = if full { ("other".to_owned(), refusal.code) } else { key };
        *kept.counts.entry(key).or_default() += 1;
        if let Some(service) = &refusal.service {
            kept.count_service(service);
        }
        if kept.last.len() == KEPT {
            kept.last.pop_front();
        }
        kept.last.push_back(Shown {
            at: event::format_time(at),
            tenant: tenant.to_owned(),
            producer: producer.to_owned(),
            code: refusal.code,
            path: refusal.path.chars().take(PATH_CHARS_MAX).collect(),
            reason: refusal.reason.clone(),
        });
    }

    /// How many by code, of all tenants. Codes are words of the code: there are some dozens.
    pub(crate) fn by_code(&self) -> BTreeMap<&'static str, u64> {
        let mut sums = BTreeMap::new();
        for kept in self.lock().values() {
            for ((_, code), count) in &kept.counts {
                *sums.entry(*code).or_default() += count;
            }
        }
        sums
    }

    /// How many of a tenant's records were refused.
    pub(crate) fn total_of(&self, tenant: &str) -> u64 {
        self.lock().get(tenant).map_or(0, |kept| kept.total)
    }

    /// How many of a tenant's records were refused, by the service that they named and that their
    /// senders speak for.
    pub(crate) fn by_service(&self, tenant: &str) -> BTreeMap<String, u64> {
        self.lock().get(tenant).map(|kept| kept.by_service.clone()).unwrap_or_default()
    }

    /// Counts and the last refusals of a tenant, newest first.
    pub(crate) fn of_tenant(&self, tenant: &str) -> (Vec<Count>, Vec<Shown>) {
        let all = self.lock();
        let Some(kept) = all.get(tenant) else { return (Vec::new(), Vec::new()) };
        let count = |((producer, code), count): (&(String, &'static str), &u64)| Count {
            producer: producer.clone(),
            code,
            count: *count,
        };
        (kept.counts.iter().map(count).collect(), kept.last.iter().rev().cloned().collect())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Kept>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Kept {
    fn count_service(&mut self, service: &str) {
        if let Some(count) = self.by_service.get_mut(service) {
            *count += 1;
        } else if self.by_service.len() < SERVICES_MAX {
            self.by_service.insert(service.to_owned(), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_counted_up_to_a_bound() {
        let refusals = Refusals::default();
        let of = |service: String| Refusal { service: Some(service), ..Refusal::new("x", "y") };
        for nth in 0..SERVICES_MAX + 3 {
            refusals.add(0, "acme", "p", &of(format!("s{nth}")));
        }
        refusals.add(0, "acme", "p", &of("s7".into()));
        refusals.add(0, "acme", "p", &Refusal::new("json", "of nobody"));
        let found = refusals.by_service("acme");
        assert_eq!((found.len(), found["s7"], found["s8"]), (SERVICES_MAX, 2, 1));
        assert!(refusals.by_service("other").is_empty());
    }

    #[test]
    fn a_flood_hides_nobody_elses_refusals() {
        let refusals = Refusals::default();
        refusals.add(0, "quiet", "shop", &Refusal::new("missing", "once"));
        for nth in 0..COUNTED_MAX + 7 {
            let refusal = Refusal { path: "/x".repeat(nth), ..Refusal::new("scope", "again") };
            refusals.add(1, "loud", &format!("p{nth}"), &refusal);
        }
        let (counts, last) = refusals.of_tenant("quiet");
        assert_eq!((counts.len(), last.len(), last[0].reason.as_str()), (1, 1, "once"));
        let (counts, last) = refusals.of_tenant("loud");
        assert_eq!((counts.len(), last.len()), (COUNTED_MAX + 1, KEPT));
        let other = counts.iter().find(|count| count.producer == "other").expect("the rest");
        assert_eq!(other.count, 7);
        assert_eq!(last[0].producer, format!("p{}", COUNTED_MAX + 6), "newest first");
        assert!(last.iter().all(|shown| shown.path.len() <= PATH_CHARS_MAX));
        assert_eq!((refusals.total_of("loud"), refusals.total_of("nobody")), (1_007, 0));
        assert_eq!(refusals.by_code(), [("missing", 1), ("scope", 1_007)].into());
    }
}
